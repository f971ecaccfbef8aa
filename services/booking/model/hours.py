"""Weekly hours in local time and what they are in UTC. A moment is within them exactly when the clock on the wall there says so,
so days with 23 or 25 hours need no rule of their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from mesh.errors import InvalidInput
from services.booking.model.period import Period, merged

_DAY = timedelta(days=1)
_NOT_IN_THE_DATABASE = frozenset({"localtime", "Factory"})  # files that some machines keep beside the real zones


@dataclass(frozen=True, slots=True, order=True)
class WeeklyInterval:
    """Hours on one day of the week, in minutes after midnight on the wall clock, the end exclusive."""

    day: int  # 1 is Monday, 7 is Sunday [ISO 8601]
    start_minute: int
    end_minute: int


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """When a provider can be booked. Made by `state_hours`."""

    time_zone: str
    intervals: tuple[WeeklyInterval, ...]

    def periods_within(self, limits: Period) -> list[Period]:
        """The moments of the limits that are within these hours, as maximal periods in the order of time."""
        zone = ZoneInfo(self.time_zone)
        return merged(period for segment, offset in _segments(zone, limits) for period in self._periods_of(segment, offset))

    def cover(self, period: Period) -> bool:
        """Whether every moment of the period is within these hours."""
        return self.periods_within(period) == [period]

    def _periods_of(self, segment: Period, offset: timedelta) -> Iterator[Period]:
        local_day = datetime.combine((segment.start + offset).date(), time(), UTC)
        while local_day - offset < segment.end:
            for interval in self.intervals:
                if interval.day == local_day.isoweekday():
                    start = local_day + timedelta(minutes=interval.start_minute) - offset
                    end = local_day + timedelta(minutes=interval.end_minute) - offset
                    clipped = Period(start, end).clipped(segment)
                    if clipped is not None:
                        yield clipped
            local_day += _DAY


def state_hours(time_zone: str, intervals: Sequence[WeeklyInterval]) -> WeeklyHours:
    """Weekly hours in the order of time. Raises InvalidInput (TIME_ZONE_UNKNOWN, HOURS_INVALID)."""
    if time_zone not in _known_zones():
        raise InvalidInput("TIME_ZONE_UNKNOWN", "The time zone is not in the IANA database.", {"time_zone": time_zone})
    ordered = sorted(intervals)
    if any(interval.end_minute <= interval.start_minute for interval in ordered):
        raise InvalidInput("HOURS_INVALID", "An interval ends before it starts.")
    if any(one.day == next_.day and next_.start_minute < one.end_minute for one, next_ in pairwise(ordered)):
        raise InvalidInput("HOURS_INVALID", "Two intervals overlap.")
    return WeeklyHours(time_zone, tuple(ordered))


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NOT_IN_THE_DATABASE


def _segments(zone: ZoneInfo, limits: Period) -> Iterator[tuple[Period, timedelta]]:
    """The limits cut where the zone's offset changes, each part with its offset."""
    start = limits.start
    offset = _offset(zone, start)
    probe = start
    while probe < limits.end:
        probe_next = min(probe + _DAY, limits.end)
        offset_next = _offset(zone, probe_next)
        if offset_next != offset:
            change = _find_change(zone, probe, probe_next, offset)
            yield Period(start, change), offset
            start, offset, probe_next = change, _offset(zone, change), change
        probe = probe_next
    if start < limits.end:
        yield Period(start, limits.end), offset


def _find_change(zone: ZoneInfo, low: datetime, high: datetime, offset: timedelta) -> datetime:
    """The first whole second after `low` at which the offset is another; at `high` it is. Zones change at whole seconds only."""
    before, after = int(low.timestamp()), int(high.timestamp())
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, datetime.fromtimestamp(middle, UTC)) == offset:
            before = middle
        else:
            after = middle
    return datetime.fromtimestamp(after, UTC)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None  # noqa: S101 - a ZoneInfo always knows it
    return offset
