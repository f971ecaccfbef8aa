"""Erasing a person: here at once, elsewhere by the event that it publishes."""

from collections.abc import Awaitable, Callable

from mesh.clock import Clock
from mesh.errors import NotAllowedNow
from services.user.ports import Engagements, Erasures, Transaction


class PrivacyWorkflows:
    """What is done when a person wants to be forgotten."""

    def __init__(
        self,
        transaction: Transaction,
        engagements: Engagements,
        erasures: Erasures,
        erase_holdings: Callable[[str], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._transaction = transaction
        self._engagements = engagements
        self._erasures = erasures
        self._erase_holdings = erase_holdings
        self._clock = clock

    async def erase(self, account_id: str) -> None:
        """Erasing again changes nothing. Raises NotAllowedNow (BOOKING_ACTIVE)."""

        async def forget() -> None:
            if not await self._erasures.is_erased(account_id) and await self._engagements.is_active(account_id):
                raise NotAllowedNow("BOOKING_ACTIVE", "There is a booking that is neither done nor called off.")
            await self.follow_erasure(account_id)

        await self._transaction(forget)

    async def follow_erasure(self, account_id: str) -> None:
        """Forgets whose account is gone, whatever is still to be done. Runs inside a transaction, such as an event's."""
        if not await self._erasures.is_erased(account_id):
            await self._erase_holdings(account_id)
            await self._erasures.add(account_id, self._clock.now())
