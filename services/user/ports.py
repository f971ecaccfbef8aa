"""What the use cases need from outside. The store implements it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from services.user.model.document import Document
from services.user.model.engagement import Engagement
from services.user.model.moderation import Moderation, Report
from services.user.model.profile import Profile
from services.user.model.rating import Rating
from services.user.model.relation import Block, Favourite
from services.user.model.review import Review

T = TypeVar("T")
After = tuple[datetime, str] | None
"""The last item of the page before, by time and id; None for the first page."""


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

    async def is_active(self, account_id: str) -> bool:
        """Whether the account has a booking that is confirmed and neither done nor called off."""
        ...

    async def is_active_between(self, one_id: str, other_id: str) -> bool:
        """Whether a booking between the two is confirmed and neither done nor called off."""
        ...


class Reviews(Protocol):
    """The stored reviews."""

    async def find(self, review_id: str) -> Review | None:
        """A review, published or not."""
        ...

    async def find_all(self, review_ids: Sequence[str]) -> list[Review]:
        """Those that exist, in no order."""
        ...

    async def of_booking(self, booking_id: str) -> list[Review]:
        """The reviews of a booking, published or not."""
        ...

    async def save(self, review: Review) -> None:
        """Stores a review, new or changed."""
        ...

    async def publish(self, review: Review) -> None:
        """Stores a review that is published now, and tells of it."""
        ...

    async def published(self, subject_id: str, after: After, limit: int) -> list[Review]:
        """The published reviews of an account that are not hidden, newest first."""
        ...


class Moderations(Protocol):
    """Reports of reviews, and the decisions about them."""

    async def report(self, report: Report) -> None:
        """Stores an open report unless there is one with its id."""
        ...

    async def open_reports(self, after: After, limit: int) -> list[Report]:
        """Oldest first."""
        ...

    async def close_reports(self, review_id: str) -> None:
        """Closes the open ones of a review."""
        ...

    async def add(self, moderation: Moderation) -> None:
        """Adds a decision to the trace."""
        ...

    async def of_review(self, review_id: str) -> list[Moderation]:
        """The decisions about a review, oldest first."""
        ...


class Favourites(Protocol):
    """Who wants to find whom again."""

    async def add(self, favourite: Favourite) -> None:
        """Stores it unless it is there."""
        ...

    async def remove(self, account_id: str, provider_id: str) -> None:
        """Removes it if it is there."""
        ...

    async def page(self, account_id: str, after: After, limit: int) -> list[Favourite]:
        """A person's favourites, the last one added first."""
        ...


class Blocks(Protocol):
    """Who blocks whom."""

    async def find(self, blocker_id: str, blocked_id: str) -> Block | None:
        """What is known of one's blocking the other."""
        ...

    async def save(self, block: Block) -> None:
        """Stores a block that changed, and tells of it."""
        ...

    async def count(self, blocker_id: str) -> int:
        """How many a person blocks."""
        ...

    async def page(self, blocker_id: str, after: After, limit: int) -> list[Block]:
        """Whom a person blocks, the last one first."""
        ...


class Documents(Protocol):
    """Documents that prove something."""

    async def find(self, document_id: str) -> Document | None:
        """One document."""
        ...

    async def of_account(self, account_id: str) -> list[Document]:
        """All documents of a person, in no order."""
        ...

    async def add(self, document: Document) -> None:
        """Stores a new one, and tells of it."""
        ...

    async def save(self, document: Document, *, is_moved: bool, is_reminded: bool) -> None:
        """Stores a changed one; tells of its state when that moved, and that it expires when its owner is reminded."""
        ...

    async def page(self, account_id: str, after: After, limit: int) -> list[Document]:
        """A person's documents, the last one submitted first."""
        ...

    async def waiting(self, after: After, limit: int) -> list[Document]:
        """Those that wait for a decision, the one that waits longest first."""
        ...

    async def due(self, now: datetime, limit: int) -> list[str]:
        """Those with something to do by now."""
        ...


class Erasures(Protocol):
    """Who was erased."""

    async def is_erased(self, account_id: str) -> bool:
        """Whether the account belongs to nobody any more."""
        ...

    async def add(self, account_id: str, now: datetime) -> None:
        """Notes that it does, and tells of it."""
        ...
