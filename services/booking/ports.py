"""What the use cases need from outside. store and clients implement it; tests give short fakes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

from mesh.clock import Clock
from services.booking.model.booking import Booking
from services.booking.model.facts import Fact
from services.booking.model.hours import WeeklyHours
from services.booking.model.offering import Offering, Provider
from services.booking.model.period import Period
from services.booking.model.place import Place
from services.booking.model.request import Offer, ServiceRequest

T = TypeVar("T")


class Transaction(Protocol):
    """Runs work so that all its storage calls take effect together or not at all; the work may run again, and calls nobody."""

    async def __call__(self, work: Callable[[], Awaitable[T]], /) -> T: ...


class Offerings(Protocol):
    """What providers offer."""

    async def put(self, offering: Offering) -> None:
        """Keeps it in place of the one before; outside of transactions."""
        ...

    async def of_provider(self, provider_id: str) -> list[Offering]:
        """By category."""
        ...

    async def with_ids(self, offering_ids: Sequence[str]) -> list[Offering]:
        """Those that exist."""
        ...


class Areas(Protocol):
    """Finds what is offered near a place. An index only: whatever it forgets is built again from the offerings."""

    async def add(self, offering_id: str) -> None:
        """Brings the index up to date with one offering. When it does not answer, that is made up for later."""
        ...

    async def near(self, category_id: str, place: Place) -> list[str]:
        """The ids of the offerings whose area can reach the place, nearest first. Raises Unavailable."""
        ...


class Providers(Protocol):
    """What is known of providers."""

    async def with_ids(self, provider_ids: Sequence[str]) -> dict[str, Provider]:
        """Those that exist, by id."""
        ...

    async def put_hours(self, provider_id: str, hours: WeeklyHours) -> None:
        """Keeps the hours in place of those before."""
        ...

    async def put_rating(self, provider_id: str, rating: float, rating_count: int, revision: int) -> None:
        """Keeps the rating unless one with a higher revision is there."""
        ...

    async def put_name(self, provider_id: str, display_name: str, as_of: datetime) -> None:
        """Keeps the name unless a later one is there."""
        ...

    async def count_answer(self, provider_id: str, *, is_accepted: bool) -> None:
        """Counts an offer that the provider answered, or let expire."""
        ...


class Blocks(Protocol):
    """Who has blocked whom."""

    async def put(self, blocker_id: str, blocked_id: str, *, is_blocked: bool, revision: int) -> None:
        """Keeps it unless something with a higher revision is there."""
        ...

    async def between(self, account_id: str, other_ids: Sequence[str]) -> set[str]:
        """Those of the others who have blocked this account or are blocked by it."""
        ...


class Calendars(Protocol):
    """What providers' time is taken by."""

    async def taken(self, provider_ids: Sequence[str], period: Period) -> dict[str, list[Period]]:
        """What is held or booked of each provider's time and overlaps the period; whoever is free may be left out."""
        ...

    async def open(self, provider_id: str, period: Period) -> None:
        """Makes sure that the days of the period are there to be written to; before the transaction that holds."""
        ...

    async def hold(self, provider_id: str, booking_id: str, period: Period) -> None:
        """Takes the time, in a transaction. Raises NotAllowedNow (SLOT_TAKEN)."""
        ...

    async def free(self, provider_id: str, booking_id: str, period: Period) -> None:
        """Gives the booking's time back, in a transaction."""
        ...


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last item of a page: lists are sorted by time, newest first, and equals by id."""

    create_time: datetime
    item_id: str


class Requests(Protocol):
    """The customers' requests."""

    async def find(self, request_id: str) -> ServiceRequest | None: ...

    async def add(self, request: ServiceRequest) -> None: ...

    async def put(self, request: ServiceRequest) -> None:
        """Keeps a changed one. Raises Conflict when somebody else changed it since it was read."""
        ...


class Offers(Protocol):
    """The offers made to providers."""

    async def find(self, offer_id: str) -> Offer | None: ...

    async def add(self, offer: Offer) -> None: ...

    async def put(self, offer: Offer) -> None:
        """Keeps a changed one. Raises Conflict when somebody else changed it since it was read."""
        ...

    async def pending_of(self, request_id: str) -> list[Offer]:
        """Those of a request that wait for an answer."""
        ...

    async def overdue(self, now: datetime, most: int) -> list[Offer]:
        """Those that wait for an answer that can no longer come, the oldest first."""
        ...

    async def page(self, provider_id: str, after: Cursor | None, most: int) -> list[Offer]:
        """A provider's offers, newest first."""
        ...


class Bookings(Protocol):
    """The bookings."""

    async def find(self, booking_id: str) -> Booking | None: ...

    async def add(self, booking: Booking, next_attempt: datetime) -> None:
        """Adds one that awaits its payment, which is asked for again from `next_attempt` on."""
        ...

    async def put(self, booking: Booking) -> None:
        """Keeps a changed one. Raises Conflict when somebody else changed it since it was read."""
        ...

    async def page(self, account_id: str, after: Cursor | None, most: int) -> list[Booking]:
        """An account's bookings on either side, newest first."""
        ...

    async def take_unpaid(self, now: datetime, next_attempt: datetime, most: int) -> list[Booking]:
        """Those that await their payment and are due for an attempt; no other process gets them before `next_attempt`."""
        ...


class Facts(Protocol):
    """What the other services are told."""

    async def tell(self, facts: Sequence[Fact]) -> None:
        """Tells them if, and only if, the running transaction takes effect."""
        ...


class PaymentOutcome(StrEnum):
    """What became of asking for an authorization."""

    AUTHORIZED = "AUTHORIZED"
    DECLINED = "DECLINED"
    UNKNOWN = "UNKNOWN"  # no answer in time: it may or may not be authorized


class Payments(Protocol):
    """The service that holds and takes money."""

    async def authorize(self, booking: Booking) -> PaymentOutcome:
        """Has the price held on the customer's payment method. Asking again for the same booking asks for the same hold."""
        ...


class Directory(Protocol):
    """The service that knows people's names."""

    async def names(self, provider_ids: Sequence[str]) -> Mapping[str, str]:
        """The display names of those it knows; none when it does not answer soon."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """The marketplace's terms."""

    commission_basis_points: int
    offer_timeout: timedelta
    payment_timeout: timedelta
    payment_retry: timedelta  # how long after an attempt without an answer the next one is made


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that the use cases need, in one place."""

    clock: Clock
    terms: Terms
    transaction: Transaction
    offerings: Offerings
    areas: Areas
    providers: Providers
    blocks: Blocks
    calendars: Calendars
    requests: Requests
    offers: Offers
    bookings: Bookings
    facts: Facts
    payments: Payments
    directory: Directory
