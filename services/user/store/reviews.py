"""Reviews."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import mongoengine

from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database
from services.user.model.review import Reply, Review, SubRatings
from services.user.ports import After
from services.user.store.pages import beyond
from services.user.wire.events import review_published


class ReviewDocument(StoredDocument):
    """A review."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "reviews",
        "indexes": [("booking_id",), ("author_id", "_id"), ("subject_id", "-publish_time", "-_id")],
    }

    booking_id: Any = mongoengine.StringField(required=True)
    author_id: Any = mongoengine.StringField(required=True)
    subject_id: Any = mongoengine.StringField(required=True)
    stars: Any = mongoengine.IntField(required=True)
    comment: Any = mongoengine.StringField()
    sub_ratings: Any = mongoengine.DictField()
    reply: Any = mongoengine.DictField()
    is_hidden: Any = mongoengine.BooleanField(default=False)
    publish_time: Any = mongoengine.DateTimeField()


class StoredReviews:
    """The port Reviews on this service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reviews = database.collection(ReviewDocument)

    async def find(self, review_id: str) -> Review | None:
        found = await self._reviews.get(review_id)
        return None if found is None else _review(found)

    async def find_all(self, review_ids: Sequence[str]) -> list[Review]:
        return [_review(found) for found in await self._reviews.find({"_id": {"$in": list(review_ids)}})]

    async def of_booking(self, booking_id: str) -> list[Review]:
        return [_review(found) for found in await self._reviews.find({"booking_id": booking_id})]

    async def save(self, review: Review) -> None:
        values = asdict(review)
        await self._reviews.update_one({"_id": values.pop("review_id")}, {"$set": values}, upsert=True)

    async def publish(self, review: Review) -> None:
        await self.save(review)
        await self._database.publish(review_published(review))

    async def published(self, subject_id: str, after: After, limit: int) -> list[Review]:
        is_seen = {"publish_time": {"$ne": None}, "is_hidden": {"$ne": True}}
        query = {"subject_id": subject_id, "$and": [is_seen, beyond(after, "publish_time")]}
        found = await self._reviews.find(query, sort=[("publish_time", -1), ("_id", -1)], limit=limit)
        return [_review(each) for each in found]


def _review(found: ReviewDocument) -> Review:
    return Review(
        review_id=found.id,
        booking_id=found.booking_id,
        author_id=found.author_id,
        subject_id=found.subject_id,
        stars=found.stars,
        comment=found.comment or "",
        sub_ratings=SubRatings(**(found.sub_ratings or {})),
        publish_time=found.publish_time,
        reply=Reply(**found.reply) if found.reply else None,
        is_hidden=bool(found.is_hidden),
    )
