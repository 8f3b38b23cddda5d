"""Steps of drips as people type them; rules about behaviour; which channel goes first. Pure."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.domain.drips import DripStep, EnrollRule, check_steps, parse_step, parse_until, step_from, steps_from_toml
from leadtui.domain.orchestration import CHANNELS, LAST, Talk, preferences, ranked
from leadtui.domain.triggers import Condition, Seen, goes_off
from leadtui.errors import Invalid

NAIROBI = ZoneInfo("Africa/Nairobi")


@pytest.mark.parametrize(
    ("typed", "step"),
    [
        ("0h whatsapp: Hi {name}, at 9:00 | ok", DripStep(0, "message", "whatsapp", body="Hi {name}, at 9:00 | ok")),
        ("48h task for technician: Call {name} | ask", DripStep(2880, "task", subject="Call {name}", body="ask",
                                                                to="technician")),
        ("5d email: News | Dear {name},\nhello", DripStep(7200, "message", "email", "News", "Dear {name},\nhello")),
        ("30m sms template Offer", DripStep(30, "message", "sms", template="Offer")),
        ("2h message by telegram: Hi", DripStep(120, "message", "telegram", body="Hi")),
        ("24h follow_up by showing-followup: Ask", DripStep(1440, "follow_up", subject="Ask",
                                                            context="showing_followup")),
        ("now wait_until: sat 10:30", DripStep(0, "wait_until", until=parse_until("sat 10:30"))),
        ("0h wait_until: where tag:vip -is:lost within 3d else stop",
         DripStep(0, "wait_until", until=parse_until("where tag:vip -is:lost within 72h else stop"))),
    ],
)  # fmt: skip
def test_a_step_as_typed_is_written_back_the_same(typed: str, step: DripStep) -> None:
    assert parse_step(typed) == step
    assert parse_step(step.text) == step
    assert step_from({k: v for k, v in step.as_json().items() if k not in {"text", "delay_minutes"}}) == step


def test_the_types_of_the_source_are_messages() -> None:
    told = {"delayHours": 48, "type": "email", "content": "Dear {name}", "subject": "News", "templateId": ""}
    assert step_from(told) == DripStep(2880, "message", "email", "News", "Dear {name}")
    assert step_from({"delayHours": 0, "type": "sms", "content": "Hi"}).channel == "sms"
    assert (alert := step_from({"delayHours": 24, "type": "property_alert", "content": "New"})).type == "message"
    assert (alert.channel, alert.word, alert.text) == (None, "property_alert", "24h property_alert: New")
    assert parse_step("24h property_alert by email: New | Homes").text == "24h property_alert by email: New | Homes"
    assert step_from({"delayHours": 48, "type": "task", "content": "Call", "subject": "Call {name}"}).type == "task"


def test_steps_of_a_file() -> None:
    toml = """
[[steps]]
delay = "0h"
type = "whatsapp"
text = "Hi"
[[steps]]
delay = "2d"
type = "task"
text = "Call"
"""
    lines = "# a drip\n0h whatsapp: Hi\n\n2d task: Call\n"
    assert steps_from_toml(toml) == steps_from_toml(lines)
    for bad in ("[[steps]]\nx = 1\n", "[[steps]\n", "hello", '[[steps]]\ndelay = "soon"\n'):
        with pytest.raises(Invalid):
            steps_from_toml(bad)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ("", "steps"), ("0h message: ", "steps[1].body"), ("0h task: ", "steps[1].subject"),
        ("0h email: no subject", "steps[1].subject"), ("0h wait_until: 09:00", "steps[1].type"),
    ],
)  # fmt: skip
def test_what_must_be_true_of_steps(typed: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_steps([parse_step(typed)] if typed else [], channel="file")
    assert caught.value.field == field


@given(st.text(max_size=60))
def test_any_text_is_a_step_or_refused(text: str) -> None:
    try:
        step = parse_step(text)
    except Invalid:
        return
    assert parse_step(step.text).type == step.type


@given(st.dictionaries(st.sampled_from(["delay", "type", "text", "until", "timeout", "channel", "x"]),
                       st.one_of(st.text(max_size=12), st.integers(), st.floats(), st.none())))  # fmt: skip
def test_any_record_is_a_step_or_refused(values: dict[str, Any]) -> None:
    with contextlib.suppress(Invalid):
        assert step_from(values).delay_minutes >= 0


@pytest.mark.parametrize(
    ("text", "at", "then"),
    [
        ("09:00", "2026-11-20T09:00", "2026-11-21T06:00"),  # noon on Friday in Nairobi
        ("mon-fri 09:00", "2026-11-20T09:00", "2026-11-23T06:00"),
        ("12:00", "2026-11-20T09:00", "2026-11-20T09:00"),
        ("fri sun 11:59", "2026-11-20T09:00", "2026-11-22T08:59"),
    ],
)
def test_the_next_moment_of_a_time_of_day(text: str, at: str, then: str) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert parse_until(text).next_moment(moment, NAIROBI) == datetime.fromisoformat(then).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "25:00", "soon", "status", "where", "xyz 09:00", "09:60"])
def test_nothing_to_wait_for(text: str) -> None:
    with pytest.raises(Invalid):
        parse_until(text)


def test_who_comes_in_by_itself() -> None:
    assert EnrollRule.parse("created").words == "new leads"
    assert EnrollRule.parse("status:Site Survey", "tag:vip").text == "status:Site Survey"
    assert EnrollRule.of({"enroll": EnrollRule.parse("created", "tag:vip").as_option()}).where == "tag:vip"
    assert EnrollRule.parse("").as_option() is None
    with pytest.raises(Invalid):
        EnrollRule.parse("everybody")


# -- behaviour ---------------------------------------------------------------------------------------------------------
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
TODAY = date(2026, 11, 20)


@given(st.lists(st.integers(0, 5_000), max_size=30), st.integers(1, 8), st.integers(1, 48))
def test_a_count_within_a_time_is_what_a_slow_count_says(ago: list[int], count: int, hours: int) -> None:
    before = [Seen("x", NOW - timedelta(minutes=one)) for one in sorted(ago)]
    slow = 1 + sum(1 for one in ago if one < hours * 60)
    condition = Condition(count=count, within_hours=hours)
    assert goes_off(condition, Seen("x", NOW), before, frozenset(), TODAY) == (slow >= count)


@given(st.lists(st.booleans(), max_size=12), st.integers(1, 6))
def test_a_run_is_ended_by_what_breaks_it(opened: list[bool], wanted: int) -> None:
    before = [Seen("email_open" if one else "email_ignored", NOW) for one in opened]
    run = 1 + (opened.index(False) if False in opened else len(opened))
    condition = Condition(consecutive=wanted)
    assert goes_off(condition, Seen("email_open", NOW), before, frozenset(), TODAY) == (run >= wanted)


@given(st.sets(st.integers(0, 9)), st.integers(1, 9))
def test_each_day_of_so_many(back: set[int], days: int) -> None:
    seen = frozenset(TODAY - timedelta(days=one) for one in back)
    condition = Condition(daily_for_days=days)
    assert goes_off(condition, Seen("x", NOW), (), seen, TODAY) == set(range(days)).issubset(back)


# -- channels ----------------------------------------------------------------------------------------------------------
def test_an_answer_counts_for_what_was_sent_last_and_only_once() -> None:
    newest_first = [
        Talk("sms", is_from_lead=True), Talk("sms", is_from_lead=True), Talk("sms", is_from_lead=False),
        Talk("sms", is_from_lead=False), Talk("phone", is_from_lead=False, is_taken_up=True),
        Talk("email", is_from_lead=True), Talk("pigeon", is_from_lead=False),
    ]  # fmt: skip
    found = preferences(newest_first)
    assert (found["sms"].responded, found["sms"].sent, found["sms"].ratio) == (1, 2, 0.5)
    assert (found["phone"].ratio, found["email"].ratio, found["whatsapp"].ratio) == (1.0, 0.0, 0.0)
    assert preferences([Talk("sms", is_from_lead=False)] * 80)["sms"].sent == LAST


@given(st.lists(st.builds(Talk, st.sampled_from(CHANNELS), st.booleans(), st.booleans()), max_size=80))
def test_never_more_answers_than_were_sent(talks: list[Talk]) -> None:
    found = preferences(talks)
    assert all(0 <= one.responded <= one.sent for one in found.values())
    order = ranked(found, dict.fromkeys(CHANNELS, True))
    ratios = [found[one].ratio for one in order]
    assert ratios == sorted(ratios, reverse=True)
