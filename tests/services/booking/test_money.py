"""Amounts are integers, rounded half up, once."""

from datetime import timedelta
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.model.money import LARGEST_AMOUNT_MINOR, Money, price_of_hours, share_of

AMOUNTS = st.integers(1, LARGEST_AMOUNT_MINOR)


def half_up(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))


@pytest.mark.parametrize(
    "hourly_minor, minutes, expected", [(10_000, 60, 10_000), (10_000, 90, 15_000), (333, 30, 167), (1, 15, 1), (2, 15, 1)]
)
def test_an_hourly_price_is_pro_rata_and_never_nothing(hourly_minor: int, minutes: int, expected: int) -> None:
    assert price_of_hours(Money("BRL", hourly_minor), timedelta(minutes=minutes)) == Money("BRL", expected)


@given(AMOUNTS, st.integers(900_000, 43_200_000))
def test_an_hourly_price_is_the_exact_one_rounded_half_up(hourly_minor: int, milliseconds: int) -> None:
    total = price_of_hours(Money("BRL", hourly_minor), timedelta(milliseconds=milliseconds))
    assert total.amount_minor == max(1, half_up(Fraction(hourly_minor * milliseconds, 3_600_000)))


@given(AMOUNTS, st.integers(0, 10_000))
def test_a_commission_is_the_exact_one_rounded_half_up_and_never_more_than_the_price(amount: int, basis_points: int) -> None:
    commission = share_of(Money("EUR", amount), basis_points)
    assert commission == Money("EUR", half_up(Fraction(amount * basis_points, 10_000)))
    assert 0 <= commission.amount_minor <= amount


def test_the_usual_commission_is_fifteen_percent_rounded_half_up() -> None:
    assert [share_of(Money("BRL", amount), 1500).amount_minor for amount in (10_000, 10, 3, 4)] == [1500, 2, 0, 1]


def test_amounts_of_two_currencies_have_no_difference() -> None:
    with pytest.raises(ValueError, match="different currencies"):
        Money("BRL", 2).less(Money("EUR", 1))
