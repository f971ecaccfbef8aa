"""Switching two-step log-in on and off."""

from dataclasses import replace

from services.auth.model.accounts import Account
from services.auth.model.audit import Action
from services.auth.model.mails import MailKind
from services.auth.model.origin import Caller
from services.auth.model.totp import NO_TOTP, RECOVERY_CODES, Enrolment
from services.auth.ports.outside import Outside
from services.auth.workflows.codes import CodeProof
from services.auth.workflows.common import Common


class TotpWorkflows:
    """The use cases of the second step."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._common = Common(outside)
        self._proof = CodeProof(outside)

    async def enrol(self, caller: Caller) -> Enrolment:
        """A secret that still has to be confirmed. Raises NotAllowedNow (TOTP_ENABLED)."""
        secret, sealed = self._outside.codes.new_secret()

        async def keep() -> Account:
            account = await self._common.own_account(caller)
            await self._outside.accounts.save(replace(account, totp=account.totp.enrolled(sealed)))
            return account

        account = await self._outside.transaction(keep)
        return Enrolment(secret, self._outside.codes.provisioning_uri(secret, account.email))

    async def confirm(self, caller: Caller, code: str) -> list[str]:
        """The recovery codes. Raises NotAllowedNow, Unauthenticated (CODE_WRONG), LimitReached."""
        (await self._common.own_account(caller)).totp.require_unconfirmed()
        codes = self._outside.codes.new_recovery_codes(RECOVERY_CODES)
        hashes = self._hashes(codes)

        async def enable(account: Account) -> Account:
            account.totp.require_unconfirmed()
            await self._outside.sessions.end_all(account.account_id, but=caller.session_id)
            await self._common.mail(MailKind.TWO_STEP_ENABLED, account)
            await self._common.note_own(Action.ENABLE_TOTP, caller)
            return replace(account, totp=replace(account.totp, is_enabled=True, recovery_hashes=hashes))

        await self._proof.prove(Action.ENABLE_TOTP, caller.account_id, code, caller.origin, enable)
        return codes

    async def disable(self, caller: Caller) -> None:
        """Forgets secret and codes; off already stays off."""

        async def forget() -> None:
            account = await self._common.own_account(caller)
            await self._outside.accounts.save(replace(account, totp=NO_TOTP))
            if account.totp.is_enabled:
                await self._common.mail(MailKind.TWO_STEP_DISABLED, account)
                await self._common.note_own(Action.DISABLE_TOTP, caller)

        await self._outside.transaction(forget)

    async def replace_recovery_codes(self, caller: Caller) -> list[str]:
        """New ones instead of all that there were. Raises NotAllowedNow (TOTP_NOT_ENROLLED)."""
        codes = self._outside.codes.new_recovery_codes(RECOVERY_CODES)
        hashes = self._hashes(codes)

        async def keep() -> None:
            account = await self._common.own_account(caller)
            await self._outside.accounts.save(replace(account, totp=account.totp.with_recovery(hashes)))
            await self._common.note_own(Action.REPLACE_RECOVERY_CODES, caller)

        await self._outside.transaction(keep)
        return codes

    def _hashes(self, codes: list[str]) -> tuple[str, ...]:
        return tuple(self._outside.codes.recovery_hash(code) for code in codes)
