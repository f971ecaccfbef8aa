"""What becomes of a booking whose payment is declined, late, or not answered at all."""

import asyncio

import pytest
from marketplace.booking.v1 import booking_service_pb2 as pb
from marketplace.booking.v1 import events_pb2
from marketplace.booking.v1 import request_service_pb2 as requests_pb
from marketplace.payment.v1.events_pb2 import PaymentAuthorized, PaymentFailed

from mesh.errors import NotAllowedNow
from mesh.ids import new_id
from services.booking.store.documents import BookingDocument, CalendarDayDocument
from tests.services.booking.support import Stage, on_stage, state_name, until
from tests.support.service import Backing

CANCELLED = ["OfferEnded", "BookingStateChanged", "BookingCancelled"]


async def no_answer(stage: Stage) -> pb.Booking:
    """A booking whose payment did not answer."""
    stage.payment.answer = "fail"
    booking, _ = await stage.book()
    assert state_name(booking) == "AWAITING_PAYMENT"
    return booking


async def held(stage: Stage) -> int:
    """How many holds there are."""
    days = await stage.service.runtime.database.collection(CalendarDayDocument).find({})
    return len({hold["booking_id"] for day in days for hold in day.holds})


async def test_a_declined_payment_expires_the_booking_and_frees_the_slot(stage: Stage) -> None:
    stage.payment.answer = "decline"
    provider = await stage.provider()
    request = await stage.ask()
    offer = await stage.offer(provider, request.request_id)
    accept = requests_pb.AcceptOfferRequest(offer_id=offer.offer_id)
    for _ in range(2):
        with pytest.raises(NotAllowedNow) as refused:
            await stage.requests(provider).AcceptOffer(accept)
        assert (refused.value.reason, refused.value.domain) == ("PAYMENT_DECLINED", "booking.marketplace")
    assert len(stage.payment.requests) == 1
    assert await held(stage) == 0
    assert (await stage.service.published_types())[-3:] == CANCELLED
    cancelled = (await stage.service.published(events_pb2.BookingCancelled))[0]
    assert cancelled.state == pb.BOOKING_STATE_EXPIRED
    offer = await stage.offer(provider, request.request_id)
    assert offer.state == requests_pb.OFFER_STATE_WITHDRAWN
    found = await stage.requests(stage.customer).GetServiceRequest(
        requests_pb.GetServiceRequestRequest(request_id=request.request_id)
    )
    assert found.request.state == requests_pb.REQUEST_STATE_UNMATCHED


async def test_a_booking_without_an_answer_from_payment_waits_with_its_slot_and_without_the_place(stage: Stage) -> None:
    booking = await no_answer(stage)
    assert await held(stage) == 1
    assert not booking.HasField("place")
    seen = await stage.bookings(stage.customer).GetBooking(pb.GetBookingRequest(booking_id=booking.booking_id))
    assert seen.booking.HasField("place")


async def test_an_event_from_payment_confirms_what_the_call_could_not(stage: Stage) -> None:
    booking = await no_answer(stage)
    event = PaymentAuthorized(payment_id="pay_1", booking_id=booking.booking_id)
    event_id = await stage.service.deliver(event)
    await stage.service.deliver(event, event_id)
    await stage.service.deliver(event)
    assert await stage.state(booking) == "CONFIRMED"
    assert len(await stage.service.published(events_pb2.BookingConfirmed)) == 1


async def test_an_event_from_payment_expires_what_the_call_could_not(stage: Stage) -> None:
    booking = await no_answer(stage)
    await stage.service.deliver(PaymentFailed(payment_id="pay_1", booking_id=booking.booking_id))
    assert await stage.state(booking) == "EXPIRED"
    assert await held(stage) == 0
    assert (await stage.service.published_types())[-3:] == CANCELLED


async def test_an_answer_for_a_booking_that_is_not_known_or_decided_changes_nothing(stage: Stage) -> None:
    booking, provider = await stage.book()
    await stage.bookings(provider).StartTravel(pb.StartTravelRequest(booking_id=booking.booking_id))
    told = await stage.service.published_types()
    for booking_id in (booking.booking_id, "bkg_unknown"):
        await stage.service.deliver(PaymentAuthorized(payment_id="pay_1", booking_id=booking_id))
        await stage.service.deliver(PaymentFailed(payment_id="pay_1", booking_id=booking_id))
    assert await stage.state(booking) == "EN_ROUTE"
    assert await stage.service.published_types() == told


async def test_the_sweeper_asks_again_after_ten_seconds_and_confirms(backing: Backing) -> None:
    async with on_stage(backing, sweep_seconds=0.05) as stage:
        booking = await no_answer(stage)
        asked = len(stage.payment.requests)
        stage.payment.answer = "authorize"
        stage.clock.advance(seconds=8)
        assert await stage.state(booking) == "AWAITING_PAYMENT"
        stage.clock.advance(seconds=3)
        await until(lambda: stage.state(booking), lambda state: state == "CONFIRMED")
        assert stage.payment.requests[asked] == stage.payment.requests[0]
        assert len(stage.payment.requests) == asked + 1


async def test_the_sweeper_gives_up_after_fifteen_minutes_and_a_late_authorization_changes_nothing(backing: Backing) -> None:
    async with on_stage(backing, sweep_seconds=0.05) as stage:
        booking = await no_answer(stage)
        stage.clock.advance(minutes=14, seconds=50)
        seen = len(stage.payment.requests)
        await until(lambda: asyncio.sleep(0, len(stage.payment.requests)), lambda asked: asked > seen)
        assert await stage.state(booking) == "AWAITING_PAYMENT"
        stage.clock.advance(seconds=11)
        await until(lambda: stage.state(booking), lambda state: state == "EXPIRED")
        assert await held(stage) == 0
        await stage.service.deliver(PaymentAuthorized(payment_id="pay_1", booking_id=booking.booking_id))
        assert await stage.state(booking) == "EXPIRED"
        assert [event.state for event in await stage.service.published(events_pb2.BookingCancelled)] == [pb.BOOKING_STATE_EXPIRED]
        assert await stage.service.published(events_pb2.BookingConfirmed) == []
        offer_id = (await stage.service.published(events_pb2.OfferAccepted))[0].offer_id
        provider = stage.backing.signer.account("provider", account_id=booking.provider_id)
        with pytest.raises(NotAllowedNow) as refused:
            await stage.requests(provider).AcceptOffer(requests_pb.AcceptOfferRequest(offer_id=offer_id))
        assert (refused.value.reason, refused.value.metadata["state"]) == ("OFFER_CLOSED", "WITHDRAWN")


async def test_a_process_that_dies_between_the_hold_and_the_payment_loses_nothing(backing: Backing) -> None:
    prefix = f"{new_id('t')}_"
    async with on_stage(backing, database_prefix=prefix) as first:
        first.payment.answering.clear()
        call = asyncio.create_task(first.book())
        await until(lambda: asyncio.sleep(0, len(first.payment.requests)), lambda asked: asked == 1)
        call.cancel()
        customer = first.customer
    async with on_stage(backing, database_prefix=prefix, sweep_seconds=0.05) as second:
        second.customer = customer
        bookings = second.service.runtime.database.collection(BookingDocument)
        try:
            (stored,) = await bookings.find({})
            assert stored.state == "AWAITING_PAYMENT"
            second.clock.advance(seconds=20)
            await until(lambda: second.state(pb.Booking(booking_id=stored.id)), lambda state: state == "CONFIRMED")
        finally:
            await second.service.runtime._mongo.drop_database(f"{prefix}booking")


async def test_a_booking_cancelled_while_payment_is_asked_stays_cancelled(stage: Stage) -> None:
    stage.payment.answering.clear()
    provider = await stage.provider()
    request = await stage.ask()
    accepting = asyncio.create_task(stage.accept(provider, request.request_id))
    await until(lambda: asyncio.sleep(0, len(stage.payment.requests)), lambda asked: asked == 1)
    listed = await stage.bookings(stage.customer).ListBookings(pb.ListBookingsRequest())
    cancel = pb.CancelBookingRequest(booking_id=listed.bookings[0].booking_id, reason="changed my mind")
    await stage.bookings(stage.customer).CancelBooking(cancel)
    stage.payment.answering.set()
    assert state_name(await accepting) == "CANCELLED_BY_CUSTOMER"
    assert await held(stage) == 0
    assert await stage.service.published(events_pb2.BookingConfirmed) == []
