"""One rate for all edges: two Envoys, the real rate limit service, real Redis; and what holds while one of these is away."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from marketplace.mesh.v1 import rate_limit_pb2 as pb

from mesh import contract
from mesh.local.probes import service_is_healthy
from mesh.local.program import Program
from mesh.local.programs import cache_program
from tests.gateway.backends import Backends
from tests.gateway.edge import Edge, reason_of, running_edge
from tests.support.infrastructure import free_port

pytestmark = pytest.mark.asyncio(loop_scope="package")

UPDATE_PROFILE = contract.find_method("/marketplace.user.v1.ProfileService/UpdateMyProfile")
SCALE = 10 / UPDATE_PROFILE.rate.requests if UPDATE_PROFILE.rate else 0  # 10 calls a minute
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A Redis of these tests' own, to be frozen and killed."""
    program = cache_program(tmp_path_factory.mktemp("shared-rates"))
    program.start()
    yield program
    program.stop()


@pytest.fixture(scope="module")
def service(cache: Program, shared_backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The rate limit service as a process of its own."""
    port, folder = free_port(), tmp_path_factory.mktemp("ratelimit")
    environment = {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'generated'}",
        "REDIS_URL": f"redis://{cache.address}/0",
        "GRPC_LISTEN": f"127.0.0.1:{port}",
        "METRICS_LISTEN": f"127.0.0.1:{free_port()}",
        "RATE_SCALE": str(SCALE),
        "DRAIN_SECONDS": "0",
        **shared_backends.certificate("ratelimit").environment,
    }
    gateway = shared_backends.certificate("gateway")
    command = [sys.executable, "-m", "gateway.ratelimit"]
    address = f"127.0.0.1:{port}"
    program = Program(
        "ratelimit",
        command,
        port,
        folder,
        environment=environment,
        is_ready=lambda: service_is_healthy(address, "ratelimit", gateway),
    )
    program.start()
    yield program
    program.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def pair(service: Program, shared_backends: Backends, edge_folder: Path) -> AsyncIterator[tuple[Edge, Edge]]:
    """Two edges that count together."""
    async with AsyncExitStack() as running:
        start = [
            await running.enter_async_context(
                running_edge(shared_backends, edge_folder, rate_scale=SCALE, rate_limit=service.address, trusted_proxies=1)
            )
            for _ in range(2)
        ]
        yield start[0], start[1]


async def _update(edge: Edge, account: str) -> int:
    return (await edge.rest.patch("/v1/profile", json={}, headers=edge.bearer(sub=account))).status_code


async def test_two_edges_let_through_together_exactly_what_the_contract_allows(pair: tuple[Edge, Edge]) -> None:
    answers = await asyncio.gather(*(_update(pair[number % 2], "acc_racer") for number in range(40)))
    assert Counter(status == 429 for status in answers) == {False: 10, True: 30}
    assert await _update(pair[1], "acc_other") != 429, "another account is not disturbed"


async def test_a_refusal_says_at_every_door_when_to_come_again_and_answers_say_what_is_left(pair: tuple[Edge, Edge]) -> None:
    left = []
    for number in range(10):
        answer = await pair[number % 2].rest.patch("/v1/profile", json={}, headers=pair[0].bearer(sub="acc_told"))
        left.append(answer.headers["x-ratelimit-remaining"])
    assert left == [str(number) for number in reversed(range(10))]
    headers = pair[1].bearer(sub="acc_told")
    refused = await pair[1].rest.patch("/v1/profile", json={}, headers=headers)
    assert (refused.status_code, reason_of(refused)) == (429, "RATE_LIMITED")
    assert 3 < int(refused.headers["retry-after"]) <= 6
    assert refused.json()["details"][1]["retry_delay"] == f"{refused.headers['retry-after']}s"
    assert refused.headers["x-ratelimit-remaining"] == "0"
    for outcome in (await pair[0].native(UPDATE_PROFILE, headers), await pair[0].web(UPDATE_PROFILE.path, headers)):
        assert (outcome.code, outcome.reason, outcome.came_from_service) == ("RESOURCE_EXHAUSTED", "RATE_LIMITED", False)


async def test_a_client_that_comes_when_it_was_told_to_is_let_through(pair: tuple[Edge, Edge]) -> None:
    while await _update(pair[0], "acc_patient") != 429:
        pass
    refused = await pair[0].rest.patch("/v1/profile", json={}, headers=pair[0].bearer(sub="acc_patient"))
    await asyncio.sleep(float(refused.headers["retry-after"]))
    assert await _update(pair[1], "acc_patient") != 429


async def test_without_an_account_the_address_counts_and_the_addresses_beside_it_are_the_same_client(
    pair: tuple[Edge, Edge],
) -> None:
    log_in = contract.find_method("/marketplace.auth.v1.AuthService/LogIn")
    assert log_in.rate is not None
    most = max(1, round(log_in.rate.requests * SCALE))
    answers = [
        await pair[number % 2].rest.post("/v1/sessions", json={}, headers={"x-forwarded-for": f"2001:db8::{number + 1:x}"})
        for number in range(most + 1)
    ]
    assert [answer.status_code == 429 for answer in answers] == [False] * most + [True]
    elsewhere = await pair[0].rest.post("/v1/sessions", json={}, headers={"x-forwarded-for": "2001:db8:0:1::1"})
    assert elsewhere.status_code != 429


async def test_reads_are_counted_by_each_edge_alone_and_ask_nobody(pair: tuple[Edge, Edge]) -> None:
    before = await _asked(pair[0])
    answer = await pair[0].rest.get("/v1/profile", headers=pair[0].bearer())
    assert answer.status_code == 200
    assert int(answer.headers["x-ratelimit-remaining"]) == int(answer.headers["x-ratelimit-limit"].partition(",")[0]) - 1
    assert await _asked(pair[0]) == before


async def test_while_nothing_can_be_counted_together_each_edge_counts_for_itself(
    pair: tuple[Edge, Edge], service: Program, cache: Program
) -> None:
    for name, fail, heal in (
        ("service killed", service.kill, service.start),
        ("Redis killed", cache.kill, cache.start),
        ("Redis frozen", cache.freeze, cache.resume),
        ("service frozen", service.freeze, service.resume),
    ):
        account = f"acc_{name.replace(' ', '_')}"
        await asyncio.to_thread(fail)
        try:
            slowest, answers = 0.0, []
            for number in range(22):
                started = time.monotonic()
                answers.append(await _update(pair[number % 2], account))
                slowest = max(slowest, time.monotonic() - started)
            assert [status == 429 for status in answers] == [False] * 20 + [True] * 2, name
            assert slowest < 1, name
        finally:
            await asyncio.to_thread(heal)
        await _until_counted_together(pair, name)


async def _until_counted_together(pair: tuple[Edge, Edge], name: str) -> None:
    """Returns when the second edge knows of what the first one let through."""
    give_up = time.monotonic() + 15
    for attempt in range(1000):
        account = f"acc_after_{attempt}_{name.replace(' ', '_')}"
        await _update(pair[0], account)
        answer = await pair[1].rest.patch("/v1/profile", json={}, headers=pair[1].bearer(sub=account))
        if answer.headers.get("x-ratelimit-remaining") == "8":
            return
        assert time.monotonic() < give_up, f"{name}: it is not counted together again"
        await asyncio.sleep(0.1)


async def _asked(edge: Edge) -> int:
    answer = await edge.rest.get(f"http://{edge.settings.admin_listen}/stats?filter=cluster.ratelimit.upstream_rq_total")
    return int(answer.text.rpartition(" ")[2])


@pytest.mark.parametrize("caller", ["booking", ""])
async def test_nobody_but_the_edge_can_count(service: Program, shared_backends: Backends, caller: str) -> None:
    async with _channel(service.address, shared_backends, caller) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await _ask(channel, [("method", UPDATE_PROFILE.path), ("account", "acc_victim")])
    assert refused.value.code() == (grpc.StatusCode.PERMISSION_DENIED if caller else grpc.StatusCode.UNAVAILABLE)


@pytest.mark.parametrize("entries", [[], [("method", "/made.up/Method"), ("account", "x")], [("account", "x")]])
async def test_what_is_not_in_the_contract_is_not_limited(
    service: Program, shared_backends: Backends, entries: list[tuple[str, str]]
) -> None:
    async with _channel(service.address, shared_backends, "gateway") as channel:
        for _ in range(50):
            assert (await _ask(channel, entries)).overall_code == pb.RATE_LIMIT_CODE_OK


async def _ask(channel: grpc.aio.Channel, entries: Sequence[tuple[str, str]]) -> pb.RateLimitAnswer:
    call: Any = channel.unary_unary(
        "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit",
        pb.RateLimitQuestion.SerializeToString,
        pb.RateLimitAnswer.FromString,
    )
    descriptor = pb.RateLimitDescriptor(entries=[pb.RateLimitEntry(key=key, value=value) for key, value in entries])
    answer: pb.RateLimitAnswer = await call(pb.RateLimitQuestion(domain="edge", descriptors=[descriptor]), timeout=5)
    return answer


def _channel(address: str, backends: Backends, caller: str) -> grpc.aio.Channel:
    own = backends.certificate(caller) if caller else None
    credentials = grpc.ssl_channel_credentials(
        backends.certificate("gateway").ca_file.read_bytes(),
        own.key_file.read_bytes() if own else None,
        own.certificate_file.read_bytes() if own else None,
    )
    return grpc.aio.secure_channel(address, credentials, [("grpc.ssl_target_name_override", "ratelimit")])
