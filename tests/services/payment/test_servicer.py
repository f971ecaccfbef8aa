"""PaymentService on the real stores, through Stripe's SDK, against the simulator."""

import asyncio
from itertools import groupby

import pytest
from marketplace.payment.v1 import payment_service_pb2 as pb
from marketplace.payment.v1.events_pb2 import PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentVoided
from marketplace.payment.v1.payment_service_pb2_grpc import PaymentServiceStub

from mesh.errors import Forbidden, InvalidInput, NotAllowedNow, NotFound
from tests.services.payment.bench import COMMISSION, PRICE, Bench, brl


async def test_an_authorized_payment_is_held_at_stripe_booked_and_told(bench: Bench) -> None:
    payment = await bench.authorize()
    assert (payment.state, payment.amount, payment.commission) == (pb.PAYMENT_STATE_AUTHORIZED, brl(PRICE), brl(COMMISSION))
    [intent] = await bench.stripe.intents()
    assert (intent["status"], intent["amount"], intent["currency"]) == ("requires_capture", PRICE, "brl")
    assert intent["metadata"] == {"booking_id": bench.booking_id, "payment_id": payment.payment_id}
    [entry] = await bench.ledger()
    assert entry.kind == "hold"
    assert {posting.account: posting.amount.amount_minor for posting in entry.postings} == {
        f"customer:{bench.customer.account_id}:hold": PRICE,
        "escrow:holds": -PRICE,
    }
    [event] = await bench.service.published(PaymentAuthorized)
    assert (event.booking_id, event.customer_id, event.amount) == (bench.booking_id, bench.customer.account_id, brl(PRICE))


async def test_repeating_it_returns_the_same_payment(bench: Bench) -> None:
    assert await bench.authorize() == await bench.authorize()
    assert len(await bench.stripe.intents()) == 1
    assert await bench.kinds() == ["hold"]


async def test_concurrent_attempts_have_one_effect(bench: Bench) -> None:
    await bench.stripe.control(delay_seconds=0.1)
    payments = await asyncio.gather(*(bench.authorize() for _ in range(8)))
    assert {payment.payment_id for payment in payments} == {payments[0].payment_id}
    assert {payment.state for payment in payments} == {pb.PAYMENT_STATE_AUTHORIZED}
    assert len(await bench.stripe.intents()) == 1
    assert await bench.kinds() == ["hold"]
    assert len(await bench.service.published(PaymentAuthorized)) == 1


async def test_other_facts_are_a_mismatch(bench: Bench) -> None:
    await bench.authorize()
    with pytest.raises(NotAllowedNow, match="PAYMENT_MISMATCH"):
        await bench.authorize(price=PRICE + 1)


@pytest.mark.parametrize(
    "payment_method, code",
    [
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_authenticationRequired", "authentication_not_handled"),
        ("pm_nobody_has", "resource_missing"),
    ],
)
async def test_a_refused_payment_tells_stripes_code_and_holds_nothing(bench: Bench, payment_method: str, code: str) -> None:
    for method in (payment_method, "pm_card_visa"):  # it stays declined, whatever comes after it
        with pytest.raises(NotAllowedNow) as refused:
            await bench.authorize(method)
        assert (refused.value.reason, refused.value.metadata) == ("PAYMENT_DECLINED", {"code": code})
    assert (await bench.payment()).state == pb.PAYMENT_STATE_DECLINED
    assert await bench.ledger() == []
    [event] = await bench.service.published(PaymentFailed)
    assert (event.booking_id, event.code) == (bench.booking_id, code)


async def test_an_amount_of_nothing_is_refused(bench: Bench) -> None:
    with pytest.raises(InvalidInput):
        await bench.authorize(price=0)
    assert await bench.stripe.intents() == []


async def test_a_completed_booking_is_captured_once(bench: Bench) -> None:
    await bench.authorize()
    event_id = await bench.service.deliver(bench.completed())
    await bench.service.deliver(bench.completed(), event_id)
    await bench.until_state("CAPTURED")
    await bench.service.deliver(bench.completed())
    [intent] = await bench.stripe.intents()
    assert (intent["status"], intent["amount_received"]) == ("succeeded", PRICE)
    [captured] = await bench.service.published(PaymentCaptured)
    assert (captured.provider_id, captured.amount, captured.commission, captured.net) == (
        bench.provider.account_id,
        brl(PRICE),
        brl(COMMISSION),
        brl(PRICE - COMMISSION),
    )
    entries = await bench.ledger()
    assert [entry.kind for entry in entries] == ["hold", "release", "capture"]
    postings = sorted((each.account, each.amount.amount_minor) for entry in entries for each in entry.postings)
    sums = {account: sum(minor for _, minor in group) for account, group in groupby(postings, key=lambda each: each[0])}
    assert sums == {
        "escrow:holds": 0,
        f"customer:{bench.customer.account_id}:hold": 0,
        "stripe:receivable": PRICE,
        "marketplace:commission": -COMMISSION,
        f"provider:{bench.provider.account_id}:payable": COMMISSION - PRICE,
    }


async def test_a_booking_that_came_cheaper_is_captured_for_its_price(bench: Bench) -> None:
    await bench.authorize()
    await bench.service.deliver(bench.completed(price=PRICE - 5_000))
    await bench.until_state("CAPTURED")
    [intent] = await bench.stripe.intents()
    assert intent["amount_received"] == PRICE - 5_000
    assert (await bench.payment()).amount == brl(PRICE - 5_000)


async def test_a_price_above_the_hold_is_put_aside_and_nothing_is_taken(bench: Bench) -> None:
    await bench.authorize()
    with pytest.raises(AssertionError):
        await bench.service.deliver(bench.completed(price=PRICE + 1))
    assert (await bench.payment()).state == pb.PAYMENT_STATE_AUTHORIZED


async def test_a_completed_booking_without_a_payment_is_put_aside(bench: Bench) -> None:
    with pytest.raises(AssertionError):
        await bench.service.deliver(bench.completed())


async def test_a_cancelled_booking_releases_the_hold(bench: Bench) -> None:
    await bench.authorize()
    await bench.service.deliver(bench.cancelled())
    await bench.service.deliver(bench.cancelled())
    await bench.until_state("VOIDED")
    [intent] = await bench.stripe.intents()
    assert intent["status"] == "canceled"
    assert await bench.kinds() == ["hold", "release"]
    assert [event.booking_id for event in await bench.service.published(PaymentVoided)] == [bench.booking_id]
    with pytest.raises(NotAllowedNow) as refused:
        await bench.authorize()
    assert refused.value.metadata == {"code": "booking_cancelled"}


async def test_a_booking_cancelled_before_its_payment_never_gets_one(bench: Bench) -> None:
    await bench.service.deliver(bench.cancelled())
    await bench.service.deliver(bench.cancelled())
    with pytest.raises(NotAllowedNow, match="PAYMENT_DECLINED"):
        await bench.authorize()
    with pytest.raises(NotFound, match="PAYMENT_NOT_FOUND"):
        await bench.payment()
    assert await bench.stripe.intents() == []


async def test_only_the_bookings_two_parties_see_its_payment(bench: Bench) -> None:
    with pytest.raises(NotFound, match="PAYMENT_NOT_FOUND"):
        await bench.payment()
    payment = await bench.authorize()
    assert await bench.payment(bench.customer) == await bench.payment(bench.provider) == payment
    for stranger in (bench.backing.account("customer"), bench.backing.account("provider")):
        with pytest.raises(NotFound, match="PAYMENT_NOT_FOUND"):
            await bench.payment(stranger)


async def test_only_booking_authorizes_and_only_an_admin_reads_the_ledger(bench: Bench) -> None:
    for caller in ("gateway", "chat"):
        with pytest.raises(Forbidden, match="CALLER_NOT_ALLOWED"):
            await bench.service.stub(PaymentServiceStub, caller=caller).AuthorizePayment(bench.request())
    with pytest.raises(NotFound):  # booking acts for somebody else than the provider who is to be paid
        await bench.service.stub(PaymentServiceStub, bench.customer, caller="booking").AuthorizePayment(bench.request())
    stub = bench.service.stub(PaymentServiceStub, bench.customer)
    with pytest.raises(Forbidden, match="ROLE_REQUIRED"):
        await stub.ListLedgerEntries(pb.ListLedgerEntriesRequest(booking_id=bench.booking_id))
    assert await bench.ledger() == []
