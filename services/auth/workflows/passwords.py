"""Changing a password, and setting one that was forgotten."""

from dataclasses import replace

from services.auth.model.accounts import Account, login_of
from services.auth.model.audit import Action
from services.auth.model.limits import mail_limits
from services.auth.model.mails import Mail, MailKind, MailState, invalid_link
from services.auth.model.origin import Caller, Origin
from services.auth.model.totp import NO_TOTP
from services.auth.ports.outside import Outside
from services.auth.workflows.common import Common


class PasswordWorkflows:
    """The use cases of passwords."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._common = Common(outside)

    async def change(self, caller: Caller, password: str) -> None:
        """Sets another one and ends the other sessions. Raises InvalidInput, Unauthenticated (SESSION_ENDED)."""
        account = await self._common.own_account(caller)
        password_hash = await self._common.hash_new(password, account.email, account.display_name)

        async def work() -> None:
            current = await self._common.own_account(caller)
            await self._set(current, password_hash, keep_session=caller.session_id)
            await self._common.note_own(Action.CHANGE_PASSWORD, caller)

        await self._outside.transaction(work)

    async def request_reset(self, email: str, origin: Origin) -> None:
        """Notes that somebody wants a link. Whether there is an account is found out later, so that the answer cannot tell.

        Raises LimitReached (TOO_MANY_ATTEMPTS).
        """
        limits = mail_limits("reset", login_of(email), origin.address)
        now = self._outside.clock.now()
        await self._outside.attempts.admit(limits, now)
        await self._outside.mails.add(
            Mail(self._outside.new_id("mail"), MailKind.RESET_PASSWORD, "", email, MailState.ASKED, now, origin)
        )

    async def reset(self, token: str, password: str, origin: Origin) -> None:
        """Sets a password by a link, once; every session ends. Raises InvalidInput (LINK_INVALID, PASSWORD_TOO_COMMON, …)."""
        _, account = await self._follow(token)
        password_hash = await self._common.hash_new(password, account.email, account.display_name)

        async def work() -> None:
            used, current = await self._follow(token)
            await self._outside.mails.save(used)
            await self._outside.mails.use_up(current.account_id)
            if not current.is_email_verified:
                current = await self._without_a_squatters(current)
            await self._set(current.with_email(current.email), password_hash)
            await self._common.note(Action.RESET_PASSWORD, current.account_id, origin, actor_id=current.account_id)

        await self._outside.transaction(work)

    async def _follow(self, token: str) -> tuple[Mail, Account]:
        mail = await self._outside.mails.find(self._outside.tokens.read_mail_token(token))
        if mail is None:
            raise invalid_link()
        used = mail.used((MailKind.RESET_PASSWORD,), self._outside.clock.now())
        account = await self._outside.accounts.find(mail.account_id)
        if account is None or account.login != login_of(mail.email):
            raise invalid_link()
        return used, account

    async def _without_a_squatters(self, account: Account) -> Account:
        """Nobody has shown before that the address is theirs: whoever set up other ways in may not have been its owner."""
        await self._outside.passkeys.erase(account.account_id)
        return replace(account, totp=NO_TOTP)

    async def _set(self, account: Account, password_hash: str, keep_session: str = "") -> None:
        await self._outside.accounts.save(replace(account, password_hash=password_hash))
        await self._outside.sessions.end_all(account.account_id, but=keep_session)
        await self._common.mail(MailKind.PASSWORD_CHANGED, account)
