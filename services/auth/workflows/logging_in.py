"""Logging in, in one step or two; refreshing; logging out."""

from collections.abc import Sequence
from dataclasses import replace

from mesh.errors import MeshError
from services.auth.model.accounts import Account, login_of, wrong_credentials
from services.auth.model.audit import Action
from services.auth.model.limits import Limit, account_limit, pair_limit
from services.auth.model.origin import Caller, Origin
from services.auth.model.sessions import (
    ACCESS_LIFETIME,
    CHALLENGE_LIFETIME,
    MOST_SESSIONS,
    SESSION_LIFETIME,
    Challenge,
    OpenSession,
    Session,
    invalid_challenge,
    invalid_refresh_token,
)
from services.auth.ports.outside import Outside
from services.auth.workflows.codes import CodeProof
from services.auth.workflows.common import Common


class LogInWorkflows:
    """The use cases of sessions that come and go."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._common = Common(outside)
        self._codes = CodeProof(outside)

    async def log_in(self, email: str, password: str, device_name: str, origin: Origin) -> OpenSession | Challenge:
        """Raises Unauthenticated (CREDENTIALS_WRONG), Forbidden (ACCOUNT_LOCKED), LimitReached (TOO_MANY_ATTEMPTS)."""
        account = await self.check_password(Action.LOG_IN, login_of(email), password, origin)
        if account.totp.is_enabled:
            expire_time = self._outside.clock.now() + CHALLENGE_LIFETIME
            return Challenge(account.account_id, self._outside.tokens.challenge(account.account_id, expire_time), expire_time)
        return await self.open(Action.LOG_IN, account, device_name, origin)

    async def complete(self, challenge_token: str, code: str, device_name: str, origin: Origin) -> OpenSession:
        """Raises Unauthenticated (CHALLENGE_INVALID, CODE_WRONG), Forbidden (ACCOUNT_LOCKED), LimitReached."""
        account_id = self._outside.tokens.read_challenge(challenge_token, self._outside.clock.now())
        account = await self._outside.accounts.find(account_id)
        if account is None or not account.totp.is_enabled:
            raise invalid_challenge()
        account.require_unlocked()
        await self._codes.prove(Action.COMPLETE_LOG_IN, account_id, code, origin)
        return await self.open(Action.COMPLETE_LOG_IN, account, device_name, origin)

    async def check_password(self, action: Action, login: str, password: str, origin: Origin) -> Account:
        """The account with this login and password. What does not exist costs the same time and as many writes."""
        limits = await self._limits(login, origin.address)
        await self._outside.attempts.admit(limits, self._outside.clock.now())
        account = await self._outside.accounts.find_by_login(login)
        is_right = await self._outside.passwords.matches(password, account.password_hash if account else None)
        if account is None or not is_right:
            raise await self._refuse(action, account.account_id if account else "", origin, wrong_credentials())
        try:
            account.require_unlocked()
        except MeshError as refusal:
            raise await self._refuse(action, account.account_id, origin, refusal) from None
        await self._outside.attempts.forgive(limits)
        await self._outside.attempts.make_known(login, origin.address)
        return account

    async def open(self, action: Action, account: Account, device_name: str, origin: Origin) -> OpenSession:
        """Opens a session for somebody who has proved who they are."""
        now = self._outside.clock.now()
        session = Session(
            session_id=self._outside.new_id("ses"),
            account_id=account.account_id,
            roles=account.roles,
            expire_time=now + SESSION_LIFETIME,
            auth_time=now,
            device_name=origin.device_name(device_name),
            address=origin.address,
        )

        async def add() -> None:
            for excess in (await self._outside.sessions.open_ones(account.account_id, now))[MOST_SESSIONS - 1 :]:
                await self._outside.sessions.save(replace(excess, is_ended=True))
            await self._outside.sessions.add(session)
            await self._common.note(action, account.account_id, origin, actor_id=account.account_id)

        await self._outside.transaction(add)
        return self._hand_out(session)

    async def refresh(self, refresh_token: str, origin: Origin) -> OpenSession:
        """The next pair. A token that was used before ends its session. Raises Unauthenticated (REFRESH_TOKEN_INVALID)."""
        session_id, generation = self._outside.tokens.read_refresh_token(refresh_token)

        async def move() -> Session | None:
            session = await self._outside.sessions.find(session_id)
            if session is None:
                raise invalid_refresh_token()
            now = self._outside.clock.now()
            if not session.is_ended and session.is_reuse(generation, now):
                await self._outside.sessions.save(replace(session, is_ended=True))
                await self._common.note(Action.REUSE_REFRESH_TOKEN, session.account_id, origin, refusal=invalid_refresh_token())
                return None
            account = await self._outside.accounts.find(session.account_id)
            if account is None or account.is_locked:
                raise invalid_refresh_token()
            moved = session.refreshed(generation, now)
            if moved is session:
                return session
            moved = replace(moved, roles=account.roles)
            await self._outside.sessions.save(moved)
            return moved

        session = await self._outside.transaction(move)
        if session is None:  # the transaction had to commit before the refusal, or the session would have stayed open
            raise invalid_refresh_token()
        return self._hand_out(session)

    async def log_out(self, caller: Caller) -> None:
        """Ends the session; ending it twice is the same as once."""

        async def end() -> None:
            session = await self._outside.sessions.find(caller.session_id)
            if session is not None and not session.is_ended:
                await self._outside.sessions.save(replace(session, is_ended=True))
                await self._common.note_own(Action.LOG_OUT, caller)

        await self._outside.transaction(end)

    async def _limits(self, login: str, address: str) -> Sequence[Limit]:
        if await self._outside.attempts.is_known(login, address):
            return (pair_limit(login, address),)
        return (pair_limit(login, address), account_limit(login))

    async def _refuse(self, action: Action, account_id: str, origin: Origin, refusal: MeshError) -> MeshError:
        await self._common.note(action, account_id, origin, refusal=refusal)
        return refusal

    def _hand_out(self, session: Session) -> OpenSession:
        now = self._outside.clock.now()
        return OpenSession(
            account_id=session.account_id,
            access_token=self._outside.tokens.access_token(session, now),
            access_token_expire_time=now + ACCESS_LIFETIME,
            refresh_token=self._outside.tokens.refresh_token(session.session_id, session.generation),
            refresh_token_expire_time=session.expire_time,
        )
