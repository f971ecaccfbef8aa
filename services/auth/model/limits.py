"""How often something may fail: some attempts are free, then each costs a pause twice as long as the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from mesh.errors import LimitReached

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """The `free`-th attempt begins the first pause. Whoever has not tried for `remembered` begins anew."""

    name: str
    subject: tuple[str, ...]
    free: int
    first_pause: timedelta
    longest_pause: timedelta
    remembered: timedelta


def pair_limit(login: str, address: str) -> Limit:
    """Log-ins to one account from one address: five, then at most one a minute, and fewer and fewer."""
    return Limit("log_in_from", (login, address), 5, _MINUTE, _HOUR, 2 * _HOUR)


def account_limit(login: str) -> Limit:
    """Log-ins to one account from anywhere but the addresses that its owner is known at. Whoever means to shut the owner out of a
    new place can do so for a quarter of an hour at a time, and out of a known place not at all."""
    return Limit("log_in_to", (login,), 10, _MINUTE, 15 * _MINUTE, 2 * _HOUR)


def code_limit(account_id: str) -> Limit:
    """Codes of the second step, which need the password first: five, then one in 15 minutes, and fewer."""
    return Limit("code", (account_id,), 5, 15 * _MINUTE, 4 * _HOUR, 24 * _HOUR)


def mail_limits(kind: str, login: str, address: str) -> Sequence[Limit]:
    """Mails to one address that are asked for, from one place and in all."""
    return (
        Limit(f"{kind}_from", (login, address), 3, 5 * _MINUTE, _HOUR, 2 * _HOUR),
        Limit(f"{kind}_to", (login,), 10, 5 * _MINUTE, _HOUR, 2 * _HOUR),
    )


def too_many_attempts(pause: timedelta) -> LimitReached:
    """The same whether or not there is such an account."""
    seconds = max(pause.total_seconds(), 1.0)
    return LimitReached("TOO_MANY_ATTEMPTS", "Too many attempts; come again later.", retry_after_seconds=seconds)
