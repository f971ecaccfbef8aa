"""The filters of the edge that the contract fills: transcoding, statistics by method, and what may not come in or go out."""

import base64
from collections.abc import Collection

from gateway.image import transcoding_image
from gateway.shapes import Config, header, typed
from mesh.contract import methods

TRANSCODER_FILTER = "envoy.filters.http.grpc_json_transcoder"
_NO_NAME = r".*[^0-9a-z_.:-].*"  # for gRPC, unlike HTTP [gRPC over HTTP/2: Header-Name]
LARGEST_BODY_BYTES = 1 << 20  # as the services' own limit for a message


def transcoder(services: Collection[str]) -> Config:
    """REST to gRPC and back, of these gRPC services. JSON has the contract's own names."""
    return typed(
        "extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
        proto_descriptor_bin=base64.b64encode(transcoding_image(services)).decode(),
        services=sorted(services),
        print_options={
            "always_print_primitive_fields": True,
            "preserve_proto_field_names": True,
            "stream_newline_delimited": True,
        },
        convert_grpc_status=True,
        request_validation_options={
            "reject_unknown_method": True,
            "reject_unknown_query_parameters": True,
            "reject_binding_body_field_collisions": True,
        },
        max_request_body_size=LARGEST_BODY_BYTES,
        max_response_body_size=LARGEST_BODY_BYTES,
    )


def body_limit() -> Config:
    """Ends requests whose body is too large with 413, without keeping them in memory first."""
    return typed("extensions.filters.http.body_size_limit.v3.BodySizeLimit", max_request_bytes=LARGEST_BODY_BYTES)


def method_statistics() -> Config:
    """Counts by method, of the contract's methods only: made-up names must not fill the memory."""
    services: dict[str, list[str]] = {}
    for method in methods():
        if method.is_edge:
            services.setdefault(method.service_full_name, []).append(method.name)
    allowed = [{"name": name, "method_names": names} for name, names in sorted(services.items())]
    return typed(
        "extensions.filters.http.grpc_stats.v3.FilterConfig",
        individual_method_stats_allowlist={"services": allowed},
        enable_upstream_stats=True,
    )


def foreign_headers(trusted_proxies: int) -> list[Config]:
    """Takes away headers that are not for clients to set, before anything reads them.

    Those `x-…` say whom a call comes from. Behind trusted proxies what they say of addresses stays; Envoy counts them from the
    nearest and believes no others.

    Those that gRPC reads itself, binary ones included, end a call inside the server's library when they are malformed, and calls
    of others on the same connection too; so do names that gRPC does not know. A client's deadline and its compression stay;
    gateway/queries.py sees to their form.
    """
    aside = {"grpc-timeout": "edge-timeout", "grpc-encoding": "edge-encoding"} | (
        {"x-forwarded-for": "edge-forwarded-for"} if trusted_proxies else {}
    )
    return [
        *({"remove": other} for other in aside.values()),
        *(_copy(name, other) for name, other in aside.items()),
        *(_remove_all({"prefix": prefix}) for prefix in ("x-", "grpc-", "lb-", "endpoint-load-")),
        _remove_all({"suffix": "-bin"}),
        _remove_all({"safe_regex": {"regex": _NO_NAME}}),
        *(_copy(other, name) for name, other in aside.items()),
        *({"remove": other} for other in aside.values()),
    ]


def _remove_all(names: Config) -> Config:
    return {"remove_on_match": {"key_matcher": names}}


def _copy(source: str, target: str) -> Config:
    return {"append": header(target, f"%REQ({source})%")}
