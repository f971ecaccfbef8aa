"""chat under test."""

from collections.abc import AsyncIterator

import pytest
from marketplace.booking.v1.booking_service_pb2_grpc import add_BookingServiceServicer_to_server

from mesh.ids import new_id
from mesh.settings import Settings
from services.chat.__main__ import assemble
from tests.services.chat.support import OneBooking, Talk
from tests.support.service import Backing, peer_server, serving


@pytest.fixture
async def talk(backing: Backing) -> AsyncIterator[Talk]:
    customer, provider, booking_id = backing.account("customer"), backing.account("provider"), new_id("bkg")
    booking = OneBooking(booking_id, customer.account_id, provider.account_id)  # type: ignore[abstract]  # one method is asked
    async with (
        peer_server("booking", backing, add_BookingServiceServicer_to_server, booking) as address,
        serving("chat", assemble, Settings, backing, peers={"booking": address}) as service,
    ):
        yield Talk(service, booking_id, customer, provider)
