"""A publisher and subscribers on real servers, each with a database of its own; effects show what was handled, in which order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, closing
from itertools import count
from typing import Any, ClassVar

import mongoengine
import pytest
from kafka import KafkaConsumer, TopicPartition
from prometheus_client import REGISTRY

from mesh.clock import Clock
from mesh.contract import event_of
from mesh.events.broker import Broker, KafkaSettings
from mesh.events.consumer import Consumer
from mesh.events.dead_letters import ReceivedRecord
from mesh.events.handling import HandlingSettings, InboxRow
from mesh.events.lease import RelayLease
from mesh.events.outbox import OutboxRow
from mesh.events.relay import Relay, RelaySettings
from mesh.events.replay import records_in
from mesh.events.subscription import Delivery, Subscription
from mesh.ids import new_id
from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database, connect
from mesh.tasks import cancel
from tests.mesh.protos import event_class

Handler = Callable[[Any, Delivery], Awaitable[None]]
RELAYING = RelaySettings(poll_seconds=0.05, check_seconds=0.3, lease_seconds=1, longest_pause_seconds=0.3)
HANDLING = HandlingSettings(first_pause_seconds=0.01, longest_pause_seconds=0.1)

# kafka-python leaves the socket of a refused connection to the garbage collector.
REFUSED = [
    pytest.mark.usefixtures("collected"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]

_turn = count(1)


class Effect(StoredDocument):
    """What came of the events of one key: their numbers, in the order in which they took effect."""

    meta: ClassVar[dict[str, Any]] = {"collection": "effects"}

    numbers: Any = mongoengine.ListField(mongoengine.LongField())


def settings_of(bootstrap: str) -> KafkaSettings:
    """With a session as short as the brokers allow: a join takes half of it on Tansu, a killed member is missed after it."""
    return KafkaSettings(bootstrap, "tests", session_timeout_ms=1000, heartbeat_interval_ms=100)


class Publisher:
    """A service that publishes ThingHappened with rising numbers for each key."""

    def __init__(self, database: Database, service: str = "") -> None:
        self.service = service or f"publisher{next(_turn)}"
        self.event: Any = event_class(self.service)
        self.topic = event_of(self.event).topic
        self.database = database
        self.rows = database.collection(OutboxRow)

    async def publish(self, key: str, *numbers: int) -> None:
        """One transaction for each number."""
        for number in numbers:
            await self.database.transaction(lambda: self.database.publish(self.event(thing_id=key, number=number)))  # noqa: B023

    async def unsent(self) -> int:
        return await self.rows.count({"sent_time": None})

    async def all_sent(self) -> bool:
        return await self.unsent() == 0

    def relay(self, broker: Broker, settings: RelaySettings = RELAYING) -> Relay:
        return Relay(self.database, broker, self.service, new_id("rly"), settings)


class Subscriber:
    """A service that listens to a publisher's events, with one handler that is called `note`."""

    def __init__(self, database: Database, publisher: Publisher, service: str = "") -> None:
        self.service = service or f"subscriber{next(_turn)}"
        self.publisher = publisher
        self.database = database
        self.effects = database.collection(Effect)
        self.attempts: list[int] = []  # the numbers, as often as their handler ran
        self.deliveries: list[Delivery] = []

    async def note(self, event: Any, delivery: Delivery) -> None:
        self.attempts.append(event.number)
        self.deliveries.append(delivery)
        await self.effects.update_one({"_id": event.thing_id}, {"$push": {"numbers": event.number}}, upsert=True)

    async def numbers(self, key: str) -> list[int]:
        """What took effect for this key."""
        found = await self.effects.get(key)
        return [] if found is None else list(found.numbers)

    def has(self, key: str, numbers: Sequence[int]) -> Callable[[], Awaitable[bool]]:
        """A condition: at least so many events of the key took effect."""

        async def holds() -> bool:
            return len(await self.numbers(key)) >= len(numbers)

        return holds

    def consumer(
        self, broker: Broker, kafka: KafkaSettings, handler: Handler | None = None, settings: HandlingSettings = HANDLING
    ) -> Consumer:
        return Consumer(self.service, self.database, broker, kafka, [self.subscription(handler)], settings=settings)

    def subscription(self, handler: Handler | None = None) -> Subscription[Any]:
        return Subscription(self.publisher.event, handler or self.note, "note")


@asynccontextmanager
async def opened(
    url: str, name: str = "", *, clock: Clock | None = None, timeout_seconds: float = 15.0
) -> AsyncIterator[Database]:
    """A database with what events need; dropped at the end when it has no name."""
    client = connect(url, timeout_seconds)
    database = Database(client, name or new_id("t"), clock=clock, timeout_seconds=timeout_seconds)
    for document in (OutboxRow, RelayLease, InboxRow, Effect):
        database.collection(document)
    try:
        await database.ensure_indexes()
        yield database
        if not name:
            await client.drop_database(database._driver.name)
    finally:
        await client.close()


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[Callable[[], bool]]:
    """The work goes on until the block ends; what is given tells whether it has ended by itself."""
    task = asyncio.create_task(work)
    try:
        yield task.done
    finally:
        await cancel({task})
        if not task.cancelled():
            task.result()


@asynccontextmanager
async def asking(kafka: KafkaSettings) -> AsyncIterator[Broker]:
    """A connection to the brokers."""
    broker = Broker(kafka)
    try:
        yield broker
    finally:
        await broker.close()


async def lying_in(kafka: KafkaSettings, topic: str) -> list[ReceivedRecord]:
    """All records of a topic, each partition's in its order."""
    return await asyncio.to_thread(records_in, kafka, [topic])


async def committed(kafka: KafkaSettings, group: str, topic: str) -> int:
    """How many records of the topic the group is done with, all partitions together."""

    def ask() -> int:
        with closing(KafkaConsumer(**kafka.connection(), group_id=group, metrics_enabled=False)) as consumer:
            partitions = [TopicPartition(topic, number) for number in range(kafka.partitions)]
            return sum(consumer.committed(each) or 0 for each in partitions)

    return await asyncio.to_thread(ask)


def metric(name: str, **labels: str) -> float:
    """What a metric of this process shows."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
