"""What was known of a lead at a moment is told the same later, whatever was done since (field M12: no peeping)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from leadtui.errors import LeadtuiError
from leadtui.services import activities, behavior, bulk, history, leads, lifecycle, past_facts, score_facts, status
from leadtui.services.activities import LogEntry
from leadtui.services.conversion import ConvertRequest, convert
from leadtui.services.office import Office
from leadtui.store import schema as t
from tests.services.lead_help import ONE_ENGINE, add, add_users

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PHONES, DAYS = count(10_000), count()
Move = Callable[[datetime], None]


def known(office: Office, ids: list[int]) -> dict[int, dict[str, Any]]:
    """What is known of leads now."""
    with office.read() as tx:
        return score_facts.of(tx, ids)


def past(office: Office, moments: dict[int, datetime]) -> dict[int, dict[str, Any]]:
    """What was known of them then, as told now."""
    with office.read() as tx:
        return past_facts.at(tx, moments)


ACTS = st.sampled_from(
    [
        ("edit", {"city": "Nairobi", "budget": "300000"}), ("edit", {"city": "", "name": "Amina"}),
        ("edit", {"page_views": "7"}), ("edit", {"page_views": "0", "timeline": "immediate"}),
        ("edit", {"page_views": "", "email": "a@example.com"}), ("edit", {"brought_in_by": "Otieno"}),
        ("edit", {"custom.age_stated": "31", "custom.tower": "B"}), ("edit", {"custom.age_stated": ""}),
        ("edit", {"tags": "vip, west"}), ("edit", {"date_of_birth": "1999-11-21", "has_router": "yes"}),
        ("tag", "vip"), ("untag", "vip"), ("tag", "Hot One"),
        ("status", "Interested"), ("status", "Future Prospect"), ("lose", "price"), ("reopen", "they called"),
        ("log", ("call", "positive")), ("log", ("call", "no_answer")), ("log", ("call", None)),
        ("log", ("email", None)),
        ("late_log", ("call", "negative")), ("plan", None), ("complete", "positive"), ("assign", "asha"),
        ("behavior", "page_view"), ("behavior", "page_view"), ("behavior", "email_open"),
        ("convert", None), ("bulk", {"city": "Mombasa"}), ("bulk_tag", "bulk"),
        ("undo", None), ("undo", None), ("undo", None),
    ]
)  # fmt: skip


def act(office: Office, lead_id: int, ids: list[int], kind: str, what: Any) -> None:
    """One act; what the program refuses is no act."""
    match kind:
        case "edit":
            leads.edit(office, lead_id, what)
        case "tag":
            lifecycle.tag(office, lead_id, [what])
        case "untag":
            lifecycle.untag(office, lead_id, [what])
        case "status":
            status.set_status(office, lead_id, what)
        case "lose":
            status.lose(office, lead_id, what)
        case "reopen":
            status.reopen(office, lead_id, what)
        case "log":
            activities.log(office, lead_id, LogEntry(what[0], outcome=what[1]))
        case "late_log":
            activities.log(office, lead_id, LogEntry(what[0], outcome=what[1], at="-2d"))
        case "plan":
            activities.log(office, lead_id, LogEntry("call", schedule="+9d"))
        case "complete":
            with office.read() as tx:
                a = t.activity.c
                mine = select(a.id).where(a.lead_id == lead_id, a.type == "call", a.completed_at.is_(None))
                open_call = tx.conn.execute(mine).scalar()
            if open_call is not None:
                activities.complete(office, open_call, outcome=what)
        case "assign":
            leads.edit(office, lead_id, {"assigned_to": what})
        case "behavior":
            behavior.record(office, lead_id, what)
        case "bulk":
            bulk.apply(office, bulk.Target(tuple(ids)), bulk.Act(set=what))
        case "convert":
            convert(office, lead_id, ConvertRequest())
        case "bulk_tag":
            bulk.apply(office, bulk.Target(tuple(ids)), bulk.Act(tag=(what,)))
        case _:
            history.undo(office)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(ACTS, st.integers(0, 1)), min_size=5, max_size=12))
def test_what_was_known_is_told_the_same_after_anything(
    office: Office, frozen_clock: Move, acts: list[tuple[tuple[str, Any], int]]
) -> None:
    if "asha" not in {user.login for user in office.catalog.users}:
        add_users(office, "asha:agent")
    now = START + timedelta(days=100 * next(DAYS))  # on one database no clock goes back
    frozen_clock(now)
    ids = [add(office, f"07220{next(PHONES):05d}") for _ in range(2)]
    seen: list[tuple[datetime, dict[int, dict[str, Any]]]] = [(now, known(office, ids))]
    for (kind, what), which in acts:
        now += timedelta(hours=7)
        frozen_clock(now)
        try:
            act(office, ids[which], ids, kind, what)
        except LeadtuiError:
            continue
        if kind == "undo" and set(known(office, ids)) != set(ids):  # it took the leads themselves back
            return
        seen.append((now, known(office, ids)))
    frozen_clock(now + timedelta(days=40))
    for moment, then in seen:
        told = past(office, dict.fromkeys(ids, moment))
        for lead_id in ids:
            assert told[lead_id] == then[lead_id], (moment, acts)


@ONE_ENGINE
def test_what_nothing_dates_is_unknown(office: Office, frozen_clock: Move) -> None:
    """Written past the audit: nobody can tell when, so it is not known of any moment; dated records stand beside it."""
    frozen_clock(START)
    lead_id = add(office, name="Amina", location="Karen")
    with office.as_system() as tx:
        tx.conn.execute(update(t.lead).where(t.lead.c.id == lead_id).values(city="Kisumu", location="Ruaka"))
    frozen_clock(START + timedelta(days=1))
    leads.edit(office, lead_id, {"location": "Kilimani", "budget": "5"})
    with office.read() as tx:
        keys = ("city", "location", "name", "budget")
        found, _ = past_facts.read(tx, {lead_id: START + timedelta(hours=1)}, keys)
        later, _ = past_facts.read(tx, {lead_id: START + timedelta(days=2)}, keys)
    assert found[lead_id].unknown == {"city", "location"}
    assert [found[lead_id].facts[key] for key in keys] == [None, None, "Amina", None]
    assert later[lead_id].unknown == {"city"}
    assert [later[lead_id].facts[key] for key in keys] == [None, "Kilimani", "Amina", 500]


@ONE_ENGINE
def test_who_has_no_past(office: Office, frozen_clock: Move) -> None:
    frozen_clock(START)
    early, silent, there = add(office), add(office, "0722000112"), add(office, "0722000113")
    with office.as_system() as tx:
        tx.conn.execute(delete(t.audit).where(t.audit.c.entity_id == silent))
    before = START - timedelta(days=1)
    with office.read() as tx:
        found, without = past_facts.read(tx, {early: before, silent: START, there: START, 999_999: START}, ("city",))
    assert set(found) == {there}
    assert without[early] == past_facts.LATER and without[silent] == past_facts.NO_RECORD
