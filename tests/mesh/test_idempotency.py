"""Keyed calls through the whole chain: one effect and one answer, whatever comes at once, again, in between, or not at all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest

from mesh import errors
from mesh.call import Account, idempotent_id
from mesh.errors import Conflict, FieldViolation, MeshError
from mesh.idempotency import Idempotency, IdempotencyRecord, IdempotencyScope, KeyedCall
from mesh.interceptors.idempotency import idempotency_link
from mesh.storage.collection import Collection
from mesh.storage.mongo import Database
from tests.mesh.moving import MovedClock
from tests.mesh.probe import METHODS, Probe, Request, Response, World, probing
from tests.mesh.storage.documents import Thing, opened
from tests.support.infrastructure import Running

FINAL = [errors.InvalidInput, errors.Forbidden, errors.NotFound, errors.AlreadyExists, errors.NotAllowedNow]
PASSING = [errors.Unavailable, errors.Conflict, errors.LimitReached, errors.DeadlinePassed, RuntimeError]


class Shop:
    """A service that adds a thing at each call, and can be made to fail before or after."""

    def __init__(self, probe: Probe, database: Database) -> None:
        self.probe = probe
        self.database = database
        self.things: Collection[Thing] = database.collection(Thing)
        self.account = probe.customer()
        self.runs = 0
        self.before: Callable[[], Awaitable[None]] = _nothing
        self.after: Callable[[], Awaitable[None]] = _nothing
        probe.servicer.behaviour = self.serve

    async def serve(self, request: Any) -> Any:
        self.runs += 1
        await self.before()
        thing_id = idempotent_id("thg")

        async def add() -> None:
            if await self.things.get(thing_id) is None:
                await self.things.insert(Thing(id=thing_id, name=thing_id[-20:]))

        await self.database.transaction(add)
        await self.after()
        return Response(text=f"{request.text} {thing_id}")

    async def add(self, key: str = "key", text: str = "a", account: Account | None = None) -> str:
        headers = [("idempotency-key", key)]
        answer = await self.probe.call("WriteWithKey", Request(text=text), account or self.account, headers=headers)
        return str(answer.text)

    async def effects(self) -> int:
        return await self.things.count({})


async def _nothing() -> None:
    pass


def fails(error: Exception) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise error

    return fail


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def shop(world: World, database_server: Running, clock: MovedClock) -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(opened(database_server.url, clock=clock))
        link = idempotency_link(Idempotency(database))
        await database.ensure_indexes()
        yield Shop(await stack.enter_async_context(probing(world, (link,))), database)


async def test_the_same_key_and_request_give_the_same_answer_and_one_effect(shop: Shop) -> None:
    answers = {await shop.add() for _ in range(3)}
    assert len(answers) == 1
    assert (shop.runs, await shop.effects()) == (1, 1)


async def test_the_same_key_with_another_request_is_refused(shop: Shop) -> None:
    await shop.add(text="a")
    with pytest.raises(Conflict, match="IDEMPOTENCY_KEY_REUSED") as refused:
        await shop.add(text="b")
    assert refused.value.domain == "mesh.marketplace"
    assert await shop.effects() == 1


async def test_a_key_belongs_to_its_account_and_its_method(shop: Shop) -> None:
    first = await shop.add()
    assert await shop.add(account=shop.probe.customer()) != first
    headers = [("idempotency-key", "key")]
    other = await shop.probe.call("WriteMaybeWithKey", Request(text="a"), caller="booking", headers=headers)
    third = await shop.probe.call("WriteMaybeWithKey", Request(text="a"), caller="user", headers=headers)
    assert len({first, other.text, third.text}) == 3
    assert await shop.effects() == 4


async def test_without_a_key_each_call_has_an_effect_of_its_own(shop: Shop) -> None:
    for _ in range(2):
        await shop.probe.call("WriteMaybeWithKey", Request(text="a"), caller="booking")
    assert await shop.effects() == 2


async def test_of_fifty_at_once_one_has_an_effect_and_all_get_its_answer(shop: Shop) -> None:
    refusals: list[Conflict] = []

    async def insist() -> str:
        while True:
            try:
                return await shop.add()
            except Conflict as conflict:
                refusals.append(conflict)
            await asyncio.sleep(0.01)

    answers = await asyncio.gather(*(insist() for _ in range(50)))
    assert len(set(answers)) == 1
    assert await shop.effects() == 1
    assert {refusal.reason for refusal in refusals} <= {"IDEMPOTENT_CALL_IN_PROGRESS"}
    assert all(0 < (refusal.retry_after_seconds or 0) <= 5 for refusal in refusals)


async def test_while_the_first_is_at_work_the_second_is_told_to_wait(shop: Shop) -> None:
    has_claimed, may_end = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        has_claimed.set()
        await may_end.wait()

    shop.after = wait
    first = asyncio.create_task(shop.add())
    await has_claimed.wait()
    with pytest.raises(Conflict, match="IDEMPOTENT_CALL_IN_PROGRESS"):
        await shop.add()
    may_end.set()
    assert await first == await shop.add()
    assert shop.runs == 1


@pytest.mark.parametrize("kind", FINAL)
async def test_a_final_failure_after_an_effect_is_the_answer_from_then_on(kind: type[MeshError], shop: Shop) -> None:
    violations = (FieldViolation("text", "is wrong"),)
    shop.after = fails(kind("SOME_REASON", "It stays so.", {"a.$b": "c"}, violations=violations, domain="user.marketplace"))
    for _ in range(2):
        with pytest.raises(kind, match="SOME_REASON") as failed:
            await shop.add()
        assert (failed.value.message, failed.value.metadata) == ("It stays so.", {"a.$b": "c"})
        assert (failed.value.violations, failed.value.domain) == (violations, "user.marketplace")
    assert shop.runs == 1


@pytest.mark.parametrize("kind", FINAL)
async def test_a_failure_before_any_effect_binds_nobody(kind: type[MeshError], shop: Shop) -> None:
    shop.before = fails(kind("SOME_REASON", "Not yet."))
    with pytest.raises(kind):
        await shop.add()
    shop.before = _nothing
    await shop.add()
    assert (shop.runs, await shop.effects()) == (2, 1)


@pytest.mark.parametrize("kind", PASSING)
async def test_after_a_failure_that_may_pass_the_next_attempt_runs_at_once_and_finds_what_was_made(
    kind: type[Exception], shop: Shop
) -> None:
    shop.after = fails(kind("SOME_REASON", "Not now.") if issubclass(kind, MeshError) else kind("a defect"))
    with pytest.raises(MeshError):
        await shop.add()
    shop.after = _nothing
    first = await shop.add()
    assert await shop.add() == first
    assert (shop.runs, await shop.effects()) == (2, 1)


async def test_an_attempt_killed_between_effect_and_answer_is_taken_over_when_its_time_is_over(
    shop: Shop, clock: MovedClock
) -> None:
    await die_after_the_effect(shop)
    with pytest.raises(Conflict, match="IDEMPOTENT_CALL_IN_PROGRESS"):
        await shop.add()
    clock.ahead = timedelta(seconds=METHODS["WriteWithKey"].deadline_seconds + 0.1)
    first = await shop.add()
    assert await shop.add() == first
    assert await shop.effects() == 1


async def die_after_the_effect(shop: Shop) -> None:
    """What a killed process leaves: the effect and the claim, and nothing else."""
    body = Request(text="a").SerializeToString(deterministic=True)
    call = KeyedCall(shop.account.account_id, METHODS["WriteWithKey"].path, "key", body, 5.0)
    scope = await Idempotency(shop.database).begin(call)
    assert isinstance(scope, IdempotencyScope)

    async def effect() -> None:
        from mesh.ids import derived_id

        await scope.claim()
        thing_id = derived_id("thg", scope.scope)
        await shop.things.insert(Thing(id=thing_id, name=thing_id[-20:]))

    await shop.database.transaction(effect)


async def test_of_several_who_take_over_from_a_killed_attempt_one_has_an_effect(shop: Shop, clock: MovedClock) -> None:
    await die_after_the_effect(shop)
    clock.ahead = timedelta(seconds=6)
    outcomes = await asyncio.gather(*(shop.add() for _ in range(10)), return_exceptions=True)
    answers = {outcome for outcome in outcomes if isinstance(outcome, str)}
    assert len(answers) == 1
    assert {type(outcome) for outcome in outcomes} <= {str, Conflict}
    assert await shop.effects() == 1


async def test_a_transaction_that_failed_leaves_no_claim(shop: Shop) -> None:
    taken = Thing(id="x", name="taken")
    await shop.things.insert(taken)

    async def collide() -> None:
        await shop.database.transaction(lambda: shop.things.insert(Thing(id="y", name="taken")))

    shop.before = collide
    with pytest.raises(errors.AlreadyExists):
        await shop.add()
    assert await shop.database.collection(IdempotencyRecord).count({}) == 0
    shop.before = _nothing
    await shop.add()


async def test_a_call_that_writes_nothing_has_one_answer_too(shop: Shop) -> None:
    answers = iter(("first", "second"))

    async def only_read(_request: Any) -> Any:
        return Response(text=next(answers))

    shop.probe.servicer.behaviour = only_read
    assert [await shop.add() for _ in range(2)] == ["first", "first"]


async def test_an_empty_answer_is_an_answer(shop: Shop) -> None:
    async def nothing(_request: Any) -> Any:
        shop.runs += 1
        return Response()

    shop.probe.servicer.behaviour = nothing
    assert [await shop.add() for _ in range(2)] == ["", ""]
    assert shop.runs == 1


async def test_answers_are_kept_for_a_day(shop: Shop, clock: MovedClock) -> None:
    await shop.add()
    [record] = await shop.database.collection(IdempotencyRecord).find({})
    assert record.expires_time - clock.now() > timedelta(hours=23, minutes=59)
    indexes = await shop.database._driver["idempotency"].index_information()
    assert indexes["expires_time_1"]["expireAfterSeconds"] == 0
