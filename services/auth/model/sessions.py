"""Sessions and their refresh tokens."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mesh.errors import NotFound, Unauthenticated
from services.auth.model.accounts import Role

ACCESS_LIFETIME = timedelta(minutes=10)
SESSION_LIFETIME = timedelta(days=30)
CHALLENGE_LIFETIME = timedelta(minutes=5)
RETRY_WINDOW = timedelta(seconds=10)  # a client whose answer was lost gets the same successor within this time
MOST_SESSIONS = 50


@dataclass(frozen=True, slots=True)
class Session:
    """An open session. Its refresh tokens are numbered; `generation` is the number of the one that works."""

    session_id: str
    account_id: str
    roles: tuple[Role, ...]
    expire_time: datetime
    generation: int = 1
    rotate_time: datetime | None = None
    is_ended: bool = False
    auth_time: datetime | None = None  # when its owner last proved who they are
    device_name: str = ""
    address: str = ""
    version: int = 0

    @property
    def open_time(self) -> datetime:
        """When it was opened."""
        return self.expire_time - SESSION_LIFETIME

    @property
    def last_use_time(self) -> datetime:
        """When it was last refreshed, or opened."""
        return self.rotate_time or self.open_time

    @property
    def proof_time(self) -> datetime:
        """When its owner last proved who they are."""
        return self.auth_time or self.open_time

    def is_open(self, now: datetime) -> bool:
        """Whether it has neither been ended nor expired."""
        return not self.is_ended and now < self.expire_time

    def refreshed(self, generation: int, now: datetime) -> "Session":
        """The session after its refresh token of this number was used; the session itself for a retry within the window.

        Raises Unauthenticated (REFRESH_TOKEN_INVALID) when the session is over; `is_reuse` tells when it must end now.
        """
        if not self.is_open(now) or generation > self.generation:
            raise invalid_refresh_token()
        if generation == self.generation:
            return replace(self, generation=generation + 1, rotate_time=now)
        if self.is_reuse(generation, now):
            raise invalid_refresh_token()
        return self

    def is_reuse(self, generation: int, now: datetime) -> bool:
        """Whether the token was used before, and this is not the retry of a client that lost the answer [RFC 9700, 4.14]."""
        is_late = self.rotate_time is None or now - self.rotate_time > RETRY_WINDOW
        return generation < self.generation - 1 or (generation == self.generation - 1 and is_late)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """What somebody gets who has proved who they are."""

    account_id: str
    access_token: str
    access_token_expire_time: datetime
    refresh_token: str
    refresh_token_expire_time: datetime


@dataclass(frozen=True, slots=True)
class Challenge:
    """What somebody gets whose password was right and who needs a code as well."""

    account_id: str
    token: str
    expire_time: datetime


def invalid_refresh_token() -> Unauthenticated:
    """The same for every cause."""
    return Unauthenticated("REFRESH_TOKEN_INVALID", "The refresh token does not work any more; log in again.")


def ended_session() -> Unauthenticated:
    """What an access token gets that has outlived its session."""
    return Unauthenticated("SESSION_ENDED", "This session has ended; log in again.")


def no_such_session() -> NotFound:
    """The same for somebody else's and for none at all."""
    return NotFound("SESSION_NOT_FOUND", "There is no such session.")


def invalid_challenge() -> Unauthenticated:
    """The same for every cause."""
    return Unauthenticated("CHALLENGE_INVALID", "This log-in took too long; begin again.")
