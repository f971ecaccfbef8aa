"""Calls to peers: mTLS, round robin, and what the contract says of retries and deadlines. Failures come back as mesh.errors."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from hashlib import sha256
from typing import Any, TypeVar, cast

import grpc
from google.protobuf.message import Message

from mesh import contract, telemetry
from mesh.call import Call, find_call
from mesh.contract import MethodContract
from mesh.errors import DeadlinePassed
from mesh.ids import derived_id, new_id
from mesh.settings import Settings
from mesh.status_details import from_rpc_error
from mesh.tracing import current_trace

Stub = TypeVar("Stub")
Metadata = Sequence[tuple[str, str | bytes]]

IDEMPOTENCY_HEADER = "idempotency-key"
AUTHORIZATION_HEADER = "authorization"
_LONGEST_MARGIN_SECONDS = 0.05
_RETRY_POLICY = {
    "maxAttempts": 3,
    "initialBackoff": "0.05s",
    "maxBackoff": "1s",
    "backoffMultiplier": 3,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_OPTIONS = (
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.dns_min_time_between_resolutions_ms", 2_000),
)


class Channels:
    """One channel a peer's gRPC service, made at first use and kept until `close`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._credentials = grpc.ssl_channel_credentials(
            settings.tls_ca_file.read_bytes(), settings.tls_key_file.read_bytes(), settings.tls_certificate_file.read_bytes()
        )
        self._channels: dict[str, grpc.aio.Channel] = {}

    def stub(self, stub_class: Callable[[grpc.aio.Channel], Stub], service: str) -> Stub:
        """A stub of the generated class whose calls go to the service.

        Each call carries the trace and the end user's token of the call being served, ends before that call must, and is repeated
        only where the contract allows it. It raises mesh.errors: the kind, reason and metadata that the peer raised; without an
        answer Unavailable or DeadlinePassed. A streaming method gives an async iterator: close it to end the call.
        """
        return stub_class(cast("grpc.aio.Channel", _ContractChannel(service, self._open)))

    def _open(self, service: str, service_full_name: str) -> grpc.aio.Channel:
        channel = self._channels.get(service_full_name)
        if channel is None:
            options = (
                *_OPTIONS,
                ("grpc.service_config", json.dumps(service_config(contract.service_methods(service_full_name)))),
                ("grpc.ssl_target_name_override", service),
                ("grpc.default_authority", service),
            )
            channel = grpc.aio.secure_channel(self._settings.peer_address(service), self._credentials, options)
            self._channels[service_full_name] = channel
        return channel

    async def close(self) -> None:
        """Closes every channel; calls still running are cancelled."""
        channels, self._channels = list(self._channels.values()), {}
        await asyncio.gather(*(channel.close() for channel in channels))


def service_config(methods: Sequence[MethodContract]) -> dict[str, object]:
    """What the contract says to the gRPC client, in gRPC's own form [grpc/proto: service_config.proto].

    Throttling stops retries while more than about one call in ten fails, so that a failing peer is not buried under them.
    """
    return {
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": ""},
        "methodConfig": [_method_config(method) for method in methods],
        "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
    }


def _method_config(method: MethodContract) -> dict[str, object]:
    config: dict[str, object] = {"name": [{"service": method.service_full_name, "method": method.name}]}
    if method.deadline_seconds:
        config["timeout"] = f"{method.deadline_seconds:g}s"
    if method.is_retriable:
        config["retryPolicy"] = _RETRY_POLICY
    return config


class _ContractChannel:
    """What a generated stub takes for a channel: gives callables that keep to the contract."""

    def __init__(self, service: str, open_channel: Callable[[str, str], grpc.aio.Channel]) -> None:
        self._service = service
        self._open = open_channel

    def unary_unary(self, path: str, **codecs: Any) -> "Callable[..., Any]":
        method = contract.find_method(path)
        send = self._open(self._service, method.service_full_name).unary_unary(path, **codecs)

        async def call(request: Message, *, timeout: float | None = None, metadata: Metadata = ()) -> object:
            with telemetry.client_span(path):
                limit, headers = _time_left(method, timeout), _headers(method, request, metadata)
                try:
                    return await send(request, timeout=limit, metadata=headers)
                except grpc.aio.AioRpcError as failure:
                    raise from_rpc_error(failure, self._service) from None

        return call

    def unary_stream(self, path: str, **codecs: Any) -> "Callable[..., AsyncIterator[Any]]":
        method = contract.find_method(path)
        send = self._open(self._service, method.service_full_name).unary_stream(path, **codecs)

        async def stream(request: Message, *, timeout: float | None = None, metadata: Metadata = ()) -> AsyncIterator[object]:
            running = send(request, timeout=_time_left(method, timeout), metadata=_headers(method, request, metadata))
            try:
                async for message in running:
                    yield message
            except grpc.aio.AioRpcError as failure:
                raise from_rpc_error(failure, self._service) from None
            finally:
                running.cancel()

        return stream


def _time_left(method: MethodContract, timeout: float | None) -> float | None:
    """Seconds that the call may take: the least of its own limit, the contract's, and what is left of the call being served."""
    limits = [limit for limit in (timeout, method.deadline_seconds or None) if limit is not None]
    call = find_call()
    if call is not None and call.deadline is not None:
        left = call.deadline - asyncio.get_running_loop().time()
        limits.append(left - min(_LONGEST_MARGIN_SECONDS, left / 10))
    if not limits:
        return None
    if min(limits) <= 0:
        raise DeadlinePassed("DEADLINE_PASSED", "The time for this call is over.")
    return min(limits)


def _headers(method: MethodContract, request: Message, given: Metadata) -> Metadata:
    """What was given, and what the call being served brings along; what was given goes first."""
    headers = [("traceparent", current_trace().traceparent), *given]
    names = {name for name, _ in given}
    call = find_call()
    if call is not None and call.account is not None and not method.is_public and AUTHORIZATION_HEADER not in names:
        headers.append((AUTHORIZATION_HEADER, f"Bearer {call.account.token}"))
    if method.idempotency_key and IDEMPOTENCY_HEADER not in names:
        headers.append((IDEMPOTENCY_HEADER, _idempotency_key(method, request, call)))
    return headers


def _idempotency_key(method: MethodContract, request: Message, call: Call | None) -> str:
    """The same for the same request within one idempotent call, so that a repeated attempt repeats no effect at the peer."""
    if call is None or call.idempotency is None:
        return new_id("key")
    body = sha256(request.SerializeToString(deterministic=True)).hexdigest()
    return derived_id("key", call.idempotency.scope, method.path, body)
