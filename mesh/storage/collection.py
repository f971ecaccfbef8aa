"""One collection of documents, through PyMongo's async client. Takes part in the running transaction when there is one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure, PyMongoError

from mesh.errors import Conflict
from mesh.storage.documents import StoredDocument
from mesh.storage.failures import (
    DuplicateKey,
    failures_told,
    is_duplicate,
    is_write_conflict,
    seconds_allowed,
    seconds_until,
    time_limit,
)
from mesh.storage.session import Ambient, current_ambient
from mesh.storage.turns import Turns

D = TypeVar("D", bound=StoredDocument)
R = TypeVar("R")
Son = dict[str, Any]

_CONFLICT_PAUSE_SECONDS = 0.01
_INDEX_SECONDS = 60.0  # an index over a large collection takes its time; this runs before the process serves
_NAMESPACE_EXISTS = 48


class Collection(Generic[D]):
    """Reads and writes documents of one class. Queries and updates are MongoDB's own, with the names that are stored.

    Every method raises Unavailable when the database does not answer in time and DeadlinePassed when the call's time is over.
    """

    def __init__(self, driver: AsyncCollection[Son], document_class: type[D], turns: Turns, longest_seconds: float) -> None:
        self._driver = driver
        self._document_class = document_class
        self._turns = turns
        self._longest_seconds = longest_seconds

    async def get(self, document_id: str) -> D | None:
        """The document with this id, if there is one."""
        return await self.find_one({"_id": document_id})

    async def find_one(self, query: Mapping[str, Any]) -> D | None:
        """The first document that matches, if any."""
        son = await self._run(lambda session: self._driver.find_one(query, session=session))
        return None if son is None else self._document(son)

    async def find(
        self,
        query: Mapping[str, Any],
        *,
        sort: Sequence[tuple[str, int]] | None = None,
        limit: int | None = None,
        skip: int = 0,
    ) -> list[D]:
        """The documents that match, in the order of `sort` (field, 1 or -1); at most `limit`, after the first `skip`."""

        async def read(session: AsyncClientSession | None) -> list[Son]:
            cursor = self._driver.find(query, session=session, sort=sort, limit=limit or 0, skip=skip)
            return await cursor.to_list()

        return [self._document(son) for son in await self._run(read)]

    async def count(self, query: Mapping[str, Any]) -> int:
        """How many documents match."""
        return await self._run(lambda session: self._driver.count_documents(query, session=session))

    async def insert(self, document: D) -> None:
        """Adds one document. Raises DuplicateKey when its id or a unique value is taken."""
        son = self._son(document)
        await self._run(lambda session: self._driver.insert_one(son, session=session))

    async def insert_many(self, documents: Sequence[D]) -> None:
        """Adds several documents at once. Raises DuplicateKey; outside of a transaction the ones before the duplicate stay."""
        sons = [self._son(document) for document in documents]
        await self._run(lambda session: self._driver.insert_many(sons, session=session))

    async def replace(self, document: D) -> None:
        """Stores a changed document and raises its version by one. Raises Conflict(STALE_VERSION) when it was changed."""
        read_version: int = document.version
        document.version = read_version + 1
        query = {"_id": document.id, "version": read_version}
        try:
            son = self._son(document)
            result = await self._run(lambda session: self._driver.replace_one(query, son, session=session))
        except BaseException:
            document.version = read_version
            raise
        if result.matched_count == 0:
            document.version = read_version
            raise Conflict("STALE_VERSION", "Somebody else changed this at the same time; read it again.")
        ambient = self._ambient()
        if ambient is not None:
            ambient.on_abort.append(lambda: setattr(document, "version", read_version))

    async def update_one(self, query: Mapping[str, Any], update: Mapping[str, Any], upsert: bool = False) -> int:
        """Changes the first document that matches; with `upsert` adds one when none does. Returns how many matched."""
        result = await self._run(lambda session: self._driver.update_one(query, update, upsert=upsert, session=session))
        return result.matched_count

    async def update_many(self, query: Mapping[str, Any], update: Mapping[str, Any]) -> int:
        """Changes every document that matches. Returns how many did."""
        result = await self._run(lambda session: self._driver.update_many(query, update, session=session))
        return result.matched_count

    async def delete(self, query: Mapping[str, Any]) -> int:
        """Removes every document that matches. Returns how many there were."""
        result = await self._run(lambda session: self._driver.delete_many(query, session=session))
        return result.deleted_count

    async def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> list[Son]:
        """The documents that MongoDB's aggregation pipeline yields, as they are."""

        async def read(session: AsyncClientSession | None) -> list[Son]:
            cursor = await self._driver.aggregate(pipeline, session=session)
            return await cursor.to_list()

        return await self._run(read)

    async def write_all(self, operations: Sequence[Any]) -> None:
        """Sends PyMongo write operations (UpdateOne, …) in one round trip, in order."""
        await self._run(lambda session: self._driver.bulk_write(operations, session=session))

    async def ensure_indexes(self) -> None:
        """Creates the collection and the indexes that the document class declares, as far as they are missing."""
        with failures_told():
            async with time_limit(_INDEX_SECONDS):
                await self._create()
                for spec in self._document_class._meta["index_specs"]:
                    options = {name: value for name, value in spec.items() if name not in ("fields", "cls")}
                    await self._driver.create_index(spec["fields"], **options)

    async def _create(self) -> None:
        try:
            await self._driver.database.create_collection(self._driver.name, check_exists=False)
        except OperationFailure as error:
            if error.code != _NAMESPACE_EXISTS:
                raise

    async def _run(self, work: Callable[[AsyncClientSession | None], Awaitable[R]]) -> R:
        ambient = self._ambient()
        if ambient is not None:
            try:
                return await work(ambient.session)
            except PyMongoError as error:
                if is_duplicate(error):
                    raise DuplicateKey from error
                raise  # as the driver's error: the transaction reads its labels to decide whether to run again
        give_up = asyncio.get_running_loop().time() + seconds_allowed(self._longest_seconds)
        async with self._turns.turn(give_up):
            with failures_told():
                async with time_limit(seconds_until(give_up)):
                    return await self._repeat_conflicts(work, give_up)

    async def _repeat_conflicts(self, work: Callable[[AsyncClientSession | None], Awaitable[R]], give_up: float) -> R:
        while True:
            try:
                return await work(None)
            except PyMongoError as error:
                if not is_write_conflict(error) or asyncio.get_running_loop().time() > give_up:
                    raise
            await asyncio.sleep(_CONFLICT_PAUSE_SECONDS)

    def _ambient(self) -> Ambient | None:
        return current_ambient(self._driver.database.name)

    def _document(self, son: Son) -> D:
        document: D = self._document_class._from_son(son)
        return document

    def _son(self, document: D) -> Son:
        document.validate()
        son: Son = document.to_mongo()
        return son
