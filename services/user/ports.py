"""What the use cases need from outside: the stored people, engagements and reviews."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from services.user.model import Engagement, Profile, Rating, Review

T = TypeVar("T")


class Store(Protocol):
    """Everything that user keeps. What happens inside one transaction takes effect together."""

    async def transaction(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs the work in a transaction; it may run more than once."""
        ...

    async def find_profile(self, account_id: str) -> Profile | None:
        """The profile of an account."""
        ...

    async def find_profiles(self, account_ids: Sequence[str]) -> list[Profile]:
        """The profiles that exist, in no order."""
        ...

    async def add_profile(self, profile: Profile) -> None:
        """Stores a new profile and publishes that it came to be."""
        ...

    async def save_profile(self, profile: Profile) -> Profile:
        """Stores a changed profile and publishes the change. Gives it with its new version. Raises Conflict when it is stale."""
        ...

    async def find_rating(self, account_id: str) -> Rating:
        """The rating of an account; one of nothing when it has none."""
        ...

    async def find_ratings(self, account_ids: Sequence[str]) -> dict[str, Rating]:
        """The ratings that exist, by account."""
        ...

    async def find_engagement(self, booking_id: str) -> Engagement | None:
        """What is known of a booking."""
        ...

    async def save_engagement(self, engagement: Engagement) -> None:
        """Stores an engagement, new or changed. Raises Conflict when it is stale."""
        ...

    async def due_engagements(self, completed_before: datetime, limit: int) -> list[str]:
        """The bookings completed before then whose reviews, if any, are not published."""
        ...

    async def reviews_of(self, booking_id: str) -> list[Review]:
        """The reviews of a booking, published or not."""
        ...

    async def save_review(self, review: Review) -> None:
        """Stores a review, new or changed."""
        ...

    async def publish_review(self, review: Review, rating: Rating) -> None:
        """Stores a review that is published now together with its subject's new rating, and tells of both."""
        ...

    async def published_reviews(self, subject_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Review]:
        """The published reviews of an account, newest first, after the one with this time and id."""
        ...
