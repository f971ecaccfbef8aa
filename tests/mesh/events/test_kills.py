"""Relay and consumers killed at each step of their work, again and again: no event is lost, each has one effect, in order."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from mesh.events.broker import Broker, KafkaSettings
from mesh.local.ports import free_port
from mesh.local.program import Program
from tests.mesh.events.flow import Publisher, Subscriber, opened
from tests.mesh.events.member import STEPS
from tests.mesh.waiting import until
from tests.support.infrastructure import DATABASE_URL

ROOT = Path(__file__).parents[3]
KEYS = [f"k{number}" for number in range(8)]


# A process killed in a transaction leaves it open, and the documents that it wrote locked, until the database gives it up.
IMPATIENT = """
from functools import partial
from secantus import cli
cli.SecantusDBServer = partial(cli.SecantusDBServer, transaction_lifetime_seconds=1)
cli.main()
"""


@dataclass
class House:
    """A publisher and two services that listen to it, on one database server."""

    url: str
    publisher: Publisher
    subscribers: list[Subscriber]


@pytest.fixture
async def house(tmp_path: Path, broker: Broker, kafka: KafkaSettings) -> AsyncIterator[House]:
    port = free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--storage-path", str(tmp_path / "database")]
    program = Program("database", [sys.executable, "-c", IMPATIENT, *options], port, tmp_path)
    url = DATABASE_URL.format(program.address)
    async with AsyncExitStack() as stack:
        stack.callback(program.kill)
        await asyncio.to_thread(program.start)
        opens = [await stack.enter_async_context(opened(url, f"database{number}")) for number in range(3)]
        publisher = Publisher(opens[0])
        await broker.ensure_topics({publisher.topic: kafka.partitions})
        yield House(url, publisher, [Subscriber(each, publisher) for each in opens[1:]])


class Mortal:
    """A process that is killed so often."""

    def __init__(self, role: str, folder: Path, kills: int, **told: str) -> None:
        self.role = role
        self._kills = kills
        self._deaths = folder / f"{role}-{told['database']}.deaths"
        self._deaths.touch()
        options = [f"--{name}={value}" for name, value in told.items()]
        command = [sys.executable, "-W", "ignore", "-m", "tests.mesh.events.member", role, f"--kills={kills}", *options]
        self.program = Program(
            self._deaths.stem,
            [*command, f"--deaths={self._deaths}"],
            0,
            folder,
            environment={"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'generated'}"},
        )

    def deaths(self) -> Counter[str]:
        """How often it died at which step."""
        return Counter(self._deaths.read_text().split())

    def is_through(self) -> bool:
        assert self.program.pid is not None, self.program.obituary()
        return self.deaths().total() == self._kills


async def test_processes_killed_at_each_step_lose_nothing_repeat_nothing_and_keep_the_order(
    house: House, kafka: KafkaSettings, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    kills = max(-(-int(pytestconfig.getoption("kills")) // 3), 3)
    published = Counter[str]()

    def mortal(role: str, one: Publisher | Subscriber) -> Mortal:
        told = {"mongo": house.url, "database": one.database._driver.name, "kafka": kafka.bootstrap}
        return Mortal(role, tmp_path, kills, **told, publisher=house.publisher.service, subscriber=one.service)

    async def publish_on() -> None:
        while not all(each.is_through() for each in mortals):
            for key in KEYS:
                published[key] += 1
                await house.publisher.publish(key, published[key])
            await asyncio.sleep(0.05)

    mortals = [mortal("relay", house.publisher), *(mortal("consumer", each) for each in house.subscribers)]
    try:
        for each in mortals:
            each.program.spawn()
        async with asyncio.timeout(20 + 8 * kills):
            await publish_on()
        for subscriber in house.subscribers:
            for key in KEYS:
                await until(subscriber.has(key, range(published[key])), 20)
                assert await subscriber.numbers(key) == list(range(1, published[key] + 1))
        assert await house.publisher.all_sent()
    finally:
        for each in mortals:
            each.program.kill()
    for each in mortals:
        assert set(each.deaths()) == set(STEPS[each.role])
