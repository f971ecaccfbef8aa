"""A booking as far as user needs it: whether its parties may see each other's data, and review each other."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mesh.errors import NotAllowedNow, NotFound

REVIEW_WINDOW = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Engagement:
    """Its parties, when it was completed, whether it was called off, whether its reviews are published."""

    booking_id: str
    customer_id: str
    provider_id: str
    complete_time: datetime | None = None
    is_cancelled: bool = False
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
        if self.complete_time is None or self.is_cancelled:
            raise NotAllowedNow("BOOKING_NOT_COMPLETED", "A booking can be reviewed when its work is done.")
        if now >= self.complete_time + REVIEW_WINDOW:
            raise NotAllowedNow("REVIEW_WINDOW_CLOSED", "A review can be submitted within 14 days.")
        if self.is_published:
            raise NotAllowedNow("REVIEW_PUBLISHED", "The reviews of this booking are published.")


def booking_not_found() -> NotFound:
    """The same for a stranger's booking and for none."""
    return NotFound("BOOKING_NOT_FOUND", "There is no such booking.")
