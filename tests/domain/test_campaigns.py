"""Statuses of campaigns, what follows on which, the four rates; criteria with ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.domain.campaigns import MOVES, STATUSES, Rate, Rates, check_move, is_missed
from leadtui.domain.message_states import STATES, counters
from leadtui.errors import IllegalMove

# Written out from spec P 130 and AJ14, not read from the program.
ALLOWED = {
    ("draft", "scheduled"), ("draft", "active"), ("draft", "cancelled"), ("scheduled", "active"),
    ("scheduled", "cancelled"), ("scheduled", "draft"), ("active", "paused"),
    ("active", "completed"), ("paused", "active"), ("paused", "cancelled"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), list(product(STATUSES, STATUSES)))
def test_only_what_is_allowed_follows_and_a_refusal_lists_it(before: str, after: str) -> None:
    if (before, after) in ALLOWED:
        check_move(before, after)
        return
    with pytest.raises(IllegalMove) as refused:
        check_move(before, after)
    assert all(status in (refused.value.hint or "") for status in MOVES[before])
    assert before in refused.value.message


def test_the_rates_of_the_source_with_their_fractions() -> None:
    counted = counters({"sent": 50, "delivered": 20, "read": 10, "failed": 15, "pending": 5, "skipped": 7})
    rates = Rates.of(counted)
    assert (counted.total, counted.sent, counted.delivered, counted.read) == (100, 80, 30, 10)
    assert [one.percent for one in (rates.success, rates.delivery, rates.read, rates.failure)] == [
        37.5,
        30.0,
        33.3,
        15.0,
    ]
    assert rates.success.words == "30/80 · 37.5 %"
    assert Rate(0, 0).percent == 0.0 and Rate(0, 0).words == "–"


@given(st.dictionaries(st.sampled_from(STATES), st.integers(0, 1_000)))
def test_no_rate_divides_by_nothing_or_passes_a_hundred(by_state: dict[str, int]) -> None:
    counted = counters(by_state)
    rates = Rates.of(counted)
    assert counted.sent + counted.failed + counted.pending + counted.unknown == counted.total
    for one in (rates.success, rates.delivery, rates.read, rates.failure):
        assert 0 <= one.part <= one.whole
        assert 0.0 <= one.percent <= 100.0


def test_a_start_is_missed_only_after_the_grace() -> None:
    due = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    assert not is_missed(due, due + timedelta(hours=2), 120)
    assert is_missed(due, due + timedelta(hours=2, seconds=1), 120)
