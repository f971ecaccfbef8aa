"""Tokens that look right and are not, and the keys that verify them: rotated, retired, not to be had."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from gateway import tokens
from mesh import contract
from tests.gateway.backends import JWKS_METHOD, Backends, start_server
from tests.gateway.edge import Edge, reason_of, running_edge
from tests.support.identities import AUDIENCE, ISSUER, KEY_ID, TokenSigner

pytestmark = pytest.mark.asyncio(loop_scope="package")

PROFILE = contract.find_method("/marketplace.user.v1.ProfileService/GetMyProfile")


def _claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "acc_x", "sid": "ses_x", "roles": ["customer"], "iat": now, "exp": now + 600}
    return {name: value for name, value in (good | changes).items() if value is not None}


def _unsigned(_signer: TokenSigner) -> str:
    return jwt.encode(_claims(), "", algorithm="none", headers={"kid": KEY_ID})


def _signed_with_the_public_key(signer: TokenSigner) -> str:
    raw = signer.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return jwt.encode(_claims(), raw, algorithm="HS256", headers={"kid": KEY_ID})


def _without_signature(signer: TokenSigner) -> str:
    return signer.sign(roles=["customer"]).rpartition(".")[0] + "."


def _changed(signer: TokenSigner) -> str:
    header, _, signature = signer.sign(roles=["customer"]).split(".")
    claims = base64.urlsafe_b64encode(json.dumps(_claims(roles=["admin"])).encode()).rstrip(b"=").decode()
    return f"{header}.{claims}.{signature}"


def _with_a_key_of_its_own(_signer: TokenSigner) -> str:
    own = TokenSigner()
    headers = {"kid": KEY_ID, "jwk": own.public_key, "jku": "http://127.0.0.1:1/keys"}
    return jwt.encode(_claims(), own.key, algorithm="EdDSA", headers=headers)


FORGERIES: dict[str, Callable[[TokenSigner], str]] = {
    "algorithm none": _unsigned,
    "HS256 with the public key": _signed_with_the_public_key,
    "no signature": _without_signature,
    "claims changed": _changed,
    "another key under the same id": lambda _: TokenSigner().sign(roles=["customer"]),
    "a key of its own in the header": _with_a_key_of_its_own,
    "unknown key id": lambda signer: signer.sign({"kid": "unknown"}, roles=["customer"]),
    "expired": lambda signer: signer.sign(exp=int(time.time()) - 30, iat=int(time.time()) - 630),
    "never expires": lambda signer: signer.sign(exp=None),
    "lives too long": lambda signer: signer.sign(exp=int(time.time()) + 7200),
    "not yet valid": lambda signer: signer.sign(nbf=int(time.time()) + 300),
    "another issuer": lambda signer: signer.sign(iss="https://elsewhere.example"),
    "no issuer": lambda signer: signer.sign(iss=None),
    "another audience": lambda signer: signer.sign(aud="elsewhere"),
    "no audience": lambda signer: signer.sign(aud=None),
    "no token at all": lambda _: "x",
}


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda name: name.replace(" ", "-"))
async def test_a_forged_token_is_refused_at_every_door(edge: Edge, forgery: str) -> None:
    token = {"authorization": f"Bearer {FORGERIES[forgery](edge.backends.signer)}"}
    reason = "TOKEN_EXPIRED" if forgery == "expired" else "TOKEN_INVALID"
    by_rest = await edge.rest.get("/v1/profile", headers=token)
    assert (by_rest.status_code, reason_of(by_rest)) == (401, reason)
    for outcome in (await edge.native(PROFILE, token), await edge.web(PROFILE.path, token)):
        assert (outcome.code, outcome.reason, outcome.came_from_service) == ("UNAUTHENTICATED", reason, False)
    assert edge.backends.reached_paths() == []


async def test_a_good_token_in_any_other_place_is_no_token(edge: Edge) -> None:
    token = edge.bearer()["authorization"].removeprefix("Bearer ")
    assert (await edge.rest.get(f"/v1/profile?access_token={token}")).status_code == 401
    assert (await edge.rest.get("/v1/profile", headers={"cookie": f"access_token={token}"})).status_code == 401
    assert (await edge.rest.get("/v1/profile", headers={"x-access-token": token})).status_code == 401
    assert (await edge.rest.get("/v1/profile", headers={"authorization": f"Basic {token}"})).status_code == 401
    assert edge.backends.reached_paths() == []


async def test_a_bad_token_does_not_close_what_is_public(edge: Edge) -> None:
    answer = await edge.rest.get("/v1/categories", headers={"authorization": "Bearer forged"})
    assert answer.status_code == 200


async def test_the_token_goes_on_to_the_service_which_verifies_it_again(edge: Edge) -> None:
    await edge.rest.get("/v1/profile", headers=edge.bearer(sub="acc_owner"))
    assert edge.backends.last().account_id == "acc_owner"


async def test_a_new_key_works_and_a_retired_one_dies_without_a_restart(
    backends: Backends, edge_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_KEYS_KEPT_SECONDS", 1)
    old, new = backends.signer, TokenSigner("next-key")
    async with running_edge(backends, edge_folder) as edge:
        await _until(lambda: _status(edge, old), 200)
        backends.keys.append(new.public_key)
        await _until(lambda: _status(edge, new), 200)
        assert await _status(edge, old) == 200
        backends.keys.remove(old.public_key)
        try:
            await _until(lambda: _status(edge, old), 401)
            assert await _status(edge, new) == 200
        finally:
            backends.keys[:] = [old.public_key]


async def test_known_keys_go_on_while_the_issuer_is_down_and_without_any_the_edge_is_closed(
    backends: Backends, edge_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_KEYS_KEPT_SECONDS", 1)
    port = backends.servers["auth"].port
    async with running_edge(backends, edge_folder) as warm:
        await _until(lambda: _status(warm, backends.signer), 200)
        await _until(lambda: _fetches(backends), 4)  # those in advance among them: Envoy does not drop their keys
        await backends.servers["auth"].stop()
        try:
            async with running_edge(backends, edge_folder) as cold:
                answer = await cold.rest.get("/v1/profile", headers=cold.bearer())
                assert (answer.status_code, reason_of(answer)) == (503, "DEPENDENCY_UNAVAILABLE")
                assert (await cold.native(PROFILE, cold.bearer())).code == "UNAVAILABLE"
                await _until(lambda: _failed_fetches(warm), 3)
                assert await _status(warm, backends.signer) == 200
                assert await _status(warm, TokenSigner()) == 401
                backends.servers["auth"] = await start_server(backends, "auth", port)
                await _until(lambda: _status(cold, backends.signer), 200)
        finally:
            if backends.servers["auth"].port != port:
                backends.servers["auth"] = await start_server(backends, "auth", port)


async def _status(edge: Edge, signer: TokenSigner) -> int:
    token = signer.sign(roles=["customer"])
    return (await edge.rest.get("/v1/profile", headers={"authorization": f"Bearer {token}"})).status_code


async def _fetches(backends: Backends) -> int:
    """How often keys were fetched, 4 at most."""
    return min(4, sum(call.path == JWKS_METHOD for call in backends.reached))


async def _failed_fetches(edge: Edge) -> int:
    """How often keys could not be fetched, 3 at most."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"http://{edge.settings.admin_listen}/stats?filter=jwks_fetch_failed")).text
    return min(3, sum(int(line.rpartition(" ")[2]) for line in text.splitlines()))


async def _until(ask: Callable[[], Any], wanted: int, seconds: float = 15) -> None:
    give_up = time.monotonic() + seconds
    while (seen := await ask()) != wanted:
        assert time.monotonic() < give_up, f"it stayed {seen}"
        await asyncio.sleep(0.05)
