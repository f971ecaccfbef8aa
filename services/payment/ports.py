"""What the use cases need from outside: the stored payments, and the provider that moves the money."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

from services.payment.model.intent import Intent, Notice
from services.payment.model.ledger import Entry
from services.payment.model.payment import Payment, Refusal

T = TypeVar("T")


class Payments(Protocol):
    """The payments and their ledger. Everything inside one transaction takes effect together."""

    async def transaction(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs the work in a transaction; it may run more than once."""
        ...

    async def find(self, booking_id: str) -> Payment | Refusal | None:
        """What there is for the booking."""
        ...

    async def add(self, payment: Payment) -> None:
        """Stores a new payment. Raises AlreadyExists when the booking has a payment or a refusal by now."""
        ...

    async def refuse(self, refusal: Refusal) -> None:
        """Remembers that no payment may begin. Raises AlreadyExists when the booking has a payment or a refusal by now."""
        ...

    async def save(self, payment: Payment) -> None:
        """Stores a changed payment, books its new entries and publishes its new facts. Raises Conflict when it is stale."""
        ...

    async def due(self, now: datetime, limit: int) -> list[str]:
        """The bookings whose payments want a look, longest due first."""
        ...

    async def entries(self, booking_id: str) -> list[Entry]:
        """The ledger's entries of the booking, oldest first."""
        ...

    async def is_noticed(self, event_id: str) -> bool:
        """Whether this message of the provider has taken effect."""
        ...

    async def notice(self, event_id: str, now: datetime) -> None:
        """Remembers that it has. Raises AlreadyExists when it had."""
        ...


class Provider(Protocol):
    """The payment provider. Every method may be repeated: it has one effect a payment.

    Raises Unavailable(PAYMENT_PROVIDER_UNAVAILABLE) when there is no answer or none that tells anything.
    """

    async def authorize(self, payment: Payment) -> Intent:
        """Asks for a hold of the payment's amount."""
        ...

    async def capture(self, payment: Payment) -> Intent:
        """Takes the payment's price out of the hold."""
        ...

    async def cancel(self, payment: Payment) -> Intent:
        """Releases the hold, or gives back what was taken in spite of it."""
        ...

    async def fetch(self, intent_id: str) -> Intent | None:
        """The state of an intent there now; None when there is no such one."""
        ...

    def read_notice(self, payload: bytes, signature: str) -> Notice:
        """What a webhook's body says. Raises Unauthenticated(WEBHOOK_SIGNATURE_INVALID)."""
        ...
