"""What the use cases need from outside."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from services.chat.model import Message, Parties

T = TypeVar("T")


class Bookings(Protocol):
    """Who takes part in a booking."""

    async def parties(self, booking_id: str) -> Parties:
        """Asks on behalf of the caller. Raises NotFound (CONVERSATION_NOT_FOUND)."""
        ...


class Messages(Protocol):
    """The stored conversations. Everything inside one transaction takes effect together."""

    async def transaction(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs the work in a transaction; it may run more than once."""
        ...

    async def find(self, message_id: str) -> Message | None:
        """The message with this id."""
        ...

    async def last_sequence(self, booking_id: str) -> int:
        """The number of the newest message; 0 when there is none."""
        ...

    async def add(self, message: Message) -> None:
        """Stores a message and publishes that it was sent. Of two with one number, one transaction runs again."""
        ...

    async def after(self, booking_id: str, sequence: int, limit: int) -> list[Message]:
        """The messages with a higher number, oldest first."""
        ...


class Blocks(Protocol):
    """Who has blocked whom. Takes part in the running transaction."""

    async def put(self, blocker_id: str, blocked_id: str, *, is_blocked: bool, revision: int) -> None:
        """Keeps it unless something with a higher revision is there."""
        ...

    async def is_between(self, one_id: str, other_id: str) -> bool:
        """Whether one of the two has blocked the other."""
        ...


class Listener(Protocol):
    """Somebody who waits for a conversation to go on."""

    async def wait(self) -> None:
        """Returns when the bell has rung since the last wait, and after a while without."""
        ...


class Bell(Protocol):
    """Rings in every process when a conversation has a new message. It may be missed: whoever listens looks now and then too."""

    async def ring(self, booking_id: str) -> None:
        """Rings; fails silently."""
        ...

    def listen(self, booking_id: str) -> AbstractContextManager[Listener]:
        """Listens until the block ends."""
        ...
