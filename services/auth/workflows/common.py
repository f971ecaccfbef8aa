"""What use cases have in common: lines for the audit trail, mails, and that the caller's session is still open."""

from dataclasses import dataclass

from mesh.errors import MeshError
from services.auth.model.accounts import Account, check_not_personal, no_such_account
from services.auth.model.audit import SUCCEEDED, Action, AuditEntry
from services.auth.model.mails import Mail, MailKind, MailState
from services.auth.model.origin import Caller, Origin
from services.auth.model.sessions import ended_session
from services.auth.ports.outside import Outside


@dataclass(frozen=True, slots=True)
class Common:
    """Small steps on what is outside."""

    outside: Outside

    async def note(
        self,
        action: Action,
        account_id: str,
        origin: Origin,
        *,
        actor_id: str = "",
        refusal: MeshError | None = None,
        note: str = "",
    ) -> None:
        """Adds a line to the trail, in the running transaction if there is one."""
        await self.outside.trail.add(
            AuditEntry(
                entry_id=self.outside.new_id("aud"),
                account_id=account_id,
                action=action,
                outcome=SUCCEEDED if refusal is None else refusal.reason,
                actor_id=actor_id,
                origin=origin,
                create_time=self.outside.clock.now(),
                note=note,
            )
        )

    async def note_own(self, action: Action, caller: Caller, refusal: MeshError | None = None) -> None:
        """The same for what somebody does to their own account."""
        await self.note(action, caller.account_id, caller.origin, actor_id=caller.account_id, refusal=refusal)

    async def mail(self, kind: MailKind, account: Account, email: str = "") -> None:
        """Has a mail sent to the account's address, or to another one. Runs in the transaction of what it tells."""
        now = self.outside.clock.now()
        mail = Mail(self.outside.new_id("mail"), kind, account.account_id, email or account.email, MailState.READY, now)
        await self.outside.mails.add(mail)

    async def own_account(self, caller: Caller) -> Account:
        """The caller's account, while their session is open: an access token may outlive it by ten minutes.

        Raises Unauthenticated (SESSION_ENDED).
        """
        session = await self.outside.sessions.find(caller.session_id)
        if session is None or session.account_id != caller.account_id or not session.is_open(self.outside.clock.now()):
            raise ended_session()
        account = await self.outside.accounts.find(caller.account_id)
        if account is None or account.is_locked:
            raise ended_session()
        return account

    async def account(self, account_id: str) -> Account:
        """Raises NotFound (ACCOUNT_NOT_FOUND)."""
        account = await self.outside.accounts.find(account_id)
        if account is None:
            raise no_such_account()
        return account

    async def hash_new(self, password: str, email: str, display_name: str) -> str:
        """The hash of a password that may be used. Raises InvalidInput (PASSWORD_TOO_COMMON, PASSWORD_TOO_PERSONAL)."""
        check_not_personal(password, email, display_name)
        await self.outside.passwords.require_uncommon(password)
        return await self.outside.passwords.hash(password)
