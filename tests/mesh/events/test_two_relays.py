"""One relay at a time sends. One that was paused goes on late, changes nothing any more, and turns no order round."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from mesh.events.broker import Broker, KafkaSettings, Record, Sent
from mesh.events.cloudevents import from_headers
from tests.mesh.events.flow import RELAYING, Publisher, Subscriber, lying_in, metric, running
from tests.mesh.waiting import until

LEADING_BRIEFLY = replace(RELAYING, lease_seconds=0.5)


class Pausing(Broker):
    """Stands still after so many records of a batch, as a process that the machine has frozen, and then goes on with it."""

    def __init__(self, kafka: KafkaSettings, after: int) -> None:
        super().__init__(kafka)
        self._after = after
        self.has_paused, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def send(self, records: Sequence[Record]) -> list[Sent | None]:
        sent = await super().send(records[: self._after])
        self.has_paused.set()
        await self.may_go_on.wait()
        sent += await super().send(records[self._after :])
        return sent


async def first_occurrences(publisher: Publisher, kafka: KafkaSettings, key: str) -> list[int]:
    """The numbers of a key as a receiver with an inbox sees them."""
    found: dict[str, int] = {}
    for record in await lying_in(kafka, publisher.topic):
        if record.key == key.encode():
            found.setdefault(from_headers(record.headers).event_id, publisher.event.FromString(record.value or b"").number)
    return list(found.values())


@pytest.mark.parametrize("after", [0, 2])
async def test_a_relay_that_was_paused_turns_no_order_round_and_marks_nothing(
    after: int, publisher: Publisher, broker: Broker, kafka: KafkaSettings
) -> None:
    await publisher.publish("a", 1, 2, 3, 4)
    paused = Pausing(kafka, after)
    async with running(publisher.relay(paused, LEADING_BRIEFLY).run()):
        await asyncio.wait_for(paused.has_paused.wait(), 10)
        async with running(publisher.relay(broker, LEADING_BRIEFLY).run()):
            await until(publisher.all_sent)
            await publisher.publish("a", 5, 6)
            await until(publisher.all_sent)
            places = {row.id: row.offset for row in await publisher.rows.find({})}
            failures = metric("mesh_relay_failures_total")
            paused.may_go_on.set()
            await until(lambda: metric("mesh_relay_failures_total") > failures, 10, "its mark was refused")
            assert {row.id: row.offset for row in await publisher.rows.find({})} == places
    await paused.close()
    assert len(await lying_in(kafka, publisher.topic)) == 10
    assert await first_occurrences(publisher, kafka, "a") == [1, 2, 3, 4, 5, 6]


async def test_a_relay_takes_over_from_one_that_is_gone(
    publisher: Publisher, subscriber: Subscriber, broker: Broker, kafka: KafkaSettings
) -> None:
    async with running(subscriber.consumer(broker, kafka).run()):
        for turn in range(3):
            async with running(publisher.relay(broker).run()), running(publisher.relay(broker).run()):
                await publisher.publish("a", *range(turn * 4, turn * 4 + 4))
                await until(publisher.all_sent)
        await until(subscriber.has("a", range(12)))
    assert await subscriber.numbers("a") == list(range(12))
