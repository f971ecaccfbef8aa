"""Ratings: sums of what was published."""

from collections.abc import Sequence
from typing import Any, ClassVar

import mongoengine

from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database
from services.user.model.rating import CRITERIA, Rating, Sum
from services.user.wire.events import rating_changed


class RatingDocument(StoredDocument):
    """The sums of an account's published ratings."""

    meta: ClassVar[dict[str, Any]] = {"collection": "ratings"}

    total: Any = mongoengine.IntField(required=True)
    count: Any = mongoengine.IntField(required=True)
    parts: Any = mongoengine.DictField()  # total and count by criterion
    revision: Any = mongoengine.LongField()  # absent in what was written before there were revisions: there it is the count


class StoredRatings:
    """The port Ratings on this service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ratings = database.collection(RatingDocument)

    async def find(self, account_id: str) -> Rating:
        return (await self.find_all([account_id])).get(account_id, Rating(account_id))

    async def find_all(self, account_ids: Sequence[str]) -> dict[str, Rating]:
        return {each.id: _rating(each) for each in await self._ratings.find({"_id": {"$in": list(account_ids)}})}

    async def save(self, rating: Rating) -> None:
        values = {
            "total": rating.stars.total,
            "count": rating.stars.count,
            "parts": {name: _values(getattr(rating, name)) for name in CRITERIA},
            "revision": rating.revision,
        }
        await self._ratings.update_one({"_id": rating.account_id}, {"$set": values}, upsert=True)
        await self._database.publish(rating_changed(rating))


def _rating(found: RatingDocument) -> Rating:
    parts = {name: Sum(**values) for name, values in (found.parts or {}).items()}
    revision = found.count if found.revision is None else found.revision
    return Rating(found.id, Sum(found.total, found.count), revision=revision, **parts)


def _values(found: Sum) -> dict[str, int]:
    return {"total": found.total, "count": found.count}
