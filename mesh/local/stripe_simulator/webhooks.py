"""Events and their delivery: signed as Stripe signs, sent until taken, remembered over restarts."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from contextlib import suppress

import aiohttp
import structlog

from mesh.local.stripe_simulator.faults import Faults
from mesh.local.stripe_simulator.journal import Change, Journal, JsonObject

EVENTS = "events"
_DELIVERIES = "deliveries"
_SENT = frozenset(f"payment_intent.{each}" for each in ("amount_capturable_updated", "succeeded", "canceled", "payment_failed"))
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 15.0
_ATTEMPT_SECONDS = 10.0
_AT_ONCE = 8

_log = structlog.get_logger()


def new_event(event_type: str, subject: JsonObject, api_version: str, request: JsonObject) -> JsonObject:
    """An event about an object as it is now; `request` is the id and the idempotency key of the call that made it."""
    return {
        "id": f"evt_{secrets.token_hex(12)}",
        "object": "event",
        "api_version": api_version,
        "created": int(time.time()),
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": int(event_type in _SENT),
        "request": request,
        "type": event_type,
    }


def changes_of(event: JsonObject) -> list[Change]:
    """What is to be committed with the change that the event tells of."""
    changes: list[Change] = [(EVENTS, event["id"], event)]
    if event["pending_webhooks"]:
        changes.append((_DELIVERIES, event["id"], {"attempts": 0}))
    return changes


def signature(body: bytes, secret: str, seconds: int) -> str:
    """The header Stripe-Signature for a body sent at this Unix time."""
    code = hmac.new(secret.encode(), b"%d." % seconds + body, hashlib.sha256)
    return f"t={seconds},v1={code.hexdigest()}"


class Webhooks:
    """Sends what is to be delivered; in no particular order, as Stripe does."""

    def __init__(self, journal: Journal, secret: str, faults: Faults) -> None:
        self._journal = journal
        self._secret = secret
        self._faults = faults
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._session: aiohttp.ClientSession | None = None

    @property
    def pending(self) -> int:
        """How many events are not delivered yet."""
        return len(self._journal.table(_DELIVERIES))

    async def start(self) -> None:
        """Begins with what an earlier run left."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ATTEMPT_SECONDS))
        self.wake()

    async def stop(self) -> None:
        """Ends; what is not delivered stays pending."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def wake(self) -> None:
        """Begins to send what was committed since."""
        for event_id in self._journal.table(_DELIVERIES):
            if event_id not in self._tasks:
                self._tasks[event_id] = asyncio.create_task(self._deliver(event_id))

    async def _deliver(self, event_id: str) -> None:
        event = self._journal.table(EVENTS)[event_id]
        body = json.dumps(event, indent=2).encode()
        pause = _FIRST_PAUSE_SECONDS
        while not await self._send(body):
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        if self._faults.duplicate_webhooks:
            await self._send(body)
        self._journal.commit((_DELIVERIES, event_id, None), (EVENTS, event_id, {**event, "pending_webhooks": 0}))
        del self._tasks[event_id]

    async def _send(self, body: bytes) -> bool:
        url = await self._faults.until_webhooks_flow()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(body, self._secret, int(time.time())),
            "User-Agent": "Stripe/1.0 (simulator)",
        }
        assert self._session is not None  # noqa: S101 - made by start
        async with self._slots:
            with suppress(aiohttp.ClientError, TimeoutError, OSError):
                async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                    if answer.status // 100 == 2:
                        return True
                    _log.warning("webhook refused", status=answer.status)
        return False
