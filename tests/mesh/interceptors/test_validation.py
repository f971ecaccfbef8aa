"""What a request must be like before a servicer sees it."""

import random
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from mesh.errors import FieldViolation, InvalidInput, MeshError
from mesh.status_details import from_rpc_error
from tests.mesh.probe import METHODS, Item, Probe, Request, Response, bearer, read_all

PATH = METHODS["Read"].path


def raw_caller(probe: Probe) -> Callable[[bytes], Any]:
    """Sends bytes as they are."""
    send: Any = probe.channel().unary_unary(PATH, None, Response.FromString)
    headers = bearer(probe.customer().token)
    return lambda request: send(request, metadata=headers, timeout=5)


async def outcome(call: Any) -> MeshError | None:
    try:
        await call
    except grpc.aio.AioRpcError as failure:
        if failure.code() != grpc.StatusCode.INVALID_ARGUMENT:
            raise
        return from_rpc_error(failure, "probe")
    return None


async def test_every_broken_rule_is_told_with_the_path_of_its_field(probe: Probe) -> None:
    request = Request(text="x" * 101, number=10, items=[Item(name="fine"), Item(), Item(name="y" * 11)])
    with pytest.raises(InvalidInput, match="REQUEST_INVALID") as refused:
        await probe.call("Read", request, probe.customer())
    violations = {each.field: each.description for each in refused.value.violations}
    assert set(violations) == {"text", "number", "items[1].name", "items[2].name"}
    assert refused.value.violations[0] == FieldViolation("text", violations["text"])
    assert refused.value.message.startswith("text ")
    assert all(violations.values())
    assert not probe.servicer.calls


async def test_a_stream_is_validated_before_it_begins(probe: Probe) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await read_all(probe.stub().Watch(Request(number=-1), metadata=bearer(probe.customer().token), timeout=5))
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert not probe.servicer.calls


async def test_who_calls_is_decided_before_what_they_say_is_read(probe: Probe) -> None:
    send: Any = probe.channel("chat").unary_unary(PATH, None, None)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await send(b"\xff", timeout=5)
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED


BROKEN = {
    "no tag": b"\xff\xff\xff\xff",
    "a length beyond the end": b"\x0a\x7ftext",
    "a group without end": b"\x0b",
    "a field number of zero": b"\x02\x00",
    "bad UTF-8": b"\x0a\x02\xc3\x28",
    "a varint without end": b"\x10" + b"\x80" * 11,
    "nested broken": b"\x1a\x02\x0a\x05",
}


@pytest.mark.parametrize("frame", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_frame_is_the_callers_fault(frame: bytes, probe: Probe) -> None:
    found = await outcome(raw_caller(probe)(frame))
    assert found is not None
    assert found.reason == "REQUEST_INVALID"
    assert not probe.servicer.calls


async def test_whatever_bytes_come_are_answered_or_refused_as_wrong(probe: Probe) -> None:
    send = raw_caller(probe)
    outcomes = [await outcome(send(frame)) for frame in frames(300)]
    assert None in outcomes
    assert any(outcomes)


def frames(count: int) -> list[bytes]:
    """Good messages with some of their bytes changed, the same at each run."""
    chance = random.Random(7)
    good = Request(text="text", number=3, items=[Item(name="one"), Item(name="two")], account_id="acc").SerializeToString()
    made = []
    for _ in range(count):
        frame = bytearray(good[: chance.randrange(len(good) + 1)])
        for _ in range(min(len(frame), chance.randrange(4))):
            frame[chance.randrange(len(frame))] = chance.randrange(256)
        made.append(bytes(frame))
    return made


async def test_fields_that_we_do_not_know_are_passed_over(probe: Probe) -> None:
    assert await outcome(raw_caller(probe)(Request(text="hello").SerializeToString() + b"\xa0\x1f\x01")) is None


async def test_a_message_larger_than_a_mebibyte_is_refused_at_once(probe: Probe) -> None:
    send = raw_caller(probe)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await send(Request(account_id="x" * (1 << 20)).SerializeToString())
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not probe.servicer.calls
