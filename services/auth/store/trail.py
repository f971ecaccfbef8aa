"""The audit trail in MongoDB."""

from datetime import datetime
from typing import Any

from mesh.storage.mongo import Database
from services.auth.model.audit import Action, AuditEntry
from services.auth.model.origin import Origin
from services.auth.store.documents import AuditDocument


class StoredTrail:
    """The port Trail."""

    def __init__(self, database: Database) -> None:
        self._entries = database.collection(AuditDocument)

    async def add(self, entry: AuditEntry) -> None:
        await self._entries.insert(
            AuditDocument(
                id=entry.entry_id,
                account_id=entry.account_id or None,
                action=entry.action.value,
                outcome=entry.outcome,
                actor_id=entry.actor_id or None,
                address=entry.origin.address or None,
                user_agent=entry.origin.user_agent or None,
                note=entry.note or None,
                create_time=entry.create_time,
            )
        )

    async def page(self, account_id: str, after: tuple[datetime, str] | None, limit: int) -> list[AuditEntry]:
        query: dict[str, Any] = {"account_id": account_id}
        if after is not None:
            time, entry_id = after
            query["$or"] = [{"create_time": {"$lt": time}}, {"create_time": time, "_id": {"$lt": entry_id}}]
        found = await self._entries.find(query, sort=[("create_time", -1), ("_id", -1)], limit=limit)
        return [_entry(each) for each in found]

    async def anonymise(self, account_id: str) -> None:
        await self._entries.update_many({"account_id": account_id}, {"$unset": {"address": "", "user_agent": ""}})


def _entry(found: AuditDocument) -> AuditEntry:
    return AuditEntry(
        entry_id=found.id,
        account_id=found.account_id or "",
        action=Action(found.action),
        outcome=found.outcome,
        actor_id=found.actor_id or "",
        origin=Origin(found.address or "", found.user_agent or ""),
        create_time=found.create_time,
        note=found.note or "",
    )
