"""Ending tasks for sure, and ending in order although one is told to end again."""

import asyncio
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any

_ASK_AGAIN_SECONDS = 0.2


async def cancel(tasks: "Iterable[asyncio.Task[Any]]") -> None:
    """Returns when all have ended. Asks again: wait_for, in drivers, can swallow a cancellation before Python 3.12."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_ASK_AGAIN_SECONDS)


async def outlast(work: Coroutine[Any, Any, object], seconds: float) -> None:
    """Returns when the work has ended, after these seconds at the latest, however often the caller is cancelled meanwhile.

    For what a task still has to do when it was cancelled: `cancel` cancels it again and again.
    """
    task = asyncio.create_task(work)
    give_up = asyncio.get_running_loop().time() + seconds
    while not task.done() and (left := give_up - asyncio.get_running_loop().time()) > 0:
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task}, timeout=left)
    task.cancel()
