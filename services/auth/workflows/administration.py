"""What administrators do to accounts. Each of it stands in the account's audit trail."""

from dataclasses import replace

from mesh.errors import NotAllowedNow
from services.auth.model.accounts import Account, Role, login_of, no_such_account
from services.auth.model.audit import Action
from services.auth.model.mails import MailKind
from services.auth.model.origin import Caller
from services.auth.ports.outside import Outside
from services.auth.workflows.common import Common


class AdminWorkflows:
    """The use cases of administrators."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._common = Common(outside)

    async def find(self, caller: Caller, account_id: str, email: str) -> Account:
        """By id, or else by address. Raises NotFound (ACCOUNT_NOT_FOUND)."""
        accounts = self._outside.accounts
        account = await accounts.find(account_id) if account_id else await accounts.find_by_login(login_of(email))
        if account is None:
            raise no_such_account()
        await self._note(Action.FIND_ACCOUNT, account, caller, "")
        return account

    async def lock(self, caller: Caller, account_id: str, reason: str) -> Account:
        """Locks an account and ends its sessions. Raises NotFound (ACCOUNT_NOT_FOUND), NotAllowedNow (OWN_ACCOUNT)."""

        async def work() -> Account:
            account = await self._others(caller, account_id)
            if account.is_locked:
                return account
            locked = replace(account, is_locked=True, lock_reason=reason)
            await self._outside.accounts.save(locked)
            await self._outside.sessions.end_all(account_id)
            await self._outside.mails.use_up(account_id)
            await self._common.mail(MailKind.ACCOUNT_LOCKED, account)
            await self._outside.accounts.tell_lock(locked, caller.account_id, self._outside.clock.now())
            await self._note(Action.LOCK_ACCOUNT, account, caller, reason)
            return locked

        return await self._outside.transaction(work)

    async def unlock(self, caller: Caller, account_id: str, reason: str) -> Account:
        """Lets people log in again. Raises NotFound (ACCOUNT_NOT_FOUND)."""

        async def work() -> Account:
            await self._common.own_account(caller)
            account = await self._common.account(account_id)
            if not account.is_locked:
                return account
            unlocked = replace(account, is_locked=False, lock_reason="")
            await self._outside.accounts.save(unlocked)
            await self._outside.accounts.tell_lock(unlocked, caller.account_id, self._outside.clock.now())
            await self._note(Action.UNLOCK_ACCOUNT, account, caller, reason)
            return unlocked

        return await self._outside.transaction(work)

    async def set_roles(self, caller: Caller, account_id: str, roles: tuple[Role, ...], reason: str) -> Account:
        """Sets the roles; a refresh picks them up. Raises NotFound (ACCOUNT_NOT_FOUND), NotAllowedNow (OWN_ACCOUNT)."""

        async def work() -> Account:
            account = await self._others(caller, account_id)
            if set(account.roles) == set(roles):
                return account
            changed = replace(account, roles=roles)
            await self._outside.accounts.save(changed)
            await self._outside.accounts.tell_roles(changed, self._outside.clock.now())
            before_and_after = f"{', '.join(account.roles)} -> {', '.join(roles)}"
            await self._note(Action.SET_ROLES, account, caller, f"{before_and_after}: {reason}")
            return changed

        return await self._outside.transaction(work)

    async def _others(self, caller: Caller, account_id: str) -> Account:
        await self._common.own_account(caller)
        if account_id == caller.account_id:
            raise NotAllowedNow("OWN_ACCOUNT", "Administrators do not do this to themselves.")
        return await self._common.account(account_id)

    async def _note(self, action: Action, account: Account, caller: Caller, note: str) -> None:
        await self._common.note(action, account.account_id, caller.origin, actor_id=caller.account_id, note=note)
