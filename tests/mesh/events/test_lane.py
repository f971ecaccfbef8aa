"""One partition's records are handled one by one, and its position never passes one that is not done with."""

import asyncio
from collections.abc import Callable

import pytest

from mesh.events.dead_letters import ReceivedRecord
from mesh.events.lane import Lane
from tests.mesh.waiting import until


def records(*offsets: int) -> list[ReceivedRecord]:
    return [ReceivedRecord("t", 0, offset, None, None, []) for offset in offsets]


class Handler:
    """Handles as many records as it may."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.failures: list[BaseException] = []
        self.allowed = asyncio.Semaphore(0)
        self.defect: Exception | None = None

    async def handle(self, record: ReceivedRecord) -> None:
        self.begun.append(record.offset)
        await self.allowed.acquire()
        if self.defect is not None:
            raise self.defect
        self.ended.append(record.offset)

    def may(self, count: int) -> None:
        for _ in range(count):
            self.allowed.release()

    def has_ended(self, count: int) -> Callable[[], bool]:
        return lambda: len(self.ended) == count


@pytest.fixture
async def handler() -> Handler:
    return Handler()


@pytest.fixture
async def lane(handler: Handler) -> Lane:
    return Lane(asyncio.get_running_loop(), handler.handle, handler.failures.append)


async def test_the_next_record_waits_for_the_last_one(lane: Lane, handler: Handler) -> None:
    await asyncio.to_thread(lane.put, records(5, 6))
    await asyncio.to_thread(lane.put, records(9))
    await until(lambda: handler.begun == [5])
    assert (lane.position, lane.resume_at, lane.waiting) == (None, 5, 3)
    handler.may(1)
    await until(lambda: handler.begun == [5, 6])
    assert (lane.position, lane.resume_at, lane.waiting) == (6, 6, 2)
    handler.may(2)
    await until(handler.has_ended(3))
    await until(lambda: lane.waiting == 0)
    assert lane.position == 10
    await lane.close(1)


async def test_closing_lets_the_record_at_work_end_and_drops_the_others(lane: Lane, handler: Handler) -> None:
    lane.put(records(1, 2, 3))
    await until(lambda: handler.begun == [1])
    closing = asyncio.create_task(lane.close(10))
    await asyncio.sleep(0)
    lane.put(records(4))
    handler.may(4)
    await closing
    assert handler.begun == handler.ended == [1]
    assert lane.position == 2


async def test_closing_gives_up_a_record_that_takes_too_long(lane: Lane, handler: Handler) -> None:
    lane.put(records(1))
    await until(lambda: handler.begun == [1])
    await lane.close(0.01)
    assert lane.position is None
    assert handler.ended == []
    assert handler.failures == []


async def test_a_defect_ends_the_lane_and_is_told_and_the_record_is_not_passed(lane: Lane, handler: Handler) -> None:
    handler.may(1)
    lane.put(records(1, 2, 3))
    await until(lambda: lane.position == 2)
    handler.defect = RuntimeError("a defect")
    handler.may(5)
    await until(lambda: handler.failures == [handler.defect])
    assert lane.position == 2
    assert handler.begun == [1, 2]
    await lane.close(1)


async def test_an_idle_lane_closes_at_once(lane: Lane) -> None:
    async with asyncio.timeout(1):
        await lane.close(60)
    assert lane.position is None
