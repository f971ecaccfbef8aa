"""Events that can never take effect: how they look, and how many are too many."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mesh.events.broker import Record
from mesh.events.cloudevents import ONLY_HANDLER, MalformedRecordError
from mesh.events.topics import dead_topic_of

_LONGEST_CAUSE = 500
_PREFIX = "dead_"


class TooManyDeadLettersError(Exception):
    """More events fail than chance explains: the code is wrong, and going on would only drain the topic."""


@dataclass(frozen=True, slots=True)
class ReceivedRecord:
    """A record as it was received."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that was put aside, where it had been, who failed at it and why."""

    record: ReceivedRecord
    cause: str
    handler: str  # "<service>/<name>"; "<service>/" when the service could not read the record at all
    topic: str
    partition: int
    offset: int
    time: str


def bury(record: ReceivedRecord, handler: str, cause: str, now: datetime) -> Record:
    """The record to send to the topic of dead letters."""
    facts = {
        "cause": cause[:_LONGEST_CAUSE],
        "handler": handler,
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "time": now.isoformat(timespec="milliseconds"),
    }
    headers = _without_ours(record.headers) + [(_PREFIX + name, value.encode()) for name, value in facts.items()]
    return Record(dead_topic_of(record.topic), record.key or b"", record.value or b"", headers)


def read(record: ReceivedRecord) -> DeadLetter:
    """A dead letter as it lies in its topic. Raises MalformedRecordError when it is none."""
    try:
        facts = {name.removeprefix(_PREFIX): value.decode() for name, value in record.headers if name.startswith(_PREFIX)}
        return DeadLetter(
            record, facts["cause"], facts["handler"], facts["topic"], int(facts["partition"]), int(facts["offset"]), facts["time"]
        )
    except KeyError as missing:
        raise MalformedRecordError(f"the header dead_{missing.args[0]} is missing") from missing
    except ValueError as wrong:
        raise MalformedRecordError("a header is not readable") from wrong


def revive(letter: DeadLetter) -> Record:
    """The record to send to the topic again, for the one handler that had failed."""
    headers = [*_without_ours(letter.record.headers), (ONLY_HANDLER, letter.handler.encode())]
    return Record(letter.topic, letter.record.key or b"", letter.record.value or b"", headers)


class DeadLetterLimit:
    """Counts dead letters within a sliding window."""

    def __init__(self, most: int, window_seconds: float) -> None:
        self._most = most
        self._window_seconds = window_seconds
        self._times: deque[float] = deque()

    def count(self) -> None:
        """Counts one more. Raises TooManyDeadLettersError when that is above the limit."""
        now = time.monotonic()
        while self._times and now - self._times[0] > self._window_seconds:
            self._times.popleft()
        if len(self._times) >= self._most:
            raise TooManyDeadLettersError(f"more than {self._most} dead letters in {self._window_seconds:g} seconds")
        self._times.append(now)


def _without_ours(headers: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [(name, value) for name, value in headers if not name.startswith(_PREFIX) and name != ONLY_HANDLER]
