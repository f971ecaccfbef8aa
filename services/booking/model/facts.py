"""What has happened, as the other services are told of it. wire/events.py turns each fact into its event."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from services.booking.model.booking import Booking, BookingState
from services.booking.model.request import Offer, ServiceRequest


@dataclass(frozen=True, slots=True)
class Requested:
    """A customer asked for a service that so many providers could do."""

    request: ServiceRequest
    candidate_count: int


@dataclass(frozen=True, slots=True)
class Offered:
    """An offer went out."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class OfferOver:
    """An offer ended without a booking, in the state that it has now."""

    offer: Offer
    time: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """A provider accepted; the slot is held."""

    booking: Booking


@dataclass(frozen=True, slots=True)
class Moved:
    """A booking moved from a state to the one that it has now."""

    booking: Booking
    old_state: BookingState
    time: datetime


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The payment is authorized."""

    booking: Booking
    time: datetime


@dataclass(frozen=True, slots=True)
class Completed:
    """The work is done."""

    booking: Booking
    time: datetime


@dataclass(frozen=True, slots=True)
class CalledOff:
    """The booking will not take place."""

    booking: Booking
    time: datetime


Fact: TypeAlias = Requested | Offered | OfferOver | Accepted | Moved | Confirmed | Completed | CalledOff


def facts_of_move(old: Booking, new: Booking, now: datetime) -> list[Fact]:
    """What a transition tells: always that the booking moved, and what that means to others."""
    facts: list[Fact] = [Moved(new, old.state, now)]
    if new.state is BookingState.CONFIRMED:
        facts.append(Confirmed(new, now))
    if new.state is BookingState.COMPLETED:
        facts.append(Completed(new, now))
    if new.state.is_called_off:
        facts.append(CalledOff(new, now))
    return facts
