"""Documents that prove something."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

import mongoengine

from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database
from services.user.model.document import Document, State
from services.user.ports import After
from services.user.store.pages import beyond
from services.user.wire.documents import document_expiring, document_state_changed


class DocumentDocument(StoredDocument):
    """One document."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "documents",
        "indexes": [("account_id", "-submit_time", "-_id"), ("state", "submit_time", "_id"), ("check_time",)],
    }

    account_id: Any = mongoengine.StringField(required=True)
    kind: Any = mongoengine.StringField(required=True)
    reference: Any = mongoengine.StringField(required=True)
    submit_time: Any = mongoengine.DateTimeField(required=True)
    expire_time: Any = mongoengine.DateTimeField()
    state: Any = mongoengine.StringField(required=True)
    decision_time: Any = mongoengine.DateTimeField()
    decision_reason: Any = mongoengine.StringField()
    decided_by: Any = mongoengine.StringField()
    reminders: Any = mongoengine.IntField(required=True)
    check_time: Any = mongoengine.DateTimeField()  # absent: nothing to do


class StoredDocuments:
    """The port Documents on this service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._documents = database.collection(DocumentDocument)

    async def find(self, document_id: str) -> Document | None:
        found = await self._documents.get(document_id)
        return None if found is None else _document(found)

    async def of_account(self, account_id: str) -> list[Document]:
        return [_document(found) for found in await self._documents.find({"account_id": account_id})]

    async def add(self, document: Document) -> None:
        await self._documents.insert(_stored(document))
        await self._database.publish(document_state_changed(document, document.submit_time))

    async def save(self, document: Document, *, is_moved: bool, is_reminded: bool) -> None:
        await self._documents.replace(_stored(document))
        if is_moved:
            await self._database.publish(document_state_changed(document, self._database.clock.now()))
        if is_reminded:
            await self._database.publish(document_expiring(document))

    async def page(self, account_id: str, after: After, limit: int) -> list[Document]:
        query = {"account_id": account_id, **beyond(after, "submit_time")}
        found = await self._documents.find(query, sort=[("submit_time", -1), ("_id", -1)], limit=limit)
        return [_document(each) for each in found]

    async def waiting(self, after: After, limit: int) -> list[Document]:
        query = {"state": State.SUBMITTED.value, **beyond(after, "submit_time", is_newest_first=False)}
        found = await self._documents.find(query, sort=[("submit_time", 1), ("_id", 1)], limit=limit)
        return [_document(each) for each in found]

    async def due(self, now: datetime, limit: int) -> list[str]:
        query = {"check_time": {"$lte": now}}
        return [each.id for each in await self._documents.find(query, sort=[("check_time", 1)], limit=limit)]


def _stored(document: Document) -> DocumentDocument:
    values = asdict(document)
    return DocumentDocument(id=values.pop("document_id"), state=values.pop("state").value, **values)


def _document(found: DocumentDocument) -> Document:
    return Document(
        document_id=found.id,
        account_id=found.account_id,
        kind=found.kind,
        reference=found.reference,
        submit_time=found.submit_time,
        expire_time=found.expire_time,
        state=State(found.state),
        decision_time=found.decision_time,
        decision_reason=found.decision_reason or "",
        decided_by=found.decided_by or "",
        reminders=found.reminders,
        check_time=found.check_time,
        version=found.version,
    )
