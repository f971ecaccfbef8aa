"""Tasks end for sure, also those that swallow being cancelled."""

import asyncio
from contextlib import suppress

from mesh.tasks import cancel


async def test_a_task_that_swallows_a_cancellation_ends_all_the_same() -> None:
    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await cancel([task])
    assert task.cancelled()


async def test_no_tasks_are_ended_at_once() -> None:
    await cancel([])
