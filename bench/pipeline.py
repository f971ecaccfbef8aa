"""The way of an event on real servers: a publishing service's outbox and relay, the broker, a consuming service's inbox.

Both services live in this process, as those parts do in a service that publishes and consumes; database and broker are programs
of their own.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Collection, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from marketplace.user.v1 import events_pb2 as events

from mesh import tasks
from mesh.events.broker import Broker, KafkaSettings
from mesh.events.consumer import Consumer
from mesh.events.outbox import OutboxRow
from mesh.events.relay import Relay
from mesh.events.subscription import Delivery, Subscription
from mesh.ids import new_id
from mesh.local.programs import DATABASE_URL, broker_program, database_program
from mesh.storage import mongo
from mesh.storage.mongo import Database

_PUBLISHER = "user"
_RECEIVER = "analytics"
_KEYS = 300
_PATIENCE_SECONDS = 30.0
_BACKLOG_AT_ONCE = 100


def event_number(number: int) -> events.ProfileChanged:
    """An event that can be told from the others, with one of some hundred keys."""
    account_id = f"acc_{number % _KEYS:026d}"
    return events.ProfileChanged(
        account_id=account_id, display_name=f"Maria de Souza {number}", is_provider=True, time_zone="America/Sao_Paulo"
    )


def number_of(event: events.ProfileChanged) -> int:
    """The number that the event was made with."""
    return int(event.display_name.rpartition(" ")[2])


class Pipeline:
    """Publishes, relays and receives; notes when each event was received."""

    def __init__(self, publisher: Database, receiver: Database, kafka: KafkaSettings) -> None:
        self.kafka = kafka
        self.received: dict[int, float] = {}  # by number, on the clock of time.perf_counter
        self._publisher = publisher
        self._broker = Broker(kafka)
        subscription = Subscription(events.ProfileChanged, self._receive, "NoteProfile")
        self._relay = Relay(publisher, self._broker, _PUBLISHER, new_id("rly"))
        self._consumer = Consumer(_RECEIVER, receiver, self._broker, kafka, [subscription])

    async def publish(self, numbers: Sequence[int]) -> None:
        """One transaction that publishes these events."""

        async def work() -> None:
            for number in numbers:
                await self._publisher.publish(event_number(number))

        await self._publisher.transaction(work)

    async def pile_up(self, numbers: Sequence[int]) -> None:
        """Fills the outbox, in few transactions."""
        for first in range(0, len(numbers), _BACKLOG_AT_ONCE):
            await self.publish(numbers[first : first + _BACKLOG_AT_ONCE])

    async def until_received(self, numbers: Collection[int]) -> None:
        """Returns when each of these has been received. Raises TimeoutError when that takes too long."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not self.received.keys() >= set(numbers):  # noqa: ASYNC110 - nobody tells the moment
                await asyncio.sleep(0.05)

    async def until_sent(self) -> None:
        """Returns when the outbox holds nothing that was not sent. Raises TimeoutError when that takes too long."""
        rows = self._publisher.collection(OutboxRow)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while await rows.find_one({"sent_time": None}) is not None:  # noqa: ASYNC110 - nobody tells the moment
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def relaying(self) -> AsyncIterator[None]:
        """The relay works while the block lasts."""
        async with _beside(self._relay.run()):
            yield

    @asynccontextmanager
    async def consuming(self) -> AsyncIterator[None]:
        """The consumer works while the block lasts."""
        async with _beside(self._consumer.run()):
            yield

    async def close(self) -> None:
        """Ends the connections to the broker."""
        await self._broker.close()

    async def _receive(self, event: events.ProfileChanged, _delivery: Delivery) -> None:
        self.received.setdefault(number_of(event), time.perf_counter())


@asynccontextmanager
async def pipeline() -> AsyncIterator[Pipeline]:
    """A pipeline on servers of its own, its consumer in the group and its topics there; all of it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="marketplace-bench-") as name:
        servers = database, broker = database_program(Path(name)), broker_program(Path(name))
        client = mongo.connect(DATABASE_URL.format(database.address))
        try:
            for server in servers:
                await asyncio.to_thread(server.start)
            databases = Database(client, f"bench_{_PUBLISHER}"), Database(client, f"bench_{_RECEIVER}")
            way = Pipeline(*databases, KafkaSettings(broker.address, "bench"))
            for each in databases:
                await each.ensure_indexes()
            async with way.consuming():
                async with way.relaying():
                    await way.publish([0])
                    await way.until_received([0])
                yield way
            await way.close()
        finally:
            await client.close()
            for server in servers:
                await asyncio.to_thread(server.stop)


@asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await tasks.cancel([task])
