"""What is told live, and who may see what. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from mesh.errors import LimitReached, NotAllowedNow, NotFound

_MOST_AHEAD = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose stream it is, by a verified access token."""

    account_id: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in an account's stream: offsets count 1, 2, 3 … within one epoch."""

    epoch: str
    offset: int


@dataclass(frozen=True, slots=True)
class OfferNotice:
    """An offer was made to the account."""

    offer_id: str
    request_id: str
    category_id: str


@dataclass(frozen=True, slots=True)
class BookingNotice:
    """A booking moved; the state as the contract names it."""

    booking_id: str
    state: str


@dataclass(frozen=True, slots=True)
class MessageNotice:
    """A chat message came in."""

    booking_id: str
    message_id: str
    sequence: int


@dataclass(frozen=True, slots=True)
class PaymentNotice:
    """A payment moved: authorized, captured, voided or failed."""

    booking_id: str
    state: str


Notice: TypeAlias = OfferNotice | BookingNotice | MessageNotice | PaymentNotice


@dataclass(frozen=True, slots=True)
class Told:
    """A notice as an account is told of it."""

    notice: Notice
    event_time: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """What an account was told, at its place in the stream."""

    told: Told
    position: Position


@dataclass(frozen=True, slots=True)
class LocationPoint:
    """Where somebody was: WGS 84 degrees, and the radius of 68 % confidence in metres, 0 when unknown."""

    latitude: float
    longitude: float
    measure_time: datetime
    accuracy_meters: float


@dataclass(frozen=True, slots=True)
class Located:
    """Where the provider of a booking is."""

    booking_id: str
    point: LocationPoint


@dataclass(frozen=True, slots=True)
class Opened:
    """The stream goes on from here; whether without a gap since where it was to be resumed."""

    is_recovered: bool
    position: Position


@dataclass(frozen=True, slots=True)
class Alive:
    """Nothing happened for a while."""


Frame: TypeAlias = Opened | Alive | Kept | Located


@dataclass(frozen=True, slots=True)
class Stretch:
    """What an account's stream holds after a place: `end` is where it ends now; without a gap, or nothing."""

    end: Position
    is_whole: bool
    events: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True)
class Participation:
    """Who takes part in a booking, and whether its provider is on the way or at work."""

    customer_id: str
    provider_id: str
    is_under_way: bool

    def require_provider(self, account_id: str) -> None:
        """Raises NotFound (BOOKING_NOT_FOUND), NotAllowedNow (NOT_EN_ROUTE)."""
        if account_id != self.provider_id:
            raise booking_not_found()
        if not self.is_under_way:
            raise not_en_route()


def credible(points: Sequence[LocationPoint], now: datetime) -> list[LocationPoint]:
    """The points, oldest first, less those whose clock is ahead: one of tomorrow would hide all that come today."""
    return sorted((each for each in points if each.measure_time <= now + _MOST_AHEAD), key=lambda each: each.measure_time)


def booking_not_found() -> NotFound:
    """The same for a stranger's booking and for none."""
    return NotFound("BOOKING_NOT_FOUND", "There is no such booking.")


def not_en_route() -> NotAllowedNow:
    """Where somebody is, is told only while a customer waits for them."""
    return NotAllowedNow("NOT_EN_ROUTE", "Location is taken only while the provider is on the way or at work.")


def too_slow() -> LimitReached:
    """Who does not read is cut off; what is kept can be resumed from."""
    return LimitReached("TOO_SLOW", "The stream was read too slowly; open it again where it stopped.", retry_after_seconds=1)
