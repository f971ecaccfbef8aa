"""What auth holds of persons, and what an erasure leaves of it."""

from mesh.storage.holdings import REMOVED, Holding
from services.auth.keys import SigningKeyDocument
from services.auth.store import AccountDocument, SessionDocument

HOLDINGS = (
    Holding("account", AccountDocument, "_id", REMOVED, hidden=frozenset({"password_hash"})),
    Holding("sessions", SessionDocument, "account_id", REMOVED),
)

IMPERSONAL = (SigningKeyDocument,)
"""What says nothing of a person, or nothing but account ids, which lead to nobody once a person is erased."""
