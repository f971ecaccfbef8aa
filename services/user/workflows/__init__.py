"""The use cases of user."""
