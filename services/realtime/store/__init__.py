"""What realtime keeps, in Redis: the latest events of each account, and the newest place of each provider on the way."""
