"""Offerings and what is known of providers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mesh.storage.mongo import Collection, Database, DuplicateKey
from services.booking.model.hours import WeeklyHours, WeeklyInterval
from services.booking.model.money import Money
from services.booking.model.offering import Offering, PriceModel, Provider
from services.booking.model.place import Place
from services.booking.store.documents import OfferingDocument, ProviderDocument


class StoredOfferings:
    """The offerings of all providers."""

    def __init__(self, database: Database) -> None:
        self._offerings = database.collection(OfferingDocument)

    async def put(self, offering: Offering) -> None:
        values = {
            "provider_id": offering.provider_id,
            "category_id": offering.category_id,
            "currency_code": offering.price.currency_code,
            "price_minor": offering.price.amount_minor,
            "price_model": offering.price_model.value,
            "latitude": offering.area_center.latitude,
            "longitude": offering.area_center.longitude,
            "area_radius_meters": offering.area_radius_meters,
            "is_indexed": False,
        }
        await _upsert(self._offerings, offering.offering_id, {"$set": values, "$inc": {"version": 1}})

    async def of_provider(self, provider_id: str) -> list[Offering]:
        found = await self._offerings.find({"provider_id": provider_id}, sort=[("category_id", 1)])
        return [_offering(document) for document in found]

    async def with_ids(self, offering_ids: Sequence[str]) -> list[Offering]:
        return [_offering(document) for document in await self._offerings.find({"_id": {"$in": list(offering_ids)}})]


class StoredProviders:
    """What is known of all providers."""

    def __init__(self, database: Database) -> None:
        self._providers = database.collection(ProviderDocument)

    async def with_ids(self, provider_ids: Sequence[str]) -> dict[str, Provider]:
        found = await self._providers.find({"_id": {"$in": list(provider_ids)}})
        return {document.id: _provider(document) for document in found}

    async def put_hours(self, provider_id: str, hours: WeeklyHours) -> None:
        intervals = [[each.day, each.start_minute, each.end_minute] for each in hours.intervals]
        await _upsert(self._providers, provider_id, {"$set": {"time_zone": hours.time_zone, "intervals": intervals}})

    async def put_rating(self, provider_id: str, rating: float, rating_count: int, revision: int) -> None:
        values = {"rating": rating, "rating_count": rating_count}
        is_earlier = {"rating_revision": None, "rating_count": {"$not": {"$gt": revision}}}  # written before there were revisions
        await self._put_unless_later(provider_id, "rating_revision", revision, values, is_earlier)

    async def put_name(self, provider_id: str, display_name: str, as_of: datetime) -> None:
        await self._put_unless_later(provider_id, "name_time", as_of, {"display_name": display_name}, {"name_time": None})

    async def count_answer(self, provider_id: str, *, is_accepted: bool) -> None:
        increments = {"offers_answered": 1, "offers_accepted": int(is_accepted)}
        await self._providers.update_one({"_id": provider_id}, {"$inc": increments})

    async def _put_unless_later(
        self, provider_id: str, order_field: str, order: Any, values: Mapping[str, Any], is_unordered: Mapping[str, Any]
    ) -> None:
        """`is_unordered` matches a document without the order that may be written to all the same."""
        update = {"$set": {**values, order_field: order}}
        is_not_later = {"_id": provider_id, "$or": [{order_field: {"$lte": order}}, is_unordered]}
        if not await self._providers.update_one(is_not_later, update) and await self._providers.get(provider_id) is None:
            await self._providers.update_one({"_id": provider_id}, update, upsert=True)


async def _upsert(collection: Collection[Any], document_id: str, update: Mapping[str, Any]) -> None:
    """Changes the document or adds it, outside of transactions; when another was just adding it, changes that one."""
    try:
        await collection.update_one({"_id": document_id}, update, upsert=True)
    except DuplicateKey:
        await collection.update_one({"_id": document_id}, update)


def _offering(document: OfferingDocument) -> Offering:
    return Offering(
        provider_id=document.provider_id,
        category_id=document.category_id,
        price=Money(document.currency_code, document.price_minor),
        price_model=PriceModel(document.price_model),
        area_center=Place(document.latitude, document.longitude),
        area_radius_meters=document.area_radius_meters,
    )


def _provider(document: ProviderDocument) -> Provider:
    hours = None
    if document.time_zone:
        hours = WeeklyHours(document.time_zone, tuple(WeeklyInterval(*interval) for interval in document.intervals))
    return Provider(
        provider_id=document.id,
        display_name=document.display_name,
        rating=document.rating,
        rating_count=document.rating_count,
        offers_answered=document.offers_answered,
        offers_accepted=document.offers_accepted,
        hours=hours,
    )
