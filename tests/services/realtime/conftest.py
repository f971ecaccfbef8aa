"""realtime as it is served, with a booking service that knows one booking, and clients of both of its doors."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import jwt
import pytest
from marketplace.booking.v1 import booking_service_pb2 as booking_pb
from marketplace.booking.v1.booking_service_pb2_grpc import BookingServiceServicer, add_BookingServiceServicer_to_server
from marketplace.booking.v1.events_pb2 import BookingStateChanged, OfferMade
from marketplace.realtime.v1 import live_service_pb2 as pb
from marketplace.realtime.v1.live_service_pb2_grpc import LiveServiceStub
from websockets.asyncio.client import ClientConnection, connect

from mesh.call import Account
from mesh.errors import NotFound
from mesh.ids import new_id
from mesh.local.ports import free_port
from mesh.status_details import STATUS_DETAILS_KEY, to_status
from services.realtime.__main__ import assemble
from services.realtime.settings import RealtimeSettings
from tests.support.service import Backing, ServiceUnderTest, peer_server, serving


class OneBooking(BookingServiceServicer):
    """booking, which knows one booking and tells its parties and administrators of it."""

    def __init__(self, customer: Account, provider: Account) -> None:
        self.booking_id = new_id("bkg")
        self.customer_id, self.provider_id = customer.account_id, provider.account_id
        self.state = booking_pb.BOOKING_STATE_EN_ROUTE

    async def GetParticipation(self, request: Any, context: Any) -> booking_pb.GetParticipationResponse:
        header = dict(context.invocation_metadata())["authorization"]
        claims = jwt.decode(header.removeprefix("Bearer "), options={"verify_signature": False})
        may_know = claims["sub"] in (self.customer_id, self.provider_id) or "admin" in claims["roles"]
        if request.booking_id != self.booking_id or not may_know:
            status = to_status(NotFound("BOOKING_NOT_FOUND", "There is none."), "booking.marketplace")
            await context.abort(grpc.StatusCode.NOT_FOUND, "", ((STATUS_DETAILS_KEY, status.SerializeToString()),))
        return booking_pb.GetParticipationResponse(customer_id=self.customer_id, provider_id=self.provider_id, state=self.state)


@dataclass
class Live:
    """realtime with two people and their booking."""

    service: ServiceUnderTest
    backing: Backing
    booking: OneBooking
    customer: Account
    provider: Account
    websocket_port: int
    sequence: int = field(default=0)

    def stub(self, who: Account) -> Any:
        return self.service.stub(LiveServiceStub, who)

    @asynccontextmanager
    async def stream(self, who: Account, resume_from: pb.Position | None = None, booking_id: str = "") -> AsyncIterator["Frames"]:
        request = pb.SubscribeRequest(booking_id=booking_id, resume_from=resume_from)
        async with aclosing(self.stub(who).Subscribe(request)) as responses:
            yield Frames(responses)

    @asynccontextmanager
    async def socket(
        self, who: Account | None = None, certificate: str = "gateway", path: str = "/v1/live"
    ) -> AsyncIterator["Socket"]:
        issued = self.backing.certificate(certificate)
        context = ssl.create_default_context(cafile=str(issued.ca_file))
        context.load_cert_chain(issued.certificate_file, issued.key_file)
        headers = {} if who is None else {"authorization": f"Bearer {who.token}"}
        url = f"wss://127.0.0.1:{self.websocket_port}{path}"
        async with connect(url, ssl=context, server_hostname="realtime", additional_headers=headers) as connection:
            yield Socket(connection)

    async def offer(self, event_id: str = "") -> str:
        """The provider gets a new offer; gives its id."""
        self.sequence += 1
        event = OfferMade(
            offer_id=f"off_{self.sequence}", request_id="req_1", provider_id=self.provider.account_id, category_id="electrical"
        )
        await self.service.deliver(event, event_id)
        return event.offer_id

    async def move(self, old: "booking_pb.BookingState.ValueType", new: "booking_pb.BookingState.ValueType") -> None:
        """The booking moves, and both parties are to be told."""
        self.booking.state = new
        await self.service.deliver(
            BookingStateChanged(
                booking_id=self.booking.booking_id,
                customer_id=self.booking.customer_id,
                provider_id=self.booking.provider_id,
                old_state=old,
                new_state=new,
            )
        )

    async def travel(self, who: Account, *points: pb.LocationPoint) -> int:
        """Publishes points of the booking's way by gRPC; gives how many were taken."""
        request = pb.PublishLocationsRequest(booking_id=self.booking.booking_id, points=points)
        return int((await self.stub(who).PublishLocations(request)).accepted_count)


class Frames:
    """What comes on a gRPC stream."""

    def __init__(self, responses: AsyncGenerator[Any]) -> None:
        self._responses = responses

    async def next(self) -> pb.LiveEvent:
        async with asyncio.timeout(10):
            event: pb.LiveEvent = (await anext(self._responses)).event
            return event

    async def last(self) -> None:
        """Reads until the stream ends; raises what it ends with."""
        async with asyncio.timeout(10):
            async for _ in self._responses:
                pass

    async def next_offers(self, count: int) -> list[str]:
        return [(await self.next()).offer.offer_id for _ in range(count)]


class Socket:
    """What comes on a WebSocket, and what is sent there."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **frame: Any) -> None:
        await self.connection.send(json.dumps(frame))

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            frame: dict[str, Any] = json.loads(await self.connection.recv())
            return frame

    async def opened(self) -> dict[str, Any]:
        """Subscribes, and gives where the stream begins."""
        await self.send(subscribe={})
        position: dict[str, Any] = (await self.next())["subscribed"]["position"]
        return position

    async def end(self) -> tuple[int | None, str | None]:
        """The code and the reason with which the server ends the connection."""
        async with asyncio.timeout(15):
            await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason


def point(north: float = 0.0, seconds_ago: float = 0.0) -> pb.LocationPoint:
    """A place so many degrees north of a place, measured so long ago."""
    made = pb.LocationPoint(accuracy_meters=5)
    made.point.latitude, made.point.longitude = -23.5 + north, -46.6
    made.measure_time.FromDatetime(datetime.now(UTC) - timedelta(seconds=seconds_ago))
    return made


@pytest.fixture
async def live(backing: Backing, request: pytest.FixtureRequest) -> AsyncIterator[Live]:
    """Settings are changed by `@pytest.mark.parametrize("live", [{"NAME": "value"}], indirect=True)`."""
    customer, provider = backing.account("customer"), backing.account("provider")
    booking, port = OneBooking(customer, provider), free_port()  # type: ignore[abstract]  # one method is asked
    environment = {"WEBSOCKET_LISTEN": f"127.0.0.1:{port}", **getattr(request, "param", {})}
    async with (
        peer_server("booking", backing, add_BookingServiceServicer_to_server, booking) as address,
        serving("realtime", assemble, RealtimeSettings, backing, peers={"booking": address}, environment=environment) as service,
    ):
        yield Live(service, backing, booking, customer, provider, port)
