"""`followup`, `activity`, `quick-log` and `lead log --quick` as the contract has them (answers 7 and 8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Office

FOLLOW_UP = ["id", "lead_number", "lead_name", "phone", "at", "all_day", "subject", "assigned_to", "overdue"]
ACTIVITY = [
    "id", "lead_number", "type", "subject", "details", "outcome", "next_action", "scheduled_at", "completed_at",
    "created_by", "created_at",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _friday(frozen_clock: object) -> None:
    """Friday 20 November 2026, noon in Nairobi."""


def ids(office: Office, *argv: str) -> list[str]:
    found = office.json("followup", "list", *argv)
    assert list(found) == ["total", "followups"]
    assert found["total"] == len(found["followups"])
    return [one["subject"] for one in found["followups"]]


def test_what_is_due_in_the_shape_of_the_contract(office: Office) -> None:
    ref = office.lead(name="Achieng")["number"]
    for subject, at in (("a", "2026-11-19"), ("b", "today"), ("c", "2026-11-20 14:00"), ("d", "tomorrow")):
        office.json("followup", "add", ref, "--at", at, "--subject", subject)
    assert [ids(office, *which) for which in ((), ("due",), ("overdue",), ("today",), ("upcoming",))] == [
        ["a", "b", "c", "d"], ["a", "b", "c"], ["a"], ["b", "c"], ["d"],
    ]  # fmt: skip
    first, _, timed, _ = office.json("followup", "list")["followups"]
    assert list(first) == FOLLOW_UP
    assert {k: first[k] for k in FOLLOW_UP[1:]} == {
        "lead_number": ref, "lead_name": "Achieng", "phone": "+254722000111", "at": "2026-11-19", "all_day": True,
        "subject": "a", "assigned_to": "boss", "overdue": True,
    }  # fmt: skip
    assert (timed["at"], timed["all_day"], timed["overdue"]) == ("2026-11-20T11:00:00Z", False, False)
    assert office.json("followup", "list", "due", "--limit", "1")["total"] == 3
    assert ids(office, "--where", "name:zed") == []
    assert ids(office, "due", "--mine") == ["a", "b", "c"]
    assert "late" in office("followup", "list").out
    assert office("followup", "list", "--where", "name:zed").out == "nothing to be done\n"


def test_a_past_date_is_taken_with_a_warning_and_a_smart_one_is_found(office: Office) -> None:
    ref = office.lead(set="preferred_hour=15")["number"]
    late = office("--json", "followup", "add", ref, "--at", "2026-11-01")
    assert (late.code, late.json["overdue"], late.json["lead"]["next_follow_up"]) == (0, True, "2026-11-01")
    assert late.err == "warning: the follow-up lies in the past: it is overdue at once\n"
    smart = office.json("followup", "add", ref, "--at", "smart", "--context", "offer_response")
    assert (smart["at"], smart["subject"]) == ("2026-11-23T12:00:00Z", "ask about the offer")
    assert list(smart) == [*FOLLOW_UP, "batch", "lead"]


REFUSED: list[tuple[tuple[str, ...], int, str]] = [
    (("followup", "list", "someday"), 2, "which"),
    (("followup", "list", "--user", "nobody"), 5, "user"),
    (("followup", "list", "--mine", "--user", "boss"), 2, "user"),
    (("followup", "add", "1"), 2, "at"),
    (("followup", "add", "1", "--at", "someday"), 5, "at"),
    (("followup", "add", "99", "--at", "today"), 4, "ref"),
    (("followup", "export", "--format", "csv", "--out", "x.csv"), 2, "format"),
    (("followup", "export"), 2, "json"),
    (("activity", "list", "someday"), 4, "ref"),
    (("activity", "list", "1", "LD-1"), 2, "lead"),
    (("activity", "list", "--type", "smoke"), 5, "type"),
    (("activity", "complete", "99"), 4, "id"),
    (("activity", "complete", "1", "--outcome", "great"), 5, "outcome"),
    (("activity", "reschedule", "1"), 2, "at"),
    (("activity", "reschedule", "1", "--at", "whenever"), 5, "at"),
    (("lead", "log", "1", "--subject", "x"), 2, "type"),
    (("lead", "log", "1", "--type", "call"), 2, "subject"),
    (("lead", "log", "1", "--quick", "smoke"), 5, "quick"),
    (("lead", "log", "1", "--quick", "no answer", "--type", "call"), 2, "type"),
    (("lead", "log", "1", "--quick", "call back"), 2, "next_at"),
    (("lead", "log", "1", "--quick", "not interested"), 2, "reason"),
    (("lead", "log", "1", "--type", "call", "--subject", "x", "--reason", "y"), 2, "reason"),
    (("quick-log", "add", "--name", "No answer"), 5, "name"),
    (("quick-log", "edit", "Nothing", "--delay", "1h"), 4, "quick_log"),
]
"""What is typed, the exit code, and the field that the error names."""


def test_refusals(office: Office) -> None:
    office.lead(follow_up="today")
    for argv, code, field in REFUSED:
        assert office.fails(*argv, code=code)["field"] == field, argv


def test_activities_are_listed_done_moved_and_called_off(office: Office) -> None:
    ref = office.lead(name="Achieng", follow_up="today")["number"]
    office.json("lead", "log", ref, "--type", "site-visit", "--subject", "look", "--schedule", "2026-11-22 14:00")
    found = office.json("activity", "list", "scheduled")
    assert (found["total"], [list(one) for one in found["activities"]]) == (2, [ACTIVITY, ACTIVITY])
    assert [one["scheduled_at"] for one in found["activities"]] == ["2026-11-20", "2026-11-22T11:00:00Z"]
    follow_up, visit = (str(one["id"]) for one in found["activities"])
    done = office.json("activity", "complete", follow_up, "--outcome", "positive", "--note", "said yes")
    assert (done["completed_at"], done["outcome"]) == ("2026-11-20T09:00:00Z", "positive")
    assert office.fails("activity", "complete", follow_up, code=5)["code"] == "already_done"
    moved = office.json("activity", "reschedule", visit, "--at", "+3d")
    assert moved["scheduled_at"] == "2026-11-23"
    assert office.json("lead", "show", ref)["next_follow_up"] == "2026-11-23"
    office.json("activity", "cancel", visit, "--reason", "rain")
    assert office.json("lead", "show", ref)["next_follow_up"] is None
    office.json("undo")
    assert office.json("lead", "show", ref)["next_follow_up"] == "2026-11-23"
    assert [one["type"] for one in office.json("activity", "list", ref, "--type", "site_visit")["activities"]] == [
        "site_visit"
    ]
    assert office.json("activity", "list", "pending", "today")["total"] == 0
    assert office.json("activity", "list", "--recent", "7", "--by", "boss", "--limit", "1")["total"] == 2
    assert "look" in office("activity", "list", "upcoming").out


def test_one_key_outcomes(office: Office) -> None:
    ref = office.lead(name="Achieng", follow_up="today")["number"]
    lead = office.json("lead", "log", ref, "--quick", "interested")
    assert (lead["status"], lead["next_follow_up"]) == ("Interested", "2026-11-21T09:00:00Z")
    lead = office.json("lead", "log", ref, "--quick", "Call back", "--next-at", "mon 10:00", "--details", "at work")
    assert lead["next_follow_up"] == "2026-11-23T07:00:00Z"  # what only a rule had planned gives way
    office.json("undo")
    lead = office.json("lead", "log", ref, "--quick", "not interested", "--reason", "too dear")
    assert (lead["status"], lead["next_follow_up"], lead["is_lost"]) == ("Not Interested", None, True)
    office.json("undo")
    assert office.json("lead", "show", ref)["next_follow_up"] == "2026-11-21T09:00:00Z"
    smart = office.json("lead", "log", ref, "--type", "quotation", "--subject", "sent", "--next-at", "smart",
                        "--context", "offer_response")  # fmt: skip
    assert smart["next_follow_up"] == "2026-11-20T13:00:00Z"


def test_one_key_outcomes_are_data(office: Office) -> None:
    found = office.json("quick-log", "list")
    assert [one["name"] for one in found["quick_logs"]][:2] == ["No answer", "Interested"]
    made = office.json("quick-log", "add", "--name", "Busy", "--outcome", "no_answer", "--delay", "1h", "--order", "2")
    assert (made["type"], made["delay"], made["order"], made["pipeline"]) == ("call", "1h", 2, "isp")
    assert office.json("quick-log", "edit", "busy", "--delay", "2h")["delay"] == "2h"
    office.json("quick-log", "retire", "busy")
    assert "Busy" not in [one["name"] for one in office.json("quick-log", "list", "--active")["quick_logs"]]


def test_a_calendar_file(office: Office, tmp_path: Path) -> None:
    office.lead(name="Achieng", follow_up="2026-11-24 14:00")
    shown = office.process("followup", "export", "--format", "ics")
    assert shown.out.startswith("BEGIN:VCALENDAR") and "DTSTART:20261124T110000Z" in shown.out
    place = tmp_path / "mine.ics"
    made = office.json("followup", "export", "--mine", "--out", str(place))
    assert made == {"exported": 1, "format": "ics", "out": str(place)}
    first = place.read_bytes()
    assert b"SUMMARY:follow up: Achieng" in first
    office.json("followup", "export", "--user", "boss", "--out", str(place))
    assert place.read_bytes().replace(b"\r\n ", b"") == first.replace(b"\r\n ", b"")


def test_users_have_a_zone_and_hours(office: Office) -> None:
    made = office.json("user", "add", "--login", "ny", "--name", "N", "--role", "agent", "--timezone",
                       "America/New_York", "--working-hours", "mon-fri 9:00-17:00")  # fmt: skip
    assert (made["timezone"], made["working_hours"]) == ("America/New_York", "mon-fri 09:00-17:00")
    assert office.json("user", "edit", "ny", "--timezone", "")["timezone"] is None
    assert office.fails("user", "edit", "ny", "--working-hours", "always", code=5)["field"] == "working_hours"
    office.json("config", "set", "holidays", "12-25")
    assert office.json("config", "show", "holidays")["value"] == "12-25"
