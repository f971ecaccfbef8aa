"""Tokens made from a good one, or beside it: no method takes them, neither by a door of the edge nor at the service itself."""

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mesh import contract
from mesh.contract import MethodContract
from mesh.local.stack import Stack
from tests.journeys.cast import Cast
from tests.journeys.cells import cells
from tests.journeys.stored import changes, settled, stored
from tests.support.calls import DOORS, Caller

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

METHODS = [method for method in contract.methods() if method.is_edge and not method.is_public]
AT_ONCE = 16


def part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forgeries(token: str, public_key: str) -> dict[str, str]:
    """What a thief, an insider without the key and a clumsy client would try, from a token that is good."""
    first, second, signature = token.split(".")
    header, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    own = Ed25519PrivateKey.generate()
    secret = base64.urlsafe_b64decode(public_key + "==")
    by_own_key: dict[str, dict[str, Any]] = {
        "another key under the same id": {},
        "a key of its own in the header": {
            "jku": "http://127.0.0.1:1/keys",
            "jwk": {"kty": "OKP", "crv": "Ed25519", "x": public_key},
        },
        "unknown key id": {"kid": "unknown"},
    }
    return {
        "algorithm none": f"{part(header | {'alg': 'none'})}.{second}.",
        "no signature": f"{first}.{second}.",
        "HS256 with the public key": jwt.encode(claims, secret, algorithm="HS256", headers={"kid": header["kid"]}),
        "claims changed": f"{first}.{part(claims | {'roles': ['admin', 'customer', 'provider']})}.{signature}",
        "longer life": f"{first}.{part(claims | {'exp': int(time.time()) + 3600})}.{signature}",
        "signature cut": token[:-4],
        "no token at all": "x",
    } | {name: jwt.encode(claims, own, algorithm="EdDSA", headers=header | more) for name, more in by_own_key.items()}


async def test_no_method_takes_a_forged_token_by_any_door(stack: Stack, cast: Cast, caller: Caller) -> None:
    keys = (await cast.scene.rest.call("GET", "/.well-known/jwks.json"))["keys"]
    forged = forgeries(cast.token("customer"), keys[0]["x"])
    turns = asyncio.Semaphore(AT_ONCE)

    async def attempt(method: MethodContract, door: str, name: str) -> str:
        cell = next(cell for cell in cells(cast, [method], [door]) if not cell.expected)
        async with turns:
            outcome = await caller.call(door, method, cell.request(cast), forged[name])
        is_refused = outcome.code == "UNAUTHENTICATED" and outcome.reason == "TOKEN_INVALID"
        return "" if is_refused else f"{method.path} by {door} with {name}: {outcome}"

    before = await settled(stack, cast.ids)
    attempts = [attempt(method, door, name) for method in METHODS for door in DOORS for name in forged]
    assert [each for each in await asyncio.gather(*attempts) if each] == []
    assert changes(before, await stored(stack, cast.ids)) == {}
