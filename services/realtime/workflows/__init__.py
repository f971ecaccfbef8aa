"""The use cases of realtime."""
