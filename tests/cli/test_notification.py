"""`leadtui notification`, and the alert addresses of `leadtui user`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from .conftest import Office


@pytest.fixture
def reminded(office: Office, frozen_clock: Callable[[datetime], None]) -> Office:
    """Friday noon in Nairobi; three follow-ups came due, and the worker saw it."""
    office.json("config", "set", "digest_at", "")
    office.lead(name="Achieng")
    for minute in (57, 58, 59):
        at = f"2026-11-20 11:{minute}"
        office.json("followup", "add", "0722000111", "--at", at, "--subject", f"due at {minute}")
    assert office.json("worker", "--once")["reminders"] == 3
    return office


def test_listed_snoozed_dealt_with(reminded: Office) -> None:
    office = reminded
    found = office.json("notification", "list")
    assert (found["total"], found["unseen"]) == (3, 3)
    first, second, third = found["notifications"]
    assert sorted(row["text"] for row in found["notifications"]) == ["due at 57", "due at 58", "due at 59"]
    assert (first["kind"], first["lead_name"], first["seen"], first["snoozes"]) == ("reminder", "Achieng", False, 0)
    assert "Achieng" in office("notification", "list").out

    snoozed = office.json("notification", "snooze", str(first["id"]), "--until", "1h")
    assert snoozed["due_at"] == "2026-11-20T10:00:00Z"
    assert office.json("notification", "seen", str(second["id"])) == {"seen": 1}
    assert [row["id"] for row in office.json("notification", "list")["notifications"]] == [third["id"]]
    assert office.json("notification", "seen", "--all") == {"seen": 1}
    assert office.json("notification", "list")["total"] == 0
    assert office.json("notification", "list", "--all")["total"] == 2


def test_what_is_refused(reminded: Office) -> None:
    office = reminded
    assert office.fails("notification", "seen", code=2)["field"] == "id"
    assert office.fails("notification", "seen", "4711", code=4)["field"] == "id"
    assert office.fails("notification", "snooze", "4711", code=4)["field"] == "id"
    assert office.fails("notification", "desktop", "maybe", code=2)["field"] == "state"
    row = office.json("notification", "list")["notifications"][0]
    assert office.fails("notification", "snooze", str(row["id"]), "--until", "2020-01-01", code=5)["field"] == "until"


def test_a_choice_that_is_kept(office: Office) -> None:
    assert office.json("notification", "desktop") == {"desktop": False}
    assert office.json("notification", "desktop", "on") == {"desktop": True}
    assert office.json("notification", "desktop") == {"desktop": True}


def test_alert_addresses_come_by_standard_input(office: Office) -> None:
    address = "json://s3cret@127.0.0.1:1/x"
    set_ = office("--json", "user", "edit", "boss", "--alerts-stdin", stdin=address + "\n")
    assert set_.json == {"login": "boss", "alerts": ["json"]}
    assert office.fails("user", "test-alert", "boss", code=6)["field"] == "login"
    assert "s3cret" not in office("user", "list").out + office("audit", "list").out + set_.err
    assert "1 set" in office("audit", "list", "--json").out
    assert office("user", "edit", "boss", "--alerts-stdin", stdin="\n").code == 0
    assert office.fails("user", "test-alert", "boss", code=5)["code"] == "no_alerts"
    refused = office("--json", "user", "edit", "boss", "--alerts-stdin", stdin="bogus\n")
    assert (refused.code, refused.error["field"]) == (5, "alerts")
