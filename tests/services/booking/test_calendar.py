"""The rule against double booking, held against a model of single minutes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from mesh.errors import NotAllowedNow
from services.booking.model.calendar import CalendarDay, Hold
from services.booking.model.period import Period

ZERO = datetime(2026, 10, 17, 12, tzinfo=UTC)


def period(start_minute: int, minutes: int) -> Period:
    start = ZERO + timedelta(minutes=start_minute)
    return Period(start, start + timedelta(minutes=minutes))


class ProviderCalendar(RuleBasedStateMachine):
    """Holds and frees time over three days as store/calendars.py does, day by day, and by minutes beside it."""

    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.days: dict[object, CalendarDay] = {}
        self.minutes: dict[int, str] = {}
        self.count = 0

    def take(self, booking_id: str, wanted: Period) -> None:
        """All days or none, as a transaction does."""
        days = {day: self.days.get(day, CalendarDay("acc_1", day)) for day in wanted.utc_days()}
        self.days |= {day: held.with_hold(Hold(booking_id, wanted)) for day, held in days.items()}

    @rule(target=holds, start=st.integers(0, 2_000), minutes=st.integers(15, 720))
    def hold(self, start: int, minutes: int) -> tuple[str, int, int]:
        self.count += 1
        booking_id = f"bkg_{self.count}"
        wanted = range(start, start + minutes)
        if any(minute in self.minutes for minute in wanted):
            with pytest.raises(NotAllowedNow) as refused:
                self.take(booking_id, period(start, minutes))
            assert refused.value.reason == "SLOT_TAKEN"
        else:
            self.take(booking_id, period(start, minutes))
            self.minutes |= dict.fromkeys(wanted, booking_id)
        return booking_id, start, minutes

    @rule(held=holds)
    def hold_again(self, held: tuple[str, int, int]) -> None:
        booking_id, start, minutes = held
        if self.minutes.get(start) == booking_id:
            before = dict(self.days)
            self.take(booking_id, period(start, minutes))
            assert self.days == before

    @rule(held=consumes(holds))
    def free(self, held: tuple[str, int, int]) -> None:
        booking_id, start, minutes = held
        for day in period(start, minutes).utc_days():
            self.days[day] = self.days.get(day, CalendarDay("acc_1", day)).without_booking(booking_id)
        self.minutes = {minute: owner for minute, owner in self.minutes.items() if owner != booking_id}

    @invariant()
    def every_day_holds_what_is_taken_of_it_and_nothing_twice(self) -> None:
        taken: dict[int, str] = {}
        for hold in {hold for day in self.days.values() for hold in day.holds}:
            first = (hold.period.start - ZERO) // timedelta(minutes=1)
            for minute in range(first, first + hold.period.duration // timedelta(minutes=1)):
                assert minute not in taken
                taken[minute] = hold.booking_id
        assert taken == self.minutes


TestProviderCalendar = ProviderCalendar.TestCase
TestProviderCalendar.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_a_period_over_midnight_is_in_both_days_and_one_that_ends_at_midnight_is_not() -> None:
    assert [day.day for day in period(11 * 60, 90).utc_days()] == [17, 18]
    assert [day.day for day in period(11 * 60, 60).utc_days()] == [17]


def test_bookings_may_follow_each_other_without_a_gap() -> None:
    day = CalendarDay("acc_1", ZERO.date()).with_hold(Hold("bkg_1", period(0, 20))).with_hold(Hold("bkg_2", period(20, 17)))
    assert [hold.booking_id for hold in day.holds] == ["bkg_1", "bkg_2"]
