"""Accounts and sessions in MongoDB."""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

import mongoengine

from mesh.errors import AlreadyExists
from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database, DuplicateKey
from services.auth.model import Account, Role, Session
from services.auth.wire import registered_to_wire

T = TypeVar("T")


class AccountDocument(StoredDocument):
    """An account."""

    meta: ClassVar[dict[str, Any]] = {"collection": "accounts", "indexes": [{"fields": ("login",), "unique": True}]}

    login: Any = mongoengine.StringField(required=True)
    email: Any = mongoengine.StringField(required=True)
    password_hash: Any = mongoengine.StringField(required=True)
    display_name: Any = mongoengine.StringField(required=True)
    roles: Any = mongoengine.ListField(mongoengine.StringField())
    locale: Any = mongoengine.StringField(required=True)
    time_zone: Any = mongoengine.StringField(required=True)
    register_time: Any = mongoengine.DateTimeField(required=True)


class SessionDocument(StoredDocument):
    """A session; MongoDB removes it when it has expired."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "sessions",
        "indexes": [("account_id",), {"fields": ("expire_time",), "expireAfterSeconds": 0}],
    }

    account_id: Any = mongoengine.StringField(required=True)
    roles: Any = mongoengine.ListField(mongoengine.StringField())
    expire_time: Any = mongoengine.DateTimeField(required=True)
    generation: Any = mongoengine.IntField(required=True)
    rotate_time: Any = mongoengine.DateTimeField()
    is_ended: Any = mongoengine.BooleanField(default=False)


class StoredIdentities:
    """The port Store on this service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._accounts = database.collection(AccountDocument)
        self._sessions = database.collection(SessionDocument)

    async def transaction(self, work: Callable[[], Awaitable[T]]) -> T:
        return await self._database.transaction(work)

    async def find_account(self, login: str) -> Account | None:
        found = await self._accounts.find_one({"login": login})
        if found is None:
            return None
        return Account(
            account_id=found.id,
            login=found.login,
            email=found.email,
            password_hash=found.password_hash,
            display_name=found.display_name,
            roles=_roles(found.roles),
            locale=found.locale,
            time_zone=found.time_zone,
            register_time=found.register_time,
        )

    async def add_account(self, account: Account) -> None:
        document = AccountDocument(
            id=account.account_id,
            login=account.login,
            email=account.email,
            password_hash=account.password_hash,
            display_name=account.display_name,
            roles=list(account.roles),
            locale=account.locale,
            time_zone=account.time_zone,
            register_time=account.register_time,
        )
        try:
            await self._accounts.insert(document)
        except DuplicateKey:
            raise AlreadyExists("EMAIL_TAKEN", "Another account has this e-mail address.") from None
        await self._database.publish(registered_to_wire(account))

    async def find_session(self, session_id: str) -> Session | None:
        found = await self._sessions.get(session_id)
        if found is None:
            return None
        return Session(
            session_id=found.id,
            account_id=found.account_id,
            roles=_roles(found.roles),
            expire_time=found.expire_time,
            generation=found.generation,
            rotate_time=found.rotate_time,
            is_ended=found.is_ended,
            version=found.version,
        )

    async def add_session(self, session: Session) -> None:
        await self._sessions.insert(_document(session))

    async def save_session(self, session: Session) -> None:
        await self._sessions.replace(_document(session))


def _document(session: Session) -> SessionDocument:
    return SessionDocument(
        id=session.session_id,
        account_id=session.account_id,
        roles=list(session.roles),
        expire_time=session.expire_time,
        generation=session.generation,
        rotate_time=session.rotate_time,
        is_ended=session.is_ended,
        version=session.version,
    )


def _roles(stored: list[str]) -> tuple[Role, ...]:
    return tuple(Role(role) for role in stored)
