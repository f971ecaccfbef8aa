"""The transaction that the running task is in, if any. Only mesh/storage opens one; everything it reads and writes takes part."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession


@dataclass(slots=True)
class Ambient:
    """An open transaction: its session, whose task it is, and what to do when it ends."""

    database_name: str
    session: AsyncClientSession
    task: "asyncio.Task[Any] | None"
    has_published: bool = False
    on_abort: list[Callable[[], None]] = field(default_factory=list)
    is_open: bool = True


_ambient: ContextVar[Ambient | None] = ContextVar("transaction", default=None)


def current_ambient(database_name: str) -> Ambient | None:
    """The running task's transaction on this database. Raises RuntimeError in a task that merely inherited its context.

    A session serves one task at a time, so `gather` and `wait_for` around storage calls do not work inside a transaction.
    """
    ambient = _ambient.get()
    if ambient is None or not ambient.is_open:
        return None
    if ambient.task is not asyncio.current_task():
        raise RuntimeError("a transaction belongs to the task that opened it")
    if ambient.database_name != database_name:
        raise RuntimeError("a transaction spans one database only")
    return ambient


@contextmanager
def entered(ambient: Ambient) -> Iterator[None]:
    """Makes this the running task's transaction until the block ends."""
    token = _ambient.set(ambient)
    try:
        yield
    finally:
        ambient.is_open = False
        _ambient.reset(token)
