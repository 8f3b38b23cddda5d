"""The morning digest: once for each person and day, by their own clock, of what they have to do; none to the idle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from leadtui.services import activities, admin, digest, escalation, reminders
from leadtui.services.office import Office

from .lead_help import ONE_ENGINE, acting_as, add, add_users
from .test_reminders import NOON, Move, kept

MONDAY = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
"""Half past seven in Nairobi."""


def go(office: Office) -> int:
    """The step of the routine."""
    return digest.morning(office, limit=100, may_go_on=lambda: True)


def plan(office: Office, login: str, phone: str, *days: str) -> None:
    """Follow-ups of this person on these days."""
    lead = add(office, phone, assigned_to=login, name=login.title())
    for day in days:
        with acting_as(office, login) as other:
            activities.add_follow_up(other, lead, day, subject=f"call on {day[-5:]}")


def test_once_a_day_to_those_who_have_something_to_do(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    add_users(office, "wanjiku:agent", "idle:agent")
    plan(office, "wanjiku", "0722000111", "2026-11-21", "2026-11-23", "2026-11-23 15:00", "2026-11-24")
    frozen_clock(MONDAY - timedelta(minutes=1))
    assert go(office) == 0
    frozen_clock(MONDAY)
    assert (go(office), go(office)) == (3, 0)
    assert kept(office, "digest") == [("wanjiku", "2026-11-23")]
    with acting_as(office, "wanjiku") as agent:
        (row,) = reminders.mine(agent)
        assert row.text == "Today: 1 overdue, 2 for today"
        with agent.read() as tx:
            assert digest.digest_lines(tx) == [
                "late  Wanjiku: call on 11-21", "today  Wanjiku: call on 11-23", "15:00  Wanjiku: call on 15:00",
            ]  # fmt: skip
    frozen_clock(MONDAY + timedelta(days=1))
    assert go(office) == 3
    with acting_as(office, "wanjiku") as agent:
        assert [row.text for row in reminders.mine(agent)] == ["Today: 3 overdue, 1 for today"], "the old one is over"


@ONE_ENGINE
def test_what_was_passed_on_in_the_night_is_still_told(office: Office, frozen_clock: Move) -> None:
    """Where work goes on by itself nothing is overdue in the morning: it was planned anew (spec AJ2), and not done."""
    frozen_clock(NOON)
    add_users(office, "wanjiku:agent")
    plan(office, "wanjiku", "0722000111", "2026-11-20")
    frozen_clock(MONDAY - timedelta(hours=7))
    assert escalation.process_overdue(office) == 1
    frozen_clock(MONDAY)
    go(office)
    with acting_as(office, "wanjiku") as agent:
        assert [row.text for row in reminders.mine(agent) if row.kind == "digest"] == [
            "Today: 1 missed and planned anew"
        ]
        with agent.read() as tx:
            assert digest.digest_lines(tx) == ["missed  Wanjiku: call on 11-20"]


def test_by_each_ones_own_morning_and_not_on_days_off(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    add_users(office, "nelly:agent", "wanjiku:agent")
    admin.edit_user(office, "nelly", {"timezone": "America/New_York"})
    plan(office, "nelly", "0722000111", "2026-11-20")
    plan(office, "wanjiku", "0722000112", "2026-11-20")
    frozen_clock(datetime(2026, 11, 22, 6, 0, tzinfo=UTC))
    go(office)
    assert kept(office, "digest") == [], "a Sunday"
    frozen_clock(MONDAY)
    go(office)
    assert kept(office, "digest") == [("wanjiku", "2026-11-23")]
    frozen_clock(datetime(2026, 11, 23, 12, 30, tzinfo=UTC))
    go(office)
    assert kept(office, "digest")[1:] == [("nelly", "2026-11-23")]


@ONE_ENGINE
def test_after_downtime_until_noon_and_never_when_told_so(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    activities.add_follow_up(office, add(office), "2026-11-20")
    frozen_clock(MONDAY + timedelta(hours=6))
    assert go(office) == 0
    frozen_clock(MONDAY + timedelta(days=1, hours=4))
    assert go(office) == 1
    admin.set_setting(office, "digest_at", "")
    frozen_clock(MONDAY + timedelta(days=2))
    assert go(office) == 0


@ONE_ENGINE
def test_a_night_of_twenty_five_hours(make_office: Callable[..., Office], frozen_clock: Move) -> None:
    frozen_clock(datetime(2026, 10, 28, 9, 0, tzinfo=UTC))
    office = make_office(timezone="Africa/Cairo")
    activities.add_follow_up(office, add(office), "2026-10-28")
    admin.set_setting(office, "working_hours", "")
    admin.set_setting(office, "quiet_hours", "00:30-00:31")
    admin.set_setting(office, "digest_at", "23:30")
    for hour in (20, 21, 22, 23):  # 23:30 of the 29th is twice: at 20:30 and at 21:30 UTC
        frozen_clock(datetime(2026, 10, 29, hour, 45, tzinfo=UTC))
        go(office)
    assert kept(office, "digest") == [("boss", "2026-10-29")]
