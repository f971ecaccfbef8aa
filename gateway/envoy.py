"""The whole bootstrap of Envoy, rendered from the contract and the facts of a deployment; nothing in it is written by hand."""

import json

from gateway.clusters import clusters
from gateway.listeners import listeners
from gateway.openapi import render_openapi
from gateway.settings import EdgeSettings
from gateway.shapes import Config, extension, socket_address, typed

_MOST_CONNECTIONS = 10_000
_HEAP_BYTES = 512 << 20


def render(edge: EdgeSettings) -> str:
    """The bootstrap as JSON, which `envoy --config-path` takes with the ending .json or .yaml; it needs no other file."""
    return json.dumps(bootstrap(edge, render_openapi()), indent=1, ensure_ascii=False)


def bootstrap(edge: EdgeSettings, openapi: str) -> Config:
    """The bootstrap [envoy/config/bootstrap/v3]. `openapi` is the document that clients are served."""
    return {
        "node": {"id": "gateway", "cluster": "gateway"},
        "admin": {"address": socket_address(edge.admin_listen), "ignore_global_conn_limit": True},
        "static_resources": {"listeners": listeners(edge, openapi), "clusters": clusters(edge)},
        "overload_manager": _OVERLOAD,
        "stats_config": {"use_all_default_tags": True},
    }


def _threshold(value: float) -> Config:
    return {"name": "envoy.resource_monitors.fixed_heap", "threshold": {"value": value}}


_OVERLOAD = {
    "refresh_interval": "0.25s",
    "resource_monitors": [
        extension(
            "envoy.resource_monitors.fixed_heap",
            typed("extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig", max_heap_size_bytes=_HEAP_BYTES),
        ),
        extension(
            "envoy.resource_monitors.global_downstream_max_connections",
            typed(
                "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                max_active_downstream_connections=_MOST_CONNECTIONS,
            ),
        ),
    ],
    "actions": [
        {"name": "envoy.overload_actions.shrink_heap", "triggers": [_threshold(0.9)]},
        {"name": "envoy.overload_actions.disable_http_keepalive", "triggers": [_threshold(0.92)]},
        {"name": "envoy.overload_actions.stop_accepting_requests", "triggers": [_threshold(0.95)]},
    ],
    "loadshed_points": [{"name": "envoy.load_shed_points.tcp_listener_accept", "triggers": [_threshold(0.95)]}],
}
