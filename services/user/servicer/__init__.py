"""The two gRPC services of user."""
