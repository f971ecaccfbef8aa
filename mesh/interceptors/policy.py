"""Holds each call against the contract's policy: services, roles, recent proof, idempotency key."""

import re
import time
from collections.abc import Callable

from mesh.call import Account, Call
from mesh.contract import MethodContract
from mesh.errors import Forbidden, InvalidInput, Unauthenticated
from mesh.interceptors.link import Receive

GATEWAY = "gateway"
IDEMPOTENCY_HEADER = "idempotency-key"
STEP_UP_SECONDS = 300
_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


def policy_link(method: MethodContract, proceed: Receive) -> Receive:
    """Lets through what the policy allows. Raises Forbidden, Unauthenticated, InvalidInput."""
    callers = method.callers | {GATEWAY} if method.is_edge else method.callers
    check_role = _make_role_check(method)
    takes_key, needs_key = bool(method.idempotency_key), method.idempotency_key == "required"

    async def check(request: bytes, call: Call) -> bytes | None:
        if call.caller not in callers:
            raise Forbidden("CALLER_NOT_ALLOWED", "This service may not call this method.", {"caller": call.caller})
        check_role(call)
        if method.needs_step_up:
            _check_recency(call)
        if takes_key:
            _check_key(call.metadata.get(IDEMPOTENCY_HEADER), needs_key)
        return await proceed(request, call)

    return check


def _make_role_check(method: MethodContract) -> Callable[[Call], None]:
    roles = method.roles

    def check(call: Call) -> None:
        if call.account is None:
            raise Unauthenticated("TOKEN_MISSING", "This needs an access token in the header `authorization`.")
        require_role(roles, call.account)

    def allow(call: Call) -> None:
        """For public methods, and for MESH methods whose callers act by themselves."""

    is_open = method.is_public or (not method.is_edge and not roles)
    return allow if is_open else check


def require_role(roles: frozenset[str], account: Account) -> None:
    """Raises Forbidden (ROLE_REQUIRED) unless the account has at least one of the roles."""
    if roles.isdisjoint(account.roles):
        raise Forbidden("ROLE_REQUIRED", "This account may not do this.", {"roles": ",".join(sorted(roles))})


def _check_recency(call: Call) -> None:
    """The claim `auth_time` [OpenID Connect Core, 2], which auth moves on at each proof, decides."""
    if call.account is None or time.time() - call.account.auth_time > STEP_UP_SECONDS:
        metadata = {"max_age_seconds": str(STEP_UP_SECONDS)}
        raise Unauthenticated("STEP_UP_REQUIRED", "Prove once more who you are, then repeat this.", metadata)


def _check_key(key: str | bytes | None, is_required: bool) -> None:
    if key is None:
        if is_required:
            raise InvalidInput("IDEMPOTENCY_KEY_REQUIRED", "This needs the header `idempotency-key`.")
    elif not isinstance(key, str) or not _KEY.fullmatch(key):
        raise InvalidInput("IDEMPOTENCY_KEY_INVALID", "An idempotency key is 1 to 128 characters of [A-Za-z0-9_.:-].")
