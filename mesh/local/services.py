"""The services that the local stack starts, each as `python -m services.<name>`."""

SERVICES = ("auth", "user", "booking", "realtime", "notification", "payment", "chat", "analytics")
