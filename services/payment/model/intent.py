"""What the payment provider says: the state of a payment there, and the notices that it sends."""

from dataclasses import dataclass
from enum import StrEnum

from services.payment.model.ledger import Money


class IntentStatus(StrEnum):
    """How far the provider has come with a payment. HELD comes before CAPTURED or CANCELLED, which are final."""

    PENDING = "pending"
    DECLINED = "declined"
    HELD = "held"
    CAPTURED = "captured"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Intent:
    """A payment as the provider knows it at one moment."""

    status: IntentStatus
    payment_id: str  # ours, as we told the provider; empty for what is not ours
    booking_id: str
    intent_id: str = ""  # the provider's; empty when it refused before making one
    amount: Money | None = None  # what was asked for; None when the provider refused before making an intent
    received: Money | None = None  # what was taken, once it is CAPTURED
    code: str = ""  # why it is DECLINED


@dataclass(frozen=True, slots=True)
class Notice:
    """A signed message of the provider that something happened. Only its ids are used; what happened is asked for anew."""

    event_id: str
    intent_id: str  # empty for a message about anything else
