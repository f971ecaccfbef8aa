"""Dead letters are listed with their cause and sent again to the handler that had failed; sent twice, they have one effect."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mesh.events.broker import Broker, KafkaSettings, Record
from mesh.events.subscription import Delivery
from mesh.events.topics import dead_topic_of
from tests.mesh.events.flow import Publisher, Subscriber, committed, lying_in, running
from tests.mesh.events.records import record_of
from tests.mesh.waiting import until

ROOT = Path(__file__).parents[3]


async def replay(kafka: KafkaSettings, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The command as an operator runs it."""
    told = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP"}
    told |= {"KAFKA_BOOTSTRAP": kafka.bootstrap, "PYTHONPATH": str(ROOT)} | environment
    command = [sys.executable, "-W", "ignore", "-m", "mesh.events.replay", *arguments]
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, env=told, cwd=ROOT)


class Code:
    """A handler that is wrong until it is mended."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber
        self.is_wrong = True

    async def __call__(self, event: Any, delivery: Delivery) -> None:
        if self.is_wrong and event.number % 2 == 0:
            raise RuntimeError(f"cannot do {event.number}")
        await self._subscriber.note(event, delivery)


async def test_letters_are_listed_and_those_of_one_handler_take_effect_once_when_its_code_is_mended(
    publisher: Publisher, subscriber: Subscriber, broker: Broker, kafka: KafkaSettings
) -> None:
    code, topic = Code(subscriber), publisher.topic
    handler = f"{subscriber.service}/note"
    await broker.ensure_topics({topic: kafka.partitions, dead_topic_of(topic): 1})
    records = [record_of(publisher, "a", number, ce_id=f"evt_{number}".encode()) for number in range(1, 6)]
    await broker.send([*records, record_of(publisher, "a", 9, ce_id=None)])
    async with running(subscriber.consumer(broker, kafka, code).run()):
        await until(lambda: is_done_with(kafka, subscriber, 6))

        listed = await replay(kafka, f"--topic={topic}")
        assert listed.returncode == 0, listed.stderr
        assert listed.stdout.count(handler) == 2
        assert "    RuntimeError: cannot do 2\n" in listed.stdout
        assert "evt_4" in listed.stdout
        assert f"{subscriber.service}/  " in listed.stdout
        assert "the header 'ce_id' is missing" in listed.stdout
        assert listed.stdout.endswith("3 dead letters.\n")
        assert (await replay(kafka, f"--topic={topic}", "--event=evt_4")).stdout.endswith("1 dead letters.\n")
        assert (await replay(kafka, "--handler=somebody/else")).stdout == "0 dead letters.\n"
        assert await subscriber.numbers("a") == [1, 3, 5], "listing changes nothing"

        code.is_wrong = False
        for _ in range(2):
            sent = await replay(kafka, f"--handler={handler}", "--send")
            assert sent.stdout.endswith("2 dead letters.\n2 sent again.\n"), sent.stderr
        await until(lambda: is_done_with(kafka, subscriber, 10))
    assert await subscriber.numbers("a") == [1, 3, 5, 2, 4]
    assert len(await lying_in(kafka, dead_topic_of(topic))) == 3


async def is_done_with(kafka: KafkaSettings, subscriber: Subscriber, count: int) -> bool:
    return await committed(kafka, subscriber.service, subscriber.publisher.topic) == count


async def test_a_letter_that_fails_again_becomes_a_letter_again(
    publisher: Publisher, subscriber: Subscriber, broker: Broker, kafka: KafkaSettings
) -> None:
    await broker.ensure_topics({publisher.topic: kafka.partitions, dead_topic_of(publisher.topic): 1})
    await broker.send([record_of(publisher, "a", 2)])
    async with running(subscriber.consumer(broker, kafka, Code(subscriber)).run()):
        await until(lambda: is_done_with(kafka, subscriber, 1))
        await replay(kafka, f"--handler={subscriber.service}", "--send")
        await until(lambda: is_done_with(kafka, subscriber, 2))
    assert (await replay(kafka, f"--handler={subscriber.service}")).stdout.endswith("2 dead letters.\n")


async def test_what_is_no_letter_is_told_and_does_not_keep_the_others_from_being_listed(
    publisher: Publisher, broker: Broker, kafka: KafkaSettings
) -> None:
    dead = dead_topic_of(publisher.topic)
    await broker.ensure_topics({dead: 1})
    await broker.send([Record(dead, b"a", b"", [])])
    listed = await replay(kafka, f"--topic={publisher.topic}")
    assert listed.returncode == 0
    assert f"{dead}/0 is no dead letter: the header dead_cause is missing" in listed.stderr


@pytest.mark.parametrize(
    "bootstrap, code, sentence",
    [
        ("", 2, "KAFKA_BOOTSTRAP must name the event broker as host:port.\n"),
        ("127.0.0.1:1", 1, "The event broker at 127.0.0.1:1 does not answer.\n"),
    ],
)
async def test_without_a_broker_it_says_so_in_a_sentence(bootstrap: str, code: int, sentence: str, kafka: KafkaSettings) -> None:
    told = await replay(kafka, KAFKA_BOOTSTRAP=bootstrap)
    assert told.returncode == code
    assert told.stderr.endswith(sentence)
    assert "Traceback" not in told.stderr
