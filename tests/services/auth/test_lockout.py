"""Guessing passwords: slowed down for each account and address, the same whether or not there is such an account."""

import asyncio
from datetime import timedelta

import pytest

from mesh.errors import LimitReached, MeshError, Unauthenticated, Unavailable
from mesh.ids import new_id
from services.auth.__main__ import assemble
from services.auth.settings import AuthSettings
from services.auth.store.documents import AuditDocument
from tests.mesh.moving import MovedClock
from tests.services.auth.support import AWAY, HOME, PASSWORD, SECRET, AuthUnderTest
from tests.support.service import Backing, serving

NOBODY = "nobody@example.com"


async def outcome(auth: AuthUnderTest, email: str, password: str = "wrong", address: str = HOME) -> MeshError | None:
    try:
        await auth.attempt(email, password, address=address)
    except MeshError as refusal:
        return refusal
    return None


async def reasons(auth: AuthUnderTest, email: str, count: int, address: str = HOME) -> list[str]:
    found = [await outcome(auth, email, address=address) for _ in range(count)]
    return [refusal.reason if refusal else "" for refusal in found]


@pytest.mark.parametrize("email", ["ana@example.com", NOBODY])
async def test_after_five_failures_from_an_address_the_account_has_to_wait_whether_or_not_it_exists(
    auth: AuthUnderTest, email: str
) -> None:
    await auth.person()
    assert await reasons(auth, email, 6) == [*["CREDENTIALS_WRONG"] * 5, "TOO_MANY_ATTEMPTS"]
    refusal = await outcome(auth, email, PASSWORD)
    assert isinstance(refusal, LimitReached)
    assert refusal.reason == "TOO_MANY_ATTEMPTS"
    assert 55 < (refusal.retry_after_seconds or 0) <= 60


async def test_each_further_failure_doubles_the_wait(auth: AuthUnderTest) -> None:
    await reasons(auth, NOBODY, 5)
    for seconds in (60, 120, 240, 480):
        refusal = await outcome(auth, NOBODY)
        assert refusal is not None
        assert seconds - 10 < (refusal.retry_after_seconds or 0) <= seconds
        auth.clock.ahead += timedelta(seconds=seconds)
        assert await reasons(auth, NOBODY, 1) == ["CREDENTIALS_WRONG"]


async def test_what_is_tried_at_once_is_counted_one_by_one(auth: AuthUnderTest) -> None:
    await auth.person()
    found = await asyncio.gather(*(outcome(auth, "ana@example.com") for _ in range(20)))
    assert sorted(refusal.reason for refusal in found if refusal) == [*["CREDENTIALS_WRONG"] * 5, *["TOO_MANY_ATTEMPTS"] * 15]


async def test_the_right_password_begins_the_count_anew(auth: AuthUnderTest) -> None:
    await auth.person()
    for _ in range(3):
        assert await reasons(auth, "ana@example.com", 4) == ["CREDENTIALS_WRONG"] * 4
        assert await outcome(auth, "ANA@example.com", PASSWORD) is None


async def test_guesses_from_many_addresses_close_the_account_to_new_places_and_not_to_its_owners_own(auth: AuthUnderTest) -> None:
    await auth.person()
    for email in ("ana@example.com", NOBODY):
        guesses = [await reasons(auth, email, 1, f"192.0.2.{number}") for number in range(11)]
        assert guesses == [*[["CREDENTIALS_WRONG"]] * 10, ["TOO_MANY_ATTEMPTS"]]
    away = await outcome(auth, "ana@example.com", PASSWORD, AWAY)
    assert away is not None
    assert away.reason == "TOO_MANY_ATTEMPTS"
    assert await outcome(auth, "ana@example.com", PASSWORD, HOME) is None


async def test_what_does_not_exist_leaves_as_many_traces_as_what_is_wrong(auth: AuthUnderTest) -> None:
    await auth.person()
    trail = auth.service.runtime.database.collection(AuditDocument)
    counts = [await trail.count({})]
    for email in ("ana@example.com", NOBODY):
        await reasons(auth, email, 3)
        counts.append(await trail.count({}) - sum(counts))
    assert counts[1:] == [3, 3]


async def test_an_address_that_did_not_come_through_the_edge_is_not_believed(auth: AuthUnderTest) -> None:
    await auth.person()
    found = [await outcome(auth, "ana@example.com", address="") for _ in range(6)]
    assert [refusal.reason for refusal in found if refusal][-1] == "TOO_MANY_ATTEMPTS"


async def test_nobody_is_let_in_while_failures_cannot_be_counted(backing: Backing) -> None:
    environment = SECRET | {"REDIS_URL": "redis://127.0.0.1:1/0"}
    prefix = f"{new_id('t')}_"
    async with serving("auth", assemble, AuthSettings, backing, environment=environment, database_prefix=prefix) as service:
        auth = AuthUnderTest(service, MovedClock())
        for password in (SECRET["ADMIN_PASSWORD"], "wrong"):
            with pytest.raises(Unavailable) as refusal:
                await auth.attempt(SECRET["ADMIN_EMAIL"], password)
            assert refusal.value.reason == "DEPENDENCY_UNAVAILABLE"
        await service.runtime._mongo.drop_database(f"{prefix}auth")


async def test_wrong_and_unknown_are_told_alike(auth: AuthUnderTest) -> None:
    await auth.person()
    refusals = [await outcome(auth, "ana@example.com"), await outcome(auth, NOBODY, PASSWORD)]
    assert all(isinstance(refusal, Unauthenticated) for refusal in refusals)
    assert len({(refusal.reason, refusal.message) for refusal in refusals if refusal}) == 1
