"""What is taken on is finished; what is beyond is refused at once."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest

from mesh.errors import LimitReached
from mesh.status_details import from_rpc_error
from tests.mesh.probe import Headers, Probe, Request, Response, World, bearer, probing, read_all
from tests.mesh.waiting import until


@pytest.fixture
async def small(world: World) -> AsyncIterator[Probe]:
    """A probe that works on two calls and keeps two streams open at once."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(probing(world, MAX_CONCURRENT_CALLS="2", MAX_OPEN_STREAMS="2"))


class Gate:
    """Holds up whoever comes until it is opened."""

    def __init__(self, probe: Probe) -> None:
        self.opened = asyncio.Event()
        self.inside = 0
        probe.servicer.behaviour = self.work
        probe.servicer.streaming = self.stream

    async def work(self, _request: Any) -> Any:
        self.inside += 1
        await self.opened.wait()
        return Response()

    async def stream(self, request: Any) -> AsyncGenerator[Any]:
        yield await self.work(request)


async def watch(probe: Probe, headers: Headers) -> None:
    await read_all(probe.stub().Watch(Request(), metadata=headers))


async def test_calls_beyond_the_capacity_are_refused_at_once_and_the_others_finished(small: Probe) -> None:
    gate, account = Gate(small), small.customer()
    stub, headers = small.stub(), bearer(account.token)
    running = [asyncio.ensure_future(stub.Read(Request(), metadata=headers, timeout=10)) for _ in range(2)]
    await until(lambda: gate.inside == 2)
    for _ in range(20):
        started = time.monotonic()
        with pytest.raises(LimitReached, match="OVERLOADED") as refused:
            await small.call("Read", None, account)
        assert time.monotonic() - started < 1  # most of it is the handshake of a new connection
        assert refused.value.retry_after_seconds == 1
    gate.opened.set()
    await asyncio.gather(*running)
    await small.call("Read", None, account)


async def test_streams_have_a_capacity_of_their_own(small: Probe) -> None:
    gate, account = Gate(small), small.customer()
    headers = bearer(account.token)
    running = [asyncio.create_task(watch(small, headers)) for _ in range(2)]
    await until(lambda: gate.inside == 2)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await watch(small, headers)
    assert from_rpc_error(refused.value, "probe").reason == "OVERLOADED"
    gate.opened.set()
    await asyncio.gather(*running)
    await small.call("Read", None, account)


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_capacity_comes_back_however_a_call_ends(end: str, small: Probe) -> None:
    gate, account = Gate(small), small.customer()
    stub, headers = small.stub(), bearer(account.token)
    for turn in range(1, 5):
        call = stub.Read(Request(), metadata=headers, timeout=10 if end == "cancelled" else 0.05)
        stream = stub.Watch(Request(), metadata=headers)
        await until(lambda: gate.inside >= 2 * turn)  # noqa: B023 - waited for within the turn
        call.cancel() if end == "cancelled" else await asyncio.wait([asyncio.ensure_future(call.code())])
        stream.cancel()
    gate.opened.set()
    await until(lambda: can_call(small, account), 5, "there is room again")


async def can_call(probe: Probe, account: Any) -> bool:
    try:
        await probe.call("Read", None, account)
    except LimitReached:
        return False
    return True
