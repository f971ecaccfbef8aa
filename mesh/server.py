"""A process's gRPC server: the chain around every method, health, always mTLS, reflection if asked, a drain without loss."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar, cast

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from mesh import contract
from mesh.identity import TokenVerifier
from mesh.interceptors.capacity import Capacity, capacity_link
from mesh.interceptors.chain import ContractInterceptor
from mesh.interceptors.deadline import deadline_link
from mesh.interceptors.errors import errors_link
from mesh.interceptors.identity import identity_link
from mesh.interceptors.link import InnerLink
from mesh.interceptors.ownership import ownership_link
from mesh.interceptors.policy import policy_link
from mesh.settings import Settings

S = TypeVar("S")
Handlers: TypeAlias = "Mapping[str, grpc.RpcMethodHandler[Any, Any]]"

_LARGEST_MESSAGE_BYTES = 1 << 20
_RESERVE_FOR_HEALTH = 100
_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
    ("grpc.max_metadata_size", 16 << 10),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    (
        "grpc.http2.max_ping_strikes",
        0,
    ),  # who connects is known by certificate; a peer that was frozen pings several times at once
    # Connections are renewed now and then, so that clients find replicas that were added after they connected.
    ("grpc.max_connection_age_ms", 600_000),
)

_log = structlog.get_logger()


class Server:
    """Serves the servicers added to it from `start` until `stop`."""

    def __init__(self, settings: Settings, verifier: TokenVerifier, inner: Sequence[InnerLink] = ()) -> None:
        """`inner` links come after validation and ownership: the service's own concerns, such as idempotency."""
        self._settings = settings
        self._capacity = Capacity(settings.max_concurrent_calls, settings.max_open_streams)
        self._health = health.aio.HealthServicer()
        self._names: list[str] = []
        outer = (errors_link, capacity_link(self._capacity), deadline_link, identity_link(verifier), policy_link)
        self._server = grpc.aio.server(
            interceptors=[ContractInterceptor(outer, (ownership_link, *inner))],
            options=_OPTIONS,
            maximum_concurrent_rpcs=settings.max_concurrent_calls * 2 + settings.max_open_streams + _RESERVE_FOR_HEALTH,
        )
        self._probes: grpc.aio.Server | None = None
        self.port = 0

    def add(self, add_to_server: Callable[[S, grpc.aio.Server], None], servicer: S) -> None:
        """Adds a servicer by its generated function. Raises ContractError when a method of it has no policy."""
        add_to_server(servicer, cast("grpc.aio.Server", _Registrar(self._server, self._names)))

    async def start(self) -> None:
        """Listens; health is NOT_SERVING until `announce`. Raises OSError when the address is taken."""
        await self.set_health("", is_serving=False)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if self._settings.grpc_reflection:
            self._reflect()
        self.port = _bind(self._server, self._settings.grpc_listen, _credentials(self._settings))
        await self._server.start()
        if self._settings.health_listen:
            self._probes = grpc.aio.server()
            health_pb2_grpc.add_HealthServicer_to_server(self._health, self._probes)
            _bind(self._probes, self._settings.health_listen, None)
            await self._probes.start()

    async def announce(self) -> None:
        """Tells health checks that this process and each of its gRPC services can be called."""
        for name in ("", *self._names):
            await self.set_health(name, is_serving=True)

    async def set_health(self, name: str, *, is_serving: bool) -> None:
        """The health of one part, by the name under which it is asked for."""
        status = health_pb2.HealthCheckResponse
        await self._health.set(name, status.SERVING if is_serving else status.NOT_SERVING)

    async def stop(self) -> None:
        """Lets peers notice, then ends: nothing that was accepted is dropped, and open streams are told to resume elsewhere."""
        await self._health.enter_graceful_shutdown()
        _log.info("draining", calls=self._capacity.calls, streams=len(self._capacity.streams))
        await asyncio.sleep(self._settings.drain_seconds)
        self._capacity.end_streams()
        await self._server.stop(self._settings.stop_grace_seconds)
        if self._probes is not None:
            await self._probes.stop(0)

    def _reflect(self) -> None:
        from grpc_reflection.v1alpha import reflection

        reflection.enable_server_reflection((*self._names, reflection.SERVICE_NAME, health.SERVICE_NAME), self._server)


class _Registrar:
    """Stands for the server in a generated add_…_to_server function, to learn the names and hold them against the contract."""

    def __init__(self, server: grpc.aio.Server, names: list[str]) -> None:
        self._server = server
        self._names = names

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Handlers) -> None:
        for name in handlers:
            method = contract.find_method(f"/{service}/{name}")
            if method.is_client_streaming:
                raise contract.ContractError(f"{method.path} takes a stream of requests, which the mesh does not serve")
        self._names.append(service)
        self._server.add_registered_method_handlers(service, handlers)


def _bind(server: grpc.aio.Server, listen: str, credentials: grpc.ServerCredentials | None) -> int:
    try:
        return server.add_insecure_port(listen) if credentials is None else server.add_secure_port(listen, credentials)
    except RuntimeError:
        raise OSError(f"{listen} cannot be listened on; another process may have it") from None


def _credentials(settings: Settings) -> grpc.ServerCredentials:
    pair = (settings.tls_key_file.read_bytes(), settings.tls_certificate_file.read_bytes())
    return grpc.ssl_server_credentials([pair], settings.tls_ca_file.read_bytes(), require_client_auth=True)
