"""Holdings of persons on a real database: shown page by page, erased with the traces that the mesh keeps."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import mongoengine
import pytest
from marketplace.auth.v1.events_pb2 import AccountRegistered
from marketplace.booking.v1.events_pb2 import BookingConfirmed

from mesh.events.outbox import OutboxRow
from mesh.idempotency import Idempotency, IdempotencyRecord, IdempotencyScope, KeyedCall
from mesh.ids import new_id
from mesh.storage.documents import StoredDocument
from mesh.storage.holdings import KEPT, REMOVED, Holding, Holdings
from mesh.storage.mongo import Database, connect
from tests.support.infrastructure import Running

ME, OTHER = "acc_me", "acc_other"


class NoteDocument(StoredDocument):
    """Something that a person wrote to another."""

    meta: ClassVar[dict[str, Any]] = {"collection": "notes"}

    author_id: Any = mongoengine.StringField()
    reader_id: Any = mongoengine.StringField()
    text: Any = mongoengine.StringField()
    secret: Any = mongoengine.StringField()
    write_time: Any = mongoengine.DateTimeField()
    names: Any = mongoengine.ListField(mongoengine.DictField())


def _nameless(document: NoteDocument, account_id: str) -> Mapping[str, Any]:
    return {"names": [{**each, "name": ""} if each["id"] == account_id else each for each in document.names]}


TABLE = (
    Holding("notes", NoteDocument, "author_id", {"text": ""}, hidden=frozenset({"secret"})),
    Holding("notes received", NoteDocument, "reader_id", KEPT, exported_when={"text": {"$ne": "unread"}}),
    Holding("names", NoteDocument, "names.id", KEPT, exported_when=None, rewrite=_nameless),
)


@pytest.fixture
async def database(database_server: Running) -> AsyncIterator[Database]:
    client = connect(database_server.url)
    name = new_id("t")
    made = Database(client, name)
    yield made
    await client.drop_database(name)
    await client.close()


async def write(database: Database, note_id: str, author_id: str, reader_id: str, text: str) -> None:
    names = [{"id": author_id, "name": "A"}, {"id": reader_id, "name": "R"}]
    time = datetime(2030, 1, 2, tzinfo=UTC)
    note = NoteDocument(id=note_id, author_id=author_id, reader_id=reader_id, text=text, secret="x", write_time=time, names=names)
    await database.collection(NoteDocument).insert(note)


async def test_everything_is_shown_once_without_what_is_hidden(database: Database) -> None:
    for number in range(120):
        await write(database, f"note_{number:03}", ME, OTHER, "Hello.")
    await write(database, "answer", OTHER, ME, "Hi.")
    await write(database, "waiting", OTHER, ME, "unread")
    found = [each async for each in Holdings(database, TABLE).records(ME)]
    assert len({each.data["_id"] for each in found}) == len(found) == 121
    assert {each.kind for each in found} == {"notes", "notes received"}
    assert dict(found[0].data).keys() == {"_id", "author_id", "reader_id", "text", "write_time", "names"}
    assert str(found[0].data["write_time"]).startswith("2030-01-02")


@pytest.mark.parametrize("token", ["WyI5OSIsIiJd", "WyJ4IiwiIl0"])
async def test_a_page_that_there_is_not_is_empty(database: Database, token: str) -> None:
    assert await Holdings(database, TABLE).page(ME, token) == ([], "")


async def test_an_erasure_leaves_what_the_table_says(database: Database) -> None:
    holdings = Holdings(database, TABLE)
    await write(database, "mine", ME, OTHER, "Hello.")
    await write(database, "others", OTHER, ME, "Hi.")
    for _ in range(2):
        await database.transaction(lambda: holdings.erase(ME))
    notes = {each.id: each for each in await database.collection(NoteDocument).find({})}
    assert (notes["mine"].text, notes["others"].text) == ("", "Hi.")
    assert [each["name"] for each in notes["mine"].names + notes["others"].names] == ["", "R", "A", ""]
    removing = Holdings(database, (Holding("notes", NoteDocument, "author_id", REMOVED),))
    await database.transaction(lambda: removing.erase(ME))
    assert [each.id for each in await database.collection(NoteDocument).find({})] == ["others"]


async def test_events_that_are_kept_lose_what_is_personal_and_nothing_else(database: Database) -> None:
    async def publish() -> None:
        for account_id in (ME, OTHER):
            event = AccountRegistered(account_id=account_id, email="x@example.com", display_name="X", locale="en")
            await database.publish(event)
        await database.publish(BookingConfirmed(booking_id="bkg", customer_id=ME))

    await database.transaction(publish)
    await database.transaction(lambda: Holdings(database, ()).erase(ME))
    rows = {each.key: bytes(each.payload) for each in await database.collection(OutboxRow).find({})}
    mine, others = AccountRegistered.FromString(rows[ME]), AccountRegistered.FromString(rows[OTHER])
    assert (mine.account_id, mine.email, mine.display_name, mine.locale) == (ME, "", "", "en")
    assert (others.email, others.display_name) == ("x@example.com", "X")
    assert BookingConfirmed.FromString(rows["bkg"]).customer_id == ME


async def test_answers_of_keyed_calls_go_with_their_owner(database: Database) -> None:
    for owner in (ME, OTHER):
        attempt = await Idempotency(database).begin(KeyedCall(owner, "/x", "key", b"", 1.0))
        assert isinstance(attempt, IdempotencyScope)
        assert await attempt.run(_answer) == b"my address"
    await database.transaction(lambda: Holdings(database, ()).erase(ME))
    assert [each.owner for each in await database.collection(IdempotencyRecord).find({})] == [OTHER]


async def _answer() -> bytes:
    return b"my address"
