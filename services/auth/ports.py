"""What the use cases need from outside."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

from services.auth.model import Account, Role, Session

T = TypeVar("T")


class Store(Protocol):
    """Accounts and sessions. Everything inside one transaction takes effect together."""

    async def transaction(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs the work in a transaction; it may run more than once."""
        ...

    async def find_account(self, login: str) -> Account | None:
        """The account that logs in with this address."""
        ...

    async def add_account(self, account: Account) -> None:
        """Stores a new account and publishes that it was registered. Raises AlreadyExists (EMAIL_TAKEN)."""
        ...

    async def find_session(self, session_id: str) -> Session | None:
        """The session with this id."""
        ...

    async def add_session(self, session: Session) -> None:
        """Stores a new session."""
        ...

    async def save_session(self, session: Session) -> None:
        """Stores a changed session. Raises Conflict when it was changed meanwhile."""
        ...


class Passwords(Protocol):
    """Hashes passwords, off the event loop."""

    async def hash(self, password: str) -> str:
        """A salted hash."""
        ...

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password; takes as long, and says no, when there is no hash."""
        ...


class Tokens(Protocol):
    """Makes and reads tokens."""

    def access_token(self, account_id: str, session_id: str, roles: tuple[Role, ...], now: datetime) -> str:
        """A signed access token."""
        ...

    def refresh_token(self, session_id: str, generation: int) -> str:
        """The refresh token of this number; always the same."""
        ...

    def read_refresh_token(self, token: str) -> tuple[str, int]:
        """Session id and number. Raises Unauthenticated (REFRESH_TOKEN_INVALID) when it is not one of ours."""
        ...
