"""What happens to one received record: each of its handlers takes effect once, or it becomes a dead letter. Commits no offset."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import mongoengine
import structlog
from google.protobuf.message import DecodeError, Message

from mesh.errors import Conflict, DeadlinePassed, LimitReached, MeshError, Unavailable
from mesh.events import metrics
from mesh.events.broker import Broker
from mesh.events.cloudevents import ONLY_HANDLER, Envelope, MalformedRecordError, from_headers
from mesh.events.dead_letters import DeadLetterLimit, ReceivedRecord, bury
from mesh.events.spans import processing
from mesh.events.subscription import Delivery, Subscription
from mesh.storage.documents import StoredDocument
from mesh.storage.failures import DuplicateKey
from mesh.tracing import enter_trace, read_traceparent

if TYPE_CHECKING:
    from mesh.storage.mongo import Database

_KEPT_SECONDS = 30 * 24 * 3600  # longer than outbox rows are kept: a broker that lost its data gets those again
_OUTAGES = (Unavailable, DeadlinePassed, LimitReached)

_log = structlog.get_logger()


class InboxRow(StoredDocument):
    """Says that an event has taken effect in a handler; its id is `<event id>/<handler>`."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "inbox",
        "indexes": [{"fields": ("handled_time",), "expireAfterSeconds": _KEPT_SECONDS}],
    }

    handled_time: Any = mongoengine.DateTimeField(required=True)


class SeenBeforeError(Exception):
    """The event has taken effect in this handler."""


@dataclass(frozen=True, slots=True)
class HandlingSettings:
    """How often and how long a record is tried, and how many dead letters stop the consumer."""

    attempts: int = 4
    conflict_attempts: int = 20
    first_pause_seconds: float = 0.05
    longest_pause_seconds: float = 5.0
    most_dead_letters: int = 100
    dead_letter_window_seconds: float = 60.0


class Handling:
    """The handlers of one service."""

    def __init__(
        self,
        service: str,
        database: "Database",
        broker: Broker,
        subscriptions: Sequence[Subscription[Any]],
        settings: HandlingSettings,
    ) -> None:
        self._service = service
        self._database = database
        self._inbox = database.collection(InboxRow)
        self._broker = broker
        self._settings = settings
        self._limit = DeadLetterLimit(settings.most_dead_letters, settings.dead_letter_window_seconds)
        self._by_type: dict[str, list[Subscription[Any]]] = defaultdict(list)
        for subscription in subscriptions:
            self._by_type[subscription.event.DESCRIPTOR.full_name].append(subscription)

    async def handle(self, record: ReceivedRecord) -> None:
        """Returns when the record is done with: each handler has taken effect, or has left a dead letter.

        Waits out failures that pass. Raises TooManyDeadLettersError, after which nothing more should be handled.
        """
        try:
            envelope = from_headers(record.headers)
        except MalformedRecordError as wrong:
            if self._is_meant(record):
                await self._put_aside(record, "", wrong)
            return
        enter_trace(read_traceparent(envelope.traceparent))
        for subscription in self._by_type.get(envelope.type_name, ()):
            if envelope.only_handler in ("", self._full_name(""), self._full_name(subscription.name)):
                await self._handle_with(subscription, record, envelope)

    async def _handle_with(self, subscription: Subscription[Any], record: ReceivedRecord, envelope: Envelope) -> None:
        pause = self._settings.first_pause_seconds
        attempt = 0
        while True:
            attempt += 1
            try:
                with processing(record.topic, self._service, subscription.name, envelope.traceparent, SeenBeforeError):
                    await self._take_effect(subscription, record, envelope)
            except SeenBeforeError:
                metrics.EVENTS_SEEN_BEFORE.labels(subscription.name).inc()
                return
            except Exception as error:
                if attempt >= self._attempts_for(error):
                    await self._put_aside(record, subscription.name, error)
                    return
                _note_retry(subscription.name, envelope, error, attempt)
            else:
                metrics.EVENTS_HANDLED.labels(subscription.name).inc()
                _log.info("event handled", handler=subscription.name, type=envelope.type_name, source=envelope.source)
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._settings.longest_pause_seconds)

    async def _take_effect(self, subscription: Subscription[Any], record: ReceivedRecord, envelope: Envelope) -> None:
        event: Message = subscription.event.FromString(record.value or b"")
        delivery = Delivery(
            event_id=envelope.event_id,
            occurred_time=envelope.occurred_time,
            key=(record.key or b"").decode(errors="replace"),
            traceparent=envelope.traceparent,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
        )
        seen = InboxRow(id=f"{envelope.event_id}/{subscription.name}", handled_time=self._database.clock.now())

        async def effect() -> None:
            try:
                await self._inbox.insert(seen)
            except DuplicateKey:
                raise SeenBeforeError from None
            await subscription.handler(event, delivery)

        await self._database.transaction(effect)

    def _attempts_for(self, error: Exception) -> float:
        if isinstance(error, DecodeError):
            return 1
        if isinstance(error, _OUTAGES):
            return float("inf")
        return self._settings.conflict_attempts if isinstance(error, Conflict) else self._settings.attempts

    async def _put_aside(self, record: ReceivedRecord, handler: str, error: Exception) -> None:
        self._limit.count()
        cause = f"{type(error).__name__}: {error}"
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        _log.error("event put aside", handler=handler, cause=type(error).__name__, exc_info=error, **where)
        letter = bury(record, self._full_name(handler), cause, self._database.clock.now())
        pause = self._settings.first_pause_seconds
        while not await self._is_sent(letter):
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._settings.longest_pause_seconds)
        metrics.DEAD_LETTERS.labels(handler).inc()

    def _is_meant(self, record: ReceivedRecord) -> bool:
        only = dict(record.headers).get(ONLY_HANDLER, b"")
        return not only or only.startswith(self._full_name("").encode())

    async def _is_sent(self, letter: Any) -> bool:
        try:
            return None not in await self._broker.send([letter])
        except Unavailable:
            return False

    def _full_name(self, handler: str) -> str:
        return f"{self._service}/{handler}"


def _note_retry(handler: str, envelope: Envelope, error: Exception, attempt: int) -> None:
    metrics.EVENTS_RETRIED.labels(handler).inc()
    cause = error.reason if isinstance(error, MeshError) else type(error).__name__
    _log.warning("event handled again", handler=handler, event_id=envelope.event_id, cause=cause, attempt=attempt)
