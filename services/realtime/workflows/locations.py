"""Taking the way of a provider."""

from collections.abc import Sequence

from services.realtime.model import Caller, LocationPoint, credible, not_en_route
from services.realtime.ports import Ports


async def publish_locations(ports: Ports, caller: Caller, booking_id: str, points: Sequence[LocationPoint]) -> int:
    """How many of the points were newer than what was known. Raises NotFound, NotAllowedNow (NOT_EN_ROUTE)."""
    participation = await ports.bookings.participation(booking_id, caller)
    participation.require_provider(caller.account_id)
    advanced = await ports.locations.advance(booking_id, credible(points, ports.clock.now()))
    if advanced is None:
        raise not_en_route()
    if advanced:
        await ports.bell.ring(booking_id)
    return advanced
