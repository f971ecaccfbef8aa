"""The index of areas: one Redis GEO set a category. It is a cache of the offerings and is built again whenever it is not whole.

A set is whole when it holds the mark, which is written in one step with everything that the database holds. Sets forget
themselves every hour, so that what Redis may have lost (a failover to an old replica) does not stay lost.
"""

import structlog
from redis.asyncio import Redis

from mesh.errors import Unavailable
from mesh.storage.mongo import Database
from services.booking.model.offering import LARGEST_RADIUS_METERS
from services.booking.model.place import Place
from services.booking.store.documents import OfferingDocument

_MARK = b"whole"
_KEPT_SECONDS = 3600
_SEARCH_METERS = LARGEST_RADIUS_METERS * 1.01  # Redis takes a slightly larger earth; the exact distance decides later
_MOST_FOUND = 500  # the nearest; matching reads the database for each
_NORTHERNMOST = 85.05  # Redis knows no places beyond, and nobody is served there
_MOST_AT_ONCE = 500
_ATTEMPTS = 5

_log = structlog.get_logger()


class GeoAreas:
    """The areas of all offerings. `prefix` begins the names of its keys."""

    def __init__(self, redis: Redis, database: Database, prefix: str) -> None:
        self._redis = redis
        self._offerings = database.collection(OfferingDocument)
        self._prefix = prefix

    async def add(self, offering_id: str) -> None:
        try:
            await self._index(offering_id)
        except Unavailable as error:
            _log.warning("area is indexed later", offering=offering_id, reason=error.reason)

    async def add_missing(self) -> None:
        """Makes up for what `add` could not do. Raises Unavailable."""
        for document in await self._offerings.find({"is_indexed": False}, limit=_MOST_AT_ONCE):
            await self._index(document.id)

    async def near(self, category_id: str, place: Place) -> list[str]:
        found = await self._search(category_id, place)
        if found is None:
            await self._rebuild(category_id)
            found = await self._search(category_id, place)
        if found is None:
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "The index of areas cannot be built.", {"dependency": "redis"})
        return found

    async def _search(self, category_id: str, place: Place) -> list[str] | None:
        key = self._key(category_id)
        pipeline = self._redis.pipeline(transaction=True)
        _ = pipeline.zscore(key, _MARK)  # only queued, as all of a pipeline
        _ = pipeline.geosearch(
            key,
            longitude=place.longitude,
            latitude=_within_reach(place.latitude),
            radius=_SEARCH_METERS,
            unit="m",
            sort="ASC",
            count=_MOST_FOUND,
        )
        mark, members = await pipeline.execute()
        return None if mark is None else [member.decode() for member in members if member != _MARK]

    async def _rebuild(self, category_id: str) -> None:
        """Only adds (NX): an offering that changes meanwhile is indexed by its own call, which must not be overwritten."""
        key = self._key(category_id)
        pipeline = self._redis.pipeline(transaction=True)
        for document in await self._offerings.find({"category_id": category_id}):
            _ = pipeline.geoadd(key, _position(document), nx=True)
        _ = pipeline.geoadd(key, (0.0, 0.0, _MARK))
        _ = pipeline.expire(key, _KEPT_SECONDS)
        await pipeline.execute()

    async def _index(self, offering_id: str) -> None:
        """Adds what the database holds and marks it as added, unless it has changed meanwhile: then again."""
        for _ in range(_ATTEMPTS):
            document = await self._offerings.get(offering_id)
            if document is None or document.is_indexed:
                return
            await self._redis.geoadd(self._key(document.category_id), _position(document))
            is_same = {"_id": offering_id, "version": document.version}
            if await self._offerings.update_one(is_same, {"$set": {"is_indexed": True}}):
                return

    def _key(self, category_id: str) -> str:
        return f"{self._prefix}areas:{category_id}"


def _position(document: OfferingDocument) -> tuple[float, float, str]:
    return document.longitude, _within_reach(document.latitude), document.id


def _within_reach(latitude: float) -> float:
    return min(max(latitude, -_NORTHERNMOST), _NORTHERNMOST)
