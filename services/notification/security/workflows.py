"""Taking and sending mails about accounts."""

import random
from dataclasses import replace

from mesh.clock import Clock
from mesh.errors import Conflict, DeadlinePassed, Unavailable
from services.notification.model import EmailState
from services.notification.ports import MailRefusedError, MailUncertainError
from services.notification.security.model import SecurityMail
from services.notification.security.ports import Letters, Mails, Post

_AT_ONCE = 100


class SecurityMailWorkflows:
    """The use cases of mails about accounts."""

    def __init__(self, mails: Mails, letters: Letters, post: Post, clock: Clock) -> None:
        self._mails = mails
        self._letters = letters
        self._post = post
        self._clock = clock

    async def take(self, mail: SecurityMail) -> None:
        """Keeps it until it is sent. Runs inside the transaction of an event."""
        await self._mails.add(replace(mail, due_time=self._clock.now()))

    async def work(self) -> None:
        """Sends everything that is due."""
        while due := await self._mails.due(self._clock.now(), _AT_ONCE):
            for mail in due:
                try:
                    await self._move(mail)
                except Conflict:
                    continue  # another process has it

    async def _move(self, mail: SecurityMail) -> None:
        if mail.state is EmailState.SENDING:  # the process that began has died; nobody knows whether it was sent
            await self._mails.save(mail.ended(EmailState.UNCERTAIN))
            return
        now = self._clock.now()
        try:
            letter = await self._letters.find(mail.mail_id)
        except (Unavailable, DeadlinePassed):
            await self._mails.save(replace(mail, attempts=mail.attempts + 1).delayed(now, _jitter()))
            return
        if letter is None:
            await self._mails.save(mail.ended(EmailState.NONE))
            return
        begun = await self._mails.save(mail.begun(now))
        try:
            await self._post.send(begun, letter)
        except MailRefusedError as refusal:
            is_over = refusal.is_final
            outcome = begun.ended(EmailState.UNDELIVERED) if is_over else begun.delayed(self._clock.now(), _jitter())
        except MailUncertainError:
            outcome = begun.ended(EmailState.UNCERTAIN)
        else:
            outcome = begun.ended(EmailState.SENT)
        await self._mails.save(outcome)


def _jitter() -> float:
    return random.random()  # noqa: S311 - spreads attempts, guards nothing
