"""What proves who somebody is, and how often that may fail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.auth.model.limits import Limit
from services.auth.model.passkeys import KeptChallenge, NewCredential, Passkey
from services.auth.model.sessions import Session


class Attempts(Protocol):
    """Counts what fails. Every method raises Unavailable when it cannot: then nobody is let in."""

    async def admit(self, limits: Sequence[Limit], now: datetime) -> None:
        """Counts an attempt under all limits, in advance. Raises LimitReached (TOO_MANY_ATTEMPTS) when one says to wait."""
        ...

    async def forgive(self, limits: Sequence[Limit]) -> None:
        """Forgets the attempts: the last one was right."""
        ...

    async def is_known(self, login: str, address: str) -> bool:
        """Whether somebody has logged in to the account from this address within the last weeks."""
        ...

    async def make_known(self, login: str, address: str) -> None:
        """Remembers that somebody has."""
        ...


class Challenges(Protocol):
    """What passkeys have to answer. Both methods raise Unavailable when they cannot."""

    async def keep(self, account_id: str) -> tuple[str, bytes]:
        """A new one, kept for minutes: its id, and what is to be answered."""
        ...

    async def take(self, challenge_id: str) -> KeptChallenge | None:
        """Takes one away; None when there is none, or not any more."""
        ...


class Authenticators(Protocol):
    """Browsers and authenticators [WebAuthn]."""

    def creation_options(self, challenge: bytes, account_id: str, email: str, known: Sequence[str]) -> str:
        """What a browser needs to make a passkey, as JSON; `known` credentials are not made again."""
        ...

    def request_options(self, challenge: bytes) -> str:
        """What a browser needs to use a passkey, as JSON."""
        ...

    def verify_creation(self, credential_json: str, challenge: bytes) -> NewCredential:
        """What was made. Raises InvalidInput (PASSKEY_INVALID)."""
        ...

    def credential_id(self, credential_json: str) -> str:
        """Which credential claims to have answered. Raises Unauthenticated (PASSKEY_REFUSED)."""
        ...

    def verify_proof(self, credential_json: str, challenge: bytes, passkey: Passkey) -> int:
        """How often the authenticator says that it was used. Raises Unauthenticated (PASSKEY_REFUSED)."""
        ...


class Passwords(Protocol):
    """Hashes passwords, off the event loop."""

    async def hash(self, password: str) -> str:
        """A salted hash."""
        ...

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password; takes as long, and says no, when there is no hash."""
        ...

    async def require_uncommon(self, password: str) -> None:
        """Raises InvalidInput (PASSWORD_TOO_COMMON) for one that would be guessed soon."""
        ...


class Codes(Protocol):
    """The codes of the second step."""

    def new_secret(self) -> tuple[str, bytes]:
        """A secret in base32, and the same sealed."""
        ...

    def provisioning_uri(self, secret: str, email: str) -> str:
        """What a QR code for the authenticator app says."""
        ...

    def step_of(self, sealed_secret: bytes, code: str, now: datetime) -> int | None:
        """The time step whose code this is, one before and one after now included; None for any other code."""
        ...

    def new_recovery_codes(self, count: int) -> list[str]:
        """Codes that nobody can guess."""
        ...

    def recovery_hash(self, code: str) -> str:
        """What is kept of a recovery code, however it was typed."""
        ...


class Tokens(Protocol):
    """Makes and reads tokens. None of them has to be stored."""

    def access_token(self, session: Session, now: datetime) -> str:
        """A signed access token."""
        ...

    def refresh_token(self, session_id: str, generation: int) -> str:
        """The refresh token of this number; always the same."""
        ...

    def read_refresh_token(self, token: str) -> tuple[str, int]:
        """Session id and number. Raises Unauthenticated (REFRESH_TOKEN_INVALID) when it is not one of ours."""
        ...

    def challenge(self, account_id: str, expire_time: datetime) -> str:
        """Says that this account's password was right."""
        ...

    def read_challenge(self, token: str, now: datetime) -> str:
        """The account's id. Raises Unauthenticated (CHALLENGE_INVALID)."""
        ...

    def mail_token(self, mail_id: str) -> str:
        """What the link in a mail carries; always the same."""
        ...

    def read_mail_token(self, token: str) -> str:
        """The mail's id. Raises InvalidInput (LINK_INVALID) when it is not one of ours."""
        ...
