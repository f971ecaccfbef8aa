"""Bookings that events tell of, in any order; each runs inside the transaction of its event."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from services.user.model.engagement import Engagement
from services.user.ports import Engagements


class EngagementWorkflows:
    """What is learnt of bookings."""

    def __init__(self, engagements: Engagements) -> None:
        self._engagements = engagements

    async def note_confirmed(self, booking: Engagement) -> None:
        """Remembers the parties."""
        await self._note(booking, lambda known: known)

    async def note_completed(self, booking: Engagement, complete_time: datetime) -> None:
        """From here on its parties can review each other."""
        await self._note(booking, lambda known: replace(known, complete_time=known.complete_time or complete_time))

    async def note_cancelled(self, booking: Engagement) -> None:
        """It is not active any more, even if its confirmation comes later."""
        await self._note(booking, lambda known: replace(known, is_cancelled=True))

    async def _note(self, booking: Engagement, change: Callable[[Engagement], Engagement]) -> None:
        known = await self._engagements.find(booking.booking_id)
        changed = change(known or booking)
        if changed != known:
            await self._engagements.save(changed)
