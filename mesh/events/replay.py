"""Lists what lies in the topics of dead letters and, when told to, sends it again. Takes nothing out of those topics.

A letter goes to the handler that had failed and to no other; sent twice, it takes effect once.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from mesh.errors import Unavailable
from mesh.events.broker import Broker, KafkaSettings
from mesh.events.cloudevents import MalformedRecordError
from mesh.events.dead_letters import DeadLetter, ReceivedRecord, read, revive
from mesh.events.topics import is_dead

_POLL_MS = 500


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when the broker does not answer or takes not all, 2 when it is not known which broker to ask."""
    options = _parse(arguments)
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP", "")
    if not bootstrap:
        print("KAFKA_BOOTSTRAP must name the event broker as host:port.", file=sys.stderr)
        return 2
    kafka = KafkaSettings(bootstrap, "replay")
    try:
        letters = [letter for letter in _letters(kafka) if _is_meant(letter, options)]
        for letter in letters:
            print(_told(letter))
        print(f"{len(letters)} dead letters.")
        return asyncio.run(_send_again(kafka, letters)) if options.send else 0
    except (KafkaError, Unavailable, OSError):
        print(f"The event broker at {bootstrap} does not answer.", file=sys.stderr)
        return 1


def records_in(kafka: KafkaSettings, topics: Sequence[str]) -> list[ReceivedRecord]:
    """All that lies in the topics now, each partition's records in their order. Blocks. Raises KafkaError."""
    found: list[ReceivedRecord] = []
    with closing(KafkaConsumer(**kafka.connection(), metrics_enabled=False, allow_auto_create_topics=False)) as consumer:
        partitions = [TopicPartition(topic, number) for topic in topics for number in consumer.partitions_for_topic(topic) or ()]
        if not partitions:
            return []
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        while True:
            polled = consumer.poll(timeout_ms=_POLL_MS)
            for records in polled.values():
                found += [ReceivedRecord(r.topic, r.partition, r.offset, r.key, r.value, r.headers) for r in records]
            if not polled and all(consumer.position(each) >= ends[each] for each in partitions):
                return sorted(found, key=lambda record: (record.topic, record.partition, record.offset))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m mesh.events.replay", description=__doc__)
    parser.add_argument("--topic", default="", help="only events of this topic, as marketplace.user.v1")
    parser.add_argument("--handler", default="", help="only where this handler failed, as notification/tell, or any of a service")
    parser.add_argument("--event", default="", help="only the event with this id")
    parser.add_argument("--send", action="store_true", help="send them again; otherwise they are only listed")
    return parser.parse_args(arguments)


def _letters(kafka: KafkaSettings) -> Iterator[DeadLetter]:
    with closing(KafkaConsumer(**kafka.connection(), metrics_enabled=False)) as consumer:
        topics = sorted(filter(is_dead, consumer.topics()))
    for record in records_in(kafka, topics):
        try:
            yield read(record)
        except MalformedRecordError as wrong:
            print(f"{record.topic}/{record.offset} is no dead letter: {wrong}", file=sys.stderr)


def _is_meant(letter: DeadLetter, options: argparse.Namespace) -> bool:
    service, _, _ = letter.handler.partition("/")
    return (
        options.topic in ("", letter.topic)
        and options.handler in ("", letter.handler, service)
        and options.event in ("", _header(letter, "ce_id"))
    )


def _told(letter: DeadLetter) -> str:
    what = f"{_header(letter, 'ce_type')} {_header(letter, 'ce_id')}".strip() or "no event"
    return f"{letter.record.topic}/{letter.record.offset}  {letter.time}  {letter.handler}  {what}\n    {letter.cause}"


def _header(letter: DeadLetter, wanted: str) -> str:
    return next((value.decode(errors="replace") for name, value in letter.record.headers if name == wanted and value), "")


async def _send_again(kafka: KafkaSettings, letters: Sequence[DeadLetter]) -> int:
    broker = Broker(kafka)
    try:
        sent = await broker.send([revive(letter) for letter in letters])
    finally:
        await broker.close()
    count = len(sent) - sent.count(None)
    print(f"{count} sent again.")
    return 0 if count == len(letters) else 1


if __name__ == "__main__":
    sys.exit(main())
