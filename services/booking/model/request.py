"""A customer's request and the offers made of it: who is asked next, and which answers are still possible."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from mesh.errors import InvalidInput, NotAllowedNow
from mesh.ids import derived_id
from services.booking.model.matching import MOST_CANDIDATES, Candidate
from services.booking.model.money import Money
from services.booking.model.period import Period
from services.booking.model.place import Place

FIRST_OFFERS = 3
"""To how many providers a request is offered at once."""

FARTHEST_AHEAD = timedelta(days=180)


class RequestState(StrEnum):
    """How far a request has come."""

    OFFERED = "OFFERED"
    BOOKED = "BOOKED"
    UNMATCHED = "UNMATCHED"


class OfferState(StrEnum):
    """How far an offer has come. All but PENDING are final, but for ACCEPTED when the payment fails."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """What a customer asked for, and who could do it."""

    request_id: str
    customer_id: str
    category_id: str
    period: Period
    place: Place
    note: str
    payment_method: str  # a secret: never logged, told to payment only
    create_time: datetime
    state: RequestState = RequestState.UNMATCHED
    candidates: tuple[Candidate, ...] = ()
    booking_id: str = ""
    version: int = 0

    def next_candidate(self) -> Candidate | None:
        """The best candidate whose turn has not come."""
        return next((each for each in self.candidates if not (each.is_offered or each.is_passed_over)), None)

    def with_candidate(self, changed: Candidate) -> "ServiceRequest":
        """The request with one of its candidates changed."""
        same = (changed if each.provider_id == changed.provider_id else each for each in self.candidates)
        return replace(self, candidates=tuple(same))


@dataclass(frozen=True, slots=True)
class Offer:
    """A request as it is put to one provider."""

    request_id: str
    customer_id: str
    provider_id: str
    category_id: str
    period: Period
    price: Money
    commission: Money
    distance_meters: int
    note: str
    create_time: datetime
    expire_time: datetime
    state: OfferState = OfferState.PENDING
    booking_id: str = ""
    version: int = 0

    @property
    def offer_id(self) -> str:
        """The same for the same request and provider, so that nobody is asked twice."""
        return derived_id("ofr", self.request_id, self.provider_id)

    @property
    def net(self) -> Money:
        """What the provider gets."""
        return self.price.less(self.commission)

    def accepted(self, booking_id: str, now: datetime) -> "Offer":
        """The offer once the provider took it. Raises NotAllowedNow (OFFER_CLOSED)."""
        self._require_open(now)
        return replace(self, state=OfferState.ACCEPTED, booking_id=booking_id)

    def declined(self, now: datetime) -> "Offer":
        """The offer once the provider declined it; itself when that has happened. Raises NotAllowedNow (OFFER_CLOSED)."""
        if self.state is OfferState.DECLINED:
            return self
        self._require_open(now)
        return replace(self, state=OfferState.DECLINED)

    def is_overdue(self, now: datetime) -> bool:
        """Whether it waits for an answer that can no longer come."""
        return self.state is OfferState.PENDING and now >= self.expire_time

    def _require_open(self, now: datetime) -> None:
        state = OfferState.EXPIRED if self.is_overdue(now) else self.state
        if state is not OfferState.PENDING:
            raise closed(state)


def closed(state: OfferState) -> NotAllowedNow:
    """Says that an offer can no longer be answered."""
    return NotAllowedNow("OFFER_CLOSED", f"This offer is closed: {state.value.lower()}.", {"state": state.value})


def check_start(start: datetime, now: datetime) -> None:
    """Raises InvalidInput (TIME_IN_PAST, TIME_TOO_FAR) when nothing can be booked to start then."""
    if start <= now:
        raise InvalidInput("TIME_IN_PAST", "The service would start in the past.")
    if start > now + FARTHEST_AHEAD:
        raise InvalidInput("TIME_TOO_FAR", f"The service would start more than {FARTHEST_AHEAD.days} days ahead.")


def matched(request: ServiceRequest, candidates: list[Candidate]) -> ServiceRequest:
    """The request with the best of these candidates, given best first."""
    state = RequestState.OFFERED if candidates else RequestState.UNMATCHED
    return replace(request, candidates=tuple(candidates[:MOST_CANDIDATES]), state=state)


def make_offer(request: ServiceRequest, candidate: Candidate, now: datetime, timeout: timedelta) -> Offer:
    """The offer that puts the request to this candidate. It stands for the timeout, but never beyond the start."""
    return Offer(
        request_id=request.request_id,
        customer_id=request.customer_id,
        provider_id=candidate.provider_id,
        category_id=request.category_id,
        period=request.period,
        price=candidate.price,
        commission=candidate.commission,
        distance_meters=candidate.distance_meters,
        note=request.note,
        create_time=now,
        expire_time=min(now + timeout, request.period.start),
    )
