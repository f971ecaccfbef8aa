"""From the request to the end of the booking, on the real stores."""

import asyncio

import pytest
from marketplace.booking.v1 import booking_service_pb2 as pb
from marketplace.booking.v1 import events_pb2
from marketplace.booking.v1 import request_service_pb2 as requests_pb
from marketplace.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from marketplace.common.v1.page_pb2 import PageRequest

from mesh.errors import Forbidden, InvalidInput, NotAllowedNow, NotFound, Unauthenticated
from mesh.ids import new_id
from mesh.paging import encode_cursor
from tests.services.booking.support import HERE, Stage, state_name


async def test_a_booking_goes_from_the_request_to_its_completion(stage: Stage) -> None:
    provider = await stage.provider(12_345)
    request = await stage.ask()
    assert request.state == requests_pb.REQUEST_STATE_OFFERED
    assert [candidate.provider_id for candidate in request.candidates] == [provider.account_id]

    booking = await stage.accept(provider, request.request_id)
    assert state_name(booking) == "CONFIRMED"
    assert (booking.price.amount_minor, booking.commission.amount_minor, booking.net.amount_minor) == (12_345, 1_852, 10_493)
    assert booking.place == HERE
    asked = stage.payment.requests[0]
    assert (asked.booking_id, asked.amount.amount_minor, asked.commission.amount_minor) == (booking.booking_id, 12_345, 1_852)
    assert asked.payment_method == "pm_test"

    stub = stage.bookings(provider)
    name = {"booking_id": booking.booking_id}
    assert state_name((await stub.StartTravel(pb.StartTravelRequest(**name))).booking) == "EN_ROUTE"
    assert state_name((await stub.StartWork(pb.StartWorkRequest(**name))).booking) == "IN_PROGRESS"
    assert state_name((await stub.CompleteWork(pb.CompleteWorkRequest(**name))).booking) == "COMPLETED"
    assert state_name((await stub.CompleteWork(pb.CompleteWorkRequest(**name))).booking) == "COMPLETED"
    assert await stage.service.published_types() == [
        "ServiceRequested",
        "OfferMade",
        "OfferAccepted",
        "BookingStateChanged",
        "BookingConfirmed",
        "BookingStateChanged",
        "BookingStateChanged",
        "BookingStateChanged",
        "BookingCompleted",
    ]
    completed = (await stage.service.published(events_pb2.BookingCompleted))[0]
    assert (completed.price.amount_minor, completed.commission.amount_minor) == (12_345, 1_852)


async def test_only_the_parties_find_a_booking_and_only_its_provider_moves_it(stage: Stage) -> None:
    booking, provider = await stage.book()
    name = {"booking_id": booking.booking_id}
    stranger = stage.backing.account("customer", "provider")
    both = stage.backing.signer.account("customer", "provider", account_id=stage.customer.account_id)
    strangers = stage.bookings(stranger)
    customers = stage.service.stub(BookingServiceStub, both)
    for call in (
        strangers.GetBooking(pb.GetBookingRequest(**name)),
        strangers.CancelBooking(pb.CancelBookingRequest(**name)),
        strangers.StartTravel(pb.StartTravelRequest(**name)),
        customers.StartTravel(pb.StartTravelRequest(**name)),
        customers.StartWork(pb.StartWorkRequest(**name)),
        customers.CompleteWork(pb.CompleteWorkRequest(**name)),
        strangers.GetBooking(pb.GetBookingRequest(booking_id=new_id("bkg"))),
    ):
        with pytest.raises(NotFound) as refused:
            await call
        assert refused.value.reason == "BOOKING_NOT_FOUND"
    assert not (await strangers.ListBookings(pb.ListBookingsRequest())).bookings
    assert await stage.state(booking) == "CONFIRMED"
    assert (await stage.bookings(provider).GetBooking(pb.GetBookingRequest(**name))).booking == booking


async def test_a_transition_out_of_turn_is_refused_with_the_state(stage: Stage) -> None:
    booking, provider = await stage.book()
    name = {"booking_id": booking.booking_id}
    with pytest.raises(NotAllowedNow) as refused:
        await stage.bookings(provider).CompleteWork(pb.CompleteWorkRequest(**name))
    assert (refused.value.reason, refused.value.metadata) == ("TRANSITION_NOT_ALLOWED", {"state": "CONFIRMED"})
    await stage.bookings(provider).StartWork(pb.StartWorkRequest(**name))
    with pytest.raises(NotAllowedNow) as refused:
        await stage.bookings(stage.customer).CancelBooking(pb.CancelBookingRequest(**name))
    assert refused.value.metadata == {"state": "IN_PROGRESS"}


@pytest.mark.parametrize("who", ["customer", "provider"])
async def test_either_party_may_call_it_off_once(stage: Stage, who: str) -> None:
    booking, provider = await stage.book()
    stub = stage.bookings(stage.customer if who == "customer" else provider)
    cancel = pb.CancelBookingRequest(booking_id=booking.booking_id, reason="rain")
    answer = await stub.CancelBooking(cancel)
    assert state_name(answer.booking) == f"CANCELLED_BY_{who.upper()}"
    assert await stub.CancelBooking(cancel) == answer
    (cancelled,) = await stage.service.published(events_pb2.BookingCancelled)
    assert (cancelled.booking_id, cancelled.state) == (booking.booking_id, answer.booking.state)
    assert (cancelled.customer_id, cancelled.provider_id) == (booking.customer_id, booking.provider_id)
    moved = (await stage.service.published(events_pb2.BookingStateChanged))[-1]
    assert (moved.old_state, moved.new_state) == (pb.BOOKING_STATE_CONFIRMED, answer.booking.state)


async def test_transitions_at_once_happen_once(stage: Stage) -> None:
    booking, provider = await stage.book()
    travel = pb.StartTravelRequest(booking_id=booking.booking_id)
    await asyncio.gather(*(stage.bookings(provider).StartTravel(travel) for _ in range(8)))
    moves = [event.new_state for event in await stage.service.published(events_pb2.BookingStateChanged)]
    assert moves == [pb.BOOKING_STATE_CONFIRMED, pb.BOOKING_STATE_EN_ROUTE]


async def test_realtime_and_chat_learn_who_takes_part_unless_the_user_is_a_stranger(stage: Stage) -> None:
    booking, _ = await stage.book()
    request = pb.GetParticipationRequest(booking_id=booking.booking_id)
    expected = pb.GetParticipationResponse(
        customer_id=booking.customer_id, provider_id=booking.provider_id, state=pb.BOOKING_STATE_CONFIRMED
    )
    service = stage.service
    assert await service.stub(BookingServiceStub, stage.customer, caller="chat").GetParticipation(request) == expected
    assert await service.stub(BookingServiceStub, stage.customer, caller="realtime").GetParticipation(request) == expected
    admin = stage.backing.account("admin")
    assert await service.stub(BookingServiceStub, admin, caller="realtime").GetParticipation(request) == expected
    stranger = stage.backing.account("customer")
    with pytest.raises(NotFound):
        await service.stub(BookingServiceStub, stranger, caller="chat").GetParticipation(request)
    with pytest.raises(NotFound):
        await service.stub(BookingServiceStub, stage.customer, caller="chat").GetParticipation(
            pb.GetParticipationRequest(booking_id=new_id("bkg"))
        )
    with pytest.raises(Unauthenticated):
        await service.stub(BookingServiceStub, caller="chat").GetParticipation(request)
    with pytest.raises(Forbidden):
        await service.stub(BookingServiceStub, stage.customer, caller="payment").GetParticipation(request)


async def test_lists_are_newest_first_and_whole_page_by_page(stage: Stage) -> None:
    provider = await stage.provider()
    made = []
    for day in range(1, 6):
        made.append((await stage.accept(provider, (await stage.ask(stage.noon(day))).request_id)).booking_id)
    for account in (provider, stage.customer):
        found, token = [], ""
        while True:
            page = PageRequest(page_size=2, page_token=token)
            answer = await stage.bookings(account).ListBookings(pb.ListBookingsRequest(page=page))
            assert len(answer.bookings) <= 2
            found += [booking.booking_id for booking in answer.bookings]
            token = answer.page.next_page_token
            if not token:
                break
        assert found == made[::-1]
    found, token = [], ""
    for size in (3, 2):
        page = PageRequest(page_size=size, page_token=token)
        offers = await stage.requests(provider).ListOffers(requests_pb.ListOffersRequest(page=page))
        found += [offer.booking_id for offer in offers.offers]
        token = offers.page.next_page_token
    assert (found, token) == (made[::-1], "")


@pytest.mark.parametrize("token", ["x", "W10", encode_cursor("1"), encode_cursor("-1", "a"), encode_cursor("9" * 20, "a")])
async def test_a_page_token_that_no_list_gave_is_refused(stage: Stage, token: str) -> None:
    page = PageRequest(page_token=token)
    for call in (
        stage.bookings(stage.customer).ListBookings(pb.ListBookingsRequest(page=page)),
        stage.requests(stage.backing.account("provider")).ListOffers(requests_pb.ListOffersRequest(page=page)),
    ):
        with pytest.raises(InvalidInput) as refused:
            await call
        assert refused.value.reason == "PAGE_TOKEN_INVALID"
