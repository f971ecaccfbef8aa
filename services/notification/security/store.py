"""Mails about accounts in MongoDB, without their content; MongoDB removes them after a month."""

from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

import mongoengine

from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database
from services.notification.model import EmailState
from services.notification.security.model import LONGEST_KEPT, SecurityMail


class SecurityMailDocument(StoredDocument):
    """One mail."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "security_mails",
        "indexes": [
            ("due_time",),
            ("account_id",),
            {"fields": ("create_time",), "expireAfterSeconds": int(LONGEST_KEPT.total_seconds())},
        ],
    }

    account_id: Any = mongoengine.StringField(required=True)
    create_time: Any = mongoengine.DateTimeField(required=True)
    state: Any = mongoengine.StringField(required=True)
    attempts: Any = mongoengine.IntField(required=True)
    due_time: Any = mongoengine.DateTimeField()


class StoredSecurityMails:
    """The port Mails."""

    def __init__(self, database: Database) -> None:
        self._mails = database.collection(SecurityMailDocument)

    async def add(self, mail: SecurityMail) -> None:
        if await self._mails.get(mail.mail_id) is None:
            await self._mails.insert(_document(mail))

    async def due(self, now: datetime, limit: int) -> list[SecurityMail]:
        found = await self._mails.find({"due_time": {"$lte": now}}, sort=[("due_time", 1)], limit=limit)
        return [_mail(each) for each in found]

    async def save(self, mail: SecurityMail) -> SecurityMail:
        document = _document(mail)
        await self._mails.replace(document)
        return replace(mail, version=document.version)


def _document(mail: SecurityMail) -> SecurityMailDocument:
    return SecurityMailDocument(
        id=mail.mail_id,
        account_id=mail.account_id,
        create_time=mail.create_time,
        state=mail.state.value,
        attempts=mail.attempts,
        due_time=mail.due_time,
        version=mail.version,
    )


def _mail(found: SecurityMailDocument) -> SecurityMail:
    return SecurityMail(
        mail_id=found.id,
        account_id=found.account_id,
        create_time=found.create_time,
        state=EmailState(found.state),
        attempts=found.attempts,
        due_time=found.due_time,
        version=found.version,
    )
