"""Reviews and the ratings that they add up to."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Rating:
    """The published ratings of an account, as integers: the mean is made when it is read."""

    account_id: str
    total: int = 0
    count: int = 0

    @property
    def mean(self) -> float:
        """1 to 5; 0 when there are none."""
        return self.total / self.count if self.count else 0.0

    def with_one(self, stars: int) -> "Rating":
        """The rating with one more."""
        return replace(self, total=self.total + stars, count=self.count + 1)


@dataclass(frozen=True, slots=True)
class Review:
    """What one party says of the other; only its author sees it before its publication."""

    review_id: str
    booking_id: str
    author_id: str
    subject_id: str
    stars: int
    comment: str
    publish_time: datetime | None = None
