"""All services of the contract as small servers behind the production chain: each method answers, and notes who reached it."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from marketplace.auth.v1 import auth_service_pb2
from websockets.asyncio.server import ServerConnection, serve

from mesh import contract
from mesh.call import current_call
from mesh.contract import MethodContract
from mesh.identity import KeyRing, TokenVerifier
from mesh.local.certificates import Authority, Certificate
from mesh.server import Server
from mesh.settings import Settings, read_settings
from tests.support.identities import AUDIENCE, ISSUER, TokenSigner

Behaviour = Callable[[Any], Awaitable[Message]]
contract.import_all()  # methods are looked up by path below and in the tests
JWKS_METHOD = "/marketplace.auth.v1.AuthService/GetJsonWebKeySet"


@dataclass
class Reached:
    """One call that came through to a service."""

    path: str
    metadata: Mapping[str, str | bytes]
    request: Message
    seconds_left: float | None
    account_id: str


@dataclass
class Backends:
    """The servers, what reached them, and what single methods are to do instead of answering with nothing."""

    authority: Authority
    signer: TokenSigner = field(default_factory=TokenSigner)
    reached: list[Reached] = field(default_factory=list)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    keys: list[Mapping[str, object]] = field(default_factory=list)
    servers: dict[str, Server] = field(default_factory=dict)
    upgrades: list[Mapping[str, str]] = field(default_factory=list)
    websocket_port: int = 0
    certificates: dict[str, Certificate] = field(default_factory=dict)

    def certificate(self, service: str) -> Certificate:
        """The service's certificate, made at first use."""
        if service not in self.certificates:
            self.certificates[service] = self.authority.issue(service)
        return self.certificates[service]

    def addresses(self) -> dict[str, str]:
        """Where each service is."""
        return {name: f"127.0.0.1:{server.port}" for name, server in self.servers.items()}

    def reached_paths(self) -> list[str]:
        """The methods that were reached since the last `forget`, but for the keys, which Envoy asks for by itself."""
        return [call.path for call in self.reached if call.path != JWKS_METHOD]

    def last(self) -> Reached:
        """The last call that was reached."""
        return [call for call in self.reached if call.path != JWKS_METHOD][-1]

    def forget(self) -> None:
        """Begins anew."""
        self.reached.clear()
        self.upgrades.clear()
        self.behaviours.clear()


@asynccontextmanager
async def running_backends(folder: Path) -> AsyncIterator[Backends]:
    """Serves every service of the contract, and realtime's WebSocket."""
    backends = Backends(Authority(folder))
    backends.keys.append(backends.signer.public_key)
    for service in sorted({method.service for method in contract.methods()}):
        backends.servers[service] = await start_server(backends, service)
    context = _server_tls(backends.certificate("realtime"))
    async with serve(_echo(backends), "127.0.0.1", 0, ssl=context) as sockets:
        backends.websocket_port = next(iter(sockets.sockets)).getsockname()[1]
        yield backends
    await asyncio.gather(*(server.stop() for server in backends.servers.values()))


async def start_server(backends: Backends, service: str, port: int = 0) -> Server:
    """One server of a service, with its certificate and the production chain; 0 takes a free port."""
    environment = {
        "MONGO_URL": "mongodb://127.0.0.1:1",
        "REDIS_URL": "redis://127.0.0.1:1",
        "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "GRPC_LISTEN": f"127.0.0.1:{port}",
        "DRAIN_SECONDS": "0",
        "STOP_GRACE_SECONDS": "0",
        **backends.certificate(service).environment,
    }

    async def keys() -> Sequence[Mapping[str, object]]:
        return backends.keys

    server = Server(read_settings(Settings, service, environment), TokenVerifier(KeyRing(keys), ISSUER, AUDIENCE))
    names = sorted({method.service_full_name for method in contract.methods() if method.service == service})
    for name in names:
        server.add(_adder(name), backends)
    await server.start()
    await server.announce()
    return server


def _adder(service_full_name: str) -> Callable[[Backends, grpc.aio.Server], None]:
    """What a generated add_…_to_server function does, for any service of the contract."""

    def add(backends: Backends, server: grpc.aio.Server) -> None:
        methods = contract.service_methods(service_full_name)
        handlers = {method.name: _handler(backends, method) for method in methods}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service_full_name, handlers),))
        server.add_registered_method_handlers(service_full_name, handlers)

    return add


def _handler(backends: Backends, method: MethodContract) -> "grpc.RpcMethodHandler[Any, Any]":
    async def answer(request: Any, _context: object) -> Message:
        call = current_call()
        left = call.context.time_remaining()
        account_id = call.account.account_id if call.account else ""
        backends.reached.append(Reached(method.path, call.metadata, request, left, account_id))
        if method.path == JWKS_METHOD:
            keys = [
                auth_service_pb2.JsonWebKey(**{str(name): str(value) for name, value in key.items()}) for key in backends.keys
            ]
            return auth_service_pb2.GetJsonWebKeySetResponse(keys=keys)
        behaviour = backends.behaviours.get(method.path)
        return await behaviour(request) if behaviour else method.response()

    async def stream(request: Any, context: object) -> AsyncGenerator[Message]:
        first = await answer(request, context)
        yield first
        yield first

    if method.is_server_streaming:
        return grpc.unary_stream_rpc_method_handler(stream)
    return grpc.unary_unary_rpc_method_handler(answer)


def _echo(backends: Backends) -> Callable[[ServerConnection], Awaitable[None]]:
    async def echo(connection: ServerConnection) -> None:
        assert connection.request is not None
        backends.upgrades.append({"path": connection.request.path, **dict(connection.request.headers.raw_items())})
        async for message in connection:
            await connection.send(message)

    return echo


def _server_tls(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate_file, certificate.key_file)
    context.load_verify_locations(certificate.ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["http/1.1"])
    return context
