"""One service's database: its collections, its transactions, its indexes, and the events that its transactions publish."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from mesh.call import find_call
from mesh.clock import Clock, SystemClock
from mesh.errors import Unavailable
from mesh.events.outbox import OutboxRow, append
from mesh.storage.collection import Collection
from mesh.storage.documents import StoredDocument
from mesh.storage.failures import DuplicateKey, failures_told, seconds_allowed, seconds_until, time_limit
from mesh.storage.session import Ambient, current_ambient, entered
from mesh.storage.turns import MOST_CONNECTIONS, Turns

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from mesh.idempotency import IdempotencyScope

__all__ = ["Collection", "Database", "DuplicateKey", "connect"]

D = TypeVar("D", bound=StoredDocument)
T = TypeVar("T")

_ABORT_SECONDS = 1.0
_FIRST_PAUSE_SECONDS = 0.005
_LONGEST_PAUSE_SECONDS = 0.25


def connect(mongo_url: str, timeout_seconds: float = 3.0) -> AsyncMongoClient[dict[str, Any]]:
    """A client that gives up on a server which does not answer within the timeout. It connects when it is first used."""
    milliseconds = int(timeout_seconds * 1000)
    return AsyncMongoClient(
        mongo_url,
        tz_aware=True,
        serverSelectionTimeoutMS=milliseconds,
        connectTimeoutMS=milliseconds,
        w="majority",
        journal=True,
        maxPoolSize=MOST_CONNECTIONS,
        maxConnecting=MOST_CONNECTIONS,  # who waits for others to connect waits inside the driver
    )


class Database:
    """One service's database. `timeout_seconds` bounds each operation and each transaction; a call's deadline may shorten it."""

    def __init__(
        self,
        client: AsyncMongoClient[dict[str, Any]],
        name: str,
        *,
        clock: Clock | None = None,
        timeout_seconds: float = 3.0,
    ) -> None:
        self._client = client
        self._driver = client[name]
        self._clock = clock or SystemClock()
        self._timeout_seconds = timeout_seconds
        self._turns = Turns()
        self._collections: dict[type[StoredDocument], Collection[Any]] = {}
        self._published: list[Callable[[], None]] = []
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def clock(self) -> Clock:
        """What tells the time of everything that is stored here."""
        return self._clock

    def collection(self, document_class: type[D]) -> Collection[D]:
        """The collection of this class of documents."""
        found = self._collections.get(document_class)
        if found is None:
            driver = self._driver[document_class._get_collection_name()]
            found = self._collections[document_class] = Collection(driver, document_class, self._turns, self._timeout_seconds)
        return found

    async def ensure_indexes(self) -> None:
        """Creates the collections that were asked for so far and their indexes, as far as they are missing."""
        for collection in list(self._collections.values()):
            await collection.ensure_indexes()

    async def ping(self) -> None:
        """Returns when the database answers. Raises Unavailable when it does not."""
        with failures_told():
            async with time_limit(seconds_allowed(self._timeout_seconds)):
                await self._driver.command("ping")

    def on_published(self, wake: Callable[[], None]) -> None:
        """Calls `wake` after every commit that published events."""
        self._published.append(wake)

    async def publish(self, event: "Message") -> None:
        """Adds an event to the running transaction: it is sent if, and only if, the transaction commits.

        Events with one key are sent in the order of their transactions. Raises RuntimeError outside of a transaction.
        """
        ambient = current_ambient(self._driver.name)
        if ambient is None:
            raise RuntimeError("events are published inside a transaction")
        await append(self.collection(OutboxRow), event, self._clock.now())
        ambient.has_published = True

    async def transaction(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs `work` so that all its storage calls take effect together or not at all; inside a transaction, as a part of that.

        `work` runs again when another transaction was in its way, so it must do nothing but read and write here. Raises what
        `work` raises, after which nothing has happened, and Unavailable when the database does not answer: then it is not known
        whether the transaction took effect.
        """
        if current_ambient(self._driver.name) is not None:
            return await work()
        give_up = asyncio.get_running_loop().time() + seconds_allowed(self._timeout_seconds)
        async with self._turns.turn(give_up):
            session = self._client.start_session()
            try:
                with failures_told():
                    return await self._run(session, work, give_up)
            finally:
                await self._end(session, give_up)

    async def _run(self, session: AsyncClientSession, work: Callable[[], Awaitable[T]], give_up: float) -> T:
        call = find_call()
        scope = None if call is None else call.idempotency
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._attempt(session, work, scope, give_up)
            except PyMongoError as error:
                is_late = asyncio.get_running_loop().time() + pause > give_up
                if is_late or not error.has_error_label("TransientTransactionError"):
                    raise
            await _abort(session)
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads racers, hides nothing
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _attempt(
        self, session: AsyncClientSession, work: Callable[[], Awaitable[T]], scope: "IdempotencyScope | None", give_up: float
    ) -> T:
        await session.start_transaction(ReadConcern("snapshot"), WriteConcern("majority", j=True))
        ambient = Ambient(self._driver.name, session, asyncio.current_task())
        try:
            async with time_limit(seconds_until(give_up)):
                with entered(ambient):
                    if scope is not None:
                        await scope.claim()
                    result = await work()
                await _commit(session, give_up)
        except BaseException:
            for undo in reversed(ambient.on_abort):
                undo()
            raise
        if scope is not None:
            scope.is_claimed = True
        if ambient.has_published:
            for wake in self._published:
                wake()
        return result

    async def _end(self, session: AsyncClientSession, give_up: float) -> None:
        """Ends the session; goes on in the background when the server is too slow for the one who waits."""
        if not session.in_transaction:
            await session.end_session()
            return
        ending = asyncio.create_task(_abort_and_end(session))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        await asyncio.wait({ending}, timeout=seconds_until(give_up))


async def _commit(session: AsyncClientSession, give_up: float) -> None:
    """Commits, asking again when the answer was lost.

    The driver's own with_transaction would run the work again when a server that lost the session answers the second question
    with a transient error, although the first commit may have taken effect; that would be a double effect.
    """
    is_unknown = False
    while True:
        try:
            await session.commit_transaction()
        except PyMongoError as error:
            is_lost = error.has_error_label("UnknownTransactionCommitResult")
            if is_lost and asyncio.get_running_loop().time() + _FIRST_PAUSE_SECONDS < give_up:
                is_unknown = True
                await asyncio.sleep(_FIRST_PAUSE_SECONDS)
                continue
            if is_lost or is_unknown:
                raise Unavailable("DEPENDENCY_UNAVAILABLE", "The database did not confirm the change.") from error
            raise
        return


async def _abort(session: AsyncClientSession) -> None:
    """Ends what is left of the attempt. A server that cannot be told ends it by itself when the session expires."""
    if session.in_transaction:
        async with time_limit(_ABORT_SECONDS):
            await session.abort_transaction()


async def _abort_and_end(session: AsyncClientSession) -> None:
    with suppress(PyMongoError):
        await _abort(session)
    await session.end_session()
