"""The demo and the stack that stays up, as a user sees them."""
