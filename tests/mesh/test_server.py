"""A process's server: what it refuses to serve, its health, and how it ends without losing a call."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from mesh.contract import ContractError
from mesh.identity import KeyRing, TokenVerifier
from mesh.server import Server
from mesh.status_details import from_rpc_error
from tests.mesh.probe import NAME, Probe, Request, Response, World, bearer, probing, read_all
from tests.mesh.protos import compile_proto
from tests.mesh.waiting import until
from tests.support.identities import AUDIENCE, ISSUER

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def make_server(world: World, **variables: str) -> Server:
    return Server(world.settings(**variables), TokenVerifier(KeyRing(world.keys), ISSUER, AUDIENCE))


async def health_of(channel: grpc.aio.Channel, name: str = "") -> int:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return int((await stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)).status)


async def test_a_method_without_a_policy_is_not_served(world: World) -> None:
    compile_proto(
        "lawless.proto", 'syntax = "proto3"; package marketplace.lawless.v1; message M {} service S { rpc Do(M) returns (M); }'
    )
    handlers: Any = {"Do": grpc.unary_unary_rpc_method_handler(lambda request, _: request)}

    def add(_servicer: object, server: grpc.aio.Server) -> None:
        server.add_registered_method_handlers("marketplace.lawless.v1.S", handlers)

    with pytest.raises(ContractError, match=r"lawless\.v1\.S/Do has no"):
        make_server(world).add(add, object())


async def test_a_method_that_the_contract_does_not_know_is_not_found(probe: Probe) -> None:
    for path in ("/marketplace.probe.v1.ProbeService/Nothing", "/marketplace.user.v1.ProfileService/GetMyProfile", "/x/y"):
        send: Any = probe.channel().unary_unary(path)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await send(b"", timeout=5)
        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_an_address_that_is_taken_is_said_in_a_sentence(probe: Probe) -> None:
    with pytest.raises(OSError, match=f"{probe.address} cannot be listened on"):
        await make_server(probe.world, GRPC_LISTEN=probe.address).start()


async def test_health_is_told_by_service_once_it_is_announced(world: World) -> None:
    async with probing(world) as probe:
        channel = probe.channel()
        assert [await health_of(channel, name) for name in ("", NAME)] == [SERVING, SERVING]
        await probe.server.set_health("events", is_serving=False)
        assert await health_of(channel, "events") == NOT_SERVING


async def test_probes_without_a_certificate_learn_the_health_and_nothing_else(world: World) -> None:
    from mesh.local.ports import free_port

    address = f"127.0.0.1:{free_port()}"
    async with probing(world, HEALTH_LISTEN=address), grpc.aio.insecure_channel(address) as channel:
        assert await health_of(channel) == SERVING
        send: Any = channel.unary_unary("/marketplace.probe.v1.ProbeService/Greet")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await send(b"", timeout=5)
        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_the_contract_can_be_asked_for_only_where_that_is_switched_on(world: World) -> None:
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    async def names(probe: Probe) -> list[str]:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(cast(Any, probe.channel()))
        answers = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=5)
        return [service.name async for answer in answers for service in answer.list_services_response.service]

    async with probing(world, GRPC_REFLECTION="1") as probe:
        assert NAME in await names(probe)
    async with probing(world) as probe:
        with pytest.raises(grpc.aio.AioRpcError):
            await names(probe)


class Held:
    """Calls and streams that are held open until they are let go."""

    def __init__(self, probe: Probe) -> None:
        self.let_go = asyncio.Event()
        self.inside = 0
        probe.servicer.behaviour, probe.servicer.streaming = self.work, self.stream

    async def work(self, request: Any) -> Any:
        self.inside += 1
        await self.let_go.wait()
        return Response(text=request.text)

    async def stream(self, request: Any) -> AsyncGenerator[Any]:
        yield Response(text="first")
        yield await self.work(request)


async def test_a_server_that_stops_finishes_what_it_has_taken_on_and_takes_on_what_comes_meanwhile(world: World) -> None:
    async with probing(world, DRAIN_SECONDS="0.5", STOP_GRACE_SECONDS="5") as probe:
        held, account = Held(probe), probe.customer()
        stub, headers = probe.stub(), bearer(account.token)
        before = asyncio.ensure_future(stub.Read(Request(text="before"), metadata=headers, timeout=10))
        await until(lambda: held.inside == 1)
        stopping = asyncio.create_task(probe.server.stop())
        channel = probe.channel()

        async def is_noticeable() -> bool:
            return await health_of(channel) == NOT_SERVING

        await until(is_noticeable)
        during = asyncio.ensure_future(stub.Read(Request(text="during"), metadata=headers, timeout=10))
        await until(lambda: held.inside == 2)
        await asyncio.wait([stopping], timeout=0.8)
        assert not stopping.done()
        held.let_go.set()
        assert [(await before).text, (await during).text] == ["before", "during"]
        await stopping
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Read(Request(), metadata=headers, timeout=1)


async def test_open_streams_are_told_to_resume_elsewhere(world: World) -> None:
    async with probing(world, STOP_GRACE_SECONDS="5") as probe:
        held, got = Held(probe), list[str]()
        reading = asyncio.create_task(
            read_all(probe.stub("booking").Watch(Request(), metadata=bearer(probe.customer().token)), got)
        )
        await until(lambda: held.inside == 1)
        stopped = asyncio.create_task(probe.server.stop())
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await reading
        error = from_rpc_error(ended.value, "probe")
        assert (error.reason, error.domain, error.retry_after_seconds) == ("SERVICE_STOPPING", "mesh.marketplace", 0.1)
        assert got == ["first"]
        await asyncio.wait_for(stopped, 2)


async def test_a_call_that_does_not_end_does_not_keep_the_process_for_ever(world: World) -> None:
    async with probing(world, STOP_GRACE_SECONDS="0.2") as probe:
        held = Held(probe)
        call = asyncio.ensure_future(probe.stub().Read(Request(), metadata=bearer(probe.customer().token), timeout=10))
        await until(lambda: held.inside == 1)
        await asyncio.wait_for(probe.server.stop(), 2)
        with pytest.raises(grpc.aio.AioRpcError):
            await call
