"""What a status asks for happens by itself, once, and is taken back with the move (spec §T, AJ27)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from leadtui.errors import Duplicate, Invalid, NotPermitted
from leadtui.services import admin, events, follow_ups, history, importing, leads, lifecycle, quick_log, stage_actions
from leadtui.services import bulk as bulk_service
from leadtui.services.conversion import ConvertRequest, convert
from leadtui.services.lead_writes import STAGE_CHANGED
from leadtui.services.office import Office, create_office
from leadtui.store import presets
from leadtui.store import schema as t
from leadtui.store.migrations import defaults_0003_stages as defaults
from tests.services.lead_help import acting_as, add, add_users, dump

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("frozen_clock")


def made(office: Office, lead_id: int) -> list[tuple[str, str, str | None]]:
    """What the machine put on the timeline: type, subject, whose; in the order it was written."""
    found = leads.get(office, lead_id).activities
    return [(a.type, a.subject, a.assigned_to) for a in reversed(found) if a.created_by == "system"]


def action(office: Office, name: str = "Ring", status: str = "Contacted", **values: str) -> dict[str, Any]:
    return admin.add(office, "stage_action", {"name": name, "status": status, **values})


def notices(office: Office) -> list[tuple[str, str]]:
    with office.read() as tx:
        n = t.notification.c
        users = tx.catalog.user_by_id
        rows = tx.conn.execute(select(n.user_id, n.text).where(n.kind == "stage").order_by(n.id))
        return [(users[r.user_id].login, r.text) for r in rows]


# -- the preset of real estate: spec §T word for word -----------------------------------------------------------------


def test_every_line_of_the_specification(tmp_path: Path) -> None:
    with_estate = create_office(str(tmp_path / "estate.db"), preset="real-estate", admin="boss")
    lead_id = leads.create(with_estate, {"name": "Ann Bee", "phone": "+12125550123", "source": "Referrals"}).lead.id
    seen: dict[str, list[tuple[str, str]]] = {}
    for status in ("Qualified", "Appointment Set", "Property Shown", "Offer Prepared", "Under Contract"):
        before = len(made(with_estate, lead_id))
        lifecycle.set_status(with_estate, lead_id, status)
        assert events.handle_open(with_estate) == 1
        seen[status] = [(kind, subject) for kind, subject, _ in made(with_estate, lead_id)[before:]]
    before = len(made(with_estate, lead_id))
    convert(with_estate, lead_id, ConvertRequest())
    events.handle_open(with_estate)
    seen["Closed"] = [(kind, subject) for kind, subject, _ in made(with_estate, lead_id)[before:]]
    assert seen == {
        "Qualified": [
            ("follow_up", "Qualification call with Ann Bee"), ("task", "Send the welcome packet to Ann Bee"),
        ],
        "Appointment Set": [
            ("task", "Send Ann Bee the appointment confirmation"),
            ("task", "Prepare the appointment with Ann Bee: papers, keys, way there"),
        ],
        "Property Shown": [
            ("follow_up", "Call Ann Bee: how was the visit?"), ("task", "Send Ann Bee the property information"),
        ],
        "Offer Prepared": [
            ("task", "Notify the lender of the offer for Ann Bee"),
            ("task", "Prepare the contract documents for Ann Bee"),
        ],
        "Under Contract": [
            ("task", "Create the transaction record for Ann Bee"), ("task", "Schedule the inspections for Ann Bee"),
        ],
        "Closed": [
            ("task", "Congratulate Ann Bee on the closing"), ("follow_up", "Ask Ann Bee how the move went"),
            ("task", "Ask Ann Bee for a review"),
        ],
    }  # fmt: skip
    shown = leads.get(with_estate, lead_id)
    call = next(a for a in shown.activities if a.subject.startswith("Call Ann Bee"))
    assert call.scheduled_at is not None and call.scheduled_at - NOW >= timedelta(hours=24)
    packet = next(a for a in shown.activities if "welcome packet" in a.subject)
    assert packet.is_open and (packet.details or "").startswith("Nothing sends this by itself")
    with_estate.close()


def test_presets_and_the_migration_say_the_same(sqlite_office: Office) -> None:
    for key in presets.PRESETS[1:]:
        admin.add_preset(sqlite_office, key)
    with sqlite_office.store.engine.begin() as conn:
        columns = ("stage_id", "order", "name", "kind", "params_json")
        tables: list[tuple[Any, tuple[str, ...]]] = [
            (t.stage_action, columns), (t.milestone, ("key", "name", "order", "condition_json")),
        ]  # fmt: skip

        def all_of(table: Any, names: tuple[str, ...]) -> list[str]:
            return sorted(str(tuple(r)) for r in conn.execute(select(*(table.c[n] for n in names))))

        hours = select(t.stage.c.id, t.stage.c.sla_hours).order_by(t.stage.c.id)
        from_presets = [all_of(*one) for one in tables], conn.execute(hours).all()
        conn.execute(t.stage_action.delete())
        conn.execute(t.milestone.delete())
        conn.execute(t.stage.update().values(sla_hours=None))
        for part in (defaults.stage_actions, defaults.milestones, defaults.sla_hours):
            part(conn)
        assert ([all_of(*one) for one in tables], conn.execute(hours).all()) == from_presets


# -- once, for whom, when ---------------------------------------------------------------------------------------------


def test_once_per_event_and_nothing_the_second_time(office: Office) -> None:
    add_users(office, "amina:agent")
    action(office, kind="task", text="{name} ({number}): from {from} to {stage}, {agent}{package}")
    lead_id = add(office, name="Achieng", assigned_to="amina")
    lifecycle.set_status(office, lead_id, "Contacted")
    assert events.handle_open(office) == 1
    number = leads.get(office, lead_id).row.number
    assert made(office, lead_id) == [("task", f"Achieng ({number}): from New to Contacted, Amina", "amina")]
    row = leads.get(office, lead_id).row
    assert (row.next_follow_up, row.next_follow_up_all_day) == (datetime(2026, 11, 19, 21, tzinfo=UTC), True)
    before = dump(office, ("lead", "activity", "audit", "notification"), but=())
    assert events.handle_open(office) == 0
    assert dump(office, ("lead", "activity", "audit", "notification"), but=()) == before
    entries = history.audit(office, lead_ref=lead_id)[1]
    assert (entries[0].user, entries[0].action) == ("system", "stage_action")


def test_two_workers_do_it_once(office: Office) -> None:
    action(office, kind="task")
    ids = [add(office, phone=f"072200011{n}") for n in range(6)]
    for lead_id in ids:
        lifecycle.set_status(office, lead_id, "Contacted")
    workers = [threading.Thread(target=events.handle_open, args=(office,)) for _ in range(3)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert [len(made(office, lead_id)) for lead_id in ids] == [1] * 6


def test_a_lead_of_nobody_waits_in_the_unassigned_queue(office: Office) -> None:
    action(office, kind="task")
    lead_id = add(office)
    with office.write() as tx:
        tx.conn.execute(t.lead.update().values(assigned_to_id=None))
    lifecycle.set_status(office, lead_id, "Contacted")
    events.handle_open(office)
    assert made(office, lead_id) == [("task", "Ring", None)]
    add_users(office, "amina:agent")
    lifecycle.assign(office, lead_id, "amina")
    assert made(office, lead_id) == [("task", "Ring", "amina")]


def test_delays_contexts_and_neither(office: Office) -> None:
    action(office, "in two days", kind="follow_up", delay="2d")
    action(office, "by rule", kind="follow_up", context="offer_response")
    action(office, "today", kind="task")
    lead_id = add(office)
    lifecycle.set_status(office, lead_id, "Contacted")
    events.handle_open(office)
    found = {a.subject: a for a in leads.get(office, lead_id).follow_ups}
    # Friday noon in Nairobi: Sunday is free, so two days end on Monday morning
    assert found["in two days"].scheduled_at == datetime(2026, 11, 23, 5, tzinfo=UTC)
    assert found["by rule"].scheduled_at == NOW + timedelta(hours=4)
    assert found["by rule"].metadata["suggested_actions"] and found["by rule"].context == "offer_response"
    assert (found["today"].all_day, found["today"].type) == (True, "task")


def test_after_a_pause_a_delay_still_counts_from_the_move(
    office: Office, frozen_clock: Callable[[datetime], None]
) -> None:
    action(office, kind="follow_up", delay="4h")
    lead_id = add(office)
    lifecycle.set_status(office, lead_id, "Contacted")
    frozen_clock(NOW + timedelta(hours=3))
    events.handle_open(office)
    assert leads.get(office, lead_id).follow_ups[0].scheduled_at == NOW + timedelta(hours=4)


def test_people_are_told_and_never_by_name_in_the_notice(office: Office) -> None:
    add_users(office, "amina:agent", "dora:director")
    action(office, "tell", kind="notify", text="{name} is {stage}")
    action(office, "tell dora", kind="notify", text="look at {number}", to="dora")
    lead_id = add(office, name="Achieng", assigned_to="amina")
    lifecycle.set_status(office, lead_id, "Contacted")
    events.handle_open(office)
    number = leads.get(office, lead_id).row.number
    assert notices(office) == [("amina", f"{number} is Contacted"), ("dora", f"look at {number}")]
    assert made(office, lead_id) == [
        ("note", "told amina: Achieng is Contacted", None), ("note", f"told dora: look at {number}", None),
    ]  # fmt: skip


def test_a_technician_who_may_see_the_lead_gets_the_survey(office: Office) -> None:
    add_users(office, "amina:agent", "tom:technician")
    lead_id = add(office, name="Achieng", assigned_to="amina")
    other = add(office, phone="0722000112", name="Ben", assigned_to="tom")
    for one in (lead_id, other):
        lifecycle.set_status(office, one, "Site Survey Scheduled")
    events.handle_open(office)
    assert made(office, lead_id)[0][2] == "amina", "tom may not read it"
    assert made(office, other)[0][2] == "tom"
    assert made(office, other)[0][1].startswith("Survey the site of Ben")


# -- when nothing is to be done ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("then", ["delete", "lose", "move", "undo", "reopen"])
def test_nothing_for_a_lead_that_is_not_there_any_more(office: Office, then: str) -> None:
    if then == "reopen":
        admin.edit(office, "stage_action", "Ask how the service is", {"delay": "1d"})
    else:
        action(office, kind="task")
    lead_id = add(office)
    lifecycle.set_status(office, lead_id, "Contacted" if then != "reopen" else "Site Survey Scheduled")
    match then:
        case "delete":
            lifecycle.delete(office, lead_id)
        case "lose":
            lifecycle.lose(office, lead_id, "too dear")
        case "move":
            lifecycle.set_status(office, lead_id, "Future Prospect")
            admin.retire(office, "stage_action", "Look again")
        case "undo":
            history.undo(office)
        case "reopen":
            events.handle_open(office)
            convert(office, lead_id, ConvertRequest())
            lifecycle.reopen(office, lead_id, "a mistake")
    before = dump(office, ("activity", "notification", "lead"), but=())
    events.handle_open(office)
    assert dump(office, ("activity", "notification", "lead"), but=()) == before
    assert events.handle_open(office) == 0


def test_what_is_open_still_or_planned_by_the_person_is_not_made_twice(
    office: Office, frozen_clock: Callable[[datetime], None]
) -> None:
    action(office, "ring", "Contacted", kind="task")
    lead_id = add(office)
    for n, status in enumerate(("Contacted", "New", "Contacted")):
        frozen_clock(NOW + timedelta(minutes=n))
        lifecycle.set_status(office, lead_id, status)
        events.handle_open(office)
    assert [one[1] for one in made(office, lead_id)] == ["ring"]
    action(office, "call again", "Interested", kind="follow_up", delay="1d")
    quick_log.apply(office, lead_id, "Interested")
    events.handle_open(office)
    assert "call again" not in [one[1] for one in made(office, lead_id)], "the person planned the next contact"
    lifecycle.set_status(office, lead_id, "New")
    lifecycle.set_status(office, lead_id, "Interested")
    events.handle_open(office)
    assert "call again" in [one[1] for one in made(office, lead_id)]


def test_new_leads_and_imports_are_no_moves(office: Office, tmp_path: Path) -> None:
    action(office, kind="task")
    file = tmp_path / "leads.csv"
    file.write_text("Name,Phone,Source,Status\nA,0722000201,Website,Contacted\nB,0722000202,Website,New\n")
    importing.run_import(office, file)
    add(office, phone="0722000203", status="Contacted")
    assert events.handle_open(office) == 0


def test_a_bulk_move_is_a_move_of_each_and_one_undo(office: Office) -> None:
    action(office, kind="task")
    ids = [add(office, phone=f"07220002{n:02}") for n in range(12)]
    before = dump(office)
    target = bulk_service.Target(ids=tuple(ids))
    done = bulk_service.apply(office, target, bulk_service.Act(status="Contacted"))
    assert done.changed == 12
    with office.read() as tx:
        kinds = list(tx.conn.execute(select(t.event.c.kind)).scalars())
    assert kinds == [STAGE_CHANGED] * 12
    assert events.handle_open(office) == 12
    assert {len(made(office, i)) for i in ids} == {1}
    result = history.undo(office, done.batch)
    assert (result.restored, result.refused) == (12, ())
    assert events.handle_open(office) == 0
    after = dump(office)
    assert after["lead"] == before["lead"] and after["stage_change"] == before["stage_change"]
    assert follow_ups.list_open(office) == (0, ())


# -- undo -------------------------------------------------------------------------------------------------------------


def test_undo_of_a_move_calls_off_what_the_status_made(office: Office) -> None:
    add_users(office, "amina:agent")
    action(office, "ring", kind="task")
    action(office, "tell", kind="notify")
    lead_id = add(office, assigned_to="amina", follow_up="+9d")
    before = dump(office, ("lead", "stage_change"))
    done = lifecycle.set_status(office, lead_id, "Contacted")
    events.handle_open(office)
    assert leads.get(office, lead_id).row.next_follow_up_all_day and notices(office) == [("amina", "tell")]
    result = history.undo(office, done.batch)
    assert (result.restored, result.refused) == (1, ())
    assert dump(office, ("lead", "stage_change")) == before, "the date of the lead is again what is still open"
    ring = next(a for a in leads.get(office, lead_id).activities if a.subject == "ring")
    assert (ring.cancelled_at, ring.outcome_note) == (NOW, "the move that asked for it was taken back")
    assert notices(office) == []


def test_undo_of_a_quick_log_takes_back_what_followed(office: Office) -> None:
    action(office, "ring", "Contacted", kind="task")
    lead_id = add(office)
    before = dump(office, ("lead", "stage_change"))
    done = quick_log.apply(office, lead_id, "Call back", when="+3d")
    events.handle_open(office)
    assert [one[1] for one in made(office, lead_id)] == ["ring"]
    assert history.undo(office, done.batch).refused == ()
    assert dump(office, ("lead", "stage_change")) == before


def test_what_a_person_did_since_is_named_and_stays(office: Office) -> None:
    from leadtui.services import activities

    action(office, "ring", kind="task")
    lead_id = add(office)
    done = lifecycle.set_status(office, lead_id, "Contacted")
    events.handle_open(office)
    ring = leads.get(office, lead_id).follow_ups[0]
    activities.complete(office, ring.id)
    result = history.undo(office, done.batch)
    assert result.restored == 0 and "complete by boss" in result.refused[0].error
    assert leads.get(office, lead_id).row.status == "Contacted"


# -- as data ----------------------------------------------------------------------------------------------------------


def test_the_rules_of_an_action(office: Office) -> None:
    made_one = action(office, "Ring", kind="follow-up", delay="4h", to="Technician")
    assert (made_one["kind"], made_one["delay"], made_one["to"]) == ("follow_up", "4h", "technician")
    assert made_one["pipeline"] == "isp" and made_one["does"] == "follow-up for technician in 4h"
    refused: list[tuple[dict[str, str], str]] = [
        ({"kind": "dance"}, "kind"), ({"context": "x"}, "context"), ({"text": "{secret}"}, "text"),
        ({"to": "nobody"}, "to"), ({"channel": "sms"}, "channel"), ({"status": "Not Interested"}, "status"),
        ({"kind": "notify"}, "delay"), ({"delay": "soon"}, "delay"), ({"status": ""}, "status"), ({"name": ""}, "name"),
    ]  # fmt: skip
    for values, field in refused:
        with pytest.raises(Invalid) as caught:
            admin.edit(office, "stage_action", "Ring", values)
        assert caught.value.field == field, values
    with pytest.raises(Duplicate):
        action(office, "RING")
    action(office, "Ring", "Interested")  # another status may have one of the same name
    ref = str(made_one["id"])
    changed = admin.edit(office, "stage_action", ref, {"delay": "", "context": "offer_response"})
    assert (changed["delay"], changed["context"], changed["to"]) == (None, "offer_response", "technician")
    assert not admin.retire(office, "stage_action", ref)["is_active"]
    lead_id = add(office)
    lifecycle.set_status(office, lead_id, "Contacted")
    events.handle_open(office)
    assert made(office, lead_id) == []
    add_users(office, "amina:agent")
    with acting_as(office, "amina") as other, pytest.raises(NotPermitted):
        admin.retire(other, "stage_action", ref)


def test_a_rehearsal_says_what_would_happen_and_changes_nothing(office: Office) -> None:
    add_users(office, "amina:agent")
    action(office, "ring", kind="follow_up", delay="4h", text="Ring {name}")
    action(office, "tell", kind="notify")
    lead_id = add(office, name="Achieng", assigned_to="amina")
    before = dump(office, ("lead", "activity", "event", "notification", "audit"), but=())
    lead, found = stage_actions.rehearse(office, lead_id, status="contacted")
    assert (lead["lead_name"], lead["status"]) == ("Achieng", "Contacted")
    assert [(one["subject"], one["at"], one["assigned_to"]) for one in found] == [
        ("Ring Achieng", NOW + timedelta(hours=4), ["amina"]), ("tell", None, ["amina"]),
    ]  # fmt: skip
    assert dump(office, ("lead", "activity", "event", "notification", "audit"), but=()) == before
    assert stage_actions.rehearse(office, lead_id)[1] == []
    assert stage_actions.rehearse(office, lead_id, status="Not Interested")[1] == []
