"""Messages in MongoDB, and the bell in Redis, whose ring is only a hint that there is something to read."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, ClassVar, TypeVar

import mongoengine
from redis.asyncio import Redis

from mesh.errors import Unavailable
from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database
from services.chat.model import Message
from services.chat.wire import message_sent

T = TypeVar("T")

_CHANNEL = "chat:bell"
_LOOK_SECONDS = 2.0  # how late a message comes whose ring was lost


class MessageDocument(StoredDocument):
    """A message. Its number is unique within its conversation, so that of two at once one runs again."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "messages",
        "indexes": [{"fields": ("booking_id", "sequence"), "unique": True}],
    }

    booking_id: Any = mongoengine.StringField(required=True)
    sequence: Any = mongoengine.LongField(required=True)
    sender_id: Any = mongoengine.StringField(required=True)
    recipient_id: Any = mongoengine.StringField(required=True)
    text: Any = mongoengine.StringField(required=True)
    client_message_id: Any = mongoengine.StringField(required=True)
    send_time: Any = mongoengine.DateTimeField(required=True)


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


class RedisBell:
    """The port Bell: one subscription a process, whatever the number of those who listen."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._listening: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def ring(self, booking_id: str) -> None:
        for event in self._listening.get(booking_id, ()):
            event.set()
        try:
            await self._redis.publish(_CHANNEL, booking_id)
        except Unavailable:
            return  # the others look by themselves

    @asynccontextmanager
    async def listen(self, booking_id: str) -> AsyncIterator[AsyncIterator[None]]:
        rung = asyncio.Event()
        self._listening[booking_id].add(rung)
        try:
            async with aclosing(_rings(rung)) as rings:
                yield rings
        finally:
            self._listening[booking_id].discard(rung)
            if not self._listening[booking_id]:
                del self._listening[booking_id]

    async def hear(self) -> None:
        """Passes on what other processes ring; returns when the connection is lost, to be called again."""
        async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(_CHANNEL)
            while True:
                heard = await subscription.get_message(timeout=_LOOK_SECONDS)
                if heard is not None:
                    for event in self._listening.get(heard["data"].decode(), ()):
                        event.set()


async def _rings(rung: asyncio.Event) -> AsyncGenerator[None]:
    while True:
        yield
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await rung.wait()
        except TimeoutError:
            continue
        finally:
            rung.clear()
