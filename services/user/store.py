"""People, engagements and reviews in MongoDB."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import mongoengine

from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database
from services.user.model import Engagement, Profile, Rating, Review
from services.user.wire import profile_changed, rating_changed, review_published

T = TypeVar("T")


class ProfileDocument(StoredDocument):
    """A person; the id is the account's."""

    meta: ClassVar[dict[str, Any]] = {"collection": "profiles"}

    display_name: Any = mongoengine.StringField(required=True)
    email: Any = mongoengine.StringField(required=True)
    locale: Any = mongoengine.StringField(required=True)
    time_zone: Any = mongoengine.StringField(required=True)
    is_customer: Any = mongoengine.BooleanField(required=True)
    is_provider: Any = mongoengine.BooleanField(required=True)
    email_enabled: Any = mongoengine.BooleanField(required=True)


class RatingDocument(StoredDocument):
    """The sum of an account's published ratings."""

    meta: ClassVar[dict[str, Any]] = {"collection": "ratings"}

    total: Any = mongoengine.IntField(required=True)
    count: Any = mongoengine.IntField(required=True)


class EngagementDocument(StoredDocument):
    """A booking as far as reviews need it; the id is the booking's."""

    meta: ClassVar[dict[str, Any]] = {"collection": "engagements", "indexes": [("is_published", "complete_time")]}

    customer_id: Any = mongoengine.StringField(required=True)
    provider_id: Any = mongoengine.StringField(required=True)
    complete_time: Any = mongoengine.DateTimeField()
    is_published: Any = mongoengine.BooleanField(required=True)


class ReviewDocument(StoredDocument):
    """A review."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "reviews",
        "indexes": [("booking_id",), ("subject_id", "-publish_time", "-_id")],
    }

    booking_id: Any = mongoengine.StringField(required=True)
    author_id: Any = mongoengine.StringField(required=True)
    subject_id: Any = mongoengine.StringField(required=True)
    stars: Any = mongoengine.IntField(required=True)
    comment: Any = mongoengine.StringField()
    publish_time: Any = mongoengine.DateTimeField()


class StoredPeople:
    """The port Store on this service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._profiles = database.collection(ProfileDocument)
        self._ratings = database.collection(RatingDocument)
        self._engagements = database.collection(EngagementDocument)
        self._reviews = database.collection(ReviewDocument)

    async def transaction(self, work: Callable[[], Awaitable[T]]) -> T:
        return await self._database.transaction(work)

    async def find_profile(self, account_id: str) -> Profile | None:
        found = await self._profiles.get(account_id)
        return None if found is None else _profile(found)

    async def find_profiles(self, account_ids: Sequence[str]) -> list[Profile]:
        return [_profile(found) for found in await self._profiles.find({"_id": {"$in": list(account_ids)}})]

    async def add_profile(self, profile: Profile) -> None:
        await self._profiles.insert(_profile_document(profile))
        await self._database.publish(profile_changed(profile))

    async def save_profile(self, profile: Profile) -> Profile:
        document = _profile_document(profile)
        await self._profiles.replace(document)
        await self._database.publish(profile_changed(profile))
        return replace(profile, version=document.version)

    async def find_rating(self, account_id: str) -> Rating:
        return (await self.find_ratings([account_id])).get(account_id, Rating(account_id))

    async def find_ratings(self, account_ids: Sequence[str]) -> dict[str, Rating]:
        found = await self._ratings.find({"_id": {"$in": list(account_ids)}})
        return {each.id: Rating(each.id, each.total, each.count) for each in found}

    async def find_engagement(self, booking_id: str) -> Engagement | None:
        found = await self._engagements.get(booking_id)
        if found is None:
            return None
        return Engagement(found.id, found.customer_id, found.provider_id, found.complete_time, found.is_published, found.version)

    async def save_engagement(self, engagement: Engagement) -> None:
        values = asdict(engagement)
        document = EngagementDocument(id=values.pop("booking_id"), **values)
        if await self._engagements.get(document.id) is None:
            await self._engagements.insert(document)
        else:
            await self._engagements.replace(document)

    async def due_engagements(self, completed_before: datetime, limit: int) -> list[str]:
        query = {"is_published": False, "complete_time": {"$lte": completed_before}}
        return [found.id for found in await self._engagements.find(query, sort=[("complete_time", 1)], limit=limit)]

    async def reviews_of(self, booking_id: str) -> list[Review]:
        return [_review(found) for found in await self._reviews.find({"booking_id": booking_id})]

    async def save_review(self, review: Review) -> None:
        values = asdict(review)
        await self._reviews.update_one({"_id": values.pop("review_id")}, {"$set": values}, upsert=True)

    async def publish_review(self, review: Review, rating: Rating) -> None:
        await self.save_review(review)
        update = {"$set": {"total": rating.total, "count": rating.count}}
        await self._ratings.update_one({"_id": rating.account_id}, update, upsert=True)
        await self._database.publish(review_published(review))
        await self._database.publish(rating_changed(rating))

    async def published_reviews(self, subject_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Review]:
        query: dict[str, Any] = {"subject_id": subject_id, "publish_time": {"$ne": None}}
        if after is not None:
            time, review_id = after
            query["$or"] = [{"publish_time": {"$lt": time}}, {"publish_time": time, "_id": {"$lt": review_id}}]
        found = await self._reviews.find(query, sort=[("publish_time", -1), ("_id", -1)], limit=limit)
        return [_review(each) for each in found]


def _profile(found: ProfileDocument) -> Profile:
    return Profile(
        account_id=found.id,
        display_name=found.display_name,
        email=found.email,
        locale=found.locale,
        time_zone=found.time_zone,
        is_customer=found.is_customer,
        is_provider=found.is_provider,
        email_enabled=found.email_enabled,
        version=found.version,
    )


def _profile_document(profile: Profile) -> ProfileDocument:
    values = asdict(profile)
    return ProfileDocument(id=values.pop("account_id"), **values)


def _review(found: ReviewDocument) -> Review:
    return Review(
        found.id, found.booking_id, found.author_id, found.subject_id, found.stars, found.comment or "", found.publish_time
    )
