"""A party moves a booking from one state to the next."""

from datetime import datetime

from mesh.errors import NotFound
from services.booking.model.booking import Action, Booking, may_ever
from services.booking.model.facts import facts_of_move
from services.booking.ports import Ports


async def move_booking(ports: Ports, booking_id: str, action: Action, account_id: str, reason: str = "") -> Booking:
    """The booking after the action; repeating it changes nothing.

    Raises NotFound (BOOKING_NOT_FOUND) also when this account's part never allows it, NotAllowedNow (TRANSITION_NOT_ALLOWED).
    """

    async def move() -> Booking:
        now = ports.clock.now()
        booking = await find_own_booking(ports, booking_id, account_id)
        actor = booking.actor_of(account_id)
        if actor is None or not may_ever(action, actor):
            raise unknown_booking()
        return await keep_move(ports, booking, booking.moved(action, actor, now, reason), now)

    return await ports.transaction(move)


async def find_booking(ports: Ports, booking_id: str) -> Booking:
    """A booking, for whoever may see all of them. Raises NotFound (BOOKING_NOT_FOUND)."""
    booking = await ports.bookings.find(booking_id)
    if booking is None:
        raise unknown_booking()
    return booking


async def find_own_booking(ports: Ports, booking_id: str, account_id: str) -> Booking:
    """A booking in which this account has a part. Raises NotFound (BOOKING_NOT_FOUND)."""
    booking = await find_booking(ports, booking_id)
    if booking.actor_of(account_id) is None:
        raise unknown_booking()
    return booking


async def keep_move(ports: Ports, old: Booking, new: Booking, now: datetime) -> Booking:
    """Keeps a booking that moved, with all that follows from it, in a transaction. Returns it."""
    if new is old:
        return old
    await ports.bookings.put(new)
    if new.state.is_called_off:
        await ports.calendars.free(new.provider_id, new.booking_id, new.period)
    await ports.facts.tell(facts_of_move(old, new, now))
    return new


def unknown_booking() -> NotFound:
    """Says that there is no such booking, to strangers too."""
    return NotFound("BOOKING_NOT_FOUND", "There is no such booking.")
