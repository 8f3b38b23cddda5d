"""What is to be done and what was, by every scope; settling with outcome and note; the smart time (spec §G, §I)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from leadtui.errors import FilterError, Invalid, NotFound, Refused, UsageError
from leadtui.services import activities, admin, follow_ups, history, leads
from leadtui.services import lead_writes as w
from leadtui.services.activities import LogEntry
from leadtui.services.assignment import assign
from leadtui.services.lifecycle import delete
from leadtui.services.office import Office
from tests.services.lead_help import acting_as, add, add_users, dump

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
"""Friday noon in Nairobi, as `frozen_clock` holds it."""
pytestmark = pytest.mark.usefixtures("frozen_clock")


def local(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of November 2026 on the office's clock (UTC+3)."""
    return datetime(2026, 11, day, hour, minute, tzinfo=timezone(timedelta(hours=3)))


def subjects(office: Office, which: str = "all", **more: object) -> list[str]:
    total, rows = follow_ups.list_open(office, which, **more)  # type: ignore[arg-type]
    assert total == len(rows)
    return [row.subject for row in rows]


@pytest.fixture
def planned(office: Office) -> Office:
    """Follow-ups around today, and what must not be listed."""
    add_users(office, "ann:agent", "ben:agent")
    lead = add(office, name="Achieng")
    for subject, at in (("late", "yesterday"), ("late hour", "2026-11-19 23:59"), ("today", "today"),
                        ("morning", "today 08:00"), ("evening", "today 23:00"), ("midnight", "2026-11-21 00:00"),
                        ("next", "tomorrow")):  # fmt: skip
        activities.add_follow_up(office, lead, at, subject=subject)
    done, gone = add(office, "0722000112", follow_up="today"), add(office, "0722000113", follow_up="today")
    activities.complete(office, leads.get(office, done).follow_ups[0].id)
    activities.add_follow_up(office, done, "today", subject="called off")
    activities.cancel(office, leads.get(office, done).follow_ups[0].id)
    delete(office, gone)
    return office


def test_due_and_overdue_are_two_things(planned: Office) -> None:
    assert subjects(planned, "overdue") == ["late", "late hour"]
    assert subjects(planned, "today") == ["today", "morning", "evening"]
    assert subjects(planned, "due") == ["late", "late hour", "today", "morning", "evening"]
    assert subjects(planned, "upcoming") == ["midnight", "next"]
    assert subjects(planned) == subjects(planned, "due") + subjects(planned, "upcoming")
    assert follow_ups.counts(planned) == {"overdue": 2, "today": 3, "upcoming": 2, "due": 5}
    total, rows = follow_ups.list_open(planned, "due", limit=2, offset=1)
    assert (total, [row.subject for row in rows]) == (5, ["late hour", "today"])
    with pytest.raises(UsageError):
        follow_ups.list_open(planned, "someday")


def test_a_row_says_all_that_a_list_shows(planned: Office) -> None:
    row = follow_ups.list_open(planned, "overdue")[1][0]
    assert (row.lead_number, row.lead_name, row.phone, row.title) == (
        "LD-202611-0001", "Achieng", "+254722000111", "Achieng",
    )  # fmt: skip
    assert (row.at, row.all_day, row.overdue, row.assigned_to, row.status, row.status_mark, row.type) == (
        local(19), True, True, "boss", "New", "○", "follow_up",
    )  # fmt: skip


def test_the_days_of_a_user_elsewhere_are_his_own(planned: Office, frozen_clock: Callable[[datetime], None]) -> None:
    admin.edit_user(planned, "boss", {"timezone": "America/New_York"})
    # Noon in Nairobi is four in the morning there; 23:59 of Thursday in Nairobi is Thursday afternoon.
    assert subjects(planned, "overdue") == ["late", "late hour"]
    assert subjects(planned, "today") == ["today", "morning", "evening", "midnight"]  # 00:00 of Saturday is 16:00 there
    frozen_clock(local(21, 2))  # Saturday in Nairobi, Friday evening there
    assert subjects(planned, "overdue") == ["late", "late hour"]
    # A whole day is the office's date wherever it is read: the one of Saturday is tomorrow there.
    assert subjects(planned, "today") == ["today", "morning", "evening", "midnight"]
    admin.edit_user(planned, "boss", {"timezone": ""})
    assert subjects(planned, "today") == ["midnight", "next"]


def test_whose_follow_ups_they_are(planned: Office) -> None:
    mine, hers = add(planned, "0722000200"), add(planned, "0722000201")
    assign(planned, hers, "ann")
    activities.add_follow_up(planned, hers, "today", subject="for ann")
    activities.add_follow_up(planned, mine, "today", subject="for me")
    assert subjects(planned, "today", user="ann") == ["for ann"]
    assert "for ann" not in subjects(planned, "today", mine=True)
    assert "for me" in subjects(planned, "today", mine=True)
    assert follow_ups.counts(planned, mine=True)["today"] == 4
    assert subjects(planned, "today", where="assigned:ann") == ["for ann"]
    with acting_as(planned, "ann") as ann:
        assert subjects(ann) == ["for ann"]
        assert subjects(ann, user="boss") == []
        assert activities.list_all(ann, ["pending"])[0] == 1
    with pytest.raises(Invalid):
        follow_ups.list_open(planned, user="nobody")
    with pytest.raises(FilterError):
        follow_ups.list_open(planned, where="colour:red")


def test_what_a_role_does_not_see_is_not_in_the_lists(planned: Office) -> None:
    from sqlalchemy import text

    with planned.store.engine.begin() as conn:
        conn.execute(text("UPDATE role SET hidden_fields_json = '[\"phone\", \"name\"]' WHERE key = 'director'"))
    add_users(planned, "dora:director")
    with acting_as(planned, "dora") as dora:
        row = follow_ups.list_open(dora, "overdue")[1][0]
        assert (row.lead_name, row.phone, row.title) == (None, None, "LD-202611-0001")
        assert activities.list_all(dora, ["overdue"])[1][0].lead_name is None


SCOPES: list[tuple[list[str], dict[str, Any], list[str]]] = [
    (["scheduled"], {}, ["late", "meet", "today", "next"]),
    (["pending"], {}, ["next", "today", "late", "meet"]),
    (["overdue"], {}, ["late"]),
    (["today"], {}, ["meet", "called", "hers", "today"]),
    (["today", "pending"], {}, ["meet", "today"]),
    (["upcoming"], {}, ["next"]),
    (["completed"], {"types": ["Call", "email"]}, ["called", "old"]),
    (["cancelled"], {}, ["off"]),
    ([], {"outcome": "no answer"}, ["called"]),
    ([], {"types": ["follow-up"], "recent_days": 7}, ["off", "next", "today", "late"]),
    ([], {"by": "ann"}, ["hers"]),
    ([], {"by": "me", "types": ["meeting"]}, ["meet"]),
    ([], {"assigned": "none", "types": ["call", "note"]}, ["hers", "called"]),
    (["scheduled"], {"assigned": "me"}, ["late", "meet", "today", "next"]),
    ([], {"where": "name:zed", "types": ["call"]}, []),
    ([], {"recent_days": 1, "types": ["email"]}, []),
]
"""Scopes and other choices, and the subjects of what they find, in order."""


def test_every_scope_of_the_sources(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    add_users(office, "ann:director")
    frozen_clock(NOW - timedelta(days=3))
    lead = add(office, name="Achieng")
    activities.log(office, lead, LogEntry("email", "old"))
    frozen_clock(NOW)
    activities.log(office, lead, LogEntry("meeting", "meet", schedule="2026-11-20 08:00"))
    for subject, at in (("late", "yesterday"), ("today", "today 15:00"), ("next", "tomorrow"), ("off", "+9d")):
        activities.add_follow_up(office, lead, at, subject=subject)
    off = activities.list_all(office, ["upcoming"])[1][-1]
    activities.cancel(office, off.id, reason="not needed")
    activities.log(office, lead, LogEntry("call", "called", outcome="no_answer"))
    with acting_as(office, "ann") as ann:
        activities.log(ann, lead, LogEntry("note", "hers"))
    for scopes, more, expected in SCOPES:
        total, found = activities.list_all(office, scopes, **more)
        assert ([one.subject for one in found], total) == (expected, len(expected)), (scopes, more)


def test_lists_of_activities_refuse_what_they_do_not_know(sqlite_office: Office) -> None:
    lead = add(sqlite_office, follow_up="today")
    assert activities.list_all(sqlite_office, ref=lead, limit=1)[0] == 1
    with pytest.raises(UsageError):
        activities.list_all(sqlite_office, ["someday"])
    for more, error in (({"types": ["smoke"]}, Invalid), ({"outcome": "great"}, Invalid), ({"by": "x"}, Invalid),
                        ({"ref": "LD-202611-9999"}, NotFound)):  # fmt: skip
        with pytest.raises(error):
            activities.list_all(sqlite_office, **more)


def test_settling_with_outcome_and_note_and_its_undo(office: Office) -> None:
    lead = add(office, follow_up="today")
    activities.log(office, lead, LogEntry("meeting", "meet", schedule="today 15:00"))
    follow_up, meeting = leads.get(office, lead).follow_ups
    before = dump(office)
    done = activities.complete(office, meeting.id, outcome="Follow-up", note="wants it\nin May")
    now = activities.get_activity(office, meeting.id)
    assert (now.completed_at, now.outcome, now.outcome_note) == (NOW, "follow_up", "wants it\nin May")
    assert (leads.get(office, lead).fields["last_activity_at"], done.lead.next_follow_up) == (NOW, local(20))
    history.undo(office)
    assert dump(office) == before
    activities.complete(office, follow_up.id)  # a reminder of one's own is no contact
    assert leads.get(office, lead).fields["last_activity_at"] is None
    activities.cancel(office, meeting.id, reason="rain")
    assert activities.get_activity(office, meeting.id).outcome_note == "rain"
    for act in (activities.complete, activities.cancel):
        with pytest.raises(Refused) as caught:
            act(office, meeting.id)
        assert (caught.value.code, caught.value.field) == ("already_done", "id")
    with pytest.raises(Refused):
        activities.reschedule(office, follow_up.id, "tomorrow")
    with pytest.raises(Invalid):
        activities.complete(office, meeting.id, outcome="great")
    with pytest.raises(NotFound):
        activities.get_activity(office, 99_999)


def test_the_smart_time_on_request(sqlite_office: Office) -> None:
    office = sqlite_office
    lead = add(office, preferred_hour="15", package="20 Mbps Home", name="Achieng {x}")
    done = activities.add_follow_up(office, lead, "Smart", context="Offer-Response")
    assert done.lead.next_follow_up == local(23, 15)  # four hours on, at three, on a day that has it
    one = leads.get(office, lead).follow_ups[0]
    assert (one.subject, one.details, one.context, one.priority) == (
        "ask about the offer", "Achieng {x} (20 Mbps Home) has the offer: ask for the decision.", "offer_response",
        "medium",
    )  # fmt: skip
    assert one.metadata == {"suggested_actions": ["call", "clear up what is open", "agree on a day for the decision"]}
    moved = activities.reschedule(office, one.id, "smart")
    assert moved.lead.next_follow_up == local(23, 15)
    admin.set_setting(office, "working_hours", "daily 00:00-24:00")
    admin.set_setting(office, "quiet_hours", "")
    admin.set_setting(office, "holidays", "11-21")
    assert activities.reschedule(office, one.id, "smart").lead.next_follow_up == local(22, 15)
    logged = activities.log(office, lead, LogEntry("call", next_at="smart", next_action="call again"))
    assert [a.subject for a in leads.get(office, lead).follow_ups] == ["ask about the offer", "call again"]
    assert logged.lead.next_follow_up == local(22, 15)


def test_a_user_who_works_elsewhere_gets_times_of_his_own(sqlite_office: Office) -> None:
    office = sqlite_office
    add_users(office, "ny:director", timezone="America/New_York", working_hours="mon-fri 09:00-17:00")
    add_users(office, "night:director", working_hours="mon-sun 12:00-20:00")
    times = []
    for i, login in enumerate(("ny", "night", "boss")):
        lead = add(office, f"072200030{i}")
        assign(office, lead, login)
        times.append(activities.add_follow_up(office, lead, "smart").lead.next_follow_up)
    assert times == [local(23, 17), local(21, 12), local(21, 12)]


def test_a_rule_schedules_within_a_transaction(sqlite_office: Office) -> None:
    office = sqlite_office
    lead = add(office)
    with office.write() as tx:
        tx.open_batch("followup", "by rule")
        row = w.open_for(tx, lead, "log")
        made, at = follow_ups.schedule_smart(tx, row, "overdue_followup", metadata={"previous_activity": 7})
        w.change(tx, row, w.next_follow_up(tx, lead), "followup")
    one = activities.get_activity(office, made)
    assert (one.scheduled_at, one.subject, one.priority, one.metadata["previous_activity"]) == (
        at, "late: follow up", "high", 7,
    )  # fmt: skip
    assert leads.get(office, lead).row.next_follow_up == at == local(21, 12)
    with office.read() as tx:
        assert follow_ups.working_time_for(tx, local(21, 14)) == local(23, 8)


def test_a_past_time_is_taken_with_a_warning(sqlite_office: Office) -> None:
    office = sqlite_office
    lead = add(office)
    words = ("the follow-up lies in the past: it is overdue at once",)
    assert activities.add_follow_up(office, lead, "yesterday").warnings == words
    assert activities.add_follow_up(office, lead, "2026-11-20 11:00").warnings == words
    assert activities.add_follow_up(office, lead, "today").warnings == ()
    assert activities.log(office, lead, LogEntry("call", next_at="yesterday")).warnings == words
