"""Receives what a service subscribes to and commits an offset when, and only when, everything before it is done with.

kafka-python polls on a thread of its own; records are handled on the event loop, partitions beside each other.
"""

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.consumer.subscription_state import AsyncConsumerRebalanceListener
from kafka.errors import KafkaError

from mesh.contract import event_of
from mesh.errors import Unavailable
from mesh.events import metrics
from mesh.events.broker import Broker, KafkaSettings
from mesh.events.dead_letters import ReceivedRecord
from mesh.events.handling import Handling, HandlingSettings
from mesh.events.lane import Lane
from mesh.events.subscription import Subscription
from mesh.events.topics import with_dead_topics
from mesh.tasks import outlast

if TYPE_CHECKING:
    from mesh.storage.mongo import Database

_POLL_MS = 100
_FETCH_MS = 100  # how long an answer may wait for more records; some brokers wait although there are some
_COMMIT_SECONDS = 0.1
_MOST_WAITING = 500  # records of one partition that wait here; above, the partition is paused
_FEW_WAITING = 100
_FINISH_SECONDS = 1.0  # what the record at work gets when its partition goes to another process
_STOP_SECONDS = 3.0
_TOPICS_SECONDS = 5.0

_log = structlog.get_logger()


class Consumer:
    """The consumer of one process, a member of the service's group."""

    def __init__(
        self,
        service: str,
        database: "Database",
        broker: Broker,
        kafka: KafkaSettings,
        subscriptions: Sequence[Subscription[Any]],
        *,
        settings: HandlingSettings | None = None,
    ) -> None:
        self.failure = ""  # one sentence, once the consumer has stopped itself
        self._service = service
        self._broker = broker
        self._kafka = kafka
        self._topics = with_dead_topics({_topic(each) for each in subscriptions}, kafka.partitions)
        self._subscribed = sorted({_topic(each) for each in subscriptions})
        self._handling = Handling(service, database, broker, subscriptions, settings or HandlingSettings())
        self._is_stopping = threading.Event()
        self._lanes: dict[TopicPartition, Lane] = {}  # replaced, never changed: kafka-python's own thread assigns and revokes
        self._committed: dict[TopicPartition, int] = {}
        self._committed_at = 0.0

    @property
    def is_healthy(self) -> bool:
        """False once the consumer has stopped itself."""
        return not self.failure

    async def run(self) -> None:
        """Consumes until it is cancelled, then finishes the records at work, commits and leaves the group."""
        self._loop = asyncio.get_running_loop()
        metrics.CONSUMER_HEALTHY.set(1)
        ended = asyncio.Event()
        thread = threading.Thread(target=self._live, args=(ended,), name="kafka-consumer", daemon=True)
        try:
            await self._ensure_topics()
            thread.start()
            while not await _comes(ended, _TOPICS_SECONDS):
                await self._ensure_topics()
        finally:
            self._is_stopping.set()
            if thread.is_alive():
                await outlast(ended.wait(), _STOP_SECONDS + 2 * _FINISH_SECONDS)

    async def _ensure_topics(self) -> None:
        """A topic that is missing when the group is formed is consumed by nobody; a broker that lost its data misses them all."""
        while not self._is_stopping.is_set():
            try:
                await self._broker.ensure_topics(self._topics)
            except Unavailable as error:
                _log.warning("waiting", dependency="Kafka", **error.metadata)
                await asyncio.sleep(1)
            else:
                return

    def _live(self, ended: asyncio.Event) -> None:
        """The thread's life: one connection after the other until it is told to stop."""
        pause = 0.1
        while not self._is_stopping.is_set():
            started = time.monotonic()
            try:
                self._consume()
            except Exception as error:
                metrics.CONSUMER_RESTARTS.inc()
                _log.warning("consumer connects anew", cause=type(error).__name__, exc_info=not isinstance(error, KafkaError))
                pause = 0.1 if time.monotonic() - started > 10 else min(pause * 2, 5.0)
                self._is_stopping.wait(pause)
        with suppress(RuntimeError):  # the loop is gone when it did not wait for us
            self._loop.call_soon_threadsafe(ended.set)

    def _consume(self) -> None:
        consumer = KafkaConsumer(
            **self._kafka.connection() | {"metadata_max_age_ms": int(_TOPICS_SECONDS * 1000)},
            group_id=self._service,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            session_timeout_ms=self._kafka.session_timeout_ms,
            heartbeat_interval_ms=self._kafka.heartbeat_interval_ms,
            fetch_max_wait_ms=_FETCH_MS,
            metrics_enabled=False,
        )
        try:
            consumer.subscribe(self._subscribed, listener=_Listener(self, consumer))
            while not self._is_stopping.is_set():
                for partition, records in consumer.poll(timeout_ms=_POLL_MS).items():
                    lane = self._lanes.get(partition)
                    if lane is not None:
                        lane.put([_received(record) for record in records])
                self._pause_and_resume(consumer)
                self._commit_when_due(consumer)
            self._finish(list(self._lanes))
            positions = self._positions_to_commit()
            if positions:
                consumer.commit(positions, timeout_ms=int(_STOP_SECONDS * 500))
        finally:
            self._finish(list(self._lanes))
            self._lanes = {}
            self._committed.clear()
            metrics.CONSUMER_ASSIGNED.set(0)
            consumer.close(autocommit=False, timeout_ms=int(_STOP_SECONDS * 500))

    def _pause_and_resume(self, consumer: Any) -> None:
        paused = consumer.paused()
        for partition, lane in self._lanes.items():
            if lane.waiting > _MOST_WAITING and partition not in paused:
                consumer.pause(partition)
            elif lane.waiting < _FEW_WAITING and partition in paused:
                consumer.resume(partition)

    def _commit_when_due(self, consumer: Any) -> None:
        now = time.monotonic()
        if now - self._committed_at < _COMMIT_SECONDS:
            return
        positions = self._positions_to_commit()
        if positions:
            self._committed_at = now
            self._committed.update({partition: position.offset for partition, position in positions.items()})
            consumer.commit_async(positions, callback=self._note_commit)

    def _positions_to_commit(self) -> dict[TopicPartition, OffsetAndMetadata]:
        reached = {partition: lane.position for partition, lane in self._lanes.items()}
        return {
            partition: OffsetAndMetadata(position, "", -1)
            for partition, position in reached.items()
            if position is not None and position != self._committed.get(partition)
        }

    def _note_commit(self, offsets: dict[TopicPartition, OffsetAndMetadata], answer: Any) -> None:
        if isinstance(answer, Exception):
            _log.info("offsets not committed", cause=type(answer).__name__)
            for partition in offsets:
                self._committed.pop(partition, None)

    def _finish(self, partitions: Sequence[TopicPartition]) -> None:
        """Ends the partitions' lanes. Blocks the thread until the records at work are done with or given up."""
        lanes = [self._lanes[partition] for partition in partitions if partition in self._lanes]
        closing = [asyncio.run_coroutine_threadsafe(lane.close(_FINISH_SECONDS), self._loop) for lane in lanes]
        for each in closing:
            with suppress(TimeoutError):
                each.result(timeout=2 * _FINISH_SECONDS)

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """Starts a lane for each partition that is ours now."""
        added = {partition: Lane(self._loop, self._handling.handle, self._fail) for partition in partitions}
        self._lanes = self._lanes | added
        metrics.CONSUMER_ASSIGNED.set(len(self._lanes))

    def revoked(self, driver: Any, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        """Ends the lanes of partitions that may go to another process. Returns the positions to commit."""
        self._finish(partitions)
        positions = {key: value for key, value in self._positions_to_commit().items() if key in partitions}
        for partition in partitions:
            if partition in self._lanes and (offset := self._lanes[partition].resume_at) is not None:
                driver.seek(partition, offset)  # if it stays here after all, kafka-python would go on after what its lane drops
            self._committed.pop(partition, None)
        self._lanes = {key: lane for key, lane in self._lanes.items() if key not in partitions}
        metrics.CONSUMER_ASSIGNED.set(len(self._lanes))
        return positions

    def _fail(self, error: BaseException) -> None:
        _log.error("consumer stopped", exc_info=error)
        self.failure = str(error) or type(error).__name__
        metrics.CONSUMER_HEALTHY.set(0)
        self._is_stopping.set()


class _Listener(AsyncConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python carries no types
    """Told by kafka-python, on its own thread, which partitions come and go."""

    def __init__(self, consumer: Consumer, driver: Any) -> None:
        self._consumer = consumer
        self._driver = driver

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Commits what is done with, while this process may still do so."""
        positions = self._consumer.revoked(self._driver, list(revoked))
        if positions:
            with suppress(KafkaError):
                await self._driver.commit_async(positions)

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Begins where the group has come to."""
        self._consumer.assigned(list(assigned))

    async def on_partitions_lost(self, lost: Sequence[TopicPartition]) -> None:
        """Drops what was at work: whoever does it again finds in the inbox what has taken effect."""
        self._consumer.revoked(self._driver, list(lost))


async def _comes(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await event.wait()
    return False


def _topic(subscription: Subscription[Any]) -> str:
    return event_of(subscription.event).topic


def _received(record: Any) -> ReceivedRecord:
    headers = [(name, value) for name, value in record.headers if value is not None]  # Kafka allows headers without a value
    return ReceivedRecord(record.topic, record.partition, record.offset, record.key, record.value, headers)
