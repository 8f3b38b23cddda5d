"""The words of the day: moments near today, why something stands there, spans."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.domain.today import follow_up_reason, moment_words, rotting_reason, span_words

NAIROBI = ZoneInfo("Africa/Nairobi")
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
"""Friday noon in Nairobi."""


@pytest.mark.parametrize(
    ("at", "all_day", "words"),
    [
        (datetime(2026, 11, 20, 11, tzinfo=UTC), False, "today 14:00"),
        (datetime(2026, 11, 19, 21, 30, tzinfo=UTC), False, "today 00:30"),  # yesterday in Greenwich
        (datetime(2026, 11, 18, 7, tzinfo=UTC), False, "Wednesday 10:00"),
        (datetime(2026, 11, 21, 7, tzinfo=UTC), True, "tomorrow"),
        (datetime(2026, 11, 13, 7, tzinfo=UTC), True, "13 Nov"),
        (datetime(2025, 11, 13, 7, tzinfo=UTC), False, "13 Nov 2025 10:00"),
    ],
)
def test_moments(at: datetime, all_day: bool, words: str) -> None:
    assert moment_words(at, all_day, NOW, NAIROBI) == words


def test_reasons() -> None:
    wednesday = datetime(2026, 11, 18, 7, tzinfo=UTC)
    day = datetime(2026, 11, 17, 21, tzinfo=UTC)  # the 18th, midnight in Nairobi
    why = follow_up_reason("follow_up", wednesday, False, "ask about the landlord", NOW, NAIROBI)
    assert why == "follow-up was due Wednesday 10:00 — ask about the landlord"
    assert follow_up_reason("call", wednesday, False, "call", NOW, NAIROBI) == "call was due Wednesday 10:00"
    assert follow_up_reason("follow_up", day, True, "", NOW, NAIROBI, day) == (
        "follow-up was due Wednesday, late since Wednesday"
    )
    assert follow_up_reason("site_visit", NOW + timedelta(hours=2), False, "", NOW, NAIROBI) == "site visit at 14:00"
    assert rotting_reason("New", NOW - timedelta(days=9), 48, NOW) == "in New for 9 days, 2 days at most"


@given(
    st.integers(-3_000_000, 3_000_000),
    st.integers(-3_000_000, 3_000_000),
    st.booleans(),
    st.text(max_size=40),
    st.sampled_from(["Africa/Nairobi", "Africa/Cairo", "America/New_York", "Pacific/Apia"]),
)
def test_there_is_always_a_reason_in_one_line(at_min: int, now_min: int, whole: bool, subject: str, zone: str) -> None:
    at, now = NOW + timedelta(minutes=at_min), NOW + timedelta(minutes=now_min)
    words = follow_up_reason("follow_up", at, whole, subject, now, ZoneInfo(zone))
    assert words.startswith("follow-up ")
    assert "\n" not in words


@given(st.timedeltas(timedelta(days=-2), timedelta(days=4000)))
def test_a_span_is_in_hours_up_to_two_days(span: timedelta) -> None:
    number, unit = span_words(span).split()
    assert unit.rstrip("s") == ("hour" if span < timedelta(hours=48) else "day")
    assert int(number) >= 0
