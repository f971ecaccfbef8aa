"""Taking, wording, mailing and reading notifications."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from mesh.clock import Clock
from mesh.errors import Conflict, Unavailable
from services.notification.model import EmailState, Notification
from services.notification.ports import Contacts, Inbox, Mail, MailRefusedError, MailUncertainError, Words

_AT_ONCE = 100
_UNKNOWN_PAUSE = timedelta(seconds=1)
_LONGEST_UNKNOWN_PAUSE = timedelta(minutes=1)


class NotificationWorkflows:
    """The use cases of notification."""

    def __init__(self, inbox: Inbox, contacts: Contacts, mail: Mail, words: Words, clock: Clock) -> None:
        self._inbox = inbox
        self._contacts = contacts
        self._mail = mail
        self._words = words
        self._clock = clock

    async def take(self, notification: Notification) -> None:
        """Keeps it until it is worded. Runs inside the transaction of an event."""
        await self._inbox.add(replace(notification, due_time=self._clock.now()))

    async def close(self, account_id: str) -> None:
        """Takes nothing more for somebody who was erased. Runs inside the transaction of an event."""
        await self._inbox.close(account_id)

    async def work(self) -> None:
        """Words and mails everything that is due."""
        while due := await self._inbox.due(self._clock.now(), _AT_ONCE):
            for notification in due:
                try:
                    await self._move(notification)
                except Conflict:
                    continue  # another process has it

    async def _move(self, notification: Notification) -> None:
        if not notification.title:
            await self._word(notification)
        elif notification.email_state is EmailState.SENDING:
            await self._inbox.save(notification.ended(EmailState.UNCERTAIN))
        else:
            await self._send(notification)

    async def _word(self, notification: Notification) -> None:
        now = self._clock.now()
        try:
            contact = await self._contacts.find(notification.recipient_id)
        except Unavailable:
            pause = min(_UNKNOWN_PAUSE * 2 ** min(notification.attempts, 10), _LONGEST_UNKNOWN_PAUSE)
            await self._inbox.save(replace(notification, attempts=notification.attempts + 1, due_time=now + pause))
            return
        title, body = self._words.word(notification, contact)
        await self._inbox.save(notification.worded(title, body, contact, now))

    async def _send(self, notification: Notification) -> None:
        """At most once: what was begun and not ended is never begun again."""
        begun = await self._inbox.save(notification.begun(self._clock.now()))
        try:
            await self._mail.send(begun)
        except MailRefusedError as refusal:
            now = self._clock.now()
            outcome = begun.ended(EmailState.UNDELIVERED) if refusal.is_final else begun.refused(now, random.random())  # noqa: S311
        except MailUncertainError:
            outcome = begun.ended(EmailState.UNCERTAIN)
        else:
            outcome = begun.ended(EmailState.SENT)
        await self._inbox.save(outcome)

    async def page(self, reader_id: str, after: tuple[datetime, str] | None, limit: int) -> tuple[list[Notification], int]:
        """A person's notifications, newest first, and how many are not read."""
        return await self._inbox.page(reader_id, after, limit), await self._inbox.count_unread(reader_id)

    async def mark_read(self, reader_id: str, notification_ids: Sequence[str]) -> int:
        """Returns how many of these are the person's and read now."""
        return await self._inbox.mark_read(reader_id, notification_ids)
