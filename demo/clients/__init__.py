"""Clients of the edge, written from the published contract alone: REST, gRPC-web and WebSocket."""
