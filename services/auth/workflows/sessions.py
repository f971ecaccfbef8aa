"""Seeing and ending one's sessions, and proving once more who one is."""

from dataclasses import replace
from datetime import datetime

from services.auth.model.audit import Action
from services.auth.model.origin import Caller
from services.auth.model.sessions import ACCESS_LIFETIME, Session, ended_session, no_such_session
from services.auth.model.totp import wrong_code
from services.auth.ports.outside import Outside
from services.auth.workflows.codes import CodeProof
from services.auth.workflows.common import Common
from services.auth.workflows.logging_in import LogInWorkflows


class SessionWorkflows:
    """The use cases of sessions that are open."""

    def __init__(self, outside: Outside, logging_in: LogInWorkflows) -> None:
        self._outside = outside
        self._logging_in = logging_in
        self._common = Common(outside)
        self._codes = CodeProof(outside)

    async def list_own(self, account_id: str) -> list[Session]:
        """The open ones, the last used one first."""
        return await self._outside.sessions.open_ones(account_id, self._outside.clock.now())

    async def revoke(self, caller: Caller, session_id: str) -> None:
        """Ends one of the caller's own, for administrators anybody's; ended already stays so.

        Raises NotFound (SESSION_NOT_FOUND), Unauthenticated (SESSION_ENDED).
        """

        async def end() -> None:
            if session_id != caller.session_id:
                await self._common.own_account(caller)
            session = await self._outside.sessions.find(session_id)
            if session is None or not (session.account_id == caller.account_id or caller.is_admin):
                raise no_such_session()
            if not session.is_ended:
                await self._outside.sessions.save(replace(session, is_ended=True))
                await self._common.note(Action.REVOKE_SESSION, session.account_id, caller.origin, actor_id=caller.account_id)

        await self._outside.transaction(end)

    async def revoke_others(self, caller: Caller) -> int:
        """Ends all but the caller's. Returns how many. Raises Unauthenticated (SESSION_ENDED)."""

        async def end() -> int:
            await self._common.own_account(caller)
            count = await self._outside.sessions.end_all(caller.account_id, but=caller.session_id)
            await self._common.note_own(Action.REVOKE_OTHER_SESSIONS, caller)
            return count

        return await self._outside.transaction(end)

    async def re_authenticate(self, caller: Caller, password: str, code: str) -> tuple[str, datetime]:
        """An access token with a fresh proof, and when it expires.

        Raises Unauthenticated (SESSION_ENDED, CREDENTIALS_WRONG, CODE_WRONG), LimitReached (TOO_MANY_ATTEMPTS).
        """
        account = await self._common.own_account(caller)
        await self._logging_in.check_password(Action.RE_AUTHENTICATE, account.login, password, caller.origin)
        if account.totp.is_enabled:
            if not code:
                raise wrong_code()
            await self._codes.prove(Action.RE_AUTHENTICATE, account.account_id, code, caller.origin)
        return await self.note_proof(caller)

    async def note_proof(self, caller: Caller) -> tuple[str, datetime]:
        """The caller has proved once more who they are: an access token that says so. Raises Unauthenticated (SESSION_ENDED)."""
        now = self._outside.clock.now()

        async def move() -> Session:
            session = await self._outside.sessions.find(caller.session_id)
            if session is None or not session.is_open(now):
                raise ended_session()
            proved = replace(session, auth_time=now)
            await self._outside.sessions.save(proved)
            await self._common.note_own(Action.RE_AUTHENTICATE, caller)
            return proved

        session = await self._outside.transaction(move)
        return self._outside.tokens.access_token(session, now), now + ACCESS_LIFETIME
