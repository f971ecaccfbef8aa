"""The gRPC services of auth, one a file: decode, call the use case, encode."""
