"""What booking's tests share: peers that answer as told, and the steps that lead to a booking."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from marketplace.booking.v1 import booking_service_pb2 as bookings_pb
from marketplace.booking.v1 import catalog_service_pb2 as catalog_pb
from marketplace.booking.v1 import request_service_pb2 as requests_pb
from marketplace.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from marketplace.booking.v1.catalog_service_pb2_grpc import CatalogServiceStub
from marketplace.booking.v1.request_service_pb2_grpc import RequestServiceStub
from marketplace.common.v1.geo_pb2 import GeoPoint
from marketplace.common.v1.money_pb2 import Money
from marketplace.payment.v1 import payment_service_pb2 as payment_pb
from marketplace.payment.v1.payment_service_pb2_grpc import PaymentServiceServicer, add_PaymentServiceServicer_to_server
from marketplace.user.v1 import profile_service_pb2 as user_pb
from marketplace.user.v1.profile_service_pb2_grpc import ProfileServiceServicer, add_ProfileServiceServicer_to_server

from mesh.call import Account
from mesh.errors import NotAllowedNow
from mesh.ids import new_id
from mesh.status_details import STATUS_DETAILS_KEY, to_status
from services.booking.__main__ import assemble
from services.booking.settings import BookingSettings
from tests.support.service import Backing, ServiceUnderTest, peer_server, serving

T = TypeVar("T")

HERE = GeoPoint(latitude=-23.5614, longitude=-46.6559)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class SetClock:
    """A clock that moves by a millisecond whenever it is asked, so that events have an order, and else where it is put."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC).replace(microsecond=0)

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment

    def advance(self, **span: float) -> None:
        self.moment += timedelta(**span)


class FakePayment(PaymentServiceServicer):
    """payment as booking knows it: authorizes, declines, or does not answer; remembers who asked."""

    def __init__(self) -> None:
        self.answer = "authorize"
        self.requests: list[payment_pb.AuthorizePaymentRequest] = []
        self.answering = asyncio.Event()
        self.answering.set()

    async def AuthorizePayment(
        self, request: payment_pb.AuthorizePaymentRequest, context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> payment_pb.AuthorizePaymentResponse:
        self.requests.append(request)
        await self.answering.wait()
        if self.answer == "decline":
            status = to_status(NotAllowedNow("PAYMENT_DECLINED", "The card was declined.", {"code": "x"}), "payment.marketplace")
            details = ((STATUS_DETAILS_KEY, status.SerializeToString()),)
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, status.message, details)
        if self.answer == "fail":
            await context.abort(grpc.StatusCode.INTERNAL, "broken")
        return payment_pb.AuthorizePaymentResponse(payment=payment_pb.Payment(booking_id=request.booking_id))


class FakeUser(ProfileServiceServicer):
    """user as booking knows it: tells names."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    async def BatchGetProviders(
        self, request: user_pb.BatchGetProvidersRequest, _context: object
    ) -> user_pb.BatchGetProvidersResponse:
        known = [each for each in request.provider_ids if each in self.names]
        return user_pb.BatchGetProvidersResponse(
            providers=[user_pb.PublicProvider(provider_id=each, display_name=self.names[each]) for each in known]
        )


@dataclass
class Stage:
    """booking serving, its peers, its clock, and steps in the words of the journey."""

    service: ServiceUnderTest
    backing: Backing
    clock: SetClock
    payment: FakePayment
    user: FakeUser
    customer: Account
    category_id: str = "electrical"
    stubs: dict[tuple[type[Any], str], Any] = field(default_factory=dict)

    def catalog(self, account: Account | None) -> Any:
        return self._stub(CatalogServiceStub, account)

    def requests(self, account: Account) -> Any:
        return self._stub(RequestServiceStub, account)

    def bookings(self, account: Account) -> Any:
        return self._stub(BookingServiceStub, account)

    def _stub(self, stub_class: type[Any], account: Account | None) -> Any:
        key = (stub_class, account.account_id if account else "")
        if key not in self.stubs:
            self.stubs[key] = self.service.stub(stub_class, account)
        return self.stubs[key]

    def noon(self, days: int = 1) -> datetime:
        """Noon in UTC, so many days from now."""
        return self.clock.now().replace(hour=12, minute=0, second=0, microsecond=0) + days * DAY

    async def provider(
        self,
        price_minor: int = 10_000,
        *,
        north_degrees: float = 0.0,
        radius: int = 20_000,
        account: Account | None = None,
    ) -> Account:
        """A provider who works around the clock."""
        account = account or self.backing.account("provider")
        catalog = self.catalog(account)
        await catalog.SetOffering(
            catalog_pb.SetOfferingRequest(
                category_id=self.category_id,
                price=Money(currency_code="BRL", amount_minor=price_minor),
                price_model=catalog_pb.PRICE_MODEL_FIXED,
                area_center=GeoPoint(latitude=HERE.latitude + north_degrees, longitude=HERE.longitude),
                area_radius_meters=radius,
            )
        )
        week = [catalog_pb.WeeklyInterval(day=day, start_minute=0, end_minute=1440) for day in range(1, 8)]
        await catalog.SetWeeklyHours(catalog_pb.SetWeeklyHoursRequest(intervals=week, time_zone="America/Sao_Paulo"))
        return account

    def order(self, start: datetime | None = None, duration: timedelta = HOUR) -> requests_pb.CreateServiceRequestRequest:
        """What a customer asks for, unless told otherwise: an hour tomorrow at noon."""
        return requests_pb.CreateServiceRequestRequest(
            category_id=self.category_id,
            start_time=timestamp(start or self.noon()),
            duration=Duration(seconds=int(duration.total_seconds())),
            place=HERE,
            note="ring twice",
            payment_method="pm_test",
        )

    async def ask(
        self, start: datetime | None = None, duration: timedelta = HOUR, *, customer: Account | None = None
    ) -> requests_pb.ServiceRequest:
        """The customer asks for a service."""
        stub = self.requests(customer or self.customer)
        answer = await stub.CreateServiceRequest(self.order(start, duration), key=new_id("key"))
        request: requests_pb.ServiceRequest = answer.request
        return request

    async def offer(self, provider: Account, request_id: str) -> requests_pb.Offer:
        """The offer that this provider got of the request."""
        answer = await self.requests(provider).ListOffers(requests_pb.ListOffersRequest())
        offers: list[requests_pb.Offer] = [offer for offer in answer.offers if offer.request_id == request_id]
        assert offers, "no offer"
        return offers[0]

    async def accept(self, provider: Account, request_id: str) -> bookings_pb.Booking:
        """The provider accepts the offer of this request."""
        offer = await self.offer(provider, request_id)
        answer = await self.requests(provider).AcceptOffer(requests_pb.AcceptOfferRequest(offer_id=offer.offer_id))
        booking: bookings_pb.Booking = answer.booking
        return booking

    async def book(self, start: datetime | None = None) -> tuple[bookings_pb.Booking, Account]:
        """A booking, and its provider, the only one."""
        provider = await self.provider()
        return await self.accept(provider, (await self.ask(start)).request_id), provider

    async def state(self, booking: bookings_pb.Booking) -> str:
        """The name of the state that the booking has now."""
        request = bookings_pb.GetBookingRequest(booking_id=booking.booking_id)
        answer = await self.bookings(self.customer).GetBooking(request)
        return state_name(answer.booking)


@asynccontextmanager
async def on_stage(
    backing: Backing,
    *,
    sweep_seconds: float = 60,
    environment: dict[str, str] | None = None,
    database_prefix: str = "",
    is_user_up: bool = True,
) -> AsyncIterator[Stage]:
    """booking with its peers. Sweepers run once at the start, and every `sweep_seconds`."""
    payment, user, clock = FakePayment(), FakeUser(), SetClock()  # type: ignore[abstract]  # only what booking calls
    variables = {"SWEEP_SECONDS": str(sweep_seconds), **(environment or {})}
    async with AsyncExitStack() as stack:
        addresses = {
            "payment": await stack.enter_async_context(
                peer_server("payment", backing, add_PaymentServiceServicer_to_server, payment)
            ),
            "user": "127.0.0.1:1",
        }
        if is_user_up:
            serve_user = peer_server("user", backing, add_ProfileServiceServicer_to_server, user)
            addresses["user"] = await stack.enter_async_context(serve_user)
        service = await stack.enter_async_context(
            serving(
                "booking",
                assemble,
                BookingSettings,
                backing,
                peers=addresses,
                environment=variables,
                clock=clock,
                database_prefix=database_prefix,
            )
        )
        yield Stage(service, backing, clock, payment, user, backing.account("customer"))


def timestamp(moment: datetime) -> Timestamp:
    """The moment as a message."""
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def state_name(booking: bookings_pb.Booking) -> str:
    """The name of the booking's state, without prefix."""
    return bookings_pb.BookingState.Name(booking.state).removeprefix("BOOKING_STATE_")


async def until(ask: Callable[[], Awaitable[T]], is_right: Callable[[T], bool], seconds: float = 10) -> T:
    """What `ask` gives as soon as it is right. Raises AssertionError when that takes too long."""
    give_up = time.monotonic() + seconds
    while True:
        found = await ask()
        if is_right(found):
            return found
        assert time.monotonic() < give_up, f"still {found!r}"
        await asyncio.sleep(0.02)
