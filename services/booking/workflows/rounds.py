"""How a request goes from provider to provider: each offer that ends without a booking makes room for the next candidate."""

from dataclasses import replace
from datetime import datetime

from services.booking.model.facts import Offered, OfferOver
from services.booking.model.request import Offer, RequestState, ServiceRequest, make_offer
from services.booking.ports import Ports


async def ask_next(ports: Ports, request: ServiceRequest, now: datetime) -> ServiceRequest:
    """Offers it to the best candidate who is still free and not blocked, in a transaction; the caller keeps the request."""
    while now < request.period.start:
        candidate = request.next_candidate()
        if candidate is None:
            break
        taken = await ports.calendars.taken([candidate.provider_id], request.period)
        blocked = await ports.blocks.between(request.customer_id, [candidate.provider_id])
        if not taken.get(candidate.provider_id) and not blocked:
            offer = make_offer(request, candidate, now, ports.terms.offer_timeout)
            await ports.offers.add(offer)
            await ports.facts.tell([Offered(offer)])
            return request.with_candidate(replace(candidate, is_offered=True))
        request = request.with_candidate(replace(candidate, is_passed_over=True))
    return request


async def end_offer(ports: Ports, offer: Offer, now: datetime) -> None:
    """Keeps an offer that the provider declined or let expire and asks the next candidate, in a transaction.

    The request is written in any case, so that of two transactions that end offers of one request the second sees the first.
    """
    await ports.offers.put(offer)
    await ports.providers.count_answer(offer.provider_id, is_accepted=False)
    await ports.facts.tell([OfferOver(offer, now)])
    request = await ports.requests.find(offer.request_id)
    if request is None or request.state is not RequestState.OFFERED:
        return
    request = await ask_next(ports, request, now)
    if not await ports.offers.pending_of(request.request_id):
        request = replace(request, state=RequestState.UNMATCHED)
    await ports.requests.put(request)
