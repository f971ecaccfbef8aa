"""Every forgery of an access token that is known to work somewhere: none of them works here."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from mesh import identity
from mesh.call import Account
from mesh.errors import Unauthenticated
from mesh.identity import KeyRing, TokenVerifier
from tests.mesh.moving import MovedTime
from tests.support.identities import AUDIENCE, ISSUER, KEY_ID, TokenSigner

SIGNER = TokenSigner()


def now() -> int:
    return int(time.time())


async def published() -> Sequence[Mapping[str, object]]:
    return [SIGNER.public_key]


@pytest.fixture
def verifier() -> TokenVerifier:
    return TokenVerifier(KeyRing(published), ISSUER, AUDIENCE)


def encode(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def forge(header: Mapping[str, object], secret: bytes | None) -> str:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "acc_x", "sid": "s", "roles": ["admin"], "iat": now(), "exp": now() + 600}
    signed = f"{encode(header)}.{encode(claims)}"
    signature = b"" if secret is None else hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def sign_anything(**claims: object) -> str:
    """Signed by the real key, with claims that the library would not sign."""
    header = {"alg": "EdDSA", "kid": KEY_ID}
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "acc_x", "sid": "s", "roles": [], "iat": now(), "exp": now() + 600}
    signed = f"{encode(header)}.{encode(good | claims)}"
    return f"{signed}.{base64.urlsafe_b64encode(SIGNER.key.sign(signed.encode())).rstrip(b'=').decode()}"


def tampered() -> str:
    header, _, signature = SIGNER.sign().split(".")
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "acc_x", "sid": "s", "roles": ["admin"], "iat": now(), "exp": now() + 600}
    return f"{header}.{encode(claims)}.{signature}"


def public_pem() -> bytes:
    return SIGNER.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def public_raw() -> bytes:
    return SIGNER.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


OTHER = TokenSigner()


def forgeries() -> dict[str, str]:
    """Made when they are used: a token that is over would be refused for that alone."""
    return {
        "no algorithm": forge({"alg": "none", "kid": KEY_ID}, None),
        "no algorithm, odd case": forge({"alg": "nOnE", "kid": KEY_ID}, None),
        "an HMAC with the public key as PEM": forge({"alg": "HS256", "kid": KEY_ID}, public_pem()),
        "an HMAC with the public key's bytes": forge({"alg": "HS256", "kid": KEY_ID}, public_raw()),
        "an HMAC called EdDSA": forge({"alg": "EdDSA", "kid": KEY_ID}, public_pem()),
        "a key that nobody published": OTHER.sign(headers={"kid": "other"}),
        "another key under our key's name": OTHER.sign(),
        "a key that comes with the token": OTHER.sign(headers={"jwk": OTHER.public_key}),
        "a key that the token says where to fetch": OTHER.sign(headers={"jku": "https://attacker.example/keys", "kid": "other"}),
        "a certificate that comes with the token": OTHER.sign(headers={"x5c": ["MIIB"]}),
        "no key's name": jwt.encode({"exp": now() + 60}, SIGNER.key, algorithm="EdDSA"),
        "a key's name that is a path": OTHER.sign(headers={"kid": "../../dev/null"}),
        "an extension that must be understood": SIGNER.sign(headers={"crit": ["exp2"], "exp2": 1}),
        "another issuer": SIGNER.sign(iss="https://auth.attacker"),
        "an issuer that begins like ours": SIGNER.sign(iss=ISSUER + ".attacker"),
        "a list of issuers": sign_anything(iss=[ISSUER]),
        "no issuer": SIGNER.sign(iss=None),
        "another audience": SIGNER.sign(aud="warehouse"),
        "several audiences": SIGNER.sign(aud=[AUDIENCE, "warehouse"]),
        "no audience": SIGNER.sign(aud=None),
        "no expiry": SIGNER.sign(exp=None),
        "an endless expiry": sign_anything(exp=float("inf")),
        "an expiry that is no number": sign_anything(exp="never"),
        "a life of more than an hour": SIGNER.sign(exp=now() + 3700),
        "a life of less than nothing": SIGNER.sign(iat=now(), exp=now() - 1),
        "no time of issue": SIGNER.sign(iat=None),
        "a time of issue that is still to come": SIGNER.sign(iat=now() + 300),
        "not valid before tomorrow": SIGNER.sign(nbf=now() + 86400),
        "no subject": SIGNER.sign(sub=None),
        "an empty subject": SIGNER.sign(sub=""),
        "a subject that is no text": sign_anything(sub=7),
        "no session": SIGNER.sign(sid=None),
        "no roles": SIGNER.sign(roles=None),
        "roles as one word": SIGNER.sign(roles="admin"),
        "changed claims": tampered(),
        "no signature": SIGNER.sign().rpartition(".")[0] + ".",
        "a part too few": SIGNER.sign().rpartition(".")[0],
        "a part too many": SIGNER.sign() + ".x",
        "padding": SIGNER.sign() + "=",
        "white space": SIGNER.sign() + "\n",
        "nothing": "",
        "a header that is a list": f"{encode(['EdDSA'])}.{encode({})}.AAAA",
        "a header nested without end": base64.urlsafe_b64encode(b"[" * 3000).decode() + ".e30.AAAA",
        "five kilobytes": SIGNER.sign(note="x" * 5000),
    }


@pytest.mark.parametrize("forgery", forgeries())
async def test_a_token_is_refused_with(forgery: str, verifier: TokenVerifier) -> None:
    token = forgeries()[forgery]
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(token)
    assert refused.value.reason in ("TOKEN_INVALID", "TOKEN_EXPIRED")
    assert verifier.recall(token) is None


@given(
    st.one_of(st.text(max_size=80), st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode() + ".e30.AA"))
)
async def test_whatever_stands_in_a_tokens_place_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        await TokenVerifier(KeyRing(published), ISSUER, AUDIENCE).verify(token)


async def test_a_good_token_names_the_account_with_its_roles_and_session(verifier: TokenVerifier) -> None:
    token = SIGNER.sign(sub="acc_1", sid="ses_1", roles=["customer", "admin"], auth_time=now() - 7)
    assert await verifier.verify(token) == Account("acc_1", frozenset({"customer", "admin"}), "ses_1", token, now() - 7.0)


@pytest.mark.parametrize("auth_time", [None, "now", [1], {}])
async def test_a_token_that_does_not_say_when_its_owner_proved_who_they_are_counts_as_long_ago(
    auth_time: object, verifier: TokenVerifier
) -> None:
    assert (await verifier.verify(SIGNER.sign(auth_time=auth_time))).auth_time == 0


async def test_a_token_that_is_over_is_told_apart_from_a_forged_one(verifier: TokenVerifier) -> None:
    with pytest.raises(Unauthenticated, match="TOKEN_EXPIRED"):
        await verifier.verify(SIGNER.sign(iat=now() - 700, exp=now() - 30))


async def test_a_verified_token_is_remembered_until_it_is_over(verifier: TokenVerifier, moved_time: MovedTime) -> None:
    token = SIGNER.sign()
    assert verifier.recall(token) is None
    account = await verifier.verify(token)
    assert verifier.recall(token) is account
    moved_time.ahead = 610
    assert verifier.recall(token) is None


async def test_what_a_retired_key_has_verified_is_forgotten() -> None:
    keys: list[Any] = [SIGNER.public_key, OTHER.public_key | {"kid": "other"}]

    async def current() -> Sequence[Mapping[str, object]]:
        return list(keys)

    verifier = TokenVerifier(KeyRing(current), ISSUER, AUDIENCE)
    token = OTHER.sign(headers={"kid": "other"})
    await verifier.verify(token)
    keys.pop()
    await verifier.keys.refresh()
    assert verifier.recall(token) is None
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        await verifier.verify(token)


async def test_memory_of_tokens_is_bounded(verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_REMEMBERED_TOKENS", 3)
    tokens = [SIGNER.sign(sub=f"acc_{number}") for number in range(5)]
    for token in tokens:
        await verifier.verify(token)
    assert [verifier.recall(token) is not None for token in tokens] == [False, False, True, True, True]
