"""One process at a time sends; who was away too long finds out before it changes anything."""

import asyncio

import pytest

from mesh.errors import NotFound
from mesh.events import lease as lease_module
from mesh.events.lease import Lease, LeaseLost, RelayLease
from tests.mesh.events.flow import Publisher
from tests.mesh.moving import MovedTime


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> MovedTime:
    time = MovedTime()
    monkeypatch.setattr(lease_module, "time", time)
    return time


def lease(publisher: Publisher, holder: str) -> Lease:
    return Lease(publisher.database, holder, 10)


async def test_of_many_one_gets_it(publisher: Publisher) -> None:
    leases = [lease(publisher, str(number)) for number in range(8)]
    held = await asyncio.gather(*(each.hold() for each in leases))
    assert sum(held) == 1
    assert [each.is_safe() for each in leases] == held
    assert await asyncio.gather(*(each.hold() for each in leases)) == held


async def test_it_is_taken_over_when_it_was_seen_unrenewed_for_its_whole_time(publisher: Publisher, moved: MovedTime) -> None:
    first, second = lease(publisher, "first"), lease(publisher, "second")
    assert await first.hold()
    moved.ahead = 100
    assert not await second.hold(), "it has to see for itself how long nothing is renewed"
    moved.ahead = 109
    assert not await second.hold()
    moved.ahead = 111
    assert await second.hold()
    assert not first.is_safe()
    assert not await first.hold()


async def test_one_that_is_renewed_is_not_taken_over(publisher: Publisher, moved: MovedTime) -> None:
    first, second = lease(publisher, "first"), lease(publisher, "second")
    for turn in range(6):
        moved.ahead = turn * 4
        assert await first.hold()
        assert first.is_safe()
        assert not await second.hold()


async def test_of_many_that_see_it_lapse_one_takes_it_over(publisher: Publisher, moved: MovedTime) -> None:
    assert await lease(publisher, "first").hold()
    others = [lease(publisher, str(number)) for number in range(6)]
    await asyncio.gather(*(each.hold() for each in others))
    moved.ahead = 11
    assert sum(await asyncio.gather(*(each.hold() for each in others))) == 1


async def test_a_former_holder_is_refused_in_its_transaction_and_changes_nothing(publisher: Publisher, moved: MovedTime) -> None:
    first, second = lease(publisher, "first"), lease(publisher, "second")
    assert await first.hold()
    await second.hold()
    moved.ahead = 11
    assert await second.hold()

    async def work() -> None:
        await publisher.database.publish(publisher.event(thing_id="a"))
        await first.renew()

    with pytest.raises(LeaseLost):
        await publisher.database.transaction(work)
    assert await publisher.rows.count({}) == 0
    assert await second.hold()


async def test_a_renewal_whose_transaction_failed_counts_for_nothing(publisher: Publisher, moved: MovedTime) -> None:
    first = lease(publisher, "first")
    assert await first.hold()

    async def work() -> None:
        await first.renew()
        raise NotFound("THING_NOT_FOUND", "None.")

    moved.ahead = 5
    with pytest.raises(NotFound):
        await publisher.database.transaction(work)
    moved.ahead = 11
    assert not first.is_safe()


async def test_the_fence_rises_also_when_the_same_process_takes_it_again(publisher: Publisher, moved: MovedTime) -> None:
    first = lease(publisher, "first")
    leases = publisher.database.collection(RelayLease)
    assert await first.hold()
    first.drop()
    await first.hold()
    moved.ahead = 11
    assert await first.hold()
    assert (await leases.find({}))[0].fence == 2


async def test_one_that_was_given_back_is_free_at_once(publisher: Publisher) -> None:
    first, second = lease(publisher, "first"), lease(publisher, "second")
    assert await first.hold()
    assert not await second.hold()
    await first.release()
    assert await second.hold()
    await first.release()
    assert await second.hold(), "only its holder gives it back"
