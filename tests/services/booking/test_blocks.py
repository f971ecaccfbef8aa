"""Two of whom one has blocked the other are not brought together."""

import pytest
from marketplace.booking.v1 import request_service_pb2 as pb
from marketplace.user.v1.events_pb2 import BlockChanged

from mesh.call import Account
from mesh.errors import NotAllowedNow
from tests.services.booking.support import Stage


def told(blocker: Account, blocked: Account, revision: int, *, is_blocked: bool = True) -> BlockChanged:
    return BlockChanged(blocker_id=blocker.account_id, blocked_id=blocked.account_id, is_blocked=is_blocked, revision=revision)


async def matched(stage: Stage) -> set[str]:
    return {each.provider_id for each in (await stage.ask()).candidates}


@pytest.mark.parametrize("is_by_customer", [True, False])
async def test_a_blocked_provider_is_no_candidate_until_the_block_ends(stage: Stage, is_by_customer: bool) -> None:
    one, other = await stage.provider(), await stage.provider()
    pair = (stage.customer, one) if is_by_customer else (one, stage.customer)
    await stage.service.deliver(told(*pair, 1))
    assert await matched(stage) == {other.account_id}
    await stage.service.deliver(told(*pair, 2, is_blocked=False))
    assert await matched(stage) == {one.account_id, other.account_id}


async def test_older_news_of_a_block_changes_nothing(stage: Stage) -> None:
    provider = await stage.provider()
    await stage.service.deliver(told(stage.customer, provider, 2, is_blocked=False))
    await stage.service.deliver(told(stage.customer, provider, 1))
    assert await matched(stage) == {provider.account_id}


async def test_an_offer_of_before_the_block_cannot_be_accepted(stage: Stage) -> None:
    provider = await stage.provider()
    await stage.ask()
    [offer] = (await stage.requests(provider).ListOffers(pb.ListOffersRequest())).offers
    await stage.service.deliver(told(stage.customer, provider, 1))
    with pytest.raises(NotAllowedNow) as refusal:
        await stage.requests(provider).AcceptOffer(pb.AcceptOfferRequest(offer_id=offer.offer_id))
    assert refusal.value.reason == "OFFER_CLOSED"


async def test_a_candidate_who_is_blocked_when_it_is_their_turn_is_passed_over(stage: Stage) -> None:
    providers = [await stage.provider() for _ in range(5)]
    request = await stage.ask()
    by_id = {each.account_id: each for each in providers}
    waiting = [by_id[each.provider_id] for each in request.candidates if not await offers(stage, by_id[each.provider_id])]
    await stage.service.deliver(told(waiting[0], stage.customer, 1))
    first = by_id[request.candidates[0].provider_id]
    [offer] = await offers(stage, first)
    await stage.requests(first).DeclineOffer(pb.DeclineOfferRequest(offer_id=offer.offer_id))
    assert [len(await offers(stage, each)) for each in waiting[:2]] == [0, 1]


async def offers(stage: Stage, provider: Account) -> list[pb.Offer]:
    return list((await stage.requests(provider).ListOffers(pb.ListOffersRequest())).offers)
