"""Webhooks: signed or refused, taken once, and never believed."""

import copy
from itertools import permutations
from typing import Any

import pytest
from google.api.httpbody_pb2 import HttpBody
from marketplace.payment.v1 import payment_service_pb2 as pb
from marketplace.payment.v1.events_pb2 import PaymentCaptured
from marketplace.payment.v1.payment_service_pb2_grpc import PaymentServiceStub

from mesh.errors import InvalidInput, Unauthenticated, Unavailable
from services.payment.store import NoticeDocument
from tests.services.payment.bench import Bench, Stripe, paying
from tests.support.service import Backing

REFUSED = "WEBHOOK_SIGNATURE_INVALID"


async def captured_at_stripe(bench: Bench) -> list[dict[str, Any]]:
    """The events of a payment that somebody captured at Stripe's dashboard."""
    await bench.authorize()
    [intent] = await bench.stripe.intents()
    await bench.stripe.post(f"payment_intents/{intent['id']}/capture")
    return await bench.stripe.events()


async def test_a_webhook_without_a_good_signature_changes_nothing(bench: Bench) -> None:
    event = (await captured_at_stripe(bench))[-1]
    for header in ("t=1,v1=00", "nonsense", "t=x,v1=", "v1=00", "t=1"):
        with pytest.raises(Unauthenticated, match=REFUSED):
            await bench.webhook(event, header=header)
    with pytest.raises(Unauthenticated, match=REFUSED):
        await bench.webhook(event, secret="whsec_of_somebody_else")
    stub = bench.service.stub(PaymentServiceStub)
    for data in (b"{}", b"\xff\xfe"):
        with pytest.raises(Unauthenticated, match=REFUSED):
            await stub.ReceiveStripeWebhook(pb.ReceiveStripeWebhookRequest(payload=HttpBody(data=data)))
    assert (await bench.payment()).state == pb.PAYMENT_STATE_AUTHORIZED


async def test_a_signature_is_good_for_300_seconds(bench: Bench) -> None:
    event = (await captured_at_stripe(bench))[-1]
    with pytest.raises(Unauthenticated, match=REFUSED):
        await bench.webhook(event, age_seconds=302)
    assert (await bench.payment()).state == pb.PAYMENT_STATE_AUTHORIZED
    await bench.webhook(event, age_seconds=290)
    assert (await bench.payment()).state == pb.PAYMENT_STATE_CAPTURED


async def test_without_a_secret_every_webhook_is_refused(backing: Backing, stripe: Stripe) -> None:
    async with paying(backing, stripe, secret="") as bench:
        event = (await captured_at_stripe(bench))[-1]
        for secret in ("", "whsec_of_the_tests"):
            with pytest.raises(Unauthenticated, match=REFUSED):
                await bench.webhook(event, secret=secret)


async def test_the_payload_is_not_believed(bench: Bench) -> None:
    await bench.authorize()
    [event] = [each for each in await bench.stripe.events() if each["type"].endswith("capturable_updated")]
    lie = copy.deepcopy(event)
    lie["type"] = "payment_intent.succeeded"
    lie["data"]["object"].update(status="succeeded", amount_received=1)
    await bench.webhook(lie)
    assert (await bench.payment()).state == pb.PAYMENT_STATE_AUTHORIZED
    assert await bench.kinds() == ["hold"]


async def test_every_order_of_the_events_ends_in_the_same_state(bench: Bench) -> None:
    for order in permutations(range(3)):
        each = Bench(bench.service, bench.backing, bench.stripe)
        before = len(await bench.stripe.events())
        await each.authorize()
        intent = (await bench.stripe.intents())[0]
        await bench.stripe.post(f"payment_intents/{intent['id']}/capture")
        events = (await bench.stripe.events())[before:]
        assert len(events) == 3
        for index in (*order, *order):
            await each.webhook(events[index])
        assert (await each.payment()).state == pb.PAYMENT_STATE_CAPTURED
        assert await each.kinds() == ["hold", "release", "capture"]
    assert len(await bench.service.published(PaymentCaptured)) == 6


async def test_an_event_is_taken_once(bench: Bench) -> None:
    event = (await captured_at_stripe(bench))[-1]
    for _ in range(3):
        await bench.webhook(event)
    assert await bench.service.runtime.database.collection(NoticeDocument).count({}) == 1
    assert len(await bench.service.published(PaymentCaptured)) == 1


async def test_an_event_that_could_not_be_checked_is_taken_when_it_comes_again(bench: Bench) -> None:
    event = (await captured_at_stripe(bench))[-1]
    await bench.stripe.control(fail_next=2)
    with pytest.raises(Unavailable, match="PAYMENT_PROVIDER_UNAVAILABLE"):
        await bench.webhook(event)
    await bench.webhook(event)
    assert (await bench.payment()).state == pb.PAYMENT_STATE_CAPTURED


async def test_a_hold_that_was_released_at_stripe_is_released_here(bench: Bench) -> None:
    await bench.authorize()
    [intent] = await bench.stripe.intents()
    await bench.stripe.post(f"payment_intents/{intent['id']}/cancel")
    for event in reversed(await bench.stripe.events()):
        await bench.webhook(event)
    assert (await bench.payment()).state == pb.PAYMENT_STATE_VOIDED
    assert await bench.kinds() == ["hold", "release"]


async def test_what_is_not_ours_is_acknowledged_and_ignored(bench: Bench) -> None:
    await bench.authorize()
    common = {"amount": "15000", "currency": "brl", "payment_method": "pm_card_visa", "confirm": "true"}
    await bench.stripe.post("payment_intents", **common)
    for names in ({"booking_id": "bkg_nobody", "payment_id": "pay_nobody"}, {"booking_id": bench.booking_id, "payment_id": "x"}):
        await bench.stripe.post("payment_intents", **common, **{f"metadata[{name}]": value for name, value in names.items()})
    for event in await bench.stripe.events():
        await bench.webhook(event)
    await bench.webhook({"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_nobody"}}})
    await bench.webhook({"id": "evt_2", "type": "customer.created", "data": {"object": {"id": "cus_1"}}})
    assert (await bench.payment()).state == pb.PAYMENT_STATE_AUTHORIZED
    assert await bench.kinds() == ["hold"]


async def test_a_signed_body_that_is_no_event_is_refused(bench: Bench) -> None:
    bodies: list[object] = [{}, [], {"id": "evt_1", "type": "payment_intent.succeeded"}, {"id": "evt_1", "type": 1}]
    bodies.append({"id": "\ud800", "type": "charge.captured"})
    for body in bodies:
        with pytest.raises(InvalidInput):
            await bench.webhook(body)
    with pytest.raises(InvalidInput):
        await bench.raw_webhook(b"[" * 100_000)
