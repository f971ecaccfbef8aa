import asyncio
from functools import partial
from typing import Any

import pytest
from pymongo import UpdateOne

from mesh.errors import Conflict, NotFound, Unavailable
from mesh.storage.collection import Collection
from mesh.storage.mongo import Database, DuplicateKey
from tests.mesh.storage.documents import Thing, opened
from tests.support.infrastructure import Running


async def count_of(things: Collection[Thing], thing_id: str) -> int:
    found = await things.get(thing_id)
    return -1 if found is None else int(found.count)


async def test_all_of_a_transaction_takes_effect_and_its_result_is_given(database: Database, things: Collection[Thing]) -> None:
    async def work() -> str:
        await things.insert(Thing(id="a"))
        await things.insert(Thing(id="b"))
        assert await things.count({}) == 2
        return "done"

    assert await database.transaction(work) == "done"
    assert await things.count({}) == 2


async def test_nothing_of_it_is_seen_before_it_ends(database: Database, things: Collection[Thing]) -> None:
    written, may_end = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await things.insert(Thing(id="a"))
        written.set()
        await may_end.wait()

    running = asyncio.create_task(database.transaction(work))
    await written.wait()
    assert await things.count({}) == 0
    may_end.set()
    await running
    assert await things.count({}) == 1


@pytest.mark.parametrize("failure", [NotFound("THING_NOT_FOUND", "None."), RuntimeError("a defect"), asyncio.CancelledError()])
async def test_a_failure_undoes_all_of_it_and_is_raised_as_it_is(
    failure: BaseException, database: Database, things: Collection[Thing]
) -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        await things.insert(Thing(id="a"))
        raise failure

    with pytest.raises(type(failure)) as raised:
        await database.transaction(work)
    assert raised.value is failure
    assert runs == 1
    assert await things.count({}) == 0


async def test_a_transaction_whose_caller_went_away_takes_no_effect_and_leaves_no_lock(
    database: Database, things: Collection[Thing]
) -> None:
    await things.insert(Thing(id="a"))
    written = asyncio.Event()

    async def work() -> None:
        await things.update_one({"_id": "a"}, {"$inc": {"count": 1}})
        written.set()
        await asyncio.sleep(60)

    running = asyncio.create_task(database.transaction(work))
    await written.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    async with asyncio.timeout(1):
        await things.update_one({"_id": "a"}, {"$inc": {"count": 10}})
    assert await count_of(things, "a") == 10


async def test_a_transaction_inside_another_is_a_part_of_it(database: Database, things: Collection[Thing]) -> None:
    async def inner() -> None:
        await things.insert(Thing(id="inner"))

    async def outer() -> None:
        await database.transaction(inner)
        raise NotFound("THING_NOT_FOUND", "None.")

    with pytest.raises(NotFound):
        await database.transaction(outer)
    assert await things.count({}) == 0


async def test_racers_that_read_and_write_the_same_document_lose_no_update(database: Database, things: Collection[Thing]) -> None:
    await things.insert(Thing(id="a"))
    runs = 0

    async def raise_by_one() -> None:
        nonlocal runs
        runs += 1
        found = await things.get("a")
        assert found is not None
        found.count += 1
        await things.replace(found)

    await asyncio.gather(*(database.transaction(raise_by_one) for _ in range(12)))
    assert await count_of(things, "a") == 12
    assert runs >= 12


async def test_of_racers_for_one_name_one_wins_and_the_others_are_told(database: Database, things: Collection[Thing]) -> None:
    async def take(number: int) -> None:
        await things.insert(Thing(id=f"t{number}", name="wanted"))

    outcomes = await asyncio.gather(
        *(database.transaction(partial(take, number)) for number in range(10)), return_exceptions=True
    )
    assert sum(outcome is None for outcome in outcomes) == 1
    assert {type(outcome) for outcome in outcomes if outcome is not None} == {DuplicateKey}
    assert await things.count({"name": "wanted"}) == 1


async def test_sums_stay_exact_under_transfers(database: Database, things: Collection[Thing]) -> None:
    await things.insert_many([Thing(id=str(number), name=str(number), count=100) for number in range(4)])

    async def transfer(source: str, target: str, amount: int) -> None:
        await things.update_one({"_id": source}, {"$inc": {"count": -amount}})
        await things.update_one({"_id": target}, {"$inc": {"count": amount}})

    moves = [(str(turn % 4), str((turn * 3 + 1) % 4), turn % 7) for turn in range(60)]
    await asyncio.gather(*(database.transaction(partial(transfer, *move)) for move in moves))
    assert sum(thing.count for thing in await things.find({})) == 400


async def test_racers_that_write_in_bulk_lose_no_update(database: Database, things: Collection[Thing]) -> None:
    await things.insert_many([Thing(id=str(number), name=str(number)) for number in range(3)])
    operations = [UpdateOne({"_id": str(number)}, {"$inc": {"count": 1}}) for number in range(3)]
    await asyncio.gather(*(database.transaction(lambda: things.write_all(operations)) for _ in range(12)))
    assert [thing.count for thing in await things.find({})] == [12, 12, 12]


async def test_several_added_at_once_are_all_undone_when_one_is_there_already(
    database: Database, things: Collection[Thing]
) -> None:
    await things.insert(Thing(id="b", name="b"))
    with pytest.raises(DuplicateKey):
        await database.transaction(lambda: things.insert_many([Thing(id="a", name="a"), Thing(id="b", name="c")]))
    assert [thing.id for thing in await things.find({})] == ["b"]


async def test_a_version_that_was_raised_in_a_transaction_that_failed_is_taken_back(
    database: Database, things: Collection[Thing]
) -> None:
    await things.insert(Thing(id="a"))
    found = await things.get("a")
    assert found is not None

    async def work() -> None:
        await things.replace(found)
        await things.replace(found)
        raise Conflict("SOMETHING_ELSE", "No.")

    with pytest.raises(Conflict, match="SOMETHING_ELSE"):
        await database.transaction(work)
    assert found.version == 0
    await things.replace(found)


async def test_a_duplicate_can_be_caught_and_ends_the_transaction_nevertheless(
    database: Database, things: Collection[Thing]
) -> None:
    await things.insert(Thing(id="a"))

    async def work() -> None:
        await things.insert(Thing(id="b"))
        await things.insert(Thing(id="a"))

    with pytest.raises(DuplicateKey):
        await database.transaction(work)
    assert await things.get("b") is None


async def test_one_who_cannot_get_through_is_told_so_in_time(database_server: Running) -> None:
    async with opened(database_server.url, timeout_seconds=0.5) as database:
        things = database.collection(Thing)
        await things.insert(Thing(id="a"))
        held, may_end = asyncio.Event(), asyncio.Event()
        async with opened(database_server.url, database._driver.name, timeout_seconds=10, is_kept=True) as other:
            in_the_way = other.collection(Thing)

            async def hold_long() -> None:
                await in_the_way.update_one({"_id": "a"}, {"$inc": {"count": 1}})
                held.set()
                await may_end.wait()

            holding = asyncio.create_task(other.transaction(hold_long))
            await held.wait()
            for attempt in (database.transaction(partial(raise_count, things)), raise_count(things)):
                with pytest.raises(Unavailable, match="DEPENDENCY_UNAVAILABLE"):
                    await asyncio.wait_for(attempt, 1.5)
            may_end.set()
            await holding
        assert await count_of(things, "a") == 1


async def raise_count(things: Collection[Thing]) -> int:
    return await things.update_one({"_id": "a"}, {"$inc": {"count": 1}})


async def test_storage_calls_of_another_task_do_not_slip_into_a_transaction(
    database: Database, things: Collection[Thing]
) -> None:
    async def work() -> None:
        await asyncio.gather(things.insert(Thing(id="a")), things.insert(Thing(id="b")))

    with pytest.raises(RuntimeError, match="belongs to the task"):
        await database.transaction(work)


async def test_a_transaction_spans_one_database(database: Database, database_server: Running) -> None:
    async with opened(database_server.url) as other:

        async def work() -> None:
            await other.collection(Thing).get("a")

        with pytest.raises(RuntimeError, match="one database"):
            await database.transaction(work)


async def test_what_is_started_in_a_transaction_and_outlives_it_writes_on_its_own(
    database: Database, things: Collection[Thing]
) -> None:
    ended = asyncio.Event()
    started: list[asyncio.Task[Any]] = []

    async def later() -> None:
        await ended.wait()
        await things.insert(Thing(id="later"))

    async def work() -> None:
        started.append(asyncio.create_task(later()))

    await database.transaction(work)
    ended.set()
    await started[0]
    assert await things.get("later") is not None
