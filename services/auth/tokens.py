"""Access tokens signed with the key of the day; the others are made of what they name and a proof: none is stored."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import jwt

from mesh.ids import new_id
from services.auth.keys import KeyChain, derive
from services.auth.model.mails import invalid_link
from services.auth.model.sessions import ACCESS_LIFETIME, Session, invalid_challenge, invalid_refresh_token


class Proofs:
    """Text with a proof behind it that nobody else can make, for one purpose."""

    def __init__(self, secret: str, purpose: str) -> None:
        self._secret = derive(secret, purpose)

    def seal(self, text: str) -> str:
        """The text and its proof; always the same for the same text."""
        proof = hmac.digest(self._secret, text.encode(), hashlib.sha256)
        return f"{text}.{urlsafe_b64encode(proof).rstrip(b'=').decode()}"

    def open(self, token: str) -> str | None:
        """The text, or None when the proof is not ours."""
        text = token.rpartition(".")[0]
        return text if text and hmac.compare_digest(self.seal(text).encode(), token.encode()) else None


class SignedTokens:
    """The port Tokens."""

    def __init__(self, keys: KeyChain, issuer: str, audience: str, secret: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._refreshing = Proofs(secret, "refresh tokens")
        self._challenging = Proofs(secret, "log-in challenges")
        self._linking = Proofs(secret, "links in mails")

    def access_token(self, session: Session, now: datetime) -> str:
        key_id, key = self._keys.signing_key()
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": session.account_id,
            "sid": session.session_id,
            "roles": [role.value for role in session.roles],
            "iat": int(now.timestamp()),
            "exp": int((now + ACCESS_LIFETIME).timestamp()),
            "jti": new_id("jti"),
            "auth_time": int(session.proof_time.timestamp()),
        }
        return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": key_id})

    def refresh_token(self, session_id: str, generation: int) -> str:
        return self._refreshing.seal(f"{session_id}.{generation}")

    def read_refresh_token(self, token: str) -> tuple[str, int]:
        session_id, _, number = (self._refreshing.open(token) or "").partition(".")
        if not number:
            raise invalid_refresh_token()
        return session_id, int(number)

    def challenge(self, account_id: str, expire_time: datetime) -> str:
        return self._challenging.seal(f"{account_id}.{int(expire_time.timestamp())}")

    def read_challenge(self, token: str, now: datetime) -> str:
        account_id, _, expiry = (self._challenging.open(token) or "").partition(".")
        if not expiry or now >= datetime.fromtimestamp(int(expiry), UTC):
            raise invalid_challenge()
        return account_id

    def mail_token(self, mail_id: str) -> str:
        return self._linking.seal(mail_id)

    def read_mail_token(self, token: str) -> str:
        mail_id = self._linking.open(token)
        if mail_id is None:
            raise invalid_link()
        return mail_id
