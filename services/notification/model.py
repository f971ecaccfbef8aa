"""Notifications and the rules of their e-mail. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

MOST_ATTEMPTS = 8
SENDING_LIMIT = timedelta(seconds=60)  # after that a process that was sending is taken for dead
_FIRST_PAUSE = timedelta(seconds=7)  # doubled each time: eight attempts within half an hour
WITH_EMAIL = frozenset(
    {
        "offer_made",
        "booking_confirmed",
        "booking_completed",
        "booking_cancelled",
        "payment_receipt",
        "payout_booked",
        "review_published",
        "document_approved",
        "document_rejected",
        "document_expiring",
        "document_expired",
    }
)


class EmailState(StrEnum):
    """How far an e-mail has come."""

    NONE = "none"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    UNDELIVERED = "undelivered"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a person."""

    display_name: str
    email: str
    locale: str
    time_zone: str
    email_enabled: bool


@dataclass(frozen=True, slots=True)
class Notification:
    """Something that a person is told. Without a title it waits for being worded in the person's language."""

    notification_id: str
    recipient_id: str
    type: str
    booking_id: str
    create_time: datetime
    facts: dict[str, str] = field(default_factory=dict)  # what the words are made of
    title: str = ""
    body: str = ""
    is_read: bool = False
    email_state: EmailState = EmailState.NONE
    email_to: str = ""
    attempts: int = 0
    due_time: datetime | None = None  # when there is something to do; absent: nothing
    version: int = 0

    def worded(self, title: str, body: str, contact: Contact, now: datetime) -> "Notification":
        """The notification as its reader sees it, its e-mail queued if one is wanted."""
        shown = replace(self, title=title, body=body, due_time=None, attempts=0)
        if self.type in WITH_EMAIL and contact.email_enabled:
            return replace(shown, email_state=EmailState.QUEUED, email_to=contact.email, due_time=now)
        return shown

    def begun(self, now: datetime) -> "Notification":
        """Marked before anything is sent: from here on it is not sent again unless the mail server has refused it."""
        return replace(self, email_state=EmailState.SENDING, attempts=self.attempts + 1, due_time=now + SENDING_LIMIT)

    def ended(self, state: EmailState) -> "Notification":
        """Nothing more to do for its e-mail."""
        return replace(self, email_state=state, due_time=None)

    def refused(self, now: datetime, jitter: float) -> "Notification":
        """Not taken by the mail server this time: again later, or given up. `jitter` is from 0 to 1."""
        if self.attempts >= MOST_ATTEMPTS:
            return self.ended(EmailState.UNDELIVERED)
        pause = _FIRST_PAUSE * 2 ** (self.attempts - 1) * (1 + jitter / 4)
        return replace(self, email_state=EmailState.QUEUED, due_time=now + pause)
