"""A booking and its state machine: one table of transitions, which tests enumerate and nothing else decides."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from mesh.errors import NotAllowedNow
from mesh.ids import derived_id
from services.booking.model.money import Money
from services.booking.model.period import Period
from services.booking.model.place import Place
from services.booking.model.request import Offer, ServiceRequest


class BookingState(StrEnum):
    """How far a booking has come."""

    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    CONFIRMED = "CONFIRMED"
    EN_ROUTE = "EN_ROUTE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    CANCELLED_BY_CUSTOMER = "CANCELLED_BY_CUSTOMER"
    CANCELLED_BY_PROVIDER = "CANCELLED_BY_PROVIDER"
    EXPIRED = "EXPIRED"

    @property
    def is_called_off(self) -> bool:
        """Whether the booking will not take place: its slot is free and nothing is charged."""
        return self in _CALLED_OFF


_CALLED_OFF = (BookingState.CANCELLED_BY_CUSTOMER, BookingState.CANCELLED_BY_PROVIDER, BookingState.EXPIRED)


class Actor(StrEnum):
    """Who makes a transition."""

    CUSTOMER = "CUSTOMER"
    PROVIDER = "PROVIDER"
    SYSTEM = "SYSTEM"  # booking itself, from what payment says or does not say


class Action(StrEnum):
    """What is done to a booking."""

    CONFIRM = "CONFIRM"
    EXPIRE = "EXPIRE"
    START_TRAVEL = "START_TRAVEL"
    START_WORK = "START_WORK"
    COMPLETE_WORK = "COMPLETE_WORK"
    CANCEL = "CANCEL"


class MoneyEffect(StrEnum):
    """What payment does because of a transition, or has done before it."""

    NONE = "NONE"
    HELD = "HELD"  # the price is authorized
    CAPTURED = "CAPTURED"  # the price is taken, because of BookingCompleted
    VOIDED = "VOIDED"  # the hold, if any, is released, because of BookingCancelled


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table."""

    old: BookingState
    action: Action
    actor: Actor
    new: BookingState
    money: MoneyEffect


_S, _A, _W, _M = BookingState, Action, Actor, MoneyEffect

TRANSITIONS = (
    Transition(_S.AWAITING_PAYMENT, _A.CONFIRM, _W.SYSTEM, _S.CONFIRMED, _M.HELD),
    Transition(_S.AWAITING_PAYMENT, _A.EXPIRE, _W.SYSTEM, _S.EXPIRED, _M.VOIDED),
    Transition(_S.CONFIRMED, _A.START_TRAVEL, _W.PROVIDER, _S.EN_ROUTE, _M.NONE),
    Transition(_S.CONFIRMED, _A.START_WORK, _W.PROVIDER, _S.IN_PROGRESS, _M.NONE),
    Transition(_S.EN_ROUTE, _A.START_WORK, _W.PROVIDER, _S.IN_PROGRESS, _M.NONE),
    Transition(_S.IN_PROGRESS, _A.COMPLETE_WORK, _W.PROVIDER, _S.COMPLETED, _M.CAPTURED),
    Transition(_S.AWAITING_PAYMENT, _A.CANCEL, _W.CUSTOMER, _S.CANCELLED_BY_CUSTOMER, _M.VOIDED),
    Transition(_S.CONFIRMED, _A.CANCEL, _W.CUSTOMER, _S.CANCELLED_BY_CUSTOMER, _M.VOIDED),
    Transition(_S.EN_ROUTE, _A.CANCEL, _W.CUSTOMER, _S.CANCELLED_BY_CUSTOMER, _M.VOIDED),
    Transition(_S.AWAITING_PAYMENT, _A.CANCEL, _W.PROVIDER, _S.CANCELLED_BY_PROVIDER, _M.VOIDED),
    Transition(_S.CONFIRMED, _A.CANCEL, _W.PROVIDER, _S.CANCELLED_BY_PROVIDER, _M.VOIDED),
    Transition(_S.EN_ROUTE, _A.CANCEL, _W.PROVIDER, _S.CANCELLED_BY_PROVIDER, _M.VOIDED),
)

_NEXT = {(row.old, row.action, row.actor): row.new for row in TRANSITIONS}
_REACHED = {(row.new, row.action, row.actor) for row in TRANSITIONS}
_MAY = {(row.action, row.actor) for row in TRANSITIONS}


@dataclass(frozen=True, slots=True)
class Booking:
    """A service that a provider does for a customer."""

    booking_id: str
    request_id: str
    offer_id: str
    customer_id: str
    provider_id: str
    category_id: str
    period: Period
    place: Place
    price: Money
    commission: Money
    payment_method: str  # a secret: never logged, told to payment only
    create_time: datetime
    state: BookingState = BookingState.AWAITING_PAYMENT
    confirm_time: datetime | None = None
    is_declined: bool = False  # whether it expired because the payment was declined
    move_reason: str = ""  # what the party that made the last move said of it
    version: int = 0

    @property
    def net(self) -> Money:
        """What the provider gets."""
        return self.price.less(self.commission)

    @property
    def cancel_reason(self) -> str:
        """What the party that called it off said of it."""
        is_cancelled = self.state in (BookingState.CANCELLED_BY_CUSTOMER, BookingState.CANCELLED_BY_PROVIDER)
        return self.move_reason if is_cancelled else ""

    def actor_of(self, account_id: str) -> Actor | None:
        """The part that this account has in the booking, if any."""
        if account_id == self.customer_id:
            return Actor.CUSTOMER
        return Actor.PROVIDER if account_id == self.provider_id else None

    def shows_place_to(self, account_id: str) -> bool:
        """The customer always sees the exact place, the provider once the booking is confirmed."""
        return account_id == self.customer_id or (account_id == self.provider_id and self.confirm_time is not None)

    def moved(self, action: Action, actor: Actor, now: datetime, reason: str = "") -> "Booking":
        """The booking after the action; itself when just this has happened before.

        Raises NotAllowedNow (TRANSITION_NOT_ALLOWED), metadata "state", when the table has no such row.
        """
        if (self.state, action, actor) in _REACHED:
            return self
        new = _NEXT.get((self.state, action, actor))
        if new is None:
            what = action.value.lower().replace("_", " ")
            message = f"A booking that is {self.state.value.lower()} does not allow to {what}."
            raise NotAllowedNow("TRANSITION_NOT_ALLOWED", message, {"state": self.state.value})
        confirm_time = now if new is BookingState.CONFIRMED else self.confirm_time
        return replace(self, state=new, confirm_time=confirm_time, move_reason=reason)


def may_ever(action: Action, actor: Actor) -> bool:
    """Whether there is any state in which this actor may do this."""
    return (action, actor) in _MAY


def booking_id_of(offer_id: str) -> str:
    """The id of the booking that comes of an offer: accepting twice can only make the same one."""
    return derived_id("bkg", offer_id)


def make_booking(request: ServiceRequest, offer: Offer, now: datetime) -> Booking:
    """The booking that comes of an accepted offer."""
    return Booking(
        booking_id=booking_id_of(offer.offer_id),
        request_id=request.request_id,
        offer_id=offer.offer_id,
        customer_id=request.customer_id,
        provider_id=offer.provider_id,
        category_id=request.category_id,
        period=request.period,
        place=request.place,
        price=offer.price,
        commission=offer.commission,
        payment_method=request.payment_method,
        create_time=now,
    )
