"""Broker or database frozen, cut off, their answers lost: calls succeed, nothing is lost, the order stays, all of it heals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from mesh.events.broker import KafkaSettings
from mesh.events.cloudevents import from_headers
from mesh.events.dead_letters import ReceivedRecord
from mesh.local.ports import free_port
from mesh.local.program import Program
from mesh.local.programs import database_program
from tests.mesh.events.flow import REFUSED, Publisher, Subscriber, asking, lying_in, metric, opened, running, settings_of
from tests.mesh.freezing import frozen
from tests.mesh.proxy import Proxy, proxied
from tests.mesh.waiting import until
from tests.support.infrastructure import DATABASE_URL, Running, broker_maker

pytestmark = REFUSED
NUMBERS = list(range(1, 31))


class FarBroker:
    """A broker that its clients reach through a bad network alone."""

    def __init__(self, program: Program, proxy: Proxy) -> None:
        self.program = program
        self.proxy = proxy
        self.kafka: KafkaSettings = settings_of(proxy.address)


@pytest.fixture
async def far(tmp_path: Path, pytestconfig: pytest.Config) -> AsyncIterator[FarBroker]:
    port = free_port()
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(proxied(f"127.0.0.1:{port}"))
        program = broker_maker(pytestconfig)(tmp_path, port=port, advertised=proxy.address)
        await asyncio.to_thread(program.start)
        stack.callback(program.kill)
        yield FarBroker(program, proxy)


def numbers_of(publisher: Publisher, records: list[ReceivedRecord]) -> list[int]:
    """As a receiver with an inbox sees them."""
    found: dict[str, int] = {}
    for record in records:
        found.setdefault(from_headers(record.headers).event_id, publisher.event.FromString(record.value or b"").number)
    return list(found.values())


async def test_while_the_broker_is_cut_off_publishing_goes_on_and_the_backlog_shows_and_later_drains_in_order(
    far: FarBroker, publisher: Publisher
) -> None:
    async with asking(far.kafka) as broker, running(publisher.relay(broker).run()):
        await publisher.publish("a", 1)
        await until(publisher.all_sent)
        far.proxy.hold()
        await asyncio.wait_for(publisher.publish("a", *NUMBERS[1:]), 3)
        failures = metric("mesh_relay_failures_total")
        await until(lambda: metric("mesh_relay_failures_total") > failures, 20, "the relay notices")
        await until(lambda: metric("mesh_outbox_backlog") == len(NUMBERS) - 1)
        assert metric("mesh_outbox_age_seconds") > 1
        far.proxy.release()
        await until(publisher.all_sent, 20)
        await until(lambda: metric("mesh_outbox_backlog") == 0)
    assert numbers_of(publisher, await lying_in(far.kafka, publisher.topic)) == NUMBERS


@pytest.mark.parametrize("times", [1, 4])
async def test_an_answer_of_the_broker_that_is_lost_loses_no_event_and_turns_no_order_round(
    times: int, far: FarBroker, publisher: Publisher, subscriber: Subscriber
) -> None:
    async with (
        asking(far.kafka) as broker,
        running(publisher.relay(broker).run()),
        running(subscriber.consumer(broker, far.kafka).run()),
    ):
        await publisher.publish("key-of-it", 1)
        await until(publisher.all_sent)
        far.proxy.lose_answers(b"key-of-it", times)
        await publisher.publish("key-of-it", *NUMBERS[1:])
        await until(subscriber.has("key-of-it", NUMBERS), 30)
        assert far.proxy.lost == times
    assert await subscriber.numbers("key-of-it") == NUMBERS


async def test_connections_that_are_cut_again_and_again_lose_nothing(
    far: FarBroker, publisher: Publisher, subscriber: Subscriber
) -> None:
    async with (
        asking(far.kafka) as broker,
        running(publisher.relay(broker).run()),
        running(subscriber.consumer(broker, far.kafka).run()),
    ):
        for number in NUMBERS:
            await publisher.publish("a", number)
            if number % 5 == 0:
                await until(subscriber.has("a", range(number - 4)))
                far.proxy.cut()
        await until(subscriber.has("a", NUMBERS), 30)
    assert await subscriber.numbers("a") == NUMBERS


async def test_a_broker_that_stands_still_for_longer_than_a_session_is_waited_for(
    far: FarBroker, publisher: Publisher, subscriber: Subscriber
) -> None:
    async with (
        asking(far.kafka) as broker,
        running(publisher.relay(broker).run()),
        running(subscriber.consumer(broker, far.kafka).run()),
    ):
        await publisher.publish("a", *NUMBERS[:10])
        await until(subscriber.has("a", NUMBERS[:5]))
        async with frozen(far.program):
            await publisher.publish("a", *NUMBERS[10:])
            await asyncio.sleep(2 * far.kafka.session_timeout_ms / 1000)  # the outage itself
        await until(subscriber.has("a", NUMBERS), 30)
    assert await subscriber.numbers("a") == NUMBERS


async def test_a_database_that_is_killed_is_waited_for_and_no_event_is_lost_put_aside_or_overtaken(
    tmp_path: Path, publisher: Publisher, kafka: KafkaSettings
) -> None:
    letters = metric("mesh_dead_letters_total", handler="note")
    retried = metric("mesh_events_retried_total", handler="note")
    program = database_program(tmp_path)
    await asyncio.to_thread(program.start)
    async with AsyncExitStack() as stack:
        stack.callback(program.kill)
        broker = await stack.enter_async_context(asking(kafka))
        url = DATABASE_URL.format(program.address)
        subscriber = Subscriber(await stack.enter_async_context(opened(url, "events", timeout_seconds=0.3)), publisher)
        await publisher.publish("a", *NUMBERS)
        async with running(publisher.relay(broker).run()), running(subscriber.consumer(broker, kafka).run()):
            await until(lambda: len(subscriber.attempts) > 5)
            program.kill()
            await until(lambda: metric("mesh_events_retried_total", handler="note") >= retried + 4)
            await asyncio.to_thread(program.start)
            await until(lambda: len(set(subscriber.attempts)) == len(NUMBERS), 20)
            await until(subscriber.has("a", NUMBERS))
        assert await subscriber.numbers("a") == NUMBERS
    assert metric("mesh_dead_letters_total", handler="note") == letters


async def test_a_relay_whose_database_is_cut_off_goes_on_by_itself(database_server: Running, kafka: KafkaSettings) -> None:
    async with (
        asking(kafka) as broker,
        proxied(database_server.program.address) as proxy,
        opened(DATABASE_URL.format(proxy.address), timeout_seconds=0.3) as far_database,
        opened(database_server.url, far_database._driver.name) as database,
    ):
        publisher = Publisher(database)
        relay = Publisher(far_database, publisher.service).relay(broker)
        async with running(relay.run()):
            await publisher.publish("a", 1)
            await until(publisher.all_sent)
            failures = metric("mesh_relay_failures_total")
            proxy.hold()
            await publisher.publish("a", *NUMBERS[1:])
            await until(lambda: metric("mesh_relay_failures_total") >= failures + 2)
            assert await publisher.unsent() == len(NUMBERS) - 1
            proxy.release()
            await until(publisher.all_sent)
    assert numbers_of(publisher, await lying_in(kafka, publisher.topic)) == NUMBERS
