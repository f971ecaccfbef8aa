"""What booking keeps: documents and queries in MongoDB, an index of areas in Redis."""
