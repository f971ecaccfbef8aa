"""Verifying and changing addresses; and the mails that this takes."""

from dataclasses import replace

from mesh.errors import Conflict
from services.auth.model.accounts import Account, login_of
from services.auth.model.audit import Action
from services.auth.model.limits import mail_limits
from services.auth.model.mails import Letter, Mail, MailKind, MailState, invalid_link, unwanted_mail
from services.auth.model.origin import Caller, Origin
from services.auth.ports.outside import Outside
from services.auth.workflows.common import Common

_AT_ONCE = 100


class EmailWorkflows:
    """The use cases of addresses."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._common = Common(outside)

    async def send_verification(self, caller: Caller) -> None:
        """Sends the link again, unless the address is verified. Raises LimitReached (TOO_MANY_ATTEMPTS)."""
        account = await self._common.own_account(caller)
        if account.is_email_verified:
            return
        limits = mail_limits("verify", account.login, caller.origin.address)
        await self._outside.attempts.admit(limits, self._outside.clock.now())

        async def work() -> None:
            await self._common.mail(MailKind.VERIFY_EMAIL, account)
            await self._common.note_own(Action.SEND_VERIFICATION, caller)

        await self._outside.transaction(work)

    async def request_change(self, caller: Caller, email: str) -> None:
        """Notes the wish for another address. Whether somebody has it is found out later, so that the answer cannot tell.

        Raises LimitReached (TOO_MANY_ATTEMPTS), Unauthenticated (SESSION_ENDED).
        """
        account = await self._common.own_account(caller)
        now = self._outside.clock.now()
        await self._outside.attempts.admit(mail_limits("change", account.login, caller.origin.address), now)
        mail = Mail(self._outside.new_id("mail"), MailKind.CONFIRM_NEW_EMAIL, account.account_id, email, MailState.ASKED, now)

        async def work() -> None:
            await self._outside.mails.add(mail)
            await self._common.note_own(Action.REQUEST_EMAIL_CHANGE, caller)

        await self._outside.transaction(work)

    async def verify(self, token: str, origin: Origin) -> None:
        """Takes a link's token. Raises InvalidInput (LINK_INVALID), AlreadyExists (EMAIL_TAKEN)."""

        async def work() -> None:
            mail = await self._outside.mails.find(self._outside.tokens.read_mail_token(token))
            if mail is None:
                raise invalid_link()
            now = self._outside.clock.now()
            used = mail.used((MailKind.VERIFY_EMAIL, MailKind.CONFIRM_NEW_EMAIL), now)
            account = await self._outside.accounts.find(mail.account_id)
            if account is None:
                raise invalid_link()
            await self._outside.mails.save(used)
            if mail.kind is MailKind.VERIFY_EMAIL:
                await self._confirm(account, mail, origin)
            else:
                await self._move(account, mail, origin)

        await self._outside.transaction(work)

    async def letter(self, mail_id: str) -> Letter:
        """A mail as it is to be sent now. Raises NotAllowedNow (MAIL_NOT_WANTED)."""
        mail = await self._outside.mails.find(mail_id)
        account = None if mail is None else await self._outside.accounts.find(mail.account_id)
        if mail is None or account is None:
            raise unwanted_mail()
        mail.require_sendable(self._outside.clock.now())
        token = self._outside.tokens.mail_token(mail.mail_id) if mail.has_link else ""
        return Letter(mail, account.display_name, account.locale, token)

    async def find_recipients(self) -> None:
        """Finds out of each mail that was asked for whether there is anybody to send it to, and has it sent or forgets it."""
        while asked := await self._outside.mails.asked(_AT_ONCE):
            for mail in asked:
                try:
                    await self._outside.transaction(lambda mail=mail: self._address(mail))  # type: ignore[misc]  # binds the loop's
                except Conflict:
                    continue  # another process has it

    async def _address(self, mail: Mail) -> None:
        holder = await self._outside.accounts.find_by_login(login_of(mail.email))
        now = self._outside.clock.now()
        is_wanted = now < mail.expire_time
        if mail.kind is MailKind.RESET_PASSWORD and holder is not None and is_wanted:
            # To the address as the account has it: one that merely compares equal may be another mailbox.
            await self._outside.mails.make_ready(replace(mail, email=holder.email).ready(holder.account_id), now)
            await self._common.note(Action.REQUEST_PASSWORD_RESET, holder.account_id, mail.origin)
        elif mail.kind is MailKind.CONFIRM_NEW_EMAIL and holder is None and is_wanted:
            await self._outside.mails.make_ready(mail.ready(mail.account_id), now)
        else:
            await self._outside.mails.drop(mail)

    async def _confirm(self, account: Account, mail: Mail, origin: Origin) -> None:
        if account.login != login_of(mail.email):
            raise invalid_link()
        await self._outside.accounts.save(replace(account, is_email_verified=True))
        await self._common.note(Action.VERIFY_EMAIL, account.account_id, origin, actor_id=account.account_id)

    async def _move(self, account: Account, mail: Mail, origin: Origin) -> None:
        moved = account.with_email(mail.email)
        await self._outside.accounts.save(moved)
        await self._outside.mails.use_up(account.account_id)
        await self._common.mail(MailKind.EMAIL_CHANGED, account, account.email)
        await self._outside.accounts.tell_email(moved, self._outside.clock.now())
        await self._common.note(Action.CHANGE_EMAIL, account.account_id, origin, actor_id=account.account_id)
