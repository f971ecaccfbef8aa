"""How the edge reaches the services: mTLS to one named identity, health checks, outlier detection, bounded retries."""

from gateway.rates import RATE_LIMIT_SERVICE
from gateway.settings import EdgeSettings
from gateway.shapes import Config, duration, extension, socket_address, typed
from mesh.contract import methods
from mesh.identity import SPIFFE_PREFIX

JWKS_CLUSTER = "edge-jwks"
ADMIN_CLUSTER = "edge-admin"
BUFFER_BYTES = 32 << 10
_MOST_CONCURRENT = 10_000


def clusters(edge: EdgeSettings) -> list[Config]:
    """Every destination of the edge: one a service, realtime's WebSockets, and the edge itself."""
    services = sorted({method.service for method in methods() if method.is_edge})
    sockets = sorted({method.service for method in methods() if method.websocket_path})
    return [
        *(_grpc_cluster(edge, service, edge.services[service]) for service in services),
        *([_grpc_cluster(edge, RATE_LIMIT_SERVICE, edge.rate_limit) | _NEVER_IN_PANIC] if edge.rate_limit else []),
        *(_websocket_cluster(edge, service) for service in sockets),
        _local_cluster(JWKS_CLUSTER, edge.jwks_listen),
        _local_cluster(ADMIN_CLUSTER, edge.admin_listen),
    ]


def _grpc_cluster(edge: EdgeSettings, service: str, address: str) -> Config:
    http2 = {
        "connection_keepalive": {"interval": "20s", "timeout": "5s"},
        "initial_stream_window_size": 64 << 10,
        "initial_connection_window_size": 1 << 20,
    }
    return {
        **_cluster(service, address),
        "typed_extension_protocol_options": _http_options({"http2_protocol_options": http2}),
        "transport_socket": _mutual_tls(edge, service, "h2"),
        "health_checks": [_health_check(service)],
        "outlier_detection": _OUTLIERS,
        "circuit_breakers": _BREAKERS,
    }


def websocket_cluster(service: str) -> str:
    """The name of the destination for WebSockets of a service."""
    return f"{service}-websocket"


def _websocket_cluster(edge: EdgeSettings, service: str) -> Config:
    return {
        **_cluster(websocket_cluster(service), edge.websocket),
        "typed_extension_protocol_options": _http_options({"http_protocol_options": {}}),
        "transport_socket": _mutual_tls(edge, service, "http/1.1"),
        "circuit_breakers": _BREAKERS,
    }


def _local_cluster(name: str, address: str) -> Config:
    return {**_cluster(name, address), "connect_timeout": "1s"}


def _cluster(name: str, address: str) -> Config:
    endpoint = {"endpoint": {"address": socket_address(address)}}
    return {
        "name": name,
        "cluster_type": _BY_NAME,
        "connect_timeout": "0.5s",
        "lb_policy": "LEAST_REQUEST",
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _http_options(explicit: Config) -> Config:
    options = typed("extensions.upstreams.http.v3.HttpProtocolOptions", explicit_http_config=explicit)
    return {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options}


def _mutual_tls(edge: EdgeSettings, service: str, protocol: str) -> Config:
    identity = {"san_type": "URI", "matcher": {"exact": SPIFFE_PREFIX + service}}
    certificate = {
        "certificate_chain": {"filename": str(edge.certificate_file)},
        "private_key": {"filename": str(edge.key_file)},
    }
    context = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "alpn_protocols": [protocol],
        "tls_certificates": [certificate],
        "validation_context": {
            "trusted_ca": {"filename": str(edge.ca_file)},
            "match_typed_subject_alt_names": [identity],
        },
    }
    socket = typed("extensions.transport_sockets.tls.v3.UpstreamTlsContext", sni=service, common_tls_context=context)
    return extension("envoy.transport_sockets.tls", socket)


def _health_check(service: str) -> Config:
    """Quick enough that a server which says it is stopping gets no new call within its drain time of one second."""
    interval = duration(0.25)
    return {
        "timeout": "1s",
        "interval": interval,
        "no_traffic_interval": interval,
        "unhealthy_interval": interval,
        "unhealthy_threshold": 2,
        "healthy_threshold": 1,
        "grpc_health_check": {"authority": service},
    }


# Every address that the name has is a server; the names of a cluster's services have the addresses of all that are ready.
_BY_NAME = extension(
    "envoy.clusters.dns",
    typed("extensions.clusters.dns.v3.DnsCluster", dns_refresh_rate="2s", dns_lookup_family="V4_PREFERRED"),
)

# One that does not answer is not asked: no call waits for it.
_NEVER_IN_PANIC: Config = {"common_lb_config": {"healthy_panic_threshold": {"value": 0}}}

_OUTLIERS = {
    "consecutive_5xx": 10,
    "consecutive_gateway_failure": 5,
    "interval": "1s",
    "base_ejection_time": "2s",
    "max_ejection_time": "20s",
    "max_ejection_percent": 50,
}

# While everything fails, retries may add a tenth to the load: the budget counts those in their pause before the next attempt too.
_BREAKERS = {
    "thresholds": [
        {
            "max_connections": _MOST_CONCURRENT,
            "max_pending_requests": 1_000,
            "max_requests": _MOST_CONCURRENT,
            "retry_budget": {"budget_percent": {"value": 10}, "min_retry_concurrency": 1},
            "track_remaining": True,
        }
    ]
}
