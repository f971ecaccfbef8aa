"""Registering, logging in, refreshing, logging out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from mesh.clock import Clock
from mesh.errors import AlreadyExists
from services.auth.model import (
    ACCESS_LIFETIME,
    SESSION_LIFETIME,
    Account,
    Registration,
    Role,
    Session,
    check,
    invalid_refresh_token,
    login_of,
    wrong_credentials,
)
from services.auth.ports import Passwords, Store, Tokens


@dataclass(frozen=True, slots=True)
class OpenSession:
    """What somebody gets who has proved who they are."""

    account_id: str
    access_token: str
    access_token_expire_time: datetime
    refresh_token: str
    refresh_token_expire_time: datetime


class AuthWorkflows:
    """The use cases of auth."""

    def __init__(self, store: Store, passwords: Passwords, tokens: Tokens, clock: Clock, new_id: Callable[[str], str]) -> None:
        self._store = store
        self._passwords = passwords
        self._tokens = tokens
        self._clock = clock
        self._new_id = new_id

    async def register(self, registration: Registration) -> str:
        """The id of the new account. Raises AlreadyExists (EMAIL_TAKEN), InvalidInput."""
        check(registration)
        account = Account(
            account_id=self._new_id("acc"),
            login=login_of(registration.email),
            email=registration.email,
            password_hash=await self._passwords.hash(registration.password),
            display_name=registration.display_name,
            roles=registration.roles,
            locale=registration.locale,
            time_zone=registration.time_zone,
            register_time=self._clock.now(),
        )
        await self._store.transaction(lambda: self._store.add_account(account))
        return account.account_id

    async def ensure_admin(self, email: str, password: str, locale: str, time_zone: str) -> None:
        """Makes sure that there is an administrator with this address; one that is there stays as it is."""
        if await self._store.find_account(login_of(email)) is not None:
            return
        try:
            await self.register(Registration(email, password, "Administrator", (Role.ADMIN,), locale, time_zone))
        except AlreadyExists:
            return  # another replica was faster

    async def log_in(self, email: str, password: str) -> OpenSession:
        """Opens a session. Raises Unauthenticated (CREDENTIALS_WRONG)."""
        account = await self._store.find_account(login_of(email))
        is_right = await self._passwords.matches(password, account.password_hash if account else None)
        if account is None or not is_right:
            raise wrong_credentials()
        expire_time = self._clock.now() + SESSION_LIFETIME
        session = Session(self._new_id("ses"), account.account_id, account.roles, expire_time)
        await self._store.add_session(session)
        return self._open(session)

    async def refresh(self, refresh_token: str) -> OpenSession:
        """The next pair. A token that was used before ends its session. Raises Unauthenticated (REFRESH_TOKEN_INVALID)."""
        session_id, generation = self._tokens.read_refresh_token(refresh_token)

        async def move() -> Session | None:
            session = await self._store.find_session(session_id)
            if session is None:
                raise invalid_refresh_token()
            now = self._clock.now()
            if not session.is_ended and session.is_reuse(generation, now):
                await self._store.save_session(replace(session, is_ended=True))
                return None
            moved = session.refreshed(generation, now)
            if moved is not session:
                await self._store.save_session(moved)
            return moved

        session = await self._store.transaction(move)
        if session is None:  # the transaction had to commit before the refusal, or the session would have stayed open
            raise invalid_refresh_token()
        return self._open(session)

    async def log_out(self, session_id: str) -> None:
        """Ends the session; ending it twice is the same as once."""

        async def end() -> None:
            session = await self._store.find_session(session_id)
            if session is not None and not session.is_ended:
                await self._store.save_session(replace(session, is_ended=True))

        await self._store.transaction(end)

    def _open(self, session: Session) -> OpenSession:
        now = self._clock.now()
        return OpenSession(
            account_id=session.account_id,
            access_token=self._tokens.access_token(session.account_id, session.session_id, session.roles, now),
            access_token_expire_time=now + ACCESS_LIFETIME,
            refresh_token=self._tokens.refresh_token(session.session_id, session.generation),
            refresh_token_expire_time=session.expire_time,
        )
