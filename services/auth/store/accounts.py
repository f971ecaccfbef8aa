"""Accounts in MongoDB, and what is published of them."""

from datetime import datetime

from mesh.errors import AlreadyExists
from mesh.storage.mongo import Database, DuplicateKey
from services.auth.model.accounts import Account, Role
from services.auth.model.totp import Totp
from services.auth.store.documents import AccountDocument
from services.auth.wire import events


class StoredAccounts:
    """The port Accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._accounts = database.collection(AccountDocument)

    async def find(self, account_id: str) -> Account | None:
        found = await self._accounts.get(account_id)
        return None if found is None else _account(found)

    async def find_by_login(self, login: str) -> Account | None:
        found = await self._accounts.find_one({"login": login})
        return None if found is None else _account(found)

    async def add(self, account: Account) -> None:
        try:
            await self._accounts.insert(_document(account))
        except DuplicateKey:
            raise _email_taken() from None
        await self._database.publish(events.registered(account))

    async def save(self, account: Account) -> None:
        try:
            await self._accounts.replace(_document(account))
        except DuplicateKey:
            raise _email_taken() from None

    async def erase(self, account: Account, now: datetime) -> None:
        await self._accounts.delete({"_id": account.account_id})
        await self._database.publish(events.erased(account, now))

    async def count_admins(self) -> int:
        return await self._accounts.count({"roles": Role.ADMIN.value, "is_locked": {"$ne": True}})

    async def tell_email(self, account: Account, now: datetime) -> None:
        await self._database.publish(events.email_changed(account, now))

    async def tell_lock(self, account: Account, admin_id: str, now: datetime) -> None:
        await self._database.publish(events.lock_changed(account, admin_id, now))

    async def tell_roles(self, account: Account, now: datetime) -> None:
        await self._database.publish(events.roles_changed(account, now))


def _email_taken() -> AlreadyExists:
    return AlreadyExists("EMAIL_TAKEN", "Another account has this e-mail address.")


def _document(account: Account) -> AccountDocument:
    return AccountDocument(
        id=account.account_id,
        login=account.login,
        email=account.email,
        password_hash=account.password_hash,
        display_name=account.display_name,
        roles=list(account.roles),
        locale=account.locale,
        time_zone=account.time_zone,
        register_time=account.register_time,
        is_email_verified=account.is_email_verified,
        is_locked=account.is_locked,
        lock_reason=account.lock_reason or None,
        totp_secret=account.totp.sealed_secret or None,
        is_totp_enabled=account.totp.is_enabled,
        totp_step=account.totp.last_step,
        recovery_hashes=list(account.totp.recovery_hashes),
        version=account.version,
    )


def _account(found: AccountDocument) -> Account:
    totp = Totp(
        sealed_secret=bytes(found.totp_secret or b""),
        is_enabled=bool(found.is_totp_enabled),
        last_step=found.totp_step or 0,
        recovery_hashes=tuple(found.recovery_hashes or ()),
    )
    return Account(
        account_id=found.id,
        login=found.login,
        email=found.email,
        password_hash=found.password_hash,
        display_name=found.display_name,
        roles=tuple(Role(role) for role in found.roles),
        locale=found.locale,
        time_zone=found.time_zone,
        register_time=found.register_time,
        is_email_verified=bool(found.is_email_verified),
        is_locked=bool(found.is_locked),
        lock_reason=found.lock_reason or "",
        totp=totp,
        version=found.version,
    )
