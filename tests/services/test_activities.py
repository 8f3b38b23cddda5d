"""Contacts and follow-ups: open activities are the truth, the lead's date follows (spec §G, §I, AG12–AG15)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from leadtui.errors import Invalid, NotFound, Refused
from leadtui.services import activities, admin, events, history, leads, lifecycle, status
from leadtui.services.activities import LogEntry
from leadtui.services.assignment import assign
from leadtui.services.office import Office
from tests.services.lead_help import acting_as, add, add_users, dump

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
"""Friday noon in Nairobi, as `frozen_clock` holds it."""
pytestmark = pytest.mark.usefixtures("frozen_clock")


def local(day: int, hour: int = 0) -> datetime:
    """A moment of November 2026 on the office's clock (UTC+3)."""
    return datetime(2026, 11, day, hour, tzinfo=timezone(timedelta(hours=3)))


def due(office: Office, lead_id: int) -> tuple[datetime | None, bool]:
    row = leads.get(office, lead_id).row
    return row.next_follow_up, row.next_follow_up_all_day


@pytest.mark.parametrize(
    ("typed", "kept", "subject", "channel"),
    [
        ("call", "call", "call", "phone"),
        ("CALL", "call", "call", "phone"),
        ("email", "email", "email", "email"),
        ("Meeting", "meeting", "meeting", None),
        ("Site-Visit", "site_visit", "site visit", "visit"),
        ("site visit", "site_visit", "site visit", "visit"),
        ("site_visit", "site_visit", "site visit", "visit"),
        ("WhatsApp", "whatsapp", "WhatsApp", "whatsapp"),
        ("SMS", "sms", "SMS", "sms"),
        ("note", "note", "note", None),
        ("Quotation", "quotation", "quotation", None),
        ("Other", "other", "contact", None),
    ],
)
def test_every_kind_of_contact_in_any_spelling(
    sqlite_office: Office, typed: str, kept: str, subject: str, channel: str | None
) -> None:
    lead_id = add(sqlite_office)
    activities.log(sqlite_office, lead_id, LogEntry(typed))
    (one,) = (a for a in leads.get(sqlite_office, lead_id).activities if a.type != "milestone")
    assert (one.type, one.subject, one.completed_at, one.scheduled_at, one.is_open) == (kept, subject, NOW, NOW, False)
    assert (one.created_by, one.created_by_name, one.created_at) == ("boss", "boss", NOW)
    with sqlite_office.read() as tx:
        assert tx.conn.exec_driver_sql("SELECT channel FROM activity WHERE type != 'milestone'").scalar_one() == channel


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("Positive", "positive"), ("neutral", "neutral"), ("negative", "negative"), ("follow-up", "follow_up"),
     ("follow up", "follow_up"), ("No answer", "no_answer"), ("", None), (None, None)],
)  # fmt: skip
def test_every_outcome(sqlite_office: Office, typed: str | None, kept: str | None) -> None:
    lead_id = add(sqlite_office)
    activities.log(sqlite_office, lead_id, LogEntry("call", outcome=typed))
    assert leads.get(sqlite_office, lead_id).activities[0].outcome == kept


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (LogEntry("smoke signal"), "type"),
        (LogEntry("status_change"), "type"),
        (LogEntry("call", outcome="great"), "outcome"),
        (LogEntry("call", subject="x" * 256), "subject"),
        (LogEntry("call", details="x" * 2001), "details"),
        (LogEntry("call", next_action="x" * 256), "next_action"),
        (LogEntry("call", at="someday"), "at"),
        (LogEntry("call", at="tomorrow"), "at"),
        (LogEntry("call", schedule="someday"), "schedule"),
        (LogEntry("call", next_at="someday"), "next_at"),
        (LogEntry("call", at="yesterday", schedule="tomorrow"), "schedule"),
    ],
)
def test_a_bad_entry_is_refused_with_its_field(sqlite_office: Office, entry: LogEntry, field: str) -> None:
    lead_id = add(sqlite_office, follow_up="today")
    before = dump(sqlite_office, but=())
    with pytest.raises(Invalid) as refused:
        activities.log(sqlite_office, lead_id, entry)
    assert refused.value.field == field
    assert dump(sqlite_office, but=()) == before


def test_a_contact_of_the_past_and_one_to_come(office: Office) -> None:
    lead_id = add(office)
    activities.log(office, lead_id, LogEntry("call", at="2026-11-19 16:00", details="two\nlines"))
    detail = leads.get(office, lead_id)
    assert (detail.activities[0].completed_at, detail.activities[0].details) == (local(19, 16), "two\nlines")
    assert detail.fields["last_activity_at"] == local(19, 16)
    assert due(office, lead_id) == (None, True)
    activities.log(office, lead_id, LogEntry("meeting", schedule="2026-11-22 14:00"))
    detail = leads.get(office, lead_id)
    (planned,) = detail.follow_ups
    assert (planned.type, planned.scheduled_at, planned.completed_at, planned.assigned_to) == (
        "meeting", local(22, 14), None, "boss",
    )  # fmt: skip
    assert due(office, lead_id) == (local(22, 14), False)
    assert detail.fields["last_activity_at"] == local(19, 16)  # what is planned is no contact yet
    assert [a.type for a in detail.activities] == ["meeting", "call", "milestone"]


def test_the_next_contact_closes_what_was_due(office: Office) -> None:
    lead_id = add(office, follow_up="yesterday")
    activities.add_follow_up(office, lead_id, "today", subject="send the offer")
    activities.add_follow_up(office, lead_id, "+9d", subject="far away")
    activities.log(office, lead_id, LogEntry("meeting", schedule="today 17:00"))
    assert due(office, lead_id) == (local(19), True)
    activities.log(
        office, lead_id, LogEntry("call", outcome="follow-up", next_action="ring again", next_at="2026-11-23 10:00")
    )
    detail = leads.get(office, lead_id)
    # The meeting of this afternoon is no follow-up that a call would settle.
    assert [(f.type, f.subject) for f in detail.follow_ups] == [
        ("meeting", "meeting"), ("follow_up", "ring again"), ("follow_up", "far away"),
    ]  # fmt: skip
    assert {a.subject: a.completed_at for a in detail.activities if a.type == "follow_up" and not a.is_open} == {
        "follow up": NOW, "send the offer": NOW,
    }  # fmt: skip
    assert due(office, lead_id) == (local(20, 17), False)


def test_complete_due_closes_without_a_next_one(office: Office) -> None:
    lead_id = add(office, follow_up="today")
    activities.log(office, lead_id, LogEntry("call", complete_due=True))
    assert due(office, lead_id) == (None, True)
    assert leads.count(office, "due:<=today") == 0


def test_a_plain_log_leaves_the_follow_up_and_the_version(office: Office) -> None:
    lead_id = add(office, follow_up="today")
    version = leads.get(office, lead_id).row.version
    activities.log(office, lead_id, LogEntry("call"))
    assert due(office, lead_id) == (local(20), True)
    assert leads.get(office, lead_id).row.version == version


def test_a_log_may_move_the_status_or_say_why_not(office: Office) -> None:
    lead_id = add(office)
    moved = activities.log(office, lead_id, LogEntry("call", details="wants it", status="Interested"))
    assert (moved.lead.status, moved.warnings) == ("Interested", ())
    lost = activities.log(office, lead_id, LogEntry("call", details="No coverage", status="Not Interested"))
    assert lost.lead.is_lost
    assert leads.get(office, lead_id).fields["lost_reason"] == "No coverage"
    refused = activities.log(office, lead_id, LogEntry("call", status="Converted"))
    assert refused.lead.status == "Not Interested"
    assert len(refused.warnings) == 1
    assert refused.warnings[0].startswith("the status stays: ")
    assert sum(a.type == "call" for a in leads.get(office, lead_id).activities) == 3


def test_the_earliest_open_follow_up_is_the_leads_date(office: Office) -> None:
    lead_id = add(office)
    activities.add_follow_up(office, lead_id, "2026-11-25 09:00")
    assert due(office, lead_id) == (local(25, 9), False)
    activities.add_follow_up(office, lead_id, "2026-11-23")
    assert due(office, lead_id) == (local(23), True)
    first, second = leads.get(office, lead_id).follow_ups
    assert activities.reschedule(office, first.id, "2026-11-28").lead.next_follow_up == local(25, 9)
    assert activities.complete(office, second.id).lead.next_follow_up == local(28)
    assert activities.cancel(office, first.id).lead.next_follow_up is None
    history_ = {a.id: (a.completed_at, a.cancelled_at, a.is_open) for a in leads.get(office, lead_id).activities}
    assert history_ == {first.id: (None, NOW, False), second.id: (NOW, None, False)}
    for act in (activities.complete, activities.cancel, lambda o, i: activities.reschedule(o, i, "+1d")):
        for activity_id in (first.id, second.id):
            with pytest.raises(Refused) as refused:
                act(office, activity_id)
            assert refused.value.code == "already_done"


def test_a_past_follow_up_is_taken_with_a_warning(office: Office) -> None:
    lead_id = add(office)
    done = activities.add_follow_up(office, lead_id, "2026-11-18")
    assert len(done.warnings) == 1
    assert "past" in done.warnings[0]
    assert leads.count(office, "due:overdue") == leads.count(office, "is:overdue") == 1
    assert activities.add_follow_up(office, lead_id, "today").warnings == ()


@pytest.mark.parametrize(("at", "expected"), [("", "at"), ("someday", "at"), ("2026-13-45", "at")])
def test_a_bad_date_is_refused(sqlite_office: Office, at: str, expected: str) -> None:
    lead_id = add(sqlite_office, follow_up="+1d")
    (one,) = leads.get(sqlite_office, lead_id).follow_ups
    for act in (
        lambda: activities.add_follow_up(sqlite_office, lead_id, at),
        lambda: activities.reschedule(sqlite_office, one.id, at),
    ):
        with pytest.raises(Invalid) as refused:
            act()
        assert refused.value.field == expected
    assert leads.get(sqlite_office, lead_id).follow_ups == (one,)


def test_typing_a_date_moves_the_open_one_and_clearing_it_cancels_all(office: Office) -> None:
    lead_id = add(office, follow_up="+1d")
    (one,) = leads.get(office, lead_id).follow_ups
    leads.edit(office, lead_id, {"follow_up": "2026-11-27 10:00"})
    (moved,) = leads.get(office, lead_id).follow_ups
    assert (moved.id, moved.scheduled_at, moved.all_day) == (one.id, local(27, 10), False)
    activities.add_follow_up(office, lead_id, "+20d")
    leads.edit(office, lead_id, {"follow_up": ""})
    detail = leads.get(office, lead_id)
    assert (detail.follow_ups, detail.row.next_follow_up) == ((), None)
    assert [a.cancelled_at for a in detail.activities] == [NOW, NOW]


def test_one_of_two_follow_ups_of_the_same_time_is_moved_and_that_can_be_undone(office: Office) -> None:
    lead_id = add(office, follow_up="+1d")
    activities.add_follow_up(office, lead_id, "+1d", subject="the other")
    before = dump(office)
    done = leads.edit(office, lead_id, {"follow_up": "+5d"})
    assert done.changed == ("follow_up",)
    assert [f.scheduled_at for f in leads.get(office, lead_id).follow_ups] == [local(21), local(25)]
    history.undo(office, done.batch)
    assert dump(office) == before


def test_a_date_behind_another_follow_up_is_taken_with_a_warning(sqlite_office: Office) -> None:
    lead_id = add(sqlite_office, follow_up="today")
    activities.add_follow_up(sqlite_office, lead_id, "+3d")
    done = leads.edit(sqlite_office, lead_id, {"follow_up": "+5d"})
    assert done.lead.next_follow_up == local(23)
    assert done.warnings == ("the lead has another follow-up before that, 2026-11-23: it is the next one",)
    assert leads.edit(sqlite_office, lead_id, {"follow_up": "+1d"}).warnings == ()


def test_follow_ups_go_with_the_lead(office: Office) -> None:
    add_users(office, "jane:agent", "ann:agent")
    lead_id = add(office, assigned_to="jane", follow_up="+1d")
    assert leads.get(office, lead_id).follow_ups[0].assigned_to == "jane"
    assign(office, lead_id, "ann")
    assert leads.get(office, lead_id).follow_ups[0].assigned_to == "ann"
    assign(office, lead_id, None)
    assert leads.get(office, lead_id).follow_ups[0].assigned_to == "ann"  # somebody must still see it
    assert [a.subject for a in leads.get(office, lead_id).activities if a.type == "assignment"] == [
        "ann → nobody", "jane → ann",
    ]  # fmt: skip


def test_a_task_for_somebody_else_stays_his_when_the_lead_is_handed_over(sqlite_office: Office) -> None:
    office = sqlite_office
    add_users(office, "jane:agent", "ann:agent", "dora:director")
    lead_id = add(office, assigned_to="jane", follow_up="+1d")
    for kind, to in (("task", "dora"), ("follow_up", "dora"), ("task", "assignee")):
        admin.add(
            office,
            "stage_action",
            {"name": f"{kind} {to}", "status": "Contacted", "kind": kind, "text": kind, "to": to},
        )
    status.set_status(office, lead_id, "Contacted")
    events.handle_open(office)
    before = dump(office, but=("lead.version", "activity.updated_at"))
    assign(office, lead_id, "ann")
    whose = [(f.type, f.assigned_to) for f in leads.get(office, lead_id).follow_ups]
    assert sorted(map(str, whose)) == [
        "('follow_up', 'ann')", "('follow_up', 'dora')", "('task', 'ann')", "('task', 'dora')",
    ]  # fmt: skip
    history.undo(office)
    assert dump(office, but=("lead.version", "activity.updated_at")) == before


def test_activities_of_others_of_deleted_leads_and_none_at_all_sound_alike(sqlite_office: Office) -> None:
    office = sqlite_office
    add_users(office, "jane:agent")
    foreign = add(office, "0722000001", assigned_to="boss", follow_up="+1d")
    gone = add(office, "0722000002", assigned_to="jane", follow_up="+1d")
    ids = [leads.get(office, i).follow_ups[0].id for i in (foreign, gone)]
    lifecycle.delete(office, gone)
    before = dump(office, but=())
    with acting_as(office, "jane") as jane:
        for activity_id in (*ids, 999, 0, -1):
            for act in (activities.complete, activities.cancel, lambda o, i: activities.reschedule(o, i, "+1d")):
                with pytest.raises(NotFound) as missing:
                    act(jane, activity_id)
                assert missing.value.message == f"there is no activity {activity_id}"
    assert dump(office, but=()) == before


def test_a_note_is_no_follow_up_to_complete(sqlite_office: Office) -> None:
    lead_id = add(sqlite_office)
    activities.log(sqlite_office, lead_id, LogEntry("note"))
    with pytest.raises(Refused):
        activities.complete(sqlite_office, leads.get(sqlite_office, lead_id).activities[0].id)


def test_the_timeline_is_newest_first(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    lead_id = add(office)
    for hour, act in enumerate(("call", "email", "note"), 10):
        frozen_clock(NOW.replace(hour=hour))
        activities.log(office, lead_id, LogEntry(act))
    frozen_clock(NOW.replace(hour=15))
    status.set_status(office, lead_id, "Contacted")
    assert [a.type for a in leads.get(office, lead_id).activities] == [
        "status_change", "note", "email", "call", "milestone",
    ]  # fmt: skip
