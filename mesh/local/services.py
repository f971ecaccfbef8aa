"""The services that the local stack starts, each as `python -m services.<name>`."""

SERVICES = ("auth", "user", "booking", "realtime", "notification", "payment", "chat", "analytics")
RATE_LIMIT = "ratelimit"
"""What the edges count together with, `python -m gateway.ratelimit`: started with the edge."""
