"""Passwords as argon2id hashes [RFC 9106; OWASP: 19 MiB, two passes, one lane], made on threads of their own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_AT_ONCE = 2  # each takes 19 MiB and a core


class ArgonPasswords:
    """The port Passwords."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")
        self._nobodys = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        stored = password_hash or self._nobodys  # verified all the same, so that the time tells nothing
        is_right = await asyncio.get_running_loop().run_in_executor(self._threads, self._verify, stored, password)
        return is_right and password_hash is not None

    async def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
