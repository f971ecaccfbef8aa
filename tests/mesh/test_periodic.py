"""Work that is done again and again: when it runs, one run at a time, and that a failure does not end it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count

import pytest
from prometheus_client import REGISTRY

from mesh.errors import Unavailable
from mesh.periodic import Wake, run_periodically
from mesh.tracing import current_trace
from tests.mesh.conftest import Logged
from tests.mesh.waiting import until

SOON, NEVER = 0.01, 1000.0
_turn = count()


class Work:
    """Notes its runs; each does what the test says."""

    def __init__(self, behave: Callable[[], Awaitable[None]] | None = None) -> None:
        self.name = f"work {next(_turn)}"
        self.runs = 0
        self.at_once = 0
        self.most_at_once = 0
        self.wake = Wake()
        self._behave = behave

    async def run(self) -> None:
        self.runs += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            if self._behave is not None:
                await self._behave()
        finally:
            self.at_once -= 1

    async def has_run(self, times: int) -> None:
        await until(lambda: self.runs >= times and not self.at_once, what=f"{self.name} has run {times} times")

    @property
    def failures(self) -> float | None:
        return REGISTRY.get_sample_value("mesh_periodic_failures_total", {"name": self.name})


@asynccontextmanager
async def going_on(work: Work, seconds: float) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(run_periodically(work.name, seconds, work.run, work.wake))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_it_runs_at_once_and_then_not_before_its_turn() -> None:
    work = Work()
    async with going_on(work, NEVER):
        await work.has_run(1)
        for _ in range(20):
            await asyncio.sleep(0)
        assert work.runs == 1


async def test_it_runs_again_after_the_pause() -> None:
    work = Work()
    async with going_on(work, SOON):
        await work.has_run(4)


async def test_it_is_woken_before_its_turn() -> None:
    work = Work()
    async with going_on(work, NEVER):
        for times in range(1, 4):
            await work.has_run(times)
            work.wake.set()
        await work.has_run(4)


async def test_to_be_woken_while_it_runs_makes_one_more_run_and_never_two_at_once() -> None:
    may_end = asyncio.Event()
    work = Work(lambda: wait_for(may_end))
    async with going_on(work, NEVER):
        await until(lambda: work.at_once == 1)
        work.wake.set()
        work.wake.set()
        await asyncio.sleep(0)
        assert work.runs == 1
        may_end.set()
        await work.has_run(2)
        for _ in range(20):
            await asyncio.sleep(0)
        assert (work.runs, work.most_at_once) == (2, 1)


async def wait_for(event: asyncio.Event) -> None:
    await event.wait()


@pytest.mark.parametrize(
    "error, told",
    [
        (Unavailable("DEPENDENCY_UNAVAILABLE", "The secret does not answer."), {"reason": "DEPENDENCY_UNAVAILABLE"}),
        (RuntimeError("a secret"), {"exception": "RuntimeError"}),
    ],
)
async def test_a_failure_is_logged_and_counted_and_the_work_goes_on(
    logged: Logged, error: Exception, told: dict[str, str]
) -> None:
    async def fail() -> None:
        raise error

    work = Work(fail)
    async with going_on(work, SOON):
        await work.has_run(3)
    lines = logged.named("periodic work failed")
    assert len(lines) >= 3
    assert work.failures == len(lines)
    assert all(told.items() <= line.items() and line["work"] == work.name for line in lines)
    assert "secret" not in logged.text


async def test_what_has_not_failed_shows_a_count_of_zero() -> None:
    work = Work()
    async with going_on(work, NEVER):
        await work.has_run(1)
        assert work.failures == 0


async def test_each_run_is_a_trace_of_its_own(logged: Logged) -> None:
    traces: list[str] = []

    async def fail() -> None:
        traces.append(current_trace().trace_id)
        raise RuntimeError

    work = Work(fail)
    async with going_on(work, SOON):
        await work.has_run(3)
    assert len(set(traces)) == len(traces)
    assert [line["trace_id"] for line in logged.named("periodic work failed")] == traces


async def test_it_ends_when_it_is_cancelled_in_a_run_and_in_a_pause() -> None:
    work = Work(lambda: wait_for(asyncio.Event()))
    async with going_on(work, NEVER) as task:
        await until(lambda: work.at_once == 1)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        assert work.at_once == 0
    pausing = Work()
    async with going_on(pausing, NEVER) as task:
        await pausing.has_run(1)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
