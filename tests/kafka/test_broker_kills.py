"""Apache Kafka killed and started again in the middle of a flow: nothing lost, no partition stuck, one effect each, in order."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from mesh.events.broker import Broker, KafkaSettings
from mesh.local.program import Program
from tests.kafka.apache import kafka_program
from tests.mesh.events.flow import REFUSED, Publisher, Subscriber, asking, opened, running, settings_of
from tests.mesh.waiting import until
from tests.support.infrastructure import Running

pytestmark = [*REFUSED, pytest.mark.timeout(300)]
KEYS = [f"k{number}" for number in range(9)]
KILLS = 3


@dataclass
class House:
    """A broker of its own that keeps its data, a publisher and a subscriber."""

    program: Program
    kafka: KafkaSettings
    broker: Broker
    publisher: Publisher
    subscriber: Subscriber

    async def took_effect(self, last: int) -> None:
        for key in KEYS:
            await until(self.subscriber.has(key, range(last)), 60, f"{key} is not stuck")
            assert await self.subscriber.numbers(key) == list(range(1, last + 1))


@pytest.fixture
async def house(tmp_path: Path, database_server: Running) -> AsyncIterator[House]:
    program = kafka_program(tmp_path)
    kafka = settings_of(program.address)
    async with AsyncExitStack() as stack:
        stack.callback(program.kill)
        await asyncio.to_thread(program.start)
        broker = await stack.enter_async_context(asking(kafka))
        publisher = Publisher(await stack.enter_async_context(opened(database_server.url)))
        subscriber = Subscriber(await stack.enter_async_context(opened(database_server.url)), publisher)
        yield House(program, kafka, broker, publisher, subscriber)


def risen(value: Callable[[], int], by: int) -> Callable[[], bool]:
    """A condition: the value is so much higher than now."""
    wanted = value() + by
    return lambda: value() >= wanted


async def test_a_broker_killed_again_and_again_while_events_flow_loses_nothing_and_repeats_nothing(house: House) -> None:
    number, is_over = 0, asyncio.Event()

    async def publish_on() -> None:
        nonlocal number
        while not is_over.is_set():
            number += 1
            for key in KEYS:
                await house.publisher.publish(key, number)
            await asyncio.sleep(0.1)

    async with (
        running(house.publisher.relay(house.broker).run()),
        running(house.subscriber.consumer(house.broker, house.kafka).run()),
    ):
        flow = asyncio.create_task(publish_on())
        try:
            for _ in range(KILLS):
                await until(risen(lambda: len(house.subscriber.attempts), 60), 60, "events flow")
                house.program.kill()
                await until(risen(lambda: number, 2), 15, "publishing goes on")
                await asyncio.to_thread(house.program.start)
        finally:
            is_over.set()
            await flow
        await house.took_effect(number)
        assert await house.publisher.all_sent()


async def test_a_broker_that_comes_back_from_an_older_disk_gets_again_what_it_had_lost(house: House, tmp_path: Path) -> None:
    async def publish(first: int, last: int) -> None:
        for key in KEYS:
            await house.publisher.publish(key, *range(first, last + 1))

    async with running(house.publisher.relay(house.broker).run()):
        await publish(1, 5)
        await until(house.publisher.all_sent)
        await asyncio.to_thread(house.program.stop)
        shutil.copytree(tmp_path / "kafka" / "data", tmp_path / "older")
        await asyncio.to_thread(house.program.start)
        await publish(6, 10)
        await until(house.publisher.all_sent, 60)
        await asyncio.to_thread(house.program.stop)
        shutil.rmtree(tmp_path / "kafka" / "data")
        shutil.copytree(tmp_path / "older", tmp_path / "kafka" / "data")
        await asyncio.to_thread(house.program.start)
        async with running(house.subscriber.consumer(house.broker, house.kafka).run()):
            await house.took_effect(10)
            await publish(11, 12)
            await house.took_effect(12)
