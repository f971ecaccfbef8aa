"""What auth holds of persons, and what an erasure leaves of it."""

from mesh.storage.holdings import REMOVED, Holding
from services.auth.keys import KeySeriesDocument, SigningKeyDocument
from services.auth.store.documents import AccountDocument, AuditDocument, MailDocument, SessionDocument
from services.auth.store.passkeys import PasskeyDocument

_SECRETS = frozenset({"password_hash", "totp_secret", "recovery_hashes"})

HOLDINGS = (
    Holding("account", AccountDocument, "_id", REMOVED, hidden=_SECRETS),
    Holding("sessions", SessionDocument, "account_id", REMOVED),
    Holding("passkeys", PasskeyDocument, "account_id", REMOVED, hidden=frozenset({"credential_id", "public_key"})),
    Holding("mails", MailDocument, "account_id", REMOVED),
    Holding("audit", AuditDocument, "account_id", {"address": "", "user_agent": "", "note": ""}),
)

IMPERSONAL = (SigningKeyDocument, KeySeriesDocument)
"""What says nothing of a person, or nothing but account ids, which lead to nobody once a person is erased."""
