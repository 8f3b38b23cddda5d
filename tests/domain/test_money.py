"""Money: text to minor units and back (spec AG23, AJ17)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.domain import money
from leadtui.errors import Invalid

AMOUNTS = st.integers(0, money.LIMIT_MINOR)
CURRENCIES = st.sampled_from(["KES", "USD", "EUR", "UGX", "JPY", "KWD"])


@pytest.mark.parametrize(
    ("typed", "minor"),
    [
        ("2500", 250000),
        ("2,500", 250000),
        ("2,500.50", 250050),
        ("2 500.50", 250050),
        ("2\u202f500,50", 250050),
        ("2.500,50", 250050),
        ("2500,5", 250050),
        ("12,34,567.89", 123456789),
        ("1.234.567", 123456700),
        ("1'000.50", 100050),
        ("KES 2,500", 250000),
        ("2,500 kes", 250000),
        ("Ksh. 2,500/=", 250000),
        ("2500/-", 250000),
        ("+5", 500),
        (".5", 50),
        ("0", 0),
        ("٢٥٠٠", 250000),
        (2500, 250000),
        (2499.9999999999995, 250000),
        (0.1, 10),
        (Decimal("2.500"), 250),
    ],
)
def test_spellings(typed: str | int | float | Decimal, minor: int) -> None:
    assert money.parse_money(typed, "KES", field="monthly_fee") == minor


@pytest.mark.parametrize(
    "typed",
    ["", "abc", "KES", "-5", "−5", "(5)", "1.234", "0.001", "2500.005", "2,5000", "1,23,4", "2 50", "1_000",
     "1e5", "5.", "NaN", "Infinity", "USD 5", "$5", "--5", "1.2.3", "1,2.3,4", "9" * 30, -1, 0.001, float("nan"),
     float("inf"), True, 10**16, Decimal("NaN"), Decimal("-0.01"), Decimal("1e999999"),
     Decimal("1." + "0" * 30 + "1")],
)  # fmt: skip
def test_refusals_name_the_field(typed: str | int | float | Decimal) -> None:
    with pytest.raises(Invalid) as refusal:
        money.parse_money(typed, "KES", field="monthly_fee")
    assert refusal.value.field == "monthly_fee"


def test_decimals_follow_the_currency() -> None:
    assert money.parse_money("1.234", "KWD", field="fee") == 1234
    assert money.parse_money("1234", "UGX", field="fee") == 1234
    assert money.exponent("XPF") == 0  # asked of babel
    with pytest.raises(Invalid, match="no decimals"):
        money.parse_money("12.5", "UGX", field="fee")


def test_output() -> None:
    assert money.format_money(250000, "KES") == "2,500.00"
    assert money.format_money(-5, "KES") == "-0.05"
    assert money.format_money(-250000, "UGX") == "-250,000"
    assert money.format_money(None, "KES") == ""
    assert money.to_json(250000, "KES") == "2500.00"
    assert money.to_json(5, "KWD") == "0.005"
    assert money.to_json(2500, "UGX") == "2500"
    assert money.to_json(None, "KES") is None


def test_total_with_fees_missing() -> None:
    assert money.total(100, 50) == 150
    assert money.total(100, None) == 100
    assert money.total(None, 50) == 50
    assert money.total(None, None) is None
    assert money.total(0, None) == 0


def test_currency_codes() -> None:
    assert money.check_currency(" kes ") == "KES"
    assert money.check_currency("isk") == "ISK"
    for code in ("", "XXXX", "K€S", "QQQ"):
        with pytest.raises(Invalid) as refusal:
            money.check_currency(code)
        assert refusal.value.field == "currency"


@given(AMOUNTS, CURRENCIES)
def test_what_is_written_is_read_back(minor: int, currency: str) -> None:
    written = money.to_json(minor, currency)
    assert written is not None
    for value in (money.to_decimal(minor, currency), money.format_money(minor, currency)):
        assert money.parse_money(value, currency, field="fee") == minor
    assert Decimal(written) == money.to_decimal(minor, currency)
    # The JSON spelling of KWD has three decimals, which is what makes it unambiguous there.
    assert money.parse_money(written, currency, field="fee") == minor


@given(st.text(max_size=25) | st.text(alphabet="0123456789.,' -+/=KESkshe()\u00a0", max_size=18), CURRENCIES)
def test_any_text_is_an_amount_or_refused(text: str, currency: str) -> None:
    try:
        minor = money.parse_money(text, currency, field="fee")
    except Invalid:
        return
    assert 0 <= minor <= money.LIMIT_MINOR


@given(st.floats())
def test_any_float_is_an_amount_or_refused(value: float) -> None:
    try:
        minor = money.parse_money(value, "KES", field="fee")
    except Invalid:
        return
    assert abs(minor - value * 100) < 0.001
