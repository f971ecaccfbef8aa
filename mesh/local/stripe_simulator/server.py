"""The simulator's HTTP side: Stripe's paths, its authentication and headers, and the control path for tests."""

import asyncio
import base64
import binascii
import hmac
import json
import secrets
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from aiohttp import web

from mesh.local.stripe_simulator import idempotency, intents, refunds, webhooks
from mesh.local.stripe_simulator.failures import StripeFailure, invalid, no_such, outage, unauthorized
from mesh.local.stripe_simulator.faults import Faults
from mesh.local.stripe_simulator.idempotency import KeyedRequest, Keys
from mesh.local.stripe_simulator.intents import Intents, Outcome
from mesh.local.stripe_simulator.journal import Change, Journal, JsonObject
from mesh.local.stripe_simulator.parameters import decode, whole_number
from mesh.local.stripe_simulator.refunds import Refunds
from mesh.local.stripe_simulator.webhooks import Webhooks

_VERSION = "2026-10-28.endive"
_PARAMETERS = {**intents.PARAMETERS, "refund": refunds.PARAMETERS}
_LIST_PARAMETERS = ("limit", "payment_intent", "starting_after", "type")


class StripeSimulator:
    """Serves Stripe's API on an address of its own; made inside a running event loop."""

    def __init__(self, folder: Path, *, api_key: str, webhook_secret: str, webhook_url: str = "") -> None:
        """What it remembers lies in the folder. It sends events, signed with the secret, to the URL once there is one."""
        self._api_key = api_key
        self._faults = Faults(webhook_url=webhook_url)
        self._journal = Journal(folder / "stripe.jsonl", _is_worth_keeping)
        self._intents = Intents(self._journal)
        self._calls: dict[str, Callable[[str, JsonObject], Outcome]] = {
            "create": lambda _id, parameters: self._intents.create(parameters),
            "capture": self._intents.capture,
            "cancel": self._intents.cancel,
            "refund": lambda _id, parameters: Refunds(self._journal).create(parameters),
        }
        self._keys = Keys(self._journal)
        self._webhooks = Webhooks(self._journal, webhook_secret, self._faults)
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Serves; returns the base URL. Raises OSError when the address is taken."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/_control", self._tell),
                web.post("/_control", self._control),
                web.post("/v1/payment_intents", partial(self._post, "create")),
                web.get("/v1/payment_intents", partial(self._get, partial(self._list, intents.TABLE))),
                web.get("/v1/payment_intents/{id}", partial(self._get, self._intent)),
                web.post("/v1/payment_intents/{id}/capture", partial(self._post, "capture")),
                web.post("/v1/payment_intents/{id}/cancel", partial(self._post, "cancel")),
                web.post("/v1/refunds", partial(self._post, "refund")),
                web.get("/v1/refunds", partial(self._get, partial(self._list, refunds.TABLE))),
                web.get("/v1/events", partial(self._get, partial(self._list, webhooks.EVENTS))),
                web.get("/v1/events/{id}", partial(self._get, self._event)),
                web.route("*", "/{path:.*}", partial(self._get, self._nothing)),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        await self._webhooks.start()
        return f"http://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Ends serving and sending."""
        if self._runner is not None:
            await self._runner.cleanup()
        await self._webhooks.stop()
        self._journal.close()

    async def _tell(self, _request: web.Request) -> web.Response:
        return web.json_response({**self._faults.told(), "pending_webhooks": self._webhooks.pending})

    async def _control(self, request: web.Request) -> web.Response:
        try:
            wanted = await request.json()
            await self._faults.set(wanted)
        except (ValueError, AttributeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self._tell(request)

    async def _get(self, read: Callable[[web.Request], JsonObject], request: web.Request) -> web.Response:
        request_id = _new_request_id()
        try:
            await self._admit(request)
            await asyncio.sleep(self._faults.delay_seconds)
            return self._reply(request, 200, read(request), request_id)
        except StripeFailure as failure:
            return self._reply(request, failure.status, failure.body, request_id)

    async def _post(self, call: str, request: web.Request) -> web.Response:
        request_id = _new_request_id()
        try:
            await self._admit(request)
            pairs = [(name, str(value)) for name, value in (await request.post()).items()]
            parameters = decode(pairs, _PARAMETERS[call])
            keyed = KeyedRequest(request.headers.get("Idempotency-Key", ""), request.path, parameters)
            kept = self._keys.take(keyed)
        except StripeFailure as failure:
            return self._reply(request, failure.status, failure.body, request_id)
        if kept is not None:
            headers = {"Idempotent-Replayed": "true", "Original-Request": kept["request"]}
            return self._reply(request, kept["status"], kept["body"], request_id, headers)
        try:
            await asyncio.sleep(self._faults.delay_seconds)
            status, body = self._execute(request, call, keyed, request_id)
        finally:
            self._keys.release(keyed)
        return self._reply(request, status, body, request_id, {"Original-Request": request_id} if keyed.key else {})

    def _execute(self, request: web.Request, call: str, keyed: KeyedRequest, request_id: str) -> tuple[int, JsonObject]:
        """Does the call and commits everything that comes of it at once."""
        changes: list[Change] = []
        try:
            outcome = self._calls[call](request.match_info.get("id", ""), keyed.parameters)
        except StripeFailure as refused:
            failure: StripeFailure | None = refused
            status, body = refused.status, refused.body
        else:
            failure = outcome.failure
            status, body = (200, outcome.subject) if failure is None else (failure.status, failure.body)
            changes.append((outcome.table, outcome.subject["id"], outcome.subject))
            version = request.headers.get("Stripe-Version", _VERSION)
            cause = {"id": request_id, "idempotency_key": keyed.key or None}
            for event_type in outcome.event_types:
                changes += webhooks.changes_of(webhooks.new_event(event_type, outcome.subject, version, cause))
        if keyed.key and (failure is None or failure.is_execution):
            changes.append(idempotency.answer_kept(keyed, status, body, request_id))
        if changes:
            self._journal.commit(*changes)
            self._webhooks.wake()
        return status, body

    async def _admit(self, request: web.Request) -> None:
        given = _api_key_of(request.headers.get("Authorization", ""))
        if not given:
            raise unauthorized("You did not provide an API key.")
        if not hmac.compare_digest(given.encode(), self._api_key.encode()):
            raise unauthorized(f"Invalid API Key provided: {given[:8]}****{given[-4:]}")
        if self._faults.take("fail_next"):
            raise outage()

    def _intent(self, request: web.Request) -> JsonObject:
        return self._intents.retrieve(request.match_info["id"])

    def _event(self, request: web.Request) -> JsonObject:
        event_id = request.match_info["id"]
        found = self._journal.table(webhooks.EVENTS).get(event_id)
        if found is None:
            raise no_such("event", event_id, "id", 404)
        return found

    def _list(self, table: str, request: web.Request) -> JsonObject:
        parameters = decode(request.query.items(), _LIST_PARAMETERS)
        limit = min(max(whole_number(parameters, "limit", 10), 1), 100)
        wanted = {name: parameters[name] for name in ("payment_intent", "type") if name in parameters}
        newest_first = reversed(self._journal.table(table).values())
        found = [each for each in newest_first if all(each.get(name) == value for name, value in wanted.items())]
        if after := parameters.get("starting_after"):
            found = found[next((place + 1 for place, each in enumerate(found) if each["id"] == after), len(found)) :]
        return {"object": "list", "url": request.path, "has_more": len(found) > limit, "data": found[:limit]}

    def _nothing(self, request: web.Request) -> JsonObject:
        raise invalid(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)

    def _reply(
        self, request: web.Request, status: int, body: JsonObject, request_id: str, headers: dict[str, str] | None = None
    ) -> web.Response:
        if self._faults.take("drop_reply_next") and request.transport is not None:
            request.transport.abort()
        version = request.headers.get("Stripe-Version", _VERSION)
        key = request.headers.get("Idempotency-Key")
        told = {
            "Request-Id": request_id,
            "Stripe-Version": version,
            **({"Idempotency-Key": key} if key else {}),
            **(headers or {}),
        }
        return web.Response(status=status, text=json.dumps(body, indent=2), content_type="application/json", headers=told)


def _is_worth_keeping(table: str, value: JsonObject) -> bool:
    return table != idempotency.TABLE or value["time"] > time.time() - idempotency.LIFETIME_SECONDS


def _new_request_id() -> str:
    return f"req_{secrets.token_hex(7)}"


def _api_key_of(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""
