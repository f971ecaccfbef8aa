"""Reports of reviews, and the trace of what was decided about them."""

from dataclasses import asdict
from typing import Any, ClassVar

import mongoengine

from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database
from services.user.model.moderation import Action, Moderation, Report
from services.user.ports import After
from services.user.store.pages import beyond


class ReportDocument(StoredDocument):
    """A report."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "review_reports",
        "indexes": [("is_open", "report_time", "_id"), ("review_id", "is_open"), ("reporter_id", "_id")],
    }

    review_id: Any = mongoengine.StringField(required=True)
    reporter_id: Any = mongoengine.StringField(required=True)
    reason: Any = mongoengine.StringField(required=True)
    note: Any = mongoengine.StringField()
    report_time: Any = mongoengine.DateTimeField(required=True)
    is_open: Any = mongoengine.BooleanField(required=True)


class ModerationDocument(StoredDocument):
    """A decision; inserted once, never changed."""

    meta: ClassVar[dict[str, Any]] = {"collection": "moderations", "indexes": [("review_id", "moderation_time", "_id")]}

    review_id: Any = mongoengine.StringField(required=True)
    action: Any = mongoengine.StringField(required=True)
    reason: Any = mongoengine.StringField(required=True)
    moderator_id: Any = mongoengine.StringField(required=True)
    moderation_time: Any = mongoengine.DateTimeField(required=True)


class StoredModerations:
    """The port Moderations on this service's database."""

    def __init__(self, database: Database) -> None:
        self._reports = database.collection(ReportDocument)
        self._moderations = database.collection(ModerationDocument)

    async def report(self, report: Report) -> None:
        if await self._reports.get(report.report_id) is None:
            values = asdict(report)
            await self._reports.insert(ReportDocument(id=values.pop("report_id"), is_open=True, **values))

    async def open_reports(self, after: After, limit: int) -> list[Report]:
        query = {"is_open": True, **beyond(after, "report_time", is_newest_first=False)}
        found = await self._reports.find(query, sort=[("report_time", 1), ("_id", 1)], limit=limit)
        return [
            Report(each.id, each.review_id, each.reporter_id, each.reason, each.note or "", each.report_time) for each in found
        ]

    async def close_reports(self, review_id: str) -> None:
        await self._reports.update_many({"review_id": review_id, "is_open": True}, {"$set": {"is_open": False}})

    async def add(self, moderation: Moderation) -> None:
        values = asdict(moderation)
        await self._moderations.insert(ModerationDocument(id=values.pop("moderation_id"), **values))

    async def of_review(self, review_id: str) -> list[Moderation]:
        found = await self._moderations.find({"review_id": review_id}, sort=[("moderation_time", 1), ("_id", 1)])
        return [
            Moderation(each.id, each.review_id, Action(each.action), each.reason, each.moderator_id, each.moderation_time)
            for each in found
        ]
