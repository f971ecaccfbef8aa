"""Mails about accounts, and the links in them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from mesh.errors import InvalidInput, NotAllowedNow
from services.auth.model.origin import NOWHERE, Origin

_NOTICE_LIFETIME = timedelta(days=3)  # what only tells something is not worth sending later than that


class MailKind(StrEnum):
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


LINKS = {
    MailKind.VERIFY_EMAIL: timedelta(hours=24),
    MailKind.CONFIRM_NEW_EMAIL: timedelta(hours=24),
    MailKind.RESET_PASSWORD: timedelta(hours=1),
}


class MailState(StrEnum):
    """How far a mail has come here; whether it was delivered is notification's to know."""

    ASKED = "asked"  # it still has to be found out whether there is anybody to send it to
    READY = "ready"
    USED = "used"  # its link has had its effect, or must have none any more


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. The token of its link follows from its id, so that no secret is stored."""

    mail_id: str
    kind: MailKind
    account_id: str  # empty while it is not known whose the address is
    email: str
    state: MailState
    request_time: datetime
    origin: Origin = NOWHERE  # of who asked for it
    version: int = 0

    @property
    def has_link(self) -> bool:
        """Whether it carries a secret."""
        return self.kind in LINKS

    @property
    def expire_time(self) -> datetime:
        """When its link stops working; when it is not worth sending any more."""
        return self.request_time + LINKS.get(self.kind, _NOTICE_LIFETIME)

    def ready(self, account_id: str) -> "Mail":
        """Addressed to this account, to be sent now."""
        return replace(self, account_id=account_id, state=MailState.READY)

    def require_sendable(self, now: datetime) -> None:
        """Raises NotAllowedNow (MAIL_NOT_WANTED) when there is nothing to send any more."""
        if self.state is not MailState.READY or now >= self.expire_time:
            raise unwanted_mail()

    def used(self, kinds: tuple[MailKind, ...], now: datetime) -> "Mail":
        """After its link was followed for one of these ends. Raises InvalidInput (LINK_INVALID)."""
        if self.kind not in kinds or self.state is not MailState.READY or now >= self.expire_time:
            raise invalid_link()
        return replace(self, state=MailState.USED)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it is to be sent; the token is empty when it only tells something."""

    mail: Mail
    display_name: str
    locale: str
    token: str


def invalid_link() -> InvalidInput:
    """The same for every cause."""
    return InvalidInput("LINK_INVALID", "This link does not work any more; ask for another one.")


def unwanted_mail() -> NotAllowedNow:
    """Used, expired, or its account is gone."""
    return NotAllowedNow("MAIL_NOT_WANTED", "There is nothing to send.")
