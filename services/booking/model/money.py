"""Amounts of money: integers of minor units in one currency, and the two roundings that booking makes. Never a float."""

from dataclasses import dataclass
from datetime import timedelta

LARGEST_AMOUNT_MINOR = 10**12
"""What a Money on the wire may be at most."""

_MILLISECOND = timedelta(milliseconds=1)
_HOUR_MILLISECONDS = 3_600_000
_WHOLE_BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents for BRL) of an ISO 4217 currency."""

    currency_code: str
    amount_minor: int

    def less(self, other: "Money") -> "Money":
        """The difference. Raises ValueError when the currencies differ."""
        if self.currency_code != other.currency_code:
            raise ValueError("amounts of different currencies have no difference")
        return Money(self.currency_code, self.amount_minor - other.amount_minor)

    def __str__(self) -> str:
        return f"{self.currency_code} {self.amount_minor}"


def price_of_hours(hourly: Money, duration: timedelta) -> Money:
    """The hourly price pro rata, rounded half up to the minor unit; at least one unit, since nothing can be paid otherwise."""
    amount = _divide_half_up(hourly.amount_minor * (duration // _MILLISECOND), _HOUR_MILLISECONDS)
    return Money(hourly.currency_code, max(amount, 1))


def share_of(amount: Money, basis_points: int) -> Money:
    """So many ten-thousandths of a positive amount, rounded half up to the minor unit."""
    return Money(amount.currency_code, _divide_half_up(amount.amount_minor * basis_points, _WHOLE_BASIS_POINTS))


def _divide_half_up(dividend: int, divisor: int) -> int:
    return (2 * dividend + divisor) // (2 * divisor)
