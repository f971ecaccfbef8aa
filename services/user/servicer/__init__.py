"""The gRPC services of user."""
