"""Registering passkeys, and taking them as proof."""

from datetime import datetime

from mesh.errors import MeshError
from services.auth.model.accounts import Account
from services.auth.model.audit import Action
from services.auth.model.mails import MailKind
from services.auth.model.origin import Caller, Origin
from services.auth.model.passkeys import (
    Passkey,
    PasskeyChallenge,
    check_count,
    invalid_passkey,
    no_such_passkey,
    refused_passkey,
)
from services.auth.model.sessions import OpenSession
from services.auth.ports.outside import Outside
from services.auth.workflows.common import Common
from services.auth.workflows.logging_in import LogInWorkflows
from services.auth.workflows.sessions import SessionWorkflows


class PasskeyWorkflows:
    """The use cases of passkeys."""

    def __init__(self, outside: Outside, logging_in: LogInWorkflows, sessions: SessionWorkflows) -> None:
        self._outside = outside
        self._logging_in = logging_in
        self._sessions = sessions
        self._common = Common(outside)

    async def begin_registration(self, caller: Caller) -> PasskeyChallenge:
        """Raises NotAllowedNow (PASSKEY_LIMIT), Unauthenticated (SESSION_ENDED)."""
        account = await self._common.own_account(caller)
        there = await self._outside.passkeys.of(account.account_id)
        check_count(len(there))
        challenge_id, challenge = await self._outside.challenges.keep(account.account_id)
        known = [each.credential.credential_id for each in there]
        options = self._outside.authenticators.creation_options(challenge, account.account_id, account.email, known)
        return PasskeyChallenge(challenge_id, account.account_id, options)

    async def complete_registration(self, caller: Caller, challenge_id: str, credential_json: str, name: str) -> Passkey:
        """Raises InvalidInput (PASSKEY_INVALID), NotAllowedNow (PASSKEY_LIMIT), Unauthenticated (SESSION_ENDED)."""
        kept = await self._outside.challenges.take(challenge_id)
        if kept is None or kept.account_id != caller.account_id:
            raise invalid_passkey()
        credential = self._outside.authenticators.verify_creation(credential_json, kept.challenge)
        passkey = Passkey(self._outside.new_id("pky"), caller.account_id, credential, name.strip(), self._outside.clock.now())

        async def add() -> None:
            account = await self._common.own_account(caller)
            check_count(len(await self._outside.passkeys.of(account.account_id)))
            await self._outside.passkeys.add(passkey)
            await self._common.mail(MailKind.PASSKEY_ADDED, account)
            await self._common.note_own(Action.ADD_PASSKEY, caller)

        await self._outside.transaction(add)
        return passkey

    async def list_own(self, account_id: str) -> list[Passkey]:
        """The oldest first."""
        return await self._outside.passkeys.of(account_id)

    async def remove(self, caller: Caller, passkey_id: str) -> None:
        """Raises NotFound (PASSKEY_NOT_FOUND), Unauthenticated (SESSION_ENDED)."""

        async def work() -> None:
            await self._common.own_account(caller)
            passkey = await self._outside.passkeys.get(passkey_id)
            if passkey is None or not (passkey.account_id == caller.account_id or caller.is_admin):
                raise no_such_passkey()
            await self._outside.passkeys.remove(passkey)
            await self._common.note(Action.REMOVE_PASSKEY, passkey.account_id, caller.origin, actor_id=caller.account_id)

        await self._outside.transaction(work)

    async def begin_log_in(self) -> PasskeyChallenge:
        """The same for everybody."""
        challenge_id, challenge = await self._outside.challenges.keep("")
        return PasskeyChallenge(challenge_id, "", self._outside.authenticators.request_options(challenge))

    async def complete_log_in(self, challenge_id: str, credential_json: str, device_name: str, origin: Origin) -> OpenSession:
        """Raises Unauthenticated (PASSKEY_REFUSED), Forbidden (ACCOUNT_LOCKED)."""
        account = await self._prove(Action.LOG_IN_WITH_PASSKEY, challenge_id, credential_json, origin)
        return await self._logging_in.open(Action.LOG_IN_WITH_PASSKEY, account, device_name, origin)

    async def re_authenticate(self, caller: Caller, challenge_id: str, credential_json: str) -> tuple[str, datetime]:
        """An access token with a fresh proof, and when it expires. Raises Unauthenticated (PASSKEY_REFUSED, SESSION_ENDED)."""
        await self._common.own_account(caller)
        account = await self._prove(Action.RE_AUTHENTICATE, challenge_id, credential_json, caller.origin)
        if account.account_id != caller.account_id:
            raise refused_passkey()
        return await self._sessions.note_proof(caller)

    async def _prove(self, action: Action, challenge_id: str, credential_json: str, origin: Origin) -> Account:
        kept = await self._outside.challenges.take(challenge_id)
        passkey = await self._outside.passkeys.find(self._outside.authenticators.credential_id(credential_json))
        if kept is None or kept.account_id or passkey is None:
            raise refused_passkey()
        try:
            count = self._outside.authenticators.verify_proof(credential_json, kept.challenge, passkey)
            account = await self._outside.accounts.find(passkey.account_id)
            if account is None:
                raise refused_passkey()
            account.require_unlocked()
        except MeshError as refusal:
            await self._common.note(action, passkey.account_id, origin, refusal=refusal)
            raise
        await self._outside.passkeys.save(passkey.used(count, self._outside.clock.now()))
        return account
