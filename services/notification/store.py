"""Notifications in MongoDB."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, ClassVar

import mongoengine

from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database
from services.notification.model import EmailState, Notification


class NotificationDocument(StoredDocument):
    """A notification; `title` is absent until it is worded."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "notifications",
        "indexes": [("due_time",), ("recipient_id", "-create_time", "-_id")],
    }

    recipient_id: Any = mongoengine.StringField(required=True)
    type: Any = mongoengine.StringField(required=True)
    booking_id: Any = mongoengine.StringField()
    create_time: Any = mongoengine.DateTimeField(required=True)
    facts: Any = mongoengine.DictField()
    title: Any = mongoengine.StringField()
    body: Any = mongoengine.StringField()
    is_read: Any = mongoengine.BooleanField(required=True)
    email_state: Any = mongoengine.StringField(required=True)
    email_to: Any = mongoengine.StringField()
    attempts: Any = mongoengine.IntField(required=True)
    due_time: Any = mongoengine.DateTimeField()


class ErasedDocument(StoredDocument):
    """Says that the account with this id belongs to nobody any more, so that nothing is told to it."""

    meta: ClassVar[dict[str, Any]] = {"collection": "erased"}


class StoredInbox:
    """The port Inbox on this service's database."""

    def __init__(self, database: Database) -> None:
        self._notifications = database.collection(NotificationDocument)
        self._erased = database.collection(ErasedDocument)

    async def close(self, account_id: str) -> None:
        await self._erased.update_one({"_id": account_id}, {"$set": {"version": 1}}, upsert=True)

    async def add(self, notification: Notification) -> None:
        if await self._erased.get(notification.recipient_id) is not None:
            return
        if await self._notifications.get(notification.notification_id) is None:
            await self._notifications.insert(_document(notification))

    async def due(self, now: datetime, limit: int) -> list[Notification]:
        query = {"due_time": {"$lte": now}}
        return [_notification(each) for each in await self._notifications.find(query, sort=[("due_time", 1)], limit=limit)]

    async def save(self, notification: Notification) -> Notification:
        document = _document(notification)
        await self._notifications.replace(document)
        return replace(notification, version=document.version)

    async def page(self, recipient_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Notification]:
        query: dict[str, Any] = {"recipient_id": recipient_id, "title": {"$ne": None}}
        if after is not None:
            time, notification_id = after
            query["$or"] = [{"create_time": {"$lt": time}}, {"create_time": time, "_id": {"$lt": notification_id}}]
        found = await self._notifications.find(query, sort=[("create_time", -1), ("_id", -1)], limit=limit)
        return [_notification(each) for each in found]

    async def count_unread(self, recipient_id: str) -> int:
        return await self._notifications.count({"recipient_id": recipient_id, "title": {"$ne": None}, "is_read": False})

    async def mark_read(self, recipient_id: str, notification_ids: Sequence[str]) -> int:
        query = {"_id": {"$in": list(notification_ids)}, "recipient_id": recipient_id, "title": {"$ne": None}}
        # The version moves too, so that a worker that holds the document does not take the mark back.
        return await self._notifications.update_many(query, {"$set": {"is_read": True}, "$inc": {"version": 1}})


def _document(notification: Notification) -> NotificationDocument:
    values = asdict(notification)
    return NotificationDocument(
        id=values.pop("notification_id"), title=values.pop("title") or None, body=values.pop("body") or None, **values
    )


def _notification(found: NotificationDocument) -> Notification:
    return Notification(
        notification_id=found.id,
        recipient_id=found.recipient_id,
        type=found.type,
        booking_id=found.booking_id or "",
        create_time=found.create_time,
        facts=dict(found.facts or {}),
        title=found.title or "",
        body=found.body or "",
        is_read=found.is_read,
        email_state=EmailState(found.email_state),
        email_to=found.email_to or "",
        attempts=found.attempts,
        due_time=found.due_time,
        version=found.version,
    )
