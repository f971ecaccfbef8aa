"""What the use cases need from outside."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from mesh.clock import Clock
from services.realtime.model import Caller, LocationPoint, Participation, Position, Stretch, Told


class Bookings(Protocol):
    """Who takes part in a booking."""

    async def participation(self, booking_id: str, caller: Caller) -> Participation:
        """Asks with the caller's rights. Raises NotFound (BOOKING_NOT_FOUND)."""
        ...


class Sessions(Protocol):
    """Whether an access token is still good."""

    async def require(self, token: str) -> None:
        """Raises Unauthenticated (TOKEN_EXPIRED, TOKEN_INVALID)."""
        ...


class History(Protocol):
    """The latest events of each account. A cache: losing it begins a new epoch, in which nothing can be resumed."""

    async def add(self, account_id: str, event_id: str, told: Told) -> None:
        """Adds an event, once for each event id. Raises Unavailable."""
        ...

    async def read(self, account_id: str, after: Position | None) -> Stretch:
        """What came after a position, oldest first, as much as is read at once. Raises Unavailable."""
        ...

    async def forget(self, account_id: str) -> None:
        """Forgets everything of an account; its epoch ends. Raises Unavailable."""
        ...


class Locations(Protocol):
    """The newest place of each provider on the way."""

    async def advance(self, booking_id: str, points: Sequence[LocationPoint]) -> int | None:
        """Keeps the newest of the points, which come oldest first. Gives how many were newer than the known one; None: closed."""
        ...

    async def newest(self, booking_id: str) -> LocationPoint | None:
        """The newest point, while there is one to tell."""
        ...

    async def close(self, booking_id: str) -> None:
        """Forgets the place, and takes no more points of this booking."""
        ...


class Listener(Protocol):
    """Somebody who waits for something to happen."""

    def listen_to(self, *keys: str) -> None:
        """Listens to these keys instead of those before, and looks once more."""
        ...

    async def wait(self, seconds: float) -> None:
        """Returns when the bell has rung since the last wait, and after these seconds without."""
        ...


class Bell(Protocol):
    """Rings in every process for an account whose stream went on, or a booking whose provider moved. It may be missed."""

    async def ring(self, *keys: str) -> None:
        """Rings; fails silently."""
        ...

    def listen(self, *keys: str) -> AbstractContextManager[Listener]:
        """Listens until the block ends."""
        ...


@dataclass(frozen=True)
class Ports:
    """All of it."""

    bookings: Bookings
    sessions: Sessions
    history: History
    locations: Locations
    bell: Bell
    clock: Clock
    heartbeat_seconds: float
