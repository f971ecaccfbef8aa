"""Whose turn it is to use the database. Everybody else waits here, and may give up here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mesh.errors import Unavailable

MOST_CONNECTIONS = 100
_MOST_TURNS = MOST_CONNECTIONS - 10  # probes and indexes take none


class Turns:
    """Lets no more operations at the driver than it has connections.

    Who gives up while waiting inside the driver can leave its pool locked for good: PyMongo waits for a connection by wait_for,
    which before Python 3.12 can lose a cancellation.
    """

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_MOST_TURNS)

    @asynccontextmanager
    async def turn(self, give_up: float) -> AsyncIterator[None]:
        """Waits for a turn until this moment of the loop's clock. Raises Unavailable when none came."""
        try:
            async with asyncio.timeout_at(give_up):
                await self._free.acquire()
        except TimeoutError:
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "The database is too busy.", retry_after_seconds=1) from None
        try:
            yield
        finally:
            self._free.release()
