"""The Stripe simulator, driven by the real SDK, as the payment service drives it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
from aiohttp import web

from mesh.local.stripe_simulator import StripeSimulator
from mesh.local.stripe_simulator.journal import Journal

KEY = "sk_test_of_this_test"
SECRET = "whsec_of_this_test"


class World:
    """A simulator, the SDK's client on it, and an endpoint that takes its webhooks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[stripe.Event] = []
        self.refusals = 0
        self.arrived = asyncio.Event()

    async def open(self) -> None:
        app = web.Application()
        app.add_routes([web.post("/webhook", self.receive)])
        self.endpoint = web.AppRunner(app)
        await self.endpoint.setup()
        await web.TCPSite(self.endpoint, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{self.endpoint.addresses[0][1]}/webhook"
        self.simulator = StripeSimulator(self.folder, api_key=KEY, webhook_secret=SECRET, webhook_url=url)
        self.url = await self.simulator.start()
        self.client = self.sdk(KEY)

    async def close(self) -> None:
        await self.simulator.stop()
        await self.endpoint.cleanup()

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        event = stripe.Webhook.construct_event(body, request.headers["Stripe-Signature"], SECRET)
        if self.refusals:
            self.refusals -= 1
            return web.Response(status=503)
        self.events.append(event)
        self.arrived.set()
        return web.Response()

    def sdk(self, key: str, retries: int = 0) -> stripe.StripeClient:
        return stripe.StripeClient(
            key, base_addresses={"api": self.url}, max_network_retries=retries, http_client=stripe.RequestsClient()
        )

    async def control(self, **faults: Any) -> dict[str, Any]:
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.url}/_control", json=faults)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def hold(self, key: str = "", client: stripe.StripeClient | None = None, **changed: Any) -> stripe.PaymentIntent:
        parameters = {
            "amount": 15_000,
            "currency": "brl",
            "payment_method": "pm_card_visa",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "capture_method": "manual",
            "confirm": True,
            "error_on_requires_action": True,
            "metadata": {"booking_id": "bkg_1"},
            **changed,
        }
        intents = (client or self.client).v1.payment_intents
        options: stripe.RequestOptions = {"idempotency_key": key} if key else {}
        return await asyncio.to_thread(intents.create, parameters, options)  # type: ignore[arg-type]  # wrong ones too

    async def capture(self, intent_id: str, **parameters: Any) -> stripe.PaymentIntent:
        return await asyncio.to_thread(self.client.v1.payment_intents.capture, intent_id, parameters)  # type: ignore[arg-type]

    async def cancel(self, intent_id: str) -> stripe.PaymentIntent:
        return await asyncio.to_thread(self.client.v1.payment_intents.cancel, intent_id)

    async def retrieve(self, intent_id: str) -> stripe.PaymentIntent:
        return await asyncio.to_thread(self.client.v1.payment_intents.retrieve, intent_id)

    async def intents(self) -> list[stripe.PaymentIntent]:
        return (await asyncio.to_thread(self.client.v1.payment_intents.list)).data

    async def refund(self, intent_id: str, **parameters: Any) -> stripe.Refund:
        given = {"payment_intent": intent_id, **parameters}
        return await asyncio.to_thread(self.client.v1.refunds.create, given)  # type: ignore[arg-type]

    async def received(self, count: int) -> list[str]:
        async with asyncio.timeout(10):
            while len(self.events) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return [event.type for event in self.events]


async def refused(work: Awaitable[object]) -> stripe.StripeError:
    with pytest.raises(stripe.StripeError) as refusal:
        await work
    return refusal.value


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.open()
    yield world
    await world.close()


async def test_an_amount_is_held_then_taken_and_each_step_told(world: World) -> None:
    held = await world.hold()
    assert (held.status, held.amount, held.amount_capturable, held.currency) == ("requires_capture", 15_000, 15_000, "brl")
    assert held.metadata["booking_id"] == "bkg_1"
    taken = await world.capture(held.id)
    assert (taken.status, taken.amount_capturable, taken.amount_received) == ("succeeded", 0, 15_000)
    assert (await world.retrieve(held.id)).to_dict() == taken.to_dict()
    assert sorted(await world.received(2)) == ["payment_intent.amount_capturable_updated", "payment_intent.succeeded"]
    assert {event.data.object["id"] for event in world.events} == {held.id}


async def test_a_part_may_be_taken_but_no_more_than_is_held(world: World) -> None:
    held = await world.hold()
    assert (await refused(world.capture(held.id, amount_to_capture=15_001))).code == "amount_too_large"
    taken = await world.capture(held.id, amount_to_capture=4_000)
    assert (taken.amount_received, taken.amount_capturable) == (4_000, 0)


async def test_a_hold_is_released(world: World) -> None:
    held = await world.hold()
    released = await world.cancel(held.id)
    assert (released.status, released.amount_capturable) == ("canceled", 0)
    assert "payment_intent.canceled" in await world.received(2)


async def test_what_the_state_does_not_allow_is_refused_with_the_intent(world: World) -> None:
    held = await world.hold()
    await world.cancel(held.id)
    for attempt in (world.capture(held.id), world.cancel(held.id)):
        error = await refused(attempt)
        assert isinstance(error, stripe.InvalidRequestError)
        assert (error.http_status, error.code) == (400, "payment_intent_unexpected_state")
        assert error.error is not None
        assert error.error.payment_intent is not None
        assert error.error.payment_intent.status == "canceled"


@pytest.mark.parametrize(
    "card, code, decline_code",
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_not_handled"),
    ],
)
async def test_a_card_is_declined(world: World, card: str, code: str, decline_code: str | None) -> None:
    error = await refused(world.hold(payment_method=card))
    assert isinstance(error, stripe.CardError)
    assert error.error is not None
    assert error.error.payment_intent is not None
    assert (error.http_status, error.code, getattr(error.error, "decline_code", None)) == (402, code, decline_code)
    intent = await world.retrieve(error.error.payment_intent.id)
    assert (intent.status, intent.amount_capturable) == ("requires_payment_method", 0)
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == code
    assert await world.received(1) == ["payment_intent.payment_failed"]


async def test_other_test_cards_are_good_and_other_payment_methods_do_not_exist(world: World) -> None:
    assert (await world.hold(payment_method="pm_card_mastercard")).status == "requires_capture"
    error = await refused(world.hold(payment_method="pm_1234"))
    assert (error.http_status, error.code, getattr(error, "param", None)) == (400, "resource_missing", "payment_method")
    error = await refused(world.retrieve("pi_1234"))
    assert (error.http_status, error.code) == (404, "resource_missing")


@pytest.mark.parametrize(
    "wrong, code",
    [
        ({"amount": 0}, "parameter_invalid_integer"),
        ({"amount": "12.5"}, "parameter_invalid_integer"),
        ({"amount": 100_000_000}, "amount_too_large"),
        ({"currency": "reais"}, None),
        ({"capture_method": "later"}, None),
        ({"transfer_data": {"destination": "acct_1"}}, "parameter_unknown"),
    ],
)
async def test_wrong_parameters_are_refused_and_nothing_is_made(world: World, wrong: dict[str, Any], code: str | None) -> None:
    error = await refused(world.hold(**wrong))
    assert isinstance(error, stripe.InvalidRequestError)
    assert (error.http_status, error.code) == (400, code)
    assert await world.intents() == []


async def test_another_api_key_opens_nothing(world: World) -> None:
    error = await refused(world.hold(client=world.sdk("sk_test_of_a_stranger")))
    assert isinstance(error, stripe.AuthenticationError)
    async with httpx.AsyncClient(base_url=world.url) as client:
        assert (await client.get("/v1/payment_intents")).status_code == 401
        assert (await client.get("/v1/payment_intents", auth=(KEY, ""))).status_code == 200


async def test_the_same_key_gives_the_same_answer_and_one_payment(world: World) -> None:
    first = await world.hold("key-1")
    again = await world.hold("key-1")
    assert again.id == first.id
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(await world.intents()) == 1


async def test_the_same_key_repeats_a_decline_too(world: World) -> None:
    first = await refused(world.hold("key-1", payment_method="pm_card_chargeDeclined"))
    again = await refused(world.hold("key-1", payment_method="pm_card_chargeDeclined"))
    assert again.http_body == first.http_body
    assert len(await world.intents()) == 1


async def test_wrong_parameters_do_not_use_up_a_key(world: World) -> None:
    await refused(world.hold("key-1", currency="reais"))
    assert (await world.hold("key-1")).status == "requires_capture"


async def test_the_same_key_for_something_else_is_refused(world: World) -> None:
    held = await world.hold("key-1")
    assert isinstance(await refused(world.hold("key-1", amount=1)), stripe.IdempotencyError)
    capture = world.client.v1.payment_intents.capture
    error = await refused(asyncio.to_thread(capture, held.id, {}, {"idempotency_key": "key-1"}))
    assert "same endpoint" in str(error)
    assert (await world.retrieve(held.id)).status == "requires_capture"


async def test_a_key_in_use_is_refused(world: World) -> None:
    await world.control(delay_seconds=0.3)
    results = await asyncio.gather(*(world.hold("key-1") for _ in range(5)), return_exceptions=True)
    conflicts = [each for each in results if isinstance(each, stripe.StripeError)]
    assert {(each.http_status, each.error and each.error.code) for each in conflicts} == {(409, "idempotency_key_in_use")}
    await world.control(delay_seconds=0)
    assert len(await world.intents()) == 1


async def test_a_lost_reply_is_found_again_by_its_key(world: World) -> None:
    await world.control(drop_reply_next=1)
    assert isinstance(await refused(world.hold("key-1")), stripe.APIConnectionError)
    assert (await world.control())["drop_reply_next"] == 0
    again = await world.hold("key-1")
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(await world.intents()) == 1


async def test_an_outage_executes_nothing_and_the_sdk_gets_over_it(world: World) -> None:
    await world.control(fail_next=1)
    assert (await refused(world.hold("key-1"))).http_status == 500
    assert await world.intents() == []
    await world.control(fail_next=1)
    assert (await world.hold(client=world.sdk(KEY, retries=1))).status == "requires_capture"


async def test_webhooks_are_repeated_until_they_are_taken(world: World) -> None:
    world.refusals = 2
    await world.hold()
    assert await world.received(1) == ["payment_intent.amount_capturable_updated"]
    assert world.refusals == 0


async def test_webhooks_can_be_held_and_sent_twice(world: World) -> None:
    await world.control(hold_webhooks=True, duplicate_webhooks=True)
    held = await world.hold()
    await world.capture(held.id)
    assert ((await world.control())["pending_webhooks"], world.events) == (2, [])
    await world.control(hold_webhooks=False)
    await world.received(4)
    assert len({event.id for event in world.events}) == 2


async def test_an_event_can_be_asked_for(world: World) -> None:
    held = await world.hold()
    await world.received(1)
    event = await asyncio.to_thread(world.client.v1.events.retrieve, world.events[0].id)
    assert event.data.object["id"] == held.id
    listed = await asyncio.to_thread(world.client.v1.events.list, {"type": "payment_intent.created"})
    assert [each.type for each in listed.data] == ["payment_intent.created"]


async def test_captured_money_is_given_back_once(world: World) -> None:
    held = await world.hold()
    assert "does not have a successful charge" in str(await refused(world.refund(held.id)))
    await world.capture(held.id)
    assert (await world.refund(held.id, amount=5_000)).amount == 5_000
    assert (await refused(world.refund(held.id, amount=10_001))).http_status == 400
    assert (await world.refund(held.id)).amount == 10_000
    assert (await refused(world.refund(held.id))).code == "charge_already_refunded"


async def test_nothing_is_forgotten_over_a_restart(world: World) -> None:
    await world.control(hold_webhooks=True)
    held = await world.hold("key-1")
    await world.close()
    await world.open()
    assert (await world.retrieve(held.id)).status == "requires_capture"
    assert (await world.hold("key-1")).id == held.id
    assert await world.received(1) == ["payment_intent.amount_capturable_updated"]


async def test_faults_that_do_not_exist_are_refused(world: World) -> None:
    async with httpx.AsyncClient() as client:
        for wrong in ({"explode": True}, {"fail_next": "one"}):
            answer = await client.post(f"{world.url}/_control", json=wrong)
            assert answer.status_code == 400
            assert next(iter(wrong)) in answer.json()["error"]


def test_a_line_that_was_torn_by_a_crash_is_left_out_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.commit(("a", "1", {"n": 1}), ("b", "1", {"n": 1}))
    journal.commit(("a", "1", None), ("b", "2", {"n": 2}))
    journal.close()
    path.write_text(path.read_text() + json.dumps([["a", "3", {"n": 3}]])[:-4])
    journal = Journal(path)
    assert (journal.table("a"), journal.table("b")) == ({}, {"1": {"n": 1}, "2": {"n": 2}})
    journal.close()
