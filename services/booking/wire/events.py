"""Facts as the events of the contract."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message
from marketplace.booking.v1 import events_pb2 as pb

from services.booking.model import facts
from services.booking.model.booking import Booking
from services.booking.wire.bookings import write_state
from services.booking.wire.common import write_money, write_time


def write_event(fact: facts.Fact) -> Message:
    """The event that tells this fact."""
    return _WRITERS[type(fact)](fact)


def _requested(fact: facts.Requested) -> pb.ServiceRequested:
    request = fact.request
    return pb.ServiceRequested(
        request_id=request.request_id,
        customer_id=request.customer_id,
        category_id=request.category_id,
        candidate_count=fact.candidate_count,
        request_time=write_time(request.create_time),
    )


def _offered(fact: facts.Offered) -> pb.OfferMade:
    offer = fact.offer
    return pb.OfferMade(
        offer_id=offer.offer_id,
        request_id=offer.request_id,
        provider_id=offer.provider_id,
        category_id=offer.category_id,
        start_time=write_time(offer.period.start),
        end_time=write_time(offer.period.end),
        net=write_money(offer.net),
        expire_time=write_time(offer.expire_time),
        offer_time=write_time(offer.create_time),
    )


def _offer_over(fact: facts.OfferOver) -> pb.OfferEnded:
    offer = fact.offer
    return pb.OfferEnded(
        offer_id=offer.offer_id,
        request_id=offer.request_id,
        provider_id=offer.provider_id,
        end=pb.OfferEnd.Value(f"OFFER_END_{offer.state}"),
        end_time=write_time(fact.time),
    )


def _accepted(fact: facts.Accepted) -> pb.OfferAccepted:
    booking = fact.booking
    return pb.OfferAccepted(
        booking_id=booking.booking_id,
        offer_id=booking.offer_id,
        request_id=booking.request_id,
        customer_id=booking.customer_id,
        provider_id=booking.provider_id,
        accept_time=write_time(booking.create_time),
    )


def _moved(fact: facts.Moved) -> pb.BookingStateChanged:
    return pb.BookingStateChanged(
        **_parties(fact.booking),
        old_state=write_state(fact.old_state),
        new_state=write_state(fact.booking.state),
        change_time=write_time(fact.time),
    )


def _confirmed(fact: facts.Confirmed) -> pb.BookingConfirmed:
    booking = fact.booking
    return pb.BookingConfirmed(
        **_parties(booking),
        category_id=booking.category_id,
        start_time=write_time(booking.period.start),
        end_time=write_time(booking.period.end),
        price=write_money(booking.price),
        confirm_time=write_time(fact.time),
    )


def _completed(fact: facts.Completed) -> pb.BookingCompleted:
    booking = fact.booking
    return pb.BookingCompleted(
        **_parties(booking),
        category_id=booking.category_id,
        price=write_money(booking.price),
        commission=write_money(booking.commission),
        complete_time=write_time(fact.time),
    )


def _called_off(fact: facts.CalledOff) -> pb.BookingCancelled:
    return pb.BookingCancelled(**_parties(fact.booking), state=write_state(fact.booking.state), cancel_time=write_time(fact.time))


def _parties(booking: Booking) -> dict[str, str]:
    return {"booking_id": booking.booking_id, "customer_id": booking.customer_id, "provider_id": booking.provider_id}


_WRITERS: dict[type[Any], Callable[[Any], Message]] = {
    facts.Requested: _requested,
    facts.Offered: _offered,
    facts.OfferOver: _offer_over,
    facts.Accepted: _accepted,
    facts.Moved: _moved,
    facts.Confirmed: _confirmed,
    facts.Completed: _completed,
    facts.CalledOff: _called_off,
}
