"""Payments of bookings: authorize, capture and void at Stripe, every cent in a double-entry ledger."""
