"""Who has blocked whom: a copy of what user tells, found by id alone, so that matching stays fast."""

from collections.abc import Sequence

from mesh.storage.mongo import Database
from services.booking.store.documents import BlockDocument


class StoredBlocks:
    """The port Blocks on this service's database."""

    def __init__(self, database: Database) -> None:
        self._blocks = database.collection(BlockDocument)

    async def put(self, blocker_id: str, blocked_id: str, *, is_blocked: bool, revision: int) -> None:
        known = await self._blocks.get(_id(blocker_id, blocked_id))
        if known is None or known.revision < revision:
            values = {"is_blocked": is_blocked, "revision": revision}
            await self._blocks.update_one({"_id": _id(blocker_id, blocked_id)}, {"$set": values}, upsert=True)

    async def between(self, account_id: str, other_ids: Sequence[str]) -> set[str]:
        by_id = {_id(account_id, other): other for other in other_ids} | {_id(other, account_id): other for other in other_ids}
        found = await self._blocks.find({"_id": {"$in": list(by_id)}, "is_blocked": True})
        return {by_id[document.id] for document in found}


def _id(blocker_id: str, blocked_id: str) -> str:
    return f"{blocker_id}:{blocked_id}"
