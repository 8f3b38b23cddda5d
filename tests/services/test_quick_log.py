"""One key for an outcome: contact, follow-up and status in one transaction and one undo, as data (spec AI18)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text

from leadtui.domain.quick_logs import QuickLogItem, find_quick_log
from leadtui.errors import Duplicate, Invalid, NotFound, NotPermitted, Refused
from leadtui.services import activities, admin, follow_ups, history, leads, quick_log
from leadtui.services import lead_writes as w
from leadtui.services.office import Office
from leadtui.store import presets
from leadtui.store.migrations import defaults_0003
from tests.services.lead_help import acting_as, add, add_users, dump

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
"""Friday noon in Nairobi, as `frozen_clock` holds it."""
pytestmark = pytest.mark.usefixtures("frozen_clock")
NAMES = ["No answer", "Interested", "Call back", "Not interested", "Visited", "WhatsApp sent"]


def local(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of November 2026 on the office's clock (UTC+3)."""
    return datetime(2026, 11, day, hour, minute, tzinfo=timezone(timedelta(hours=3)))


def item(office: Office, name: str) -> int:
    return next(one.id for one in quick_log.items(office) if one.name == name)


def test_the_outcomes_of_a_pipeline_in_their_order(sqlite_office: Office) -> None:
    office = sqlite_office
    found = quick_log.items(office)
    assert [one.name for one in found] == NAMES
    assert [one.words for one in found] == [
        "try again in 4h", "→ Interested, call about the survey", "→ Contacted, when?", "→ Not Interested, reason?",
        "ask for the decision, note?", "→ Contacted, look for the answer",
    ]  # fmt: skip
    assert quick_log.items(office, "isp") == quick_log.items(office, found[0].pipeline_id) == found
    admin.add_preset(office, "real-estate")
    assert [one.stage for one in quick_log.items(office, "real-estate")] == [
        None, "Qualified", None, "Lost", "Property Shown", None, "Offer Prepared",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "answers", "kind", "outcome", "status", "next_at", "subject"),
    [
        ("No answer", {}, "call", "no_answer", "New", local(20, 16), "try again"),
        ("Interested", {}, "call", "positive", "Interested", local(21, 12), "call about the survey"),
        ("Call back", {"when": "tomorrow 10:30"}, "call", "follow_up", "Contacted", local(21, 10, 30), "call back"),
        ("Not interested", {"reason": "too dear"}, "call", "negative", "Not Interested", None, ""),
        ("Visited", {"note": "third floor"}, "site_visit", "positive", "New", local(21, 12), "ask for the decision"),
        ("WhatsApp sent", {}, "whatsapp", "neutral", "Contacted", local(21, 12), "look for the answer"),
        ("No answer", {"when": "+5d"}, "call", "no_answer", "New", local(25), "try again"),
    ],
)
def test_each_outcome_and_its_undo(
    sqlite_office: Office, name: str, answers: dict[str, str], kind: str, outcome: str, status: str,
    next_at: datetime | None, subject: str,
) -> None:  # fmt: skip
    office = sqlite_office
    lead_id = add(office, follow_up="yesterday")
    activities.add_follow_up(office, lead_id, "today", subject="ask again")
    before = dump(office)
    done = quick_log.apply(office, lead_id, item(office, name), **answers)  # type: ignore[arg-type]
    detail = leads.get(office, lead_id)
    contact = next(a for a in detail.activities if a.type == kind)
    assert (contact.outcome, contact.completed_at, contact.details) == (
        outcome, NOW, answers.get("reason") or answers.get("note"),
    )  # fmt: skip
    assert (detail.row.status, done.warnings) == (status, ())
    assert [(a.subject, a.scheduled_at) for a in detail.follow_ups] == ([(subject, next_at)] if next_at else [])
    assert detail.row.next_follow_up == next_at
    assert [a.completed_at for a in detail.activities if a.subject in {"ask again", "follow up"}] == [NOW, NOW]
    assert detail.fields["last_activity_at"] == NOW
    if status == "Not Interested":
        assert detail.fields["lost_reason"] == "too dear"
    with office.read() as tx:  # one batch
        assert {r[0] for r in tx.conn.execute(text("SELECT kind FROM batch WHERE id > 2"))} == {"log"}
    undone = history.undo(office)
    assert (undone.restored, undone.refused) == (1, ())
    assert dump(office) == before


def test_undo_on_both_engines(office: Office) -> None:
    lead_id = add(office, follow_up="yesterday")
    activities.add_follow_up(office, lead_id, "+9d")
    before = dump(office)
    for name, reason in (("Interested", None), ("Not interested", "too dear")):
        quick_log.apply(office, lead_id, name, reason=reason)
        assert leads.get(office, lead_id).row.status == name.title()
        history.undo(office)
        assert dump(office) == before


def test_what_is_asked_must_be_answered_and_nothing_is_written_without(sqlite_office: Office) -> None:
    office = sqlite_office
    lead_id = add(office, follow_up="today")
    before = dump(office, but=())
    for name, field in (("Call back", "when"), ("Not interested", "reason")):
        for answer in (None, "  "):
            with pytest.raises(Invalid) as caught:
                quick_log.apply(office, lead_id, name, **{field: answer})  # type: ignore[arg-type]
            assert caught.value.field == field
    with pytest.raises(Invalid) as caught:
        quick_log.apply(office, lead_id, "Call back", when="someday")
    assert caught.value.field == "next_at"
    with pytest.raises(Invalid) as caught:
        quick_log.apply(office, lead_id, "Telegram")
    assert (caught.value.field, caught.value.hint) == ("quick", "one of: " + ", ".join(NAMES))
    assert dump(office, but=()) == before
    quick_log.apply(office, lead_id, "visited")  # a note may stay empty
    assert "site_visit" in {a.type for a in leads.get(office, lead_id).activities}


def test_a_lost_lead_keeps_no_plan_unless_one_is_made(sqlite_office: Office) -> None:
    office = sqlite_office
    lead_id = add(office, follow_up="today")
    activities.add_follow_up(office, lead_id, "+9d", subject="far away")
    before = dump(office)
    quick_log.apply(office, lead_id, "Not interested", reason="moved away")
    detail = leads.get(office, lead_id)
    assert (detail.follow_ups, detail.row.next_follow_up) == ((), None)
    assert [a.cancelled_at for a in detail.activities if a.subject == "far away"] == [NOW]
    history.undo(office)
    assert dump(office) == before
    quick_log.apply(office, lead_id, "Not interested", reason="not now", when="2027-05-01")
    assert [a.subject for a in leads.get(office, lead_id).follow_ups] == ["far away", "follow up"]


def test_a_contact_answers_what_rules_planned_and_leaves_what_a_person_set(office: Office) -> None:
    lead_id = add(office)
    activities.add_follow_up(office, lead_id, "+9d", subject="a person's")
    with office.write() as tx:
        row = w.open_for(tx, lead_id, "log")
        follow_ups.schedule_smart(tx, row, "overdue_followup", subject="instead of a missed one")
    quick_log.apply(office, lead_id, "WhatsApp sent")
    before = dump(office)
    quick_log.apply(office, lead_id, "Interested")  # she called back at once
    open_now = [a.subject for a in leads.get(office, lead_id).follow_ups]
    assert open_now == ["call about the survey", "a person's"]
    made = {a.subject: a for a in leads.get(office, lead_id).activities}
    assert (made["instead of a missed one"].completed_at, made["look for the answer"].cancelled_at) == (NOW, NOW)
    history.undo(office)
    assert dump(office) == before
    quick_log.apply(office, lead_id, "Call back", when="mon 10:00")
    quick_log.apply(office, lead_id, "No answer")
    assert [a.subject for a in leads.get(office, lead_id).follow_ups] == ["try again", "call back", "a person's"]


def test_a_lead_never_goes_back_a_step_but_comes_back_into_work(sqlite_office: Office) -> None:
    office = sqlite_office
    ahead, parked, lost = (add(office, f"072200010{i}") for i in range(3))
    for lead_id, status in ((ahead, "Site Survey Scheduled"), (parked, "Future Prospect")):
        leads_status(office, lead_id, status)
    quick_log.apply(office, lost, "Not interested", reason="x")
    for lead_id, status in ((ahead, "Site Survey Scheduled"), (parked, "Interested"), (lost, "Interested")):
        done = quick_log.apply(office, lead_id, "Interested")
        assert (done.lead.status, done.warnings, done.lead.is_lost) == (status, (), False)


def leads_status(office: Office, lead_id: int, status: str) -> None:
    from leadtui.services.status import set_status

    set_status(office, lead_id, status)


def test_where_the_status_may_not_move_the_contact_is_kept_and_it_is_said(office: Office) -> None:
    add_users(office, "tom:technician", "ann:agent", "cora:collections")
    lead_id = add(office)
    with pytest.raises(NotPermitted), acting_as(office, "cora") as cora:
        quick_log.apply(cora, lead_id, "No answer")
    with pytest.raises(NotFound), acting_as(office, "ann") as ann:  # not hers
        quick_log.apply(ann, lead_id, "No answer")
    from leadtui.services.assignment import assign

    assign(office, lead_id, "tom")
    with acting_as(office, "tom") as tom:
        done = quick_log.apply(tom, lead_id, "Interested")
        assert done.lead.status == "New"
        assert done.warnings[0].startswith("the status stays: you may change the status only from or to")
        assert done.lead.next_follow_up == local(21, 12)
        history.undo(tom)
        assert leads.get(tom, lead_id).activities == leads.get(office, lead_id).activities
    admin.retire(office, "status", "Interested")
    done = quick_log.apply(office, lead_id, "Interested")
    assert (done.lead.status, done.warnings) == (
        "New",
        ("the status stays: the status 'Interested' is no longer used",),
    )


def test_who_saw_an_older_lead_is_told(sqlite_office: Office) -> None:
    office = sqlite_office
    lead_id = add(office)
    seen = leads.get(office, lead_id).row.version
    quick_log.apply(office, lead_id, "No answer", version=seen)
    with pytest.raises(Refused) as caught:
        quick_log.apply(office, lead_id, "No answer", version=seen)
    assert caught.value.code == "edited_elsewhere"


def test_a_hot_lead_is_called_sooner_and_late_calls_wait_for_the_morning(sqlite_office: Office) -> None:
    office = sqlite_office
    hot, other = add(office, "0722000101", preferred_hour="15"), add(office, "0722000102", preferred_hour="15")
    with office.store.engine.begin() as conn:
        conn.execute(text("UPDATE lead SET score = 90 WHERE id = :id"), {"id": hot})
    admin.set_setting(office, "follow_up_delays", "interested 8h, default 24h")
    assert quick_log.apply(office, hot, "Interested").lead.next_follow_up == local(20, 16)
    assert quick_log.apply(office, other, "Interested").lead.next_follow_up == local(23, 15)  # Saturday ends at 13:00
    admin.edit(office, "quick_log", "No answer", {"delay": "7h"})
    assert quick_log.apply(office, other, "No answer").lead.next_follow_up == local(21, 9)
    planned = leads.get(office, hot).follow_ups[0]
    assert (planned.context, planned.priority, planned.metadata) == (
        "interested",
        "high",
        {"suggested_actions": ["call"], "by_rule": "Interested"},
    )


def test_the_outcomes_are_edited_as_data(sqlite_office: Office) -> None:
    office = sqlite_office
    made = admin.add(office, "quick_log", {"name": "Left a note", "type": "Site-Visit", "outcome": "no answer",
                                           "delay": "2d", "status": "contacted", "ask": "note"})  # fmt: skip
    assert {k: made[k] for k in ("order", "type", "outcome", "delay", "status", "pipeline", "is_active")} == {
        "order": 7, "type": "site_visit", "outcome": "no_answer", "delay": "48h", "status": "Contacted",
        "pipeline": "isp", "is_active": True,
    }  # fmt: skip
    changed = admin.edit(office, "quick_log", "left a NOTE", {"delay": "", "context": "Offer Response", "status": ""})
    assert (changed["delay"], changed["context"], changed["status"]) == (None, "offer_response", None)
    lead_id = add(office)
    assert quick_log.apply(office, lead_id, "left").lead.next_follow_up == local(20, 16)
    admin.retire(office, "quick_log", "Left a note")
    with pytest.raises(Invalid):
        quick_log.apply(office, lead_id, "left a note")
    assert [one.name for one in quick_log.items(office)] == NAMES
    assert admin.items(office, "quick_log")[-1]["name"] == "Left a note"
    assert [e.action for e in history.audit(office, entity="quick_log")[1]] == ["retire", "edit", "create"]


@pytest.mark.parametrize(
    ("values", "field", "error"),
    [
        ({"name": "no ANSWER"}, "name", Duplicate),
        ({"name": ""}, "name", Invalid),
        ({"name": "x", "type": "smoke"}, "type", Invalid),
        ({"name": "x", "outcome": "great"}, "outcome", Invalid),
        ({"name": "x", "delay": "soon"}, "delay", Invalid),
        ({"name": "x", "delay": "2h", "context": "offer_response"}, "context", Invalid),
        ({"name": "x", "ask": "mother"}, "ask", Invalid),
        ({"name": "x", "status": "Nowhere"}, "status", Invalid),
        ({"name": "x", "status": "Converted"}, "status", Invalid),
        ({"name": "x", "status": "Not Interested"}, "ask", Invalid),
        ({"name": "x", "pipeline": "travel"}, "pipeline", Invalid),
        ({"name": "x" * 61}, "name", Invalid),
        ({"name": "x", "color": "red"}, "color", Invalid),
    ],
)
def test_a_bad_outcome_is_refused_with_its_field(
    sqlite_office: Office, values: dict[str, str], field: str, error: type[Invalid]
) -> None:
    with pytest.raises(error) as caught:
        admin.add(sqlite_office, "quick_log", values)
    assert caught.value.field == field


def test_other_pipelines_have_outcomes_of_the_same_name(sqlite_office: Office) -> None:
    admin.add_preset(sqlite_office, "travel")
    with pytest.raises(Invalid):  # which of the two?
        admin.edit(sqlite_office, "quick_log", "No answer", {"delay": "1h"})
    changed = admin.edit(sqlite_office, "quick_log", "No answer", {"delay": "1h"}, pipeline="travel")
    assert (changed["pipeline"], changed["delay"]) == ("travel", "1h")
    assert {one["pipeline"] for one in admin.items(sqlite_office, "quick_log", pipeline="travel")} == {"travel"}
    moved = admin.edit(sqlite_office, "quick_log", "Interested", {"status": "Loan Promised"}, pipeline="travel")
    assert moved["status"] == "Loan Promised"


@pytest.mark.parametrize("preset", presets.PRESETS)
def test_older_databases_get_what_the_presets_have(sqlite_office: Office, preset: str) -> None:
    if preset != "isp":
        admin.add_preset(sqlite_office, preset)
    fresh = dump(sqlite_office, ["quick_log"], but=["quick_log.id"])
    with sqlite_office.store.engine.begin() as conn:
        conn.execute(text("DELETE FROM quick_log"))
        defaults_0003.quick_logs(conn)
        defaults_0003.quick_logs(conn)  # what is there is left alone
    assert dump(sqlite_office, ["quick_log"], but=["quick_log.id"]) == fresh
    words = {one.name for one in quick_log.items(sqlite_office, preset)}
    assert set(NAMES) <= words


def test_an_outcome_is_found_by_its_first_letters_if_they_say_which() -> None:
    found = tuple(QuickLogItem(i, 1, i, name, "call") for i, name in enumerate(NAMES, 1))
    answers = {text_: find_quick_log(found, text_) for text_ in ("interested", "NOT", "no", "", "2", 2, 99, "visited ")}
    assert {k: v.name if v else None for k, v in answers.items()} == {
        "interested": "Interested", "NOT": "Not interested", "no": None, "": None, "2": "Interested",
        2: "Interested", 99: None, "visited ": "Visited",
    }  # fmt: skip
