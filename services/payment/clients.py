"""Stripe, through its own SDK, in this service's words. Nothing here decides what a payment's next state is.

The SDK's asynchronous clients need httpx or aiohttp, which no service runs on; its synchronous one needs only what the SDK
brings along, so calls run on a few threads of their own. What is cancelled here goes on there and is found by its key later.
"""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog

from mesh.call import find_call
from mesh.errors import InvalidInput, Unauthenticated
from mesh.lean import without
from services.payment.model.intent import Intent, IntentStatus, Notice
from services.payment.model.ledger import Money
from services.payment.model.payment import Payment, provider_unavailable

with without("httpx", "anyio", "aiohttp"):
    import stripe

T = TypeVar("T")

_CONNECT_SECONDS = 2.0
_LONGEST_SECONDS = 4.5  # for one question with its repetition; AuthorizePayment has 6 in all
_RECORDING_SECONDS = 0.8  # what is left of a call's time to write down the answer
_THREADS = 32
_TOLERANCE_SECONDS = 300

_STATUSES = {
    "requires_capture": IntentStatus.HELD,
    "succeeded": IntentStatus.CAPTURED,
    "canceled": IntentStatus.CANCELLED,
    "requires_action": IntentStatus.DECLINED,  # nobody is there to act: the booking's customer is not in this call
}

_log = structlog.get_logger()


class StripeProvider:
    """The port Provider."""

    def __init__(self, api_key: str, api_base: str, webhook_secret: str) -> None:
        self._webhook_secret = webhook_secret
        self._threads = ThreadPoolExecutor(_THREADS, "stripe")
        client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base},
            http_client=stripe.RequestsClient(timeout=(_CONNECT_SECONDS, _LONGEST_SECONDS)),
            max_network_retries=1,  # with the same key; a connection that Stripe has closed meanwhile costs one
        )
        self._intents = client.v1.payment_intents
        self._refunds = client.v1.refunds

    async def authorize(self, payment: Payment) -> Intent:
        return await self._ask(lambda: self._create(payment))

    async def capture(self, payment: Payment) -> Intent:
        amount = payment.price.minor
        options = _key(payment, "capture")
        return await self._ask(
            lambda: self._changed(
                payment, lambda: self._intents.capture(payment.intent_id, {"amount_to_capture": amount}, options)
            )
        )

    async def cancel(self, payment: Payment) -> Intent:
        return await self._ask(lambda: self._give_back(payment))

    async def fetch(self, intent_id: str) -> Intent | None:
        def retrieve() -> Intent | None:
            try:
                return _intent(self._intents.retrieve(intent_id))
            except stripe.InvalidRequestError:
                return None

        return await self._ask(retrieve)

    def read_notice(self, payload: bytes, signature: str) -> Notice:
        try:
            stripe.WebhookSignature.verify_header(payload, signature, self._webhook_secret, _TOLERANCE_SECONDS)
        except (stripe.SignatureVerificationError, UnicodeError, TypeError):  # a TypeError is how hmac refuses what is not ASCII
            raise Unauthenticated("WEBHOOK_SIGNATURE_INVALID", "The webhook's signature is not valid.") from None
        try:
            event = json.loads(payload)
            intent_id = event["data"]["object"]["id"] if event["type"].startswith("payment_intent.") else ""
            return Notice(_ascii(event["id"]), _ascii(intent_id))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise InvalidInput("REQUEST_INVALID", "The webhook's body is not an event of Stripe.") from None

    async def close(self) -> None:
        """Ends the threads; a question that is at work ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, question: Callable[[], T]) -> T:
        """Runs the question on a thread, within what is left of the call. Every failure left over is one of the provider's."""
        loop = asyncio.get_running_loop()
        limit, call = _LONGEST_SECONDS, find_call()
        if call is not None and call.deadline is not None:
            limit = min(limit, call.deadline - loop.time() - _RECORDING_SECONDS)
        try:
            async with asyncio.timeout(limit):
                return await loop.run_in_executor(self._threads, question)
        except TimeoutError:
            raise provider_unavailable() from None
        except stripe.StripeError as error:
            _log.warning("Stripe gave no answer", kind=type(error).__name__, status=error.http_status, code=error.code)
            raise provider_unavailable() from error

    def _create(self, payment: Payment) -> Intent:
        terms = payment.terms
        params: stripe.params.PaymentIntentCreateParams = {
            "amount": terms.amount.minor,
            "currency": terms.amount.currency.lower(),
            "payment_method": payment.payment_method,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "capture_method": "manual",
            "confirm": True,
            "error_on_requires_action": True,
            "metadata": {"booking_id": terms.booking_id, "payment_id": payment.payment_id},
        }
        try:
            return _intent(self._intents.create(params, _key(payment, "authorize")))
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            _log.info("Stripe refused a payment", payment_id=payment.payment_id, code=error.code, status=error.http_status)
            return _refusal(payment, error)

    def _give_back(self, payment: Payment) -> Intent:
        intent = self._changed(payment, lambda: self._intents.cancel(payment.intent_id, {}, _key(payment, "cancel")))
        if intent.status is not IntentStatus.CAPTURED:
            return intent
        # Taken by somebody else's hand although the booking is off: no captured money without an order.
        _log.error("a payment was captured outside of its booking and is given back", payment_id=payment.payment_id)
        try:
            self._refunds.create({"payment_intent": payment.intent_id}, _key(payment, "refund"))
        except stripe.InvalidRequestError as error:
            if error.code != "charge_already_refunded":
                raise
        return Intent(IntentStatus.CANCELLED, intent.payment_id, intent.booking_id, intent.intent_id, intent.amount)

    def _changed(self, payment: Payment, change: Callable[[], stripe.PaymentIntent]) -> Intent:
        """The intent after the change, or as it is when it does not allow the change (any more)."""
        try:
            return _intent(change())
        except (stripe.CardError, stripe.InvalidRequestError):
            return _intent(self._intents.retrieve(payment.intent_id))


def _ascii(value: object) -> str:
    """An id of Stripe's. Raises ValueError for what is none."""
    if not isinstance(value, str) or not value.isascii():
        raise ValueError("not an id")
    return value


def _key(payment: Payment, operation: str) -> stripe.RequestOptions:
    return {"idempotency_key": f"{payment.payment_id}-{operation}"}


def _intent(found: stripe.PaymentIntent) -> Intent:
    currency, error = found.currency.upper(), found.last_payment_error
    status = _STATUSES.get(found.status, IntentStatus.PENDING)
    if found.status == "requires_payment_method" and error is not None:  # without an error it was not confirmed yet
        status = IntentStatus.DECLINED
    code = _code(error) or "authentication_required" if status is IntentStatus.DECLINED else ""
    return Intent(
        status=status,
        payment_id=_ours(found, "payment_id"),
        booking_id=_ours(found, "booking_id"),
        intent_id=found.id,
        amount=Money(currency, found.amount),
        received=Money(currency, found.amount_received) if status is IntentStatus.CAPTURED else None,
        code=code,
    )


def _refusal(payment: Payment, error: stripe.CardError | stripe.InvalidRequestError) -> Intent:
    """Stripe said no: the card was declined, or what was asked for cannot be had (no such payment method, ...)."""
    intent = getattr(error.error, "payment_intent", None)
    return Intent(
        status=IntentStatus.DECLINED,
        payment_id=payment.payment_id,
        booking_id=payment.terms.booking_id,
        intent_id=intent.id if intent is not None else "",
        code=_code(error.error) or error.code or "invalid_request",
    )


def _code(error: object) -> str:
    """Stripe's decline code, or else its error code. The SDK's objects have only the attributes that were sent."""
    return getattr(error, "decline_code", None) or getattr(error, "code", None) or ""


def _ours(found: stripe.PaymentIntent, name: str) -> str:
    return str(found.metadata[name]) if found.metadata and name in found.metadata else ""
