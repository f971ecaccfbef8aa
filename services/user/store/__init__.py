"""What user keeps in MongoDB."""
