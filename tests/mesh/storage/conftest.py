from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from mesh.storage.collection import Collection
from mesh.storage.mongo import Database
from tests.mesh.storage.documents import Thing, opened
from tests.support.infrastructure import Running


@pytest.fixture
async def database(database_server: Running) -> AsyncIterator[Database]:
    """A database of the test's own."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(opened(database_server.url))


@pytest.fixture
def things(database: Database) -> Collection[Thing]:
    return database.collection(Thing)
