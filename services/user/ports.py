"""What the use cases need from outside. The store implements it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from services.user.model.engagement import Engagement
from services.user.model.profile import Profile
from services.user.model.review import Rating, Review

T = TypeVar("T")


class Transaction(Protocol):
    """Runs work so that all its storage calls take effect together or not at all; the work may run again, and calls nobody."""

    async def __call__(self, work: Callable[[], Awaitable[T]], /) -> T: ...


class Profiles(Protocol):
    """The stored profiles."""

    async def find(self, account_id: str) -> Profile | None:
        """The profile of an account."""
        ...

    async def find_all(self, account_ids: Sequence[str]) -> list[Profile]:
        """The profiles that exist, in no order."""
        ...

    async def add(self, profile: Profile) -> None:
        """Stores a new profile and publishes that it came to be."""
        ...

    async def save(self, profile: Profile) -> Profile:
        """Stores a changed profile and publishes the change. Gives it with its new version. Raises Conflict when it is stale."""
        ...


class Ratings(Protocol):
    """The ratings of accounts."""

    async def find(self, account_id: str) -> Rating:
        """The rating of an account; one of nothing when it has none."""
        ...

    async def find_all(self, account_ids: Sequence[str]) -> dict[str, Rating]:
        """The ratings that exist, by account."""
        ...

    async def save(self, rating: Rating) -> None:
        """Stores a rating that moved, and tells of it."""
        ...


class Engagements(Protocol):
    """The bookings that are known of."""

    async def find(self, booking_id: str) -> Engagement | None:
        """What is known of a booking."""
        ...

    async def save(self, engagement: Engagement) -> None:
        """Stores an engagement, new or changed. Raises Conflict when it is stale."""
        ...

    async def due(self, completed_before: datetime, limit: int) -> list[str]:
        """The bookings completed before then whose reviews, if any, are not published."""
        ...

    async def is_active_between(self, one_id: str, other_id: str) -> bool:
        """Whether a booking between the two is confirmed and neither done nor called off."""
        ...


class Reviews(Protocol):
    """The stored reviews."""

    async def of_booking(self, booking_id: str) -> list[Review]:
        """The reviews of a booking, published or not."""
        ...

    async def save(self, review: Review) -> None:
        """Stores a review, new or changed."""
        ...

    async def publish(self, review: Review) -> None:
        """Stores a review that is published now, and tells of it."""
        ...

    async def published(self, subject_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Review]:
        """The published reviews of an account, newest first, after the one with this time and id."""
        ...
