"""What was sent takes effect once, in order, and an offset is committed when everything before it is done with."""

import asyncio
from dataclasses import replace
from typing import Any

from mesh.events.broker import Broker, KafkaSettings
from mesh.events.outbox import OutboxRow
from mesh.events.subscription import Delivery
from tests.mesh.events.flow import Publisher, Subscriber, committed, metric, running
from tests.mesh.events.records import record_of
from tests.mesh.waiting import until

KEYS = "abcdef"
NUMBERS = list(range(1, 21))


async def test_what_was_published_before_and_after_takes_effect_once_in_the_order_of_its_key(
    publisher: Publisher, subscriber: Subscriber, broker: Broker, kafka: KafkaSettings
) -> None:
    await asyncio.gather(*(publisher.publish(key, *NUMBERS[:10]) for key in KEYS))
    async with running(publisher.relay(broker).run()), running(subscriber.consumer(broker, kafka).run()):
        await until(subscriber.has("a", NUMBERS[:10]))
        await asyncio.gather(*(publisher.publish(key, *NUMBERS[10:]) for key in KEYS))
        for key in KEYS:
            await until(subscriber.has(key, NUMBERS))
            assert await subscriber.numbers(key) == NUMBERS
    rows = {row.id: row for row in await publisher.rows.find({})}
    assert {delivery.event_id for delivery in subscriber.deliveries} == set(rows)
    for delivery in subscriber.deliveries:
        row = rows[delivery.event_id]
        assert (delivery.topic, delivery.partition, delivery.offset) == (row.topic, row.partition, row.offset)
        assert (delivery.key, delivery.occurred_time, delivery.traceparent) == (row.key, row.created_time, row.traceparent)


async def test_an_offset_is_committed_after_the_effect_and_not_before(
    subscriber: Subscriber, broker: Broker, kafka: KafkaSettings
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def wait_at_second(event: Any, delivery: Delivery) -> None:
        if event.number == 2:
            begun.set()
            await may_end.wait()
        await subscriber.note(event, delivery)

    async def has_committed(count: int) -> bool:
        return await committed(kafka, subscriber.service, topic) == count

    topic = subscriber.publisher.topic
    await broker.ensure_topics({topic: kafka.partitions})
    await broker.send([record_of(subscriber.publisher, "a", number) for number in (1, 2, 3)])
    async with running(subscriber.consumer(broker, kafka, wait_at_second).run()):
        await asyncio.wait_for(begun.wait(), 15)
        await until(lambda: has_committed(1))
        await asyncio.sleep(0.3)  # a few more commits have had their turn
        assert await has_committed(1)
        assert await subscriber.numbers("a") == [1]
        may_end.set()
        await until(lambda: has_committed(3))
        assert await subscriber.numbers("a") == [1, 2, 3]


async def test_a_consumer_that_is_stopped_finishes_what_it_is_at_and_the_next_one_goes_on_there(
    subscriber: Subscriber, broker: Broker, kafka: KafkaSettings
) -> None:
    begun = asyncio.Event()

    async def slowly(event: Any, delivery: Delivery) -> None:
        begun.set()
        await asyncio.sleep(0.5)  # longer than the consumer needs to be told to end twice
        await subscriber.note(event, delivery)

    topic = subscriber.publisher.topic
    await broker.ensure_topics({topic: kafka.partitions})
    await broker.send([record_of(subscriber.publisher, "a", number) for number in (1, 2, 3)])
    async with running(subscriber.consumer(broker, kafka, slowly).run()):
        await asyncio.wait_for(begun.wait(), 15)
    assert subscriber.attempts == [1]
    assert await committed(kafka, subscriber.service, topic) == 1
    assert metric("mesh_consumer_assigned") == 0
    async with running(subscriber.consumer(broker, kafka).run()):
        await until(subscriber.has("a", [1, 2, 3]))
    assert subscriber.attempts == [1, 2, 3], "nothing was repeated"


async def test_a_handler_that_waits_holds_up_its_own_partition_alone(
    subscriber: Subscriber, broker: Broker, kafka: KafkaSettings
) -> None:
    may_end = asyncio.Event()

    async def wait_for_a(event: Any, delivery: Delivery) -> None:
        if event.thing_id == "a":
            await may_end.wait()
        await subscriber.note(event, delivery)

    await broker.ensure_topics({subscriber.publisher.topic: kafka.partitions})
    keys = [f"k{number}" for number in range(12)]
    sent = await broker.send([record_of(subscriber.publisher, key, 1) for key in ("a", *keys)])
    partitions = {key: place.partition for key, place in zip(("a", *keys), sent, strict=True) if place is not None}
    async with running(subscriber.consumer(broker, kafka, wait_for_a).run()):
        for key in keys:
            if partitions[key] != partitions["a"]:
                await until(subscriber.has(key, [1]))
            else:
                assert await subscriber.numbers(key) == []
        may_end.set()
        for key in keys:
            await until(subscriber.has(key, [1]))


async def test_a_handler_that_waits_does_not_fill_the_memory(
    subscriber: Subscriber, broker: Broker, kafka: KafkaSettings
) -> None:
    may_end = asyncio.Event()

    async def wait(event: Any, delivery: Delivery) -> None:
        await may_end.wait()
        await subscriber.note(event, delivery)

    one = replace(kafka, partitions=1)
    await broker.ensure_topics({subscriber.publisher.topic: 1})
    passed_over = [record_of(subscriber.publisher, str(number), 0, ce_type=b"unknown") for number in range(3000)]
    await broker.send([record_of(subscriber.publisher, "a", 1), *passed_over, record_of(subscriber.publisher, "z", 2)])
    consumer = subscriber.consumer(broker, one, wait)

    def waiting() -> int:
        return sum(lane.waiting for lane in consumer._lanes.values())

    async with running(consumer.run()):
        await until(lambda: waiting() > 500)
        most = waiting()
        for _ in range(20):
            await asyncio.sleep(0.02)  # the poller has had its turn a few times
            most = max(most, waiting())
        assert most <= 1000
        may_end.set()
        await until(subscriber.has("z", [2]))
        assert await subscriber.numbers("a") == [1]


async def test_a_handler_publishes_in_the_transaction_of_its_effect_and_so_one_event_leads_to_the_next(
    publisher: Publisher, subscriber: Subscriber, broker: Broker, kafka: KafkaSettings
) -> None:
    second = Publisher(subscriber.database)
    last = Subscriber(publisher.database, second)

    async def answer(event: Any, delivery: Delivery) -> None:
        await subscriber.note(event, delivery)
        await subscriber.database.publish(second.event(thing_id="answer", number=event.number))

    async with (
        running(publisher.relay(broker).run()),
        running(second.relay(broker).run()),
        running(subscriber.consumer(broker, kafka, answer).run()),
        running(last.consumer(broker, kafka).run()),
    ):
        await publisher.publish("a", 1, 2, 3)
        await until(last.has("answer", [1, 2, 3]))
    assert await last.numbers("answer") == [1, 2, 3]
    traces = {row.traceparent[:35] for row in await publisher.rows.find({})}
    answered = {row.traceparent[:35] for row in await subscriber.database.collection(OutboxRow).find({})}
    assert traces == answered
