"""The headers of a record: CloudEvents 1.0, Kafka protocol binding, binary content mode; plus W3C trace context."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

CONTENT_TYPE = "application/protobuf"
ONLY_HANDLER = "mesh_handler"
_VERSION = "1.0"


class MalformedRecordError(Exception):
    """The record does not carry the headers of an event; the message says which one is wrong."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the headers of an event say."""

    event_id: str
    type_name: str  # the full name of the protobuf message
    source: str  # the service that published it
    occurred_time: datetime
    traceparent: str
    only_handler: str = ""  # a replayed dead letter is for who had failed, "<service>/<name>" or "<service>/"; empty: for all


def to_headers(envelope: Envelope) -> list[tuple[str, bytes]]:
    """The envelope as record headers."""
    occurred = envelope.occurred_time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    headers = {
        "ce_specversion": _VERSION,
        "ce_id": envelope.event_id,
        "ce_type": envelope.type_name,
        "ce_source": f"/marketplace/{envelope.source}",
        "ce_time": occurred,
        "content-type": CONTENT_TYPE,
        "traceparent": envelope.traceparent,
        ONLY_HANDLER: envelope.only_handler,
    }
    return [(name, value.encode()) for name, value in headers.items() if value]


def from_headers(headers: Iterable[tuple[str, bytes]]) -> Envelope:
    """The envelope that a record carries. Raises MalformedRecordError."""
    try:
        found = {name: value.decode() for name, value in headers}
        if found["ce_specversion"] != _VERSION:
            raise MalformedRecordError(f"the header 'ce_specversion' is not {_VERSION}")
        return Envelope(
            event_id=found["ce_id"],
            type_name=found["ce_type"],
            source=found["ce_source"].removeprefix("/marketplace/"),
            occurred_time=datetime.fromisoformat(found["ce_time"]).astimezone(UTC),
            traceparent=found.get("traceparent", ""),
            only_handler=found.get(ONLY_HANDLER, ""),
        )
    except KeyError as missing:
        raise MalformedRecordError(f"the header {missing} is missing") from missing
    except ValueError as wrong:
        raise MalformedRecordError("a header is not readable") from wrong
