"""The database killed, frozen, cut off, its answers lost: told in time, healed by itself, nothing half done, nothing twice."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest

from mesh.errors import MeshError, Unavailable
from mesh.local.program import Program
from mesh.local.programs import database_program
from mesh.storage.collection import Collection
from mesh.storage.mongo import Database
from tests.mesh.freezing import frozen
from tests.mesh.peers import serve_call
from tests.mesh.probe import Probe
from tests.mesh.proxy import Proxy, proxied
from tests.mesh.storage.documents import Thing, opened
from tests.mesh.waiting import until
from tests.support.infrastructure import DATABASE_URL

LONGEST_SECONDS = 0.4
HEALED_WITHIN_SECONDS = 10.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A database server that these tests may kill."""
    program = database_program(tmp_path_factory.mktemp("database"))
    program.start()
    yield program
    program.kill()


@pytest.fixture
async def database(server: Program) -> AsyncIterator[Database]:
    async with AsyncExitStack() as stack:
        url = DATABASE_URL.format(server.address)
        yield await stack.enter_async_context(opened(url, timeout_seconds=LONGEST_SECONDS, is_kept=True))


@pytest.fixture
def things(database: Database) -> Collection[Thing]:
    return database.collection(Thing)


async def add_pair(things: Collection[Thing], name: str) -> None:
    await things.insert(Thing(id=f"{name}-1", name=f"{name}-1"))
    await things.insert(Thing(id=f"{name}-2", name=f"{name}-2"))


def operations(database: Database, things: Collection[Thing]) -> dict[str, Callable[[], Coroutine[Any, Any, Any]]]:
    return {
        "find": lambda: things.find({}),
        "update": lambda: things.update_one({"_id": "a"}, {"$inc": {"count": 1}}),
        "ping": database.ping,
        "transaction": lambda: database.transaction(lambda: add_pair(things, "late")),
    }


async def check_told_in_time(database: Database, things: Collection[Thing], seconds: float) -> None:
    for name, operation in operations(database, things).items():
        started = time.monotonic()
        with pytest.raises(Unavailable, match="DEPENDENCY_UNAVAILABLE"):
            await operation()
        assert time.monotonic() - started < seconds, name


async def heals(things: Collection[Thing]) -> bool:
    try:
        await things.update_one({"_id": "a"}, {"$inc": {"count": 1}})
    except MeshError:
        return False
    return True


async def test_a_killed_database_is_told_in_time_and_found_again_with_all_that_it_had_acknowledged(
    server: Program, database: Database, things: Collection[Thing]
) -> None:
    acknowledged: list[str] = []
    unsure: list[str] = []

    async def write_on(writer: int) -> None:
        for turn in range(10_000):
            name = f"{writer}-{turn}"
            try:
                await database.transaction(lambda: add_pair(things, name))  # noqa: B023 - runs within the turn
            except Unavailable:
                unsure.append(name)
                return
            acknowledged.append(name)

    writers = [asyncio.create_task(write_on(number)) for number in range(4)]
    await until(lambda: len(acknowledged) >= 40)
    server.kill()
    await asyncio.gather(*writers)
    try:
        await check_told_in_time(database, things, LONGEST_SECONDS + 0.1)
    finally:
        server.start()
    await until(lambda: heals(things), HEALED_WITHIN_SECONDS, "the database is found again")
    stored = {thing.id for thing in await things.find({})} - {"a", "late"}
    assert {f"{name}-{part}" for name in acknowledged for part in (1, 2)} <= stored
    for name in unsure:
        assert len({f"{name}-1", f"{name}-2"} & stored) in (0, 2), "half a transaction"


async def test_a_frozen_database_is_told_in_time_and_found_again(
    server: Program, database: Database, things: Collection[Thing]
) -> None:
    await things.insert(Thing(id="a"))
    async with frozen(server):
        await check_told_in_time(database, things, LONGEST_SECONDS + 0.1)
    await until(lambda: heals(things), HEALED_WITHIN_SECONDS, "the database is found again")


async def test_a_transaction_that_froze_halfway_leaves_nothing_and_holds_up_nobody_for_long(
    server: Program, database: Database, things: Collection[Thing]
) -> None:
    await things.insert(Thing(id="a"))

    async with AsyncExitStack() as stack:

        async def work() -> None:
            await things.update_one({"_id": "a"}, {"$inc": {"count": 100}})
            await stack.enter_async_context(frozen(server))
            await things.insert(Thing(id="b"))

        started = time.monotonic()
        with pytest.raises(Unavailable):
            await database.transaction(work)
        assert time.monotonic() - started < LONGEST_SECONDS + 0.1
    await until(lambda: heals(things), HEALED_WITHIN_SECONDS, "the document is not locked")
    found = await things.get("a")
    assert found is not None
    assert found.count == 1
    assert await things.get("b") is None


async def test_a_call_being_served_hears_of_a_frozen_database_before_its_deadline(
    server: Program, things: Collection[Thing], database: Database, probe: Probe
) -> None:
    await things.insert(Thing(id="a"))
    async with frozen(server):
        for name, operation in operations(database, things).items():
            call = serve_call(probe, seconds_left=0.3)
            with pytest.raises(Unavailable):
                await operation()
            assert call.deadline is not None
            assert asyncio.get_running_loop().time() < call.deadline, name
    serve_call(probe, seconds_left=60)
    await until(lambda: heals(things), HEALED_WITHIN_SECONDS)


@pytest.fixture
async def proxy(server: Program) -> AsyncIterator[Proxy]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(proxied(server.address))


@pytest.fixture
async def behind(proxy: Proxy) -> AsyncIterator[Database]:
    """A database behind a bad network."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(opened(DATABASE_URL.format(proxy.address), timeout_seconds=2, is_kept=True))


@pytest.mark.parametrize("times", [1, 3])
async def test_a_commit_whose_answer_is_lost_takes_effect_once_and_is_confirmed(
    times: int, proxy: Proxy, behind: Database
) -> None:
    things, runs = behind.collection(Thing), 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        await things.update_one({"_id": "a"}, {"$inc": {"count": 1}})

    await things.insert(Thing(id="a"))
    proxy.lose_answers(b"commitTransaction", times)
    await behind.transaction(work)
    assert proxy.lost == times
    assert runs == 1
    found = await things.get("a")
    assert found is not None
    assert found.count == 1


async def test_a_commit_that_nobody_can_confirm_is_told_as_such_and_its_work_is_not_done_again(
    proxy: Proxy, behind: Database
) -> None:
    things, runs = behind.collection(Thing), 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        await things.update_one({"_id": "a"}, {"$inc": {"count": 1}})

    await things.insert(Thing(id="a"))
    proxy.lose_answers(b"commitTransaction", 10_000)
    with pytest.raises(Unavailable, match="DEPENDENCY_UNAVAILABLE"):
        await behind.transaction(work)
    proxy.losses_left = 0
    assert runs == 1
    found = await things.get("a")
    assert found is not None
    assert found.count == 1


async def test_a_single_write_whose_answer_is_lost_is_not_done_twice(proxy: Proxy, behind: Database) -> None:
    things = behind.collection(Thing)
    await things.insert(Thing(id="a"))
    proxy.lose_answers(b"update", 1)
    with pytest.raises(Unavailable, match="DEPENDENCY_UNAVAILABLE"):
        await things.update_one({"_id": "a"}, {"$inc": {"count": 1}})
    assert proxy.lost == 1
    found = await things.get("a")
    assert found is not None
    assert found.count == 1


async def test_a_network_that_is_cut_between_operations_is_bridged_by_the_next_but_one(proxy: Proxy, behind: Database) -> None:
    things = behind.collection(Thing)
    for number in range(3):
        await until(lambda: adds(things, str(number)), 2)  # noqa: B023 - waited for within the turn
        proxy.cut()
        assert await things.count({}) == number + 1  # what only reads is repeated by the driver
        proxy.cut()


async def adds(things: Collection[Thing], name: str) -> bool:
    try:
        await things.insert(Thing(id=name, name=name))
    except Unavailable:
        return False
    return True


async def test_a_network_that_holds_everything_back_is_told_in_time(server: Program) -> None:
    async with proxied(server.address) as proxy:
        url = DATABASE_URL.format(proxy.address)
        async with opened(url, timeout_seconds=LONGEST_SECONDS, is_kept=True) as database:
            things = database.collection(Thing)
            await things.insert(Thing(id="a"))
            proxy.hold()
            try:
                await check_told_in_time(database, things, LONGEST_SECONDS + 0.1)
            finally:
                proxy.release()
            await until(lambda: heals(things), HEALED_WITHIN_SECONDS)


# Cancelled while it connects, the driver leaves its socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_stall_with_more_callers_than_connections_is_over_when_the_database_is_back(
    server: Program, database: Database, things: Collection[Thing]
) -> None:
    stop = asyncio.Event()

    async def ask_again_and_again(number: int) -> None:
        while not stop.is_set():
            with suppress(Unavailable):
                await (database.transaction(lambda: things.count({})) if number % 2 else things.count({}))

    callers = [asyncio.create_task(ask_again_and_again(number)) for number in range(400)]
    for _ in range(2):
        async with frozen(server):
            await asyncio.sleep(3 * LONGEST_SECONDS)  # long enough for every caller to give up at least once
    stop.set()
    ended, hanging = await asyncio.wait(callers, timeout=HEALED_WITHIN_SECONDS)
    assert (len(ended), len(hanging)) == (len(callers), 0)
    for caller in ended:
        await caller
    await database.ping()
    assert await asyncio.gather(*(things.count({"_id": "none"}) for _ in range(50))) == [0] * 50
    del callers, ended
    gc.collect()
