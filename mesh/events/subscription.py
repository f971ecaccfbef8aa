"""What a service listens to: one event, one handler, one name."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from google.protobuf.message import Message

E = TypeVar("E", bound=Message)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came with an event."""

    event_id: str
    occurred_time: datetime
    key: str
    traceparent: str
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Subscription(Generic[E]):
    """A handler for one event.

    The handler runs in a transaction that also remembers the event, so that it takes effect once; it makes no remote call. It
    runs again when it raises Unavailable, DeadlinePassed, LimitReached (without end) or anything else (a few times, after which
    the event becomes a dead letter).
    """

    event: type[E]
    handler: Callable[[E, Delivery], Awaitable[None]]
    name: str  # unique in the service and never changed: the inbox knows by it what has been handled
