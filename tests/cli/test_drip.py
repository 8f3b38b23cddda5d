"""`drip`, `lead reach`, `lead event` and `rule trigger` on the command line: shapes, codes, what a worker then does."""

from __future__ import annotations

import json

import pytest

from .conftest import Office


@pytest.fixture(autouse=True)
def _friday(frozen_clock: object) -> None:
    """Friday 20 November 2026, noon in Nairobi."""


def make(office: Office, *more: str) -> dict[str, object]:
    found: dict[str, object] = office.json(
        "drip", "create", "--name", "Hello there", "--channel", "file", "--out", str(office.folder / "out.jsonl"),
        "--step", "0h message: Hi {first_name|there}", "--step", "48h task: Call {name}", *more,
    )  # fmt: skip
    return found


def test_made_filled_run_and_stopped(office: Office) -> None:
    ref = office.lead(name="Amina Otieno")["number"]
    made = make(office)
    assert (made["key"], made["status"], made["version"], made["step_count"]) == ("hello_there", "active", 1, 2)
    steps = made["steps"]
    assert isinstance(steps, list)
    assert [(one["delay"], one["type"], one["channel"], one["body"] or one["subject"]) for one in steps] == [
        ("0h", "message", None, "Hi {first_name|there}"), ("48h", "task", None, "Call {name}"),
    ]  # fmt: skip
    looked = office.json("drip", "enroll", "hello_there", ref, "--dry-run")
    assert looked == {
        "drip": "hello_there", "matched": 1, "enrolled": 1, "refused": [], "batch": None, "dry_run": True,
    }  # fmt: skip
    assert office.json("drip", "leads", "hello_there")["total"] == 0
    assert office.json("drip", "enroll", "hello_there", ref)["enrolled"] == 1
    again = office("--json", "drip", "enroll", "hello_there", ref)
    assert (again.code, again.json["refused"][0]["lead_number"]) == (5, ref)
    office("worker", "--once")
    office("worker", "--once")
    (line,) = (office.folder / "out.jsonl").read_text().splitlines()
    sent = json.loads(line)
    assert (sent["text"], sent["campaign"]) == ("Hi Amina", "Hello there")
    (one,) = office.json("drip", "leads", "--lead", ref)["enrollments"]
    assert (one["state"], one["current_step"], one["next_run_at"]) == ("active", 1, "2026-11-22T09:00:00Z")
    assert office.json("drip", "pause", "hello_there", ref)["enrollments"][0]["reason"] == "by_hand"
    assert office.json("drip", "resume", "hello_there", ref)["enrollments"][0]["state"] == "active"
    assert office.json("drip", "stop", "hello_there", "--dry-run") == {
        "drip": "hello_there", "leads": 1, "dry_run": True,
    }  # fmt: skip
    assert office.json("drip", "stop", "hello_there")["status"] == "cancelled"
    found = office.json("drip", "list")
    assert list(found) == ["total", "drips"]
    assert {one["key"]: (one["status"], one["stopped"]) for one in found["drips"]} == {
        "hello_there": ("cancelled", 1), "new_lead_welcome": ("draft", 0), "future_prospect": ("draft", 0),
    }  # fmt: skip
    for words in (("drip", "list"), ("drip", "show", "hello_there"), ("drip", "leads")):
        assert "ello" in office(*words).out


def test_edited_by_a_file_and_looked_at_before(office: Office) -> None:
    ref = office.lead(name="Ben")["number"]
    make(office)
    steps = office.folder / "steps.toml"
    steps.write_text('[[steps]]\ndelay = "1d"\ntype = "sms"\ntext = "Hi {name}"\n', encoding="utf-8")
    edited = office.json("drip", "edit", "hello_there", "--steps", str(steps))
    assert (edited["version"], edited["versions"], edited["step_count"]) == (2, [1, 2], 1)
    (shown,) = office.json("drip", "preview", "hello_there", "--lead", ref)["steps"]
    assert (shown["text"], shown["at"], shown["reason"]) == (
        "Hi Ben", "2026-11-21T09:00:00Z", "the office has no account for this channel",
    )  # fmt: skip
    assert office.json("drip", "show", "hello_there", "--version", "1")["steps_version"] == 1


@pytest.mark.parametrize(
    ("words", "code", "field"),
    [
        (("drip", "create", "--name", "x"), 2, "step"),
        (("drip", "create", "--name", "x", "--step", "hello"), 5, "steps[1]"),
        (("drip", "create", "--name", "x", "--step", "0h message: {nmae}"), 5, "steps[1].body"),
        (("drip", "show", "nothing"), 4, "drip"),
        (("drip", "enroll", "new_lead_welcome"), 2, "ref"),
        (("drip", "enroll", "new_lead_welcome", "LD-202611-9999"), 4, "ref"),
        (("drip", "enroll", "new_lead_welcome", "--where", "status:"), 2, "filter"),
        (("drip", "pause", "new_lead_welcome"), 5, "drip"),
        (("rule", "trigger", "add", "--name", "x", "--event", "page_view"), 5, "action"),
    ],
)
def test_what_is_refused(office: Office, words: tuple[str, ...], code: int, field: str) -> None:
    assert office.fails(*words, code=code)["field"] == field


def test_a_rule_goes_off_when_the_worker_looks(office: Office) -> None:
    ref = office.lead(name="Amina")["number"]
    made = office.json(
        "rule", "trigger", "add", "--name", "Opens", "--event", "email_open", "--consecutive", "2", "--action", "score",
        "--points", "10", "--cooldown", "0h",
    )  # fmt: skip
    assert (made["key"], made["when"], made["does"]) == ("opens", "email_open: 2 in a row", "score +10")
    for number in (1, 2, 2):
        told = office.json("lead", "event", ref, "email_open", "--meta", f"message={number}", "--ref", f"m{number}")
    assert (told["is_new"], told["counters"]["email_opens"]) == (False, 2)
    assert not office.json("rule", "trigger", "rehearse", ref, "--event", "page_view")["triggers"][0]["would"]
    office("worker", "--once")
    assert office.json("lead", "show", ref)["score"] == 10
    (run,) = office.json("rule", "trigger", "runs")["runs"]
    assert (run["trigger"], run["result"]) == ("opens", "score +10: 0 → 10")
    assert office.json("rule", "trigger", "exclude", "opens", ref)["excluded"] == 1
    assert office.json("rule", "trigger", "excluded", "opens")["leads"][0]["lead_number"] == ref
    assert office.json("rule", "trigger", "include", "opens", ref)["included"] == 1
    assert not office.json("rule", "trigger", "disable", "opens")["is_active"]


def test_reached_by_the_best_channels(office: Office) -> None:
    ref = office.lead(name="Amina")["number"]
    office.json("template", "add", "--name", "Offer", "--text", "Hi {name}")
    plan = office.json("lead", "reach", ref, "--template", "Offer", "--channels", "2", "--delay", "2h", "--dry-run")
    assert [(one["channel"], one["kind"], one["at"]) for one in plan["steps"]] == [
        ("whatsapp", "task", "2026-11-20T09:00:00Z"), ("sms", "task", "2026-11-20T11:00:00Z"),
    ]  # fmt: skip
    assert office.json("followup", "list")["total"] == 0
    assert office.json("lead", "reach", ref, "--template", "Offer")["batch"] is not None
    assert office.json("followup", "list")["total"] == 2
    assert office.fails("lead", "reach", ref, "--template", "None", code=5)["field"] == "template"
