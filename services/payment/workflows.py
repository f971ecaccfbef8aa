"""The use cases: authorize, follow the booking, listen to the provider, close what stays open. No remote call in transactions."""

import asyncio
from contextlib import suppress

import structlog

from mesh.clock import Clock
from mesh.errors import AlreadyExists, Conflict, NotFound, Unavailable
from mesh.ids import derived_id
from services.payment.model.intent import Intent
from services.payment.model.ledger import Entry, Money
from services.payment.model.payment import BOOKING_CANCELLED, Payment, PaymentState, Refusal, Terms, declined
from services.payment.ports import Payments, Provider

_AT_ONCE = 16  # payments that the worker looks after at the same time

_log = structlog.get_logger()


class PaymentWorkflows:
    """What this service does."""

    def __init__(self, payments: Payments, provider: Provider, clock: Clock) -> None:
        self._payments = payments
        self._provider = provider
        self._clock = clock

    async def authorize(self, terms: Terms, payment_method: str) -> Payment:
        """The booking's authorized payment. Raises PAYMENT_DECLINED, PAYMENT_MISMATCH, PAYMENT_PROVIDER_UNAVAILABLE."""
        payment = await self._begin(terms, payment_method)
        if payment.state is PaymentState.AUTHORIZING:
            try:
                payment = await self._observe(terms.booking_id, await self._provider.authorize(payment))
            except Unavailable:
                await self._hurry(terms.booking_id)
                raise
        payment.require_authorized()
        return payment

    async def get(self, booking_id: str, account_id: str) -> Payment:
        """The payment of a booking of the account's. Raises NotFound(PAYMENT_NOT_FOUND)."""
        payment = await self._payments.find(booking_id)
        if not isinstance(payment, Payment) or not payment.is_of(account_id):
            raise _not_found()
        return payment

    async def entries(self, booking_id: str) -> list[Entry]:
        """The booking's ledger entries, oldest first."""
        return await self._payments.entries(booking_id)

    async def complete(self, booking_id: str, price: Money, commission: Money) -> None:
        """The work is done: the worker is to capture. In the event's transaction. Raises NotFound, Conflict, NotAllowedNow."""
        payment = await self._require(booking_id)
        payment.complete(price, commission, self._clock.now())
        await self._payments.save(payment)

    async def cancel(self, booking_id: str) -> None:
        """The booking is off: the worker is to release the hold. In the event's transaction. Raises NotAllowedNow."""
        found = await self._payments.find(booking_id)
        if found is None:
            await self._payments.refuse(Refusal(booking_id))
        elif isinstance(found, Payment):
            found.cancel(self._clock.now())
            await self._payments.save(found)

    async def receive(self, payload: bytes, signature: str) -> None:
        """Takes a webhook: what it is about is asked for at the provider. Raises Unauthenticated, Unavailable."""
        notice = self._provider.read_notice(payload, signature)
        if not notice.intent_id or await self._payments.is_noticed(notice.event_id):
            return
        intent = await self._provider.fetch(notice.intent_id)
        if intent is None or not intent.payment_id:
            _log.info("webhook about an intent that is not ours", intent_id=notice.intent_id)
            return

        async def take() -> None:
            await self._payments.notice(notice.event_id, self._clock.now())
            payment = await self._payments.find(intent.booking_id)
            if isinstance(payment, Payment) and payment.matches(intent):
                payment.observe(intent, self._clock.now())
                await self._payments.save(payment)
            else:
                _log.warning("webhook about a payment that is not known", intent_id=notice.intent_id)

        with suppress(AlreadyExists):  # the same event was delivered twice at the same time
            await self._payments.transaction(take)

    async def close_open(self) -> None:
        """Looks after every payment that is due: asks the provider again, or for the first time, and records its answer."""
        due = await self._payments.due(self._clock.now(), _AT_ONCE)
        while due:
            for outcome in await asyncio.gather(*(self._advance(booking_id) for booking_id in due), return_exceptions=True):
                if isinstance(outcome, BaseException) and not isinstance(outcome, Unavailable | Conflict):
                    _log.error("open payment could not be looked after", exc_info=outcome)
            due = await self._payments.due(self._clock.now(), _AT_ONCE) if len(due) == _AT_ONCE else []

    async def _advance(self, booking_id: str) -> None:
        payment = await self._claim(booking_id)
        if payment is None:
            return
        if payment.state is PaymentState.CAPTURING:
            intent = await self._provider.capture(payment)
        elif payment.state is PaymentState.AUTHORIZING or not payment.intent_id:
            intent = await self._provider.authorize(payment)  # finds the hold that an attempt may have made
        else:
            intent = await self._provider.cancel(payment)
        await self._observe(booking_id, intent)

    async def _claim(self, booking_id: str) -> Payment | None:
        """The payment, if it is still due; another worker finds it due again only after a pause."""

        async def claim() -> Payment | None:
            payment = await self._require(booking_id)
            now = self._clock.now()
            if payment.due_time is None or payment.due_time > now:
                return None
            payment.try_again(now)
            await self._payments.save(payment)
            return payment if payment.is_open else None

        return await self._payments.transaction(claim)

    async def _begin(self, terms: Terms, payment_method: str) -> Payment:
        async def begin() -> Payment:
            found = await self._payments.find(terms.booking_id)
            if isinstance(found, Refusal):
                raise declined(BOOKING_CANCELLED)
            if found is not None:
                found.require_terms(terms)
                return found
            payment_id = derived_id("pay", terms.booking_id)
            payment = Payment.begin(payment_id, terms, payment_method, self._clock.now())
            await self._payments.add(payment)
            return payment

        try:
            return await self._payments.transaction(begin)
        except AlreadyExists:  # somebody else was faster: what they stored can be read now
            return await self._payments.transaction(begin)

    async def _observe(self, booking_id: str, intent: Intent) -> Payment:
        async def observe() -> Payment:
            payment = await self._require(booking_id)
            if payment.matches(intent) and payment.observe(intent, self._clock.now()):
                await self._payments.save(payment)
            return payment

        return await self._payments.transaction(observe)

    async def _hurry(self, booking_id: str) -> None:
        async def hurry() -> None:
            payment = await self._require(booking_id)
            payment.hurry(self._clock.now())
            await self._payments.save(payment)

        with suppress(Unavailable, Conflict):  # then the worker looks after it a little later
            await self._payments.transaction(hurry)

    async def _require(self, booking_id: str) -> Payment:
        payment = await self._payments.find(booking_id)
        if not isinstance(payment, Payment):
            raise _not_found()
        return payment


def _not_found() -> NotFound:
    return NotFound("PAYMENT_NOT_FOUND", "There is no payment for this booking.")
