"""The audit trail in the contract's messages, and its pages."""

from datetime import UTC, datetime

from marketplace.auth.v1 import audit_service_pb2 as pb

from mesh.errors import InvalidInput
from mesh.paging import decode_cursor, encode_cursor
from services.auth.model.audit import AuditEntry


def entry_to_wire(entry: AuditEntry) -> pb.AuditEntry:
    """One line."""
    message = pb.AuditEntry(
        entry_id=entry.entry_id,
        action=entry.action.value,
        outcome=entry.outcome,
        actor_id=entry.actor_id,
        address=entry.origin.address,
        user_agent=entry.origin.user_agent,
        note=entry.note,
    )
    message.create_time.FromDatetime(entry.create_time)
    return message


def cursor_after(entry: AuditEntry) -> str:
    """The page token of what comes after this line."""
    return encode_cursor(str(round(entry.create_time.timestamp() * 1000)), entry.entry_id)


def cursor_from_wire(token: str) -> tuple[datetime, str] | None:
    """Where the page begins. Raises InvalidInput (PAGE_TOKEN_INVALID)."""
    if not token:
        return None
    milliseconds, entry_id = decode_cursor(token, 2)
    if not (milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) < 15):
        raise InvalidInput("PAGE_TOKEN_INVALID", "This page token is not one that this list gave.")
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC), entry_id
