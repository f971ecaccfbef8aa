"""kafka-python by itself: how fast it produces and consumes the records that the relay sends, with the relay's own settings."""

import time
from collections.abc import Sequence

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from mesh.events.broker import KafkaSettings, Record

_PATIENCE_SECONDS = 30.0


def produce(kafka: KafkaSettings, records: Sequence[Record]) -> float:
    """Seconds until all of them are acknowledged."""
    producer = KafkaProducer(**kafka.connection(), acks="all", enable_idempotence=True, metrics_enabled=False)
    try:
        producer.partitions_for(records[0].topic)  # connected before the clock runs
        started = time.perf_counter()
        for record in records:
            producer.send(record.topic, record.value, key=record.key, headers=record.headers)
        producer.flush(timeout=_PATIENCE_SECONDS)
        return time.perf_counter() - started
    finally:
        producer.close(timeout=5)


def consume(kafka: KafkaSettings, topic: str, expected: int) -> float:
    """Seconds until so many records have been polled from the topic's beginning. Raises TimeoutError."""
    consumer = KafkaConsumer(**kafka.connection(), auto_offset_reset="earliest", enable_auto_commit=False, metrics_enabled=False)
    try:
        consumer.assign([TopicPartition(topic, partition) for partition in range(kafka.partitions)])
        started = time.perf_counter()
        seen = 0
        while seen < expected:
            seen += sum(len(records) for records in consumer.poll(timeout_ms=500).values())
            if time.perf_counter() - started > _PATIENCE_SECONDS:
                raise TimeoutError(f"{seen} of {expected} records came")
        return time.perf_counter() - started
    finally:
        consumer.close(autocommit=False)
