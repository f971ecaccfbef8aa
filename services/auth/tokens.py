"""Access tokens signed with the key of the day, refresh tokens made of session and number: nothing of them has to be stored."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from datetime import datetime

import jwt

from mesh.ids import new_id
from services.auth.keys import KeyChain, derive
from services.auth.model import ACCESS_LIFETIME, Role, invalid_refresh_token


class SignedTokens:
    """The port Tokens."""

    def __init__(self, keys: KeyChain, issuer: str, audience: str, secret: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._secret = derive(secret, "refresh tokens")

    def access_token(self, account_id: str, session_id: str, roles: tuple[Role, ...], now: datetime) -> str:
        key_id, key = self._keys.signing_key()
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": account_id,
            "sid": session_id,
            "roles": [role.value for role in roles],
            "iat": int(now.timestamp()),
            "exp": int((now + ACCESS_LIFETIME).timestamp()),
            "jti": new_id("jti"),
        }
        return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": key_id})

    def refresh_token(self, session_id: str, generation: int) -> str:
        proof = hmac.digest(self._secret, f"{session_id}.{generation}".encode(), hashlib.sha256)
        return f"{session_id}.{generation}.{urlsafe_b64encode(proof).rstrip(b'=').decode()}"

    def read_refresh_token(self, token: str) -> tuple[str, int]:
        session_id, _, rest = token.partition(".")
        number = rest.partition(".")[0]
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise invalid_refresh_token()
        if not hmac.compare_digest(self.refresh_token(session_id, int(number)).encode(), token.encode()):
            raise invalid_refresh_token()
        return session_id, int(number)
