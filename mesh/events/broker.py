"""One thread that talks to Kafka: kafka-python blocks, the event loop must not. Creates topics, tells offsets, sends records."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError, KafkaTimeoutError

from mesh.errors import Unavailable
from mesh.events.outbox import KEPT_SECONDS

T = TypeVar("T")

_DELIVERY_SECONDS = 8.0
_TOPIC_EXISTS = 36
_FORGETTING = {"retention.ms": str(KEPT_SECONDS * 1000)}  # no longer than the outbox: then what was erased is nowhere

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """How a process meets the brokers. Partitions and replication are for the topics that it creates."""

    bootstrap: str  # host:port, separated by commas
    client_id: str
    partitions: int = 3
    replication: int = 1
    session_timeout_ms: int = 6000  # a group's first join takes half of this on Tansu
    heartbeat_interval_ms: int = 500

    def connection(self) -> dict[str, Any]:
        """What every client of kafka-python is told. Its defaults block for half a minute and more."""
        return {
            "bootstrap_servers": self.bootstrap.split(","),
            "client_id": self.client_id,
            "request_timeout_ms": 5000,
            "reconnect_backoff_max_ms": 1000,
            "bootstrap_timeout_ms": 3000,
            "metadata_max_age_ms": 30000,
        }


@dataclass(frozen=True, slots=True)
class Record:
    """What is sent. Records with one key are sent one after another, each when the one before it is safe."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a record came to lie."""

    partition: int
    offset: int


class Broker:
    """The brokers, asked on a thread of their own. Every method raises Unavailable when they do not answer."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kafka")
        self._producer: Any = None
        self._admin: Any = None

    async def ensure_topics(self, topics: dict[str, int]) -> dict[str, str]:
        """Creates the topics (with so many partitions) that are missing. Returns the id of each."""
        return await self._call(lambda: self._ensure_topics(topics))

    async def topic_ids(self, topics: Sequence[str]) -> dict[str, str]:
        """The ids of those of these topics which exist."""
        return await self._call(lambda: self._topic_ids(topics))

    async def end_offsets(self, topic: str) -> dict[int, int]:
        """The next offset of each partition of a topic."""
        return await self._call(lambda: self._end_offsets(topic))

    async def send(self, records: Sequence[Record]) -> list[Sent | None]:
        """Sends records; None stands for one that was not acknowledged, and for what comes after it in its key."""
        return await self._call(lambda: self._send(records))

    async def close(self) -> None:
        """Ends the thread and its connections. Nothing is lost: what was not acknowledged was never reported as sent."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._discard)
        self._thread.shutdown(wait=False)

    async def _call(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, work)

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (KafkaError, OSError) as error:
            self._discard()
            message = "The event broker does not answer."
            raise Unavailable("DEPENDENCY_UNAVAILABLE", message, {"cause": type(error).__name__}) from error
        except Exception:
            self._discard()
            raise

    def _ensure_topics(self, topics: dict[str, int]) -> dict[str, str]:
        found = self._topic_ids(list(topics))
        missing = {
            topic: {"num_partitions": partitions, "replication_factor": self._settings.replication, "configs": _FORGETTING}
            for topic, partitions in topics.items()
            if topic not in found
        }
        if not missing:
            return found
        answer = self._ask_admin().create_topics(missing, raise_errors=False, timeout_ms=3000)
        refused = [each for each in answer["topics"] if each["error_code"] not in (0, _TOPIC_EXISTS)]
        if refused:
            raise KafkaError(f"topic {refused[0]['name']} was refused: {refused[0]['error_message']}")
        self._ask_admin().wait_for_topics(list(missing))
        return self._topic_ids(list(topics))

    def _topic_ids(self, topics: Sequence[str]) -> dict[str, str]:
        described = self._ask_admin().describe_topics(list(topics))
        return {each["name"]: str(each["topic_id"]) for each in described if each["error_code"] == 0}

    def _end_offsets(self, topic: str) -> dict[int, int]:
        described = self._ask_admin().describe_topics([topic])
        wanted = {
            TopicPartition(topic, partition["partition_index"]): OffsetSpec.LATEST
            for each in described
            for partition in each["partitions"]
        }
        found = self._ask_admin().list_partition_offsets(wanted)
        return {partition.partition: answer.offset for partition, answer in found.items()}

    def _send(self, records: Sequence[Record]) -> list[Sent | None]:
        sent: list[Sent | None] = [None] * len(records)
        for turn in _turns(records):
            waiting = [(index, self._hand_over(records[index])) for index in turn]
            failure: KafkaError | None = None
            for index, future in waiting:
                try:
                    metadata = future.get(timeout=_DELIVERY_SECONDS + 2)
                except KafkaError as error:
                    failure = error
                else:
                    sent[index] = Sent(metadata.partition, metadata.offset)
            if failure is not None:
                _log.warning("events not acknowledged", cause=type(failure).__name__)
                self._discard()
                break
        return sent

    def _hand_over(self, record: Record) -> Any:
        if self._producer is None:
            self._producer = KafkaProducer(
                **self._settings.connection(),
                acks="all",
                enable_idempotence=True,
                delivery_timeout_ms=int(_DELIVERY_SECONDS * 1000),
                max_block_ms=3000,
                allow_auto_create_topics=False,
                compression_type=None,
                metrics_enabled=False,
            )
        return self._producer.send(record.topic, record.value, key=record.key, headers=record.headers)

    def _ask_admin(self) -> Any:
        if self._admin is None:
            self._admin = KafkaAdminClient(**self._settings.connection())
        return self._admin

    def _discard(self) -> None:
        """Lets go of connections that may be broken; the next call builds new ones."""
        producer, self._producer = self._producer, None
        admin, self._admin = self._admin, None
        if admin is not None:
            with suppress(KafkaError, OSError, RuntimeError):
                admin.close()
        if producer is not None:
            try:
                producer.close(timeout=1)
            except KafkaTimeoutError:
                producer._sender.force_close()  # close() gives up before it ends the sender's thread when a record is stuck


def _turns(records: Sequence[Record]) -> list[list[int]]:
    """The records' indexes, in turns in which each key comes up once: a key's next record goes when its last one is safe."""
    turns: list[list[int]] = []
    taken: dict[bytes, int] = {}
    for index, record in enumerate(records):
        turn = taken.get(record.key, 0)
        taken[record.key] = turn + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(index)
    return turns
