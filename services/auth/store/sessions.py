"""Sessions in MongoDB."""

from datetime import datetime

from mesh.storage.mongo import Database
from services.auth.model.accounts import Role
from services.auth.model.sessions import Session
from services.auth.store.documents import SessionDocument


class StoredSessions:
    """The port Sessions."""

    def __init__(self, database: Database) -> None:
        self._sessions = database.collection(SessionDocument)

    async def find(self, session_id: str) -> Session | None:
        found = await self._sessions.get(session_id)
        return None if found is None else _session(found)

    async def open_ones(self, account_id: str, now: datetime) -> list[Session]:
        query = {"account_id": account_id, "is_ended": False, "expire_time": {"$gt": now}}
        found = [_session(each) for each in await self._sessions.find(query)]
        return sorted(found, key=lambda session: (session.last_use_time, session.session_id), reverse=True)

    async def add(self, session: Session) -> None:
        await self._sessions.insert(_document(session))

    async def save(self, session: Session) -> None:
        await self._sessions.replace(_document(session))

    async def end_all(self, account_id: str, but: str = "") -> int:
        query = {"account_id": account_id, "is_ended": False, "_id": {"$ne": but}}
        # The version moves too, so that a refresh at the same moment does not open it again.
        return await self._sessions.update_many(query, {"$set": {"is_ended": True}, "$inc": {"version": 1}})

    async def erase(self, account_id: str) -> None:
        await self._sessions.delete({"account_id": account_id})


def _document(session: Session) -> SessionDocument:
    return SessionDocument(
        id=session.session_id,
        account_id=session.account_id,
        roles=list(session.roles),
        expire_time=session.expire_time,
        generation=session.generation,
        rotate_time=session.rotate_time,
        is_ended=session.is_ended,
        auth_time=session.auth_time,
        device_name=session.device_name or None,
        address=session.address or None,
        version=session.version,
    )


def _session(found: SessionDocument) -> Session:
    return Session(
        session_id=found.id,
        account_id=found.account_id,
        roles=tuple(Role(role) for role in found.roles),
        expire_time=found.expire_time,
        generation=found.generation,
        rotate_time=found.rotate_time,
        is_ended=found.is_ended,
        auth_time=found.auth_time,
        device_name=found.device_name or "",
        address=found.address or "",
        version=found.version,
    )
