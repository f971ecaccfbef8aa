"""Payment on real stores against the Stripe simulator, as its tests see it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from google.api.httpbody_pb2 import HttpBody
from marketplace.booking.v1.events_pb2 import BookingCancelled, BookingCompleted
from marketplace.common.v1.money_pb2 import Money
from marketplace.payment.v1 import payment_service_pb2 as pb
from marketplace.payment.v1.payment_service_pb2_grpc import PaymentServiceStub

from mesh.call import Account
from mesh.clock import Clock
from mesh.ids import new_id
from mesh.local.stripe_simulator import StripeSimulator
from mesh.local.stripe_simulator.webhooks import signature
from services.payment.__main__ import assemble
from services.payment.settings import PaymentSettings
from tests.support.service import Backing, ServiceUnderTest, serving

API_KEY = "sk_test_of_the_tests"
WEBHOOK_SECRET = "whsec_of_the_tests"
PRICE, COMMISSION = 15_000, 2_250


def brl(minor: int) -> Money:
    return Money(currency_code="BRL", amount_minor=minor)


class Stripe:
    """The simulator, and what a person at Stripe's dashboard could do and see."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def control(self, **faults: object) -> dict[str, Any]:
        async with self._session.post(f"{self.url}/_control", json=faults) as answer:
            assert answer.status == 200
            return dict(await answer.json())

    async def get(self, path: str) -> Any:
        async with self._session.get(f"{self.url}/v1/{path}") as answer:
            return await answer.json()

    async def post(self, path: str, **form: str) -> Any:
        async with self._session.post(f"{self.url}/v1/{path}", data=form) as answer:
            assert answer.status == 200
            return await answer.json()

    async def intents(self) -> list[dict[str, Any]]:
        return list((await self.get("payment_intents?limit=100"))["data"])

    async def events(self) -> list[dict[str, Any]]:
        """Oldest first."""
        return list(reversed((await self.get("events?limit=100"))["data"]))


@asynccontextmanager
async def simulating(folder: Path) -> AsyncIterator[Stripe]:
    simulator = StripeSimulator(folder, api_key=API_KEY, webhook_secret=WEBHOOK_SECRET)
    url = await simulator.start()
    try:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {API_KEY}"}) as session:
            yield Stripe(url, session)
    finally:
        await simulator.stop()


@dataclass
class Bench:
    """A payment service, and one booking whose payment it is about."""

    service: ServiceUnderTest
    backing: Backing
    stripe: Stripe
    booking_id: str = field(default_factory=lambda: new_id("bkg"))
    customer: Account = field(init=False)
    provider: Account = field(init=False)

    def __post_init__(self) -> None:
        self.customer, self.provider = self.backing.account("customer"), self.backing.account("provider")

    def request(self, payment_method: str = "pm_card_visa", price: int = PRICE) -> pb.AuthorizePaymentRequest:
        return pb.AuthorizePaymentRequest(
            booking_id=self.booking_id,
            customer_id=self.customer.account_id,
            provider_id=self.provider.account_id,
            amount=brl(price),
            commission=brl(COMMISSION),
            payment_method=payment_method,
        )

    async def authorize(self, payment_method: str = "pm_card_visa", *, price: int = PRICE, timeout: float = 6) -> pb.Payment:
        stub = self.service.stub(PaymentServiceStub, caller="booking")
        request = self.request(payment_method, price)
        call: Awaitable[pb.AuthorizePaymentResponse] = stub.AuthorizePayment(request, timeout=timeout)
        return (await call).payment

    async def payment(self, account: Account | None = None) -> pb.Payment:
        stub = self.service.stub(PaymentServiceStub, account or self.customer)
        call: Awaitable[pb.GetPaymentResponse] = stub.GetPayment(pb.GetPaymentRequest(booking_id=self.booking_id))
        return (await call).payment

    async def ledger(self) -> list[pb.LedgerEntry]:
        stub = self.service.stub(PaymentServiceStub, self.backing.account("admin"))
        request = pb.ListLedgerEntriesRequest(booking_id=self.booking_id)
        call: Awaitable[pb.ListLedgerEntriesResponse] = stub.ListLedgerEntries(request)
        return list((await call).entries)

    async def kinds(self) -> list[str]:
        return [entry.kind for entry in await self.ledger()]

    def completed(self, price: int = PRICE) -> BookingCompleted:
        return BookingCompleted(
            booking_id=self.booking_id,
            customer_id=self.customer.account_id,
            provider_id=self.provider.account_id,
            price=brl(price),
            commission=brl(COMMISSION),
        )

    def cancelled(self) -> BookingCancelled:
        return BookingCancelled(
            booking_id=self.booking_id, customer_id=self.customer.account_id, provider_id=self.provider.account_id
        )

    async def webhook(self, event: object, *, age_seconds: int = 0, secret: str = WEBHOOK_SECRET, header: str = "") -> None:
        await self.raw_webhook(json.dumps(event, indent=2).encode(), age_seconds=age_seconds, secret=secret, header=header)

    async def raw_webhook(self, body: bytes, *, age_seconds: int = 0, secret: str = WEBHOOK_SECRET, header: str = "") -> None:
        signed = header or signature(body, secret, int(time.time()) - age_seconds)
        stub = self.service.stub(PaymentServiceStub)
        request = pb.ReceiveStripeWebhookRequest(payload=HttpBody(content_type="application/json", data=body))
        call: Awaitable[object] = stub.ReceiveStripeWebhook(request, metadata=[("stripe-signature", signed)])
        await call

    async def until_state(self, state: str, seconds: float = 10) -> None:
        async def is_there() -> bool:
            return pb.PaymentState.Name((await self.payment()).state) == f"PAYMENT_STATE_{state}"

        await until(is_there, seconds)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Returns as soon as the condition holds. Raises TimeoutError when it does not come to hold."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what is waited for is in another place
            await asyncio.sleep(0.02)


@asynccontextmanager
async def paying(
    backing: Backing, stripe: Stripe, *, secret: str = WEBHOOK_SECRET, clock: Clock | None = None, prefix: str = ""
) -> AsyncIterator[Bench]:
    environment = {"STRIPE_API_KEY": API_KEY, "STRIPE_API_BASE": stripe.url, "STRIPE_WEBHOOK_SECRET": secret}
    async with serving(
        "payment", assemble, PaymentSettings, backing, environment=environment, clock=clock, database_prefix=prefix
    ) as service:
        yield Bench(service, backing, stripe)
