"""The use cases: take in what has happened, and tell the figures."""

from datetime import datetime

from services.analytics.model import PLATFORM, Charge, Dashboard, Mark, Rating, Totals, difference
from services.analytics.ports import Facts


class AnalyticsWorkflows:
    """What this service does."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    async def note(
        self,
        mark: Mark,
        subject_id: str,
        *,
        shard: str,
        time: datetime,
        provider_id: str = "",
        charge: Charge | None = None,
    ) -> None:
        """Something became true of a subject at this time; knowing it twice changes nothing. Runs in the event's transaction.

        shard: events with one shard come one after the other, so that no two transactions ever add to the same figures.
        """
        before = await self._facts.find(subject_id)
        after = before.marked(mark, provider_id, charge)
        if after != before:
            await self._facts.put(after)
        for scope in after.scopes(mark):
            await self._facts.add(scope, shard, difference(after.figures(scope), before.figures(scope)), time)

    async def note_rating(self, provider_id: str, rating: Rating) -> None:
        """A rating was told; an older one changes nothing. Runs in the event's transaction."""
        known = await self._facts.rating(provider_id)
        if known is None or rating.is_newer_than(known):
            await self._facts.put_rating(provider_id, rating)

    async def dashboard(self, provider_id: str) -> Dashboard:
        """The provider's figures; zeros when nothing has happened."""
        return Dashboard(provider_id, await self._facts.totals(provider_id), await self._facts.rating(provider_id))

    async def overview(self) -> Totals:
        """The marketplace's figures."""
        return await self._facts.totals(PLATFORM)
