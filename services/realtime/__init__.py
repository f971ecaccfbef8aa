"""What happens right now: live events to those who may see them, and where a provider on the way is."""
