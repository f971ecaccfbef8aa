"""What a service has to tell the others: rows written in the transaction that made the fact true, sent later by the relay."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import mongoengine
from google.protobuf import descriptor_pool, message_factory

from mesh.contract import event_of
from mesh.ids import new_id
from mesh.storage.documents import StoredDocument
from mesh.tracing import current_trace

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from mesh.storage.collection import Collection

KEPT_SECONDS = 7 * 24 * 3600  # how long a sent row stays, for a broker that loses its data
_LARGEST_PAYLOAD_BYTES = (
    900_000  # Kafka's limit for a record is 1 MiB with its headers; a larger row would block its key for ever
)


class OutboxRow(StoredDocument):
    """One event. `created_time` and then `sequence` give the order: a row's time is never before its key's previous row."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "outbox",
        "indexes": [
            ("sent_time", "created_time", "sequence"),
            {"fields": ("key", "sequence"), "unique": True},
            {"fields": ("topic_id", "partition", "offset")},
            {"fields": ("sent_time",), "expireAfterSeconds": KEPT_SECONDS},
        ],
    }

    type: Any = mongoengine.StringField(required=True)
    topic: Any = mongoengine.StringField(required=True)
    key: Any = mongoengine.StringField(required=True)
    sequence: Any = mongoengine.LongField(required=True)  # 1, 2, 3 … within the key, as long as rows of the key are kept
    payload: Any = mongoengine.BinaryField()
    traceparent: Any = mongoengine.StringField()
    created_time: Any = mongoengine.DateTimeField(required=True)
    sent_time: Any = mongoengine.DateTimeField()  # absent: not sent yet
    topic_id: Any = mongoengine.StringField()
    partition: Any = mongoengine.IntField()
    offset: Any = mongoengine.LongField()


async def redact(rows: "Collection[OutboxRow]", key: str) -> None:
    """Takes what the contract marks as personal (debug_redact) out of the rows of a key, sent or not. Joins a transaction."""
    for row in await rows.find({"key": key}):
        event_class = message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(row.type))
        event = event_class.FromString(bytes(row.payload or b""))
        personal = [field.name for field, _ in event.ListFields() if field.GetOptions().debug_redact]
        for name in personal:
            event.ClearField(name)
        if personal:
            await rows.update_one({"_id": row.id}, {"$set": {"payload": event.SerializeToString()}})


async def append(rows: "Collection[OutboxRow]", event: "Message", now: datetime) -> None:
    """Adds an event to the running transaction, after every event of its key that was committed before.

    Two transactions that publish for one key at the same time want the same sequence, so that one of them runs again.
    Raises ContractError when the message is not an event, ValueError when its key is empty or it is too large for a broker.
    """
    contract = event_of(type(event))
    key = str(getattr(event, contract.key_field))
    payload = event.SerializeToString()
    if not key or len(payload) > _LARGEST_PAYLOAD_BYTES:
        raise ValueError(f"{contract.type_name}: the key is empty or {len(payload)} bytes are more than a broker takes")
    earlier = await rows.find({"key": key}, sort=[("sequence", -1)], limit=1)
    await rows.insert(
        OutboxRow(
            id=new_id("evt"),
            type=contract.type_name,
            topic=contract.topic,
            key=key,
            sequence=earlier[0].sequence + 1 if earlier else 1,
            payload=payload,
            traceparent=current_trace().traceparent,
            created_time=max(now, earlier[0].created_time) if earlier else now,
        )
    )
