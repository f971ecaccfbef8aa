"""What notification holds of persons, and what an erasure leaves of it."""

from mesh.storage.holdings import REMOVED, Holding
from services.notification.security.store import SecurityMailDocument
from services.notification.store import ErasedDocument, NotificationDocument

HOLDINGS = (
    Holding("notifications", NotificationDocument, "recipient_id", REMOVED),
    Holding("security mails", SecurityMailDocument, "account_id", REMOVED),
)

IMPERSONAL = (ErasedDocument,)
"""What says nothing of a person, or nothing but account ids, which lead to nobody once a person is erased."""
