"""Stating what a provider offers and when, and reading when a provider is free."""

from collections.abc import Sequence
from datetime import timedelta

from mesh.errors import InvalidInput
from services.booking.model.hours import WeeklyHours, WeeklyInterval, state_hours
from services.booking.model.offering import Offering, state_offering
from services.booking.model.period import Period, without
from services.booking.ports import Ports

_LONGEST_PERIOD = timedelta(days=31)


async def set_offering(ports: Ports, stated: Offering) -> Offering:
    """Keeps what the provider offers in a category. Raises InvalidInput (CATEGORY_UNKNOWN, PRICE_INVALID)."""
    offering = state_offering(stated)
    await ports.offerings.put(offering)
    await ports.areas.add(offering.offering_id)
    return offering


async def set_weekly_hours(ports: Ports, provider_id: str, time_zone: str, intervals: Sequence[WeeklyInterval]) -> WeeklyHours:
    """Keeps when the provider can be booked. Raises InvalidInput (HOURS_INVALID, TIME_ZONE_UNKNOWN)."""
    hours = state_hours(time_zone, intervals)
    await ports.providers.put_hours(provider_id, hours)
    return hours


async def list_free_slots(ports: Ports, provider_id: str, period: Period) -> list[Period]:
    """When the provider is free, in the order of time. Raises InvalidInput (PERIOD_INVALID)."""
    if not period.start < period.end or period.duration > _LONGEST_PERIOD:
        raise InvalidInput("PERIOD_INVALID", f"A period ends after it starts and is at most {_LONGEST_PERIOD.days} days long.")
    provider = (await ports.providers.with_ids([provider_id])).get(provider_id)
    if provider is None or provider.hours is None:
        return []
    taken = await ports.calendars.taken([provider_id], period)
    return without(provider.hours.periods_within(period), taken.get(provider_id, ()))
