"""Accounts, sessions and what proves who somebody is, with their rules. Pure: hashing, signing and storing are done elsewhere."""
