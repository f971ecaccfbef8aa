"""What a provider's time is taken by, day by day: the rule against double booking. store/calendars.py keeps the days."""

from dataclasses import dataclass, replace
from datetime import date

from mesh.errors import NotAllowedNow
from services.booking.model.period import Period


@dataclass(frozen=True, slots=True)
class Hold:
    """A booking takes this time, from its making until it ends without work; the whole period, also where it spans midnight."""

    booking_id: str
    period: Period


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """Every hold of one provider that takes a part of one day in UTC. No two of them overlap, ever."""

    provider_id: str
    day: date
    holds: tuple[Hold, ...] = ()
    version: int = 0

    def with_hold(self, hold: Hold) -> "CalendarDay":
        """The day with the time taken; the day itself when the booking has taken it before. Raises NotAllowedNow (SLOT_TAKEN)."""
        if hold in self.holds:
            return self
        if any(hold.period.overlaps(other.period) for other in self.holds):
            raise NotAllowedNow("SLOT_TAKEN", "The provider has another booking at that time.")
        return replace(self, holds=tuple(sorted((*self.holds, hold), key=lambda each: each.period)))

    def without_booking(self, booking_id: str) -> "CalendarDay":
        """The day with the booking's time free again; the day itself when it takes none."""
        kept = tuple(hold for hold in self.holds if hold.booking_id != booking_id)
        return self if len(kept) == len(self.holds) else replace(self, holds=kept)
