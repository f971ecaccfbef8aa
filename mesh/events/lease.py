"""Which process sends a service's events. Taken over when its renewals stop; judged by each process's own monotonic clock.

Clocks of different machines are never compared. The fence rises with each change of hands, so that what a former holder
writes is refused.
"""

import time
from typing import TYPE_CHECKING, Any, ClassVar

import mongoengine

from mesh.errors import Conflict
from mesh.storage.documents import StoredDocument
from mesh.storage.failures import DuplicateKey

if TYPE_CHECKING:
    from mesh.storage.mongo import Database

_ID = "relay"
_NOBODY = ""


class RelayLease(StoredDocument):
    """The one row that says who sends."""

    meta: ClassVar[dict[str, Any]] = {"collection": "outbox_lease"}

    holder: Any = mongoengine.StringField()
    fence: Any = mongoengine.LongField(default=1)
    renewal: Any = mongoengine.LongField(default=0)


class LeaseLost(Conflict):
    """Another process sends now."""

    def __init__(self) -> None:
        super().__init__("STALE_VERSION", "Another process has taken over the sending of events.")


class Lease:
    """This process's claim to be the sender. `holder` is its name, unique among all processes."""

    def __init__(self, database: "Database", holder: str, seconds: float) -> None:
        self._leases = database.collection(RelayLease)
        self._holder = holder
        self._seconds = seconds
        self._fence = 0  # above 0 while held
        self._renewed = 0.0
        self._seen: tuple[int, int] | None = None
        self._seen_since = 0.0

    def is_safe(self) -> bool:
        """Whether no other process can have taken over yet."""
        return self._fence > 0 and time.monotonic() - self._renewed < self._seconds

    async def hold(self) -> bool:
        """Renews the lease when that is due, or takes it when it is free. Returns whether this process is the sender."""
        now = time.monotonic()
        if self._fence and now - self._renewed < self._seconds / 3:
            return True
        if self._fence:
            try:
                await self.renew()
            except LeaseLost:
                self._fence = 0
            else:
                self._renewed = now
            return self._fence > 0
        return await self._take(now)

    async def renew(self) -> None:
        """Renews, as a part of the running transaction if there is one. Raises LeaseLost when another process has it.

        Does not count for `is_safe`: the transaction may yet fail.
        """
        query = {"_id": _ID, "holder": self._holder, "fence": self._fence}
        if not await self._leases.update_one(query, {"$inc": {"renewal": 1}}):
            raise LeaseLost

    def drop(self) -> None:
        """Forgets that this process was the sender, after LeaseLost."""
        self._fence = 0

    async def release(self) -> None:
        """Lets another process take over at once."""
        if self._fence:
            query = {"_id": _ID, "holder": self._holder, "fence": self._fence}
            await self._leases.update_one(query, {"$set": {"holder": _NOBODY}})
            self._fence = 0

    async def _take(self, now: float) -> bool:
        found = await self._leases.get(_ID)
        if found is None:
            try:
                await self._leases.insert(RelayLease(id=_ID, holder=self._holder))
            except DuplicateKey:
                return False
            return self._taken(1, now)
        seen = (found.fence, found.renewal)
        if seen != self._seen:
            self._seen, self._seen_since = seen, now
        if found.holder != _NOBODY and now - self._seen_since < self._seconds:
            return False
        query = {"_id": _ID, "fence": found.fence, "renewal": found.renewal}
        update = {"$set": {"holder": self._holder, "renewal": 0}, "$inc": {"fence": 1}}
        if not await self._leases.update_one(query, update):
            return False
        return self._taken(found.fence + 1, now)

    def _taken(self, fence: int, now: float) -> bool:
        self._fence, self._renewed, self._seen = fence, now, None
        return True
