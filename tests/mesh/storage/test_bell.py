"""The bell: rings reach who listens, here and in other processes; what rings unheard is made up for; nobody stays behind."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from mesh.errors import Unavailable
from mesh.ids import new_id
from mesh.storage.bell import Bell, Listener
from mesh.storage.redis import MeshRedis, connect
from tests.mesh.proxy import Proxy, proxied
from tests.mesh.waiting import until
from tests.support.infrastructure import Running

LONG = 30.0
"""A wait that only a ring ends in time."""


@pytest.fixture
def channel() -> str:
    return new_id("bell")


@pytest.fixture
async def client(cache_server: Running) -> AsyncIterator[MeshRedis]:
    made = connect(cache_server.url)
    yield made
    await made.aclose()


@pytest.fixture
async def bells(cache_server: Running, channel: str) -> AsyncIterator[tuple[Bell, Bell]]:
    """Those of two processes, both hearing."""
    async with AsyncExitStack() as stack:
        yield tuple([await stack.enter_async_context(hearing(cache_server.url, channel)) for _ in range(2)])  # type: ignore[misc]


@asynccontextmanager
async def hearing(url: str, channel: str) -> AsyncIterator[Bell]:
    client = connect(url)
    bell = Bell(client, channel)
    before = await hearers(client, channel)
    task = asyncio.create_task(bell.hear())
    try:
        await until(lambda: is_more(client, channel, before), what="the bell is heard")
        yield bell
    finally:
        task.cancel()
        await asyncio.wait({task})
        await client.aclose()


async def hearers(client: MeshRedis, channel: str) -> int:
    ((_, number),) = await client.pubsub_numsub(channel)
    return int(number)


async def is_more(client: MeshRedis, channel: str, before: int) -> bool:
    return await hearers(client, channel) > before


def listening(bell: Bell) -> dict[str, set[Listener]]:
    return dict(bell._listening)


async def is_woken(listener: Listener) -> bool:
    """Whether the next wait ends at once."""
    started = time.monotonic()
    await listener.wait(0.05)
    return time.monotonic() - started < 0.05


async def test_a_ring_reaches_all_who_listen_in_every_process(bells: tuple[Bell, Bell]) -> None:
    here, there = bells
    with here.listen("a") as first, here.listen("b", "a") as second, there.listen("a") as third:
        for listener in (first, second, third):
            assert await is_woken(listener)
        await here.ring("a")
        async with asyncio.timeout(5):
            await asyncio.gather(*(listener.wait(LONG) for listener in (first, second, third)))


async def test_a_ring_reaches_nobody_who_listens_for_something_else(bells: tuple[Bell, Bell]) -> None:
    here, there = bells
    with there.listen("other") as idle, there.listen("last") as last:
        assert await is_woken(idle)
        await last.wait(LONG)
        await here.ring("a", "b", "last")
        await last.wait(LONG)  # what rang before it has been heard by now
        assert not await is_woken(idle)


async def test_one_ring_for_many_keys_reaches_each(bells: tuple[Bell, Bell]) -> None:
    here, there = bells
    with there.listen("a") as first, there.listen("b") as second:
        await asyncio.gather(first.wait(LONG), second.wait(LONG))
        await here.ring("a", "b")
        async with asyncio.timeout(5):
            await asyncio.gather(first.wait(LONG), second.wait(LONG))


async def test_who_begins_to_listen_looks_first(bells: tuple[Bell, Bell]) -> None:
    with bells[0].listen("a") as listener:
        assert await is_woken(listener)
        assert not await is_woken(listener)


async def test_a_ring_between_two_waits_ends_the_next_one(bells: tuple[Bell, Bell]) -> None:
    with bells[0].listen("a") as listener:
        await listener.wait(LONG)
        await bells[0].ring("a")
        assert await is_woken(listener)


async def test_new_keys_replace_those_before_and_are_looked_at(bells: tuple[Bell, Bell]) -> None:
    here, there = bells
    with there.listen("old", "kept") as listener:
        assert await is_woken(listener)
        listener.listen_to("kept", "new", "new")
        assert await is_woken(listener)
        assert listening(there) == {"kept": {listener}, "new": {listener}}
        with there.listen("last") as last:
            await last.wait(LONG)
            await here.ring("old", "last")
            await last.wait(LONG)
            assert not await is_woken(listener)
        for key in ("kept", "new"):
            await here.ring(key)
            async with asyncio.timeout(5):
                await listener.wait(LONG)


async def test_nobody_stays_behind(bells: tuple[Bell, Bell]) -> None:
    bell = bells[0]

    async def listen(number: int) -> None:
        with bell.listen("all", str(number)) as listener:
            while True:
                await listener.wait(LONG)

    tasks = [asyncio.create_task(listen(number)) for number in range(20)]
    await until(lambda: len(listening(bell)) == 21)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert listening(bell) == {}
    with pytest.raises(RuntimeError), bell.listen("a"):
        raise RuntimeError
    await bell.ring("a", "never heard of")
    assert listening(bell) == {}


async def test_what_rang_unheard_is_made_up_for_by_looking(client: MeshRedis, channel: str) -> None:
    with Bell(client, channel).listen("a") as listener:
        await listener.wait(LONG)
        await client.publish(channel, "a")  # nobody hears
        started = time.monotonic()
        await listener.wait(0.1)
        assert 0.09 < time.monotonic() - started < 5


async def test_who_hears_again_looks_for_what_rang_in_between(cache_server: Running, client: MeshRedis, channel: str) -> None:
    bell = Bell(client, channel)
    with bell.listen("a") as listener:
        await listener.wait(LONG)
        task = asyncio.create_task(bell.hear())
        async with asyncio.timeout(5):
            await listener.wait(LONG)
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled()
    await until(lambda: is_nobody(client, channel), what="the subscription has ended")


async def is_nobody(client: MeshRedis, channel: str) -> bool:
    return await hearers(client, channel) == 0


@pytest.fixture
async def proxy(cache_server: Running) -> AsyncIterator[Proxy]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(proxied(cache_server.program.address))


async def test_a_lost_connection_is_told_and_afterwards_rings_are_heard_again(
    cache_server: Running, proxy: Proxy, client: MeshRedis, channel: str
) -> None:
    through = connect(f"redis://{proxy.address}/0")
    bell = Bell(through, channel)
    with bell.listen("a") as listener:
        for _ in range(2):
            task = asyncio.create_task(bell.hear())
            await until(lambda: is_somebody(client, channel), what="the bell is heard")
            while await is_woken(listener):
                pass
            await client.publish(channel, "a")
            async with asyncio.timeout(5):
                await listener.wait(LONG)
            proxy.cut()
            with pytest.raises(Unavailable, match="DEPENDENCY_UNAVAILABLE"):
                await asyncio.wait_for(task, 5)
            await until(lambda: is_nobody(client, channel))
    await through.aclose()


async def is_somebody(client: MeshRedis, channel: str) -> bool:
    return await hearers(client, channel) > 0


async def test_without_a_cache_a_ring_is_heard_in_its_own_process_and_nobody_is_told_of_the_outage(proxy: Proxy) -> None:
    through = connect(f"redis://{proxy.address}/0")
    await proxy.stop()
    bell = Bell(through, "bell")
    with pytest.raises(Unavailable):
        await bell.hear()
    with bell.listen("a") as listener:
        await listener.wait(LONG)
        await bell.ring("a")
        assert await is_woken(listener)
    await through.aclose()
