"""Reminders: one per person and occurrence, at the right moment by everybody's clock, for leads in reach only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from leadtui.errors import Invalid, NotFound
from leadtui.services import (
    activities,
    admin,
    assignment,
    escalation,
    history,
    leads,
    lifecycle,
    notifying,
    old_notices,
    reminders,
)
from leadtui.services.office import Office
from leadtui.store import schema as t

from .lead_help import ONE_ENGINE, acting_as, add, add_users

Move = Callable[[datetime], None]

NOON = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
"""Friday noon in Nairobi: where the clock of these tests begins."""


def kept(office: Office, kind: str = "reminder") -> list[tuple[str, str]]:
    """Who was told what, as (login, occurrence without its kind)."""
    n = t.notification.c
    users = {user.id: user.login for user in office.catalog.users}
    with office.read() as tx:
        rows = tx.conn.execute(select(n.user_id, n.occurrence).where(n.kind == kind).order_by(n.id)).all()
    return [(users[row.user_id], row.occurrence.partition(":")[2]) for row in rows]


def open_activity(office: Office, lead_id: int) -> int:
    """The id of the lead's earliest open activity."""
    found = [one for one in leads.get(office, lead_id).activities if one.scheduled_at and not one.completed_at]
    return min(found, key=lambda one: one.scheduled_at or NOON).id


def test_due_at_its_time_once_and_again_after_a_reschedule(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    lead = add(office)
    activities.add_follow_up(office, lead, "2026-11-20 14:00", subject="ask about the survey")
    assert reminders.make_due(office) == 0
    frozen_clock(NOON + timedelta(hours=2))
    assert reminders.make_due(office) == 1
    assert reminders.make_due(office) == 0
    activity = open_activity(office, lead)
    assert kept(office) == [("boss", f"{activity}:20261120T110000")]
    (row,) = reminders.mine(office)
    assert (row.text, row.lead_id, row.title, row.late) == ("ask about the survey", lead, "+254722000111", False)

    activities.reschedule(office, activity, "2026-11-20 16:00")
    assert reminders.mine(office) == (), "what was moved is not due"
    frozen_clock(NOON + timedelta(hours=4))
    assert reminders.make_due(office) == 1
    assert [row.due_at for row in reminders.mine(office)] == [NOON + timedelta(hours=4)]

    activities.reschedule(office, activity, "2026-11-20 14:00")
    assert reminders.make_due(office) == 1, "looked at"
    assert len(kept(office)) == 2, "never twice for one occurrence"
    activities.complete(office, activity)
    assert reminders.mine(office) == ()
    assert reminders.unseen(office) == 0


def test_who_takes_a_lead_over_is_reminded_of_what_is_due_today(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    add_users(office, "wanjiku:agent", "otieno:agent")
    lead = add(office, assigned_to="wanjiku", follow_up="2026-11-20 13:00")
    frozen_clock(NOON + timedelta(hours=2))
    assert reminders.make_due(office) == 1
    assignment.assign(office, lead, "otieno")
    assert (reminders.make_due(office), reminders.make_due(office)) == (1, 0)
    assert [login for login, _ in kept(office)] == ["wanjiku", "otieno"]
    history.undo(office)
    reminders.make_due(office)
    assert len(kept(office)) == 2, "each of them once"
    with acting_as(office, "wanjiku") as agent:
        assert len(reminders.mine(agent)) == 1


def test_notices_of_long_ago_are_forgotten_and_do_not_come_again(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    leads_ = [add(office, f"07220002{n:02}") for n in range(4)]
    for lead in leads_:
        activities.add_follow_up(office, lead, "2026-11-20 12:00")
    assert reminders.make_due(office) == 4
    first, _done, third, fourth = (row.id for row in reversed(reminders.mine(office)))
    reminders.seen(office, [first])
    activities.complete(office, open_activity(office, leads_[1]))
    reminders.snooze(office, third, "1d")

    def forget() -> int:
        return old_notices.forget(office, limit=1, may_go_on=lambda: True)

    for days in (1, 89):
        frozen_clock(NOON + timedelta(days=days))
        assert forget() == 0
    frozen_clock(NOON + timedelta(days=91))
    assert (forget(), forget()) == (2, 0), "seen, or of something done; what waits for somebody stays"
    assert {row.id for row in reminders.mine(office, seen=True)} == {third, fourth}
    assert reminders.make_due(office) == 0


def test_three_hours_of_downtime_are_caught_up(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    made = [add(office, f"07220001{n:02}") for n in range(12)]
    for n, lead in enumerate(made):
        activities.add_follow_up(office, lead, f"2026-11-20 {12 + n // 4}:{15 * (n % 4):02}")
    frozen_clock(NOON + timedelta(hours=3))
    assert reminders.make_due(office, limit=5) == 5
    assert reminders.make_due(office, limit=100) == 7
    assert len(set(kept(office))) == 12


def test_whole_days_when_the_working_day_begins(office: Office, frozen_clock: Move) -> None:
    add_users(office, "night:agent", "wanjiku:agent")
    admin.edit_user(office, "night", {"working_hours": "daily 20:00-23:00"})
    frozen_clock(NOON)
    for login, phone in (("wanjiku", "0722000101"), ("night", "0722000102")):
        lead = add(office, phone, assigned_to=login)
        activities.add_follow_up(office, lead, "2026-11-22")  # a Sunday: nobody but the night works
    frozen_clock(datetime(2026, 11, 22, 16, 59, tzinfo=UTC))
    assert reminders.make_due(office) == 0
    frozen_clock(datetime(2026, 11, 22, 17, 0, tzinfo=UTC))  # 20:00 in Nairobi
    assert reminders.make_due(office) == 1
    frozen_clock(datetime(2026, 11, 23, 4, 59, tzinfo=UTC))
    assert reminders.make_due(office) == 0
    frozen_clock(datetime(2026, 11, 23, 5, 0, tzinfo=UTC))  # Monday 08:00
    assert reminders.make_due(office) == 1
    assert [login for login, _ in kept(office)] == ["night", "wanjiku"]


def test_leads_out_of_reach_are_left_alone(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    names = ("lost", "parked", "deleted", "back", "kept")
    made = {name: add(office, f"07220001{n:02}") for n, name in enumerate(names)}
    for lead in made.values():
        activities.add_follow_up(office, lead, "2026-11-20 13:00")
    frozen_clock(NOON + timedelta(minutes=5))
    lifecycle.lose(office, made["lost"], "too dear")
    lifecycle.set_status(office, made["parked"], "Future Prospect")
    lifecycle.delete(office, made["deleted"])
    lifecycle.delete(office, made["back"])
    activities.add_follow_up(office, made["parked"], "2026-11-20 13:30", subject="planned when it was parked")
    activities.add_follow_up(office, made["lost"], "2026-11-20 13:40", subject="ask once more")
    frozen_clock(NOON + timedelta(hours=1))
    assert reminders.make_due(office) == 1
    lifecycle.restore(office, made["back"])
    assert reminders.make_due(office) == 1, "a lead that came back within a day"
    frozen_clock(NOON + timedelta(hours=2))
    assert reminders.make_due(office) == 2
    assert [row.lead_id for row in reminders.mine(office)] == [made[x] for x in ("lost", "parked", "back", "kept")]
    frozen_clock(NOON + timedelta(days=2))
    assert reminders.make_due(office) == 3, "after a day the others are set aside"
    assert len(kept(office)) == 4


def test_whom_a_reminder_goes_to(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    add_users(office, "wanjiku:agent", "otieno:agent", "dora:director")
    named, moved, nobodys = (add(office, f"07220001{n:02}", assigned_to="wanjiku") for n in range(3))
    for lead in (named, moved, nobodys):
        with acting_as(office, "wanjiku") as other:
            activities.add_follow_up(other, lead, "2026-11-20 13:00")
    lifecycle.assign(office, moved, "otieno")
    lifecycle.assign(office, nobodys, None)
    frozen_clock(NOON + timedelta(hours=1))
    assert reminders.make_due(office) == 3
    told = [(login, number) for login, number in kept(office)]
    assert [login for login, _ in told] == ["wanjiku", "otieno", "boss", "dora"], "the unassigned one: who may assign"
    admin.set_user_active(office, "wanjiku", False)
    activities.reschedule(office, open_activity(office, named), "2026-11-20 13:30")
    frozen_clock(NOON + timedelta(hours=2))
    assert reminders.make_due(office) == 1
    assert [login for login, _ in kept(office)][4:] == ["boss", "dora"]


@ONE_ENGINE
def test_what_came_in_late_is_late_and_not_reminded_of(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    activities.add_follow_up(office, add(office), "2026-11-01 10:00")
    activities.add_follow_up(office, add(office, "0722000112"), "2026-11-20 08:00")
    assert reminders.make_due(office) == 2
    assert len(kept(office)) == 1


def test_seen_and_snoozed_by_its_person_only(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    add_users(office, "wanjiku:agent")
    lead = add(office, assigned_to="wanjiku")
    for clock_time in ("12:10", "12:20", "12:30"):
        with acting_as(office, "wanjiku") as agent:
            activities.add_follow_up(agent, lead, f"2026-11-20 {clock_time}")
    frozen_clock(NOON + timedelta(hours=1))
    reminders.make_due(office)
    with acting_as(office, "wanjiku") as agent:
        newest, middle, oldest = reminders.mine(agent)
        with pytest.raises(NotFound):
            reminders.seen(office, [oldest.id])
        with pytest.raises(NotFound):
            reminders.snooze(office, oldest.id, "10m")
        assert reminders.seen(agent, [oldest.id]) == 1
        assert reminders.seen(agent, [oldest.id]) == 0
        assert reminders.snooze(agent, middle.id, "10m").due_at == NOON + timedelta(hours=1, minutes=10)
        assert [row.id for row in reminders.mine(agent)] == [newest.id]
        frozen_clock(NOON + timedelta(hours=1, minutes=11))
        assert [row.id for row in reminders.mine(agent)] == [middle.id, newest.id]
        assert reminders.seen(agent) == 2
        assert reminders.unseen(agent) == 0
        assert {row.id for row in reminders.mine(agent, seen=True)} == {newest.id, middle.id, oldest.id}


@ONE_ENGINE
def test_until_when_a_notice_sleeps(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    for text, at in (
        ("10m", datetime(2026, 11, 20, 9, 10, tzinfo=UTC)),
        ("1 h", datetime(2026, 11, 20, 10, 0, tzinfo=UTC)),
        ("tomorrow", datetime(2026, 11, 21, 6, 0, tzinfo=UTC)),  # Saturdays begin at nine
        ("2026-11-22", datetime(2026, 11, 23, 5, 0, tzinfo=UTC)),
        ("2026-11-20 18:30", datetime(2026, 11, 20, 15, 30, tzinfo=UTC)),
    ):
        with office.read() as tx:
            assert reminders.wake_time(tx, text) == at, text
    with office.read() as tx:
        for bad in ("2026-11-20 11:00", "0m", "soon"):
            with pytest.raises(Invalid):
                reminders.wake_time(tx, bad)


def test_a_notice_is_told_once_per_user(office: Office, frozen_clock: Move) -> None:
    add_users(office, "wanjiku:agent", "gone:agent")
    admin.set_user_active(office, "gone", False)
    ids = {user.login: user.id for user in office.catalog.users}
    with office.as_system() as tx:
        notes = [notifying.Notice(ids[login], "loan", "loan:1:2026-11-20", "a\x1b]0;b\n c") for login in ids]
        assert notifying.notify_many(tx, notes) == 2
        assert notifying.notify_many(tx, notes) == 0
        assert notifying.notify(tx, ids["boss"], "loan", "loan:1:2026-11-21", "again")
    assert [row.text for row in reminders.mine(office)] == ["again", "a]0;b c"]


def test_made_twice_at_once_is_made_once(office: Office, frozen_clock: Move) -> None:
    from concurrent.futures import ThreadPoolExecutor

    frozen_clock(NOON)
    for n in range(40):
        activities.add_follow_up(office, add(office, f"07220001{n:02}"), "2026-11-20 12:30")
        activities.add_follow_up(office, f"07220001{n:02}", "2026-11-18 12:30")
    frozen_clock(NOON + timedelta(hours=1))
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: reminders.make_due(office), range(4)))
        done = list(pool.map(lambda _: escalation.process_overdue(office), range(4)))
    assert (sum(made), sum(done)) == (80, 40)
    assert len(set(kept(office))) == len(kept(office)) == 40
    assert len(set(kept(office, "escalation"))) == len(kept(office, "escalation")) == 40


def test_a_reminder_keeps_nobody_from_undoing(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    lead = add(office)
    batch = activities.add_follow_up(office, lead, "2026-11-20 12:10").batch
    frozen_clock(NOON + timedelta(hours=1))
    assert reminders.make_due(office) == 1
    assert history.undo(office, batch).refused == ()
    assert reminders.mine(office) == ()
    assert leads.rows(office, [lead])[0].next_follow_up is None
    moved = activities.add_follow_up(office, lead, "2026-11-20 13:10")
    frozen_clock(NOON + timedelta(hours=2))
    reminders.make_due(office)
    activities.reschedule(office, open_activity(office, lead), "2026-11-20 16:10")
    history.undo(office)
    assert reminders.make_due(office) == 0, "back at the time it was reminded of"
    assert len(reminders.mine(office)) == 1
    lifecycle.delete(office, lead)
    lifecycle.purge(office, moved.lead.number, "gone for good")
    assert kept(office) == []


@ONE_ENGINE
def test_the_calendar_of_a_night_with_a_change_of_clocks(
    make_office: Callable[..., Office], frozen_clock: Move
) -> None:
    frozen_clock(datetime(2027, 3, 12, 9, 0, tzinfo=UTC))
    office = make_office(timezone="America/New_York")  # on 14 March 02:30 is left out
    activities.add_follow_up(office, add(office), "2027-03-14 02:30", subject="when there is no such time")
    activities.add_follow_up(office, add(office, "0722000112"), "2027-03-15", subject="the day after")
    frozen_clock(datetime(2027, 3, 14, 6, 59, tzinfo=UTC))
    assert reminders.make_due(office) == 0
    frozen_clock(datetime(2027, 3, 14, 7, 30, tzinfo=UTC))
    assert reminders.make_due(office) == 1
    frozen_clock(datetime(2027, 3, 15, 11, 59, tzinfo=UTC))
    assert reminders.make_due(office) == 0
    frozen_clock(datetime(2027, 3, 15, 12, 0, tzinfo=UTC))  # eight o'clock of summer time
    assert reminders.make_due(office) == 1
