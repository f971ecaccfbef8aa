"""Who calls in tests: accounts with signed tokens, and the key that signs them. Made anew for each run."""

import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mesh.call import Account
from mesh.ids import new_id

ISSUER = "https://auth.marketplace"
AUDIENCE = "marketplace"
KEY_ID = "test-key"


class TokenSigner:
    """Signs access tokens as auth does."""

    def __init__(self, key_id: str = KEY_ID) -> None:
        self.key_id = key_id
        self.key = Ed25519PrivateKey.generate()

    @property
    def public_key(self) -> dict[str, object]:
        """The key that verifies the tokens, as a JSON Web Key."""
        algorithm = jwt.algorithms.OKPAlgorithm()
        return algorithm.to_jwk(self.key.public_key(), as_dict=True) | {"kid": self.key_id, "alg": "EdDSA", "use": "sig"}

    def sign(self, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token with these claims over good ones; a claim given as None is left out."""
        now = int(time.time())
        good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "acc_x", "sid": "ses_x", "roles": [], "iat": now, "exp": now + 600}
        good["auth_time"] = now
        kept = {name: value for name, value in (good | claims).items() if value is not None}
        return jwt.encode(kept, self.key, algorithm="EdDSA", headers={"kid": self.key_id} | (headers or {}))

    def account(self, *roles: str, account_id: str = "") -> Account:
        """A new account with these roles and a token that is good for ten minutes."""
        account_id, session_id = account_id or new_id("acc"), new_id("ses")
        now = int(time.time())
        token = self.sign(sub=account_id, sid=session_id, roles=list(roles), auth_time=now)
        return Account(account_id, frozenset(roles), session_id, token, float(now))
