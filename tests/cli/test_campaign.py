"""`campaign` and `template` as the contract has them; once as real processes, with a worker that sends to a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Office

SHOWN = [
    "id", "name", "status", "channel", "total_leads", "sent_count", "delivered_count", "read_count", "failed_count",
    "pending_count", "unknown_count", "success_rate", "delivery_rate", "read_rate", "failure_rate", "scheduled_at",
    "started_at", "completed_at",
]  # fmt: skip
RECIPIENT = ["lead_number", "phone", "status", "sent_at", "delivered_at", "read_at", "retry_count", "error"]


@pytest.fixture(autouse=True)
def _friday(frozen_clock: object) -> None:
    """Friday 20 November 2026, noon in Nairobi."""


def people(office: Office, count: int = 3) -> list[dict[str, Any]]:
    """Leads with names."""
    return [office.lead(f"07220001{n:02}", name=f"Jane {n}") for n in range(count)]


def test_a_campaign_from_draft_to_sent_as_processes(office: Office, tmp_path: Path) -> None:
    people(office, 2)
    office.json("config", "set", "quiet_hours", "")
    out = tmp_path / "sent.jsonl"
    made = office.process(
        "campaign", "create", "--name", "Fibre", "--template", "Hi {name}, {{ok}}", "--out", str(out), "--per-minute",
        "120", "--json",
    )  # fmt: skip
    assert made.code == 0, made
    ref = str(made.json["id"])
    assert set(SHOWN) <= set(made.json) and made.json["status"] == "draft"
    assert "2 leads, not 7" in office.fails("campaign", "start", ref, "--confirm", "7", code=5)["message"]
    started = office.process("campaign", "start", ref, "--confirm", "2", "--json")
    assert (started.code, started.json["status"], started.json["total_leads"]) == (0, "active", 2)
    assert office.process("worker", "--once").code == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [list(one) for one in lines] == [["recipient_id", "campaign", "phone", "text", "attachment", "at"]] * 2
    assert sorted(one["text"] for one in lines) == ["Hi Jane 0, {ok}", "Hi Jane 1, {ok}"]
    shown = office.json("campaign", "show", ref)
    assert {key: shown[key] for key in ("status", "total_leads", "sent_count", "pending_count", "failed_count")} == {
        "status": "completed", "total_leads": 2, "sent_count": 2, "pending_count": 0, "failed_count": 0,
    }  # fmt: skip
    listed = office.json("campaign", "recipients", ref)
    assert listed["total"] == 2 and set(RECIPIENT) <= set(listed["recipients"][0])
    assert {one["status"] for one in listed["recipients"]} == {"sent"}


def test_the_shapes_and_exit_codes_of_the_contract(office: Office) -> None:
    people(office)
    made = office.json("campaign", "create", "--name", "Fibre", "--template", "Hi {name|there}", "--where", "name:jane",
                       "--no-retry", "--retries", "1")  # fmt: skip
    one = str(made["id"])
    shown = office.json("campaign", "show", one)
    assert [key for key in shown if key in SHOWN] == SHOWN
    assert {key: value for key, value in made.items() if key != "batch"} == shown
    assert (shown["auto_retry_failed"], shown["max_retry_attempts"]) == (False, 1)
    listed = office.json("campaign", "list")
    assert (list(listed), listed["total"]) == (["total", "campaigns"], 1)
    told = office.json("campaign", "preview", one)
    assert (told["to_send"], told["total_leads"], told["by_reason"]) == (3, 3, {})
    assert [one["text"] for one in told["samples"]] == ["Hi Jane 0", "Hi Jane 1", "Hi Jane 2"]
    assert office.json("campaign", "start", one, "--dry-run")["dry_run"] is True
    assert office.json("campaign", "schedule", one, "--at", "tomorrow")["scheduled_at"] == "2026-11-21T05:00:00Z"
    assert office.json("campaign", "unschedule", one)["status"] == "draft"
    office.json("campaign", "start", one, "--yes")
    assert office.fails("campaign", "cancel", one, "--yes", code=5)["code"] == "illegal_transition"
    assert office.json("campaign", "pause", one, "--reason", "wait")["why_paused"] == "wait"
    assert office.json("campaign", "resume", one)["status"] == "active"
    office.json("campaign", "pause", one)
    assert office.json("campaign", "cancel", one, "--dry-run")["status"] == "paused"
    assert office.json("campaign", "retry", one, "--dry-run") == {"count": 0, "refused": [], "dry_run": True}
    assert office.json("campaign", "cancel", one, "--yes")["skipped_count"] == 3
    twin = office.json("campaign", "copy", one, "--name", "Again")
    assert (twin["name"], twin["status"]) == ("Again", "draft")
    two = str(twin["id"])
    assert office.json("campaign", "edit", two, "--per-minute", "5")["messages_per_minute"] == 5
    assert office.fails("campaign", "edit", two, "--name", "x", "--version", "1", code=5)["code"] == "edited_elsewhere"
    assert office.json("campaign", "delete", two, "--yes")["id"] == twin["id"]
    assert office.json("undo")["restored"] == 1
    assert office.fails("campaign", "show", "77", code=4)["field"] == "ref"
    assert office.fails("campaign", "create", "--name", "x", code=2)["field"] == "template"
    assert office.fails("campaign", "create", "--name", "x", "--template", "{x}", code=5)["field"] == "template"
    assert (
        office.fails("campaign", "create", "--name", "x", "--template", "a", "--where", "a:", code=2)["code"]
        == "filter"
    )
    assert (
        office.fails("campaign", "create", "--name", "x", "--template", "a", "--channel", "pigeon", code=5)["field"]
        == "channel"
    )
    assert office.fails("campaign", "resolve", one, code=2)["field"] == "went"


def test_criteria_the_short_form_and_a_text_from_a_file(office: Office, tmp_path: Path) -> None:
    ref = people(office, 2)[0]["number"]
    office.json("lead", "edit", ref, "--set", "priority=high")
    text = tmp_path / "text.txt"
    text.write_text("Habari {first_name|there}\nsecond line", encoding="utf-8")
    made = office.json("campaign", "create", "--name", "S1", "--template-file", str(text), "--criteria",
                       '{"priority": "high", "status_id": [1, 2, 3]}', "--dry-run")  # fmt: skip
    assert made["dry_run"] is True and office.json("campaign", "list")["total"] == 0
    office.json(
        "campaign", "create", "--name", "S1", "--template-file", str(text), "--criteria", '{"priority": "high"}'
    )
    assert [one["text"] for one in office.json("campaign", "preview", "S1")["samples"]] == ["Habari Jane\nsecond line"]
    assert (
        office.fails("campaign", "create", "--name", "x", "--template", "a", "--criteria", "{", code=5)["field"]
        == "criteria"
    )


def test_the_name_of_a_retired_template_is_no_text(office: Office) -> None:
    office.json("template", "add", "--name", "welcome", "--text", "Karibu")
    assert (
        office.json("campaign", "create", "--name", "x", "--template", "welcome", "--dry-run")["template"] == "Karibu"
    )
    office.json("template", "retire", "welcome")
    assert office.fails("campaign", "create", "--name", "x", "--template", "welcome", code=5)["field"] == "template"


def test_more_than_a_hundred_need_a_word(office: Office, tmp_path: Path) -> None:
    rows = "\n".join(f"07220{n:05},Jane {n}" for n in range(101))
    file = tmp_path / "many.csv"
    file.write_text(f"phone,name\n{rows}\n")
    office.json("lead", "import", str(file))
    office.json("campaign", "create", "--name", "All", "--template", "Hi")
    assert office.fails("campaign", "start", "All", code=2)["field"] == "yes"
    assert office.json("campaign", "show", "All")["status"] == "draft"
    assert office.json("campaign", "start", "All", "--confirm", "101")["total_leads"] == 101
    listed = office.json("campaign", "recipients", "All", "--limit", "10", "--page", "11")
    assert (listed["total"], len(listed["recipients"])) == (101, 1)


def test_who_may_not(staffed: Office) -> None:
    staffed.json("campaign", "create", "--name", "Fibre", "--template", "Hi")
    for argv in (["list"], ["show", "1"], ["create", "--name", "x", "--template", "y"], ["start", "All", "--yes"],
                 ["recipients", "1"], ["pause", "1"]):  # fmt: skip
        assert staffed.fails("campaign", *argv, "--as", "jane", code=3)["code"] == "not_permitted"
    assert staffed.json("campaign", "list", "--as", "dora")["total"] == 1


def test_templates(office: Office) -> None:
    ref = people(office, 1)[0]["number"]
    made = office.json("template", "add", "--name", "welcome", "--text", "Karibu {first_name|there}")
    assert (made["fields"], made["channel"], made["is_active"]) == (["first_name"], None, True)
    assert office.json("template", "preview", "welcome", ref)["text"] == "Karibu Jane"
    assert office.json("template", "list")["total"] == 1
    assert office.json("template", "edit", "1", "--text", "Jambo {name}")["body"] == "Jambo {name}"
    assert office.json("campaign", "create", "--name", "Fibre", "--template", "welcome")["template"] == "Jambo {name}"
    assert office.json("template", "retire", "welcome")["is_active"] is False
    assert office.json("template", "list") == {"total": 0, "templates": []}
    assert office.json("template", "restore", "1")["is_active"] is True
    assert office.fails("template", "add", "--name", "bad", "--text", "Hi {nmae}", code=5)["hint"].startswith("name")
    assert office.fails("template", "show", "gone", code=4)["field"] == "ref"


def test_for_reading(office: Office) -> None:
    people(office, 1)
    assert office("campaign", "list").out == "no campaigns\n"
    made = office("campaign", "create", "--name", "Fibre", "--template", "Hi {name}").out
    assert made.startswith("written: ") and made.endswith("  Fibre  draft  file\n")
    preview = office("campaign", "preview", "Fibre").out
    assert "goes to      1 of 1 leads" in preview and "Hi Jane 0" in preview
    assert "  Fibre  active  file  0 of 1 sent" in office("campaign", "start", "Fibre", "--yes").out
    assert "○  waiting" in office("campaign", "recipients", "Fibre").out
    shown = office("campaign", "show", "Fibre").out
    assert "▶ active" in shown and "waiting      1" in shown
    late = office("--json", "campaign", "create", "--name", "Late", "--template", "Hi", "--at", "2026-11-19 10:00")
    assert late.code == 0 and "warning: the time lies in the past" in late.err
