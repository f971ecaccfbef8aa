"""Favourites and blocks: a person's own, told to those who must keep people apart."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from marketplace.common.v1.page_pb2 import PageRequest
from marketplace.user.v1 import block_service_pb2 as blocks_pb
from marketplace.user.v1 import favourite_service_pb2 as favourites_pb
from marketplace.user.v1.block_service_pb2_grpc import BlockServiceStub
from marketplace.user.v1.events_pb2 import BlockChanged
from marketplace.user.v1.favourite_service_pb2_grpc import FavouriteServiceStub

from mesh.call import Account
from mesh.errors import InvalidInput, LimitReached, NotFound
from services.user.model.relation import MOST_BLOCKS
from services.user.store.relations import BlockDocument
from tests.services.user.support import SetClock, person
from tests.support.service import Backing, ServiceUnderTest


async def favourites(stub: Any, size: int = 0, token: str = "") -> tuple[list[str], str]:
    page = PageRequest(page_size=size, page_token=token)
    answer = await stub.ListFavourites(favourites_pb.ListFavouritesRequest(page=page))
    return [each.provider_id for each in answer.providers], answer.page.next_page_token


async def blocked(stub: Any) -> list[str]:
    return [each.account_id for each in (await stub.ListBlocks(blocks_pb.ListBlocksRequest())).blocks]


def block(stub: Any, whom: Account) -> Any:
    return stub.BlockPerson(blocks_pb.BlockPersonRequest(account_id=whom.account_id))


def unblock(stub: Any, whom: Account) -> Any:
    return stub.UnblockPerson(blocks_pb.UnblockPersonRequest(account_id=whom.account_id))


async def test_favourites_come_in_pages_the_last_one_first_and_are_each_ones_own(
    user: ServiceUnderTest, backing: Backing, clock: SetClock
) -> None:
    customer, other = await person(user, backing, "customer"), await person(user, backing, "customer")
    stub = user.stub(FavouriteServiceStub, customer)
    added = [(await person(user, backing, "provider")).account_id for _ in range(3)]
    for provider_id in (*added, added[0]):
        await stub.AddFavourite(favourites_pb.AddFavouriteRequest(provider_id=provider_id))
        clock.moment += timedelta(seconds=1)
    first, token = await favourites(stub, 2)
    assert (first, await favourites(stub, 2, token)) == ([added[2], added[1]], ([added[0]], ""))
    for _ in range(2):
        await stub.RemoveFavourite(favourites_pb.RemoveFavouriteRequest(provider_id=added[1]))
    assert await favourites(stub) == ([added[2], added[0]], "")
    assert await favourites(user.stub(FavouriteServiceStub, other)) == ([], "")


async def test_only_a_provider_can_be_a_favourite(user: ServiceUnderTest, backing: Backing) -> None:
    customer = await person(user, backing, "customer")
    stub = user.stub(FavouriteServiceStub, customer)
    for whom in (customer, backing.account("provider")):
        with pytest.raises(NotFound) as refusal:
            await stub.AddFavourite(favourites_pb.AddFavouriteRequest(provider_id=whom.account_id))
        assert refusal.value.reason == "PROFILE_NOT_FOUND"


async def test_blocks_begin_and_end_and_are_told_with_rising_revisions(user: ServiceUnderTest, backing: Backing) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    stub = user.stub(BlockServiceStub, customer)
    for call in (unblock, block, block, unblock, unblock, block):
        await call(stub, provider)
    assert await blocked(stub) == [provider.account_id]
    assert await blocked(user.stub(BlockServiceStub, provider)) == []
    told = await user.published(BlockChanged)
    assert [(each.is_blocked, each.revision) for each in told] == [(True, 1), (False, 2), (True, 3)]
    assert {(each.blocker_id, each.blocked_id) for each in told} == {(customer.account_id, provider.account_id)}


async def test_of_many_blocks_at_once_one_is_told(user: ServiceUnderTest, backing: Backing) -> None:
    customer, provider = await person(user, backing, "customer"), await person(user, backing, "provider")
    stub = user.stub(BlockServiceStub, customer)
    await block(stub, provider)
    await unblock(stub, provider)
    await asyncio.gather(*(block(stub, provider) for _ in range(5)))
    assert [each.revision for each in await user.published(BlockChanged)] == [1, 2, 3]


async def test_nobody_blocks_themselves_nobody_or_everybody(user: ServiceUnderTest, backing: Backing, clock: SetClock) -> None:
    customer = await person(user, backing, "customer")
    stub = user.stub(BlockServiceStub, customer)
    for whom, kind, reason in (
        (customer, InvalidInput, "BLOCK_OF_SELF"),
        (backing.account("provider"), NotFound, "PROFILE_NOT_FOUND"),
    ):
        with pytest.raises(kind) as refusal:
            await block(stub, whom)
        assert refusal.value.reason == reason
    held = {"blocker_id": customer.account_id, "is_blocked": True, "change_time": clock.now(), "revision": 1}
    many = [BlockDocument(id=f"{customer.account_id}:{each}", blocked_id=str(each), **held) for each in range(MOST_BLOCKS)]
    await user.runtime.database.collection(BlockDocument).insert_many(many)
    with pytest.raises(LimitReached) as full:
        await block(stub, await person(user, backing, "provider"))
    assert full.value.reason == "BLOCK_LIMIT_REACHED"
