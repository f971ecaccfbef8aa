"""The three gRPC services of booking, one a file."""
