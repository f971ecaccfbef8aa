"""What the steps of the journey share: the doors of the edge, the people, and what has come of it so far."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4
from zoneinfo import ZoneInfo

from demo.clients.grpc_web import GrpcWebClient
from demo.clients.rest import RestClient, RestError
from demo.clients.websocket import LiveConnection, live_connection
from mesh.local.certificates import Certificate

T = TypeVar("T")

Walk = Callable[["Scene"], Awaitable[None]]

CATEGORY = "electrical"
ZONE = "America/Sao_Paulo"
PASSWORD = "correct horse battery staple"
AVENIDA_PAULISTA = {"latitude": -23.5617, "longitude": -46.6560}
DURATION = timedelta(hours=2)


class StepFailed(AssertionError):
    """A step did not hold; the message says what was expected and what came."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name, the doors that it goes through, and the way itself."""

    name: str
    via: str
    walk: Walk


@dataclass(slots=True)
class Person:
    """Somebody with an account and an open session."""

    account_id: str
    email: str
    access_token: str
    locale: str = "pt-BR"


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the system is entered, and the certificate of a service inside it."""

    edge_url: str  # http://host:port
    websocket_url: str  # ws://host:port/v1/live
    mailbox_url: str  # http://host:port of the local mail sink
    admin_email: str
    admin_password: str
    booking_address: str  # host:port of the service behind the edge
    realtime_certificate: Certificate


@dataclass
class Scene:
    """The state of one journey. The fields without a value are filled by its steps."""

    doors: Doors
    rest: RestClient
    grpc_web: GrpcWebClient
    closing: AsyncExitStack
    patience_seconds: float = 30.0  # how long to wait for what comes by itself
    place: dict[str, float] = field(default_factory=AVENIDA_PAULISTA.copy)  # where the service is wanted
    customer: Person = field(init=False)
    provider: Person = field(init=False)  # who wins the booking
    rival: Person = field(init=False)  # another provider
    admin: Person = field(init=False)
    start_time: datetime = field(default_factory=lambda: next_workday_at(14))
    customer_live: LiveConnection = field(init=False)
    offers: dict[str, "asyncio.Queue[str]"] = field(default_factory=dict)  # offers that arrived live, by account
    request: dict[str, Any] = field(init=False)
    booking: dict[str, Any] = field(init=False)

    @property
    def booking_id(self) -> str:
        """The booking that the journey is about."""
        return str(self.booking["booking_id"])

    async def register(self, name: str, roles: list[str], locale: str) -> Person:
        """Registers somebody and opens a session, by REST."""
        email = f"{name.lower()}.{uuid4().hex[:12]}@example.com"
        account = {"email": email, "password": PASSWORD, "display_name": name, "roles": roles, "locale": locale}
        try:
            await self.rest.call("POST", "/v1/accounts", account)
        except RestError as error:
            if error.reason != "EMAIL_TAKEN":  # by our own first attempt, whose answer was lost: nobody else has this address
                raise
        return await self.log_in(email, PASSWORD, locale)

    async def log_in(self, email: str, password: str, locale: str = "pt-BR") -> Person:
        """Opens a session, by REST."""
        session = await self.rest.call("POST", "/v1/sessions", {"email": email, "password": password})
        return Person(session["account_id"], email, session["tokens"]["access_token"], locale)

    async def ask(self, start_time: datetime, note: str) -> dict[str, Any]:
        """The customer asks for the service at this time. Gives the matched request."""
        wanted = {
            "category_id": CATEGORY,
            "start_time": stamp(start_time),
            "duration": f"{int(DURATION.total_seconds())}s",
            "place": self.place,
            "note": note,
            "payment_method": "pm_card_visa",
        }
        answer = await self.rest.call("POST", "/v1/requests", wanted, token=self.customer.access_token, key=uuid4().hex)
        request: dict[str, Any] = answer["request"]
        return request

    async def payment_state(self) -> str:
        """How far the payment of the booking has come, as its customer sees it."""
        path = f"/v1/bookings/{self.booking_id}/payment"
        answer = await self.rest.call("GET", path, token=self.customer.access_token)
        return str(answer["payment"]["state"])

    async def until(self, read: Callable[[], Awaitable[T]], is_there: Callable[[T], object], sentence: str) -> T:
        """What `read` gives as soon as `is_there` holds for it. A NOT_FOUND meanwhile means: not there yet. Raises StepFailed."""
        give_up = time.monotonic() + self.patience_seconds
        seen: object = "nothing"
        while time.monotonic() < give_up:
            try:
                found = await read()
            except RestError as error:
                if error.status != 404:
                    raise
                seen = error
            else:
                if is_there(found):
                    return found
                seen = found
            await asyncio.sleep(0.05)
        raise StepFailed(f"not so within {self.patience_seconds:g} s: {sentence}; last seen: {seen}")

    @asynccontextmanager
    async def live(self, person: Person) -> AsyncIterator[LiveConnection]:
        """A live connection of this person, by WebSocket."""
        async with live_connection(self.doors.websocket_url, person.access_token, self.patience_seconds) as live:
            yield live


@asynccontextmanager
async def open_scene(
    doors: Doors, patience_seconds: float = 30.0, place: dict[str, float] = AVENIDA_PAULISTA
) -> AsyncIterator[Scene]:
    """A new journey; leaving the block closes its connections. Journeys in one stack that want no company need other places."""
    async with (
        RestClient(doors.edge_url, patience_seconds) as rest,
        GrpcWebClient(doors.edge_url, patience_seconds) as grpc_web,
        AsyncExitStack() as closing,
    ):
        yield Scene(doors, rest, grpc_web, closing, patience_seconds, dict(place))


def expect(holds: object, sentence: str) -> None:
    """Raises StepFailed with the sentence when what it says does not hold."""
    if not holds:
        raise StepFailed(f"not so: {sentence}")


async def refused(call: Awaitable[object], status: int, reason: str) -> None:
    """Raises StepFailed unless the REST call is refused with this HTTP status and reason."""
    try:
        await call
    except RestError as error:
        expect((error.status, error.reason) == (status, reason), f"refused with {status} {reason}, but it was {error}")
    else:
        raise StepFailed(f"not so: refused with {status} {reason}, but it was allowed")


def stamp(moment: datetime) -> str:
    """A moment as ProtoJSON writes it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def next_workday_at(hour: int, days_ahead: int = 2) -> datetime:
    """That hour in São Paulo, at least so many days ahead and never at a weekend."""
    day = datetime.now(ZoneInfo(ZONE)).replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(days=days_ahead)
    while day.isoweekday() > 5:
        day += timedelta(days=1)
    return day
