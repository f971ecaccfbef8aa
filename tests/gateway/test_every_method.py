"""Rate, deadline, repetition, keys and roles hold for every method, at a real edge before the production chain."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from google.protobuf.message import Message

from mesh import contract
from mesh.contract import MethodContract
from mesh.errors import Unavailable
from tests.gateway.backends import JWKS_METHOD, Backends
from tests.gateway.edge import ALL_ROLES, Edge, reason_of, running_edge
from tests.support.calls import native, rest_form
from tests.support.requests import sample

pytestmark = pytest.mark.asyncio(loop_scope="package")

METHODS = [method for method in contract.methods() if method.path != JWKS_METHOD]  # Envoy asks for the keys by itself
AT_EDGE = [method for method in METHODS if method.is_edge]
PLACE = {"latitude": -23.5617, "longitude": -46.6560}
PREFIXES = {
    "address": "adr",
    "booking": "bkg",
    "document": "doc",
    "mail": "mail",
    "offer": "ofr",
    "passkey": "psk",
    "request": "req",
    "review": "rev",
    "session": "ses",
}
IDS = {f"{name}_id": f"{prefix}_{'0' * 26}" for name, prefix in PREFIXES.items()}
ACCOUNTS = {"provider_id": f"acc_{'0' * 26}", "customer_id": f"acc_{'1' * 26}", "account_id": f"acc_{'1' * 26}"}
LONGEST_SLACK_SECONDS = 1.5


def request_of(method: MethodContract) -> Message:
    return sample(method, PLACE, IDS | ACCOUNTS | {"provider_ids": ACCOUNTS["provider_id"]})


def named(method: MethodContract) -> str:
    return method.path.rpartition(".")[2]


async def call_all(
    edge: Edge, methods: list[MethodContract], headers: Callable[[MethodContract], dict[str, str]]
) -> dict[str, tuple[str, str]]:
    """Status and reason of each method, called at once by gRPC."""
    outcomes = await asyncio.gather(*(edge.native(method, headers(method), request_of(method)) for method in methods))
    return {named(method): (each.code, each.reason) for method, each in zip(methods, outcomes, strict=True)}


def key_for(method: MethodContract) -> dict[str, str]:
    return {"idempotency-key": "key-1"} if method.idempotency_key else {}


async def test_every_method_is_limited_for_each_caller_by_every_door(backends: Backends, edge_folder: Path) -> None:
    backends.forget()
    async with running_edge(backends, edge_folder, rate_scale=1e-6) as edge:  # one call in each period
        greedy, other = edge.bearer(sub="acc_greedy"), edge.bearer(sub="acc_other")
        for method in AT_EDGE:
            first = await edge.native(method, greedy | key_for(method), request_of(method))
            assert first.reason != "RATE_LIMITED", named(method)
            verb, path, params, body = rest_form(method, request_of(method))
            again = await edge.rest.request(verb, path, params=params, json=body, headers=greedy)
            assert (again.status_code, reason_of(again)) == (429, "RATE_LIMITED"), named(method)
            for outcome in (await edge.native(method, greedy), await edge.web(method.path, greedy)):
                assert (outcome.code, outcome.reason) == ("RESOURCE_EXHAUSTED", "RATE_LIMITED"), named(method)
            others = await edge.native(method, other | key_for(method), request_of(method))
            assert (others.reason == "RATE_LIMITED") == method.is_public, "of each account, or of the address they share"


@asynccontextmanager
async def inside(backends: Backends, method: MethodContract) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the method's service as one of its callers, or as the gateway."""
    own = backends.certificate(min(method.callers, default="gateway"))
    files = (own.ca_file, own.key_file, own.certificate_file)
    credentials = grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))
    options = [("grpc.ssl_target_name_override", method.service)]
    async with grpc.aio.secure_channel(backends.addresses()[method.service], credentials, options) as channel:
        yield channel


async def test_every_method_ends_at_its_own_deadline_whatever_its_service_does(edge: Edge) -> None:
    async def hang(_request: object) -> Message:
        await asyncio.sleep(60)
        raise AssertionError

    async def seconds(method: MethodContract) -> float:
        async with inside(edge.backends, method) as channel:
            began = time.monotonic()
            owner = {"sub": ACCOUNTS["account_id"] if method.owner_field == "account_id" else ACCOUNTS["provider_id"]}
            outcome = await native(channel, method, request_of(method), edge.bearer(**owner) | key_for(method))
            assert outcome.code == "DEADLINE_EXCEEDED", f"{named(method)}: {outcome}"
            return time.monotonic() - began

    limited = [method for method in METHODS if method.deadline_seconds]
    edge.backends.behaviours.update(dict.fromkeys((method.path for method in limited), hang))
    taken = await asyncio.gather(*map(seconds, limited))
    wrong = {
        named(method): each
        for method, each in zip(limited, taken, strict=True)
        if not method.deadline_seconds - 0.05 <= each < method.deadline_seconds + LONGEST_SLACK_SECONDS
    }
    assert wrong == {}


async def test_the_edge_repeats_exactly_the_methods_that_may_be_repeated(edge: Edge) -> None:
    attempts = Counter[str]()

    def refusing(method: MethodContract) -> Callable[[object], Awaitable[Message]]:
        async def refuse(_request: object) -> Message:
            attempts[named(method)] += 1
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "Not now.")

        return refuse

    edge.backends.behaviours.update({method.path: refusing(method) for method in AT_EDGE})
    token = edge.bearer(sub=ACCOUNTS["provider_id"])
    for method in AT_EDGE:  # one by one: a failing service is not buried under repetitions
        await call_all(edge, [method], lambda method: token | key_for(method))
    assert attempts == {named(method): 3 if method.is_retriable else 1 for method in AT_EDGE}


async def test_a_key_is_needed_and_held_to_its_form_exactly_where_the_contract_says_so(edge: Edge) -> None:
    token = edge.bearer(sub=ACCOUNTS["provider_id"])
    without = await call_all(edge, AT_EDGE, lambda _: token)
    malformed = await call_all(edge, AT_EDGE, lambda _: token | {"idempotency-key": "no key"})
    for method in AT_EDGE:
        is_needed = method.idempotency_key == "required"
        assert without[named(method)] == (("INVALID_ARGUMENT", "IDEMPOTENCY_KEY_REQUIRED") if is_needed else ("OK", ""))
        is_read = bool(method.idempotency_key)
        assert malformed[named(method)] == (("INVALID_ARGUMENT", "IDEMPOTENCY_KEY_INVALID") if is_read else ("OK", ""))


@pytest.mark.parametrize("role", ALL_ROLES)
async def test_a_role_opens_exactly_the_methods_that_name_it(edge: Edge, role: str) -> None:
    token = edge.bearer(role, sub=ACCOUNTS["provider_id"])
    outcomes = await call_all(edge, AT_EDGE, lambda method: token | key_for(method))
    for method in AT_EDGE:
        is_open = method.is_public or role in method.roles
        assert outcomes[named(method)] == (("OK", "") if is_open else ("PERMISSION_DENIED", "ROLE_REQUIRED")), named(method)
