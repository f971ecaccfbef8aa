"""Identifiers: a readable prefix, then 26 characters that sort by the time of their making (ULID)."""

import hashlib
import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """A new id such as `bkg_01j9…`; 48 bits of milliseconds, 80 random bits [ULID specification]."""
    return f"{prefix}_{_encode((time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10))):}"


def derived_id(prefix: str, *parts: str) -> str:
    """The same id for the same parts, always: what makes a repeated attempt find what the first one made."""
    digest = hashlib.sha256("\x1f".join((prefix, *parts)).encode()).digest()
    return f"{prefix}_{_encode(int.from_bytes(digest[:16]))}"


def _encode(value: int) -> str:
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))
