"""Callers in a process of their own, driven over standard input: a slice of load on one door at a time.

`Load` is the driving side. The driven side is told the doors in its first line, then a door and a time in each further line, and
answers each with what it has counted; it ends with its input.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import grpc
import uvloop
from marketplace.user.v1 import profile_service_pb2 as profiles
from marketplace.user.v1 import profile_service_pb2_grpc as profiles_grpc

from mesh.local.certificates import Certificate

CALLERS = 32
_PROVIDER_ID = f"acc_{'0' * 26}"
_TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"
_CALL_SECONDS = 10.0  # more than the contract allows, so that the server's own deadline is at work
_PATIENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Slice:
    """What callers that never wait have counted."""

    calls: int
    seconds: float

    @property
    def calls_per_second(self) -> float:
        return self.calls / self.seconds


class Load:
    """The callers, seen from the process that serves."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def tell(self, ports: Mapping[str, int], certificate: Certificate, token: str) -> None:
        """Where the doors of the service `user` are on loopback, and as whom and for whom they are called."""
        files = {name: str(path) for name, path in asdict(certificate).items()}
        await self._ask({"ports": dict(ports), "certificate": files, "token": token})

    async def run(self, door: str, seconds: float) -> Slice:
        """One slice of load. Raises EOFError when the callers have failed, TimeoutError when they do not answer."""
        counted = await self._ask({"door": door, "seconds": seconds})
        return Slice(int(counted["calls"]), counted["seconds"])

    async def end(self) -> None:
        """Ends the callers."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def _ask(self, what: Mapping[str, object]) -> dict[str, float]:
        if self._process.stdin is None or self._process.stdout is None:
            raise EOFError
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        async with asyncio.timeout(_PATIENCE_SECONDS):
            line = await self._process.stdout.readline()
        if not line:
            raise EOFError("the callers ended; what they say stands above")
        answer: dict[str, float] = json.loads(line)
        return answer


@asynccontextmanager
async def callers() -> AsyncIterator[Load]:
    """Callers that end with the block. Open it before anything of gRPC, which does not like to see its process fork."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    load = Load(process)
    try:
        yield load
    finally:
        await load.end()


async def _serve_load() -> None:
    """The driven side."""
    told = json.loads(await asyncio.to_thread(sys.stdin.readline))
    certificate = Certificate(**{name: Path(path) for name, path in told["certificate"].items()})
    stubs = {door: profiles_grpc.ProfileServiceStub(_channel(port, certificate)) for door, port in told["ports"].items()}
    metadata = (("authorization", f"Bearer {told['token']}"), ("traceparent", _TRACEPARENT))
    print("{}", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        print(json.dumps(asdict(await _call_again_and_again(stubs[asked["door"]], metadata, asked["seconds"]))), flush=True)


async def _call_again_and_again(
    stub: profiles_grpc.ProfileServiceStub, metadata: tuple[tuple[str, str], ...], seconds: float
) -> Slice:
    request = profiles.GetProviderRequest(provider_id=_PROVIDER_ID)
    started = time.perf_counter()
    end = started + seconds
    calls = 0

    async def call() -> None:
        nonlocal calls
        while time.perf_counter() < end:
            await stub.GetProvider(request, metadata=metadata, timeout=_CALL_SECONDS)
            calls += 1

    await asyncio.gather(*(call() for _ in range(CALLERS)))
    return Slice(calls, time.perf_counter() - started)


def _channel(port: int, certificate: Certificate) -> grpc.aio.Channel:
    files = (certificate.ca_file, certificate.key_file, certificate.certificate_file)
    credentials = grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))
    return grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, [("grpc.ssl_target_name_override", "user")])


if __name__ == "__main__":
    uvloop.run(_serve_load())
