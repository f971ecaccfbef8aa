"""What is kept of accounts, sessions, mails and passkeys, and the trail of what was done to them."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

from services.auth.model.accounts import Account
from services.auth.model.audit import AuditEntry
from services.auth.model.mails import Mail
from services.auth.model.passkeys import Passkey
from services.auth.model.sessions import Session

T = TypeVar("T")


class Transactions(Protocol):
    """Everything that is stored and published inside one takes effect together."""

    async def __call__(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs the work in a transaction; it may run more than once."""
        ...


class Accounts(Protocol):
    """The registered accounts. What changes one is published in the same transaction."""

    async def find(self, account_id: str) -> Account | None: ...

    async def find_by_login(self, login: str) -> Account | None:
        """The account that logs in with this address."""
        ...

    async def add(self, account: Account) -> None:
        """Stores and publishes a new one. Raises AlreadyExists (EMAIL_TAKEN)."""
        ...

    async def save(self, account: Account) -> None:
        """Stores a changed one. Raises Conflict when it was changed meanwhile, AlreadyExists (EMAIL_TAKEN)."""
        ...

    async def erase(self, account: Account, now: datetime) -> None:
        """Removes one, and publishes that."""
        ...

    async def count_admins(self) -> int:
        """How many accounts are administrators and not locked."""
        ...

    async def tell_email(self, account: Account, now: datetime) -> None:
        """Publishes the account's new address."""
        ...

    async def tell_lock(self, account: Account, admin_id: str, now: datetime) -> None:
        """Publishes that the account was locked or unlocked."""
        ...

    async def tell_roles(self, account: Account, now: datetime) -> None:
        """Publishes the account's new roles."""
        ...


class Sessions(Protocol):
    """The sessions."""

    async def find(self, session_id: str) -> Session | None: ...

    async def open_ones(self, account_id: str, now: datetime) -> list[Session]:
        """Those of an account that are open, the last used one first."""
        ...

    async def add(self, session: Session) -> None:
        """Stores a new one."""
        ...

    async def save(self, session: Session) -> None:
        """Stores a changed one. Raises Conflict when it was changed meanwhile."""
        ...

    async def end_all(self, account_id: str, but: str = "") -> int:
        """Ends all of an account's but one. Returns how many have ended."""
        ...

    async def erase(self, account_id: str) -> None:
        """Removes all of an account's."""
        ...


class Mails(Protocol):
    """The mails about accounts."""

    async def find(self, mail_id: str) -> Mail | None: ...

    async def asked(self, limit: int) -> list[Mail]:
        """Those of which it has to be found out whom they are for, longest waiting first."""
        ...

    async def add(self, mail: Mail) -> None:
        """Stores a new one, and publishes it when it is ready to be sent."""
        ...

    async def save(self, mail: Mail) -> None:
        """Stores a changed one. Raises Conflict when it was changed meanwhile."""
        ...

    async def make_ready(self, mail: Mail, now: datetime) -> None:
        """Stores one that is ready to be sent now, and publishes it."""
        ...

    async def drop(self, mail: Mail) -> None:
        """Removes one that nobody is to get."""
        ...

    async def use_up(self, account_id: str) -> None:
        """Makes the links of an account's mails dead."""
        ...

    async def erase(self, account_id: str) -> None:
        """Removes all of an account's."""
        ...


class Passkeys(Protocol):
    """The registered passkeys."""

    async def of(self, account_id: str) -> list[Passkey]:
        """An account's, the oldest first."""
        ...

    async def find(self, credential_id: str) -> Passkey | None:
        """The one whose credential this is."""
        ...

    async def add(self, passkey: Passkey) -> None:
        """Stores a new one. Raises InvalidInput (PASSKEY_INVALID) when its credential is registered already."""
        ...

    async def save(self, passkey: Passkey) -> None:
        """Stores one that was used. Raises Conflict when it was used meanwhile."""
        ...

    async def get(self, passkey_id: str) -> Passkey | None: ...

    async def remove(self, passkey: Passkey) -> None:
        """Removes one."""
        ...

    async def erase(self, account_id: str) -> None:
        """Removes all of an account's."""
        ...


class Trail(Protocol):
    """The audit trail."""

    async def add(self, entry: AuditEntry) -> None:
        """Adds a line."""
        ...

    async def page(self, account_id: str, after: tuple[datetime, str] | None, limit: int) -> list[AuditEntry]:
        """An account's, newest first, after the one with this time and id."""
        ...

    async def anonymise(self, account_id: str) -> None:
        """Removes from an account's lines where they came from."""
        ...
