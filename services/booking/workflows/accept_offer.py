"""A provider accepts an offer: the slot is held, then the payment authorized, then the booking confirmed.

The first step is one transaction, so of any number of racers one wins; no step is lost when the process dies between them,
because settle_payment goes on from what is stored.
"""

from dataclasses import replace
from datetime import datetime

from mesh.errors import NotAllowedNow, NotFound
from services.booking.model.booking import Booking, BookingState, booking_id_of, make_booking
from services.booking.model.facts import Accepted, OfferOver
from services.booking.model.request import Offer, OfferState, RequestState, ServiceRequest, closed
from services.booking.ports import Ports
from services.booking.workflows.settle_payment import settle_payment


async def accept_offer(ports: Ports, offer_id: str, provider_id: str) -> Booking:
    """The booking; the same one when the offer was accepted before. It stays AWAITING_PAYMENT while payment does not answer.

    Raises NotFound (OFFER_NOT_FOUND), NotAllowedNow (OFFER_CLOSED, SLOT_TAKEN, PAYMENT_DECLINED).
    """
    offer = await require_offer(ports, offer_id, provider_id)
    await ports.calendars.open(provider_id, offer.period)

    async def reserve() -> tuple[Booking, bool]:
        current = await require_offer(ports, offer_id, provider_id)
        if current.booking_id:
            return await _require_booking(ports, current.booking_id), False
        return await _reserve(ports, current, ports.clock.now()), True

    booking, is_new = await ports.transaction(reserve)
    if is_new:
        booking = await settle_payment(ports, booking)
    if booking.state is BookingState.EXPIRED:
        if booking.is_declined:
            raise NotAllowedNow("PAYMENT_DECLINED", "The customer's payment was declined; the booking has expired.")
        raise closed(OfferState.WITHDRAWN)
    return booking


async def require_offer(ports: Ports, offer_id: str, provider_id: str) -> Offer:
    """An offer made to this provider. Raises NotFound (OFFER_NOT_FOUND)."""
    offer = await ports.offers.find(offer_id)
    if offer is None or offer.provider_id != provider_id:
        raise NotFound("OFFER_NOT_FOUND", "There is no such offer.")
    return offer


async def _reserve(ports: Ports, offer: Offer, now: datetime) -> Booking:
    accepted = offer.accepted(booking_id_of(offer.offer_id), now)
    request = await ports.requests.find(offer.request_id)
    if request is None or request.state is not RequestState.OFFERED:
        raise closed(OfferState.WITHDRAWN)
    if await ports.blocks.between(request.customer_id, [offer.provider_id]):
        raise closed(OfferState.WITHDRAWN)  # who has blocked whom is not told; when it expires, the next one is asked
    booking = make_booking(request, offer, now)
    await ports.calendars.hold(booking.provider_id, booking.booking_id, booking.period)
    await ports.offers.put(accepted)
    await ports.providers.count_answer(offer.provider_id, is_accepted=True)
    await _withdraw_others(ports, request, offer, now)
    await ports.requests.put(replace(request, state=RequestState.BOOKED, booking_id=booking.booking_id))
    await ports.bookings.add(booking, now + ports.terms.payment_retry)
    await ports.facts.tell([Accepted(booking)])
    return booking


async def _withdraw_others(ports: Ports, request: ServiceRequest, accepted: Offer, now: datetime) -> None:
    for other in await ports.offers.pending_of(request.request_id):
        if other.offer_id != accepted.offer_id:
            withdrawn = replace(other, state=OfferState.WITHDRAWN)
            await ports.offers.put(withdrawn)
            await ports.facts.tell([OfferOver(withdrawn, now)])


async def _require_booking(ports: Ports, booking_id: str) -> Booking:
    booking = await ports.bookings.find(booking_id)
    if booking is None:
        raise NotFound("OFFER_NOT_FOUND", "There is no such offer.")
    return booking
