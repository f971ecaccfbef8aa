import asyncio
from datetime import UTC, datetime

import mongoengine
import pytest
from pymongo import UpdateOne

from mesh.errors import AlreadyExists, Conflict
from mesh.storage.collection import Collection
from mesh.storage.mongo import Database, DuplicateKey
from tests.mesh.storage.documents import Thing, opened
from tests.support.infrastructure import Running

MOMENT = datetime(2026, 11, 24, 12, 30, 15, 123000, UTC)


async def test_what_is_stored_comes_back_as_it_was(things: Collection[Thing]) -> None:
    await things.insert(Thing(id="a", name="first", count=3, notes={"größe": [1, None]}, changed_time=MOMENT))
    found = await things.get("a")
    assert found is not None
    assert (found.id, found.name, found.count, found.notes, found.version) == ("a", "first", 3, {"größe": [1, None]}, 0)
    assert found.changed_time == MOMENT
    assert found.changed_time.tzinfo is not None
    assert await things.get("b") is None


async def test_lists_are_sorted_limited_and_counted(things: Collection[Thing]) -> None:
    await things.insert_many([Thing(id=str(number), name=f"n{number}", count=number % 3) for number in range(9)])
    found = await things.find({"count": 1}, sort=[("_id", -1)], limit=2, skip=1)
    assert [thing.id for thing in found] == ["4", "1"]
    assert await things.count({"count": {"$gt": 0}}) == 6
    assert await things.delete({"count": 2}) == 3
    assert await things.update_many({"count": 1}, {"$inc": {"count": 5}}) == 3
    assert await things.count({"count": 6}) == 3
    assert [row["_id"] for row in await things.aggregate([{"$match": {"count": 6}}, {"$sort": {"_id": 1}}])] == ["1", "4", "7"]


async def test_a_taken_id_and_a_taken_unique_value_are_told_as_such(things: Collection[Thing]) -> None:
    await things.insert(Thing(id="a", name="first"))
    for taken in (Thing(id="a", name="second"), Thing(id="b", name="first")):
        with pytest.raises(DuplicateKey, match="ALREADY_EXISTS") as refused:
            await things.insert(taken)
        assert isinstance(refused.value, AlreadyExists)
        assert "first" not in str(refused.value)
    with pytest.raises(DuplicateKey):
        await things.insert_many([Thing(id="c", name="third"), Thing(id="d", name="first")])
    assert {thing.id for thing in await things.find({})} == {"a", "c"}


async def test_a_document_that_breaks_its_own_rules_is_not_stored(things: Collection[Thing]) -> None:
    for wrong in (Thing(id="a", name="x" * 21), Thing(id="a", count="many")):
        with pytest.raises(mongoengine.ValidationError):
            await things.insert(wrong)
    assert await things.count({}) == 0


async def test_of_two_who_changed_the_same_document_the_second_is_refused(things: Collection[Thing]) -> None:
    await things.insert(Thing(id="a", name="first"))
    mine, theirs = await things.get("a"), await things.get("a")
    assert mine is not None
    assert theirs is not None
    theirs.count = 5
    await things.replace(theirs)
    mine.count = 9
    with pytest.raises(Conflict, match="STALE_VERSION"):
        await things.replace(mine)
    assert mine.version == 0
    stored = await things.get("a")
    assert stored is not None
    assert (stored.count, stored.version, theirs.version) == (5, 1, 1)
    theirs.count = 6
    await things.replace(theirs)


async def test_replacing_what_is_not_there_is_refused(things: Collection[Thing]) -> None:
    with pytest.raises(Conflict, match="STALE_VERSION"):
        await things.replace(Thing(id="a"))


async def test_an_update_tells_how_many_matched(things: Collection[Thing]) -> None:
    assert await things.update_one({"_id": "a"}, {"$set": {"count": 1}}) == 0
    await things.update_one({"_id": "a"}, {"$set": {"count": 1}}, upsert=True)
    assert await things.update_one({"_id": "a"}, {"$set": {"count": 1}}) == 1
    await things.write_all([UpdateOne({"_id": "a"}, {"$inc": {"count": 1}}) for _ in range(3)])
    found = await things.get("a")
    assert found is not None
    assert found.count == 4


async def test_writers_of_one_document_wait_for_each_other(things: Collection[Thing]) -> None:
    await things.insert(Thing(id="a"))
    await asyncio.gather(*(things.update_one({"_id": "a"}, {"$inc": {"count": 1}}) for _ in range(40)))
    found = await things.get("a")
    assert found is not None
    assert found.count == 40


async def test_indexes_are_made_once_and_kept(database: Database, database_server: Running) -> None:
    await database.ensure_indexes()
    names = set((await database._driver["things"].index_information()).keys())
    assert names == {"_id_", "name_1"}
    await asyncio.gather(*(database.ensure_indexes() for _ in range(3)))
    async with opened(database_server.url, database._driver.name, is_kept=True) as other:
        with pytest.raises(DuplicateKey):
            await other.collection(Thing).insert_many([Thing(id="a", name="x"), Thing(id="b", name="x")])


@pytest.mark.parametrize("wanted", [{"$gt": ""}, {"$ne": None}, {"$where": "1"}])
async def test_an_operator_cannot_stand_where_an_id_is_meant(wanted: object, things: Collection[Thing]) -> None:
    with pytest.raises(mongoengine.ValidationError):
        await things.insert(Thing(id=wanted))
