"""Keys that change while calls run: no good token is refused, what a retired key has signed is soon dead, everywhere."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway import tokens
from mesh import identity
from mesh.errors import Unauthenticated
from mesh.identity import KeyRing, TokenVerifier
from tests.gateway.backends import Backends
from tests.gateway.edge import Edge, running_edge
from tests.mesh.waiting import until
from tests.support.identities import AUDIENCE, ISSUER, TokenSigner

pytestmark = pytest.mark.asyncio(loop_scope="package")

CACHE_SECONDS = 1
DEAD_WITHIN_SECONDS = CACHE_SECONDS + 5
TURNS = 3
CALLERS = 4


@dataclass
class Load:
    """Calls through the edge and checks as services make them, each with a new token of the key that signs now."""

    edge: Edge
    verifier: TokenVerifier
    signer: TokenSigner
    seen: Counter[str] = field(default_factory=Counter)
    keys_used: set[str] = field(default_factory=set)

    async def call_again_and_again(self) -> None:
        while True:
            self.seen[f"edge {await status_of(self.edge, self.signer)}"] += 1
            self.seen[f"service {await verdict_of(self.verifier, self.signer)}"] += 1
            self.keys_used.add(self.signer.key_id)
            await asyncio.sleep(0)

    async def until_all_went_round(self) -> None:
        """Returns when no call is under way that began before."""
        enough = self.seen.total() + 4 * CALLERS
        await until(lambda: self.seen.total() >= enough)


async def status_of(edge: Edge, signer: TokenSigner) -> int:
    return await status_with(edge, signer.sign(roles=["customer"]))


async def status_with(edge: Edge, token: str) -> int:
    return (await edge.rest.get("/v1/profile", headers={"authorization": f"Bearer {token}"})).status_code


async def verdict_of(verifier: TokenVerifier, signer: TokenSigner) -> str:
    try:
        await verifier.verify(signer.sign(roles=["customer"]))
    except Unauthenticated:
        return "refuses"
    return "accepts"


@asynccontextmanager
async def running(load: Load, ring: KeyRing) -> AsyncIterator[None]:
    """The load, and the ring's own refreshing, while the block lasts."""
    work = [asyncio.create_task(load.call_again_and_again()) for _ in range(CALLERS)]
    work.append(asyncio.create_task(ring.keep_fresh()))
    try:
        yield
    finally:
        for task in work:
            task.cancel()
        await asyncio.wait(work)


async def test_keys_rotate_under_load_without_a_false_refusal_and_retired_ones_die(
    backends: Backends, edge_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_KEYS_KEPT_SECONDS", CACHE_SECONDS)
    monkeypatch.setattr(identity, "_REFRESH_SECONDS", CACHE_SECONDS)
    monkeypatch.setattr(identity, "_LEAST_SECONDS_BETWEEN_FETCHES", CACHE_SECONDS)

    async def published() -> Sequence[Mapping[str, object]]:
        return list(backends.keys)

    ring = KeyRing(published)
    verifier = TokenVerifier(ring, ISSUER, AUDIENCE)
    first = dict(backends.signer.public_key)
    try:
        async with running_edge(backends, edge_folder) as edge:
            await _until_accepted(edge, verifier, backends.signer)
            load = Load(edge, verifier, backends.signer)
            async with running(load, ring):
                for turn in range(TURNS):
                    await _rotate(backends, load, TokenSigner(f"key-{turn}"))
        assert set(load.seen) == {"edge 200", "service accepts"}, load.seen
        assert len(load.keys_used) == TURNS + 1
    finally:
        backends.keys[:] = [first]


async def _rotate(backends: Backends, load: Load, following: TokenSigner) -> None:
    """As auth does it: the next key is published before it signs, the old one retired when nothing that it signed is needed."""
    retired, last_token = load.signer, load.signer.sign(roles=["customer"])
    await load.verifier.verify(last_token)
    assert load.verifier.recall(last_token) is not None, "it is remembered"
    assert await status_with(load.edge, last_token) == 200, "and by the edge too"
    backends.keys.append(following.public_key)
    await _until_accepted(load.edge, load.verifier, following)
    load.signer = following
    await load.until_all_went_round()
    backends.keys[:] = [key for key in backends.keys if key["kid"] != retired.key_id]
    began = time.monotonic()
    await until(lambda: load.verifier.recall(last_token) is None)
    while await _is_alive(load, retired, last_token):
        assert time.monotonic() - began < DEAD_WITHIN_SECONDS
        await asyncio.sleep(0.05)


async def _is_alive(load: Load, retired: TokenSigner, last_token: str) -> bool:
    """Whether anybody still takes what the key has signed, lately or long ago."""
    statuses = {await status_of(load.edge, retired), await status_with(load.edge, last_token)}
    return statuses != {401} or await verdict_of(load.verifier, retired) != "refuses"


async def _until_accepted(edge: Edge, verifier: TokenVerifier, signer: TokenSigner) -> None:
    give_up = time.monotonic() + 15
    while await status_of(edge, signer) != 200 or await verdict_of(verifier, signer) != "accepts":
        assert time.monotonic() < give_up
        await asyncio.sleep(0.05)
