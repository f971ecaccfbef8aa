"""The edge: an authenticated REST read through Envoy, its rate and its latency, against the same read by gRPC inside the mesh.

Client, Envoy, service and stores share the machine's cores, so the rates are of the whole chain; only their ratio travels.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import grpc
from marketplace.user.v1 import profile_service_pb2 as profiles
from marketplace.user.v1 import profile_service_pb2_grpc as profiles_grpc

from bench.figures import percentile, save, table
from demo.journey.scene import Doors, open_scene
from demo.stack import doors_of, local_stack
from mesh.local.certificates import Certificate
from mesh.local.stack import Stack

_CONNECTIONS = 16
_SECONDS = 6.0
_WARM_UP_SECONDS = 1.0

Read = Callable[[], Awaitable[None]]


async def measure(stack: Stack, doors: Doors) -> dict[str, float]:
    """Calls a second, and milliseconds a call."""
    async with open_scene(doors) as scene:
        person = await scene.register("Bench", ["ACCOUNT_ROLE_CUSTOMER"], "en")
        await scene.until(
            lambda: scene.rest.call("GET", "/v1/profile", token=person.access_token),
            lambda answer: answer,
            "the profile is there",
        )
    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {person.access_token}"}) as http:

        async def by_rest() -> None:
            async with http.get(f"{doors.edge_url}/v1/profile") as answer:
                answer.raise_for_status()
                await answer.read()

        edge = await _load(by_rest)
    certificate = stack.certificate("gateway")
    async with _channel(stack.addresses.services["user"], certificate) as channel:
        stub = profiles_grpc.ProfileServiceStub(channel)
        metadata = [("authorization", f"Bearer {person.access_token}")]

        async def inside() -> None:
            await stub.GetMyProfile(profiles.GetMyProfileRequest(), timeout=5, metadata=metadata)

        direct = await _load(inside)
    return {
        "edge_calls_per_second": edge[0],
        "edge_p50_ms": edge[1],
        "edge_p99_ms": edge[2],
        "inside_calls_per_second": direct[0],
        "inside_p50_ms": direct[1],
        "inside_p99_ms": direct[2],
        "edge_to_inside": edge[0] / direct[0],
    }


def _channel(address: str, certificate: Certificate) -> grpc.aio.Channel:
    credentials = grpc.ssl_channel_credentials(
        certificate.ca_file.read_bytes(), certificate.key_file.read_bytes(), certificate.certificate_file.read_bytes()
    )
    return grpc.aio.secure_channel(address, credentials, [("grpc.ssl_target_name_override", "user")])


async def _load(read: Read) -> tuple[float, float, float]:
    """Calls a second, p50 and p99 in milliseconds, from a fixed number of callers that never wait."""
    await _run(read, _WARM_UP_SECONDS)
    started = time.perf_counter()
    seconds = await _run(read, _SECONDS)
    return len(seconds) / (time.perf_counter() - started), percentile(seconds, 50) * 1000, percentile(seconds, 99) * 1000


async def _run(read: Read, for_seconds: float) -> list[float]:
    taken: list[float] = []
    end = time.perf_counter() + for_seconds

    async def call_again_and_again() -> None:
        while time.perf_counter() < end:
            started = time.perf_counter()
            await read()
            taken.append(time.perf_counter() - started)

    await asyncio.gather(*(call_again_and_again() for _ in range(_CONNECTIONS)))
    return taken


def main() -> None:
    """Starts a stack of its own, measures, prints and saves."""
    with local_stack(Path(".local/bench/stack").resolve(), rate_scale=100_000) as stack:
        figures = asyncio.run(measure(stack, doors_of(stack)))
    rows = {
        "REST through Envoy": f"{figures['edge_calls_per_second']:8.0f}/s  p50 {figures['edge_p50_ms']:6.1f} ms"
        f"  p99 {figures['edge_p99_ms']:6.1f} ms",
        "gRPC inside the mesh": f"{figures['inside_calls_per_second']:8.0f}/s  p50 {figures['inside_p50_ms']:6.1f} ms"
        f"  p99 {figures['inside_p99_ms']:6.1f} ms",
        "edge to inside": f"{figures['edge_to_inside']:8.2f}",
    }
    table("Edge: authenticated read of a profile, 16 connections", rows)
    save("edge", figures)


if __name__ == "__main__":
    main()
