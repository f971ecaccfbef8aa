"""The way of events: how soon after its commit an event reaches its handler, and how many can pass.

The most that can pass is held against kafka-python by itself, with the same records, in turns. What lies between the two is the
price of losing nothing: a durable transaction for each event received, and one for each batch sent.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from statistics import median

import uvloop

from bench import plain_kafka
from bench.figures import percentile, save, table
from bench.pipeline import Pipeline, event_number, pipeline
from mesh import telemetry
from mesh.errors import Unavailable
from mesh.events.broker import Broker, Record
from mesh.events.cloudevents import Envelope, to_headers
from mesh.ids import new_id
from mesh.tracing import new_trace

_PACES = (20, 100, 200)  # events a second: one by one, and as many as a busy service has
_EVENTS_A_TRANSACTION = 4
_PACED_SECONDS = 5
_MOST_PUBLISHING = 8  # above, the pace is missed instead of the database being flooded
_ROUNDS = 3
_NUMBERS_APART = 10_000  # between the events of different measurements
_EVENTS_AT_ONCE = 600
_PLAIN_TOPIC = "bench.plain.{}"
_PLAIN_TIMES = 5  # more records for what is faster

Round = tuple[float, float, float, float]
"""Events a second: sent by the relay, received by the handler, produced and consumed by kafka-python alone."""


async def measure() -> dict[str, float]:
    """Latencies in milliseconds, rates in events a second, and their ratios."""
    async with pipeline() as way:
        paced: dict[str, float] = {}
        for pace in _PACES:
            async with way.relaying():
                paced |= await _paced(way, pace)
        rounds = [await _take_turns(way, number) for number in range(1, _ROUNDS + 1)]
    relayed, received, produced, consumed = (median(column) for column in zip(*rounds, strict=True))
    return {
        **paced,
        "relay_events_per_second": relayed,
        "received_events_per_second": received,
        "plain_produced_per_second": produced,
        "plain_consumed_per_second": consumed,
        "relay_to_plain": median(each[0] / each[2] for each in rounds),
        "received_to_plain": median(each[1] / each[3] for each in rounds),
    }


async def _paced(way: Pipeline, pace: int) -> dict[str, float]:
    """The time from commit to handler, and the pace that was kept: a machine that does not keep up has queues to show for it."""
    committed: dict[int, float] = {}
    places = asyncio.Semaphore(_MOST_PUBLISHING)
    numbers = range(pace * _NUMBERS_APART, pace * _NUMBERS_APART + pace * _PACED_SECONDS)
    started = time.perf_counter()

    async def publish(some: Sequence[int]) -> None:
        async with places:
            if time.perf_counter() - started > 2 * _PACED_SECONDS:
                return
            with suppress(Unavailable):
                await way.publish(some)
                committed.update(dict.fromkeys(some, time.perf_counter()))

    async with asyncio.TaskGroup() as publishing:
        for first in range(0, len(numbers), _EVENTS_A_TRANSACTION):
            await asyncio.sleep(max(started + first / pace - time.perf_counter(), 0))
            publishing.create_task(publish(numbers[first : first + _EVENTS_A_TRANSACTION]))
    kept = len(committed) / max(time.perf_counter() - started, _PACED_SECONDS)
    await way.until_received(committed)
    latencies = [way.received[number] - moment for number, moment in committed.items()]
    return {
        f"at_{pace}.kept_events_per_second": kept,
        f"at_{pace}.commit_to_handler_p50_ms": percentile(latencies, 50) * 1000,
        f"at_{pace}.commit_to_handler_p99_ms": percentile(latencies, 99) * 1000,
    }


async def _take_turns(way: Pipeline, turn: int) -> Round:
    numbers = range(turn * _NUMBERS_APART, turn * _NUMBERS_APART + _EVENTS_AT_ONCE)
    await way.pile_up(numbers)
    started = time.perf_counter()
    async with way.relaying():
        await way.until_sent()
        relayed = len(numbers) / (time.perf_counter() - started)
        await way.until_received(numbers)
    received = len(numbers) / (max(way.received[number] for number in numbers) - started)
    records = _plain_records(_PLAIN_TOPIC.format(turn))
    broker = Broker(way.kafka)
    await broker.ensure_topics({records[0].topic: way.kafka.partitions})
    await broker.close()
    produced = len(records) / await asyncio.to_thread(plain_kafka.produce, way.kafka, records)
    consumed = len(records) / await asyncio.to_thread(plain_kafka.consume, way.kafka, records[0].topic, len(records))
    return relayed, received, produced, consumed


def _plain_records(topic: str) -> list[Record]:
    """What the relay makes of as many events, and some more, for a topic beside the marketplace's own."""
    records = []
    for number in range(_EVENTS_AT_ONCE * _PLAIN_TIMES):
        event = event_number(number)
        envelope = Envelope(new_id("evt"), event.DESCRIPTOR.full_name, "user", datetime.now(UTC), new_trace().traceparent)
        records.append(Record(topic, event.account_id.encode(), event.SerializeToString(), to_headers(envelope)))
    return records


def main() -> None:
    """Measures, prints and saves."""
    telemetry.configure_logs("bench", "error")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # topics that are not there yet are no news here
    figures = uvloop.run(measure())

    def against(name: str, plain: str, ratio: str) -> str:
        return f"{figures[name]:8.0f}/s  (kafka-python alone {figures[plain]:.0f}/s, ratio {figures[ratio]:.2f})"

    rows = {
        f"commit to handler at {pace} events/s": f"p50 {figures[f'at_{pace}.commit_to_handler_p50_ms']:6.0f} ms"
        f"  p99 {figures[f'at_{pace}.commit_to_handler_p99_ms']:6.0f} ms"
        f"  (kept {figures[f'at_{pace}.kept_events_per_second']:.0f}/s)"
        for pace in _PACES
    } | {
        "most that the relay sends": against("relay_events_per_second", "plain_produced_per_second", "relay_to_plain"),
        "most that is received": against("received_events_per_second", "plain_consumed_per_second", "received_to_plain"),
    }
    table("Events: outbox, relay, broker, inbox", rows)
    save("events", figures)


if __name__ == "__main__":
    main()
