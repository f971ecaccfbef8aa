"""Weekly hours are what the clock on the wall says, on days of 23, 24 and 25 hours alike."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.errors import InvalidInput
from services.booking.model.hours import WeeklyHours, WeeklyInterval, state_hours
from services.booking.model.period import Period, merged, without

ZONES = ("America/Sao_Paulo", "America/New_York", "Europe/Lisbon", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca")
CHANGES = ("2026-03-08", "2026-11-01", "2026-03-29", "2026-10-25", "2026-04-04", "2026-10-03", "2026-02-15", "2026-03-22")
"""Days on which one of these zones changes its offset."""
SUNDAY = 7


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def period(start: str, end: str) -> Period:
    return Period(moment(start), moment(end))


def hours(zone: str, *intervals: tuple[int, int, int]) -> WeeklyHours:
    return state_hours(zone, [WeeklyInterval(*interval) for interval in intervals])


@st.composite
def weeks(draw: st.DrawFn) -> WeeklyHours:
    intervals = []
    for day in range(1, 8):
        edges = sorted(draw(st.sets(st.integers(0, 1440), max_size=4)))
        intervals += [WeeklyInterval(day, *pair) for pair in zip(edges[::2], edges[1::2], strict=False)]
    return state_hours(draw(st.sampled_from(ZONES)), intervals)


def is_within(week: WeeklyHours, at: datetime) -> bool:
    """What the weekly hours mean, asked for one moment."""
    local = at.astimezone(ZoneInfo(week.time_zone))
    minute = local.hour * 60 + local.minute
    return any(each.day == local.isoweekday() and each.start_minute <= minute < each.end_minute for each in week.intervals)


@settings(max_examples=150, deadline=None)
@given(weeks(), st.sampled_from(CHANGES), st.integers(-2_000, 1_000), st.integers(1, 3 * 24 * 60))
def test_a_moment_is_within_the_hours_exactly_when_the_wall_clock_says_so(
    week: WeeklyHours, day: str, offset: int, length: int
) -> None:
    start = moment(day) + timedelta(minutes=offset, milliseconds=offset % 1000)
    limits = Period(start, start + timedelta(minutes=length))
    found = week.periods_within(limits)
    assert found == merged(found)
    for minutes in range(0, length, 7):
        at = start + timedelta(minutes=minutes, seconds=30)
        if at < limits.end:
            assert any(each.start <= at < each.end for each in found) == is_within(week, at), at


def test_the_day_on_which_clocks_go_forward_has_an_hour_less() -> None:
    week = hours("America/New_York", (SUNDAY, 0, 300))
    assert week.periods_within(period("2026-03-08T00:00", "2026-03-09T00:00")) == [period("2026-03-08T05:00", "2026-03-08T09:00")]


def test_the_day_on_which_clocks_go_back_has_an_hour_more() -> None:
    week = hours("America/New_York", (SUNDAY, 0, 300))
    assert week.periods_within(period("2026-11-01T00:00", "2026-11-02T00:00")) == [period("2026-11-01T04:00", "2026-11-01T10:00")]


def test_hours_that_the_clocks_repeat_are_there_twice() -> None:
    week = hours("America/New_York", (SUNDAY, 60, 90))
    found = week.periods_within(period("2026-11-01T00:00", "2026-11-02T00:00"))
    assert found == [period("2026-11-01T05:00", "2026-11-01T05:30"), period("2026-11-01T06:00", "2026-11-01T06:30")]


def test_hours_that_the_clocks_leave_out_are_not_there() -> None:
    week = hours("America/New_York", (SUNDAY, 120, 180))
    assert week.periods_within(period("2026-03-08T00:00", "2026-03-09T00:00")) == []


def test_hours_that_meet_at_midnight_are_one_stretch() -> None:
    week = hours("America/Sao_Paulo", (1, 1200, 1440), (2, 0, 120))
    night = period("2026-01-05T23:30", "2026-01-06T04:30")
    assert week.periods_within(period("2026-01-05T00:00", "2026-01-07T00:00")) == [period("2026-01-05T23:00", "2026-01-06T05:00")]
    assert week.cover(night)
    assert not week.cover(period("2026-01-05T22:59", "2026-01-06T04:30"))


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "localtime", "../etc/passwd", "america/sao_paulo", "America"])
def test_only_zones_of_the_iana_database_are_taken(zone: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        state_hours(zone, [])
    assert refused.value.reason == "TIME_ZONE_UNKNOWN"


@pytest.mark.parametrize(
    "intervals", [[(1, 60, 60)], [(1, 60, 30)], [(1, 0, 60), (1, 59, 90)], [(1, 0, 600), (1, 60, 90)], [(2, 0, 60), (2, 0, 60)]]
)
def test_hours_that_end_before_they_start_or_overlap_are_refused(intervals: list[tuple[int, int, int]]) -> None:
    with pytest.raises(InvalidInput) as refused:
        hours("UTC", *intervals)
    assert refused.value.reason == "HOURS_INVALID"


def test_hours_may_touch_and_come_back_in_order() -> None:
    week = hours("UTC", (2, 60, 120), (1, 60, 120), (1, 0, 60))
    assert week.intervals == (WeeklyInterval(1, 0, 60), WeeklyInterval(1, 60, 120), WeeklyInterval(2, 60, 120))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20))), st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20))))
def test_what_is_free_is_what_is_offered_and_not_taken(offered: list[tuple[int, int]], taken: list[tuple[int, int]]) -> None:
    def periods(pairs: list[tuple[int, int]]) -> list[Period]:
        zero = moment("2026-01-01T00:00")
        return [Period(zero + timedelta(hours=start), zero + timedelta(hours=start + length)) for start, length in pairs]

    def hours_of(pairs: list[tuple[int, int]]) -> set[int]:
        return {hour for start, length in pairs for hour in range(start, start + length)}

    free = without(periods(offered), periods(taken))
    zero = moment("2026-01-01T00:00")
    found = [
        hour
        for each in free
        for hour in range((each.start - zero) // timedelta(hours=1), (each.end - zero) // timedelta(hours=1))
    ]
    assert found == sorted(hours_of(offered) - hours_of(taken))
    assert all(one.end < other.start for one, other in pairwise(free))
