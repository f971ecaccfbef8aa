"""Mails about accounts: sent in the recipient's language whatever they prefer, at most once, and kept nowhere."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import grpc
import pytest
from aiosmtpd.smtp import SMTP
from marketplace.auth.v1 import security_mail_service_pb2 as pb
from marketplace.auth.v1.events_pb2 import SecurityMailRequested
from marketplace.auth.v1.security_mail_service_pb2_grpc import (
    SecurityMailServiceServicer,
    add_SecurityMailServiceServicer_to_server,
)
from marketplace.notification.v1.inbox_service_pb2 import ListNotificationsRequest
from marketplace.notification.v1.inbox_service_pb2_grpc import InboxServiceStub

from mesh.errors import NotAllowedNow
from mesh.ids import new_id
from mesh.status_details import STATUS_DETAILS_KEY, to_status
from services.notification.__main__ import assemble
from services.notification.security.model import Letter, Purpose
from services.notification.security.store import SecurityMailDocument
from services.notification.security.words import SecurityWords
from services.notification.settings import NotificationSettings
from tests.mesh.waiting import until
from tests.support.infrastructure import free_port
from tests.support.service import Backing, ServiceUnderTest, peer_server, serving

TOKEN = "mail_x.aSecretThatNobodyElseMayLearn"


class Auth(SecurityMailServiceServicer):
    """auth, which knows what stands in each mail."""

    def __init__(self) -> None:
        self.letters: dict[str, pb.GetSecurityMailResponse] = {}
        self.failures = 0

    async def GetSecurityMail(self, request: Any, context: Any) -> pb.GetSecurityMailResponse:
        if self.failures:
            self.failures -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        if request.mail_id not in self.letters:
            status = to_status(NotAllowedNow("MAIL_NOT_WANTED", "There is nothing to send."), "auth.marketplace")
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "", ((STATUS_DETAILS_KEY, status.SerializeToString()),))
        return self.letters[request.mail_id]


@dataclass
class MailServer:
    """Takes mail, or answers with the codes that it is told to."""

    taken: list[EmailMessage] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("2"):
            self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
        return answer


@dataclass
class Post:
    """The service, auth and the mail server."""

    service: ServiceUnderTest
    auth: Auth
    mail: MailServer

    async def ask(self, kind: "pb.SecurityMailKind.ValueType", locale: str = "en", account_id: str = "acc_x") -> str:
        """A mail that auth wants sent. Gives its id."""
        mail_id = new_id("mail")
        self.auth.letters[mail_id] = pb.GetSecurityMailResponse(
            kind=kind, email="ana@example.com", display_name="Ana", locale=locale, token=TOKEN
        )
        await self.service.deliver(SecurityMailRequested(account_id=account_id, mail_id=mail_id))
        return mail_id

    async def becomes(self, mail_id: str, state: str) -> None:
        async def is_so() -> bool:
            mail = await self.service.runtime.database.collection(SecurityMailDocument).get(mail_id)
            return mail is not None and mail.state == state

        await until(is_so, what=f"{mail_id} is {state}")


@pytest.fixture
async def post(backing: Backing) -> AsyncIterator[Post]:
    auth, mail, port = Auth(), MailServer(), free_port()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(mail), "127.0.0.1", port)
    environment = {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(port),
        "MAIL_FROM": "hello@marketplace.example",
        "APP_URL": "https://app.marketplace.example/",
    }
    async with (
        peer_server("auth", backing, add_SecurityMailServiceServicer_to_server, auth) as address,
        serving(
            "notification", assemble, NotificationSettings, backing, peers={"auth": address}, environment=environment
        ) as service,
    ):
        yield Post(service, auth, mail)
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    "locale, title, page",
    [("pt-BR", "Defina uma nova senha", "reset-password"), ("en", "Set a new password", "reset-password")],
)
async def test_a_link_is_sent_once_in_the_recipients_language(post: Post, locale: str, title: str, page: str) -> None:
    mail_id = await post.ask(pb.SECURITY_MAIL_KIND_RESET_PASSWORD, locale)
    await post.becomes(mail_id, "sent")
    event = SecurityMailRequested(account_id="acc_x", mail_id=mail_id)
    await post.service.deliver(event)
    await post.becomes(await post.ask(pb.SECURITY_MAIL_KIND_PASSWORD_CHANGED), "sent")
    mail, _ = post.mail.taken
    assert (mail["Subject"], mail["To"]) == (title, "ana@example.com")
    assert f"https://app.marketplace.example/{page}#token={TOKEN}" in mail.get_content().replace("=\n", "")


async def test_neither_link_nor_address_is_kept_and_the_inbox_does_not_show_it(post: Post, backing: Backing) -> None:
    ana = backing.account("customer")
    mail_id = await post.ask(pb.SECURITY_MAIL_KIND_RESET_PASSWORD, account_id=ana.account_id)
    await post.becomes(mail_id, "sent")
    driver = post.service.runtime._mongo[post.service.runtime.database._driver.name]
    for name in await driver.list_collection_names():
        async for document in driver[name].find():
            assert TOKEN not in str(document)
            assert "ana@example.com" not in str(document)
    inbox = await post.service.stub(InboxServiceStub, ana).ListNotifications(ListNotificationsRequest())
    assert list(inbox.notifications) == []


async def test_a_mail_that_is_not_wanted_any_more_is_not_sent(post: Post) -> None:
    mail_id = new_id("mail")
    await post.service.deliver(SecurityMailRequested(account_id="acc_x", mail_id=mail_id))
    await post.becomes(mail_id, "none")
    assert post.mail.taken == []


async def test_while_auth_does_not_answer_it_is_tried_later(post: Post) -> None:
    post.auth.failures = 1_000
    mail_id = await post.ask(pb.SECURITY_MAIL_KIND_VERIFY_EMAIL)

    async def is_delayed() -> bool:
        mail = await post.service.runtime.database.collection(SecurityMailDocument).get(mail_id)
        return mail is not None and mail.attempts == 1 and mail.state == "queued"

    await until(is_delayed)
    post.auth.failures = 0
    mails = post.service.runtime.database.collection(SecurityMailDocument)
    await mails.update_one({"_id": mail_id}, {"$set": {"due_time": post.service.runtime.clock.now()}})
    await post.becomes(mail_id, "sent")


async def test_a_refusal_for_good_ends_it_and_one_for_now_does_not(post: Post) -> None:
    post.mail.answers = ["554 never"]
    await post.becomes(await post.ask(pb.SECURITY_MAIL_KIND_ACCOUNT_LOCKED), "undelivered")
    post.mail.answers = ["451 try later"]
    mail_id = await post.ask(pb.SECURITY_MAIL_KIND_ACCOUNT_LOCKED)
    await until(lambda: not post.mail.answers)
    await post.becomes(mail_id, "queued")
    assert post.mail.taken == []


@pytest.mark.parametrize("locale", ["pt-BR", "en", "xx", ""])
@pytest.mark.parametrize("purpose", list(Purpose))
def test_there_are_words_for_every_purpose_and_the_name_stands_in_them(purpose: Purpose, locale: str) -> None:
    title, body = SecurityWords("https://app.example").word(Letter(purpose, "ana@example.com", "Ana", locale, "t"))
    assert title
    assert "Ana" in body
    assert ("https://app.example/" in body) == (
        purpose in {Purpose.VERIFY_EMAIL, Purpose.CONFIRM_NEW_EMAIL, Purpose.RESET_PASSWORD}
    )
