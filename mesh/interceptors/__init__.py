"""The server's chain, one concern a file. mesh/server.py puts it together."""
