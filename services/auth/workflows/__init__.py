"""The use cases of auth, one subject a file."""
