"""Every call ends: by its own deadline, its caller's, or because its caller went away."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import grpc
import pytest

from mesh.call import current_call
from mesh.errors import DeadlinePassed
from mesh.status_details import from_rpc_error
from tests.mesh.probe import Probe, Request, Response, bearer, read_all
from tests.mesh.waiting import until


class Endless:
    """Work that ends only when it is ended."""

    def __init__(self, probe: Probe) -> None:
        self.began = asyncio.Event()
        self.ended_at = 0.0
        self.deadline: float | None = None
        probe.servicer.behaviour = self.work
        probe.servicer.streaming = self.stream

    async def work(self, _request: Any) -> Any:
        self.deadline = current_call().deadline
        self.began.set()
        try:
            await asyncio.sleep(60)
        finally:
            self.ended_at = time.monotonic()

    async def stream(self, request: Any) -> AsyncGenerator[Any]:
        yield Response(text="first")
        await self.work(request)


async def test_the_contracts_deadline_ends_a_call_whose_caller_would_wait_longer(probe: Probe) -> None:
    work, started = Endless(probe), time.monotonic()
    with pytest.raises(DeadlinePassed, match="DEADLINE_PASSED") as over:
        await probe.call("ReadBriefly", caller="booking")
    assert over.value.domain == "mesh.marketplace"
    assert 0.19 < work.ended_at - started < 1


async def test_the_contracts_deadline_ends_a_stream_too(probe: Probe) -> None:
    work = Endless(probe)
    got: list[str] = []
    with pytest.raises(grpc.aio.AioRpcError) as over:
        await read_all(probe.stub("booking").WatchBriefly(Request(), timeout=10), got)
    assert got == ["first"]
    assert from_rpc_error(over.value, "probe").reason == "DEADLINE_PASSED"
    assert work.ended_at


async def test_the_callers_deadline_ends_a_call_that_the_contract_would_let_run(probe: Probe) -> None:
    work, started = Endless(probe), time.monotonic()
    with pytest.raises(grpc.aio.AioRpcError) as over:
        await probe.stub().Read(Request(), metadata=bearer(probe.customer().token), timeout=0.2)
    assert over.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - started < 1
    await until(lambda: work.ended_at > 0, 1, "the work has ended")


@pytest.mark.parametrize("timeout, most", [(None, 5.0), (2.0, 2.0), (30.0, 5.0)])
async def test_what_is_served_knows_the_sooner_of_both_deadlines(timeout: float | None, most: float, probe: Probe) -> None:
    await probe.stub().Read(Request(), metadata=bearer(probe.customer().token), timeout=timeout)
    deadline = probe.servicer.call.deadline
    assert deadline is not None
    assert most - 1 < deadline - asyncio.get_running_loop().time() <= most


async def test_a_stream_without_a_limit_has_none(probe: Probe) -> None:
    assert await read_all(probe.stub().Watch(Request(), metadata=bearer(probe.customer().token))) == [" 0", " 1", " 2"]
    assert probe.servicer.call.deadline is None


async def test_work_stops_within_100_ms_when_its_caller_goes_away(probe: Probe) -> None:
    work = Endless(probe)
    call = probe.stub().Read(Request(), metadata=bearer(probe.customer().token), timeout=10)
    await work.began.wait()
    call.cancel()
    assert await until(lambda: work.ended_at > 0, 2, "the work has ended") < 0.1


async def test_a_stream_stops_within_100_ms_when_its_reader_goes_away(probe: Probe) -> None:
    work = Endless(probe)
    stream = probe.stub().Watch(Request(), metadata=bearer(probe.customer().token))
    async for _ in stream:
        break
    await work.began.wait()
    stream.cancel()
    assert await until(lambda: work.ended_at > 0, 2, "the work has ended") < 0.1


async def test_a_timeout_inside_the_work_is_not_taken_for_the_calls_own(probe: Probe) -> None:
    async def fail(_request: Any) -> Any:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)

    probe.servicer.behaviour = fail
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await probe.stub("booking").ReadBriefly(Request(), timeout=5)
    assert failed.value.code() == grpc.StatusCode.INTERNAL
