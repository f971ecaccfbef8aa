"""How far a mail about an account has come. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.notification.model import MOST_ATTEMPTS, SENDING_LIMIT, EmailState

_FIRST_PAUSE = timedelta(seconds=7)  # doubled each time: eight attempts within half an hour
LONGEST_KEPT = timedelta(days=30)


class Purpose(StrEnum):
    """What a mail is for."""

    VERIFY_EMAIL = "verify_email"
    CONFIRM_NEW_EMAIL = "confirm_new_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a kind of mail
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a kind of mail
    EMAIL_CHANGED = "email_changed"
    TWO_STEP_ENABLED = "two_step_enabled"
    TWO_STEP_DISABLED = "two_step_disabled"
    ACCOUNT_LOCKED = "account_locked"
    PASSKEY_ADDED = "passkey_added"


@dataclass(frozen=True, slots=True)
class Letter:
    """What auth says of a mail. The token belongs into its link; it is empty when there is none."""

    purpose: Purpose
    email: str
    display_name: str
    locale: str
    token: str


@dataclass(frozen=True, slots=True)
class SecurityMail:
    """One mail, without what stands in it."""

    mail_id: str
    account_id: str
    create_time: datetime
    state: EmailState = EmailState.QUEUED
    attempts: int = 0
    due_time: datetime | None = None  # when there is something to do; absent: nothing
    version: int = 0

    def begun(self, now: datetime) -> "SecurityMail":
        """Marked before anything is sent: from here on it is not sent again unless the mail server has refused it."""
        return replace(self, state=EmailState.SENDING, attempts=self.attempts + 1, due_time=now + SENDING_LIMIT)

    def ended(self, state: EmailState) -> "SecurityMail":
        """Nothing more to do."""
        return replace(self, state=state, due_time=None)

    def delayed(self, now: datetime, jitter: float) -> "SecurityMail":
        """Not possible this time: again later, or given up. `jitter` is from 0 to 1."""
        if self.attempts >= MOST_ATTEMPTS:
            return self.ended(EmailState.UNDELIVERED)
        pause = _FIRST_PAUSE * 2 ** (max(self.attempts, 1) - 1) * (1 + jitter / 4)
        return replace(self, state=EmailState.QUEUED, due_time=now + pause)
