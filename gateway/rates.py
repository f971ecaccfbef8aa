"""Token buckets at the edge: one a method and caller, as the contract says."""

import math

from gateway.replies import RATE_LIMITED, status_header
from gateway.shapes import Config, duration, header, typed
from mesh.contract import ContractError, MethodContract

RATE_FILTER = "envoy.filters.http.local_ratelimit"
JWT_FILTER = "envoy.filters.http.jwt_authn"
CLAIMS = "claims"
_MOST_CALLERS = 20_000  # buckets kept for one method; the one unused for longest makes room


def rate_filter() -> Config:
    """The filter as it is for routes that say nothing: it limits nothing."""
    return typed("extensions.filters.http.local_ratelimit.v3.LocalRateLimit", stat_prefix="rate")


def rate_of(method: MethodContract, scale: float, *, knows_account: bool) -> Config:
    """The filter for one route of a method. Calls beyond the rate get RESOURCE_EXHAUSTED and are told when to come again.

    Without a verified account on the route the bucket belongs to the client's address. Raises ContractError without a rate.
    """
    if method.rate is None:
        raise ContractError(f"{method.path} is at the edge and has no rate")
    requests = max(1, round(method.rate.requests * scale))
    retry_after_seconds = math.ceil(method.rate.per_seconds / requests)
    key, action = _account() if knows_account and method.rate.scope == "account" else _address()
    bucket = {"max_tokens": requests, "tokens_per_fill": requests, "fill_interval": duration(method.rate.per_seconds)}
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
        response_headers_to_add=[
            header("retry-after", str(retry_after_seconds)),
            status_header(RATE_LIMITED, retry_after_seconds),
        ],
    )


def _account() -> tuple[str, Config]:
    subject = {"key": JWT_FILTER, "path": [{"key": CLAIMS}, {"key": "sub"}]}
    return "account", {"metadata": {"metadata_key": subject, "source": "DYNAMIC", "descriptor_key": "account"}}


def _address() -> tuple[str, Config]:
    return "remote_address", {"remote_address": {}}


_ALWAYS = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
_UNLIMITED = {"max_tokens": 4_000_000_000, "tokens_per_fill": 4_000_000_000, "fill_interval": "1s"}
