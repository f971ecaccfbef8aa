"""How the supervisor asks whether a part of the stack can be used, and how much memory it takes."""

import json
from collections.abc import Collection
from contextlib import suppress
from http.client import HTTPException
from urllib.request import urlopen

import psutil

from mesh.local.addresses import port_of
from mesh.local.certificates import Certificate
from mesh.local.program import accepts

_SECONDS = 1.0
_HEALTHY = {"eds_health_status": "HEALTHY"}


def service_is_healthy(address: str, service: str, caller: Certificate) -> bool:
    """Whether the service at `host:port` says over mTLS, by gRPC's health protocol, that it serves."""
    if not accepts(port_of(address)):
        return False
    import grpc
    from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

    credentials = grpc.ssl_channel_credentials(
        caller.ca_file.read_bytes(), caller.key_file.read_bytes(), caller.certificate_file.read_bytes()
    )
    with grpc.secure_channel(address, credentials, [("grpc.ssl_target_name_override", service)]) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check", HealthCheckRequest.SerializeToString, HealthCheckResponse.FromString
        )
        try:
            answer = check(HealthCheckRequest(), timeout=_SECONDS)
        except grpc.RpcError:
            return False
    return bool(answer.status == HealthCheckResponse.SERVING)


def answers(url: str) -> bool:
    """Whether the URL is answered with 200."""
    return _fetch(url) is not None


def edge_is_ready(admin: str, expected: Collection[int]) -> bool:
    """Whether Envoy, by its admin URL, takes traffic and sees what it calls on the expected ports as healthy."""
    told = _fetch(f"{admin}/clusters?format=json") if answers(f"{admin}/ready") else None
    if told is None:
        return False
    hosts = [host for each in json.loads(told).get("cluster_statuses", []) for host in each.get("host_statuses", [])]
    return all(host["health_status"] == _HEALTHY for host in hosts if host["address"]["socket_address"]["port_value"] in expected)


def _fetch(url: str) -> bytes | None:
    try:
        with urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - our own http address
            return bytes(answer.read()) if answer.status == 200 else None
    except (OSError, HTTPException):
        return None


def resident_mb(pid: int) -> float:
    """Megabytes of memory that the process and its children take: PSS, which counts a shared page once in all; RSS without it."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                memory = each.memory_full_info()
                total += getattr(memory, "pss", memory.rss)
    return total / 1e6
