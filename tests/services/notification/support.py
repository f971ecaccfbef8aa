"""Two people who can be told something, and a mail server."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from marketplace.booking.v1.events_pb2 import BookingConfirmed
from marketplace.common.v1.money_pb2 import Money
from marketplace.notification.v1 import inbox_service_pb2 as pb
from marketplace.notification.v1.inbox_service_pb2_grpc import InboxServiceStub
from marketplace.user.v1 import profile_service_pb2 as profiles_pb
from marketplace.user.v1.profile_service_pb2_grpc import ProfileServiceServicer

from mesh.call import Account
from mesh.ids import new_id
from tests.support.service import ServiceUnderTest


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
