"""From the request to the end of the booking, on the real stores."""

from marketplace.booking.v1 import booking_service_pb2 as pb
from marketplace.booking.v1 import events_pb2
from marketplace.booking.v1 import request_service_pb2 as requests_pb

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
