"""Overdue follow-ups: escalated once, replaced by the next one, by everybody's clock; closed leads are left alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from leadtui.errors import Refused
from leadtui.services import activities, admin, escalation, follow_ups, history, leads, lifecycle, reminders
from leadtui.services.office import Office
from leadtui.store import schema as t

from .lead_help import ONE_ENGINE, acting_as, add, add_users, dump
from .test_reminders import NOON, Move, kept

MONDAY = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
"""Nine in the morning in Nairobi."""


def activity_rows(office: Office, lead_id: int) -> list[Any]:
    """All that was planned with a lead, the oldest first."""
    a = t.activity.c
    with office.read() as tx:
        query = select(t.activity).where(a.lead_id == lead_id, a.context.is_not(None) | a.cancelled_at.is_not(None))
        return list(tx.conn.execute(query.order_by(a.id)).all())


def test_escalated_once_and_replaced(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    add_users(office, "wanjiku:agent", "dora:director")
    lead = add(office, assigned_to="wanjiku", name="Achieng")
    with acting_as(office, "wanjiku") as agent:
        activities.add_follow_up(agent, lead, "2026-11-20 14:00", subject="ask the landlord")
    frozen_clock(datetime(2026, 11, 20, 20, 59, tzinfo=UTC))
    assert escalation.process_overdue(office) == 0, "overdue begins with the next day"
    frozen_clock(MONDAY)
    assert escalation.process_overdue(office) == 1
    assert escalation.process_overdue(office) == 0

    old, new = activity_rows(office, lead)
    assert (old.escalated_at, old.cancelled_at, old.completed_at, old.replaced_by_id) == (MONDAY, MONDAY, None, new.id)
    assert (new.context, new.priority, new.subject, new.type) == (
        "overdue_followup", "high", "ask the landlord", "follow_up",
    )  # fmt: skip
    assert new.scheduled_at == MONDAY + timedelta(days=1), "the default delay, in working hours"
    assert new.assigned_to_id == old.assigned_to_id
    assert new.metadata_json["previous_activity"] == old.id
    assert new.metadata_json["late_since"] == "2026-11-20T11:00:00+00:00"
    assert leads.rows(office, [lead])[0].next_follow_up == new.scheduled_at
    assert [login for login, _ in kept(office, "escalation")] == ["boss", "dora"]
    (row,) = reminders.mine(office)
    assert row.text == "ask the landlord (wanjiku, 3 days late)"
    assert (row.title, row.kind) == ("Achieng", "escalation")

    frozen_clock(MONDAY + timedelta(days=2))
    assert escalation.process_overdue(office) == 1
    newest = activity_rows(office, lead)[-1]
    assert newest.metadata_json["times_late"] == 2
    assert newest.metadata_json["late_since"] == "2026-11-20T11:00:00+00:00"
    assert reminders.mine(office)[0].text == "ask the landlord (wanjiku, 5 days late, 2 times)"


def test_the_manager_alone_where_there_is_one(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    add_users(office, "wanjiku:agent", "dora:director")
    with_manager = add(office, assigned_to="wanjiku", manager="dora")
    nobodys = add(office, "0722000112")
    lifecycle.assign(office, nobodys, None)
    for lead in (with_manager, nobodys):
        activities.add_follow_up(office, lead, "2026-11-18")
    assert escalation.process_overdue(office) == 2
    told = kept(office, "escalation")
    assert [login for login, _ in told] == ["dora", "boss", "dora"]


@ONE_ENGINE
def test_nobody_but_the_assignee_is_left(office: Office, frozen_clock: Move) -> None:
    activities.add_follow_up(office, add(office, assigned_to="boss"), "2026-11-18")
    assert escalation.process_overdue(office) == 1
    assert [login for login, _ in kept(office, "escalation")] == ["boss"]


def test_closed_leads_are_left_alone_and_protected_ones_are_not(office: Office, frozen_clock: Move) -> None:
    made = {name: add(office, f"07220001{n:02}") for n, name in enumerate(("lost", "parked", "deleted", "protected"))}
    for lead in made.values():
        activities.add_follow_up(office, lead, "2026-11-18")
    lifecycle.lose(office, made["lost"], "too dear")
    lifecycle.set_status(office, made["parked"], "Future Prospect")
    lifecycle.delete(office, made["deleted"])
    lifecycle.protect(office, made["protected"], "a friend of the house")
    before = {name: dump(office)[name] for name in ("stage_change", "document")}
    assert escalation.process_overdue(office) == 1
    assert len(activity_rows(office, made["protected"])) == 2
    assert {name: dump(office)[name] for name in before} == before
    lifecycle.set_status(office, made["parked"], "Contacted", reason="wants it after all")
    assert escalation.process_overdue(office) == 1


@pytest.mark.parametrize(("after", "due"), [("0", 1), ("60", 61), ("day", 24 * 60)])
def test_after_how_long(office: Office, frozen_clock: Move, after: str, due: int) -> None:
    frozen_clock(NOON)
    admin.set_setting(office, "escalate_after", after)
    lead = add(office)
    activities.add_follow_up(office, lead, "2026-11-20 14:00")
    activities.add_follow_up(office, add(office, "0722000112"), "2026-11-20")  # the whole day: over at its end
    planned = NOON + timedelta(hours=2)
    frozen_clock(planned + timedelta(minutes=due - 1) if after != "day" else planned + timedelta(hours=9, minutes=59))
    assert escalation.process_overdue(office) == 0
    frozen_clock(planned + timedelta(minutes=due))
    assert escalation.process_overdue(office) == (2 if after == "day" else 1)
    frozen_clock(planned + timedelta(days=1))
    left = escalation.process_overdue(office)
    assert left == (0 if after == "day" else 1)


@ONE_ENGINE
@pytest.mark.parametrize(("minutes", "words"), [(61, "61 min late"), (500, "8 hours late"), (24 * 60, "1 day late")])
def test_how_late_in_words_a_person_reads(office: Office, frozen_clock: Move, minutes: int, words: str) -> None:
    frozen_clock(NOON)
    admin.set_setting(office, "escalate_after", "60")
    activities.add_follow_up(office, add(office), "2026-11-20 14:00", subject="call")
    frozen_clock(NOON + timedelta(hours=2, minutes=minutes))
    escalation.process_overdue(office)
    assert reminders.mine(office)[0].text == f"call (boss, {words})"


def test_late_by_the_clock_of_its_person(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    add_users(office, "nelly:agent", "wanjiku:agent")
    admin.edit_user(office, "nelly", {"timezone": "America/New_York"})
    for login, phone in (("nelly", "0722000101"), ("wanjiku", "0722000102")):
        lead = add(office, phone, assigned_to=login)
        with acting_as(office, login) as agent:
            activities.add_follow_up(agent, lead, "2026-11-20 15:00")
    frozen_clock(datetime(2026, 11, 20, 21, 0, tzinfo=UTC))  # midnight in Nairobi, four in the afternoon in New York
    assert escalation.process_overdue(office) == 1
    frozen_clock(datetime(2026, 11, 21, 4, 59, tzinfo=UTC))
    assert escalation.process_overdue(office) == 0
    frozen_clock(datetime(2026, 11, 21, 5, 0, tzinfo=UTC))
    assert escalation.process_overdue(office) == 1


@ONE_ENGINE
def test_the_day_of_the_office_over_a_change_of_clocks(make_office: Callable[..., Office], frozen_clock: Move) -> None:
    frozen_clock(datetime(2026, 10, 29, 9, 0, tzinfo=UTC))
    office = make_office(timezone="Africa/Cairo")  # the clocks go back at midnight of 29 October: 25 hours
    activities.add_follow_up(office, add(office), "2026-10-29 23:30")
    frozen_clock(datetime(2026, 10, 29, 21, 59, tzinfo=UTC))
    assert escalation.process_overdue(office) == 0
    assert follow_ups.counts(office)["overdue"] == 0
    frozen_clock(datetime(2026, 10, 29, 22, 0, tzinfo=UTC))
    assert follow_ups.counts(office)["overdue"] == 1
    assert escalation.process_overdue(office) == 1


@ONE_ENGINE
def test_one_that_cannot_be_done_keeps_no_other_waiting(
    office: Office, frozen_clock: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [add(office, f"07220001{n:02}") for n in range(3)]
    for lead in made:
        activities.add_follow_up(office, lead, "2026-11-18")
    plan = escalation._plan_next

    def broken(tx: Any, old: Any, lead: Any) -> int:
        if lead["id"] == made[0]:
            raise RuntimeError("a row nobody thought of")
        return plan(tx, old, lead)

    monkeypatch.setattr(escalation, "_plan_next", broken)
    assert escalation.process_overdue(office) == 2
    with pytest.raises(RuntimeError):
        escalation.process_overdue(office)
    monkeypatch.setattr(escalation, "_plan_next", plan)
    assert escalation.process_overdue(office) == 1


def test_what_was_passed_on_can_still_be_taken_back(office: Office, frozen_clock: Move) -> None:
    """A day that was typed wrong is overdue at once, and passed on before one can press `u`."""
    frozen_clock(NOON)
    lead = add(office, follow_up="+3d")
    activities.add_follow_up(office, lead, "2025-11-24")
    assert escalation.process_overdue(office) == 1
    frozen_clock(NOON + timedelta(days=5))
    assert escalation.process_overdue(office) == 2, "what took its place, too, and the first one"
    refused = history.undo(office).refused
    assert [one.code for one in refused] == ["changed_since"], "the other one was passed on as well"

    frozen_clock(NOON)
    lead = add(office, "0722000112", follow_up="2026-11-24")
    before = dump(office)
    done = activities.add_follow_up(office, lead, "2025-11-24")
    assert escalation.process_overdue(office) == 1
    assert history.undo(office, done.batch).refused == ()
    assert dump(office) == before
    as_it_was = dump(office, but=("lead.version", "activity.updated_at"))
    (one,) = leads.get(office, lead).follow_ups
    done = activities.reschedule(office, one.id, "2025-11-24")
    assert escalation.process_overdue(office) == 1
    assert history.undo(office, done.batch).refused == ()
    assert dump(office, but=("lead.version", "activity.updated_at")) == as_it_was
    assert [(f.id, f.scheduled_at) for f in leads.get(office, lead).follow_ups] == [(one.id, one.scheduled_at)]
    assert escalation.process_overdue(office) == 0


@ONE_ENGINE
def test_who_settles_one_that_was_passed_on_is_told_of_the_new_one(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    lead = add(office, follow_up="2026-11-18")
    (old,) = leads.get(office, lead).follow_ups
    escalation.process_overdue(office)
    (new,) = leads.get(office, lead).follow_ups
    with pytest.raises(Refused) as refused:
        activities.complete(office, old.id)
    assert (refused.value.code, refused.value.hint) == ("already_done", f"it is activity {new.id} now")


def test_an_import_of_old_plans_can_be_undone(office: Office, frozen_clock: Move) -> None:
    frozen_clock(NOON)
    lead = add(office, follow_up="2025-11-24")
    assert escalation.process_overdue(office) == 1
    frozen_clock(NOON + timedelta(days=5))
    assert escalation.process_overdue(office) == 1, "and what took its place"
    assert history.undo(office).restored == 1
    assert leads.count(office) == 0
    assert dump(office, ("activity", "notification")) == {"activity": [], "notification": []}
    lead = add(office, follow_up="2025-11-24")
    escalation.process_overdue(office)
    activities.complete(office, leads.get(office, lead).follow_ups[0].id)
    created = next(one.id for one in history.batches(office) if one.kind == "create" and not one.undone_at)
    assert history.undo(office, created).refused, "somebody has done it"
