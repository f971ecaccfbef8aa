"""notification under test."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiosmtpd.smtp import SMTP
from marketplace.user.v1.profile_service_pb2_grpc import add_ProfileServiceServicer_to_server

from services.notification.__main__ import assemble
from services.notification.settings import NotificationSettings
from tests.services.notification.support import MailServer, People, Told
from tests.support.infrastructure import free_port
from tests.support.service import Backing, peer_server, serving


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
