"""Requests, how they find providers, and how they go from one to the next."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from marketplace.booking.v1 import events_pb2
from marketplace.booking.v1 import request_service_pb2 as pb
from marketplace.user.v1.events_pb2 import ProfileChanged, RatingChanged

from mesh.call import Account
from mesh.errors import Conflict, InvalidInput, NotAllowedNow, NotFound, Unavailable
from mesh.ids import new_id
from services.booking.store.documents import OfferingDocument, ProviderDocument, RequestDocument
from tests.services.booking.support import DAY, Stage, on_stage, until
from tests.support.service import Backing


async def found_by(stage: Stage) -> list[str]:
    return [candidate.provider_id for candidate in (await stage.ask()).candidates]


async def offer_states(stage: Stage, providers: list[Account]) -> list[str]:
    states = []
    for provider in providers:
        answer = await stage.requests(provider).ListOffers(pb.ListOffersRequest())
        states += [pb.OfferState.Name(offer.state).removeprefix("OFFER_STATE_") for offer in answer.offers] or ["NONE"]
    return states


async def test_the_best_three_get_an_offer_and_each_decline_asks_the_next(stage: Stage) -> None:
    providers = [await stage.provider(10_000 + 1_000 * number) for number in range(5)]
    request = await stage.ask()
    assert [each.provider_id for each in request.candidates] == [each.account_id for each in providers]
    assert [each.is_offered for each in request.candidates] == [True, True, True, False, False]
    assert await offer_states(stage, providers) == ["PENDING", "PENDING", "PENDING", "NONE", "NONE"]

    offer = await stage.offer(providers[1], request.request_id)
    decline = pb.DeclineOfferRequest(offer_id=offer.offer_id)
    for _ in range(2):
        answer = await stage.requests(providers[1]).DeclineOffer(decline)
        assert answer.offer.state == pb.OFFER_STATE_DECLINED
    assert await offer_states(stage, providers) == ["PENDING", "DECLINED", "PENDING", "PENDING", "NONE"]
    with pytest.raises(NotAllowedNow) as refused:
        await stage.requests(providers[1]).AcceptOffer(pb.AcceptOfferRequest(offer_id=offer.offer_id))
    assert (refused.value.reason, refused.value.metadata) == ("OFFER_CLOSED", {"state": "DECLINED"})
    (ended,) = await stage.service.published(events_pb2.OfferEnded)
    assert (ended.offer_id, ended.end) == (offer.offer_id, events_pb2.OFFER_END_DECLINED)
    requested = (await stage.service.published(events_pb2.ServiceRequested))[0]
    assert (requested.request_id, requested.candidate_count) == (request.request_id, 5)


async def test_when_all_have_declined_the_request_is_unmatched(stage: Stage) -> None:
    providers = [await stage.provider() for _ in range(4)]
    request = await stage.ask()
    declined: set[str] = set()
    while len(declined) < 4:
        for provider in providers:
            answer = await stage.requests(provider).ListOffers(pb.ListOffersRequest())
            for offer in answer.offers:
                await stage.requests(provider).DeclineOffer(pb.DeclineOfferRequest(offer_id=offer.offer_id))
                declined.add(offer.offer_id)
    get = pb.GetServiceRequestRequest(request_id=request.request_id)
    found = await stage.requests(stage.customer).GetServiceRequest(get)
    assert found.request.state == pb.REQUEST_STATE_UNMATCHED


async def test_overdue_offers_expire_and_the_next_are_asked(backing: Backing) -> None:
    async with on_stage(backing, sweep_seconds=0.05) as stage:
        providers = [await stage.provider(10_000 + 1_000 * number) for number in range(5)]
        request = await stage.ask()
        offer = await stage.offer(providers[0], request.request_id)
        stage.clock.advance(minutes=10)
        with pytest.raises(NotAllowedNow) as refused:
            await stage.requests(providers[0]).AcceptOffer(pb.AcceptOfferRequest(offer_id=offer.offer_id))
        assert refused.value.metadata == {"state": "EXPIRED"}
        expected = ["EXPIRED", "EXPIRED", "EXPIRED", "PENDING", "PENDING"]
        await until(lambda: offer_states(stage, providers), lambda states: states == expected)
        ends = await stage.service.published(events_pb2.OfferEnded)
        assert [event.end for event in ends] == [events_pb2.OFFER_END_EXPIRED] * 3


async def test_an_offer_stands_for_ten_minutes_but_not_beyond_the_start(stage: Stage) -> None:
    provider = await stage.provider()
    soon = stage.clock.now().replace(microsecond=0) + timedelta(minutes=4)
    for start, minutes in ((soon, 4), (soon + DAY, 10)):
        request = await stage.ask(start)
        offer = await stage.offer(provider, request.request_id)
        made = [each for each in await stage.service.published(events_pb2.OfferMade) if each.offer_id == offer.offer_id]
        span = offer.expire_time.ToDatetime() - made[0].offer_time.ToDatetime()
        assert timedelta(minutes=minutes) - timedelta(seconds=1) < span <= timedelta(minutes=minutes)


async def test_a_candidate_who_was_booked_meanwhile_is_passed_over(stage: Stage) -> None:
    providers = [await stage.provider(10_000 + 1_000 * number) for number in range(5)]
    first, second = await stage.ask(), await stage.ask(customer=stage.backing.account("customer"))
    offer = await stage.offer(providers[0], first.request_id)
    await stage.requests(providers[0]).DeclineOffer(pb.DeclineOfferRequest(offer_id=offer.offer_id))
    await stage.accept(providers[3], first.request_id)
    offer = await stage.offer(providers[0], second.request_id)
    await stage.requests(providers[0]).DeclineOffer(pb.DeclineOfferRequest(offer_id=offer.offer_id))
    await stage.offer(providers[4], second.request_id)
    answer = await stage.requests(providers[3]).ListOffers(pb.ListOffersRequest())
    assert {each.request_id for each in answer.offers} == {first.request_id}


async def test_nobody_is_matched_with_themself_or_out_of_their_area(stage: Stage) -> None:
    near = await stage.provider(north_degrees=0.04, radius=5_000)
    await stage.provider(north_degrees=0.06, radius=5_000)
    both = await stage.provider(account=stage.backing.account("provider", "customer"))
    assert set(await found_by(stage)) == {near.account_id, both.account_id}
    stage.customer = both
    assert await found_by(stage) == [near.account_id]


async def test_no_match_is_an_answer(stage: Stage) -> None:
    request = await stage.ask()
    assert (request.state, list(request.candidates)) == (pb.REQUEST_STATE_UNMATCHED, [])


async def test_the_same_key_gives_the_same_request_and_another_body_is_a_conflict(stage: Stage) -> None:
    await stage.provider()
    stub, key = stage.requests(stage.customer), new_id("key")
    first = await stub.CreateServiceRequest(stage.order(), key=key)
    assert await stub.CreateServiceRequest(stage.order(), key=key) == first
    with pytest.raises(Conflict) as refused:
        await stub.CreateServiceRequest(stage.order(stage.noon(2)), key=key)
    assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"
    assert await stage.service.published_types() == ["ServiceRequested", "OfferMade"]
    assert await stage.service.runtime.database.collection(RequestDocument).count({}) == 1


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda stage, order: order.start_time.FromDatetime(stage.clock.moment), "TIME_IN_PAST"),
        (lambda _, order: setattr(order.start_time, "seconds", -(2**62)), "TIME_IN_PAST"),
        (lambda stage, order: order.start_time.FromDatetime(stage.clock.moment + 181 * DAY), "TIME_TOO_FAR"),
        (lambda _, order: setattr(order.start_time, "seconds", 2**62), "TIME_TOO_FAR"),
        (lambda _, order: setattr(order, "category_id", "astrology"), "CATEGORY_UNKNOWN"),
    ],
    ids=["now", "before all years", "far", "beyond all years", "unknown category"],
)
async def test_what_cannot_be_asked_for_is_refused(
    stage: Stage, change: Callable[[Stage, pb.CreateServiceRequestRequest], None], reason: str
) -> None:
    order = stage.order()
    change(stage, order)
    with pytest.raises(InvalidInput) as refused:
        await stage.requests(stage.customer).CreateServiceRequest(order, key=new_id("key"))
    assert refused.value.reason == reason


async def test_ratings_move_the_order_and_an_older_one_changes_nothing(stage: Stage) -> None:
    first, second = sorted([await stage.provider(), await stage.provider()], key=lambda each: each.account_id)
    assert await found_by(stage) == [first.account_id, second.account_id]
    await stage.service.deliver(RatingChanged(account_id=second.account_id, rating=4.9, rating_count=20))
    await stage.service.deliver(RatingChanged(account_id=second.account_id, rating=1.0, rating_count=3))
    request = await stage.ask()
    assert [each.provider_id for each in request.candidates] == [second.account_id, first.account_id]
    facts = {each.criterion: each.fact for each in request.candidates[0].reasons}
    assert facts["rating"] == "4.9 of 20 reviews"


async def test_a_rating_falls_with_a_hidden_review_and_what_was_told_before_does_not_come_back(stage: Stage) -> None:
    provider = await stage.provider()
    told = [
        RatingChanged(account_id=provider.account_id, rating=1.0, rating_count=1),  # of a publisher without revisions
        RatingChanged(account_id=provider.account_id, rating=3.0, rating_count=2, revision=2),
        RatingChanged(account_id=provider.account_id, rating=5.0, rating_count=1, revision=3),
    ]
    for event in (*told, *told):
        await stage.service.deliver(event)
    facts = {each.criterion: each.fact for each in (await stage.ask()).candidates[0].reasons}
    assert facts["rating"] == "5.0 of 1 review"


async def test_what_was_stored_before_there_were_revisions_is_ordered_by_its_count(stage: Stage) -> None:
    provider = await stage.provider()
    stored = stage.service.runtime.database.collection(ProviderDocument)
    old = {"rating": 4.0, "rating_count": 5}
    await stored.update_one({"_id": provider.account_id}, {"$set": old, "$unset": {"rating_revision": ""}})
    for count, expected in ((4, "4.0 of 5 reviews"), (6, "2.0 of 6 reviews")):
        await stage.service.deliver(RatingChanged(account_id=provider.account_id, rating=2.0, rating_count=count))
        facts = {each.criterion: each.fact for each in (await stage.ask()).candidates[0].reasons}
        assert facts["rating"] == expected


async def test_a_rating_may_come_before_anything_else_of_the_provider(stage: Stage) -> None:
    account = stage.backing.account("provider")
    await stage.service.deliver(RatingChanged(account_id=account.account_id, rating=4.0, rating_count=1))
    await stage.provider(account=account)
    facts = {each.criterion: each.fact for each in (await stage.ask()).candidates[0].reasons}
    assert facts["rating"] == "4.0 of 1 review"


async def test_names_come_from_user_and_else_from_what_it_told_last(backing: Backing, stage: Stage) -> None:
    provider = await stage.provider()
    now = stage.clock.now()
    told = ProfileChanged(account_id=provider.account_id, display_name="Ana", is_provider=True)
    await stage.service.deliver(told, occurred_time=now)
    told.display_name = "Anna"
    await stage.service.deliver(told, occurred_time=now - DAY)
    assert (await stage.ask()).candidates[0].display_name == "Ana"
    stage.user.names[provider.account_id] = "Ana Lima"
    assert (await stage.ask()).candidates[0].display_name == "Ana Lima"
    async with on_stage(backing, is_user_up=False) as alone:
        provider = await alone.provider()
        told.account_id = provider.account_id
        await alone.service.deliver(told)
        assert (await alone.ask()).candidates[0].display_name == "Anna"


async def test_a_flushed_index_of_areas_is_built_again(stage: Stage) -> None:
    provider = await stage.provider()
    assert await found_by(stage) == [provider.account_id]
    await stage.service.runtime.redis.flushdb()
    second = await stage.provider()
    assert set(await found_by(stage)) == {provider.account_id, second.account_id}


async def test_without_redis_only_matching_is_unavailable_and_nothing_stated_is_lost(backing: Backing) -> None:
    prefix = f"{new_id('t')}_"
    async with on_stage(backing, database_prefix=prefix, environment={"REDIS_URL": "redis://127.0.0.1:1/0"}) as stage:
        provider = await stage.provider()
        with pytest.raises(Unavailable) as refused:
            await stage.ask()
        assert refused.value.reason == "DEPENDENCY_UNAVAILABLE"
        assert (await stage.requests(provider).ListOffers(pb.ListOffersRequest())).offers == []
    async with on_stage(backing, database_prefix=prefix, sweep_seconds=0.05) as stage:
        try:
            offerings = stage.service.runtime.database.collection(OfferingDocument)
            await until(lambda: offerings.count({"is_indexed": False}), lambda waiting: waiting == 0)
            assert await found_by(stage) == [provider.account_id]
        finally:
            await stage.service.runtime._mongo.drop_database(f"{prefix}booking")


async def test_at_most_fifty_candidates_are_told_and_all_are_counted(stage: Stage) -> None:
    await asyncio.gather(*(stage.provider(10_000 + number) for number in range(55)))
    request = await stage.ask()
    assert len(request.candidates) == 50
    (requested,) = await stage.service.published(events_pb2.ServiceRequested)
    assert requested.candidate_count == 55


async def test_strangers_find_neither_requests_nor_offers(stage: Stage) -> None:
    provider, rival = await stage.provider(), stage.backing.account("provider", "customer")
    request = await stage.ask()
    offer = await stage.offer(provider, request.request_id)
    stub = stage.requests(rival)
    for call, reason in (
        (stub.GetServiceRequest(pb.GetServiceRequestRequest(request_id=request.request_id)), "REQUEST_NOT_FOUND"),
        (stub.AcceptOffer(pb.AcceptOfferRequest(offer_id=offer.offer_id)), "OFFER_NOT_FOUND"),
        (stub.DeclineOffer(pb.DeclineOfferRequest(offer_id=offer.offer_id)), "OFFER_NOT_FOUND"),
    ):
        with pytest.raises(NotFound) as refused:
            await call
        assert refused.value.reason == reason
    assert await offer_states(stage, [provider]) == ["PENDING"]
