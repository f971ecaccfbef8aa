"""Proving the second step: a code of the app or a recovery code, each of which works once."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from mesh.errors import Unauthenticated
from services.auth.model.accounts import Account
from services.auth.model.audit import Action
from services.auth.model.limits import code_limit
from services.auth.model.origin import Origin
from services.auth.model.totp import Totp
from services.auth.ports.outside import Outside
from services.auth.workflows.common import Common

Change = Callable[[Account], Awaitable[Account]]
"""What a right code brings about, in the same transaction: the account as it is to be stored."""


async def _nothing_more(account: Account) -> Account:
    return account


class CodeProof:
    """Checks codes, counting those that are wrong."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._common = Common(outside)

    async def prove(self, action: Action, account_id: str, code: str, origin: Origin, change: Change = _nothing_more) -> None:
        """Uses the code up. Raises Unauthenticated (CODE_WRONG), LimitReached (TOO_MANY_ATTEMPTS), and what `change` raises."""
        limits = (code_limit(account_id),)
        await self._outside.attempts.admit(limits, self._outside.clock.now())

        async def use() -> None:
            account = await self._common.account(account_id)
            await self._outside.accounts.save(await change(replace(account, totp=self._used(account, code))))

        try:
            await self._outside.transaction(use)
        except Unauthenticated as refusal:
            await self._common.note(action, account_id, origin, refusal=refusal)
            raise
        await self._outside.attempts.forgive(limits)

    def _used(self, account: Account, code: str) -> Totp:
        totp = account.totp
        if code.isascii() and code.isdigit() and len(code) == 6:
            return totp.used_step(self._outside.codes.step_of(totp.sealed_secret, code, self._outside.clock.now()))
        return totp.used_recovery(self._outside.codes.recovery_hash(code))
