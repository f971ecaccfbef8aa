"""The outbox is the durable log: what a broker has lost is sent again, and takes effect once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mesh.events.broker import Broker, KafkaSettings
from mesh.local.program import Program
from tests.mesh.events.flow import REFUSED, Publisher, Subscriber, asking, lying_in, metric, running, settings_of
from tests.mesh.waiting import until
from tests.support.infrastructure import broker_maker

pytestmark = REFUSED


@pytest.fixture
async def own_broker(tmp_path: Path, pytestconfig: pytest.Config) -> AsyncIterator[Program]:
    """A broker that a test may kill."""
    program = broker_maker(pytestconfig)(tmp_path)
    program.start()
    yield program
    program.kill()


def numbers_of(publisher: Publisher, values: list[bytes | None]) -> list[int]:
    return [publisher.event.FromString(value or b"").number for value in values]


@pytest.mark.only_broker("tansu", reason="Apache Kafka keeps its data on disk; tests/kafka kills it")
async def test_a_broker_that_comes_back_empty_gets_all_again_and_each_event_takes_effect_once(
    own_broker: Program, publisher: Publisher, subscriber: Subscriber
) -> None:
    kafka = settings_of(own_broker.address)
    async with (
        asking(kafka) as broker,
        running(publisher.relay(broker).run()),
        running(subscriber.consumer(broker, kafka).run()),
    ):
        await publisher.publish("a", 1, 2, 3)
        await until(subscriber.has("a", [1, 2, 3]))
        own_broker.kill()
        await publisher.publish("a", 4, 5)
        await publisher.publish("b", 1)
        own_broker.start()
        await until(subscriber.has("a", range(5)), 30)
        await until(subscriber.has("b", [1]))
        await publisher.publish("a", 6)
        await until(subscriber.has("a", range(6)))
    assert await subscriber.numbers("a") == [1, 2, 3, 4, 5, 6]
    assert await subscriber.numbers("b") == [1]
    assert len(await lying_in(kafka, publisher.topic)) >= 7


async def test_a_topic_that_comes_back_new_gets_its_rows_again_in_their_order(
    publisher: Publisher, broker: Broker, kafka: KafkaSettings
) -> None:
    restored = metric("mesh_outbox_restored_total")
    async with running(publisher.relay(broker).run()):
        await publisher.publish("a", 1, 2, 3)
        await until(publisher.all_sent)
        (before,) = (await broker.topic_ids([publisher.topic])).values()
        await broker._call(lambda: broker._ask_admin().delete_topics([publisher.topic]))
        await until(lambda: metric("mesh_outbox_restored_total") == restored + 3, 20, "an idle relay finds out by itself")
        await publisher.publish("a", 4)
        await until(publisher.all_sent)
    assert numbers_of(publisher, [record.value for record in await lying_in(kafka, publisher.topic)]) == [1, 2, 3, 4]
    assert before not in {row.topic_id for row in await publisher.rows.find({})}


async def test_a_topic_that_is_shorter_than_what_was_sent_gets_the_missing_rows_again(
    publisher: Publisher, broker: Broker, kafka: KafkaSettings
) -> None:
    async with running(publisher.relay(broker).run()):
        for number in (1, 2, 3):
            await publisher.publish("a", number)
            await until(publisher.all_sent)
    await publisher.rows.update_many({"sequence": {"$gt": 1}}, {"$inc": {"offset": 100}})  # the broker came back without them
    async with running(publisher.relay(broker).run()):
        await publisher.publish("a", 4)
        await until(publisher.all_sent)
    assert numbers_of(publisher, [record.value for record in await lying_in(kafka, publisher.topic)]) == [1, 2, 3, 2, 3, 4]


async def test_rows_whose_place_is_taken_by_another_record_are_sent_again(
    publisher: Publisher, broker: Broker, kafka: KafkaSettings
) -> None:
    relay = publisher.relay(broker)
    async with running(relay.run()):
        for number in (1, 2, 3):
            await publisher.publish("a", number)
            await until(publisher.all_sent)
        # The broker lost two records and came back between two checks: they were thought to lie where the next one comes to lie.
        await publisher.rows.update_many({"sequence": {"$gt": 1}}, {"$inc": {"offset": 2}})
        for partition in relay._next_offsets:
            relay._next_offsets[partition] += 2
        await publisher.publish("a", 4)
        await until(publisher.all_sent)
        await until(lambda: has_records(publisher, kafka, 6))
    assert sorted(numbers_of(publisher, [record.value for record in await lying_in(kafka, publisher.topic)])) == [
        1,
        2,
        2,
        3,
        3,
        4,
    ]


async def has_records(publisher: Publisher, kafka: KafkaSettings, count: int) -> bool:
    return len(await lying_in(kafka, publisher.topic)) == count


async def test_what_the_broker_still_has_is_not_sent_again(publisher: Publisher, broker: Broker, kafka: KafkaSettings) -> None:
    for turn in range(3):
        async with running(publisher.relay(broker).run()):
            await publisher.publish("a", turn)
            await until(publisher.all_sent)
    assert numbers_of(publisher, [record.value for record in await lying_in(kafka, publisher.topic)]) == [0, 1, 2]


@pytest.mark.only_broker(
    "kafka", reason="Tansu tells the end of a partition short of its last batch, so that rows are sent again"
)
async def test_a_batch_that_the_broker_still_has_is_not_sent_again(
    publisher: Publisher, broker: Broker, kafka: KafkaSettings
) -> None:
    keys = [f"k{number}" for number in range(30)]
    for _ in range(2):
        await asyncio.gather(*(publisher.publish(key, 1) for key in keys))
        async with running(publisher.relay(broker).run()):
            await until(publisher.all_sent)
    assert len(await lying_in(kafka, publisher.topic)) == 60
