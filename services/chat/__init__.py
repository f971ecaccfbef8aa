"""Conversations of bookings: ordered, deduplicated, between the two parties alone."""
