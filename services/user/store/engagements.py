"""Bookings as far as user needs them."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

import mongoengine

from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database
from services.user.model.engagement import Engagement

_ACTIVE = {"complete_time": None, "is_cancelled": {"$ne": True}}


class EngagementDocument(StoredDocument):
    """A booking; the id is the booking's."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "engagements",
        "indexes": [("is_published", "complete_time"), ("customer_id", "provider_id"), ("provider_id",)],
    }

    customer_id: Any = mongoengine.StringField(required=True)
    provider_id: Any = mongoengine.StringField(required=True)
    complete_time: Any = mongoengine.DateTimeField()
    is_cancelled: Any = mongoengine.BooleanField(default=False)
    is_published: Any = mongoengine.BooleanField(required=True)


class StoredEngagements:
    """The port Engagements on this service's database."""

    def __init__(self, database: Database) -> None:
        self._engagements = database.collection(EngagementDocument)

    async def find(self, booking_id: str) -> Engagement | None:
        found = await self._engagements.get(booking_id)
        if found is None:
            return None
        return Engagement(
            booking_id=found.id,
            customer_id=found.customer_id,
            provider_id=found.provider_id,
            complete_time=found.complete_time,
            is_cancelled=bool(found.is_cancelled),
            is_published=found.is_published,
            version=found.version,
        )

    async def save(self, engagement: Engagement) -> None:
        values = asdict(engagement)
        document = EngagementDocument(id=values.pop("booking_id"), **values)
        if await self._engagements.get(document.id) is None:
            await self._engagements.insert(document)
        else:
            await self._engagements.replace(document)

    async def due(self, completed_before: datetime, limit: int) -> list[str]:
        query = {"is_published": False, "complete_time": {"$lte": completed_before}}
        return [found.id for found in await self._engagements.find(query, sort=[("complete_time", 1)], limit=limit)]

    async def is_active(self, account_id: str) -> bool:
        query = {"$or": [{"customer_id": account_id}, {"provider_id": account_id}], **_ACTIVE}
        return await self._engagements.find_one(query) is not None

    async def is_active_between(self, one_id: str, other_id: str) -> bool:
        pairs = [{"customer_id": one_id, "provider_id": other_id}, {"customer_id": other_id, "provider_id": one_id}]
        query = {"$or": pairs, **_ACTIVE}
        return await self._engagements.find_one(query) is not None
