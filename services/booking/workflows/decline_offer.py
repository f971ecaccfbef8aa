"""A provider declines an offer; overdue offers end by themselves. Either way the next candidate is asked."""

import asyncio
from dataclasses import replace

from services.booking.model.request import Offer, OfferState
from services.booking.ports import Ports
from services.booking.workflows.accept_offer import require_offer
from services.booking.workflows.rounds import end_offer

_MOST_AT_ONCE = 50


async def decline_offer(ports: Ports, offer_id: str, provider_id: str) -> Offer:
    """The declined offer; declining again changes nothing. Raises NotFound (OFFER_NOT_FOUND), NotAllowedNow (OFFER_CLOSED)."""

    async def decline() -> Offer:
        now = ports.clock.now()
        offer = await require_offer(ports, offer_id, provider_id)
        declined = offer.declined(now)
        if declined is not offer:
            await end_offer(ports, declined, now)
        return declined

    return await ports.transaction(decline)


async def expire_offers(ports: Ports) -> None:
    """Ends what can no longer be answered. One that fails does not keep the others."""
    overdue = await ports.offers.overdue(ports.clock.now(), _MOST_AT_ONCE)
    await asyncio.gather(*(_expire(ports, offer.offer_id) for offer in overdue))


async def _expire(ports: Ports, offer_id: str) -> None:
    async def expire() -> None:
        now = ports.clock.now()
        offer = await ports.offers.find(offer_id)
        if offer is not None and offer.is_overdue(now):
            await end_offer(ports, replace(offer, state=OfferState.EXPIRED), now)

    await ports.transaction(expire)
