"""Tasks end for sure, also those that swallow being cancelled."""

import asyncio
from contextlib import suppress

from mesh.tasks import cancel, outlast


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


async def test_what_a_task_has_to_do_at_its_end_is_done_however_often_it_is_told_to_end() -> None:
    done: list[str] = []

    async def last_words() -> None:
        await asyncio.sleep(0.7)  # longer than it takes to be told again
        done.append("said")

    async def orderly() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await outlast(last_words(), 5)

    task = asyncio.create_task(orderly())
    await asyncio.sleep(0)
    await cancel([task])
    assert (done, task.cancelled()) == (["said"], True)


async def test_what_a_task_has_to_do_at_its_end_is_given_up_in_time() -> None:
    async def endless() -> None:
        await asyncio.sleep(60)

    async with asyncio.timeout(5):
        await outlast(endless(), 0.1)
