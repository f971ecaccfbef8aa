"""Subjects, figures and ratings in MongoDB.

Figures are sharded by the partition that an event came from: a partition's events are handled one after the other, so no two
transactions add to one document, and a total is the sum of as many documents as there are partitions, however old the
marketplace is.
"""

from collections import Counter
from datetime import datetime
from typing import Any, ClassVar

import mongoengine
from bson import Int64

from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database
from services.analytics.model import Charge, Figure, Figures, Mark, Metric, Rating, Subject, Totals


class SubjectDocument(StoredDocument):
    """What is known of one account, request, offer, booking or payment."""

    meta: ClassVar[dict[str, Any]] = {"collection": "subjects"}

    provider_id: Any = mongoengine.StringField()
    marks: Any = mongoengine.ListField(mongoengine.StringField())
    charge: Any = mongoengine.DictField()


class FiguresDocument(StoredDocument):
    """A scope's figures in one shard: counts by metric, money by metric and currency. Its id is `<scope>/<shard>`."""

    meta: ClassVar[dict[str, Any]] = {"collection": "figures", "indexes": [("scope",)]}

    scope: Any = mongoengine.StringField(required=True)
    counts: Any = mongoengine.DictField()
    money: Any = mongoengine.DictField()
    fresh_time: Any = mongoengine.DateTimeField()


class RatingDocument(StoredDocument):
    """A provider's newest known rating."""

    meta: ClassVar[dict[str, Any]] = {"collection": "ratings"}

    mean: Any = mongoengine.FloatField()
    count: Any = mongoengine.IntField()
    time: Any = mongoengine.DateTimeField()
    revision: Any = mongoengine.LongField()  # absent in what was written before there were revisions: there it is the count


class StoredFacts:
    """The port Facts on this service's database."""

    def __init__(self, database: Database) -> None:
        self._subjects = database.collection(SubjectDocument)
        self._figures = database.collection(FiguresDocument)
        self._ratings = database.collection(RatingDocument)

    async def find(self, subject_id: str) -> Subject:
        found = await self._subjects.get(subject_id)
        if found is None:
            return Subject(subject_id)
        charge = Charge(**found.charge) if found.charge else None
        return Subject(subject_id, found.provider_id or "", frozenset(Mark(mark) for mark in found.marks), charge)

    async def put(self, subject: Subject) -> None:
        values: dict[str, Any] = {"provider_id": subject.provider_id, "marks": sorted(subject.marks)}
        if subject.charge is not None:
            each = subject.charge
            values["charge"] = {
                "currency": each.currency,
                "paid": Int64(each.paid),
                "commission": Int64(each.commission),
                "net": Int64(each.net),
            }
        await self._subjects.update_one({"_id": subject.subject_id}, {"$set": values}, upsert=True)

    async def add(self, scope: str, shard: str, figures: Figures, time: datetime) -> None:
        steps = {_path(figure): Int64(value) for figure, value in figures.items()}
        update: dict[str, Any] = {"$set": {"scope": scope}, "$max": {"fresh_time": time}}
        if steps:
            update["$inc"] = steps
        await self._figures.update_one({"_id": f"{scope}/{shard}"}, update, upsert=True)

    async def totals(self, scope: str) -> Totals:
        shards = await self._figures.find({"scope": scope})
        total: Figures = Counter()
        for shard in shards:
            total.update({Figure(Metric(metric)): int(value) for metric, value in shard.counts.items()})
            for metric, amounts in shard.money.items():
                total.update({Figure(Metric(metric), currency): int(value) for currency, value in amounts.items()})
        return Totals(total, max((shard.fresh_time for shard in shards), default=None))

    async def rating(self, provider_id: str) -> Rating | None:
        found = await self._ratings.get(provider_id)
        if found is None:
            return None
        return Rating(found.mean, found.count, found.time, found.count if found.revision is None else found.revision)

    async def put_rating(self, provider_id: str, rating: Rating) -> None:
        values = {"mean": rating.mean, "count": rating.count, "time": rating.time, "revision": rating.revision}
        await self._ratings.update_one({"_id": provider_id}, {"$set": values}, upsert=True)


def _path(figure: Figure) -> str:
    return f"money.{figure.metric}.{figure.currency}" if figure.currency else f"counts.{figure.metric}"
