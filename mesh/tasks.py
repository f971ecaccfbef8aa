"""Ending tasks for sure."""

import asyncio
from collections.abc import Iterable
from typing import Any

_ASK_AGAIN_SECONDS = 0.2


async def cancel(tasks: "Iterable[asyncio.Task[Any]]") -> None:
    """Returns when all have ended. Asks again: wait_for, in drivers, can swallow a cancellation before Python 3.12."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_ASK_AGAIN_SECONDS)
