"""What chat holds of persons, and what an erasure leaves of it."""

from mesh.storage.holdings import KEPT, Holding
from services.chat.store import BlockDocument, MessageDocument

HOLDINGS = (
    Holding("messages", MessageDocument, "sender_id", {"text": ""}),
    Holding("messages received", MessageDocument, "recipient_id", KEPT),
)

IMPERSONAL = (BlockDocument,)
"""What says nothing of a person, or nothing but account ids, which lead to nobody once a person is erased."""
