"""How often a caller may make a call, as the contract says: counted by each edge, and for what changes something by all together.

An edge's own count is what holds when the shared one cannot be asked: then a fleet of n allows up to n times the rate. Reads are
only ever counted so, which costs them nothing on their way.
"""

import math

from gateway.replies import RATE_LIMITED, status_header
from gateway.shapes import Config, duration, header, typed
from mesh.contract import ContractError, MethodContract

RATE_FILTER = "envoy.filters.http.local_ratelimit"
SHARED_RATE_FILTER = "envoy.filters.http.ratelimit"
RATE_LIMIT_SERVICE = "ratelimit"
JWT_FILTER = "envoy.filters.http.jwt_authn"
CLAIMS = "claims"
METHOD = "method"
_MOST_CALLERS = 20_000  # buckets kept for one method; the one unused for longest makes room
_ANSWER_SECONDS = 0.2  # then the call goes on without


def rate_filter() -> Config:
    """The filter as it is for routes that say nothing: it limits nothing."""
    return typed("extensions.filters.http.local_ratelimit.v3.LocalRateLimit", stat_prefix="rate")


def rate_of(method: MethodContract, scale: float, *, knows_account: bool, tells: bool = True) -> Config:
    """The filter for one route of a method. Calls beyond the rate get RESOURCE_EXHAUSTED and are told when to come again.

    Without a verified account on the route the bucket belongs to the client's address. `tells`: answers say what is left of it.
    """
    requests = requests_of(method, scale)
    per_seconds = method.rate.per_seconds if method.rate else 0
    retry_after_seconds = math.ceil(per_seconds / requests)
    key, action = _caller(method, knows_account=knows_account)
    bucket = {"max_tokens": requests, "tokens_per_fill": requests, "fill_interval": duration(per_seconds)}
    return typed(
        "extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        stat_prefix="rate",
        token_bucket=_UNLIMITED,
        filter_enabled=_ALWAYS,
        filter_enforced=_ALWAYS,
        rate_limits=[{"actions": [action]}],
        descriptors=[{"entries": [{"key": key}], "token_bucket": bucket}],  # no value: one bucket for each value that comes
        max_dynamic_descriptors=_MOST_CALLERS,
        rate_limited_as_resource_exhausted=True,
        enable_x_ratelimit_headers=_HEADERS if tells else "OFF",
        response_headers_to_add=[
            header("retry-after", str(retry_after_seconds)),
            status_header(RATE_LIMITED, retry_after_seconds),
        ],
    )


def shared_rate_filter() -> Config:
    """Asks the rate limit service on routes that say for whom. While it does not answer, calls go on."""
    return typed(
        "extensions.filters.http.ratelimit.v3.RateLimit",
        domain="edge",
        timeout=duration(_ANSWER_SECONDS),
        failure_mode_deny=False,
        rate_limited_as_resource_exhausted=True,
        enable_x_ratelimit_headers=_HEADERS,
        disable_x_envoy_ratelimited_header=True,
        rate_limit_service={
            "grpc_service": {"envoy_grpc": {"cluster_name": RATE_LIMIT_SERVICE}},
            "transport_api_version": "V3",
        },
    )


def shared_rate_of(method: MethodContract) -> list[Config]:
    """What the route of a method that is counted by all edges together asks for."""
    _, action = _caller(method, knows_account=not method.is_public)
    return [{"actions": [{"generic_key": {"descriptor_key": METHOD, "descriptor_value": method.path}}, action]}]


def is_shared(method: MethodContract) -> bool:
    """Whether all edges count calls of the method together: those with effects, whose rates are there to be held exactly."""
    return method.has_side_effects


def requests_of(method: MethodContract, scale: float) -> int:
    """How many calls a bucket of the method holds. Raises ContractError when it has no rate."""
    if method.rate is None:
        raise ContractError(f"{method.path} is at the edge and has no rate")
    return max(1, round(method.rate.requests * scale))


def _caller(method: MethodContract, *, knows_account: bool) -> tuple[str, Config]:
    if knows_account and method.rate and method.rate.scope == "account":
        subject = {"key": JWT_FILTER, "path": [{"key": CLAIMS}, {"key": "sub"}]}
        return "account", {"metadata": {"metadata_key": subject, "source": "DYNAMIC", "descriptor_key": "account"}}
    # Whoever has one IPv6 address has the 2^64 beside it.
    return "masked_remote_address", {"masked_remote_address": {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": 64}}


_HEADERS = "DRAFT_VERSION_03"
_ALWAYS = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
_UNLIMITED = {"max_tokens": 4_000_000_000, "tokens_per_fill": 4_000_000_000, "fill_interval": "1s"}
