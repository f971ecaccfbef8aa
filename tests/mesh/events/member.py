"""A process of the events' tests that is killed again and again, each time at another step of its work, and always comes back.

It imports everything once and forks its successive lives, so that they begin quickly. Run by tests/mesh/events/test_kills.py.
"""

import argparse
import asyncio
import ctypes
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from mesh.events.broker import Broker, KafkaSettings, Record, Sent
from mesh.events.consumer import Consumer
from mesh.events.relay import Relay
from mesh.storage import mongo
from mesh.storage.mongo import Database
from tests.mesh.events.flow import HANDLING, RELAYING, Publisher, Subscriber, settings_of

T = TypeVar("T")

STEPS = {
    "relay": ("claimed", "published", "marked"),
    "consumer": ("handled", "committed", "offset"),
}
_SET_PARENT_DEATH_SIGNAL = 1


class Fate:
    """Kills this process when it has come so often to a step."""

    def __init__(self, step: str, times: int) -> None:
        self._step = step
        self._left = times

    def reach(self, step: str) -> None:
        if step == self._step:
            self._left -= 1
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


class MortalBroker(Broker):
    def __init__(self, kafka: KafkaSettings, fate: Fate) -> None:
        super().__init__(kafka)
        self._fate = fate

    async def send(self, records: Sequence[Record]) -> list[Sent | None]:
        self._fate.reach("claimed")
        sent = await super().send(records)
        self._fate.reach("published")
        return sent


class MortalRelay(Relay):
    fate: Fate

    async def _mark(self, sent: Any) -> None:
        await super()._mark(sent)
        self.fate.reach("marked")


class MortalDatabase(Database):
    fate: Fate

    async def transaction(self, work: Callable[[], Awaitable[T]]) -> T:
        async def watched() -> T:
            result = await work()
            self.fate.reach("handled")
            return result

        result = await super().transaction(watched)
        self.fate.reach("committed")
        return result


class MortalConsumer(Consumer):
    fate: Fate

    def _note_commit(self, offsets: Any, answer: Any) -> None:
        super()._note_commit(offsets, answer)
        self.fate.reach("offset")


async def relay(told: argparse.Namespace, fate: Fate) -> None:
    """One life as a relay."""
    publisher = Publisher(Database(mongo.connect(told.mongo), told.database), told.publisher)
    relay = MortalRelay(
        publisher.database, MortalBroker(settings_of(told.kafka), fate), told.publisher, str(os.getpid()), RELAYING
    )
    relay.fate = fate
    await relay.run()


async def consumer(told: argparse.Namespace, fate: Fate) -> None:
    """One life as a consumer."""
    database = MortalDatabase(mongo.connect(told.mongo), told.database)
    database.fate = fate
    subscriber = Subscriber(database, Publisher(database, told.publisher), told.subscriber)
    kafka = settings_of(told.kafka)
    subscription = subscriber.subscription()
    consumer = MortalConsumer(told.subscriber, database, Broker(kafka), kafka, [subscription], settings=HANDLING)
    consumer.fate = fate
    await consumer.run()


def main() -> None:
    """Lives and is killed as often as told, and then lives on. Each death adds its step to a file, a line each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=STEPS)
    for name in ("mongo", "database", "kafka", "publisher", "subscriber", "deaths"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--kills", type=int, default=0)
    told = parser.parse_args()
    for number in range(told.kills + 1):
        step = STEPS[told.role][number % 3] if number < told.kills else ""
        child = os.fork()
        if child == 0:
            _live(told, Fate(step, random.randint(1, 4)))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status != -signal.SIGKILL or not step:
            sys.exit(f"a life ended with {status} at {step or 'no step'}")
        with Path(told.deaths).open("a") as deaths:
            deaths.write(step + "\n")


def _live(told: argparse.Namespace, fate: Fate) -> None:
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    asyncio.run(relay(told, fate) if told.role == "relay" else consumer(told, fate))
    os._exit(0)


if __name__ == "__main__":
    main()
