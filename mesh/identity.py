"""Who calls: the end user by a signed token, the calling service by its certificate. What they may do is the policy's part."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import jwt
import structlog

from mesh.call import Account, Context
from mesh.errors import MeshError, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from jwt.types import Options

KeySource = Callable[[], Awaitable[Sequence[Mapping[str, object]]]]
"""Gives the public keys that verify access tokens, as JSON Web Keys [RFC 7517]. Raises MeshError when they cannot be had."""

SPIFFE_PREFIX = "spiffe://marketplace/"
_ALGORITHM = "EdDSA"
_LEEWAY_SECONDS = 2
_REMEMBERED_TOKENS = 4096
_LONGEST_TOKEN = 4096
_LONGEST_LIFETIME_SECONDS = 3600
_REFRESH_SECONDS = 30.0
_LEAST_SECONDS_BETWEEN_FETCHES = 3.0
_LEAST_SECONDS_WHILE_EMPTY = 0.5
_CLAIMS: "Options" = {"require": ["exp", "iat", "iss", "aud", "sub", "sid"], "strict_aud": True}

_log = structlog.get_logger()


def calling_service(context: Context) -> str:
    """The service that the peer's certificate names, "" when it names none; the TLS handshake has verified the certificate."""
    identities = tuple(context.auth_context().get("peer_spiffe_id", ()))
    if len(identities) != 1:
        return ""
    identity = identities[0].decode()
    return identity[len(SPIFFE_PREFIX) :] if identity.startswith(SPIFFE_PREFIX) else ""


class KeyRing:
    """The public keys of the token issuer: fetched ahead of need, kept while the issuer does not answer."""

    def __init__(self, source: KeySource) -> None:
        self.source = source
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetching: asyncio.Task[None] | None = None
        self._next_fetch = 0.0
        self._known = asyncio.Event()
        self.generation = 0  # moves when a key leaves, so that what it verified is forgotten

    async def find(self, key_id: str) -> jwt.PyJWK:
        """The key with this id, asking the issuer when it is new to us.

        Raises Unauthenticated when there is none, Unavailable when the issuer could never be asked.
        """
        if key_id not in self._keys and time.monotonic() >= self._next_fetch:
            await self.refresh()
        elif key_id not in self._keys and self._fetching is not None:
            await asyncio.shield(self._fetching)
        key = self._keys.get(key_id)
        if key is not None:
            return key
        if not self._keys:
            raise Unavailable(
                "DEPENDENCY_UNAVAILABLE", "Tokens cannot be verified right now.", {"dependency": "keys"}, retry_after_seconds=1
            )
        raise _invalid_token()

    async def refresh(self) -> None:
        """Fetches the keys; keeps those there are when that fails. Callers at the same time share one fetch."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())
        await asyncio.shield(self._fetching)

    async def wait_until_known(self, seconds: float) -> None:
        """Returns when there are keys, and after these seconds without."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._known.wait()

    async def keep_fresh(self) -> None:
        """Fetches the keys again and again, sooner while there are none."""
        while True:
            await self.refresh()
            await asyncio.sleep(_REFRESH_SECONDS if self._keys else _LEAST_SECONDS_WHILE_EMPTY)

    async def _fetch(self) -> None:
        try:
            self._replace(await self.source())
        except MeshError as error:
            _log.warning("token keys not fetched", reason=error.reason, keys=len(self._keys))
        except Exception:
            _log.exception("token keys not fetched", keys=len(self._keys))
        finally:
            pause = _LEAST_SECONDS_BETWEEN_FETCHES if self._keys else _LEAST_SECONDS_WHILE_EMPTY
            self._next_fetch = time.monotonic() + pause
            self._fetching = None

    def _replace(self, keys: Sequence[Mapping[str, object]]) -> None:
        usable = [key for key in keys if key.get("kty") == "OKP" and key.get("crv") == "Ed25519" and key.get("kid")]
        if not usable:
            _log.error("the token issuer published no usable key; the known ones are kept", published=len(keys))
            return
        fetched = {str(key["kid"]): jwt.PyJWK(dict(key), algorithm=_ALGORITHM) for key in usable}
        if not self._keys.keys() <= fetched.keys():
            self.generation += 1
        self._keys = fetched
        self._known.set()


class TokenVerifier:
    """Turns an access token into the account that it names, remembering what it has verified until it expires."""

    def __init__(self, keys: KeyRing, issuer: str, audience: str) -> None:
        self.keys = keys
        self._issuer = issuer
        self._audience = audience
        self._verified: OrderedDict[str, tuple[Account, float, int]] = OrderedDict()

    def recall(self, token: str) -> Account | None:
        """The account of a token verified before and still good, else None."""
        known = self._verified.get(token)
        if known is None:
            return None
        account, expiry, generation = known
        if expiry <= time.time() or generation != self.keys.generation:
            del self._verified[token]
            return None
        return account

    async def verify(self, token: str) -> Account:
        """The account that the token names. Raises Unauthenticated (TOKEN_INVALID, TOKEN_EXPIRED) or Unavailable."""
        key = await self.keys.find(_key_id(token))
        generation = self.keys.generation
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                leeway=_LEEWAY_SECONDS,
                options=_CLAIMS,
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("TOKEN_EXPIRED", "The access token is over; refresh the session.") from None
        except jwt.InvalidTokenError:
            raise _invalid_token() from None
        account = _read_account(claims, token)
        self._verified[token] = (account, float(claims["exp"]) + _LEEWAY_SECONDS, generation)
        if len(self._verified) > _REMEMBERED_TOKENS:
            self._verified.popitem(last=False)
        return account


def _key_id(token: str) -> str:
    if len(token) > _LONGEST_TOKEN:
        raise _invalid_token()
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        raise _invalid_token() from None
    if header.get("alg") != _ALGORITHM or not isinstance(header.get("kid"), str):
        raise _invalid_token()
    return str(header["kid"])


def _read_account(claims: Mapping[str, object], token: str) -> Account:
    subject, session, roles = claims["sub"], claims["sid"], claims.get("roles")
    lifetime = float(str(claims["exp"])) - float(str(claims["iat"]))
    if not (isinstance(subject, str) and subject and isinstance(session, str) and isinstance(roles, list)):
        raise _invalid_token()
    if not 0 < lifetime <= _LONGEST_LIFETIME_SECONDS:
        raise _invalid_token()
    auth_time = claims.get("auth_time")
    return Account(
        account_id=subject,
        roles=frozenset(str(role) for role in roles),
        session_id=session,
        token=token,
        auth_time=float(auth_time) if isinstance(auth_time, int | float) else 0.0,
    )


def _invalid_token() -> Unauthenticated:
    return Unauthenticated("TOKEN_INVALID", "The access token is not valid; log in again.")
