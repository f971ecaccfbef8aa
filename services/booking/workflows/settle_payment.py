"""What becomes of a booking that awaits its payment: confirmed, expired, or asked about again.

Three may bring the answer: the call that accepted the offer, an event from payment, and the sweeper. Whoever is first decides;
the others find the booking decided.
"""

import asyncio
from dataclasses import replace
from datetime import datetime

from services.booking.model.booking import Action, Actor, Booking, BookingState
from services.booking.model.facts import OfferOver
from services.booking.model.request import OfferState, RequestState
from services.booking.ports import PaymentOutcome, Ports
from services.booking.workflows.move_booking import keep_move

_MOST_AT_ONCE = 20


async def settle_payment(ports: Ports, booking: Booking) -> Booking:
    """Has the price held and the booking confirmed or expired; the booking as it was when payment does not answer."""
    outcome = await ports.payments.authorize(booking)
    if outcome is PaymentOutcome.UNKNOWN:
        return booking
    return await conclude_payment(ports, booking.booking_id, outcome) or booking


async def conclude_payment(ports: Ports, booking_id: str, outcome: PaymentOutcome) -> Booking | None:
    """The booking after payment's answer, None when there is none. An answer that comes too late changes nothing."""

    async def conclude() -> Booking | None:
        now = ports.clock.now()
        booking = await ports.bookings.find(booking_id)
        if booking is None or booking.state is not BookingState.AWAITING_PAYMENT:
            return booking
        if outcome is PaymentOutcome.AUTHORIZED:
            return await keep_move(ports, booking, booking.moved(Action.CONFIRM, Actor.SYSTEM, now), now)
        expired = replace(booking.moved(Action.EXPIRE, Actor.SYSTEM, now), is_declined=outcome is PaymentOutcome.DECLINED)
        await _close_request(ports, booking, now)
        return await keep_move(ports, booking, expired, now)

    return await ports.transaction(conclude)


async def pursue_payments(ports: Ports) -> None:
    """Asks again for each payment that has had no answer, and gives up on those that took too long."""
    now = ports.clock.now()
    due = await ports.bookings.take_unpaid(now, now + ports.terms.payment_retry, _MOST_AT_ONCE)
    await asyncio.gather(*(_pursue(ports, booking, now) for booking in due))


async def _pursue(ports: Ports, booking: Booking, now: datetime) -> None:
    if now >= booking.create_time + ports.terms.payment_timeout:
        await conclude_payment(ports, booking.booking_id, PaymentOutcome.UNKNOWN)
    else:
        await settle_payment(ports, booking)


async def _close_request(ports: Ports, booking: Booking, now: datetime) -> None:
    """Ends the search: the next provider's booking would be charged to the same payment method."""
    offer = await ports.offers.find(booking.offer_id)
    if offer is not None:
        withdrawn = replace(offer, state=OfferState.WITHDRAWN)
        await ports.offers.put(withdrawn)
        await ports.facts.tell([OfferOver(withdrawn, now)])
    request = await ports.requests.find(booking.request_id)
    if request is not None:
        await ports.requests.put(replace(request, state=RequestState.UNMATCHED))
