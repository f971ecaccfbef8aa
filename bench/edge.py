"""The edge: an authenticated REST read through Envoy, its rate and its latency, against the same read by gRPC inside the mesh.

Client, Envoy, service and stores share the machine's cores, so the rates are of the whole chain; only their ratio travels.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from statistics import median

import aiohttp
import grpc
from marketplace.user.v1 import profile_service_pb2 as profiles
from marketplace.user.v1 import profile_service_pb2_grpc as profiles_grpc

from bench.figures import FOLDER, percentile, save, table
from demo.journey.scene import Doors, open_scene
from demo.stack import doors_of, local_stack
from mesh.local.certificates import Certificate
from mesh.local.stack import Stack

_CONNECTIONS = 16
_ROUNDS = 6
_SLICE_SECONDS = 1.0
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
    bearer = f"Bearer {person.access_token}"
    async with (
        aiohttp.ClientSession(headers={"authorization": bearer}) as http,
        _channel(stack.addresses.services["user"], stack.certificate("gateway")) as channel,
    ):
        stub = profiles_grpc.ProfileServiceStub(channel)

        async def by_rest() -> None:
            async with http.get(f"{doors.edge_url}/v1/profile") as answer:
                answer.raise_for_status()
                await answer.read()

        async def inside() -> None:
            await stub.GetMyProfile(profiles.GetMyProfileRequest(), timeout=5, metadata=[("authorization", bearer)])

        return await _take_turns({"edge": by_rest, "inside": inside})


def _channel(address: str, certificate: Certificate) -> grpc.aio.Channel:
    credentials = grpc.ssl_channel_credentials(
        certificate.ca_file.read_bytes(), certificate.key_file.read_bytes(), certificate.certificate_file.read_bytes()
    )
    return grpc.aio.secure_channel(address, credentials, [("grpc.ssl_target_name_override", "user")])


async def _take_turns(reads: Mapping[str, Read]) -> dict[str, float]:
    """Rates as medians of the rounds, latencies over all calls, and the ratio of the two rates within a round."""
    rates: dict[str, list[float]] = {name: [] for name in reads}
    seconds: dict[str, list[float]] = {name: [] for name in reads}
    for read in reads.values():
        await _run(read, _WARM_UP_SECONDS)
    for _ in range(_ROUNDS):
        for name, read in reads.items():
            started = time.perf_counter()
            taken = await _run(read, _SLICE_SECONDS)
            rates[name].append(len(taken) / (time.perf_counter() - started))
            seconds[name] += taken
    figures = {"edge_to_inside": median(edge / inside for edge, inside in zip(rates["edge"], rates["inside"], strict=True))}
    for name in reads:
        figures[f"{name}_calls_per_second"] = median(rates[name])
        figures[f"{name}_p50_ms"] = percentile(seconds[name], 50) * 1000
        figures[f"{name}_p99_ms"] = percentile(seconds[name], 99) * 1000
    return figures


async def _run(read: Read, for_seconds: float) -> list[float]:
    """The seconds of each call, from a fixed number of callers that never wait."""
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
    with local_stack(FOLDER / "stack", rate_scale=100_000, log_level="info") as stack:
        figures = asyncio.run(measure(stack, doors_of(stack)))
        figures["resident_mb_after_load"] = sum(stack.resident_mb().values())
    rows = {
        "REST through Envoy": f"{figures['edge_calls_per_second']:8.0f}/s  p50 {figures['edge_p50_ms']:6.1f} ms"
        f"  p99 {figures['edge_p99_ms']:6.1f} ms",
        "gRPC inside the mesh": f"{figures['inside_calls_per_second']:8.0f}/s  p50 {figures['inside_p50_ms']:6.1f} ms"
        f"  p99 {figures['inside_p99_ms']:6.1f} ms",
        "edge to inside": f"{figures['edge_to_inside']:8.2f}",
        "whole stack resident after it": f"{figures['resident_mb_after_load']:8.1f} MB",
    }
    table("Edge: authenticated read of a profile, 16 connections", rows)
    save("edge", figures)


if __name__ == "__main__":
    main()
