"""What payment holds of persons, and what an erasure leaves of it."""

from mesh.storage.holdings import KEPT, Holding
from services.payment.store import LedgerDocument, NoticeDocument, PaymentDocument

_SECRETS = frozenset({"payment_method", "intent_id"})

HOLDINGS = (
    Holding("payments", PaymentDocument, "customer_id", {"payment_method": "erased"}, hidden=_SECRETS),
    Holding("payments received", PaymentDocument, "provider_id", KEPT, hidden=_SECRETS),
)

IMPERSONAL = (LedgerDocument, NoticeDocument)
"""What says nothing of a person, or nothing but account ids, which lead to nobody once a person is erased."""
