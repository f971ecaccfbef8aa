"""What Prometheus finds at a process: every documented metric, by its own conventions, in series that do not multiply."""

import asyncio
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from mesh.ids import new_id
from tests.mesh.living import FAILURE, HARMLESS
from tests.mesh.probe import Request, Stub, World, bearer
from tests.mesh.processes import environment_of, living
from tests.support.infrastructure import Running

DOCUMENTED = {
    "mesh_call_seconds": "histogram",
    "mesh_calls_in_work": "gauge",
    "mesh_consumer_assigned": "gauge",
    "mesh_consumer_healthy": "gauge",
    "mesh_consumer_restarts": "counter",
    "mesh_dead_letters": "counter",
    "mesh_events_handled": "counter",
    "mesh_events_retried": "counter",
    "mesh_events_seen_before": "counter",
    "mesh_outbox_age_seconds": "gauge",
    "mesh_outbox_backlog": "gauge",
    "mesh_outbox_restored": "counter",
    "mesh_outbox_sent": "counter",
    "mesh_periodic_failures": "counter",
    "mesh_relay_failures": "counter",
    "mesh_relay_leading": "gauge",
    "mesh_streams_open": "gauge",
}
LABELS = {"code", "handler", "le", "method", "name"}
"""Each has as many values as the code has methods, handlers or pieces of periodic work."""


@dataclass(frozen=True)
class Watched:
    """A process, its caller and its metrics."""

    channel: grpc.aio.Channel
    url: str
    world: World

    async def read(self) -> str:
        def fetch() -> str:
            with urllib.request.urlopen(self.url, timeout=5) as answer:  # noqa: S310 - loopback
                assert answer.headers["content-type"].startswith("text/plain; version=")
                return str(answer.read().decode())

        return await asyncio.to_thread(fetch)

    async def metrics(self) -> list[Metric]:
        return list(text_string_to_metric_families(await self.read()))

    async def series(self) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
        return {
            (sample.name, tuple(sorted(sample.labels.items()))) for metric in await self.metrics() for sample in metric.samples
        }

    async def write(self, number: int, *, is_known: bool = True) -> None:
        """One call of an account of its own, with a text of its own."""
        token = self.world.signer.account("customer").token if is_known else new_id("nobody")
        headers = [*bearer(token), ("traceparent", new_id("none")), ("user-agent", new_id("agent"))]
        await Stub(self.channel).Write(Request(text=new_id("text"), number=number), metadata=headers, timeout=5).code()

    async def ask_for(self, method: str) -> None:
        send: Any = self.channel.unary_unary(f"/marketplace.probe.v1.ProbeService/{method}")
        await send(b"", timeout=5)


@pytest.fixture
async def watched(world: World, database_server: Running, cache_server: Running, tmp_path: Path) -> AsyncIterator[Watched]:
    variables = {
        "MONGO_URL": database_server.url,
        "MONGO_DATABASE_PREFIX": f"{new_id('t')}_",
        "REDIS_URL": cache_server.url,
    }
    environment = environment_of(world, "probe", **variables)
    certificate = world.certificate("gateway")
    files = (certificate.ca_file, certificate.key_file, certificate.certificate_file)
    credentials = grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))
    options: list[tuple[str, Any]] = [("grpc.ssl_target_name_override", "probe")]
    with living("probe", tmp_path, environment) as process:
        async with grpc.aio.secure_channel(await process.address(), credentials, options) as channel:
            yield Watched(channel, f"http://{environment['METRICS_LISTEN']}/metrics", world)


async def test_a_process_shows_every_documented_metric_in_series_that_do_not_multiply(watched: Watched) -> None:
    for number in (HARMLESS, FAILURE, 99):
        await watched.write(number)
    await watched.write(HARMLESS, is_known=False)
    before = await watched.series()
    own = [metric for metric in await watched.metrics() if metric.name.startswith("mesh_")]
    assert {metric.name: metric.type for metric in own} == DOCUMENTED
    assert {name for metric in own for sample in metric.samples for name in sample.labels} <= LABELS
    for metric in own:
        assert metric.documentation.endswith("."), metric.name
        suffixes = {sample.name.removeprefix(metric.name) for sample in metric.samples}
        allowed = {"counter": {"_total"}, "gauge": {""}, "histogram": {"_bucket", "_count", "_sum"}}[metric.type]
        assert suffixes <= allowed, metric.name

    for _ in range(20):
        await watched.write(HARMLESS)
        await watched.write(FAILURE)
        await watched.write(99)
        await watched.write(HARMLESS, is_known=False)
        with pytest.raises(grpc.aio.AioRpcError):
            await watched.ask_for(new_id("method"))
    assert await watched.series() == before


async def test_a_call_is_counted_under_its_method_and_the_code_that_the_caller_got(watched: Watched) -> None:
    for _ in range(3):
        await watched.write(HARMLESS)
    await watched.write(FAILURE)
    await watched.write(HARMLESS, is_known=False)
    counts = {
        sample.labels["code"]: sample.value
        for metric in await watched.metrics()
        for sample in metric.samples
        if sample.name == "mesh_call_seconds_count"
    }
    assert counts == {"OK": 3, "INTERNAL": 1, "UNAUTHENTICATED": 1}
    assert '_count{code="OK",method="/marketplace.probe.v1.ProbeService/Write"} 3.0' in await watched.read()
