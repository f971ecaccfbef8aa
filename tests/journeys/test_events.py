"""What goes wrong with events on the real stack: poison on every topic, and webhooks that come twice. The journey goes on."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from demo.journey import STEPS
from demo.journey.scene import Doors, open_scene
from mesh import contract
from mesh.events.cloudevents import Envelope, to_headers
from mesh.events.topics import dead_topic_of
from mesh.ids import new_id
from mesh.local.stack import SERVICES, Stack
from tests.journeys.conftest import elsewhere
from tests.journeys.subscriptions import subscribed

_PARTITIONS = 3  # what a topic gets that the local stack has to create


def poison(topic: str) -> Iterator[list[tuple[str, bytes]]]:
    """The headers of records that nobody can handle: none at all, and those of an event whose bytes are none."""
    yield []
    event = next(each for each in contract.events() if each.topic == topic)
    yield to_headers(Envelope(new_id("evt"), event.type_name, event.service, datetime.now(UTC), ""))


def send_poison(bootstrap: str, topics: list[str]) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, metrics_enabled=False)
    for topic in topics:
        for partition in range(_PARTITIONS):
            for headers in poison(topic):
                producer.send(topic, b"\xff\xfe poison", key=b"poison", headers=headers, partition=partition)
    producer.flush()
    producer.close()


def buried(bootstrap: str, topic: str) -> dict[str, set[str]]:
    """The causes of the dead letters of a topic, by the service that put them aside."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", metrics_enabled=False)
    partition = TopicPartition(dead_topic_of(topic), 0)
    consumer.assign([partition])
    end = consumer.end_offsets([partition])[partition]
    found: dict[str, set[str]] = {}
    while consumer.position(partition) < end:
        for record in consumer.poll(timeout_ms=200).get(partition, []):
            headers = {name: value.decode() for name, value in record.headers}
            if record.value == b"\xff\xfe poison":
                found.setdefault(headers["dead_handler"].partition("/")[0], set()).add(headers["dead_cause"].partition(":")[0])
    consumer.close(autocommit=False)
    return found


@pytest.mark.timeout(300)
async def test_poison_on_every_consumed_topic_becomes_dead_letters_and_its_neighbours_go_on(stack: Stack, doors: Doors) -> None:
    bootstrap = stack.urls["broker"]
    topics = sorted({topic for service in SERVICES for topic in subscribed(service)})
    assert topics == sorted({event.topic for event in contract.events()})  # every event has somebody whom it concerns
    await asyncio.to_thread(send_poison, bootstrap, topics)
    async with open_scene(doors, place=elsewhere()) as scene:
        for step in STEPS:
            await step.walk(scene)
    for topic in topics:
        first = next(event for event in contract.events() if event.topic == topic).type_name
        expected = {
            service: {"MalformedRecordError"} | ({"DecodeError"} if first in subscribed(service)[topic] else set())
            for service in SERVICES
            if topic in subscribed(service)
        }
        assert await asyncio.to_thread(buried, bootstrap, topic) == expected
