"""What log-ins cost everybody else: the latency of reads while passwords are verified flat out, against that without.

The readers keep a pace, so that what changes is the company and not the load.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from statistics import median

import aiohttp
import grpc
from marketplace.auth.v1 import auth_service_pb2 as auth
from marketplace.auth.v1 import auth_service_pb2_grpc as auth_grpc

from bench.figures import FOLDER, percentile, save, table
from demo.journey.scene import PASSWORD, Doors, open_scene
from demo.stack import doors_of, local_stack
from mesh.local.certificates import Certificate
from mesh.local.stack import Stack

_MOST = 1.5
_ROUNDS = 5
_SLICE_SECONDS = 4.0
_READS_A_SECOND = 40
_LOGGING_IN = 8

Read = Callable[[], Awaitable[object]]


async def measure(stack: Stack, doors: Doors) -> dict[str, float]:
    """The 99th percentile of each kind of read in milliseconds, alone and among log-ins, and log-ins a second."""
    async with open_scene(doors) as scene:
        person = await scene.register("Bench", ["ACCOUNT_ROLE_CUSTOMER"], "en")
        token = person.access_token
        await scene.until(lambda: scene.rest.call("GET", "/v1/profile", token=token), bool, "the profile is there")
    account = {"email": person.email, "password": PASSWORD}
    certificate = stack.certificate("gateway")
    async with aiohttp.ClientSession() as http, _channel(stack.addresses.services["auth"], certificate) as channel:
        stub = auth_grpc.AuthServiceStub(channel)

        async def profile() -> None:
            async with http.get(f"{doors.edge_url}/v1/profile", headers={"authorization": f"Bearer {token}"}) as answer:
                answer.raise_for_status()

        async def log_in() -> None:
            async with http.post(f"{doors.edge_url}/v1/sessions", json=account) as answer:
                answer.raise_for_status()

        reads: dict[str, Read] = {
            "user's profile": profile,
            "auth's own keys": lambda: stub.GetJsonWebKeySet(auth.GetJsonWebKeySetRequest(), timeout=5),
        }
        return await _take_turns(reads, log_in)


async def _take_turns(reads: dict[str, Read], log_in: Read) -> dict[str, float]:
    alone: dict[str, list[float]] = {name: [] for name in reads}
    among: dict[str, list[float]] = {name: [] for name in reads}
    rates: list[float] = []
    for turn in range(_ROUNDS + 1):  # the first one warms up
        quiet = await _paced(reads)
        done: list[float] = []
        crowd = [asyncio.create_task(_again_and_again(log_in, done)) for _ in range(_LOGGING_IN)]
        busy = await _paced(reads)
        for task in crowd:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*crowd)
        for name in reads if turn else ():
            alone[name].append(percentile(quiet[name], 99) * 1000)
            among[name].append(percentile(busy[name], 99) * 1000)
        if turn:
            rates.append(len(done) / _SLICE_SECONDS)
    figures = {"log_ins_per_second": median(rates)}
    for name in reads:
        figures[f"alone_p99_ms.{name}"], figures[f"among_p99_ms.{name}"] = median(alone[name]), median(among[name])
        figures[f"times.{name}"] = figures[f"among_p99_ms.{name}"] / figures[f"alone_p99_ms.{name}"]
    return figures


async def _paced(reads: dict[str, Read]) -> dict[str, list[float]]:
    """The seconds of each read, of so many begun a second whether or not others have ended."""
    taken: dict[str, list[float]] = {name: [] for name in reads}

    async def one(name: str) -> None:
        started = time.perf_counter()
        await reads[name]()
        taken[name].append(time.perf_counter() - started)

    async with asyncio.TaskGroup() as group:
        for _ in range(int(_SLICE_SECONDS * _READS_A_SECOND)):
            for name in reads:
                group.create_task(one(name))
            await asyncio.sleep(1 / _READS_A_SECOND)
    return taken


async def _again_and_again(work: Read, done: list[float]) -> None:
    while True:
        await work()
        done.append(time.perf_counter())


def _channel(address: str, certificate: Certificate) -> grpc.aio.Channel:
    files = (certificate.ca_file, certificate.key_file, certificate.certificate_file)
    credentials = grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))
    return grpc.aio.secure_channel(address, credentials, [("grpc.ssl_target_name_override", "auth")])


def main() -> None:
    """Starts a stack, measures, prints and saves."""
    with local_stack(FOLDER / "stack", rate_scale=100_000, log_level="info") as stack:
        figures = asyncio.run(measure(stack, doors_of(stack)))
    rows = {"log-ins": f"{figures['log_ins_per_second']:8.1f}/s"}
    for key in figures:
        if key.startswith("times."):
            name = key.partition(".")[2]
            alone, among = figures[f"alone_p99_ms.{name}"], figures[f"among_p99_ms.{name}"]
            rows[f"p99 of {name}"] = (
                f"{alone:6.1f} ms alone, {among:6.1f} ms among them: {figures[key]:.2f} times (at most {_MOST:g})"
            )
    table(f"Reads while {_LOGGING_IN} callers log in flat out", rows)
    save("logins", figures)


if __name__ == "__main__":
    main()
