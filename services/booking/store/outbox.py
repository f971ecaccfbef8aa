"""Facts on their way to the other services."""

from collections.abc import Sequence

from mesh.storage.mongo import Database
from services.booking.model.facts import Fact
from services.booking.wire.events import write_event


class PublishedFacts:
    """Facts as events of the running transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tell(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            await self._database.publish(write_event(fact))
