"""Lost replies, a provider that is down or hangs, processes that die: nothing is lost, and nothing happens twice."""

import asyncio
from datetime import datetime, timedelta

import pytest
from marketplace.payment.v1 import payment_service_pb2 as pb
from marketplace.payment.v1.events_pb2 import PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentVoided

from mesh.clock import SystemClock
from mesh.errors import NotAllowedNow, NotFound, Unavailable
from mesh.ids import new_id
from tests.services.payment.bench import PRICE, Bench, Stripe, paying, until
from tests.support.service import Backing

ATTEMPTS = 2  # the SDK asks once more by itself


class ShiftedClock:
    """The machine's clock, moved ahead by tests."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead


async def fail_to_authorize(bench: Bench, **faults: object) -> None:
    await bench.stripe.control(**faults)
    with pytest.raises(Unavailable, match="PAYMENT_PROVIDER_UNAVAILABLE"):
        await bench.authorize()


async def has_payment(bench: Bench) -> bool:
    try:
        return bool(await bench.payment())
    except NotFound:
        return False


async def drop_database(bench: Bench) -> None:
    database = bench.service.runtime.database
    await database._client.drop_database(database._driver.name)


async def test_one_lost_reply_is_asked_for_again_with_the_same_key(bench: Bench) -> None:
    await bench.stripe.control(drop_reply_next=1)
    assert (await bench.authorize()).state == pb.PAYMENT_STATE_AUTHORIZED
    assert len(await bench.stripe.intents()) == 1


async def test_an_authorization_whose_replies_were_lost_is_closed_by_the_worker(bench: Bench) -> None:
    await fail_to_authorize(bench, drop_reply_next=ATTEMPTS)
    await bench.until_state("AUTHORIZED", seconds=5)  # not only once the call could not be at work any more
    assert len(await bench.stripe.intents()) == 1
    assert await bench.kinds() == ["hold"]
    assert len(await bench.service.published(PaymentAuthorized)) == 1
    assert (await bench.authorize()).state == pb.PAYMENT_STATE_AUTHORIZED


async def test_a_decline_whose_replies_were_lost_is_found_by_the_worker(bench: Bench) -> None:
    await bench.stripe.control(drop_reply_next=ATTEMPTS)
    with pytest.raises(Unavailable):
        await bench.authorize("pm_card_chargeDeclinedLostCard")
    await bench.until_state("DECLINED")
    assert [event.code for event in await bench.service.published(PaymentFailed)] == ["lost_card"]


async def test_a_provider_that_hangs_is_left_before_the_callers_deadline(bench: Bench) -> None:
    await bench.stripe.control(delay_seconds=1.5)
    with pytest.raises(Unavailable, match="PAYMENT_PROVIDER_UNAVAILABLE"):
        await bench.authorize(timeout=1.2)
    await bench.stripe.control(delay_seconds=0)
    await bench.until_state("AUTHORIZED")
    assert len(await bench.stripe.intents()) == 1


async def test_a_capture_goes_on_until_the_provider_answers(bench: Bench) -> None:
    await bench.authorize()
    await bench.stripe.control(fail_next=ATTEMPTS, drop_reply_next=1)
    await bench.service.deliver(bench.completed())
    await bench.until_state("CAPTURED")
    [intent] = await bench.stripe.intents()
    assert intent["amount_received"] == PRICE
    assert await bench.kinds() == ["hold", "release", "capture"]
    assert len(await bench.service.published(PaymentCaptured)) == 1


async def test_a_void_goes_on_until_the_provider_answers(bench: Bench) -> None:
    await bench.authorize()
    await bench.stripe.control(fail_next=ATTEMPTS, drop_reply_next=1)
    await bench.service.deliver(bench.cancelled())
    await bench.until_state("VOIDED")
    assert await bench.kinds() == ["hold", "release"]
    assert len(await bench.service.published(PaymentVoided)) == 1


async def test_a_booking_cancelled_while_the_answer_is_unknown_leaves_no_hold(backing: Backing, stripe: Stripe) -> None:
    async with paying(backing, stripe) as bench:
        await bench.stripe.control(delay_seconds=0.2)
        call = asyncio.create_task(bench.authorize())

        await until(lambda: has_payment(bench))
        await bench.service.deliver(bench.cancelled())
        with pytest.raises(NotAllowedNow, match="PAYMENT_DECLINED"):
            await call
        await bench.until_state("VOIDED")
        [intent] = await stripe.intents()
        assert intent["status"] == "canceled"
        assert await bench.ledger() == []
        assert await bench.service.published_types() == ["PaymentVoided"]


async def test_a_cancellation_that_races_its_authorization_never_leaves_a_hold(bench: Bench) -> None:
    several = [Bench(bench.service, bench.backing, bench.stripe) for _ in range(12)]

    async def cancel(each: Bench) -> None:
        event_id = new_id("evt")
        while True:
            try:
                await each.service.deliver(each.cancelled(), event_id)
            except AssertionError:  # the authorization was stored meanwhile: production tries four times, the harness once
                continue
            return

    for each in several:
        outcomes = await asyncio.gather(each.authorize(), cancel(each), return_exceptions=True)
        assert isinstance(outcomes[0], pb.Payment | NotAllowedNow)

    async def is_nothing_held() -> bool:
        return all(intent["status"] == "canceled" for intent in await bench.stripe.intents())

    await until(is_nothing_held)
    for each in several:
        with pytest.raises(NotAllowedNow):
            await each.authorize()


async def test_what_a_process_left_open_is_closed_by_the_next_one(backing: Backing, stripe: Stripe) -> None:
    prefix = f"{new_id('t')}_"
    async with paying(backing, stripe, prefix=prefix) as first:
        await first.authorize()
        open_booking = Bench(first.service, backing, stripe)
        await stripe.control(fail_next=1000)
        with pytest.raises(Unavailable):
            await open_booking.authorize()
        await first.service.deliver(first.completed())
    await stripe.control(fail_next=0)
    async with paying(backing, stripe, prefix=prefix) as second:
        for bench in (first, open_booking):
            bench.service = second.service
        try:
            await first.until_state("CAPTURED")
            await open_booking.until_state("AUTHORIZED")
        finally:
            await drop_database(first)
    assert len(await stripe.intents()) == 2


async def test_two_processes_that_look_after_the_same_payments_do_it_once(backing: Backing, stripe: Stripe) -> None:
    prefix = f"{new_id('t')}_"
    async with paying(backing, stripe, prefix=prefix) as first, paying(backing, stripe, prefix=prefix) as second:
        several = [Bench(first.service, backing, stripe) for _ in range(6)]
        for bench in several:
            await bench.authorize()
        for bench in several:
            await second.service.deliver(bench.completed())
        for bench in several:
            await bench.until_state("CAPTURED")
            assert await bench.kinds() == ["hold", "release", "capture"]
        assert len(await first.service.published(PaymentCaptured)) == 6
        await drop_database(first)


async def test_an_authorization_without_any_answer_is_told_as_failed_within_five_minutes(
    backing: Backing, stripe: Stripe
) -> None:
    clock = ShiftedClock()
    async with paying(backing, stripe, clock=clock) as bench:
        await fail_to_authorize(bench, fail_next=1000)
        clock.ahead = timedelta(minutes=4, seconds=30)
        await bench.until_state("VOIDING")
        assert [event.code for event in await bench.service.published(PaymentFailed)] == ["provider_unavailable"]
        await bench.stripe.control(fail_next=0)

        async def is_closed() -> bool:
            clock.ahead += timedelta(seconds=31)
            return (await bench.payment()).state == pb.PAYMENT_STATE_VOIDED

        await until(is_closed)
        assert {intent["status"] for intent in await stripe.intents()} <= {"canceled"}
        assert await bench.ledger() == []


async def test_what_was_captured_by_another_hand_is_given_back_when_the_booking_is_off(bench: Bench) -> None:
    await bench.authorize()
    [intent] = await bench.stripe.intents()
    await bench.stripe.post(f"payment_intents/{intent['id']}/capture")
    await bench.service.deliver(bench.cancelled())
    await bench.until_state("VOIDED")
    [refund] = (await bench.stripe.get("refunds"))["data"]
    assert (refund["payment_intent"], refund["amount"]) == (intent["id"], PRICE)
    assert await bench.kinds() == ["hold", "release"]
