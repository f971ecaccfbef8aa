"""What the contract marks as private reaches no log: canaries in every such field of every request at the edge, valid and not."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.json_format import MessageToDict

from mesh import contract
from mesh.contract import MethodContract
from mesh.local.stack import SERVICES, Stack
from tests.journeys.cast import Cast
from tests.journeys.cells import cells
from tests.journeys.stored import settled
from tests.support.calls import Caller, rest_form_of
from tests.support.hostile import Place, is_text, places, put
from tests.support.requests import sample

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

METHODS = [method for method in contract.methods() if method.is_edge]
CANARY = f"canary{uuid4().hex}"
DEGREES = 12.345678912345
FORMS = {"email": f"{CANARY}@example.com", "payment_method": f"pm_{CANARY}"}
_WRITTEN_SECONDS = 10.0


def is_private(place: Place) -> bool:
    return any(field.GetOptions().debug_redact for field in place)


def canaries(method: MethodContract, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Requests with a canary in each private field: one that is valid, and one that breaks the field's rules."""
    for place in filter(is_private, places(method.descriptor.input_type)):
        good: Any = FORMS.get(place[-1].name, CANARY) if is_text(place) else DEGREES
        yield put(request, place, good)
        yield put(request, place, CANARY * 500)


async def test_private_fields_leave_no_trace_in_any_log(stack: Stack, cast: Cast, caller: Caller) -> None:
    assert caller.http is not None
    sent = set()
    for method in METHODS:
        cell = None if method.is_public else next(cell for cell in cells(cast, [method], ["REST"]) if not cell.expected)
        request = cell.request(cast) if cell else sample(method, cast.scene.place, {})
        headers = {"authorization": f"Bearer {cast.token(cell.who)}"} if cell else {}
        for fields in canaries(method, MessageToDict(request, preserving_proto_field_name=True)):
            verb, path, params, body = rest_form_of(method, fields)
            assert not params
            await caller.http.request(verb, path, json=body, headers=headers | {"idempotency-key": uuid4().hex})
            sent.add(method.name)
    assert {"LogIn", "RegisterAccount", "SendMessage", "CreateServiceRequest", "UpdateMyProfile", "PublishLocations"} <= sent
    await settled(stack, [CANARY])  # what follows from it has been done
    trace = uuid4().hex
    await caller.http.get("/v1/categories", headers={"traceparent": f"00-{trace}-{'1' * 16}-01"})
    logs = [stack.log(name) for name in (*SERVICES, "edge")]
    await written(stack.log("booking"), trace)
    for log in logs:
        text = await asyncio.to_thread(log.read_text)
        assert [line for line in text.splitlines() if CANARY in line or str(DEGREES) in line] == [], log.name


async def written(log: Path, text: str) -> None:
    """Returns when a log holds this text, and so what came before it."""
    give_up = time.monotonic() + _WRITTEN_SECONDS
    while text not in await asyncio.to_thread(log.read_text):
        assert time.monotonic() < give_up, f"{log.name} says nothing of the last call"
        await asyncio.sleep(0.05)


async def test_nothing_private_is_part_of_an_address() -> None:
    for method in METHODS:
        names = {field.name for field in method.descriptor.input_type.fields if field.GetOptions().debug_redact}
        for binding in method.rest:
            in_body = bool(binding.body) and not any(f"{{{name}}}" in binding.path for name in names)
            assert not names or in_body, f"{method.path}: addresses stand in logs and histories"
