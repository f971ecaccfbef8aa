"""Accounts and sessions, and their rules. Pure: hashing, signing and storing are done elsewhere."""

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import available_timezones

from mesh.errors import InvalidInput, Unauthenticated

ACCESS_LIFETIME = timedelta(minutes=10)
SESSION_LIFETIME = timedelta(days=30)
RETRY_WINDOW = timedelta(seconds=10)  # a client whose answer was lost gets the same successor within this time
DEFAULT_LOCALE = "pt-BR"
DEFAULT_ZONE = "America/Sao_Paulo"
_COMMON_PARTS = ("password", "qwerty", "1234567890", "12345", "senha", "abcdefghij", "letmein", "iloveyou", "marketplace")
_FEWEST_DISTINCT = 5


class Role(StrEnum):
    """What an account may be."""

    CUSTOMER = "customer"
    PROVIDER = "provider"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Registration:
    """What somebody registers with."""

    email: str
    password: str
    display_name: str
    roles: tuple[Role, ...]
    locale: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Account:
    """A registered account. `login` is the address in the one form in which it is compared."""

    account_id: str
    login: str
    email: str
    password_hash: str
    display_name: str
    roles: tuple[Role, ...]
    locale: str
    time_zone: str
    register_time: datetime


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
    version: int = 0

    def refreshed(self, generation: int, now: datetime) -> "Session":
        """The session after its refresh token of this number was used; the session itself for a retry within the window.

        Raises Unauthenticated (REFRESH_TOKEN_INVALID) when the session is over; `is_reuse` tells when it must end now.
        """
        if self.is_ended or now >= self.expire_time or generation > self.generation:
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


def invalid_refresh_token() -> Unauthenticated:
    """The same for every cause."""
    return Unauthenticated("REFRESH_TOKEN_INVALID", "The refresh token does not work any more; log in again.")


def wrong_credentials() -> Unauthenticated:
    """The same whether or not the account exists."""
    return Unauthenticated("CREDENTIALS_WRONG", "E-mail address or password are wrong.")


def login_of(email: str) -> str:
    """The address in the form in which it is compared: upper and lower case are the same."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def check(registration: Registration) -> None:
    """Raises InvalidInput (PASSWORD_TOO_COMMON, TIME_ZONE_UNKNOWN) when nobody may register so."""
    password = registration.password.casefold()
    rest = password
    for part in (*_COMMON_PARTS, login_of(registration.email).partition("@")[0]):
        rest = rest.replace(part, "")
    if len(rest) < len(password) / 2 or len(set(password)) < _FEWEST_DISTINCT:
        raise InvalidInput("PASSWORD_TOO_COMMON", "This password is among the first that somebody would try.")
    if registration.time_zone not in available_timezones():
        raise InvalidInput("TIME_ZONE_UNKNOWN", "There is no such time zone in the IANA database.")
