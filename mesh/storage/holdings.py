"""What a service holds of persons: one table says where it is and what an erasure leaves; export and erasure follow from it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from google.protobuf.struct_pb2 import Struct
from marketplace.common.v1.personal_record_pb2 import PersonalRecord

from mesh.events.outbox import OutboxRow, redact
from mesh.idempotency import IdempotencyRecord
from mesh.paging import decode_cursor, encode_cursor
from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database

REMOVED: None = None
"""An erasure removes the document."""
KEPT: Mapping[str, Any] = {}
"""An erasure leaves the document as it is: nothing in it says who the person is."""

_AT_ONCE = 50  # of the largest documents that there are, these fit into a message
_NEVER_TOLD = frozenset({"version"})


@dataclass(frozen=True)
class Holding:
    """What one collection holds of a person in one part that they may have in it."""

    kind: str  # what an export calls it
    documents: type[StoredDocument]
    found_by: str  # the stored field that is the person's account id; indexed
    leaves: Mapping[str, Any] | None  # REMOVED, KEPT, or what an erasure writes over fields
    hidden: frozenset[str] = frozenset()  # fields that an export leaves out: secrets, and what is others'
    exported_when: Mapping[str, Any] | None = field(default_factory=dict)  # only what matches is exported; None: nothing is
    rewrite: Callable[[Any, str], Mapping[str, Any]] | None = (
        None  # what an erasure writes over one document, if `leaves` cannot say it
    )


class Holdings:
    """The table of one service, at work on its database."""

    def __init__(self, database: Database, table: Sequence[Holding]) -> None:
        self._database = database
        self._table = table
        for holding in table:
            database.collection(holding.documents)

    async def erase(self, account_id: str) -> None:
        """Erases the person, in a transaction; also from events that are kept for a broker, and from answers of keyed calls."""
        for holding in self._table:
            await self._erase(holding, account_id)
        await redact(self._database.collection(OutboxRow), account_id)
        await self._database.collection(IdempotencyRecord).delete({"owner": account_id})

    async def page(self, account_id: str, token: str) -> tuple[list[PersonalRecord], str]:
        """Some of the records, and the token of those after them; empty after the last."""
        index, last_id = self._place(token)
        if index >= len(self._table):
            return [], ""
        holding = self._table[index]
        found = [] if holding.exported_when is None else await self._read(holding, account_id, last_id)
        records = [_record(holding, each) for each in found]
        if len(found) == _AT_ONCE:
            return records, encode_cursor(str(index), found[-1].id)
        return records, encode_cursor(str(index + 1), "") if index + 1 < len(self._table) else ""

    async def records(self, account_id: str) -> AsyncIterator[PersonalRecord]:
        """Every record, page by page."""
        token, is_more = "", True
        while is_more:
            page, token = await self.page(account_id, token)
            for record in page:
                yield record
            is_more = bool(token)

    async def _erase(self, holding: Holding, account_id: str) -> None:
        collection = self._database.collection(holding.documents)
        query = {holding.found_by: account_id}
        if holding.rewrite is not None:
            for document in await collection.find(query):
                changes = holding.rewrite(document, account_id)
                if changes:
                    await collection.update_one({"_id": document.id}, _written_over(changes))
        elif holding.leaves is None:
            await collection.delete(query)
        elif holding.leaves:
            await collection.update_many(query, _written_over(holding.leaves))

    async def _read(self, holding: Holding, account_id: str, last_id: str) -> list[Any]:
        query: dict[str, Any] = {"$and": [{holding.found_by: account_id}, dict(holding.exported_when or {})]}
        if last_id:
            query["_id"] = {"$gt": last_id}
        return await self._database.collection(holding.documents).find(query, sort=[("_id", 1)], limit=_AT_ONCE)

    def _place(self, token: str) -> tuple[int, str]:
        if not token:
            return 0, ""
        index, last_id = decode_cursor(token, 2)
        is_given = index.isascii() and index.isdigit() and len(index) < 4
        return (int(index), last_id) if is_given else (len(self._table), "")


def _written_over(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The version moves too, so that whoever holds a document does not bring back what was erased."""
    return {"$set": values, "$inc": {"version": 1}}


def _record(holding: Holding, document: StoredDocument) -> PersonalRecord:
    left_out = holding.hidden | _NEVER_TOLD
    data = Struct()
    data.update({name: _plain(value) for name, value in document.to_mongo().items() if name not in left_out})
    return PersonalRecord(kind=holding.kind, data=data)


def _plain(value: Any) -> Any:
    """A stored value as JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | bool | int | float) or value is None else str(value)
