"""Who may pass the edge without an access token: what the contract calls public, and nothing else. Fails closed."""

import re
from collections.abc import Iterator

from gateway.clusters import JWKS_CLUSTER
from gateway.rates import CLAIMS
from gateway.settings import EdgeSettings
from gateway.shapes import Config, duration, typed
from mesh.contract import RestBinding, methods

JWKS_PATH = "/.well-known/jwks.json"
_PROVIDER = "auth"
_LONGEST_LIFETIME_SECONDS = 3600
_CLOCK_SKEW_SECONDS = 2
_KEYS_KEPT_SECONDS = 15  # a retired key is dead after that; Envoy keeps what it fetched in advance while it cannot fetch anew


def token_filter(edge: EdgeSettings, open_paths: tuple[str, ...]) -> Config:
    """Demands a good token on every path but those of public methods and `open_paths`; the first rule that fits decides."""
    return typed(
        "extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        providers={_PROVIDER: _provider(edge)},
        rules=[
            *({"match": {"path": path}} for path in open_paths),
            *({"match": match} for match in _public_matches()),
            *({"match": {"path": path}, "requires": _IF_THERE} for path in _websocket_paths()),
            {"match": {"prefix": "/"}, "requires": {"provider_name": _PROVIDER}},
        ],
    )


def _provider(edge: EdgeSettings) -> Config:
    remote = {
        "http_uri": {"uri": f"http://{edge.jwks_listen}{JWKS_PATH}", "cluster": JWKS_CLUSTER, "timeout": "2s"},
        "cache_duration": duration(_KEYS_KEPT_SECONDS),
        "async_fetch": {"fast_listener": True, "failed_refetch_duration": "0.5s"},
    }
    return {
        "issuer": edge.token_issuer,
        "audiences": [edge.token_audience],
        "remote_jwks": remote,
        "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
        "forward": True,  # services verify it again
        "payload_in_metadata": CLAIMS,
        "require_expiration": True,
        "max_lifetime": duration(_LONGEST_LIFETIME_SECONDS),
        "clock_skew_seconds": _CLOCK_SKEW_SECONDS,
        # No jwt_cache_config: a remembered token outlives the key that has signed it.
    }


# A browser cannot set headers on a WebSocket: there the token may come in the first frame, and realtime verifies it. One that
# comes as a header must be good all the same.
_IF_THERE = {"requires_any": {"requirements": [{"provider_name": _PROVIDER}, {"allow_missing": {}}]}}


def _public_matches() -> Iterator[Config]:
    for method in methods():
        if method.is_edge and method.is_public:
            yield {"path": method.path}
            yield from (_rest_match(binding) for binding in method.rest)


def _websocket_paths() -> list[str]:
    return [method.websocket_path for method in methods() if method.is_edge and method.websocket_path]


def _rest_match(binding: RestBinding) -> Config:
    verb = {"name": ":method", "string_match": {"exact": binding.verb}}
    return {"safe_regex": {"regex": path_pattern(binding.path)}, "headers": [verb]}


def path_pattern(template: str) -> str:
    """A regular expression for a path template [google/api/http.proto].

    Narrower than the transcoder: a variable holds no colon and no percent sign, so that `/v1/things/{id}` being public opens
    no `/v1/things/{id}:remove`, however it is written.
    """
    pattern = ""
    for literal, variable in re.findall(r"([^{]+)|\{([^}]*)\}", template):
        if literal:
            pattern += re.escape(literal)
        else:
            _, _, segments = variable.partition("=")
            pattern += _segments_pattern(segments or "*")
    return pattern


def _segments_pattern(segments: str) -> str:
    parts = []
    for segment in segments.split("/"):
        if segment == "**":
            parts.append(r"[^:%]+")
        elif segment == "*":
            parts.append(r"[^/:%]+")
        else:
            parts.append(re.escape(segment))
    return "/".join(parts)
