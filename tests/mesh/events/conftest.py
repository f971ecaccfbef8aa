import gc
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from mesh.events.broker import Broker, KafkaSettings
from tests.mesh.events.flow import Publisher, Subscriber, asking, opened, settings_of
from tests.support.infrastructure import Running


@pytest.fixture
def kafka(broker_server: Running) -> KafkaSettings:
    """How to meet this session's broker."""
    return settings_of(broker_server.url)


@pytest.fixture
def collected() -> Iterator[None]:
    """Lets the garbage collector come before the test ends, and keeps kafka-python's log from holding what it is to collect."""
    log = logging.getLogger("kafka")
    before = log.level
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(before)
    gc.collect()


@pytest.fixture
async def broker(kafka: KafkaSettings) -> AsyncIterator[Broker]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(asking(kafka))


@pytest.fixture
async def publisher(database_server: Running) -> AsyncIterator[Publisher]:
    """A publisher with a database of its own."""
    async with AsyncExitStack() as stack:
        yield Publisher(await stack.enter_async_context(opened(database_server.url)))


@pytest.fixture
async def subscriber(database_server: Running, publisher: Publisher) -> AsyncIterator[Subscriber]:
    """A subscriber of that publisher, with a database of its own."""
    async with AsyncExitStack() as stack:
        yield Subscriber(await stack.enter_async_context(opened(database_server.url)), publisher)
