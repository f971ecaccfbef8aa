"""Fills a new marketplace: providers in real neighbourhoods of São Paulo, with categories, prices and weekly hours.

Talks to the services behind the edge with the gateway's certificate, as a migration would: the edge's rates are for people.
"""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from marketplace.auth.v1 import auth_service_pb2 as auth
from marketplace.auth.v1 import auth_service_pb2_grpc as auth_grpc
from marketplace.booking.v1 import catalog_service_pb2 as catalog
from marketplace.booking.v1 import catalog_service_pb2_grpc as catalog_grpc
from marketplace.common.v1.geo_pb2 import GeoPoint
from marketplace.common.v1.money_pb2 import Money

from demo.clients.patience import attempts
from demo.neighbourhoods import NEIGHBOURHOODS
from mesh.channels import Channels
from mesh.errors import AlreadyExists, DeadlinePassed, Unauthenticated, Unavailable
from mesh.local.certificates import Certificate
from mesh.settings import Settings, read_settings

T = TypeVar("T")

PROVIDERS = 210
CUSTOMER = "customer@example.com"
PROVIDER = "provider-001@example.com"
PASSWORD = "demo password 2026"
_AT_ONCE = 8
_PATIENCE_SECONDS = 20.0
_ZONE = "America/Sao_Paulo"
_MINUTES = 60


@dataclass(frozen=True, slots=True)
class _Trade:
    """How providers of one kind of service charge: BRL an hour, or for the whole service, in minor units."""

    name: str
    lowest: int
    highest: int
    model: "catalog.PriceModel.ValueType"


_HOURLY, _FIXED = catalog.PRICE_MODEL_HOURLY, catalog.PRICE_MODEL_FIXED
_TRADES: Mapping[str, _Trade] = {
    "cleaning": _Trade("Limpeza", 3_500, 7_000, _HOURLY),
    "electrical": _Trade("Elétrica", 8_000, 18_000, _HOURLY),
    "plumbing": _Trade("Hidráulica", 9_000, 18_000, _HOURLY),
    "moving": _Trade("Mudanças", 35_000, 120_000, _FIXED),
    "painting": _Trade("Pinturas", 6_000, 12_000, _HOURLY),
    "gardening": _Trade("Jardins", 5_000, 11_000, _HOURLY),
    "lessons": _Trade("Aulas", 7_000, 20_000, _HOURLY),
}


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where the services are entered from inside, and as whom."""

    addresses: Mapping[str, str]  # host:port of auth and booking
    certificate: Certificate  # the gateway's


async def seed(entrance: Entrance, progress: Callable[[int, int], None] = lambda _count, _total: None) -> int:
    """Adds the demo's people as far as they are missing. Returns how many there are that were missing before.

    `progress` is told how many are there, of how many. The customer comes last: who finds it there finds everybody.
    """
    channels = Channels(_settings(entrance))
    try:
        accounts = channels.stub(auth_grpc.AuthServiceStub, "auth")
        offerings = channels.stub(catalog_grpc.CatalogServiceStub, "booking")
        if await patiently(lambda: _is_there(accounts, CUSTOMER)):
            return 0
        listed = await patiently(lambda: offerings.ListCategories(catalog.ListCategoriesRequest()))
        categories = [each.category_id for each in listed.categories if each.category_id in _TRADES]
        turns = asyncio.Semaphore(_AT_ONCE)
        added = itertools.count(1)
        total = PROVIDERS + 1
        progress(0, total)

        async def add(number: int) -> None:
            async with turns:
                await patiently(lambda: _add_provider(accounts, offerings, number, categories))
                progress(next(added), total)

        await asyncio.gather(*(add(number) for number in range(1, PROVIDERS + 1)))
        await patiently(lambda: _register(accounts, CUSTOMER, "Demo customer", auth.ACCOUNT_ROLE_CUSTOMER))
        progress(total, total)
        return total
    finally:
        await channels.close()


async def patiently(work: Callable[[], Awaitable[T]], patience_seconds: float = _PATIENCE_SECONDS) -> T:
    """What the work gives, done again while a service is not available: just started, it may still wait for another one."""
    async for is_last in attempts(patience_seconds):
        try:
            return await work()
        except (DeadlinePassed, Unavailable):
            if is_last:
                raise
    raise AssertionError("there is always a last attempt")


async def _is_there(accounts: auth_grpc.AuthServiceStub, email: str) -> bool:
    try:
        await accounts.LogIn(auth.LogInRequest(email=email, password=PASSWORD))
    except Unauthenticated:
        return False
    return True


async def _add_provider(
    accounts: auth_grpc.AuthServiceStub,
    offerings: catalog_grpc.CatalogServiceStub,
    number: int,
    categories: Sequence[str],
) -> None:
    chance = random.Random(number)
    category = categories[number % len(categories)]
    trade = _TRADES[category]
    place, latitude, longitude = NEIGHBOURHOODS[number % len(NEIGHBOURHOODS)]
    await _register(accounts, _email(number), f"{trade.name} {place} {number}", auth.ACCOUNT_ROLE_PROVIDER)
    session = await accounts.LogIn(auth.LogInRequest(email=_email(number), password=PASSWORD))
    headers = (("authorization", f"Bearer {session.tokens.access_token}"),)
    offering = catalog.SetOfferingRequest(
        category_id=category,
        price=Money(currency_code="BRL", amount_minor=chance.randrange(trade.lowest, trade.highest, 100)),
        price_model=trade.model,
        area_center=GeoPoint(latitude=latitude + chance.gauss(0, 0.004), longitude=longitude + chance.gauss(0, 0.004)),
        area_radius_meters=chance.choice((4_000, 6_000, 8_000, 12_000)),
    )
    await offerings.SetOffering(offering, metadata=headers)
    hours = catalog.SetWeeklyHoursRequest(intervals=_hours(chance), time_zone=_ZONE)
    await offerings.SetWeeklyHours(hours, metadata=headers)


def _hours(chance: random.Random) -> list[catalog.WeeklyInterval]:
    """Five or six days; most with a break at noon."""
    opens, closes = chance.choice((7, 8, 9)), chance.choice((17, 18, 19, 20))
    has_break = chance.random() < 0.6
    stretches = ((opens, 12), (13, closes)) if has_break else ((opens, closes),)
    return [
        catalog.WeeklyInterval(day=day, start_minute=start * _MINUTES, end_minute=end * _MINUTES)
        for day in range(1, 7 if chance.random() < 0.5 else 6)
        for start, end in stretches
    ]


async def _register(accounts: auth_grpc.AuthServiceStub, email: str, name: str, role: "auth.AccountRole.ValueType") -> None:
    try:
        await accounts.RegisterAccount(
            auth.RegisterAccountRequest(email=email, password=PASSWORD, display_name=name, roles=[role], time_zone=_ZONE)
        )
    except AlreadyExists:
        return  # left by a run that was interrupted


def _email(number: int) -> str:
    return f"provider-{number:03d}@example.com"


def _settings(entrance: Entrance) -> Settings:
    peers = ",".join(f"{name}={address}" for name, address in entrance.addresses.items())
    unused = {"MONGO_URL": "mongodb://unused", "REDIS_URL": "redis://unused", "KAFKA_BOOTSTRAP": "unused:1"}
    return read_settings(Settings, "gateway", {**unused, "PEER_ADDRESSES": peers, **entrance.certificate.environment})
