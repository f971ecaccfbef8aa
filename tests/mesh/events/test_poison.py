"""What can never take effect is put aside with its cause, and its neighbours go on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from grpc_health.v1 import health_pb2, health_pb2_grpc

from mesh.events.broker import Broker, KafkaSettings, Record
from mesh.events.dead_letters import DeadLetter, read
from mesh.events.subscription import Delivery, Subscription
from mesh.events.topics import dead_topic_of
from mesh.runtime import EVENTS_HEALTH, Runtime
from mesh.settings import Settings
from tests.mesh.events.flow import HANDLING, Publisher, Subscriber, committed, lying_in, metric, running
from tests.mesh.events.records import record_of
from tests.mesh.waiting import until
from tests.support.service import Backing, ServiceUnderTest, serving

UNDECODABLE = b"\x0a\xff\xff\xff"


async def sent(broker: Broker, kafka: KafkaSettings, records: Sequence[Record]) -> None:
    await broker.ensure_topics({records[0].topic: kafka.partitions})
    assert None not in await broker.send(records)


async def letters_of(kafka: KafkaSettings, publisher: Publisher) -> list[DeadLetter]:
    return [read(record) for record in await lying_in(kafka, dead_topic_of(publisher.topic))]


async def test_poison_of_every_kind_is_put_aside_with_its_cause_and_its_neighbours_take_effect(
    publisher: Publisher, subscriber: Subscriber, broker: Broker, kafka: KafkaSettings
) -> None:
    poison = {
        "DecodeError": replace(record_of(publisher, "a", 0), value=UNDECODABLE),
        "MalformedRecordError: the header 'ce_id' is missing": record_of(publisher, "a", 0, ce_id=None),
        "MalformedRecordError: the header 'ce_type' is missing": record_of(publisher, "a", 0, ce_type=None),
        "MalformedRecordError: the header 'ce_specversion' is not 1.0": record_of(publisher, "a", 0, ce_specversion=b"2.0"),
        "MalformedRecordError: a header is not readable": record_of(publisher, "a", 0, ce_id=b"\xff"),
        "MalformedRecordError: the header 'ce_specversion' is missing": Record(publisher.topic, b"a", b"\x00\xff", []),
    }
    records = []
    for number, each in enumerate(poison.values(), 1):
        records += [record_of(publisher, "a", number), each]
    await sent(
        broker, kafka, [*records, record_of(publisher, "a", 0, ce_type=b"of.another.Version"), record_of(publisher, "a", 9)]
    )
    async with running(subscriber.consumer(broker, kafka).run()):
        await until(subscriber.has("a", range(7)))
    assert await subscriber.numbers("a") == [1, 2, 3, 4, 5, 6, 9]
    letters = await letters_of(kafka, publisher)
    assert len(letters) == len(poison)
    for letter, (cause, record) in zip(letters, poison.items(), strict=True):
        assert letter.cause.startswith(cause)
        assert (letter.record.key, letter.record.value) == (record.key, record.value)
        assert letter.topic == publisher.topic
    assert await committed(kafka, subscriber.service, publisher.topic) == len(records) + 2


async def test_a_handler_that_fails_at_one_event_holds_up_its_neighbours_for_a_moment_only(
    publisher: Publisher, subscriber: Subscriber, broker: Broker, kafka: KafkaSettings
) -> None:
    async def dislike_two(event: Any, delivery: Delivery) -> None:
        await subscriber.note(event, delivery)
        if event.number == 2:
            raise RuntimeError("two is not a number")

    counted = metric("mesh_dead_letters_total", handler="note")
    async with running(subscriber.consumer(broker, kafka, dislike_two).run()), running(publisher.relay(broker).run()):
        await publisher.publish("a", 1)
        await until(subscriber.has("a", [1]))
        await publisher.publish("a", 2, 3)
        assert await until(subscriber.has("a", [1, 3])) < 1.5
        assert await subscriber.numbers("a") == [1, 3]
        await until(lambda: metric("mesh_dead_letters_total", handler="note") == counted + 1)
    (letter,) = await letters_of(kafka, publisher)
    assert (letter.cause, letter.handler) == ("RuntimeError: two is not a number", f"{subscriber.service}/note")
    assert subscriber.attempts.count(2) == HANDLING.attempts


async def test_too_many_letters_stop_the_consumer_and_it_begins_there_when_it_is_started_again(
    publisher: Publisher, subscriber: Subscriber, broker: Broker, kafka: KafkaSettings
) -> None:
    async def dislike_all(event: Any, delivery: Delivery) -> None:
        raise RuntimeError("the code is wrong")

    await sent(broker, kafka, [record_of(publisher, "a", number) for number in range(1, 11)])
    settings = replace(HANDLING, attempts=1, most_dead_letters=3)
    consumer = subscriber.consumer(broker, kafka, dislike_all, settings)
    async with running(consumer.run()) as has_ended:
        await until(lambda: not consumer.is_healthy)
        await until(has_ended, 3)
        assert consumer.failure == "more than 3 dead letters in 60 seconds"
        assert metric("mesh_consumer_healthy") == 0
    async with running(subscriber.consumer(broker, kafka).run()):
        await until(subscriber.has("a", range(7)))
    assert await subscriber.numbers("a") == [4, 5, 6, 7, 8, 9, 10]
    assert len(await letters_of(kafka, publisher)) == 3


async def test_the_health_of_a_process_tells_that_its_consumer_has_stopped(
    publisher: Publisher, broker: Broker, kafka: KafkaSettings, backing: Backing
) -> None:
    async def note(_event: Any, _delivery: Delivery) -> None:
        raise AssertionError("no event can be read")

    async def assemble(runtime: Runtime[Settings]) -> None:
        runtime.consume([Subscription(publisher.event, note, "note")])

    async def health(process: ServiceUnderTest) -> int:
        stub: Any = process.stub(health_pb2_grpc.HealthStub)
        return int((await stub.Check(health_pb2.HealthCheckRequest(service=EVENTS_HEALTH))).status)

    await sent(broker, kafka, [Record(publisher.topic, b"a", b"", []) for _ in range(100)])
    environment = {"KAFKA_BOOTSTRAP": kafka.bootstrap}
    async with serving("analytics", assemble, Settings, backing, environment=environment) as process:
        process.runtime.start_events()

        async def is_done_with_all() -> bool:
            return await committed(kafka, "analytics", publisher.topic) == 100

        async def has_stopped() -> bool:
            return await health(process) == health_pb2.HealthCheckResponse.NOT_SERVING

        await until(is_done_with_all, 20)
        assert await health(process) == health_pb2.HealthCheckResponse.SERVING
        await sent(broker, kafka, [Record(publisher.topic, b"a", b"", [])])
        await until(has_stopped, 5)
