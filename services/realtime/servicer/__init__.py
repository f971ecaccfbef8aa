"""The doors: gRPC and WebSocket, with the same frames."""
