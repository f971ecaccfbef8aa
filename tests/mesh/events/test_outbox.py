"""A fact becomes an event in the transaction that makes it true, and in no other way."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from mesh.clock import SystemClock
from mesh.contract import ContractError
from mesh.errors import NotFound
from mesh.tracing import Trace, enter_trace
from tests.mesh.events.flow import Effect, Publisher, opened
from tests.mesh.moving import MovedClock
from tests.mesh.probe import Request
from tests.support.infrastructure import Running


async def test_an_event_is_there_when_its_transaction_has_committed_and_tells_all_of_it(publisher: Publisher) -> None:
    enter_trace(Trace("a" * 32, "b" * 16))
    await publisher.publish("a", 7)
    (row,) = await publisher.rows.find({})
    assert (row.type, row.topic, row.key, row.sequence) == (publisher.event.DESCRIPTOR.full_name, publisher.topic, "a", 1)
    assert publisher.event.FromString(row.payload) == publisher.event(thing_id="a", number=7)
    assert row.traceparent == f"00-{'a' * 32}-{'b' * 16}-01"
    assert row.sent_time is None


async def test_a_transaction_that_fails_leaves_neither_effect_nor_event(publisher: Publisher) -> None:
    effects = publisher.database.collection(Effect)

    async def work() -> None:
        await effects.insert(Effect(id="a"))
        await publisher.database.publish(publisher.event(thing_id="a"))
        assert await publisher.rows.count({}) == 1
        raise NotFound("THING_NOT_FOUND", "None.")

    with pytest.raises(NotFound):
        await publisher.database.transaction(work)
    assert await publisher.rows.count({}) == 0
    assert await effects.count({}) == 0


async def test_outside_of_a_transaction_nothing_can_be_published(publisher: Publisher) -> None:
    with pytest.raises(RuntimeError, match="inside a transaction"):
        await publisher.database.publish(publisher.event(thing_id="a"))


async def test_what_is_no_event_or_has_no_key_or_is_too_large_is_refused_where_it_is_published(publisher: Publisher) -> None:
    for message, error in (
        (Request(text="a"), ContractError),
        (publisher.event(number=1), ValueError),
        (publisher.event(thing_id="a", note="x" * 900_001), ValueError),
    ):
        with pytest.raises(error):
            await publisher.database.transaction(partial(publisher.database.publish, message))
    assert await publisher.rows.count({}) == 0


async def test_events_of_one_key_are_numbered_without_gaps_by_racing_transactions(publisher: Publisher) -> None:
    await asyncio.gather(*(publisher.publish(key, number) for key in ("a", "b") for number in range(8)))
    for key in ("a", "b"):
        rows = await publisher.rows.find({"key": key}, sort=[("sequence", 1)])
        assert [row.sequence for row in rows] == list(range(1, 9))
        assert sorted(rows, key=lambda row: row.created_time) == rows


async def test_a_clock_that_is_set_back_does_not_turn_the_order_round(database_server: Running) -> None:
    clock = MovedClock()
    async with opened(database_server.url, clock=clock) as database:
        publisher = Publisher(database)
        await publisher.publish("a", 1)
        clock.ahead = timedelta(hours=-1)
        await publisher.publish("a", 2)
        await publisher.publish("b", 1)
        times = {(row.key, row.sequence): row.created_time for row in await publisher.rows.find({})}
    assert times["a", 2] >= times["a", 1]
    assert times["b", 1] < SystemClock().now() - timedelta(minutes=59)


async def test_who_waits_for_events_hears_of_a_commit_and_not_of_a_failure(publisher: Publisher) -> None:
    heard: list[int] = []
    publisher.database.on_published(lambda: heard.append(1))

    async def fail() -> None:
        await publisher.database.publish(publisher.event(thing_id="a"))
        raise NotFound("THING_NOT_FOUND", "None.")

    with pytest.raises(NotFound):
        await publisher.database.transaction(fail)
    assert not heard
    await publisher.publish("a", 1)
    assert heard == [1]
