"""What reviews add up to."""

from dataclasses import dataclass, replace

from services.user.model.review import Review

PRIOR_COUNT = 5
PRIOR_MEAN = 3.5
CRITERIA = ("punctuality", "quality", "communication")


@dataclass(frozen=True, slots=True)
class Sum:
    """Ratings of one kind, as integers: the mean is made when it is read."""

    total: int = 0
    count: int = 0

    @property
    def mean(self) -> float:
        """1 to 5; 0 when there are none."""
        return self.total / self.count if self.count else 0.0

    def moved(self, stars: int, by: int) -> "Sum":
        """With one more (1) or one less (-1). No stars are no rating."""
        return Sum(self.total + by * stars, self.count + by) if stars else self


@dataclass(frozen=True, slots=True)
class Rating:
    """The reviews of an account that are published and not hidden, summed up. `revision` rises with every change."""

    account_id: str
    stars: Sum = Sum()
    punctuality: Sum = Sum()
    quality: Sum = Sum()
    communication: Sum = Sum()
    revision: int = 0

    @property
    def score(self) -> float:
        """The mean as if PRIOR_COUNT ratings of PRIOR_MEAN stood beside its own: the Bayesian average, as IMDb ranks by it."""
        return (PRIOR_COUNT * PRIOR_MEAN + self.stars.total) / (PRIOR_COUNT + self.stars.count)

    def with_one(self, review: Review) -> "Rating":
        """The rating with this review in it."""
        return self._moved(review, 1)

    def without_one(self, review: Review) -> "Rating":
        """The rating without this review, which was in it."""
        return self._moved(review, -1)

    def _moved(self, review: Review, by: int) -> "Rating":
        parts = {name: getattr(self, name).moved(getattr(review.sub_ratings, name), by) for name in CRITERIA}
        return replace(self, stars=self.stars.moved(review.stars, by), revision=self.revision + 1, **parts)
