"""Processes of one service share its partitions; whoever joins or leaves, every event takes effect once and in order."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from mesh.events.broker import Broker, KafkaSettings
from tests.mesh.events.flow import Publisher, Subscriber, metric, opened, running
from tests.mesh.waiting import until
from tests.support.infrastructure import Running

KEYS = [f"k{number}" for number in range(10)]


@asynccontextmanager
async def member(subscriber: Subscriber, url: str, broker: Broker, kafka: KafkaSettings) -> AsyncIterator[Subscriber]:
    """Another process of the subscriber's service, until the block ends."""
    async with opened(url, subscriber.database._driver.name) as database:
        other = Subscriber(database, subscriber.publisher, subscriber.service)
        async with running(other.consumer(broker, kafka).run()):
            yield other


def has_more(subscriber: Subscriber, count: int) -> Callable[[], bool]:
    before = len(subscriber.attempts)
    return lambda: len(subscriber.attempts) > before + count


async def test_members_that_join_and_leave_lose_nothing_and_turn_no_order_round(
    publisher: Publisher, subscriber: Subscriber, broker: Broker, kafka: KafkaSettings, database_server: Running
) -> None:
    published, is_over = 0, asyncio.Event()

    async def publish_on() -> None:
        nonlocal published
        while not is_over.is_set():
            published += 1
            for key in KEYS:
                await publisher.publish(key, published)
            await asyncio.sleep(0.02)

    flow = asyncio.create_task(publish_on())
    try:
        async with running(publisher.relay(broker).run()), member(subscriber, database_server.url, broker, kafka) as first:
            await until(lambda: len(first.attempts) > 0)
            for _ in range(2):
                async with member(subscriber, database_server.url, broker, kafka) as joined:
                    await until(lambda: len(joined.attempts) > 0, 20, "the new member gets partitions")
                await until(has_more(first, 20), 20, "the old one gets them back")
            is_over.set()
            await flow
            for key in KEYS:
                await until(subscriber.has(key, range(published)), 20)
                assert await subscriber.numbers(key) == list(range(1, published + 1))
    finally:
        is_over.set()
        await flow


async def test_the_members_of_a_service_share_the_work(
    publisher: Publisher, subscriber: Subscriber, broker: Broker, kafka: KafkaSettings, database_server: Running
) -> None:
    async with (
        running(publisher.relay(broker).run()),
        member(subscriber, database_server.url, broker, kafka) as first,
        member(subscriber, database_server.url, broker, kafka) as second,
    ):
        turn, give_up = 0, time.monotonic() + 60
        while not (first.attempts and second.attempts):
            turn += 1
            await publisher.publish(f"k{turn}", 1)
            await asyncio.sleep(0.02)
            assert time.monotonic() < give_up
    assert metric("mesh_consumer_assigned") == 0
