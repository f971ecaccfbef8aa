"""Keyed calls: one effect and one answer for any number of attempts with the same key [as Stripe does], kept for 24 hours.

The record of a call is inserted by its first transaction, so that there is neither a claim without effect nor an effect
without claim.
"""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import mongoengine
import structlog

from mesh import errors
from mesh.errors import Conflict, FieldViolation, MeshError
from mesh.ids import derived_id
from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database, DuplicateKey

_KEPT = timedelta(hours=24)
_FINAL = (errors.InvalidInput, errors.Forbidden, errors.NotFound, errors.AlreadyExists, errors.NotAllowedNow)

_log = structlog.get_logger()


class IdempotencyRecord(StoredDocument):
    """One keyed call that has had an effect, and its answer as soon as there is one."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "idempotency",
        "indexes": [("owner",), {"fields": ("expires_time",), "expireAfterSeconds": 0}],
    }

    owner: Any = mongoengine.StringField()  # whose call it is, so that an erasure finds it
    request_hash: Any = mongoengine.BinaryField(required=True)
    attempt: Any = mongoengine.IntField(required=True)  # raised by each attempt that takes over from one that left no answer
    busy_until: Any = mongoengine.DateTimeField(required=True)  # before this, the attempt is taken to be still at work
    response: Any = mongoengine.BinaryField()
    error: Any = mongoengine.DictField()
    expires_time: Any = mongoengine.DateTimeField(required=True)


@dataclass(frozen=True, slots=True)
class KeyedCall:
    """What tells one keyed call from another. The scope of a key is one owner and one method."""

    owner: str  # the account id, or the calling service when there is no account
    method: str
    key: str
    request: bytes
    longest_seconds: float  # no attempt takes longer

    @property
    def scope(self) -> str:
        """The id of the call's record; the same at each attempt."""
        return derived_id("idk", self.owner, self.method, self.key)


class IdempotencyScope:
    """One attempt at a keyed call."""

    def __init__(self, database: Database, call: KeyedCall, found: IdempotencyRecord | None) -> None:
        self.scope = call.scope
        self.is_claimed = False
        self._records = database.collection(IdempotencyRecord)
        self._clock = database.clock
        self._call = call
        self._found = found

    async def claim(self) -> None:
        """Joins the running transaction with the claim. Raises Conflict when another attempt was faster."""
        if self.is_claimed:
            return
        now = self._clock.now()
        busy_until = now + timedelta(seconds=self._call.longest_seconds)
        if self._found is not None:
            query = {"_id": self.scope, "attempt": self._found.attempt}
            update = {"$set": {"busy_until": busy_until}, "$inc": {"attempt": 1}}
            if not await self._records.update_one(query, update):
                raise in_progress(self._call.longest_seconds)
            return
        try:
            await self._records.insert(self._record(busy_until, now))
        except DuplicateKey:
            raise in_progress(self._call.longest_seconds) from None

    async def run(self, work: Callable[[], Awaitable[bytes]]) -> bytes:
        """Runs the attempt and keeps its answer. Raises what the work raises.

        A failure is kept too when it is final and something has been done; any other failure lets the next attempt run at once.
        """
        try:
            response = await work()
        except MeshError as error:
            await self._keep({"error": _stored(error)} if isinstance(error, _FINAL) else {"busy_until": self._clock.now()})
            raise
        except BaseException:
            await self._keep({"busy_until": self._clock.now()})
            raise
        if not self.is_claimed:
            with suppress(DuplicateKey):
                now = self._clock.now()
                await self._records.insert(self._record(now, now))
                self.is_claimed = True
        await self._keep({"response": response})
        return response

    async def _keep(self, outcome: dict[str, Any]) -> None:
        """Failing here is not the call's failure: the next attempt runs again and finds what this one made under the same ids."""
        if not self.is_claimed:
            return
        try:
            await self._records.update_one({"_id": self.scope}, {"$set": outcome})
        except MeshError as error:
            _log.warning("answer of a keyed call not kept", method=self._call.method, reason=error.reason)

    def _record(self, busy_until: datetime, now: datetime) -> IdempotencyRecord:
        return IdempotencyRecord(
            id=self.scope,
            owner=self._call.owner,
            request_hash=_hash(self._call.request),
            attempt=1,
            busy_until=busy_until,
            expires_time=now + _KEPT,
        )


class Idempotency:
    """The keyed calls of one service."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._records = database.collection(IdempotencyRecord)

    async def begin(self, call: KeyedCall) -> IdempotencyScope | bytes:
        """The scope of a new attempt, or the serialized response of an earlier one.

        Raises the kept error of an earlier attempt, Conflict(IDEMPOTENCY_KEY_REUSED) when the key came with another request, and
        Conflict(IDEMPOTENT_CALL_IN_PROGRESS) while an earlier attempt may be at work.
        """
        found = await self._records.get(call.scope)
        if found is None:
            return IdempotencyScope(self._database, call, None)
        if bytes(found.request_hash) != _hash(call.request):
            raise Conflict("IDEMPOTENCY_KEY_REUSED", "This idempotency key was used for another request.")
        if found.response is not None:
            return bytes(found.response)
        if found.error:
            raise _raised(found.error)
        busy_seconds = (found.busy_until - self._database.clock.now()).total_seconds()
        if busy_seconds > 0:
            raise in_progress(busy_seconds)
        return IdempotencyScope(self._database, call, found)


def in_progress(seconds: float) -> Conflict:
    """Tells an attempt that an earlier one may still be at work, for at most these seconds."""
    message = "The same call is being worked on; repeat it later for its answer."
    return Conflict("IDEMPOTENT_CALL_IN_PROGRESS", message, retry_after_seconds=round(seconds, 3))


def _hash(request: bytes) -> bytes:
    return hashlib.sha256(request).digest()


def _stored(error: MeshError) -> dict[str, Any]:
    return {
        "kind": next(kind.__name__ for kind in _FINAL if isinstance(error, kind)),
        "reason": error.reason,
        "message": error.message,
        "metadata": [[name, value] for name, value in error.metadata.items()],  # names may hold what MongoDB reserves
        "violations": [asdict(violation) for violation in error.violations],
        "domain": error.domain,
    }


def _raised(stored: dict[str, Any]) -> MeshError:
    kind: type[MeshError] = getattr(errors, stored["kind"])
    return kind(
        stored["reason"],
        stored["message"],
        dict(stored["metadata"]),
        violations=tuple(FieldViolation(**violation) for violation in stored["violations"]),
        domain=stored["domain"],
    )
