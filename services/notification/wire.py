"""Notifications as the contract writes them."""

from datetime import UTC, datetime

from marketplace.notification.v1 import inbox_service_pb2 as pb

from mesh.errors import InvalidInput
from mesh.paging import decode_cursor, encode_cursor
from services.notification.model import EmailState, Notification

_EMAIL_STATES = {
    EmailState.NONE: pb.EMAIL_STATE_UNSPECIFIED,
    EmailState.QUEUED: pb.EMAIL_STATE_QUEUED,
    EmailState.SENDING: pb.EMAIL_STATE_QUEUED,
    EmailState.SENT: pb.EMAIL_STATE_SENT,
    EmailState.UNDELIVERED: pb.EMAIL_STATE_UNDELIVERED,
    EmailState.UNCERTAIN: pb.EMAIL_STATE_UNCERTAIN,
}


def notification_to_wire(notification: Notification) -> pb.Notification:
    """A notification as its reader sees it."""
    wire = pb.Notification(
        notification_id=notification.notification_id,
        type=notification.type,
        title=notification.title,
        body=notification.body,
        booking_id=notification.booking_id,
        is_read=notification.is_read,
        email_state=_EMAIL_STATES[notification.email_state],
    )
    wire.create_time.FromDatetime(notification.create_time)
    return wire


def cursor_after(notification: Notification) -> str:
    """The page token of what comes after this one."""
    return encode_cursor(str(round(notification.create_time.timestamp() * 1000)), notification.notification_id)


def cursor_from_wire(token: str) -> tuple[datetime, str] | None:
    """Where the page begins. Raises InvalidInput (PAGE_TOKEN_INVALID)."""
    if not token:
        return None
    milliseconds, notification_id = decode_cursor(token, 2)
    if not (milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) < 15):
        raise InvalidInput("PAGE_TOKEN_INVALID", "This page token is not one that this list gave.")
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC), notification_id
