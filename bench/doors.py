"""One trivial servicer behind doors of the same process: gRPC alone, the chain link by link, and the server of production.

All doors have the same transport (mTLS), loop, message and servicer. What stands between bare and whole is only the chain.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import reduce
from typing import Any, TypeAlias, cast

import grpc
from google.protobuf.message import Message
from marketplace.user.v1 import profile_service_pb2 as profiles
from marketplace.user.v1 import profile_service_pb2_grpc as profiles_grpc

from mesh import contract
from mesh.call import Call, Context
from mesh.identity import TokenVerifier
from mesh.interceptors.capacity import Capacity, capacity_link
from mesh.interceptors.deadline import deadline_link
from mesh.interceptors.errors import errors_link
from mesh.interceptors.identity import identity_link
from mesh.interceptors.link import OuterLink
from mesh.interceptors.policy import policy_link
from mesh.interceptors.telemetry import telemetry_link
from mesh.interceptors.validation import validation_link
from mesh.server import Server
from mesh.settings import Settings

BARE = "gRPC alone"
WHOLE = "the whole chain"
_PATH = "/marketplace.user.v1.ProfileService/GetProvider"

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Serve = Callable[[Any, Context], Awaitable[Message]]
Wrap = Callable[[Serve], Callable[[bytes, Context], Awaitable[bytes | None]]]
"""Makes of a servicer's method what gRPC calls with bytes."""


class _Providers(profiles_grpc.ProfileServiceServicer):
    """Answers at once, with what a provider's public profile looks like."""

    async def GetProvider(  # noqa: N802 - the RPC's name
        self, request: profiles.GetProviderRequest, context: Context
    ) -> profiles.GetProviderResponse:
        provider = profiles.PublicProvider(
            provider_id=request.provider_id, display_name="Maria de Souza", rating=4.5, rating_count=12
        )
        return profiles.GetProviderResponse(provider=provider)


def _servicer() -> _Providers:
    return _Providers()  # type: ignore[abstract]  # nobody calls its other methods


class _Around(grpc.aio.ServerInterceptor):
    """Puts the same thing around every method."""

    def __init__(self, wrap: Wrap) -> None:
        self._wrap = wrap
        self._handler: Handler | None = None

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        if self._handler is None:
            found = await continuation(handler_call_details)
            if found is not None:
                serve = cast("Serve", found.unary_unary)
                self._handler = grpc.unary_unary_rpc_method_handler(cast("Any", self._wrap(serve)))
        return self._handler


def steps(settings: Settings, verifier: TokenVerifier) -> dict[str, Wrap]:
    """The chain as it grows: each step has one link more than the one before it, in the order of mesh/server.py."""
    outer: dict[str, OuterLink] = {
        "errors": errors_link,
        "capacity": capacity_link(Capacity(settings.max_concurrent_calls, settings.max_open_streams)),
        "deadline": deadline_link,
        "identity": identity_link(verifier),
        "policy": policy_link,
    }
    links = tuple(outer.values())
    found: dict[str, Wrap] = {"interceptor": _decode, "telemetry, metrics": _observe, "validation": _chain_of(())}
    return found | {name: _chain_of(links[: index + 1]) for index, name in enumerate(outer)}


def _decode(serve: Serve) -> Callable[[bytes, Context], Awaitable[bytes | None]]:
    decode = contract.find_method(_PATH).request.FromString

    async def entry(request: bytes, context: Context) -> bytes:
        return (await serve(decode(request), context)).SerializeToString()

    return entry


def _observe(serve: Serve) -> Callable[[bytes, Context], Awaitable[bytes | None]]:
    method = contract.find_method(_PATH)
    decode = method.request.FromString

    async def receive(request: bytes, call: Call) -> bytes:
        return (await serve(decode(request), call.context)).SerializeToString()

    return telemetry_link(method, receive)


def _chain_of(outer: Sequence[OuterLink]) -> Wrap:
    def wrap(serve: Serve) -> Callable[[bytes, Context], Awaitable[bytes | None]]:
        method = contract.find_method(_PATH)

        async def answer(request: Message, call: Call) -> bytes:
            return (await serve(request, call.context)).SerializeToString()

        receive = validation_link(method, answer)
        return telemetry_link(method, reduce(lambda proceed, link: link(method, proceed), reversed(outer), receive))

    return wrap


@asynccontextmanager
async def open_doors(settings: Settings, verifier: TokenVerifier) -> AsyncIterator[Mapping[str, int]]:
    """The port of each door, from the bare one to the whole one, while the block lasts."""
    servers: dict[str, grpc.aio.Server] = {BARE: grpc.aio.server()}
    for name, wrap in steps(settings, verifier).items():
        servers[name] = grpc.aio.server(interceptors=[_Around(wrap)])
    whole = Server(settings, verifier)
    whole.add(profiles_grpc.add_ProfileServiceServicer_to_server, _servicer())
    ports = {}
    try:
        for name, server in servers.items():
            profiles_grpc.add_ProfileServiceServicer_to_server(_servicer(), server)
            ports[name] = server.add_secure_port("127.0.0.1:0", _credentials(settings))
            await server.start()
        await whole.start()
        await whole.announce()
        yield ports | {WHOLE: whole.port}
    finally:
        for server in servers.values():
            await server.stop(0)
        await whole.stop()


def _credentials(settings: Settings) -> grpc.ServerCredentials:
    pair = (settings.tls_key_file.read_bytes(), settings.tls_certificate_file.read_bytes())
    return grpc.ssl_server_credentials([pair], settings.tls_ca_file.read_bytes(), require_client_auth=True)
