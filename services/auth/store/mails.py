"""Mails about accounts in MongoDB, and what is published of them: that there is one, and not what stands in it."""

from collections.abc import Callable
from datetime import datetime

from mesh.storage.mongo import Database
from services.auth.model.mails import LINKS, Mail, MailKind, MailState
from services.auth.model.origin import Origin
from services.auth.store.documents import MailDocument
from services.auth.wire import events


class StoredMails:
    """The port Mails."""

    def __init__(self, database: Database, on_asked: Callable[[], object]) -> None:
        """`on_asked` is called when there is one of which it has to be found out whom it is for, moments before it is stored."""
        self._on_asked = on_asked
        self._database = database
        self._mails = database.collection(MailDocument)

    async def find(self, mail_id: str) -> Mail | None:
        found = await self._mails.get(mail_id)
        return None if found is None else _mail(found)

    async def asked(self, limit: int) -> list[Mail]:
        found = await self._mails.find({"state": MailState.ASKED.value}, sort=[("request_time", 1)], limit=limit)
        return [_mail(each) for each in found]

    async def add(self, mail: Mail) -> None:
        await self._mails.insert(_document(mail))
        if mail.state is MailState.READY:
            await self._database.publish(events.mail_requested(mail, mail.request_time))
        else:
            self._on_asked()

    async def save(self, mail: Mail) -> None:
        await self._mails.replace(_document(mail))

    async def make_ready(self, mail: Mail, now: datetime) -> None:
        await self.save(mail)
        await self._database.publish(events.mail_requested(mail, now))

    async def drop(self, mail: Mail) -> None:
        await self._mails.delete({"_id": mail.mail_id})

    async def use_up(self, account_id: str) -> None:
        query = {"account_id": account_id, "kind": {"$in": [kind.value for kind in LINKS]}}
        await self._mails.update_many(query, {"$set": {"state": MailState.USED.value}, "$inc": {"version": 1}})

    async def erase(self, account_id: str) -> None:
        await self._mails.delete({"account_id": account_id})


def _document(mail: Mail) -> MailDocument:
    return MailDocument(
        id=mail.mail_id,
        kind=mail.kind.value,
        account_id=mail.account_id or None,
        email=mail.email,
        state=mail.state.value,
        request_time=mail.request_time,
        address=mail.origin.address or None,
        user_agent=mail.origin.user_agent or None,
        expire_time=mail.expire_time,
        version=mail.version,
    )


def _mail(found: MailDocument) -> Mail:
    return Mail(
        mail_id=found.id,
        kind=MailKind(found.kind),
        account_id=found.account_id or "",
        email=found.email,
        state=MailState(found.state),
        request_time=found.request_time,
        origin=Origin(found.address or "", found.user_agent or ""),
        version=found.version,
    )
