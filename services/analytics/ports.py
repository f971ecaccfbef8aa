"""What the use cases need from outside: what is known of each subject, and the figures kept beside it."""

from datetime import datetime
from typing import Protocol

from services.analytics.model import Figures, Rating, Subject, Totals


class Facts(Protocol):
    """All of it takes part in the transaction of the event that is handled."""

    async def find(self, subject_id: str) -> Subject:
        """What is known of the subject; a new one when nothing is."""
        ...

    async def put(self, subject: Subject) -> None:
        """Stores what is known of the subject."""
        ...

    async def add(self, scope: str, shard: str, figures: Figures, time: datetime) -> None:
        """Adds to the scope's figures in this shard, and notes the time if it is the newest."""
        ...

    async def totals(self, scope: str) -> Totals:
        """The scope's figures over all shards."""
        ...

    async def rating(self, provider_id: str) -> Rating | None:
        """The provider's newest known rating."""
        ...

    async def put_rating(self, provider_id: str, rating: Rating) -> None:
        """Stores the provider's rating."""
        ...
