"""What only the server may set is not set from outside: by more in a body, by a query, by Protobuf fields that nobody knows."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from mesh import contract
from mesh.contract import MethodContract
from mesh.local.stack import Stack
from tests.journeys.cast import Cast
from tests.journeys.cells import CHANGING_THE_CAST, Cell, cells, turn
from tests.journeys.stored import stored
from tests.support.calls import Caller, rest_form, rest_outcome
from tests.support.hostile import varint

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

METHODS = [method for method in contract.methods() if method.is_edge and not method.is_public]
WRITING = [method for method in METHODS if method.has_side_effects and method.name not in CHANGING_THE_CAST]
MARK = "set-from-outside"
NUMBER = 987_654_321
NUMBERS = 200  # fields of Protobuf that are tried
AT_ONCE = 16


def given_out(message: Descriptor, seen: set[str]) -> Iterator[FieldDescriptor]:
    """The fields of an answer, those of the messages within it too."""
    if message.full_name not in seen:
        seen.add(message.full_name)
        for field in message.fields:
            yield field
            if field.message_type is not None:
                yield from given_out(field.message_type, seen)


def more(method: MethodContract) -> dict[str, str | int]:
    """A value for every field that any answer of the service has and this request has not."""
    answers = [other.descriptor.output_type for other in contract.methods() if other.service == method.service]
    fields = [field for answer in answers for field in given_out(answer, set()) if field.message_type is None]
    own = method.request.DESCRIPTOR.fields_by_name
    found = {each.name: MARK if each.cpp_type == each.CPPTYPE_STRING else NUMBER for each in fields if each.name not in own}
    assert found
    return found


def unknown(method: MethodContract) -> bytes:
    """Protobuf fields that the request does not have, each as text and as number [Protocol Buffers: encoding]."""
    own = {field.number for field in method.descriptor.input_type.fields}
    text = bytes([len(MARK)]) + MARK.encode()
    numbers = [number for number in range(1, NUMBERS) if number not in own]
    return b"".join(varint(number << 3 | 2) + text + varint(number << 3) + varint(NUMBER) for number in numbers)


async def by_rest(caller: Caller, cast: Cast, cell: Cell) -> httpx.Response:
    assert caller.http is not None
    verb, path, _, body = rest_form(cell.method, cell.request(cast))
    headers = {"authorization": f"Bearer {cast.token(cell.who)}", "idempotency-key": str(hash(cell))}
    return await caller.http.request(verb, path, json=None if body is None else more(cell.method) | body, headers=headers)


async def test_more_than_a_request_has_is_written_nowhere(stack: Stack, cast: Cast, caller: Caller) -> None:
    succeeded = Counter[str]()
    for cell in sorted((cell for cell in cells(cast, WRITING, ["REST"]) if not cell.expected), key=turn):
        answer = await by_rest(caller, cast, cell)
        assert MARK not in answer.text
        assert str(NUMBER) not in answer.text
        body = cell.request(cast).SerializeToString() + unknown(cell.method)
        headers = {"authorization": f"Bearer {cast.token(cell.who)}", "idempotency-key": f"web{hash(cell)}"}
        outcomes = [rest_outcome(answer.status_code, answer.content), await caller.web(cell.method, body, headers)]
        succeeded[cell.method.path] += sum(outcome.code == "OK" for outcome in outcomes)
        assert all(outcome.code in ("OK", "FAILED_PRECONDITION", "ABORTED") for outcome in outcomes), f"{cell}: {outcomes}"
    assert [method.path for method in WRITING if not succeeded[method.path]] == []
    everything = await stored(stack)
    assert everything
    assert {place for place, text in everything.items() if MARK in text or str(NUMBER) in text} == set()


async def test_a_query_sets_nothing_that_a_request_has_not(cast: Cast, caller: Caller) -> None:
    turns = asyncio.Semaphore(AT_ONCE)
    http = caller.http
    assert http is not None

    async def ask(cell: Cell, name: str, value: str | int) -> str:
        verb, path, params, body = rest_form(cell.method, cell.request(cast))
        headers = {"authorization": f"Bearer {cast.token(cell.who)}", "idempotency-key": "q"}
        async with turns:
            answer = await http.request(verb, path, params=params | {name: value}, json=body, headers=headers)
        outcome = rest_outcome(answer.status_code, answer.content)
        return "" if (outcome.code, outcome.reason) == ("INVALID_ARGUMENT", "REQUEST_INVALID") else f"{cell}?{name}: {outcome}"

    first = {cell.method.path: cell for cell in cells(cast, METHODS, ["REST"]) if not cell.expected}
    assert first.keys() == {method.path for method in METHODS}
    asked = [ask(cell, name, value) for cell in first.values() for name, value in more(cell.method).items()]
    assert [problem for problem in await asyncio.gather(*asked) if problem] == []
