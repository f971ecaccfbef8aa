"""Which service may call which method of which, by its certificate and with whose rights; every method, at the real services."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from google.protobuf.message import Message

from mesh import contract
from mesh.contract import MethodContract
from mesh.interceptors.policy import GATEWAY
from mesh.local.certificates import Authority, Certificate
from mesh.local.stack import SERVICES, Stack
from tests.journeys.cast import Cast
from tests.journeys.cells import cells, try_all, wrong
from tests.journeys.stored import changes, settled, stored
from tests.support.calls import Caller, Outcome, native, service_channel
from tests.support.requests import sample

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

METHODS = contract.methods()
MESH = [method for method in METHODS if not method.is_edge]
NAMES = (*SERVICES, GATEWAY)


def request_of(method: MethodContract, cast: Cast) -> Message:
    """A valid request about what there is."""
    thing = cast.things(method)[0] if method.owner_field else None
    return sample(method, cast.scene.place, cast.named | ({method.owner_field: thing.id} if thing else {}))


@asynccontextmanager
async def acting_as(stack: Stack, certificates: Mapping[str, Certificate]) -> AsyncIterator[Mapping[str, Caller]]:
    """For each certificate somebody who calls all services with it."""
    channels = {name: {to: service_channel(stack, to, own) for to in SERVICES} for name, own in certificates.items()}
    try:
        yield {name: Caller(own) for name, own in channels.items()}
    finally:
        await asyncio.gather(*(channel.close() for own in channels.values() for channel in own.values()))


async def test_no_service_calls_a_method_whose_contract_does_not_name_it(stack: Stack, cast: Cast) -> None:
    before = await settled(stack, cast.ids)
    outcomes: dict[tuple[str, str], Outcome] = {}
    async with acting_as(stack, {name: stack.certificate(name) for name in NAMES}) as callers:
        for method in METHODS:
            allowed = method.callers | {GATEWAY} if method.is_edge else method.callers
            for name in set(NAMES) - allowed:
                outcome = await callers[name].call("service", method, request_of(method, cast), cast.token("customer"))
                outcomes[name, method.path] = outcome
    assert {call: each for call, each in outcomes.items() if each.reason != "CALLER_NOT_ALLOWED"} == {}
    assert {each.code for each in outcomes.values()} == {"PERMISSION_DENIED"}
    assert changes(before, await stored(stack, cast.ids)) == {}


async def test_no_door_of_the_edge_leads_to_a_method_of_the_mesh(cast: Cast, caller: Caller) -> None:
    for method in MESH:
        assert method.rest == ()
        for who in cast.people:
            for door in ("gRPC", "gRPC-web"):
                outcome = await caller.call(door, method, request_of(method, cast), cast.token(who))
                assert (outcome.code, outcome.reason) == ("UNIMPLEMENTED", "PATH_UNKNOWN"), f"{method.path} as {who} by {door}"


async def test_a_service_acts_for_a_user_within_that_users_rights(stack: Stack, cast: Cast) -> None:
    names = sorted({name for method in MESH for name in method.callers})
    before = await settled(stack, cast.ids)
    async with acting_as(stack, {name: stack.certificate(name) for name in names}) as callers:
        for name in names:
            wanted = list(cells(cast, [method for method in MESH if name in method.callers], ["service"]))
            assert wanted
            assert wrong(await try_all(callers[name], cast, wanted)) == []
    assert changes(before, await stored(stack, cast.ids)) == {}


def worthless(stack: Stack, folder: Path) -> Iterator[tuple[str, Certificate]]:
    """Certificates that prove nothing here: of somebody else's authority, and of the mesh's own but expired."""
    known = stack.certificate(GATEWAY)
    stranger = Authority(folder / "foreign").issue(GATEWAY)
    yield "foreign", Certificate(known.ca_file, stranger.certificate_file, stranger.key_file)
    shutil.copytree(stack.certificates, folder / "own")  # what is issued replaces what lies there
    yield "expired", Authority(folder / "own").issue(GATEWAY, lifetime=timedelta(seconds=-1))


def as_good_as(stack: Stack, folder: Path) -> Certificate:
    """Issued as the expired one was, and good: what is refused is refused for its worth."""
    shutil.copytree(stack.certificates, folder / "good")
    return Authority(folder / "good").issue(GATEWAY)


async def test_a_certificate_that_proves_nothing_opens_no_method(stack: Stack, cast: Cast, tmp_path: Path) -> None:
    async with acting_as(stack, dict(worthless(stack, tmp_path))) as callers:
        for method in METHODS:
            for name, caller in callers.items():
                outcome = await caller.call("service", method, request_of(method, cast), cast.token("customer"))
                assert (outcome.code, outcome.reason) == ("UNAVAILABLE", ""), f"{method.path} with a {name} certificate"
    async with acting_as(stack, {"good": as_good_as(stack, tmp_path)}) as callers:
        for method in METHODS:
            outcome = await callers["good"].call("service", method, request_of(method, cast), "")
            assert outcome.code != "UNAVAILABLE", f"{method.path}: {outcome}"


@pytest.mark.parametrize("is_encrypted", [True, False], ids=["by TLS", "in the clear"])
async def test_without_a_certificate_no_method_is_open(stack: Stack, cast: Cast, is_encrypted: bool) -> None:
    credentials = grpc.ssl_channel_credentials(stack.certificate(GATEWAY).ca_file.read_bytes())
    for service in SERVICES:
        address = stack.addresses.services[service]
        encrypted = grpc.aio.secure_channel(address, credentials, [("grpc.ssl_target_name_override", service)])
        async with encrypted if is_encrypted else grpc.aio.insecure_channel(address) as channel:
            for method in METHODS:
                if method.service == service:
                    headers = {"authorization": f"Bearer {cast.token('customer')}"}
                    outcome = await native(channel, method, request_of(method, cast), headers)
                    assert outcome.code == "UNAVAILABLE", f"{method.path}: {outcome}"


async def test_a_service_is_believed_under_its_own_name_alone(stack: Stack, cast: Cast) -> None:
    method = next(method for method in METHODS if method.service == "auth")
    for service in set(SERVICES) - {"auth"}:
        async with service_channel(stack, service, stack.certificate(GATEWAY), pretended="auth") as channel:
            outcome = await native(channel, method, request_of(method, cast), {})
        assert outcome.code == "UNAVAILABLE", f"{service} was taken for auth"
