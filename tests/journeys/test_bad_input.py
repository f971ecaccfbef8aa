"""What is wrong gets a clear error at the edge and changes nothing."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from demo.journey import matching, people
from demo.journey.scene import AVENIDA_PAULISTA, CATEGORY, Doors, Person, Scene, open_scene, refused, stamp
from tests.journeys.conftest import elsewhere

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def booked(doors: Doors) -> AsyncIterator[Scene]:
    """A journey that has come to a confirmed booking."""
    async with open_scene(doors, place=elsewhere()) as scene:
        for step in (*people.STEPS, *matching.STEPS):
            await step.walk(scene)
        yield scene


def _request(**changes: Any) -> dict[str, Any]:
    wanted = {
        "category_id": CATEGORY,
        "start_time": stamp(datetime.now(UTC) + timedelta(days=3)),
        "duration": "7200s",
        "place": AVENIDA_PAULISTA,
        "payment_method": "pm_card_visa",
    }
    return wanted | changes


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"start_time": "2020-01-01T10:00:00Z"}, "TIME_IN_PAST"),
        ({"start_time": "2090-01-01T10:00:00Z"}, "TIME_TOO_FAR"),
        ({"place": {"latitude": 91, "longitude": 0}}, "REQUEST_INVALID"),
        ({"place": {"latitude": 0, "longitude": -181}}, "REQUEST_INVALID"),
        ({"duration": "60s"}, "REQUEST_INVALID"),
        ({"duration": "-7200s"}, "REQUEST_INVALID"),
        ({"category_id": "no-such-thing"}, "CATEGORY_UNKNOWN"),
        ({"payment_method": "4242"}, "REQUEST_INVALID"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "-".join(value),
)
async def test_request_that_cannot_be_is_refused(booked: Scene, changes: dict[str, Any], reason: str) -> None:
    call = booked.rest.call("POST", "/v1/requests", _request(**changes), token=booked.customer.access_token, key=uuid4().hex)
    await refused(call, 400, reason)


async def test_negative_price_is_refused(booked: Scene) -> None:
    offering = {
        "price": {"currency_code": "BRL", "amount_minor": "-1"},
        "price_model": "PRICE_MODEL_FIXED",
        "area_center": AVENIDA_PAULISTA,
        "area_radius_meters": 5000,
    }
    path = f"/v1/offerings/{CATEGORY}"
    call = booked.rest.call("PUT", path, offering, token=booked.provider.access_token)
    await refused(call, 400, "PRICE_INVALID")
    unknown = booked.rest.send("PUT", path, offering | {"price_model": "PRICE_MODEL_BARTER"}, token=booked.provider.access_token)
    assert (await unknown).status_code == 400


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"email": 1}', b"\xff\xfe", b'{"email": "' + b"x" * 100])
async def test_malformed_json_is_refused(booked: Scene, content: bytes) -> None:
    answer = await booked.rest.send("POST", "/v1/sessions", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["message"]


async def test_huge_page_is_clamped(booked: Scene) -> None:
    answer = await booked.rest.call("GET", "/v1/bookings?page.page_size=1000000000", token=booked.customer.access_token)
    assert len(answer["bookings"]) == 1
    negative = booked.rest.call("GET", "/v1/bookings?page.page_size=-1", token=booked.customer.access_token)
    await refused(negative, 400, "REQUEST_INVALID")


async def test_same_key_gives_the_same_answer_and_another_body_a_conflict(booked: Scene) -> None:
    key, token = uuid4().hex, booked.customer.access_token
    body = _request(start_time=stamp(datetime.now(UTC) + timedelta(days=100)))
    first, second = [await booked.rest.call("POST", "/v1/requests", body, token=token, key=key) for _ in range(2)]
    assert first == second
    await refused(
        booked.rest.call("POST", "/v1/requests", body | {"note": "x"}, token=token, key=key), 409, "IDEMPOTENCY_KEY_REUSED"
    )
    others = await booked.rest.send("POST", "/v1/requests", body, token=booked.provider.access_token, key=key)
    assert others.status_code == 403
    without = booked.rest.call("POST", "/v1/requests", body, token=token)
    await refused(without, 400, "IDEMPOTENCY_KEY_REQUIRED")


async def test_same_key_many_times_at_once_makes_one_request(booked: Scene) -> None:
    key, token = uuid4().hex, booked.customer.access_token
    body = _request(start_time=stamp(datetime.now(UTC) + timedelta(days=101)))
    answers = await asyncio.gather(*(booked.rest.send("POST", "/v1/requests", body, token=token, key=key) for _ in range(10)))
    made = {answer.json()["request"]["request_id"] for answer in answers if answer.status_code == 200}
    assert len(made) == 1
    assert {answer.status_code for answer in answers} <= {200, 409}


@pytest.mark.parametrize("who", ["rival", "outsider"])
async def test_stranger_sees_nothing_of_a_booking(booked: Scene, who: str) -> None:
    stranger: Person = booked.rival
    if who == "outsider":
        stranger = await booked.register("Otto", ["ACCOUNT_ROLE_CUSTOMER", "ACCOUNT_ROLE_PROVIDER"], "en")
    booking = f"/v1/bookings/{booked.booking_id}"
    calls: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", booking, None),
        ("GET", f"{booking}/payment", None),
        ("GET", f"{booking}/messages", None),
        ("POST", f"{booking}/messages", {"client_message_id": "x", "text": "x"}),
        ("POST", f"{booking}/reviews", {"rating": 1}),
        ("POST", f"{booking}:start-travel", {}),
        ("POST", f"{booking}:start-work", {}),
        ("POST", f"{booking}:complete-work", {}),
        ("POST", f"{booking}:cancel", {}),
        ("GET", f"/v1/providers/{booked.provider.account_id}/dashboard", None),
    ]
    for verb, path, body in calls:
        answer = await booked.rest.send(verb, path, body, token=stranger.access_token)
        assert answer.status_code == 404, f"{verb} {path}: {answer.status_code} {answer.text}"
    mine = await booked.rest.call("GET", booking, token=booked.customer.access_token)
    assert mine["booking"]["state"] == "BOOKING_STATE_CONFIRMED"


async def test_ledger_is_for_administrators(booked: Scene) -> None:
    call = booked.rest.call("GET", f"/v1/bookings/{booked.booking_id}/ledger", token=booked.customer.access_token)
    await refused(call, 403, "ROLE_REQUIRED")


def _forged(token: str, **header: str) -> str:
    """The token with another header and without a signature that fits."""
    first, payload, signature = token.split(".")
    decoded = json.loads(base64.urlsafe_b64decode(first + "=="))
    changed = base64.urlsafe_b64encode(json.dumps(decoded | header).encode()).rstrip(b"=").decode()
    return f"{changed}.{payload}.{'' if header.get('alg') == 'none' else signature}"


async def test_forged_token_is_refused(booked: Scene) -> None:
    token = booked.customer.access_token
    for forged in (
        "",
        "x",
        _forged(token, alg="none"),
        _forged(token, alg="HS256"),
        _forged(token, kid="other"),
        token[:-4] + "AAAA",
    ):
        answer = await booked.rest.send("GET", "/v1/profile", token=forged)
        assert answer.status_code == 401, f"{forged}: {answer.text}"
        assert answer.json()["message"]
    in_query = await booked.rest.send("GET", f"/v1/profile?access_token={token}")
    assert in_query.status_code in (400, 401)


async def test_unsigned_webhook_changes_nothing(booked: Scene) -> None:
    event = {"id": "evt_forged", "type": "payment_intent.canceled", "data": {"object": {"id": "pi_x"}}}
    for headers in ({}, {"stripe-signature": "t=1,v1=00"}):
        answer = await booked.rest.send(
            "POST",
            "/v1/webhooks/stripe",
            content=json.dumps(event).encode(),
            headers={"content-type": "application/json"} | headers,
        )
        assert answer.status_code == 401
        assert answer.json()["details"][0]["reason"] == "WEBHOOK_SIGNATURE_INVALID"
    assert await booked.payment_state() == "PAYMENT_STATE_AUTHORIZED"


async def test_a_signature_that_is_no_text_is_refused(booked: Scene) -> None:
    headers = {b"stripe-signature": "t=1,v1=é".encode(), b"content-type": b"application/json"}
    async with httpx.AsyncClient(base_url=booked.doors.edge_url) as http:
        answer = await http.post("/v1/webhooks/stripe", content=b"{}", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["details"][0]["reason"] == "WEBHOOK_SIGNATURE_INVALID"


async def test_unknown_path_and_method_say_so(booked: Scene) -> None:
    for verb, path in (("GET", "/"), ("GET", "/v1/nothing"), ("DELETE", "/v1/bookings"), ("GET", "/v1/profile?drop=1")):
        answer = await booked.rest.send(verb, path, token=booked.customer.access_token)
        assert answer.status_code in (400, 404, 405), f"{verb} {path}"
        assert answer.json()["message"]
