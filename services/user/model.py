"""Profiles, reviews and ratings, and their rules. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mesh.errors import Conflict, InvalidInput, NotAllowedNow, NotFound

REVIEW_WINDOW = timedelta(days=14)
_LONGEST_NAME = 80
_CHANGEABLE = frozenset({"display_name", "locale", "email_enabled"})
_LOCALES = frozenset({"pt-BR", "en"})


@dataclass(frozen=True, slots=True)
class Profile:
    """A person. `version` counts the changes and is the etag."""

    account_id: str
    display_name: str
    email: str
    locale: str
    time_zone: str
    is_customer: bool
    is_provider: bool
    email_enabled: bool = True
    version: int = 0

    def changed(self, values: Mapping[str, str | bool], etag: str) -> "Profile":
        """The profile with these fields changed. Raises Conflict (PROFILE_CHANGED), InvalidInput (FIELD_UNKNOWN)."""
        if etag and etag != str(self.version):
            raise Conflict("PROFILE_CHANGED", "The profile was changed meanwhile; read it again.")
        if not values or not values.keys() <= _CHANGEABLE:
            raise InvalidInput("FIELD_UNKNOWN", f"The mask must name some of {', '.join(sorted(_CHANGEABLE))}.")
        changed = replace(self, **values)  # type: ignore[arg-type]  # the keys were checked, and so are the values below
        if not 1 <= len(changed.display_name.strip()) <= _LONGEST_NAME:
            raise InvalidInput("FIELD_UNKNOWN", "A display name has 1 to 80 characters.")
        if changed.locale not in _LOCALES:
            raise InvalidInput("FIELD_UNKNOWN", "A locale is pt-BR or en.")
        return changed


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


@dataclass(frozen=True, slots=True)
class Engagement:
    """A booking as far as reviews need it: its parties, when it was completed, whether its reviews are published."""

    booking_id: str
    customer_id: str
    provider_id: str
    complete_time: datetime | None = None
    is_published: bool = False
    version: int = 0

    def other_than(self, account_id: str) -> str:
        """The other party. Raises NotFound (BOOKING_NOT_FOUND) for somebody who has no part in it."""
        parties = {self.customer_id: self.provider_id, self.provider_id: self.customer_id}
        if account_id not in parties:
            raise booking_not_found()
        return parties[account_id]

    def require_open(self, now: datetime) -> None:
        """Raises NotAllowedNow when no review can be submitted: BOOKING_NOT_COMPLETED, REVIEW_PUBLISHED, REVIEW_WINDOW_CLOSED."""
        if self.complete_time is None:
            raise NotAllowedNow("BOOKING_NOT_COMPLETED", "A booking can be reviewed when its work is done.")
        if now >= self.complete_time + REVIEW_WINDOW:
            raise NotAllowedNow("REVIEW_WINDOW_CLOSED", "A review can be submitted within 14 days.")
        if self.is_published:
            raise NotAllowedNow("REVIEW_PUBLISHED", "The reviews of this booking are published.")


def booking_not_found() -> NotFound:
    """The same for a stranger's booking and for none."""
    return NotFound("BOOKING_NOT_FOUND", "There is no such booking.")


def profile_not_found() -> NotFound:
    """There is none, or not yet."""
    return NotFound("PROFILE_NOT_FOUND", "There is no such profile.")
