"""Calls to peers that fail: when they are repeated, and how long an outage lasts."""

import asyncio
import dataclasses
import json
import re
from contextlib import AsyncExitStack
from typing import Any

import pytest

from mesh import channels as channels_module
from mesh import contract, errors
from mesh.channels import Channels, service_config
from mesh.errors import Unavailable
from mesh.local.ports import free_port
from tests.mesh.peers import failing, serve_call
from tests.mesh.probe import METHODS, NAME, Probe, Request, Stub, World, probing
from tests.mesh.waiting import until

RETRIED = [
    name
    for name, method in METHODS.items()
    if method.is_retriable and not method.is_server_streaming and method.deadline_seconds > 1
]


@pytest.mark.parametrize("method", RETRIED)
async def test_what_the_contract_calls_repeatable_is_repeated_twice_while_the_peer_is_unavailable(
    method: str, probe: Probe, stubs: dict[str, Any]
) -> None:
    account = serve_call(probe).account
    assert account is not None
    caller = "booking" if "booking" in METHODS[method].callers else "gateway"
    asked = failing(probe, Unavailable("DEPENDENCY_UNAVAILABLE", "Not now."), times=2)
    await getattr(stubs[caller], method)(Request(account_id=account.account_id))
    assert asked() == 3


async def test_what_the_contract_does_not_call_repeatable_is_never_repeated(probe: Probe, stubs: dict[str, Any]) -> None:
    serve_call(probe)
    asked = failing(probe, Unavailable("DEPENDENCY_UNAVAILABLE", "Not now."), times=1)
    with pytest.raises(Unavailable):
        await stubs["gateway"].Write(Request())
    assert asked() == 1


@pytest.mark.parametrize(
    "kind", [errors.Conflict, errors.NotFound, errors.LimitReached, errors.DeadlinePassed, errors.InvalidInput]
)
async def test_an_answer_that_is_final_is_not_asked_for_again(kind: type[errors.MeshError], probe: Probe, stub: Any) -> None:
    asked = failing(probe, kind("SOME_REASON", "It stays so."))
    with pytest.raises(kind):
        await stub.ReadInside(Request())
    assert asked() == 1


async def test_a_peer_that_fails_always_is_not_buried_under_retries(probe: Probe, stub: Any) -> None:
    asked = failing(probe, Unavailable("DEPENDENCY_UNAVAILABLE", "Not now."))
    for _ in range(100):
        with pytest.raises(Unavailable):
            await stub.ReadInside(Request())
    assert asked() <= 110


async def test_an_attempt_repeated_after_a_failure_carries_the_same_key(probe: Probe, stub: Any) -> None:
    asked = failing(probe, Unavailable("DEPENDENCY_UNAVAILABLE", "Not now."), times=2)
    await stub.WriteMaybeWithKey(Request())
    assert asked() == 3
    keys = {call.metadata["idempotency-key"] for call in probe.servicer.calls}
    assert len(keys) == 1
    assert re.fullmatch(r"key_[0-9a-z]{26}", str(keys.pop()))


async def test_a_peer_that_is_not_there_is_told_within_the_deadline(world: World) -> None:
    address = f"127.0.0.1:{free_port()}"
    channels = Channels(world.settings("booking", PEER_ADDRESSES=f"probe={address}"))
    stub: Any = channels.stub(Stub, "probe")
    with pytest.raises(Unavailable, match="DEPENDENCY_UNAVAILABLE"):
        await asyncio.wait_for(stub.ReadInside(Request()), 3)
    async with probing(world, GRPC_LISTEN=address):
        await until(lambda: answers(stub), 3, "the peer that has come is called")
    await channels.close()


async def test_replacing_a_server_fails_no_call(world: World) -> None:
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(probing(world, DRAIN_SECONDS="0.5")) for _ in range(2)]
        both = {"probe": f"ipv4:{first.address},{second.address}"}
        channels = Channels(dataclasses.replace(world.settings("booking"), peer_addresses=both))
        stack.push_async_callback(channels.close)
        stub: Any = channels.stub(Stub, "probe")
        await until(lambda: answered_by_both(stub, first, second))
        stopping = asyncio.create_task(first.server.stop())
        answered = 0
        while not stopping.done():
            await stub.WriteMaybeWithKey(Request())
            answered += 1
        assert answered > 50
        before = len(second.servicer.calls)
        for _ in range(20):
            await stub.WriteMaybeWithKey(Request())
        assert len(second.servicer.calls) == before + 20


async def answers(stub: Any) -> bool:
    try:
        await stub.ReadInside(Request())
    except Unavailable:
        return False
    return True


async def answered_by_both(stub: Any, first: Probe, second: Probe) -> bool:
    await stub.ReadInside(Request())
    return bool(first.servicer.calls and second.servicer.calls)


def test_the_contract_is_told_to_grpc_in_its_own_form() -> None:
    config: Any = json.loads(json.dumps(service_config(contract.service_methods(NAME))))
    methods = {each["name"][0]["method"]: each for each in config["methodConfig"]}
    assert methods.keys() == METHODS.keys()
    assert methods["ReadBriefly"]["timeout"] == "0.2s"
    assert "timeout" not in methods["Watch"]
    assert "retryPolicy" not in methods["Write"]
    assert methods["Read"]["retryPolicy"]["maxAttempts"] == 3
    assert methods["Read"]["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert channels_module.IDEMPOTENCY_HEADER == "idempotency-key"
