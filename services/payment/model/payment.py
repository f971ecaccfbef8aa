"""One booking's payment: its states, who may move it where, and what each move books and tells."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from mesh.errors import Conflict, InvalidInput, NotAllowedNow, Unavailable
from services.payment.model.intent import Intent, IntentStatus
from services.payment.model.ledger import Books, Entry, LedgerError, Money

CALL_PATIENCE = timedelta(seconds=8)  # a call that authorizes has ended by then: its deadline is 6 seconds
CLOSE_AFTER = timedelta(minutes=4)  # an authorization without an answer is given up then: open payments close within 5
KEYS_LIVE = timedelta(hours=20)  # Stripe forgets idempotency keys after 24 hours; repeating one later could hold twice
_LONGEST_PAUSE = timedelta(seconds=30)

BOOKING_CANCELLED = "booking_cancelled"
PROVIDER_UNAVAILABLE = "provider_unavailable"


class PaymentState(StrEnum):
    """How far a payment has come; the names are those of the contract."""

    AUTHORIZING = "AUTHORIZING"
    AUTHORIZED = "AUTHORIZED"
    CAPTURING = "CAPTURING"
    CAPTURED = "CAPTURED"
    VOIDING = "VOIDING"
    VOIDED = "VOIDED"
    DECLINED = "DECLINED"


_OPEN = (PaymentState.AUTHORIZING, PaymentState.CAPTURING, PaymentState.VOIDING)


class Fact(StrEnum):
    """What others are told of."""

    AUTHORIZED = "authorized"
    FAILED = "failed"
    CAPTURED = "captured"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A booking that was called off before it had a payment: none may begin."""

    booking_id: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What a payment is about; the same at each attempt to authorize it."""

    booking_id: str
    customer_id: str
    provider_id: str
    amount: Money
    commission: Money

    def check(self) -> None:
        """Raises InvalidInput(REQUEST_INVALID) when nothing is to be paid or the commission is not a part of it."""
        if self.amount.minor <= 0:
            raise InvalidInput("REQUEST_INVALID", "amount must be above 0.")
        if not 0 <= self.commission.minor <= self.amount.minor or self.commission.currency != self.amount.currency:
            raise InvalidInput("REQUEST_INVALID", "commission must be 0 to amount, in the same currency.")


@dataclass(slots=True)
class Payment:
    """Moves forward only. `entries` and `facts` are what this process added and has not stored yet."""

    payment_id: str
    terms: Terms
    payment_method: str
    create_time: datetime
    price: Money  # what is taken in the end: the terms' amount unless the completed booking costs less
    commission: Money
    due_time: datetime | None  # when the worker is to look after it; None when nothing is open
    state: PaymentState = PaymentState.AUTHORIZING
    intent_id: str = ""  # the provider's; empty until it is known
    code: str = ""  # why it was declined
    is_held: bool = False  # in the ledger, neither released nor captured
    attempt_count: int = 0
    version: int = 0
    entries: list[Entry] = field(default_factory=list)
    facts: list[tuple[Fact, datetime]] = field(default_factory=list)

    @classmethod
    def begin(cls, payment_id: str, terms: Terms, payment_method: str, now: datetime) -> "Payment":
        """A new payment that the provider is about to be asked for. Raises InvalidInput."""
        terms.check()
        return cls(payment_id, terms, payment_method, now, terms.amount, terms.commission, now + CALL_PATIENCE)

    @property
    def books(self) -> Books:
        """Makes this payment's ledger entries."""
        return Books(self.payment_id, self.terms.booking_id, self.terms.customer_id, self.terms.provider_id)

    @property
    def is_open(self) -> bool:
        """Whether the provider has to be asked for something."""
        return self.state in _OPEN

    def is_of(self, account_id: str) -> bool:
        """Whether the account is one of the booking's two parties."""
        return account_id in (self.terms.customer_id, self.terms.provider_id)

    def require_terms(self, terms: Terms) -> None:
        """Raises NotAllowedNow(PAYMENT_MISMATCH) when this payment is about something else."""
        if terms != self.terms:
            raise NotAllowedNow("PAYMENT_MISMATCH", "This booking has a payment with other facts.")

    def require_authorized(self) -> None:
        """Raises NotAllowedNow(PAYMENT_DECLINED) or, while the answer is not known, Unavailable."""
        if self.state is PaymentState.AUTHORIZING:
            raise provider_unavailable()
        if self.state in (PaymentState.VOIDING, PaymentState.VOIDED, PaymentState.DECLINED):
            raise declined(self.code or BOOKING_CANCELLED)

    def matches(self, intent: Intent) -> bool:
        """Whether the provider speaks of this payment."""
        is_known = not (self.intent_id and intent.intent_id) or intent.intent_id == self.intent_id
        return is_known and intent.payment_id == self.payment_id and intent.amount in (None, self.terms.amount)

    def observe(self, intent: Intent, now: datetime) -> bool:
        """Moves forward to where the provider is; what is behind this payment changes nothing. Returns whether anything did.

        Raises LedgerError when the provider took more than was held.
        """
        before = (self.state, self.intent_id)
        self.intent_id = self.intent_id or intent.intent_id
        match intent.status:
            case IntentStatus.HELD:
                self._hold(now)
            case IntentStatus.DECLINED:
                self._decline(intent.code, now)
            case IntentStatus.CAPTURED:
                self._capture(intent.received or self.price, now)
            case IntentStatus.CANCELLED:
                self._void(now)
            case IntentStatus.PENDING:
                pass
        if not self.is_open:
            self.due_time = None
        return before != (self.state, self.intent_id)

    def complete(self, price: Money, commission: Money, now: datetime) -> None:
        """The work is done: the price is to be taken. Repeating it changes nothing.

        Raises Conflict while the authorization's answer is not known, NotAllowedNow when there is no hold for the price.
        """
        if self.state in (PaymentState.CAPTURING, PaymentState.CAPTURED):
            return
        if self.state is PaymentState.AUTHORIZING:
            raise Conflict("PAYMENT_PROVIDER_UNAVAILABLE", "Whether this payment is authorized is not known yet.")
        if self.state is not PaymentState.AUTHORIZED:
            raise NotAllowedNow("PAYMENT_DECLINED", "A booking was completed that has no authorized payment.")
        self.books.capture(self.terms.amount, price, commission, now)  # what the ledger would reject is rejected now
        self.price, self.commission = price, commission
        self._open(PaymentState.CAPTURING, now)

    def cancel(self, now: datetime) -> None:
        """The booking is off: the hold is to be released. Repeating it changes nothing.

        Raises NotAllowedNow when the price is being taken: a completed booking cannot be called off.
        """
        if self.state is PaymentState.AUTHORIZED:
            self._open(PaymentState.VOIDING, now)
        elif self.state is PaymentState.AUTHORIZING:
            self.state, self.code = PaymentState.VOIDING, BOOKING_CANCELLED  # due as before: the call may still be at work
        elif self.state in (PaymentState.CAPTURING, PaymentState.CAPTURED):
            raise NotAllowedNow("PAYMENT_MISMATCH", "A booking was cancelled whose payment is being taken.")

    def hurry(self, now: datetime) -> None:
        """Lets the worker look after this at once: the call that was at work has ended without an answer."""
        if self.is_open:
            self.due_time = now

    def try_again(self, now: datetime) -> None:
        """Claims one attempt: the next one is due later, each time twice as late. Gives up what took too long."""
        pause = timedelta(seconds=min(2**self.attempt_count, _LONGEST_PAUSE.total_seconds()))
        self.attempt_count += 1
        self.due_time = now + pause
        age = now - self.create_time
        if self.state is PaymentState.AUTHORIZING and age >= CLOSE_AFTER:
            # Told as failed, and from now on only looked for so that a hold which may have been made is released.
            self.state, self.code = PaymentState.VOIDING, PROVIDER_UNAVAILABLE
            self.facts.append((Fact.FAILED, now))
        if self.state is PaymentState.VOIDING and not self.intent_id and age >= KEYS_LIVE:
            self._void(now)  # a hold that nobody ever saw lapses by itself at the card's issuer
            self.due_time = None

    def _open(self, state: PaymentState, now: datetime) -> None:
        self.state, self.due_time, self.attempt_count = state, now, 0

    def _hold(self, now: datetime) -> None:
        if self.state is PaymentState.AUTHORIZING:
            self.state, self.is_held = PaymentState.AUTHORIZED, True
            self.entries.append(self.books.hold(self.terms.amount, now))
            self.facts.append((Fact.AUTHORIZED, now))
        elif self.state is PaymentState.VOIDING:
            self.hurry(now)

    def _decline(self, code: str, now: datetime) -> None:
        if self.state is PaymentState.AUTHORIZING:
            self.state, self.code = PaymentState.DECLINED, code
            self.facts.append((Fact.FAILED, now))
        elif self.state is PaymentState.VOIDING and not self.is_held:
            self._void(now)

    def _capture(self, received: Money, now: datetime) -> None:
        if received.currency != self.terms.amount.currency or received.minor > self.terms.amount.minor:
            raise LedgerError("more was taken than was held")
        self._hold(now)
        if self.state not in (PaymentState.AUTHORIZED, PaymentState.CAPTURING):
            return
        self.price = received
        self.commission = Money(received.currency, min(self.commission.minor, received.minor))
        held = self.terms.amount
        self.entries += [self.books.release(held, now), self.books.capture(held, self.price, self.commission, now)]
        self.state, self.is_held = PaymentState.CAPTURED, False
        self.facts.append((Fact.CAPTURED, now))

    def _void(self, now: datetime) -> None:
        if self.state in (PaymentState.CAPTURED, PaymentState.VOIDED, PaymentState.DECLINED):
            return
        if self.is_held:
            self.entries.append(self.books.release(self.terms.amount, now))
        self.state, self.is_held = PaymentState.VOIDED, False
        self.facts.append((Fact.VOIDED, now))


def declined(code: str) -> NotAllowedNow:
    """Tells the caller that the payment cannot be had, and why."""
    return NotAllowedNow("PAYMENT_DECLINED", "The payment was declined.", {"code": code})


def provider_unavailable() -> Unavailable:
    """Tells the caller that the provider's answer is not known; the payment is resolved by itself."""
    message = "The payment provider did not answer; the payment is being resolved."
    return Unavailable("PAYMENT_PROVIDER_UNAVAILABLE", message, retry_after_seconds=2)
