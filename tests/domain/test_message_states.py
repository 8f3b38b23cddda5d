"""States of messages, words that stop them, and how long many take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.domain import stop_words
from leadtui.domain.message_states import FOLLOWERS, STATES, after_report, counters, mark, may_follow
from leadtui.domain.pacing import Pace, eta
from leadtui.domain.working_hours import QuietHours
from leadtui.errors import Invalid

RANK = {"accepted": 1, "sent": 2, "delivered": 3, "read": 4}
NAIROBI = ZoneInfo("Africa/Nairobi")
NOON = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@given(st.lists(st.sampled_from(["sent", "delivered", "read", "failed"]), max_size=8))
def test_reports_in_any_order_end_with_what_is_farthest(told: list[str]) -> None:
    state = "accepted"
    for one in told:
        after = after_report(state, one)
        if after is not None:
            assert after == "failed" or RANK[after] > RANK.get(state, 0)
            state = after
    if "read" in told:
        assert state == "read"
    elif "delivered" in told:
        assert state == "delivered"


@given(st.dictionaries(st.sampled_from(STATES), st.integers(0, 50)))
def test_no_message_is_dropped_from_the_counters(by_state: dict[str, int]) -> None:
    found = counters(by_state)
    assert found.total == sum(by_state.values()) - by_state.get("skipped", 0)
    assert found.sent + found.failed + found.pending + found.unknown == found.total
    assert found.sent >= found.delivered >= found.read
    assert found.waiting + found.in_hand + found.handed_off == found.pending


def test_nothing_follows_on_what_nobody_may_send_again() -> None:
    assert not may_follow("unknown", "claimed") and not may_follow("sending", "claimed")
    assert not FOLLOWERS["skipped"] and not FOLLOWERS["read"]
    assert all(mark(state)[1] for state in STATES) and mark("new") == ("?", "new", "muted")
    assert after_report("failed", "sent", "not_sent") == "sent" and after_report("pending", "failed") is None


def test_a_list_of_stop_words() -> None:
    words = stop_words.parse("stop, STOP ;acha\nstop  all")
    assert words == ("STOP", "ACHA", "STOP ALL")
    assert stop_words.is_stop("Stop — all!", words) and not stop_words.is_stop("", words)
    assert not stop_words.is_stop("stop " * 50, words) and stop_words.is_stop("ÁCHA", words)
    for wrong in ("", " , ;", "x" * 41):
        with pytest.raises(Invalid):
            stop_words.parse(wrong)


@pytest.mark.parametrize(
    ("pace", "count", "minutes"),
    [
        (Pace(), 100_000, 0),
        (Pace(60), 60, 0),
        (Pace(60), 61, 1),
        (Pace(60), 600, 9),
        (Pace(4, spaced=True), 5, 1),
        (Pace(60, daily=250), 1000, 3 * 24 * 60 + 4),
        (Pace(60, quiet=QuietHours.parse("12:00-13:00")), 1, 60),
        (Pace(1, quiet=QuietHours.parse("13:00-14:00")), 61, 120),
    ],
)
def test_when_many_are_through(pace: Pace, count: int, minutes: int) -> None:
    found = eta(pace, count, NOON, NAIROBI)
    assert found.ends_at is not None and found.begins_at is not None
    assert abs((found.ends_at - NOON) - timedelta(minutes=minutes)) < timedelta(minutes=1)


def test_never_is_said() -> None:
    assert eta(Pace(0), 1, NOON, NAIROBI).ends_at is None
    assert eta(Pace(quiet=QuietHours(0, 24 * 60)), 1, NOON, NAIROBI).ends_at is None
