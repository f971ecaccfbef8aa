"""A service of the tests' own behind the production server and its whole chain, on mTLS, and callers of every kind."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import grpc
from google.protobuf import message_factory

from mesh import contract
from mesh.call import Account, Call, Context, current_call
from mesh.identity import KeyRing, TokenVerifier
from mesh.interceptors.link import InnerLink
from mesh.local.certificates import Authority, Certificate
from mesh.server import Server
from mesh.settings import Settings, read_settings
from mesh.status_details import from_rpc_error
from tests.mesh.protos import compile_proto
from tests.support.identities import AUDIENCE, ISSUER, TokenSigner

FILE = compile_proto("probe.proto", Path(__file__).with_name("probe.proto").read_text())
SERVICE = FILE.services_by_name["ProbeService"]
NAME = "marketplace.probe.v1.ProbeService"
METHODS = {method.name: contract.read_method(method) for method in SERVICE.methods}
Request: Any = message_factory.GetMessageClass(FILE.message_types_by_name["ProbeRequest"])
Response: Any = message_factory.GetMessageClass(FILE.message_types_by_name["ProbeResponse"])
Item: Any = message_factory.GetMessageClass(FILE.message_types_by_name["Item"])

Behaviour = Callable[[Any], Awaitable[Any]]
Streaming = Callable[[Any], AsyncGenerator[Any]]
Headers = Sequence[tuple[str, str | bytes]]


async def echo(request: Any) -> Any:
    return Response(text=request.text)


async def echo_again(request: Any) -> AsyncGenerator[Any]:
    for number in range(3):
        yield Response(text=f"{request.text} {number}")


class Servicer:
    """Does what a test puts into `behaviour` and `streaming`, and notes the calls that came through."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = echo
        self.streaming: Streaming = echo_again
        self.calls: list[Call] = []

    async def unary(self, request: Any, _context: Context) -> Any:
        self.calls.append(current_call())
        return await self.behaviour(request)

    async def stream(self, request: Any, _context: Context) -> AsyncGenerator[Any]:
        self.calls.append(current_call())
        async for message in self.streaming(request):
            yield message

    @property
    def call(self) -> Call:
        """The last call that came through."""
        return self.calls[-1]


def add_to_server(servicer: Servicer, server: grpc.aio.Server) -> None:
    """What the generated add_…_to_server does."""
    handlers = {name: _handler(method, servicer) for name, method in METHODS.items()}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))
    server.add_registered_method_handlers(NAME, handlers)


def _handler(method: contract.MethodContract, servicer: Servicer) -> "grpc.RpcMethodHandler[Any, Any]":
    if method.is_server_streaming:
        return grpc.unary_stream_rpc_method_handler(cast(Any, servicer.stream), Request.FromString, Response.SerializeToString)
    return grpc.unary_unary_rpc_method_handler(cast(Any, servicer.unary), Request.FromString, Response.SerializeToString)


_write, _read = Request.SerializeToString, Response.FromString


class Stub:
    """What the generated stub does."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        for name, method in METHODS.items():
            open_call = channel.unary_stream if method.is_server_streaming else channel.unary_unary
            setattr(self, name, open_call(method.path, request_serializer=_write, response_deserializer=_read))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


@dataclass
class World:
    """One mesh: its authority, its certificates, its signer of tokens."""

    authority: Authority
    signer: TokenSigner = field(default_factory=TokenSigner)
    certificates: dict[str, Certificate] = field(default_factory=dict)

    def certificate(self, service: str) -> Certificate:
        """The service's certificate, made at first use."""
        if service not in self.certificates:
            self.certificates[service] = self.authority.issue(service)
        return self.certificates[service]

    def settings(self, service: str = "probe", **variables: str) -> Settings:
        """Settings of a service that needs no stores."""
        environment = {
            "MONGO_URL": "mongodb://127.0.0.1:1",
            "REDIS_URL": "redis://127.0.0.1:1",
            "KAFKA_BOOTSTRAP": "127.0.0.1:1",
            "GRPC_LISTEN": "127.0.0.1:0",
            "DRAIN_SECONDS": "0",
            "STOP_GRACE_SECONDS": "1",
            **self.certificate(service).environment,
            **variables,
        }
        return read_settings(Settings, service, environment)

    async def keys(self) -> Sequence[Mapping[str, object]]:
        return [self.signer.public_key]


@dataclass
class Probe:
    """A probe service that serves."""

    world: World
    server: Server
    servicer: Servicer
    channels: list[grpc.aio.Channel] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    def channel(self, certificate: Certificate | str = "gateway") -> grpc.aio.Channel:
        """A connection under this certificate."""
        given = self.world.certificate(certificate) if isinstance(certificate, str) else certificate
        files = (given.ca_file, given.key_file, given.certificate_file)
        credentials = grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))
        channel = grpc.aio.secure_channel(self.address, credentials, [("grpc.ssl_target_name_override", "probe")])
        self.channels.append(channel)
        return channel

    def stub(self, caller: str = "gateway") -> Any:
        """A plain stub, whose calls raise grpc.aio.AioRpcError."""
        return Stub(self.channel(caller))

    async def call(
        self, name: str, request: Any = None, account: Account | None = None, *, caller: str = "gateway", headers: Headers = ()
    ) -> Any:
        """One call; what it raises is what Channels would."""
        metadata = [*headers, *(bearer(account.token) if account is not None else ())]
        try:
            return await getattr(self.stub(caller), name)(request or Request(), metadata=metadata, timeout=10)
        except grpc.aio.AioRpcError as failure:
            raise from_rpc_error(failure, "probe") from None

    def customer(self, *roles: str) -> Account:
        return self.world.signer.account(*(roles or ("customer",)))


async def read_all(stream: Any, into: list[str] | None = None) -> list[str]:
    """The texts of a stream's messages; those that came before a failure are in `into`."""
    texts = [] if into is None else into
    async for message in stream:
        texts.append(message.text)
    return texts


def bearer(token: str) -> list[tuple[str, str | bytes]]:
    return [("authorization", f"Bearer {token}")]


@asynccontextmanager
async def probing(world: World, inner: Sequence[InnerLink] = (), **variables: str) -> AsyncIterator[Probe]:
    """Serves until the block ends."""
    verifier = TokenVerifier(KeyRing(world.keys), ISSUER, AUDIENCE)
    server, servicer = Server(world.settings(**variables), verifier, inner), Servicer()
    server.add(add_to_server, servicer)
    await server.start()
    await server.announce()
    probe = Probe(world, server, servicer)
    try:
        yield probe
    finally:
        await asyncio.gather(*(channel.close() for channel in probe.channels))
        await server.stop()
