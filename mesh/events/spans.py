"""The spans of an event's way: one for each sending, whose trace goes into the record, and one for each attempt at handling it.

Names and attributes are those of OpenTelemetry's semantic conventions for messaging. Without an exporter none is made.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING

from mesh import telemetry
from mesh.events.broker import Sent
from mesh.events.outbox import OutboxRow
from mesh.tracing import Trace, read_traceparent

if TYPE_CHECKING:
    from opentelemetry.trace import Span


class Sending:
    """The sending of some rows, as a block: `sent` says at its end which of them were acknowledged."""

    def __init__(self, rows: Sequence[OutboxRow]) -> None:
        self.traceparents: list[str] = [row.traceparent or "" for row in rows]
        self.sent: Sequence[Sent | None] = [None] * len(rows)
        self._spans = [_begin(row) for row in rows] if telemetry.is_exporting() else []
        if self._spans:
            self.traceparents = [telemetry.trace_of(each).traceparent for each in self._spans]

    def __enter__(self) -> "Sending":
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _frames: TracebackType | None) -> None:
        for each, place in zip(self._spans, self.sent, strict=True) if self._spans else ():
            if place is None:
                telemetry.fail_span(each, "not acknowledged" if kind is None else kind.__name__)
            else:
                each.set_attribute("messaging.destination.partition.id", str(place.partition))
                each.set_attribute("messaging.kafka.offset", place.offset)
            each.end()


def processing(
    topic: str, group: str, handler: str, traceparent: str, seen_before: type[BaseException]
) -> AbstractContextManager[Trace | None]:
    """The span of one attempt, in the event's trace. That the event has taken effect before is no failure."""
    if not telemetry.is_exporting():
        return nullcontext()
    attributes = _attributes("process", topic) | {"messaging.consumer.group.name": group, "mesh.handler": handler}
    return telemetry.span(f"process {topic}", "consumer", read_traceparent(traceparent), attributes, (seen_before,))


def _begin(row: OutboxRow) -> "Span":
    attributes = _attributes("send", row.topic) | {"messaging.message.id": str(row.id)}
    return telemetry.begin_span(f"send {row.topic}", "producer", read_traceparent(row.traceparent), attributes)


def _attributes(operation: str, topic: str) -> dict[str, str]:
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
    }
