"""An authenticated read by REST: through the edge, against a plain FastAPI service with the same check, database and fields.

The two take turns on the same cores, which they share with the client and the database. What each process spends a call is told
beside the rates: there the time goes.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import aiohttp
import psutil

from bench.figures import FOLDER, percentile, save, table
from demo.journey.scene import Doors, open_scene
from demo.stack import doors_of, local_stack
from mesh.local.ports import free_port
from mesh.local.probes import answers
from mesh.local.program import Program
from mesh.local.stack import Stack

_WANTED = 1.5
_CONNECTIONS = 16
_ROUNDS = 8
_SLICE_SECONDS = 1.0
_EDGE, _PLAIN = "through the edge", "plain FastAPI"


@contextmanager
def plain_service(stack: Stack) -> Iterator[Program]:
    """tests/bench/plain.py on the stack's database."""
    port = free_port()
    root = Path(__file__).resolve().parent.parent
    environment = {
        "PYTHONPATH": f"{root}{os.pathsep}{root / 'generated'}",
        "MONGO_URL": stack.urls["database"],
        "JWKS_URL": f"{stack.addresses.edge}/.well-known/jwks.json",
    }
    command = [sys.executable, "-m", "uvicorn", "tests.bench.plain:app", "--port", str(port), "--no-access-log"]
    command += ["--loop", "uvloop", "--http", "httptools", "--log-level", "warning"]
    with tempfile.TemporaryDirectory(prefix="marketplace-bench-") as folder:
        url = f"http://127.0.0.1:{port}/metrics"
        program = Program("plain", command, port, Path(folder), environment=environment, is_ready=lambda: answers(url))
        program.start()
        try:
            yield program
        finally:
            program.stop()


async def measure(doors: Doors, plain: Program, processes: Mapping[str, psutil.Process]) -> dict[str, float]:
    """Calls a second of each, their ratio, milliseconds a call, and microseconds of processor time a call of each process."""
    async with open_scene(doors) as scene:
        person = await scene.register("Bench", ["ACCOUNT_ROLE_CUSTOMER"], "en")
        token = person.access_token
        await scene.until(lambda: scene.rest.call("GET", "/v1/profile", token=token), bool, "the profile is there")
    urls = {_EDGE: f"{doors.edge_url}/v1/profile", _PLAIN: f"http://{plain.address}/v1/profile"}
    rates: dict[str, list[float]] = {name: [] for name in urls}
    taken: dict[str, list[float]] = {name: [] for name in urls}
    spent: dict[str, list[dict[str, float]]] = {name: [] for name in urls}
    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {token}"}) as http:
        bodies = [await (await http.get(url)).json() for url in urls.values()]
        if bodies[0] != bodies[1]:
            raise AssertionError(f"they do not give the same: {bodies}")
        for turn in range(_ROUNDS + 1):
            for name, url in urls.items():
                before = {part: _processor_seconds(process) for part, process in processes.items()}
                started = time.perf_counter()
                seconds = await _run(http, url)
                if turn:  # the first one warms up
                    rates[name].append(len(seconds) / (time.perf_counter() - started))
                    taken[name] += seconds
                    used = {part: _processor_seconds(each) - before[part] for part, each in processes.items()}
                    spent[name].append({part: cost * 1e6 / len(seconds) for part, cost in used.items()})
    return _figures(rates, taken, spent)


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _figures(
    rates: Mapping[str, list[float]], taken: Mapping[str, list[float]], spent: Mapping[str, list[dict[str, float]]]
) -> dict[str, float]:
    figures = {"edge_to_plain": median(edge / plain for edge, plain in zip(rates[_EDGE], rates[_PLAIN], strict=True))}
    for name, short in ((_EDGE, "edge"), (_PLAIN, "plain")):
        figures[f"{short}_calls_per_second"] = median(rates[name])
        figures[f"{short}_p50_ms"] = percentile(taken[name], 50) * 1000
        figures[f"{short}_p99_ms"] = percentile(taken[name], 99) * 1000
        for part in spent[name][0]:
            figures[f"{short}_us.{part}"] = median(each[part] for each in spent[name])
    return figures


async def _run(http: aiohttp.ClientSession, url: str) -> list[float]:
    """The seconds of each call, from a fixed number of callers that never wait."""
    taken: list[float] = []
    end = time.perf_counter() + _SLICE_SECONDS

    async def call_again_and_again() -> None:
        while (started := time.perf_counter()) < end:
            async with http.get(url) as answer:
                answer.raise_for_status()
                await answer.read()
            taken.append(time.perf_counter() - started)

    await asyncio.gather(*(call_again_and_again() for _ in range(_CONNECTIONS)))
    return taken


def main() -> None:
    """Starts a stack and the plain service, measures, prints and saves."""
    with local_stack(FOLDER / "stack", rate_scale=100_000, log_level="info") as stack, plain_service(stack) as plain:
        ids = {"Envoy": stack.pid("edge"), "user": stack.pid("user"), "database": stack.pid("database"), "plain": plain.pid}
        processes = {part: psutil.Process(pid) for part, pid in ids.items() if pid is not None}
        figures = asyncio.run(measure(doors_of(stack), plain, processes))
    rows = {}
    for name, short in ((_EDGE, "edge"), (_PLAIN, "plain")):
        rows[name] = f"{figures[f'{short}_calls_per_second']:8.0f}/s  p50 {figures[f'{short}_p50_ms']:6.1f} ms"
        rows[name] += f"  p99 {figures[f'{short}_p99_ms']:6.1f} ms"
        costs = {key.partition(".")[2]: us for key, us in figures.items() if key.startswith(f"{short}_us.")}
        rows[f"  {short}: us of processor a call"] = "  ".join(f"{part} {us:.0f}" for part, us in costs.items() if us > 1)
    rows["edge to plain"] = f"{figures['edge_to_plain']:8.2f}    (wanted: {_WANTED:g})"
    table(f"REST: an authenticated read of a profile, {_CONNECTIONS} connections", rows)
    save("rest", figures)


if __name__ == "__main__":
    main()
