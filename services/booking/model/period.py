"""Stretches of time in UTC, the end exclusive: overlap, union and difference."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """From start to end, the end exclusive; both aware and in UTC."""

    start: datetime
    end: datetime

    @property
    def duration(self) -> timedelta:
        """How long it is."""
        return self.end - self.start

    def overlaps(self, other: "Period") -> bool:
        """Whether there is a moment in both. Periods that only touch do not overlap."""
        return self.start < other.end and other.start < self.end

    def clipped(self, limits: "Period") -> "Period | None":
        """The part within the limits, if any."""
        start, end = max(self.start, limits.start), min(self.end, limits.end)
        return Period(start, end) if start < end else None

    def utc_days(self) -> list[date]:
        """The days in UTC of which it takes a part, in order."""
        first, last = self.start.date(), (self.end - _TICK).date()
        return [first + _DAY * number for number in range((last - first).days + 1)]


def merged(periods: Iterable[Period]) -> list[Period]:
    """The same moments as maximal periods in the order of time."""
    result: list[Period] = []
    for period in sorted(periods):
        if result and period.start <= result[-1].end:
            result[-1] = Period(result[-1].start, max(result[-1].end, period.end))
        else:
            result.append(period)
    return result


def without(periods: Iterable[Period], taken: Iterable[Period]) -> list[Period]:
    """The moments of `periods` that are in none of `taken`, as maximal periods in the order of time."""
    busy = merged(taken)
    result: list[Period] = []
    for period in merged(periods):
        start = period.start
        for block in busy:
            if block.end <= start or block.start >= period.end:
                continue
            if block.start > start:
                result.append(Period(start, block.start))
            start = block.end
        if start < period.end:
            result.append(Period(start, period.end))
    return result
