"""What the use cases need from outside."""

from datetime import datetime
from typing import Protocol

from services.notification.security.model import Letter, SecurityMail


class Mails(Protocol):
    """The mails that are on their way."""

    async def add(self, mail: SecurityMail) -> None:
        """Stores a new one; one with the same id is there already when an event comes again."""
        ...

    async def due(self, now: datetime, limit: int) -> list[SecurityMail]:
        """Those with something to do, longest due first."""
        ...

    async def save(self, mail: SecurityMail) -> SecurityMail:
        """Stores a changed one; gives it with its new version. Raises Conflict when it is stale."""
        ...


class Letters(Protocol):
    """auth, which knows what stands in them."""

    async def find(self, mail_id: str) -> Letter | None:
        """None when there is nothing to send any more. Raises Unavailable, DeadlinePassed."""
        ...


class Post(Protocol):
    """The mail server, and the words."""

    async def send(self, mail: SecurityMail, letter: Letter) -> None:
        """Sends it once. Raises MailRefusedError, MailUncertainError."""
        ...
