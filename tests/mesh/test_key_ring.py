import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from mesh import identity
from mesh.errors import Unauthenticated, Unavailable
from mesh.identity import KeyRing
from tests.mesh.moving import MovedTime
from tests.mesh.waiting import until
from tests.support.identities import TokenSigner

FIRST, SECOND = TokenSigner("first").public_key, TokenSigner("second").public_key


class Issuer:
    """Publishes keys, or fails."""

    def __init__(self, *keys: Mapping[str, object]) -> None:
        self.keys: Sequence[Mapping[str, object]] = keys
        self.failure: Exception | None = None
        self.asked = 0

    async def __call__(self) -> Sequence[Mapping[str, object]]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return self.keys


async def test_many_who_need_the_keys_at_once_ask_once() -> None:
    issuer = Issuer(FIRST)
    ring = KeyRing(issuer)
    found = await asyncio.gather(*(ring.find("first") for _ in range(50)))
    assert {key.key_id for key in found} == {"first"}
    assert issuer.asked == 1


async def test_one_who_gives_up_does_not_take_the_keys_from_the_others() -> None:
    ring = KeyRing(Issuer(FIRST))
    impatient, patient = asyncio.create_task(ring.find("first")), asyncio.create_task(ring.find("first"))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).key_id == "first"


async def test_a_new_key_is_fetched_when_the_first_token_names_it(moved_time: MovedTime) -> None:
    issuer = Issuer(FIRST)
    ring = KeyRing(issuer)
    await ring.find("first")
    issuer.keys = (FIRST, SECOND)
    moved_time.ahead = 3.5
    assert (await ring.find("second")).key_id == "second"


async def test_invented_names_of_keys_do_not_make_us_ask_again_and_again(moved_time: MovedTime) -> None:
    issuer = Issuer(FIRST)
    ring = KeyRing(issuer)
    await ring.find("first")
    for number in range(100):
        moved_time.ahead = number * 0.05
        with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
            await ring.find(f"invented-{number}")
    assert issuer.asked <= 3


async def test_while_the_issuer_does_not_answer_known_keys_work_and_unknown_ones_do_not(moved_time: MovedTime) -> None:
    issuer = Issuer(FIRST)
    ring = KeyRing(issuer)
    await ring.find("first")
    issuer.failure = Unavailable("DEPENDENCY_UNAVAILABLE", "auth does not answer.")
    moved_time.ahead = 3600
    await ring.refresh()
    assert (await ring.find("first")).key_id == "first"
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        await ring.find("second")


@pytest.mark.parametrize("failure", [Unavailable("DEPENDENCY_UNAVAILABLE", "No answer."), RuntimeError("a defect")])
async def test_without_any_key_nobody_is_let_in_until_there_is_one(failure: Exception, moved_time: MovedTime) -> None:
    issuer = Issuer(FIRST)
    issuer.failure = failure
    ring = KeyRing(issuer)
    with pytest.raises(Unavailable) as refused:
        await ring.find("first")
    assert refused.value.metadata == {"dependency": "keys"}
    issuer.failure = None
    moved_time.ahead = 0.6
    assert (await ring.find("first")).key_id == "first"


async def test_a_retired_key_is_gone_after_the_next_fetch() -> None:
    issuer = Issuer(FIRST, SECOND)
    ring = KeyRing(issuer)
    await ring.find("first")
    before = ring.generation
    issuer.keys = (SECOND,)
    await ring.refresh()
    assert ring.generation > before
    with pytest.raises(Unauthenticated):
        await ring.find("first")


async def test_an_added_key_makes_nobody_forget() -> None:
    issuer = Issuer(FIRST)
    ring = KeyRing(issuer)
    await ring.find("first")
    before = ring.generation
    issuer.keys = (FIRST, SECOND)
    await ring.refresh()
    assert ring.generation == before


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [{"kty": "RSA", "kid": "first", "n": "AQAB", "e": "AQAB"}],
        [{"kty": "oct", "kid": "first", "k": "c2VjcmV0"}],
        [{**FIRST, "kid": ""}],
        [{**FIRST, "crv": "Ed448"}],
        [{**FIRST, "x": "AAAA"}],
    ],
)
async def test_a_publication_without_a_usable_key_replaces_nothing(keys: list[dict[str, Any]]) -> None:
    issuer = Issuer(FIRST)
    ring = KeyRing(issuer)
    known = await ring.find("first")
    issuer.keys = keys
    await ring.refresh()
    assert await ring.find("first") is known


async def test_keys_are_fetched_ahead_of_need_and_sooner_while_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_REFRESH_SECONDS", 0.05)
    monkeypatch.setattr(identity, "_LEAST_SECONDS_WHILE_EMPTY", 0.01)
    issuer = Issuer(FIRST)
    issuer.failure = RuntimeError("not yet")
    ring = KeyRing(issuer)
    keeping = asyncio.create_task(ring.keep_fresh())
    try:
        await until(lambda: issuer.asked >= 3)
        issuer.failure = None
        asked = issuer.asked
        await until(lambda: issuer.asked >= asked + 3)
    finally:
        keeping.cancel()
    assert (await ring.find("first")).key_id == "first"


async def test_who_waits_for_the_first_keys_goes_on_as_soon_as_they_are_there_or_without_them() -> None:
    ring = KeyRing(Issuer(FIRST))
    waiting = asyncio.create_task(ring.wait_until_known(30))
    await ring.refresh()
    await asyncio.wait_for(waiting, 1)
    await KeyRing(Issuer()).wait_until_known(0.01)
