"""What auth keeps: in MongoDB what must be true, in Redis what fails too often."""
