"""Passkeys, and the challenges that they answer."""

from dataclasses import dataclass, replace
from datetime import datetime

from mesh.errors import InvalidInput, NotAllowedNow, NotFound, Unauthenticated

MOST_PASSKEYS = 20


@dataclass(frozen=True, slots=True)
class NewCredential:
    """What an authenticator made."""

    credential_id: str  # base64url
    public_key: bytes  # COSE
    sign_count: int


@dataclass(frozen=True, slots=True)
class Passkey:
    """A registered one."""

    passkey_id: str
    account_id: str
    credential: NewCredential
    name: str
    create_time: datetime
    last_use_time: datetime | None = None
    version: int = 0

    def used(self, sign_count: int, now: datetime) -> "Passkey":
        """After it was taken as proof."""
        return replace(self, credential=replace(self.credential, sign_count=sign_count), last_use_time=now)


@dataclass(frozen=True, slots=True)
class PasskeyChallenge:
    """What a browser has to answer within minutes, once. `account_id` is empty for log-ins: nobody is known yet."""

    challenge_id: str
    account_id: str
    options_json: str = ""


@dataclass(frozen=True, slots=True)
class KeptChallenge:
    """Whom a challenge was given to, empty for somebody who is not known yet; and what it was."""

    account_id: str
    challenge: bytes


def check_count(count: int) -> None:
    """Raises NotAllowedNow (PASSKEY_LIMIT) when there may be no more."""
    if count >= MOST_PASSKEYS:
        raise NotAllowedNow("PASSKEY_LIMIT", f"An account has at most {MOST_PASSKEYS} passkeys.")


def invalid_passkey() -> InvalidInput:
    """The same for every cause."""
    return InvalidInput("PASSKEY_INVALID", "This is no new passkey for this account; begin again.")


def refused_passkey() -> Unauthenticated:
    """The same for every cause."""
    return Unauthenticated("PASSKEY_REFUSED", "This passkey proves nothing here; begin again.")


def no_such_passkey() -> NotFound:
    """The same for somebody else's and for none at all."""
    return NotFound("PASSKEY_NOT_FOUND", "There is no such passkey.")
