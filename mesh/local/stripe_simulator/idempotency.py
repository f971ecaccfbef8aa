"""Idempotency keys as Stripe keeps them: 24 hours, the first answer again for the same request, refusals for another one.

https://docs.stripe.com/api/idempotent_requests: an answer is kept once execution has begun, errors and all; not when the
parameters were wrong, and not when the key was in use.
"""

import hashlib
import json
import time
from dataclasses import dataclass

from mesh.local.stripe_simulator.failures import StripeFailure, invalid
from mesh.local.stripe_simulator.journal import Change, Journal, JsonObject

TABLE = "answers"
LIFETIME_SECONDS = 24 * 3600
_LONGEST = 255


@dataclass(frozen=True)
class KeyedRequest:
    """What a key is used for. The key is empty for a request without one."""

    key: str
    path: str
    parameters: JsonObject


class Keys:
    """The keys of the calls that are being executed and of those that were."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._in_use: set[str] = set()

    def take(self, request: KeyedRequest) -> JsonObject | None:
        """The kept answer (status, body, request) of an earlier call, or None after taking the key into use.

        Raises StripeFailure when the key was used for another request, or is in use.
        """
        key = request.key
        if not key:
            return None
        if len(key) > _LONGEST:
            raise invalid(f"Idempotency keys are at most {_LONGEST} characters long.")
        if key in self._in_use:
            raise _in_use(key)
        kept = self._journal.table(TABLE).get(key)
        if kept is None or kept["time"] < time.time() - LIFETIME_SECONDS:
            self._in_use.add(key)
            return None
        if kept["path"] != request.path:
            raise _other_request(key, f"for the same endpoint they were first used for ('{kept['path']}' vs '{request.path}')")
        if kept["fingerprint"] != _fingerprint(request):
            raise _other_request(key, "with the same parameters they were first used with")
        return kept

    def release(self, request: KeyedRequest) -> None:
        """Ends the use of the key."""
        self._in_use.discard(request.key)


def answer_kept(request: KeyedRequest, status: int, body: JsonObject, request_id: str) -> Change:
    """What is to be committed so that the answer is given again."""
    kept = {"path": request.path, "fingerprint": _fingerprint(request), "status": status, "body": body}
    return (TABLE, request.key, {**kept, "request": request_id, "time": time.time()})


def _in_use(key: str) -> StripeFailure:
    message = (
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, "
        f"and the other request is still going through): {key}. Please try again later."
    )
    return StripeFailure(409, type="idempotency_error", code="idempotency_key_in_use", message=message)


def _other_request(key: str, how: str) -> StripeFailure:
    message = (
        f"Keys for idempotent requests can only be used {how}. Try using a key other than '{key}' if you meant to execute a "
    )
    return StripeFailure(400, type="idempotency_error", message=message + "different request.")


def _fingerprint(request: KeyedRequest) -> str:
    return hashlib.sha256(json.dumps(request.parameters, sort_keys=True).encode()).hexdigest()
