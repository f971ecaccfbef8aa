"""What the use cases need from outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.notification.model import Contact, Notification


class MailRefusedError(Exception):
    """The mail server did not take the message. `is_final`: nor will it ever."""

    def __init__(self, *, is_final: bool) -> None:
        super().__init__("refused for good" if is_final else "not taken this time")
        self.is_final = is_final


class MailUncertainError(Exception):
    """The connection broke when the message may have been taken."""


class Inbox(Protocol):
    """The stored notifications."""

    async def add(self, notification: Notification) -> None:
        """Stores a new one, unless it is for somebody who was erased; when an event comes again it is there already."""
        ...

    async def close(self, account_id: str) -> None:
        """Takes nothing more for this account."""
        ...

    async def due(self, now: datetime, limit: int) -> list[Notification]:
        """Those with something to do, longest due first."""
        ...

    async def save(self, notification: Notification) -> Notification:
        """Stores a changed one; gives it with its new version. Raises Conflict when it is stale."""
        ...

    async def page(self, recipient_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Notification]:
        """The worded ones of a person, newest first, after the one with this time and id."""
        ...

    async def count_unread(self, recipient_id: str) -> int:
        """How many of them are not read."""
        ...

    async def mark_read(self, recipient_id: str, notification_ids: Sequence[str]) -> int:
        """Marks those that are the person's. Returns how many there are."""
        ...


class Contacts(Protocol):
    """Who people are."""

    async def find(self, account_id: str) -> Contact:
        """Raises Unavailable while it is not known."""
        ...


class Mail(Protocol):
    """The mail server."""

    async def send(self, notification: Notification) -> None:
        """Sends it once. Raises MailRefusedError, MailUncertainError."""
        ...


class Words(Protocol):
    """Templates."""

    def word(self, notification: Notification, contact: Contact) -> tuple[str, str]:
        """Title and body in the person's language."""
        ...
