"""Ratings: sums of what was published."""

from collections.abc import Sequence
from typing import Any, ClassVar

import mongoengine

from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database
from services.user.model.review import Rating
from services.user.wire.events import rating_changed


class RatingDocument(StoredDocument):
    """The sum of an account's published ratings."""

    meta: ClassVar[dict[str, Any]] = {"collection": "ratings"}

    total: Any = mongoengine.IntField(required=True)
    count: Any = mongoengine.IntField(required=True)


class StoredRatings:
    """The port Ratings on this service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ratings = database.collection(RatingDocument)

    async def find(self, account_id: str) -> Rating:
        return (await self.find_all([account_id])).get(account_id, Rating(account_id))

    async def find_all(self, account_ids: Sequence[str]) -> dict[str, Rating]:
        found = await self._ratings.find({"_id": {"$in": list(account_ids)}})
        return {each.id: Rating(each.id, each.total, each.count) for each in found}

    async def save(self, rating: Rating) -> None:
        update = {"$set": {"total": rating.total, "count": rating.count}}
        await self._ratings.update_one({"_id": rating.account_id}, update, upsert=True)
        await self._database.publish(rating_changed(rating))
