"""Operators, bombs, limits and nonsense in every field of every method at the edge: refused or harmless, and at once."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from demo.journey.scene import CATEGORY
from mesh import contract
from mesh.contract import MethodContract
from mesh.local.stack import Stack
from tests.journeys.cast import Cast
from tests.journeys.cells import CHANGING_THE_CAST, cells
from tests.journeys.conftest import elsewhere
from tests.journeys.stored import changes, settled, stored
from tests.support.calls import Caller, rest_form_of
from tests.support.hostile import json_values, places, put, varint, wire_values
from tests.support.requests import sample

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

METHODS = [method for method in contract.methods() if method.is_edge and method.name not in CHANGING_THE_CAST | {"EraseMe"}]
AT_ONCE = 8
SLOW_SECONDS = 1.0
DEEP = 5_000
DEEP_JSON = (b'{"a":' * DEEP + b"1" + b"}" * DEEP, b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}", b'{"a":' * DEEP)
FAILURES = {"INTERNAL", "UNKNOWN", "UNAVAILABLE", "DEADLINE_EXCEEDED", "DATA_LOSS"}
_ID = re.compile(r"[a-z]{3}_[0-9a-z]{26}")
_PATIENCE_SECONDS = 20.0
_SILENCE_SECONDS = 0.5  # after which an open stream has nothing to tell


class Attempt(NamedTuple):
    """One call with something in it that should not be there. `send` gives what is wrong with its answer."""

    what: str
    is_stream: bool
    send: Callable[[], Awaitable[str]]


class Aim(NamedTuple):
    """A method, somebody who succeeds with it, and good requests, each a new one."""

    method: MethodContract
    headers: dict[str, str]
    request: Callable[[], Message]


async def find_aim(cast: Cast, caller: Caller, method: MethodContract) -> Aim:
    """Of those who may call and what they may call it on, the first with whom it works, so that values get as far as they can."""
    if method.is_public:
        known = {"email": cast.people["customer"].email} if method.name == "LogIn" else {}
        return Aim(method, {}, lambda: sample(method, cast.scene.place, known))
    for cell in cells(cast, [method], ["gRPC-web"]):
        if not cell.expected and (await caller.call(cell.door, method, cell.request(cast), cast.token(cell.who))).code == "OK":
            return Aim(method, {"authorization": f"Bearer {cast.token(cell.who)}"}, partial(cell.request, cast))
    raise AssertionError(f"{method.path} works for nobody")


def attempts(caller: Caller, aim: Aim, foreign: set[str]) -> Iterator[Attempt]:
    """Every value in every field, by REST and by gRPC-web; and what lies too deep."""
    method = aim.method

    def attempt(where: str, value: object, send: Callable[..., Awaitable[str]], *given: Any) -> Attempt:
        return Attempt(f"{method.name}{where} = {value!r:.60}", method.is_server_streaming, partial(send, caller, aim, *given))

    for place in places(method.descriptor.input_type):
        where = "".join(f".{field.name}" for field in place)
        for value in json_values(place):
            fields = MessageToDict(aim.request(), preserving_proto_field_name=True)
            yield attempt(where, value, by_rest, put(fields, place, value), foreign)
        yield from (attempt(where, wire, by_web, aim.request().SerializeToString() + wire) for wire in wire_values(place))
    if method.rest[0].body == "*":
        fields = MessageToDict(aim.request(), preserving_proto_field_name=True)
        yield from (attempt("", deep, by_rest, fields, foreign, deep) for deep in DEEP_JSON)
    yield from (attempt("", wire, by_web, wire) for wire in (b"\x0b" * DEEP, b"\x0b" * DEEP + b"\x0c" * DEEP, nested(DEEP)))


def nested(depth: int) -> bytes:
    """A message within a message, and so on, as far down as three bytes of length reach."""
    inner = b""
    for _ in range(depth):
        inner = b"\x0a" + varint(len(inner)) + inner
    return inner


async def by_rest(caller: Caller, aim: Aim, fields: dict[str, Any], foreign: set[str], content: bytes = b"") -> str:
    verb, path, params, body = rest_form_of(aim.method, fields)
    if params:
        path += f"?{urlencode(params, errors='surrogatepass')}"
    if body is not None:
        content = content or json.dumps(body).encode()
    headers = aim.headers | {"content-type": "application/json", "idempotency-key": f"k{time.monotonic_ns()}"}
    assert caller.http is not None
    text, timeout = "", httpx.Timeout(_PATIENCE_SECONDS, read=patience(aim.method))
    async with caller.http.stream(verb, path, content=content, headers=headers, timeout=timeout) as answer:
        async for chunk in answer.aiter_text():
            text += chunk
            if aim.method.is_server_streaming and answer.status_code == httpx.codes.OK:
                break
    if answer.status_code != httpx.codes.OK:
        return "" if httpx.codes.is_client_error(answer.status_code) else f"{answer.status_code} {text}"
    seen = set(_ID.findall(text)) & foreign
    return f"others' things came: {seen}" if seen else ""


async def by_web(caller: Caller, aim: Aim, body: bytes) -> str:
    headers = aim.headers | {"idempotency-key": f"k{time.monotonic_ns()}"}
    outcome = await caller.web(aim.method, body, headers, patience(aim.method))
    return f"{outcome}" if outcome.code in FAILURES else ""


def patience(method: MethodContract) -> float:
    return _SILENCE_SECONDS if method.is_server_streaming else _PATIENCE_SECONDS


async def problem_of(attempt: Attempt) -> tuple[str, float]:
    """What is wrong with the answer, and the seconds that it took; a stream that is silent is a good answer."""
    began, problem = time.monotonic(), ""
    try:
        problem = await attempt.send()
    except httpx.ReadTimeout:
        problem = "" if attempt.is_stream else "no answer"
    return (f"{attempt.what}: {problem}" if problem else ""), time.monotonic() - began


async def test_hostile_values_are_refused_or_harmless_at_once_and_others_things_stay_as_they_are(
    stack: Stack, cast: Cast, caller: Caller
) -> None:
    wanted = {"category_id": CATEGORY, "place": elsewhere(), "duration": "7200s", "payment_method": "pm_card_visa"}
    wanted |= {"start_time": "2027-01-11T12:00:00Z"}
    asked = await cast.scene.rest.call("POST", "/v1/requests", wanted, token=cast.token("stranger"), key="one")
    foreign = {cast.people[who].account_id for who in ("stranger", "bystander")} | {asked["request"]["request_id"]}
    before = await settled(stack, foreign)
    aims = [await find_aim(cast, caller, method) for method in METHODS]
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(attempt: Attempt) -> tuple[Attempt, str, float]:
        async with turns:
            return attempt, *await problem_of(attempt)

    done = await asyncio.gather(*(one(attempt) for aim in aims for attempt in attempts(caller, aim, foreign)))
    assert [problem for _, problem, _ in done if problem] == []
    slow = [attempt for attempt, _, seconds in done if seconds > SLOW_SECONDS]
    assert [attempt.what for attempt in slow if (await problem_of(attempt))[1] > SLOW_SECONDS] == [], (
        "slow, also when it is alone"
    )
    assert changes(before, await stored(stack, foreign)) == {}
