"""The worker's claims and the provider's answers that could not be written down, with stores and a provider in memory."""

import copy
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from mesh.errors import AlreadyExists, Unavailable
from services.payment.model.intent import Intent, IntentStatus, Notice
from services.payment.model.ledger import Entry, EntryKind, Money
from services.payment.model.payment import Payment, PaymentState, Refusal, Terms
from services.payment.workflows import PaymentWorkflows

T = TypeVar("T")

TERMS = Terms("bkg_1", "acc_customer", "acc_provider", Money("BRL", 15_000), Money("BRL", 2_250))


class SetClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 3, 14, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class PaymentsInMemory:
    """The port Payments for one booking; `broken` transactions take no effect."""

    def __init__(self) -> None:
        self.found: Payment | Refusal | None = None
        self.booked: list[Entry] = []
        self.broken = 0

    async def transaction(self, work: Callable[[], Awaitable[T]]) -> T:
        before = copy.deepcopy((self.found, self.booked))
        result = await work()
        if self.broken:
            self.broken -= 1
            self.found, self.booked = before
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "The database does not answer.")
        return result

    async def find(self, booking_id: str) -> Payment | Refusal | None:
        return copy.deepcopy(self.found)

    async def add(self, payment: Payment) -> None:
        if self.found is not None:
            raise AlreadyExists("ALREADY_EXISTS", "It exists already.")
        self.found = payment

    async def refuse(self, refusal: Refusal) -> None:
        self.found = refusal

    async def save(self, payment: Payment) -> None:
        self.booked += payment.entries
        self.found = copy.deepcopy(payment)
        self.found.entries, self.found.facts = [], []

    async def due(self, now: datetime, limit: int) -> list[str]:
        return ["bkg_1"]  # as another worker may have read it a moment ago

    async def entries(self, booking_id: str) -> list[Entry]:
        return self.booked

    async def is_noticed(self, event_id: str) -> bool:
        return False

    async def notice(self, event_id: str, now: datetime) -> None:
        raise AssertionError("no webhook comes here")


class ProviderInMemory:
    """The port Provider; says yes and counts the questions."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def authorize(self, payment: Payment) -> Intent:
        return self._answer("authorize", payment, IntentStatus.HELD)

    async def capture(self, payment: Payment) -> Intent:
        return self._answer("capture", payment, IntentStatus.CAPTURED)

    async def cancel(self, payment: Payment) -> Intent:
        return self._answer("cancel", payment, IntentStatus.CANCELLED)

    async def fetch(self, intent_id: str) -> Intent | None:
        return None

    def read_notice(self, payload: bytes, signature: str) -> Notice:
        raise AssertionError("no webhook comes here")

    def _answer(self, question: str, payment: Payment, status: IntentStatus) -> Intent:
        self.asked.append(question)
        return Intent(status, payment.payment_id, "bkg_1", "pi_1", TERMS.amount, payment.price)


class Scene:
    def __init__(self) -> None:
        self.payments, self.provider, self.clock = PaymentsInMemory(), ProviderInMemory(), SetClock()
        self.workflows = PaymentWorkflows(self.payments, self.provider, self.clock)

    @property
    def payment(self) -> Payment:
        assert isinstance(self.payments.found, Payment)
        return self.payments.found


async def test_a_payment_that_another_worker_has_claimed_is_left_to_it() -> None:
    scene = Scene()
    await scene.workflows.authorize(TERMS, "pm_card")
    await scene.workflows.complete("bkg_1", TERMS.amount, TERMS.commission)
    scene.payment.try_again(scene.clock.now())
    await scene.workflows.close_open()
    assert scene.provider.asked == ["authorize"]
    scene.clock.time += timedelta(seconds=1)
    await scene.workflows.close_open()
    assert scene.provider.asked == ["authorize", "capture"]


async def test_a_payment_that_was_closed_meanwhile_is_left_alone() -> None:
    scene = Scene()
    await scene.workflows.authorize(TERMS, "pm_card")
    before = copy.deepcopy(scene.payment)
    await scene.workflows.close_open()
    assert (scene.payment, scene.provider.asked) == (before, ["authorize"])


async def test_a_claim_that_could_not_be_written_down_asks_nothing_and_is_made_again() -> None:
    scene = Scene()
    await scene.workflows.authorize(TERMS, "pm_card")
    await scene.workflows.complete("bkg_1", TERMS.amount, TERMS.commission)
    claim = scene.workflows.close_open
    scene.payments.broken = 1  # the claim: nothing has been asked
    await claim()
    assert scene.provider.asked == ["authorize"]
    while scene.payment.state is not PaymentState.CAPTURED:
        scene.clock.time += timedelta(seconds=31)
        await claim()
    assert scene.provider.asked == ["authorize", "capture"]
    assert [entry.kind for entry in scene.payments.booked] == [EntryKind.HOLD, EntryKind.RELEASE, EntryKind.CAPTURE]


async def test_an_authorization_that_could_not_be_written_down_is_found_by_the_worker() -> None:
    scene = Scene()
    began = scene.workflows.authorize(TERMS, "pm_card")
    original = scene.provider.authorize

    async def answer_and_lose_the_database(payment: Payment) -> Intent:
        scene.payments.broken = 2  # recording the answer, and hurrying the worker
        return await original(payment)

    scene.provider.authorize = answer_and_lose_the_database  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        await began
    scene.provider.authorize = original  # type: ignore[method-assign]
    assert (scene.payment.state, scene.payments.booked) == (PaymentState.AUTHORIZING, [])
    scene.clock.time += timedelta(seconds=8)
    await scene.workflows.close_open()
    assert scene.payment.state is PaymentState.AUTHORIZED
    assert [entry.kind for entry in scene.payments.booked] == [EntryKind.HOLD]
