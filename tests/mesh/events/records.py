"""Records made by hand, as they come from a topic or go to one."""

from datetime import UTC, datetime
from typing import Any

from mesh.events.broker import Record
from mesh.events.cloudevents import Envelope, to_headers
from mesh.events.dead_letters import ReceivedRecord
from mesh.ids import new_id
from mesh.tracing import new_trace
from tests.mesh.events.flow import Publisher

WHEN = datetime(2026, 11, 24, 10, 30, 0, 250_000, tzinfo=UTC)


def record_of(publisher: Publisher, key: str, number: int, **changed: Any) -> Record:
    """An event as the relay would send it; `changed` replaces headers (None removes one)."""
    event = publisher.event(thing_id=key, number=number)
    headers: dict[str, bytes | None] = dict(
        to_headers(Envelope(new_id("evt"), publisher.event.DESCRIPTOR.full_name, publisher.service, WHEN, ""))
    )
    headers["traceparent"] = new_trace().traceparent.encode()
    for name, value in changed.items():
        headers[name] = value
    kept = [(name, value) for name, value in headers.items() if value is not None]
    return Record(publisher.topic, key.encode(), event.SerializeToString(), kept)


def received(record: Record, offset: int = 0) -> ReceivedRecord:
    """As a consumer gets it."""
    return ReceivedRecord(record.topic, 0, offset, record.key, record.value, record.headers)
