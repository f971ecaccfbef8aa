"""The real Envoy, with the rendered configuration, before real gRPC servers with the production chain."""
