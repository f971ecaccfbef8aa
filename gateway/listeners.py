"""The listeners of the edge: the clients', the loopback one for token keys, and one for statistics where it is asked for."""

from gateway import filters
from gateway.clusters import ADMIN_CLUSTER, BUFFER_BYTES
from gateway.compression import compressors
from gateway.queries import form_filter
from gateway.rates import JWT_FILTER, RATE_FILTER, SHARED_RATE_FILTER, rate_filter, shared_rate_filter
from gateway.replies import local_replies
from gateway.routes import HEALTH_PATH, OPENAPI_PATH, route_configuration
from gateway.settings import EdgeSettings
from gateway.shapes import Config, extension, socket_address, typed
from gateway.tokens import JWKS_PATH, token_filter
from mesh.contract import MethodContract, methods

_CORS = extension("envoy.filters.http.cors", typed("extensions.filters.http.cors.v3.Cors"))
_ROUTER = extension("envoy.filters.http.router", typed("extensions.filters.http.router.v3.Router", suppress_envoy_headers=True))


def listeners(edge: EdgeSettings, openapi: str) -> list[Config]:
    """Every listener. `openapi` is the document that clients are served."""
    found = [_client_listener(edge, openapi), _jwks_listener(edge) | _EXEMPT]
    if edge.metrics_listen:
        found.append(_metrics_listener(edge) | _EXEMPT)
    return found


def _client_listener(edge: EdgeSettings, openapi: str) -> Config:
    at_edge = {method.service_full_name for method in methods() if method.is_edge}
    tokens = extension(JWT_FILTER, token_filter(edge, (HEALTH_PATH, OPENAPI_PATH)))
    rates = extension(RATE_FILTER, rate_filter())
    manager = _connection_manager(
        "edge",
        route_configuration(edge, openapi),
        [
            _CORS,
            *compressors(),
            extension("envoy.filters.http.grpc_web", typed("extensions.filters.http.grpc_web.v3.GrpcWeb")),
            tokens,
            extension("envoy.filters.http.rbac", form_filter()),
            extension("envoy.filters.http.body_size_limit", filters.body_limit()),
            extension(filters.TRANSCODER_FILTER, filters.transcoder(at_edge)),
            extension("envoy.filters.http.grpc_stats", filters.method_statistics()),
            rates,
            *([extension(SHARED_RATE_FILTER, shared_rate_filter())] if edge.rate_limit else []),
            _ROUTER,
        ],
    )
    manager |= {
        "access_log": [_ACCESS_LOG],
        "local_reply_config": local_replies(),
        "always_set_request_id_in_response": True,
        "early_header_mutation_extensions": [extension("envoy.http.early_header_mutation.header_mutation", _strip(edge))],
        "use_remote_address": True,
        "xff_num_trusted_hops": edge.trusted_proxies,
        # Open sockets of another kind have filters of their own, and are only let through where a route says so.
        "upgrade_configs": [{"upgrade_type": "websocket", "enabled": False, "filters": [tokens, rates, _ROUTER]}],
    }
    return _listener("edge", edge.listen, manager)


def _strip(edge: EdgeSettings) -> Config:
    return typed(
        "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        mutations=filters.foreign_headers(edge.trusted_proxies),
    )


def _jwks_listener(edge: EdgeSettings) -> Config:
    """Gives Envoy's own token filter the keys as JSON; auth has them as gRPC."""
    source = _keys_method()
    route = {
        "match": {"path": source.path},
        "route": {"cluster": source.service, "host_rewrite_literal": source.service, "timeout": "2s"},
    }
    routes = {"name": "keys", "virtual_hosts": [{"name": "keys", "domains": ["*"], "routes": [route]}]}
    return _listener(
        "keys",
        edge.jwks_listen,
        _connection_manager(
            "keys", routes, [extension(filters.TRANSCODER_FILTER, filters.transcoder([source.service_full_name])), _ROUTER]
        ),
    )


def _metrics_listener(edge: EdgeSettings) -> Config:
    route = {
        "match": {"path": "/metrics"},
        "route": {"cluster": ADMIN_CLUSTER, "prefix_rewrite": "/stats/prometheus"},
    }
    routes = {"name": "metrics", "virtual_hosts": [{"name": "metrics", "domains": ["*"], "routes": [route]}]}
    return _listener("metrics", edge.metrics_listen, _connection_manager("metrics", routes, [_ROUTER]))


def _keys_method() -> MethodContract:
    return next(method for method in methods() if any(binding.path == JWKS_PATH for binding in method.rest))


def _listener(name: str, address: str, manager: Config) -> Config:
    return {
        "name": name,
        "address": socket_address(address),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "socket_options": _TCP_KEEPALIVE,
        "filter_chains": [{"filters": [extension("envoy.filters.network.http_connection_manager", manager)]}],
    }


def _connection_manager(name: str, routes: Config, http_filters: list[Config]) -> Config:
    """An HTTP listener hardened as Envoy's guide for edges says [configuration/best_practices/edge]."""
    return typed(
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=name,
        codec_type="AUTO",
        server_name="marketplace",
        route_config=routes,
        http_filters=http_filters,
        common_http_protocol_options={
            "idle_timeout": "900s",
            "headers_with_underscores_action": "REJECT_REQUEST",
            "max_headers_count": 100,
        },
        http2_protocol_options={
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 64 << 10,
            "initial_connection_window_size": 1 << 20,
            "connection_keepalive": {"interval": "30s", "timeout": "10s"},
        },
        max_request_headers_kb=16,
        request_headers_timeout="5s",
        request_timeout="30s",
        stream_idle_timeout="60s",
        delayed_close_timeout="1s",
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action="REJECT_REQUEST",
        internal_address_config={"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]},  # nobody
    )


# Clients who take up all connections, or all memory, must neither close the source of keys nor hide it from who watches.
_EXEMPT: Config = {"ignore_global_conn_limit": True, "bypass_overload_manager": True}

# A peer that vanished without closing is noticed within about a minute, also on streams where nothing else is sent.
_TCP_KEEPALIVE = [
    {"description": description, "level": level, "name": name, "int_value": value, "state": "STATE_LISTENING"}
    for description, level, name, value in (
        ("SO_KEEPALIVE", 1, 9, 1),
        ("TCP_KEEPIDLE", 6, 4, 30),
        ("TCP_KEEPINTVL", 6, 5, 10),
        ("TCP_KEEPCNT", 6, 6, 3),
    )
]

# No query string, no header with a token, no address: the path names a method, or what somebody tried.
_ACCESS_LOG = extension(
    "envoy.access_loggers.stdout",
    typed(
        "extensions.access_loggers.stream.v3.StdoutAccessLog",
        log_format={
            "json_format": {
                "time": "%START_TIME%",
                "verb": "%REQ(X-ENVOY-ORIGINAL-METHOD?:METHOD)%",
                "path": "%PATH(NQ:PATH)%",
                "protocol": "%PROTOCOL%",
                "status": "%RESPONSE_CODE%",
                "grpc_status": "%GRPC_STATUS%",
                "details": "%RESPONSE_CODE_DETAILS%",
                "flags": "%RESPONSE_FLAGS%",
                "ms": "%DURATION%",
                "received_bytes": "%BYTES_RECEIVED%",
                "sent_bytes": "%BYTES_SENT%",
                "route": "%ROUTE_NAME%",
                "upstream": "%UPSTREAM_HOST%",
                "traceparent": "%REQ(TRACEPARENT)%",
                "request_id": "%RESP(X-REQUEST-ID)%",
            }
        },
    ),
)
