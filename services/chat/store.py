"""Messages in MongoDB."""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

import mongoengine

from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database
from services.chat.model import Message
from services.chat.wire import message_sent

T = TypeVar("T")


class MessageDocument(StoredDocument):
    """A message. Its number is unique within its conversation, so that of two at once one runs again."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "messages",
        "indexes": [
            {"fields": ("booking_id", "sequence"), "unique": True},
            ("sender_id", "_id"),
            ("recipient_id", "_id"),
        ],
    }

    booking_id: Any = mongoengine.StringField(required=True)
    sequence: Any = mongoengine.LongField(required=True)
    sender_id: Any = mongoengine.StringField(required=True)
    recipient_id: Any = mongoengine.StringField(required=True)
    text: Any = mongoengine.StringField(required=True)
    client_message_id: Any = mongoengine.StringField(required=True)
    send_time: Any = mongoengine.DateTimeField(required=True)


class BlockDocument(StoredDocument):
    """Whether one blocks another, as user told last. The id is `<blocker>:<blocked>`."""

    meta: ClassVar[dict[str, Any]] = {"collection": "blocks"}

    is_blocked: Any = mongoengine.BooleanField(required=True)
    revision: Any = mongoengine.LongField(required=True)


class StoredMessages:
    """The port Messages on this service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._messages = database.collection(MessageDocument)

    async def transaction(self, work: Callable[[], Awaitable[T]]) -> T:
        return await self._database.transaction(work)

    async def find(self, message_id: str) -> Message | None:
        found = await self._messages.get(message_id)
        return None if found is None else _message(found)

    async def last_sequence(self, booking_id: str) -> int:
        newest = await self._messages.find({"booking_id": booking_id}, sort=[("sequence", -1)], limit=1)
        return int(newest[0].sequence) if newest else 0

    async def add(self, message: Message) -> None:
        document = MessageDocument(
            id=message.message_id,
            booking_id=message.booking_id,
            sequence=message.sequence,
            sender_id=message.sender_id,
            recipient_id=message.recipient_id,
            text=message.text,
            client_message_id=message.client_message_id,
            send_time=message.send_time,
        )
        await self._messages.insert(document)
        await self._database.publish(message_sent(message))

    async def after(self, booking_id: str, sequence: int, limit: int) -> list[Message]:
        query = {"booking_id": booking_id, "sequence": {"$gt": sequence}}
        return [_message(found) for found in await self._messages.find(query, sort=[("sequence", 1)], limit=limit)]


class StoredBlocks:
    """The port Blocks on this service's database: a copy of what user tells."""

    def __init__(self, database: Database) -> None:
        self._blocks = database.collection(BlockDocument)

    async def put(self, blocker_id: str, blocked_id: str, *, is_blocked: bool, revision: int) -> None:
        document_id = f"{blocker_id}:{blocked_id}"
        known = await self._blocks.get(document_id)
        if known is None or known.revision < revision:
            values = {"is_blocked": is_blocked, "revision": revision}
            await self._blocks.update_one({"_id": document_id}, {"$set": values}, upsert=True)

    async def is_between(self, one_id: str, other_id: str) -> bool:
        query = {"_id": {"$in": [f"{one_id}:{other_id}", f"{other_id}:{one_id}"]}, "is_blocked": True}
        return await self._blocks.find_one(query) is not None


def _message(found: MessageDocument) -> Message:
    return Message(
        message_id=found.id,
        booking_id=found.booking_id,
        sequence=found.sequence,
        sender_id=found.sender_id,
        recipient_id=found.recipient_id,
        text=found.text,
        client_message_id=found.client_message_id,
        send_time=found.send_time,
    )
