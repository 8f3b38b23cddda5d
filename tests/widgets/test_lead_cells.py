"""How leads become cells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from leadtui.domain.fields import BY_KEY
from leadtui.widgets.columns import layout
from leadtui.widgets.lead_cells import (
    COLUMNS_BY_KEY,
    DEFAULT_COLUMNS,
    LEAD_COLUMNS,
    choose_columns,
    how_long,
    moment,
    plain_signs,
    short_day,
)

NAIROBI = ZoneInfo("Africa/Nairobi")
NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


def test_all_columns_of_the_spec_fit_80_cells() -> None:
    widths = layout(choose_columns(DEFAULT_COLUMNS), 80 - 1 - 3, gap=1)
    assert all(widths)
    assert sum(widths) + len(widths) - 1 <= 76


def test_columns_and_their_order_are_fields() -> None:
    for column in LEAD_COLUMNS:
        if column.sort:
            assert BY_KEY[column.sort].sortable, column.key
        assert column.key in BY_KEY or column.key == "router_user"


def test_hidden_and_unknown_columns_are_left_out_and_one_always_stays() -> None:
    chosen = choose_columns(("monthly_fee", "name", "nosuch", "name"), frozenset({"monthly_fee"}))
    assert [column.key for column in chosen] == ["name"]
    assert choose_columns((), frozenset()) == (COLUMNS_BY_KEY["name"],)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 11, 20, 6, 5, tzinfo=UTC), "09:05"),
        (datetime(2026, 11, 19, 22, 0, tzinfo=UTC), "01:00"),  # today in Nairobi
        (datetime(2026, 11, 19, 20, 0, tzinfo=UTC), "19 Nov"),
        (datetime(2024, 11, 19, 20, 0, tzinfo=UTC), "Nov ’24"),
    ],
)
def test_short_days(at: datetime, words: str) -> None:
    assert short_day(at, NOW, NAIROBI) == words
    assert cell_len(words) <= 7


def test_moments_say_the_year_when_it_is_another() -> None:
    assert moment(datetime(2026, 3, 2, 6, 5, tzinfo=UTC), NOW, NAIROBI) == " 2 Mar 09:05"
    assert moment(datetime(2025, 3, 2, 6, 5, tzinfo=UTC), NOW, NAIROBI) == " 2 Mar 2025"


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=5), "5 hours"),
        (timedelta(days=3), "3 days"),
        (timedelta(days=20), "20 days"),
        (timedelta(days=49), "7 weeks"),
        (timedelta(days=430), "14 months"),
    ],
)
def test_how_long(span: timedelta, words: str) -> None:
    assert how_long(span) == words


def test_plain_signs_are_ascii() -> None:
    assert plain_signs("◐ Contacted → Interested · “yes” ▇▁ – … ’").isascii()
    assert plain_signs("José ◐") == "José +"
    assert plain_signs("◐", plain=False) == "◐"
