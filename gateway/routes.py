"""Where calls go: one exact route a method of the contract that is at the edge. What has no route is nowhere."""

from collections.abc import Iterator

from gateway.clusters import websocket_cluster
from gateway.compression import compression_of
from gateway.deprecation import deprecation_headers
from gateway.filters import TRANSCODER_FILTER
from gateway.rates import RATE_FILTER, is_shared, rate_of, shared_rate_of
from gateway.replies import ELSEWHERE
from gateway.settings import EdgeSettings
from gateway.shapes import Config, duration, extension, header, typed
from mesh.contract import MethodContract, methods

HEALTH_PATH = "/healthz"
OPENAPI_PATH = "/openapi.json"
_MARGIN_SECONDS = 0.25  # the server tells a passed deadline better than the edge: it gets the chance
_LONGEST_DIRECT_RESPONSE = 4 << 20
_HEADERS_OF_PAGES = (
    *("authorization", "content-type", "idempotency-key", "traceparent", "tracestate"),
    *("x-grpc-web", "x-user-agent", "grpc-timeout"),
)
_HEADERS_FOR_PAGES = (
    *("grpc-status", "grpc-message", "grpc-status-details-bin", "x-trace-id", "x-request-id", "retry-after"),
    *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "deprecation", "sunset"),
)
# Not a direct response: those are made without the CORS policy, which pages need to read any answer at all.
_TO_NOWHERE = {"cluster": "nowhere", "cluster_not_found_response_code": "NOT_FOUND"}
_NOWHERE = {"name": "nowhere", "match": {"prefix": "/"}, "route": _TO_NOWHERE}
_PREVIOUS_HOSTS = extension(
    "envoy.retry_host_predicates.previous_hosts",
    typed("extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"),
)


def route_configuration(edge: EdgeSettings, openapi: str) -> Config:
    """All routes of the edge. `openapi` is the document that is served."""
    return {
        "name": "edge",
        "max_direct_response_body_size_bytes": _LONGEST_DIRECT_RESPONSE,
        "validate_clusters": False,  # there is no nowhere
        "virtual_hosts": [_virtual_host(edge, openapi)],
        # Set by us, whatever came: the one header about the client that services may believe.
        "request_headers_to_add": [header("x-client-address", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%")],
        "request_headers_to_remove": ["x-forwarded-for", "x-forwarded-proto", "x-envoy-internal", "x-envoy-external-address"],
        "response_headers_to_add": [
            {**header("cache-control", "no-store"), "append_action": "ADD_IF_ABSENT"},
            header("x-content-type-options", "nosniff"),
        ],
    }


def _virtual_host(edge: EdgeSettings, openapi: str) -> Config:
    at_edge = [method for method in methods() if method.is_edge]
    return {
        "name": "edge",
        "domains": ["*"],
        "routes": [
            *(_grpc_route(edge, method) for method in at_edge),
            *(route for method in at_edge if method.websocket_path for route in _websocket_routes(edge, method)),
            _document(HEALTH_PATH, '{"status": "ok"}'),
            _document(OPENAPI_PATH, openapi),
            _NOWHERE,
        ],
        "typed_per_filter_config": {"envoy.filters.http.cors": _cors(edge)},
    }


def _grpc_route(edge: EdgeSettings, method: MethodContract) -> Config:
    """The route of all three doors: the filters have made gRPC of REST and gRPC-web before it is looked for."""
    seconds = method.deadline_seconds
    counts_together = bool(edge.rate_limit) and is_shared(method)
    return {
        "name": method.path,
        "match": {"path": method.path},
        "response_headers_to_add": deprecation_headers(method),
        "route": {
            "cluster": method.service,
            "host_rewrite_literal": method.service,
            "timeout": duration(seconds + _MARGIN_SECONDS) if seconds else "0s",
            **({} if seconds else {"idle_timeout": "0s"}),
            "retry_policy": _retries(method),
            **({"rate_limits": shared_rate_of(method)} if counts_together else {}),
        },
        "typed_per_filter_config": {
            RATE_FILTER: rate_of(method, edge.rate_scale, knows_account=not method.is_public, tells=not counts_together),
            **compression_of(method),
        },
    }


def _retries(method: MethodContract) -> Config:
    """What never reached a server is tried elsewhere; what a server answered with UNAVAILABLE only if it may be repeated."""
    conditions = ["connect-failure", "refused-stream"]
    if method.is_retriable:
        conditions.append("unavailable")
    return {
        "retry_on": ",".join(conditions),
        "num_retries": 2,
        "retry_back_off": {"base_interval": "0.1s", "max_interval": "1s"},
        "retry_host_predicate": [_PREVIOUS_HOSTS],
        "host_selection_retry_max_attempts": 3,
    }


def _websocket_routes(edge: EdgeSettings, method: MethodContract) -> Iterator[Config]:
    """Upgrades of pages that may connect, and of programs, which send no origin; other pages are told so."""
    path = method.websocket_path
    upgrade = {"name": "upgrade", "string_match": {"exact": "websocket", "ignore_case": True}}
    origins: list[Config] = [{"present_match": False}, *({"string_match": match} for match in origin_matches(edge))]
    for origin in origins:
        yield {
            "name": f"{method.path} by WebSocket",
            "match": {"path": path, "headers": [upgrade, {"name": "origin", **origin}]},
            "route": {
                "cluster": websocket_cluster(method.service),
                "timeout": "0s",
                "idle_timeout": "0s",
                "upgrade_configs": [{"upgrade_type": "websocket", "enabled": True}],
            },
            "typed_per_filter_config": {RATE_FILTER: rate_of(method, edge.rate_scale, knows_account=False)},
        }
    yield {
        "name": ELSEWHERE,
        "match": {"path": path, "headers": [upgrade]},
        "route": {**_TO_NOWHERE, "upgrade_configs": [{"upgrade_type": "websocket", "enabled": True}]},
    }


def origin_matches(edge: EdgeSettings) -> list[Config]:
    """The origins whose pages may call the edge, as Envoy matches texts."""
    return [{"prefix": origin[:-1]} if origin.endswith("*") else {"exact": origin} for origin in edge.allowed_origins]


def _cors(edge: EdgeSettings) -> Config:
    return typed(
        "extensions.filters.http.cors.v3.CorsPolicy",
        allow_origin_string_match=origin_matches(edge),
        allow_methods="GET, POST, PUT, PATCH, DELETE, OPTIONS",
        allow_headers=", ".join(_HEADERS_OF_PAGES),
        expose_headers=", ".join(_HEADERS_FOR_PAGES),
        max_age="600",
    )


def _document(path: str, text: str) -> Config:
    return {
        "name": path,
        "match": {"path": path, "headers": [{"name": ":method", "string_match": {"exact": "GET"}}]},
        "direct_response": {"status": 200, "body": {"inline_string": text}},
        "response_headers_to_add": [header("content-type", "application/json")],
        "typed_per_filter_config": {TRANSCODER_FILTER: typed("config.route.v3.FilterConfig", disabled=True)},
    }
