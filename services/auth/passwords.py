"""Passwords as argon2id hashes [RFC 9106; OWASP: 19 MiB, two passes, one lane], and how soon one would be guessed; on threads."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from mesh.errors import InvalidInput

_AT_ONCE = 2  # each takes 19 MiB and a core
_FEWEST_GUESSES = 10_000_000
_LONGEST_JUDGED = 72  # what is longer is judged by its beginning: the time that it takes grows faster than the length


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

    async def require_uncommon(self, password: str) -> None:
        guesses = await asyncio.get_running_loop().run_in_executor(self._threads, _guesses, password)
        if guesses < _FEWEST_GUESSES:
            raise InvalidInput("PASSWORD_TOO_COMMON", "This password is among the first that somebody would try.")

    async def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _guesses(password: str) -> int:
    """How many guesses it takes who tries common passwords, words, names, dates, keyboard rows and repetitions first [zxcvbn]."""
    return int(zxcvbn(password[:_LONGEST_JUDGED], user_inputs=["marketplace"])["guesses"])
