"""A customer asks for a service: who could do it, best first, and an offer to the best of them."""

from dataclasses import dataclass

from services.booking.model.categories import require_category
from services.booking.model.facts import Requested
from services.booking.model.matching import Candidate, Wish, match, with_names
from services.booking.model.period import Period
from services.booking.model.place import Place
from services.booking.model.request import FIRST_OFFERS, ServiceRequest, check_start, matched
from services.booking.ports import Ports
from services.booking.workflows.rounds import ask_next


@dataclass(frozen=True, slots=True)
class Order:
    """What a customer asks for."""

    customer_id: str
    category_id: str
    period: Period
    place: Place
    note: str
    payment_method: str


async def create_request(ports: Ports, order: Order, request_id: str) -> ServiceRequest:
    """The matched request under this id; when it is there already, that one, and nothing happens again.

    Raises InvalidInput (CATEGORY_UNKNOWN, TIME_IN_PAST, TIME_TOO_FAR), Unavailable when nobody can be looked for.
    """
    existing = await ports.requests.find(request_id)
    if existing is not None:
        return existing
    require_category(order.category_id)
    now = ports.clock.now()
    check_start(order.period.start, now)
    found = await _find_candidates(ports, order)
    request = matched(
        ServiceRequest(
            request_id=request_id,
            customer_id=order.customer_id,
            category_id=order.category_id,
            period=order.period,
            place=order.place,
            note=order.note,
            payment_method=order.payment_method,
            create_time=now,
        ),
        found,
    )

    async def keep() -> ServiceRequest:
        await ports.facts.tell([Requested(request, len(found))])
        asked = request
        for _ in range(FIRST_OFFERS):
            asked = await ask_next(ports, asked, now)
        await ports.requests.add(asked)
        return asked

    return await ports.transaction(keep)


async def _find_candidates(ports: Ports, order: Order) -> list[Candidate]:
    offerings = await ports.offerings.with_ids(await ports.areas.near(order.category_id, order.place))
    offerings = [each for each in offerings if each.category_id == order.category_id]
    blocked = await ports.blocks.between(order.customer_id, [each.provider_id for each in offerings])
    offerings = [each for each in offerings if each.provider_id not in blocked]
    provider_ids = [each.provider_id for each in offerings]
    providers = await ports.providers.with_ids(provider_ids)
    taken = await ports.calendars.taken(provider_ids, order.period)
    wish = Wish(order.customer_id, order.period, order.place, ports.terms.commission_basis_points)
    candidates = match(wish, offerings, providers, taken)
    if not candidates:
        return candidates
    return with_names(candidates, await ports.directory.names([each.provider_id for each in candidates]))
