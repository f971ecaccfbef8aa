"""Codes of authenticator apps [RFC 6238] and recovery codes. What is stored of them opens nothing by itself."""

import hashlib
import hmac
import secrets
from base64 import b32encode, urlsafe_b64encode
from datetime import datetime

import pyotp
from cryptography.fernet import Fernet

from services.auth.keys import derive

_STEP_SECONDS = 30
_RECOVERY_BYTES = 10  # 80 random bits
_ISSUER = "Marketplace"


class AppCodes:
    """The port Codes."""

    def __init__(self, secret: str) -> None:
        self._cipher = Fernet(urlsafe_b64encode(derive(secret, "totp secrets")))
        self._secret = derive(secret, "recovery codes")

    def new_secret(self) -> tuple[str, bytes]:
        secret = pyotp.random_base32()
        return secret, self._cipher.encrypt(secret.encode())

    def provisioning_uri(self, secret: str, email: str) -> str:
        return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=_ISSUER)

    def step_of(self, sealed_secret: bytes, code: str, now: datetime) -> int | None:
        if not sealed_secret:
            return None
        app = pyotp.TOTP(self._cipher.decrypt(sealed_secret).decode())
        current = int(now.timestamp()) // _STEP_SECONDS
        fitting = [step for step in (current - 1, current, current + 1) if hmac.compare_digest(app.generate_otp(step), code)]
        return max(fitting, default=None)

    def new_recovery_codes(self, count: int) -> list[str]:
        return [_grouped(b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()) for _ in range(count)]

    def recovery_hash(self, code: str) -> str:
        plain = "".join(each for each in code.lower() if each.isalnum())
        return hmac.digest(self._secret, plain.encode(), hashlib.sha256).hex()


def _grouped(code: str) -> str:
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))
