"""Calls to peers: what travels with them, how long they may take; and what they raise."""

import asyncio
import itertools
from contextlib import AsyncExitStack
from typing import Any

import pytest

from mesh.channels import Channels
from mesh.errors import DeadlinePassed, FieldViolation, InvalidInput, NotFound, Unavailable
from mesh.tracing import current_trace
from tests.mesh.peers import failing, serve_call
from tests.mesh.probe import Probe, Request, Response, Stub, World, probing, read_all
from tests.mesh.waiting import until


async def test_the_end_users_token_travels_with_the_call(probe: Probe, stub: Any) -> None:
    call = serve_call(probe)
    await stub.Read(Request())
    assert probe.servicer.call.account == call.account
    assert probe.servicer.call.caller == "booking"


async def test_the_end_users_token_never_goes_to_a_public_method(probe: Probe, stubs: dict[str, Any]) -> None:
    serve_call(probe)
    await stubs["gateway"].Greet(Request())
    assert "authorization" not in probe.servicer.call.metadata


async def test_work_that_serves_no_call_acts_as_the_service(probe: Probe, stub: Any) -> None:
    await stub.ReadInside(Request())
    assert (probe.servicer.call.account, probe.servicer.call.caller) == (None, "booking")


async def test_the_trace_goes_on_at_the_peer(probe: Probe, stub: Any) -> None:
    await stub.ReadInside(Request())
    assert probe.servicer.call.trace_id == current_trace().trace_id


async def test_what_the_peer_raised_is_raised_here_with_all_that_it_said(probe: Probe, stub: Any) -> None:
    failing(probe, NotFound("THING_NOT_FOUND", "There is no such thing.", {"thing": "7"}))
    with pytest.raises(NotFound, match="THING_NOT_FOUND") as raised:
        await stub.ReadInside(Request())
    assert (raised.value.message, raised.value.metadata) == ("There is no such thing.", {"thing": "7"})
    assert raised.value.domain == "probe.marketplace"
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


async def test_violations_come_back_as_they_were(stub: Any) -> None:
    with pytest.raises(InvalidInput) as raised:
        await stub.ReadInside(Request(number=99))
    [violation] = raised.value.violations
    assert isinstance(violation, FieldViolation)
    assert violation.field == "number"


async def test_a_defect_of_the_peer_is_its_outage_to_us(probe: Probe, stub: Any) -> None:
    failing(probe, RuntimeError("a defect"))
    with pytest.raises(Unavailable, match="DEPENDENCY_UNAVAILABLE") as raised:
        await stub.ReadInside(Request())
    assert raised.value.metadata == {"dependency": "probe"}


async def test_a_stream_gives_messages_and_then_the_typed_error(probe: Probe, stub: Any) -> None:
    serve_call(probe)
    assert await read_all(stub.Watch(Request(text="a"))) == ["a 0", "a 1", "a 2"]

    async def fail(_request: Any) -> Any:
        yield Response(text="first")
        raise NotFound("THING_NOT_FOUND", "It has gone.")

    probe.servicer.streaming = fail
    got: list[str] = []
    with pytest.raises(NotFound, match="THING_NOT_FOUND"):
        await read_all(stub.Watch(Request()), got)
    assert got == ["first"]


async def test_closing_a_stream_ends_the_call(probe: Probe, stub: Any) -> None:
    ended = asyncio.Event()

    async def endless(_request: Any) -> Any:
        try:
            while True:
                yield Response()
                await asyncio.sleep(0.001)
        finally:
            ended.set()

    serve_call(probe)
    probe.servicer.streaming = endless
    stream = stub.Watch(Request())
    await anext(stream)
    await stream.aclose()
    await asyncio.wait_for(ended.wait(), 2)


class Scope:
    scope = "idk_1"


async def test_within_a_keyed_call_the_same_request_has_the_same_key_and_another_one_another(probe: Probe, stub: Any) -> None:
    serve_call(probe, scope=Scope())
    for text in ("a", "a", "b"):
        await stub.WriteMaybeWithKey(Request(text=text))
    first, again, other = (call.metadata["idempotency-key"] for call in probe.servicer.calls)
    assert first == again != other


async def test_a_key_that_is_given_is_the_one_that_is_sent(probe: Probe, stub: Any) -> None:
    serve_call(probe, scope=Scope())
    await stub.WriteMaybeWithKey(Request(), metadata=[("idempotency-key", "mine")])
    assert probe.servicer.call.metadata["idempotency-key"] == "mine"


@pytest.mark.parametrize("left, timeout, most", [(1.0, None, 0.951), (1.0, 0.5, 0.5), (60.0, None, 5.0)])
async def test_a_call_ends_before_the_call_that_it_is_a_part_of(
    left: float, timeout: float | None, most: float, probe: Probe, stub: Any
) -> None:
    serve_call(probe, seconds_left=left)
    await stub.Read(Request(), timeout=timeout)
    deadline = probe.servicer.call.deadline
    assert deadline is not None
    assert most - 0.5 < deadline - asyncio.get_running_loop().time() <= most


async def test_a_call_whose_time_is_over_is_not_made(probe: Probe, stub: Any) -> None:
    serve_call(probe, seconds_left=-0.1)
    with pytest.raises(DeadlinePassed, match="DEADLINE_PASSED"):
        await stub.Read(Request())
    with pytest.raises(DeadlinePassed):
        await read_all(stub.Watch(Request()))
    assert not probe.servicer.calls


async def test_three_hops_share_one_deadline_and_stop_together_when_the_client_goes_away(world: World) -> None:
    async with AsyncExitStack() as stack:
        hops = [await stack.enter_async_context(probing(world)) for _ in range(3)]
        ended = asyncio.Event()

        async def endless(_request: Any) -> Any:
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()

        for here, there in itertools.pairwise(hops):
            onward = Channels(world.settings("booking", PEER_ADDRESSES=f"probe={there.address}"))
            stack.push_async_callback(onward.close)
            stub: Any = onward.stub(Stub, "probe")
            here.servicer.behaviour = stub.Read
        hops[-1].servicer.behaviour = endless
        account = world.signer.account("customer")
        running = asyncio.create_task(hops[0].call("Read", None, account))
        await until(lambda: bool(hops[-1].servicer.calls))
        deadlines = [hop.servicer.call.deadline or 0.0 for hop in hops]
        assert deadlines[0] > deadlines[1] > deadlines[2] > 0
        assert {hop.servicer.call.account for hop in hops} == {account}
        assert len({hop.servicer.call.trace_id for hop in hops}) == 1
        running.cancel()
        await asyncio.wait_for(ended.wait(), 0.1)
