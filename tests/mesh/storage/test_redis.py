"""Redis: every command at most once, outages told in time, answers never mixed up."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from mesh.errors import Unavailable
from mesh.local.program import Program
from mesh.local.programs import cache_program
from mesh.storage.redis import MeshRedis, connect
from tests.mesh.freezing import frozen
from tests.mesh.proxy import Proxy, proxied
from tests.mesh.waiting import until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cache that these tests may kill."""
    program = cache_program(tmp_path_factory.mktemp("cache"))
    program.start()
    yield program
    program.kill()


@pytest.fixture
async def proxy(server: Program) -> AsyncIterator[Proxy]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(proxied(server.address))


@pytest.fixture
async def client(proxy: Proxy) -> AsyncIterator[MeshRedis]:
    made = connect(f"redis://{proxy.address}/0", timeout_seconds=0.3)
    await made.flushdb()
    yield made
    await made.aclose()


async def test_a_command_whose_answer_is_lost_is_told_and_not_repeated(proxy: Proxy, client: MeshRedis) -> None:
    proxy.lose_answers(b"INCR", 1)
    with pytest.raises(Unavailable, match="DEPENDENCY_UNAVAILABLE"):
        await client.incr("counter")
    assert proxy.lost == 1
    assert await client.get("counter") == b"1"


async def test_a_pipeline_whose_answer_is_lost_is_told_and_not_repeated(proxy: Proxy, client: MeshRedis) -> None:
    proxy.lose_answers(b"INCR", 1)
    with pytest.raises(Unavailable):
        await count_twice(client)
    assert await client.get("counter") == b"2"
    assert await count_twice(client) == [3, 4]


async def count_twice(client: MeshRedis) -> list[int]:
    pipeline = client.pipeline()
    pipeline.execute_command("INCR", "counter")
    pipeline.execute_command("INCR", "counter")
    return await pipeline.execute()


async def test_a_script_whose_answer_is_lost_is_told_and_not_repeated(proxy: Proxy, client: MeshRedis) -> None:
    script = client.register_script("return redis.call('INCR', KEYS[1])")
    assert await script(keys=["counter"]) == 1
    proxy.lose_answers(b"EVALSHA", 1)
    with pytest.raises(Unavailable):
        await script(keys=["counter"])
    assert await client.get("counter") == b"2"


async def test_an_answer_that_nobody_waited_for_is_not_given_to_the_next(proxy: Proxy, client: MeshRedis) -> None:
    await client.mset({"a": "of a", "b": "of b"})
    for _ in range(5):
        proxy.hold()
        sent = proxy.requests
        impatient = asyncio.ensure_future(client.get("a"))
        await until(lambda: proxy.requests > sent)  # noqa: B023 - waited for within the turn
        impatient.cancel()
        await asyncio.wait({impatient})
        proxy.release()
        assert await client.get("b") == b"of b"


async def test_answers_of_many_at_once_are_not_mixed_up(client: MeshRedis) -> None:
    await client.mset({str(number): str(number) for number in range(50)})
    answers = await asyncio.gather(*(client.get(str(number)) for number in range(50)))
    assert answers == [str(number).encode() for number in range(50)]


async def test_a_frozen_cache_is_told_in_time_and_found_again(server: Program, client: MeshRedis) -> None:
    async with frozen(server):
        for operation in (client.get("a"), count_twice(client), client.ping()):
            started = time.monotonic()
            with pytest.raises(Unavailable):
                await operation
            assert time.monotonic() - started < 0.6
    await until(lambda: answers(client), 5)


async def test_a_killed_cache_is_told_in_time_and_found_again(server: Program) -> None:
    client = connect(f"redis://{server.address}/0", timeout_seconds=0.3)
    await client.set("kept", "1")
    server.kill()
    try:
        started = time.monotonic()
        with pytest.raises(Unavailable, match="DEPENDENCY_UNAVAILABLE"):
            await client.get("kept")
        assert time.monotonic() - started < 0.6
    finally:
        server.start()
    await until(lambda: answers(client), 5)
    await client.aclose()


async def answers(client: MeshRedis) -> bool:
    try:
        await client.ping()
    except Unavailable:
        return False
    return True


async def test_a_mistake_of_ours_is_not_told_as_an_outage(client: MeshRedis) -> None:
    from redis.exceptions import ResponseError

    await client.set("text", "x")
    with pytest.raises(ResponseError):
        await client.incr("text")
