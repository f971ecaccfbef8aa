"""Accounts and what may be registered."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from zoneinfo import available_timezones

from mesh.errors import Forbidden, InvalidInput, NotFound, Unauthenticated
from services.auth.model.totp import NO_TOTP, Totp

DEFAULT_LOCALE = "pt-BR"
DEFAULT_ZONE = "America/Sao_Paulo"
_FEWEST_PERSONAL = 3  # shorter parts of a name or an address stand in any text by chance


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
    is_email_verified: bool = False
    is_locked: bool = False
    lock_reason: str = ""
    totp: Totp = NO_TOTP
    version: int = 0

    def with_email(self, email: str) -> "Account":
        """The account with an address that was proved to be the person's own."""
        return replace(self, email=email, login=login_of(email), is_email_verified=True)

    def require_unlocked(self) -> None:
        """Raises Forbidden (ACCOUNT_LOCKED). To be asked only when the person has proved who they are."""
        if self.is_locked:
            raise Forbidden("ACCOUNT_LOCKED", "This account was locked; ask the marketplace why.")


def login_of(email: str) -> str:
    """The address in the form in which it is compared: upper and lower case are the same."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def wrong_credentials() -> Unauthenticated:
    """The same whether or not the account exists."""
    return Unauthenticated("CREDENTIALS_WRONG", "E-mail address or password are wrong.")


def no_such_account() -> NotFound:
    """Erased, or never there."""
    return NotFound("ACCOUNT_NOT_FOUND", "There is no such account.")


def check_zone(time_zone: str) -> None:
    """Raises InvalidInput (TIME_ZONE_UNKNOWN)."""
    if time_zone not in available_timezones():
        raise InvalidInput("TIME_ZONE_UNKNOWN", "There is no such time zone in the IANA database.")


def check_not_personal(password: str, email: str, display_name: str) -> None:
    """Raises InvalidInput (PASSWORD_TOO_PERSONAL) when half of the password or more is the person's own name or address."""
    rest = whole = _plain(password)
    for part in sorted(_personal_parts(email, display_name), key=len, reverse=True):
        rest = rest.replace(part, "")
    if len(rest) <= len(whole) / 2:
        raise InvalidInput("PASSWORD_TOO_PERSONAL", "This password is made of what everybody can know of you.")


def _personal_parts(email: str, display_name: str) -> Sequence[str]:
    name, _, domain = _plain(email).partition("@")
    words = [name, domain.partition(".")[0], *_plain(display_name).split()]
    for separator in "._-+":
        words += [part for word in list(words) for part in word.split(separator)]
    return [word for word in set(words) if len(word) >= _FEWEST_PERSONAL]


def _plain(text: str) -> str:
    """Without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(each for each in decomposed if not unicodedata.combining(each))
