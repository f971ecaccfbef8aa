"""Registering, seeing one's account, erasing it."""

from dataclasses import replace

from mesh.errors import AlreadyExists, NotAllowedNow
from services.auth.model.accounts import Account, Registration, Role, check_zone, login_of
from services.auth.model.audit import Action
from services.auth.model.mails import MailKind
from services.auth.model.origin import NOWHERE, Caller, Origin
from services.auth.ports.outside import Outside
from services.auth.workflows.common import Common


class AccountWorkflows:
    """The use cases of one's own account."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._common = Common(outside)

    async def register(self, registration: Registration, origin: Origin) -> str:
        """The id of the new account. Raises AlreadyExists (EMAIL_TAKEN), InvalidInput."""
        check_zone(registration.time_zone)
        password_hash = await self._common.hash_new(registration.password, registration.email, registration.display_name)
        account = Account(
            account_id=self._outside.new_id("acc"),
            login=login_of(registration.email),
            email=registration.email,
            password_hash=password_hash,
            display_name=registration.display_name,
            roles=registration.roles,
            locale=registration.locale,
            time_zone=registration.time_zone,
            register_time=self._outside.clock.now(),
        )

        async def add() -> None:
            await self._outside.accounts.add(account)
            await self._common.mail(MailKind.VERIFY_EMAIL, account)
            await self._common.note(Action.REGISTER, account.account_id, origin, actor_id=account.account_id)

        await self._outside.transaction(add)
        return account.account_id

    async def ensure_admin(self, email: str, password: str, locale: str, time_zone: str) -> None:
        """Makes sure that there is an administrator with this address; one that is there stays as it is."""
        if await self._outside.accounts.find_by_login(login_of(email)) is not None:
            return
        try:
            registration = Registration(email, password, "Administrator", (Role.ADMIN,), locale, time_zone)
            await self.register(registration, NOWHERE)
        except AlreadyExists:
            return  # another replica was faster

    async def get_own(self, account_id: str) -> Account:
        """Raises NotFound (ACCOUNT_NOT_FOUND) when it was erased."""
        return await self._common.account(account_id)

    async def erase(self, caller: Caller) -> None:
        """Erases the caller's account and what there is of it here.

        Raises Unauthenticated (SESSION_ENDED), NotAllowedNow (LAST_ADMIN).
        """
        outside = self._outside

        async def work() -> None:
            account = await self._common.own_account(caller)
            if Role.ADMIN in account.roles and await outside.accounts.count_admins() == 1:
                raise NotAllowedNow("LAST_ADMIN", "There would be no administrator.")
            await outside.sessions.erase(account.account_id)
            await outside.mails.erase(account.account_id)
            await outside.passkeys.erase(account.account_id)
            await self._common.note_own(Action.ERASE_ACCOUNT, replace(caller, origin=NOWHERE))
            await outside.trail.anonymise(account.account_id)
            await outside.accounts.erase(account, outside.clock.now())

        await outside.transaction(work)
