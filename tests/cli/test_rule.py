"""`rule stage-action` and `rule milestone`, hours of a status, milestones and rotting leads on the command line."""

from __future__ import annotations

import pytest

from .conftest import Office


@pytest.fixture(autouse=True)
def _friday(frozen_clock: object) -> None:
    """Friday 20 November 2026, noon in Nairobi."""


def test_stage_actions_in_the_shape_of_the_contract(office: Office) -> None:
    found = office.json("rule", "stage-action", "list")
    assert list(found) == ["total", "stage_actions"] and found["total"] == len(found["stage_actions"]) == 5
    made = office.json(
        "rule", "stage-action", "add", "--status", "Contacted", "--name", "Ring", "--kind", "follow_up",
        "--delay", "4h", "--text", "Ring {name}",
    )  # fmt: skip
    assert {k: made[k] for k in ("status", "kind", "delay", "pipeline", "does", "is_active")} == {
        "status": "Contacted", "kind": "follow_up", "delay": "4h", "pipeline": "isp", "does": "follow-up in 4h",
        "is_active": True,
    }  # fmt: skip
    assert office.json("rule", "stage-action", "edit", "Ring", "--to", "manager")["to"] == "manager"
    assert not office.json("rule", "stage-action", "disable", "Ring")["is_active"]
    assert office.json("rule", "stage-action", "list", "--active")["total"] == 5
    assert office.json("rule", "stage-action", "enable", "Ring")["is_active"]
    assert office.json("rule", "stage-action", "list", "--pipeline", "isp")["total"] == 6
    error = office.fails("rule", "stage-action", "add", "--status", "Nowhere", "--name", "x", code=5)
    assert error["field"] == "status"
    assert office.fails("rule", "stage-action", "edit", "Ring", code=2)["code"] == "missing_option"
    assert office.fails("rule", "stage-action", "disable", "Nothing", code=4)["code"] == "not_found"


def test_a_rehearsal_then_the_real_thing_and_its_undo(office: Office) -> None:
    ref = office.lead(name="Achieng")["number"]
    office.json("rule", "stage-action", "add", "--status", "Contacted", "--name", "Ring", "--text", "Ring {name}")
    rehearsed = office.json("rule", "stage-action", "rehearse", ref, "--status", "contacted")
    assert {k: rehearsed[k] for k in ("lead_number", "status", "total")} == {
        "lead_number": ref, "status": "Contacted", "total": 1,
    }  # fmt: skip
    (one,) = rehearsed["actions"]
    assert (one["name"], one["type"], one["subject"], one["at"], one["assigned_to"]) == (
        "Ring", "task", "Ring Achieng", "2026-11-20", [],
    )  # fmt: skip
    assert "Ring Achieng" in office("rule", "stage-action", "rehearse", ref, "--status", "Contacted").out
    assert "nothing would happen" in office("rule", "stage-action", "rehearse", ref).out
    assert office.json("followup", "list")["total"] == 0
    office.json("lead", "status", ref, "Contacted")
    office("worker", "--once")
    office("worker", "--once")
    assert [one["subject"] for one in office.json("followup", "list")["followups"]] == ["Ring Achieng"]
    assert office.json("lead", "show", ref)["next_follow_up"] == "2026-11-20"
    office.json("undo")
    shown = office.json("lead", "show", ref)
    assert (shown["status"], shown["next_follow_up"]) == ("New", None)
    assert office.json("followup", "list")["total"] == 0


def test_milestones_of_a_lead(office: Office) -> None:
    ref = office.lead()["number"]
    assert office.json("lead", "show", ref)["milestones"] == []
    office.json("lead", "log", ref, "--type", "call", "--subject", "hello")
    shown = office.json("lead", "show", ref)
    assert shown["milestones"] == [{"key": "first_contact", "name": "First contact", "at": "2026-11-20T09:00:00Z"}]
    assert [one["type"] for one in shown["activities"]] == ["call", "milestone"]
    assert "First contact 2026-11-20" in office("lead", "show", ref).out
    made = office.json("rule", "milestone", "add", "--name", "Two calls", "--types", "call", "--count", "2")
    assert made["condition"] == "2 × call"
    assert office.json("rule", "milestone", "list")["total"] == 6
    rehearsed = office.json("rule", "milestone", "rehearse", ref)
    assert (rehearsed["total"], rehearsed["milestones"][0]["state"]) == (6, "reached")
    assert "reached 2026-11-20 12:00" in office("rule", "milestone", "rehearse", ref).out
    assert not office.json("rule", "milestone", "disable", "Two calls")["is_active"]
    assert office.fails("rule", "milestone", "add", "--name", "x", code=5)["field"] == "types"


def test_hours_of_a_status_and_leads_that_rot(office: Office, frozen_clock: object) -> None:
    from datetime import UTC, datetime

    ref = office.lead()["number"]
    assert office.json("status", "edit", "New", "--sla-hours", "12")["sla_hours"] == 12
    assert office.json("lead", "list", "is:rotting")["total"] == 0
    frozen_clock(datetime(2026, 11, 21, 9, tzinfo=UTC))  # type: ignore[operator]
    assert [one["number"] for one in office.json("lead", "list", "is:rotting")["leads"]] == [ref]
    assert office.fails("status", "edit", "New", "--sla-hours", "0", code=5)["field"] == "sla_hours"
