"""Documents of the tests' own, and databases that end with their test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import mongoengine

from mesh.clock import Clock
from mesh.ids import new_id
from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database, connect


class Thing(StoredDocument):
    """Something with a unique name."""

    meta: ClassVar[dict[str, Any]] = {"collection": "things", "indexes": [{"fields": ("name",), "unique": True, "sparse": True}]}

    name: Any = mongoengine.StringField(max_length=20)
    count: Any = mongoengine.IntField(default=0)
    notes: Any = mongoengine.DictField()
    changed_time: Any = mongoengine.DateTimeField()


@asynccontextmanager
async def opened(
    url: str, name: str = "", *, clock: Clock | None = None, timeout_seconds: float = 3.0, is_kept: bool = False
) -> AsyncIterator[Database]:
    """A database with the things' collection, dropped at the end unless it is kept for another one to open."""
    name = name or new_id("t")
    client = connect(url, timeout_seconds)
    database = Database(client, name, clock=clock, timeout_seconds=timeout_seconds)
    database.collection(Thing)
    try:
        await database.ensure_indexes()
        yield database
        if not is_kept:
            await client.drop_database(name)
    finally:
        await client.close()
