"""What a lead is worth (spec AJ30)."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from leadtui.domain.values import value_minor, weighted_minor

AMOUNT = st.none() | st.integers(0, 10**12)


@given(AMOUNT, AMOUNT, AMOUNT)
def test_what_is_agreed_goes_before_the_budget(
    installation: int | None, monthly: int | None, budget: int | None
) -> None:
    value = value_minor(installation, monthly, budget)
    if installation is None and monthly is None:
        assert value == budget
    else:
        assert value == (installation or 0) + 12 * (monthly or 0)


@given(st.integers(0, 10**12), st.integers(0, 1000))
def test_a_value_times_a_probability_is_rounded_half_up(value: int, thousandths: int) -> None:
    exact = value * Fraction(thousandths, 1000)
    weighted = weighted_minor(value, thousandths / 1000)
    assert weighted - Fraction(1, 2) <= exact < weighted + Fraction(1, 2)
