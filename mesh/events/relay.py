"""Sends what the outbox holds, in order for each key, and marks it with where it came to lie. Decides nothing about its content.

Killed at any step, it sends again what it could not mark: the consumers' inboxes drop what they have seen.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from pymongo import UpdateOne

from mesh.errors import MeshError, Unavailable
from mesh.events import metrics
from mesh.events.broker import Broker, Record, Sent
from mesh.events.cloudevents import Envelope, to_headers
from mesh.events.lease import Lease, LeaseLost
from mesh.events.outbox import OutboxRow
from mesh.events.spans import Sending
from mesh.events.topics import topic_of, with_dead_topics

if TYPE_CHECKING:
    from mesh.storage.mongo import Database

_OLDEST_FIRST = [("created_time", 1), ("sequence", 1)]
_NOT_SENT: dict[str, Any] = {"sent_time": None}
_RESTORED_AT_ONCE = 500

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """The relay's pace."""

    batch_size: int = 100  # marked in one transaction, which must not take long
    poll_seconds: float = 0.5  # how soon it sees what another process has committed
    check_seconds: float = 2.0  # how often an idle relay looks whether the broker still has what was sent
    lease_seconds: float = 4.0
    longest_pause_seconds: float = 5.0
    partitions: int = 3


class Relay:
    """One process's relay for one service; of all of them only the holder of the lease sends."""

    def __init__(
        self, database: "Database", broker: Broker, service: str, holder: str, settings: RelaySettings | None = None
    ) -> None:
        self._settings = settings or RelaySettings()
        self._database = database
        self._rows = database.collection(OutboxRow)
        self._lease = Lease(database, holder, self._settings.lease_seconds)
        self._broker = broker
        self._service = service
        self._topic = topic_of(service)
        self._topic_id = ""  # empty: not known to be what the rows were sent to
        self._checked = 0.0
        self._next_offsets: dict[int, int] = {}
        self._wake = asyncio.Event()
        database.on_published(self._wake.set)

    async def run(self) -> None:
        """Relays until it is cancelled. Failures are logged and counted, and tried again after a growing pause."""
        pause = 0.1
        try:
            while True:
                try:
                    is_busy = await self._relay_once()
                    pause = 0.1
                except Exception as error:
                    self._note_failure(error)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, self._settings.longest_pause_seconds)
                    continue
                if not is_busy:
                    await self._sleep()
        finally:
            metrics.RELAY_LEADING.set(0)
            await self._let_go()

    async def _relay_once(self) -> bool:
        """One batch. Returns whether there may be more to do at once."""
        self._wake.clear()
        is_leading = await self._lease.hold()
        metrics.RELAY_LEADING.set(is_leading)
        if not is_leading:
            self._topic_id = ""
            _show_backlog(0, 0)
            return False
        rows = await self._claim()
        is_check_due = time.monotonic() - self._checked > self._settings.check_seconds
        if (rows or is_check_due) and await self._restore_lost():
            return True
        if not rows or not self._lease.is_safe():
            return bool(rows)
        with Sending(rows) as sending:
            records = [self._record(row, traceparent) for row, traceparent in zip(rows, sending.traceparents, strict=True)]
            sent = sending.sent = await self._broker.send(records)
        await self._mark([(row, place) for row, place in zip(rows, sent, strict=True) if place is not None])
        if None in sent:
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "The event broker did not acknowledge every event.")
        return len(rows) == self._settings.batch_size

    async def _claim(self) -> list[OutboxRow]:
        """The oldest rows that were not sent. Read from one snapshot: a scan could miss a row and see its key's next one."""
        size = self._settings.batch_size
        rows = await self._database.transaction(lambda: self._rows.find(_NOT_SENT, sort=_OLDEST_FIRST, limit=size))
        age = (self._database.clock.now() - rows[0].created_time).total_seconds() if rows else 0.0
        _show_backlog(len(rows) if len(rows) < size else await self._rows.count(_NOT_SENT), age)
        return rows

    async def _mark(self, sent: Sequence[tuple[OutboxRow, Sent]]) -> None:
        if not sent:
            return
        await self._restore_overwritten(place for _, place in sent)
        now = self._database.clock.now()
        operations = [
            UpdateOne(
                {"_id": row.id},
                {"$set": {"sent_time": now, "topic_id": self._topic_id, "partition": place.partition, "offset": place.offset}},
            )
            for row, place in sent
        ]

        async def mark() -> None:
            await self._lease.renew()
            await self._rows.write_all(operations)

        await self._database.transaction(mark)
        metrics.OUTBOX_SENT.inc(len(sent))

    async def _restore_lost(self) -> bool:
        """Makes unsent again what the broker no longer has: its topic is another one, or shorter. Returns whether so."""
        topic_id = (await self._broker.ensure_topics(with_dead_topics([self._topic], self._settings.partitions)))[self._topic]
        restored = 0
        if topic_id != self._topic_id:
            restored += await self._restore({"topic_id": {"$ne": topic_id}, "sent_time": {"$ne": None}})
            self._next_offsets = await self._broker.end_offsets(self._topic)
            for partition, end in self._next_offsets.items():
                restored += await self._restore({"topic_id": topic_id, "partition": partition, "offset": {"$gte": end}})
            self._topic_id = topic_id
        self._checked = time.monotonic()
        return restored > 0

    async def _restore_overwritten(self, places: Iterable[Sent]) -> None:
        """Makes unsent again what lay where the broker has put a new record: it had lost it, and came back between two checks."""
        for place in places:
            if place.offset < self._next_offsets.get(place.partition, 0):
                query = {"topic_id": self._topic_id, "partition": place.partition, "offset": {"$gte": place.offset}}
                await self._restore(query)
            self._next_offsets[place.partition] = place.offset + 1

    async def _restore(self, query: dict[str, Any]) -> int:
        restored = 0
        while rows := await self._rows.find(query, limit=_RESTORED_AT_ONCE):
            update = {"$unset": {"sent_time": "", "topic_id": "", "partition": "", "offset": ""}}
            await self._rows.update_many({"_id": {"$in": [row.id for row in rows]}}, update)
            restored += len(rows)
        if restored:
            _log.warning("the broker has lost events; they are sent again", topic=self._topic, events=restored)
            metrics.OUTBOX_RESTORED.inc(restored)
        return restored

    def _record(self, row: OutboxRow, traceparent: str) -> Record:
        envelope = Envelope(row.id, row.type, self._service, row.created_time, traceparent)
        return Record(row.topic, row.key.encode(), bytes(row.payload or b""), to_headers(envelope))

    def _note_failure(self, error: Exception) -> None:
        metrics.RELAY_FAILURES.inc()
        self._topic_id = ""
        if isinstance(error, LeaseLost):
            self._lease.drop()
        if isinstance(error, MeshError):
            _log.warning("relay failed", reason=error.reason, **error.metadata)
        else:
            _log.error("relay failed", exc_info=error)

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(self._settings.poll_seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _let_go(self) -> None:
        try:
            await self._lease.release()
        except MeshError as error:
            _log.warning("lease not released", reason=error.reason)


def _show_backlog(events: int, age_seconds: float) -> None:
    metrics.OUTBOX_BACKLOG.set(events)
    metrics.OUTBOX_AGE.set(max(age_seconds, 0.0))
