"""notification as its readers see it: each event is told once, in the reader's language, and mailed at most once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from google.protobuf.timestamp_pb2 import Timestamp
from marketplace.booking.v1.events_pb2 import BookingConfirmed
from marketplace.chat.v1.events_pb2 import MessageSent
from marketplace.common.v1.money_pb2 import Money
from marketplace.notification.v1 import inbox_service_pb2 as pb
from marketplace.notification.v1.inbox_service_pb2_grpc import InboxServiceStub
from marketplace.user.v1 import document_pb2 as documents
from marketplace.user.v1 import profile_service_pb2 as profiles_pb
from marketplace.user.v1.events_pb2 import DocumentExpiring, DocumentStateChanged
from marketplace.user.v1.profile_service_pb2_grpc import ProfileServiceServicer, add_ProfileServiceServicer_to_server

from mesh.call import Account
from mesh.ids import new_id
from services.notification.__main__ import assemble
from services.notification.settings import NotificationSettings
from tests.support.infrastructure import free_port
from tests.support.service import Backing, ServiceUnderTest, peer_server, serving


class People(ProfileServiceServicer):
    """user, which knows two people."""

    def __init__(self, locales: dict[str, str]) -> None:
        self._locales = locales

    async def GetContact(self, request: Any, context: Any) -> profiles_pb.GetContactResponse:
        locale = self._locales[request.account_id]
        email = f"{locale.lower()}@example.com"
        return profiles_pb.GetContactResponse(email=email, locale=locale, time_zone="America/Sao_Paulo", email_enabled=True)


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
class Told:
    """The service, two people, and the mail server."""

    service: ServiceUnderTest
    customer: Account  # reads Portuguese
    provider: Account  # reads English
    mail: MailServer

    async def confirm(self) -> tuple[BookingConfirmed, str]:
        event = BookingConfirmed(
            booking_id=new_id("bkg"),
            customer_id=self.customer.account_id,
            provider_id=self.provider.account_id,
            price=Money(currency_code="BRL", amount_minor=123_450),
        )
        event.start_time.FromDatetime(datetime(2026, 5, 4, 17, tzinfo=UTC))
        return event, await self.service.deliver(event)

    async def inbox(
        self, who: Account, is_there: Callable[[pb.ListNotificationsResponse], object]
    ) -> pb.ListNotificationsResponse:
        stub = self.service.stub(InboxServiceStub, who)
        async with asyncio.timeout(10):
            while True:
                answer: pb.ListNotificationsResponse = await stub.ListNotifications(pb.ListNotificationsRequest())
                if is_there(answer):
                    return answer
                await asyncio.sleep(0.02)


def is_mailed(answer: pb.ListNotificationsResponse) -> bool:
    return bool(answer.notifications) and all(each.email_state == pb.EMAIL_STATE_SENT for each in answer.notifications)


@pytest.fixture
async def told(backing: Backing) -> AsyncIterator[Told]:
    customer, provider = backing.account("customer"), backing.account("provider")
    people = People({customer.account_id: "pt-BR", provider.account_id: "en"})  # type: ignore[abstract]  # one method is asked
    mail, port = MailServer(), free_port()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(mail), "127.0.0.1", port)
    environment = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port), "MAIL_FROM": "hello@marketplace.example"}
    async with (
        peer_server("user", backing, add_ProfileServiceServicer_to_server, people) as address,
        serving(
            "notification", assemble, NotificationSettings, backing, peers={"user": address}, environment=environment
        ) as service,
    ):
        yield Told(service, customer, provider, mail)
    server.close()
    await server.wait_closed()


async def test_both_are_told_in_their_language_and_mailed_once(told: Told) -> None:
    event, event_id = await told.confirm()
    await told.service.deliver(event, event_id)
    portuguese = (await told.inbox(told.customer, is_mailed)).notifications
    english = (await told.inbox(told.provider, is_mailed)).notifications
    assert [(each.type, each.title, each.booking_id) for each in portuguese] == [
        ("booking_confirmed", "Reserva confirmada", event.booking_id)
    ]
    assert [each.title for each in english] == ["Booking confirmed"]
    assert "1.234,50" in portuguese[0].body
    assert "14:00" in portuguese[0].body
    assert "1,234.50" in english[0].body
    assert sorted(str(mail["To"]) for mail in told.mail.taken) == ["en@example.com", "pt-br@example.com"]
    assert {str(mail["Message-ID"]) for mail in told.mail.taken} == {
        f"<{each.notification_id}@marketplace.example>" for each in (*portuguese, *english)
    }


async def test_mail_that_was_not_taken_is_queued_and_mail_refused_for_good_is_given_up(told: Told) -> None:
    told.mail.answers = ["451 try later", "554 never"]
    await told.confirm()

    def is_settled(answer: pb.ListNotificationsResponse) -> bool:
        return bool(answer.notifications) and not told.mail.answers

    states = {(await told.inbox(who, is_settled)).notifications[0].email_state for who in (told.customer, told.provider)}
    assert states <= {pb.EMAIL_STATE_QUEUED, pb.EMAIL_STATE_UNDELIVERED}
    assert told.mail.taken == []


async def test_chat_is_told_in_the_inbox_alone_and_can_be_read(told: Told) -> None:
    recipient_id = told.customer.account_id
    await told.service.deliver(MessageSent(booking_id=new_id("bkg"), message_id="msg_x", sequence=1, recipient_id=recipient_id))
    answer = await told.inbox(told.customer, lambda answer: answer.notifications)
    [notification] = answer.notifications
    assert (notification.type, notification.email_state, answer.unread_count) == ("message_sent", 0, 1)
    marking = pb.MarkNotificationsReadRequest(notification_ids=[notification.notification_id])
    assert (await told.service.stub(InboxServiceStub, told.provider).MarkNotificationsRead(marking)).read_count == 0
    assert (await told.service.stub(InboxServiceStub, told.customer).MarkNotificationsRead(marking)).read_count == 1
    assert (await told.inbox(told.customer, lambda answer: answer.notifications)).unread_count == 0
    assert told.mail.taken == []


async def test_providers_are_told_of_their_documents_in_their_language(told: Told) -> None:
    about: dict[str, Any] = {"account_id": told.provider.account_id, "document_id": new_id("doc")}
    kind = documents.DOCUMENT_KIND_IDENTITY
    for state in (documents.DOCUMENT_STATE_SUBMITTED, documents.DOCUMENT_STATE_APPROVED):
        await told.service.deliver(DocumentStateChanged(**about, kind=kind, state=state))
    await told.service.deliver(DocumentExpiring(**about, kind=kind, expire_time=Timestamp(seconds=1_900_000_000)))
    answer = await told.inbox(told.provider, lambda found: len(found.notifications) == 2 and is_mailed(found))
    assert {each.type for each in answer.notifications} == {"document_approved", "document_expiring"}
    assert {each.body for each in answer.notifications} == {
        "Your document (identity) was approved.",
        "Your document (identity) expires on March 17, 2030. Send a new one.",
    }
