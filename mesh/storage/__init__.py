"""Where services keep state: documents in MongoDB, short-lived things in Redis."""
