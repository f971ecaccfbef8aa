"""Who was erased."""

from datetime import datetime
from typing import Any, ClassVar

import mongoengine
from marketplace.user.v1.events_pb2 import PersonErased

from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database


class ErasedDocument(StoredDocument):
    """Says that the account with this id belongs to nobody any more, so that no late event brings the person back."""

    meta: ClassVar[dict[str, Any]] = {"collection": "erased"}

    erase_time: Any = mongoengine.DateTimeField(required=True)


class StoredErasures:
    """The port Erasures on this service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._erased = database.collection(ErasedDocument)

    async def is_erased(self, account_id: str) -> bool:
        return await self._erased.get(account_id) is not None

    async def add(self, account_id: str, now: datetime) -> None:
        await self._erased.insert(ErasedDocument(id=account_id, erase_time=now))
        event = PersonErased(account_id=account_id)
        event.erase_time.FromDatetime(now)
        await self._database.publish(event)
