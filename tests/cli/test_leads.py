"""The verbs of `lead` that act on one lead, through the command line in this process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .conftest import Office

LEAD_OBJECT = [  # written out from the contract, not imported
    "id", "number", "name", "phone", "email", "status", "source", "priority", "score", "assigned_to", "branch",
    "package", "current_isp", "reason", "brought_in_by", "brought_in_by_contact", "installation_fee", "monthly_fee",
    "total_amount", "has_router", "router_type", "location", "unit_number", "next_follow_up", "tags", "is_converted",
    "is_lost", "is_protected", "customer_id", "router_user", "created_at", "updated_at", "version",
]  # fmt: skip
ISO_Z = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def test_add_takes_every_option_of_the_contract(office: Office) -> None:
    lead = office.json(
        "lead", "add", "--phone", "0722 000 111", "--name", "Jane", "--source", "Caretaker",
        "--package", "20 Mbps Home", "--current-isp", "Zuku",
        "--reason", "slow", "--brought-in-by", "John Doe", "--brought-in-by-contact",
        "0733000222", "--installation-fee", "1,000", "--monthly-fee", "2500.50", "--has-router", "--router-type", "hAP",
        "--follow-up", "2030-01-31", "--priority", "high", "--email", "j@example.com", "--location", "Westlands",
        "--unit-number", "A5", "--assign", "boss", "--status", "Contacted", "--tag", "vip", "--tag", "west",
        "--set", "city=Nairobi", "--set", "Page Views=3", "--set", "custom.pet=cat",
    )  # fmt: skip
    assert list(lead) == LEAD_OBJECT
    expected = {
        "name": "Jane", "phone": "+254722000111", "source": "Caretaker/House Manager", "package": "20 Mbps Home",
        "current_isp": "Zuku", "reason": "slow", "brought_in_by": "John Doe", "brought_in_by_contact": "+254733000222",
        "installation_fee": "1000.00", "monthly_fee": "2500.50", "total_amount": "3500.50", "has_router": True,
        "router_type": "hAP", "next_follow_up": "2030-01-31", "priority": "high", "email": "j@example.com",
        "location": "Westlands", "unit_number": "A5", "assigned_to": "boss", "status": "Contacted",
        "tags": ["vip", "west"], "router_user": None, "customer_id": None, "is_converted": False, "version": 1,
    }  # fmt: skip
    assert {key: lead[key] for key in expected} == expected
    assert re.fullmatch(r"LD-\d{6}-0001", lead["number"])
    assert ISO_Z.fullmatch(lead["created_at"])
    shown = office.json("lead", "show", lead["number"])
    assert (shown["city"], shown["page_views"], shown["custom"]) == ("Nairobi", 3, {"pet": "cat"})


def test_a_timed_follow_up_is_a_moment_in_utc(office: Office) -> None:
    assert office.lead(follow_up="2030-01-31 14:00")["next_follow_up"] == "2030-01-31T11:00:00Z"


@pytest.mark.parametrize("ref", ["1", "LD", "0722000111", "+254 722 000 111", "722-000-111"])
def test_a_ref_is_a_number_an_id_or_a_phone(office: Office, ref: str) -> None:
    lead = office.lead()
    assert office.json("lead", "show", lead["number"] if ref == "LD" else ref)["id"] == lead["id"]


def test_show_adds_history_activities_documents(office: Office, tmp_path: Path) -> None:
    ref = office.lead()["number"]
    office.json("lead", "status", ref, "contacted")
    office.json("lead", "log", ref, "--type", "call", "--subject", "first call", "--outcome", "positive",
                "--next-action", "visit", "--next-at", "+3d")  # fmt: skip
    file = tmp_path / "plan.txt"
    file.write_text("hello", encoding="utf-8")
    document = office.json("lead", "attach", ref, str(file), "--name", "The plan")
    assert (document["name"], document["bytes"]) == ("The plan", 5)
    office.json("lead", "interest", ref, "10 Mbps Home")
    shown = office.json("lead", "show", ref)
    assert set(LEAD_OBJECT) <= set(shown)
    assert [entry["status"] for entry in shown["status_history"]] == ["New", "Contacted"]
    assert set(shown["status_history"][0]) == {"status", "changed_by", "changed_at", "reason"}
    call = next(a for a in shown["activities"] if a["type"] == "call")
    assert set(call) == {
        "id", "lead_number", "type", "subject", "details", "outcome", "next_action", "scheduled_at", "completed_at",
        "created_by", "created_at",
    }  # fmt: skip
    assert (call["subject"], call["outcome"], call["next_action"], call["created_by"]) == (
        "first call", "positive", "visit", "boss",
    )  # fmt: skip
    created = [a["created_at"] for a in shown["activities"]]
    assert created == sorted(created, reverse=True)
    assert shown["documents"][0]["name"] == "The plan"
    assert shown["interests"] == ["10 Mbps Home"]
    assert shown["loans"] == []
    assert shown["score"] == shown["raw_score"] == sum(one["points"] for one in shown["score_breakdown"]) == 10
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", shown["next_follow_up"])
    text = office("lead", "show", ref)
    assert text.code == 0
    assert "first call" in text.out


def test_a_past_follow_up_is_taken_with_a_warning(office: Office) -> None:
    found = office("lead", "add", "--phone", "0722000111", "--follow-up", "2020-01-01", "--json")
    assert found.code == 0
    assert found.json["next_follow_up"] == "2020-01-01"
    assert found.err.startswith("warning: ")


def test_edit_sees_a_change_by_somebody_else(office: Office) -> None:
    lead = office.lead(name="Jane")
    edited = office.json("lead", "edit", lead["number"], "--set", "name=Jane W", "--version", str(lead["version"]))
    assert (edited["name"], edited["version"]) == ("Jane W", lead["version"] + 1)
    error = office.fails("lead", "edit", lead["number"], "--name", "Janet", "--version", "1", code=5)
    assert error["code"] == "edited_elsewhere"
    assert office.json("lead", "edit", lead["number"], "--set", "name=")["name"] is None
    assert office.fails("lead", "edit", lead["number"], code=2)["code"] == "missing_option"


def test_the_life_of_a_lead(office: Office) -> None:
    ref = office.lead()["number"]
    assert office.json("lead", "status", ref, "Interested")["status"] == "Interested"
    assert office.json("lead", "tag", ref, "vip", "hot")["tags"] == ["hot", "vip"]
    assert office.json("lead", "untag", ref, "hot")["tags"] == ["vip"]
    assert office.json("lead", "assign", ref, "--to", "boss")["assigned_to"] == "boss"
    assert office.json("lead", "assign", ref, "--to", "none")["assigned_to"] is None
    lost = office.json("lead", "lose", ref, "--reason", "too far")
    assert (lost["status"], lost["is_lost"]) == ("Not Interested", True)
    assert office.json("lead", "reopen", ref, "--reason", "called back")["is_lost"] is False
    assert office.json("lead", "protect", ref, "--reason", "court")["is_protected"] is True
    assert office.fails("lead", "delete", ref, code=5)["code"] == "protected"
    assert office.json("lead", "unprotect", ref)["is_protected"] is False
    assert office.json("lead", "delete", ref, "--reason", "typed twice")["number"] == ref
    office.fails("lead", "show", ref, code=4)
    assert office.json("lead", "list", "is:deleted")["total"] == 1
    assert office.json("lead", "restore", ref)["number"] == ref
    office.json("lead", "delete", ref)
    assert office.json("lead", "purge", ref, "--dry-run")["dry_run"] is True
    office.json("lead", "purge", ref)
    office.fails("lead", "restore", ref, code=4)


def test_list_pages_sorts_and_filters(office: Office) -> None:
    for i in range(17):
        office.lead(f"07220001{i:02}", name=f"Lead {i:02}", **({"tag": "vip"} if i % 2 else {}))
    first = office.json("lead", "list")
    assert list(first) == ["total", "page", "limit", "leads"]
    assert (first["total"], first["page"], first["limit"], len(first["leads"])) == (17, 1, 15, 15)
    assert first["leads"][0]["name"] == "Lead 16"
    assert list(first["leads"][0]) == LEAD_OBJECT
    second = office.json("lead", "list", "--page", "2", "--sort", "name")
    assert [lead["name"] for lead in second["leads"]] == ["Lead 15", "Lead 16"]
    assert office.json("lead", "list", "--sort", "-name", "--limit", "1")["leads"][0]["name"] == "Lead 16"
    assert office.json("lead", "list", "-tag:vip")["total"] == 9
    assert office.json("lead", "list", "-(tag:vip or name:16)", "status:new")["total"] == 8
    assert office.json("lead", "list", "--", "-tag:vip", "07220001")["total"] == 9
    assert office.json("lead", "list", "--page", "99")["leads"] == []
    assert "Lead 16" in office("lead", "list").out
    text = office("lead", "list", "--columns", "name,tags,monthly", "--limit", "2")
    assert text.out.splitlines()[0].split() == ["Name", "Tags", "Monthly"]
    assert len(text.out.splitlines()) == 3


def test_a_value_with_blanks_loses_its_quotes_in_the_shell(office: Office) -> None:
    office.lead(source="Field Sales")
    for term in ("source:Field Sales", 'source:"Field Sales"', "-source:Field Sales"):
        assert office.json("lead", "list", term)["total"] == (0 if term.startswith("-") else 1)


def test_a_filter_error_points_at_the_column(office: Office) -> None:
    for where, under in (("status:new stauts:x", "s"), ("name:x status:nwe", "n")):
        found = office("lead", "list", *where.split())
        assert (found.code, found.out) == (2, "")
        lines = found.err.splitlines()
        assert lines[1] == f"  {where}"
        assert where[lines[2].index("^") - 2] == under
        assert office.fails("lead", "list", where, code=2)["field"] == "filter"


HOSTILE = (
    "[bold red]x[/] [link=http://e.vil]y[/]", "=cmd|' /C calc'!A0", "\x1b[31mred\x1b]0;title\x07", "\u202egpj.exe",
    "a\x9bb",
    "{0.__class__} %s $HOME `id`", "日本語 عربى \U0001f469\u200d\U0001f4bb",
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_stays_text(office: Office, name: str) -> None:
    lead = office.lead(name=name)
    ref = lead["number"]
    office.json("lead", "log", ref, "--type", "note", "--subject", name, "--details", name)
    for argv in (("lead", "list"), ("lead", "show", ref), ("audit", "list"), ("lead", "list", "--json"),
                 ("lead", "show", ref, "--json")):  # fmt: skip
        found = office(*argv)
        assert found.code == 0
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", found.out), argv
    visible = "".join(c for c in name if c.isprintable() or c == "\u200d").replace("\u202e", "")
    assert lead["name"] == visible


def _missing(argv: list[str], field: str) -> Any:
    return pytest.param(argv, 2, field, id=" ".join(argv) + " missing")


@pytest.mark.parametrize(
    ("argv", "code", "field"),
    [
        _missing(["lead", "add", "--name", "x"], "phone"),
        _missing(["lead", "lose", "1"], "reason"),
        _missing(["lead", "reopen", "1"], "reason"),
        _missing(["lead", "protect", "1"], "reason"),
        _missing(["lead", "log", "1", "--type", "call"], "subject"),
        _missing(["lead", "log", "1", "--subject", "x"], "type"),
        _missing(["lead", "assign", "1"], "to"),
        _missing(["user", "add", "--login", "x"], "name"),
        _missing(["package", "add"], "name"),
        _missing(["init"], "preset"),
        (["lead", "add", "--phone", "1", "--bogus", "x"], 2, "bogus"),
        (["lead", "list", "--limit", "many"], 2, "limit"),
        (["lead", "list", "--limit", "0"], 2, "limit"),
        (["lead", "list", "--sort", "nosuch"], 2, "sort"),
        (["lead", "list", "--columns", "nosuch"], 2, "columns"),
        (["lead", "edit", "1", "--set", "name"], 2, "set"),
        (["lead", "bulk", "1"], 2, "set"),
        (["lead", "bulk", "--tag", "x"], 2, "where"),
        (["lead", "bulk", "1", "--where", "is:new", "--tag", "x"], 2, "where"),
        (["lead", "bulk", "--where", "stauts:x", "--tag", "x"], 2, "filter"),
        (["lead", "bulk", "--where", " ", "--tag", "x"], 2, "where"),
        (["lead", "show", "LD-209901-0001"], 4, "ref"),
        (["lead", "show", "999"], 4, "ref"),
        (["lead", "status", "LD-209901-0001", "New"], 4, "ref"),
        (["lead", "delete", "1", "999"], 4, "ref"),
        (["lead", "restore", "1"], 4, "ref"),
        (["lead", "add", "--phone", "0722000999", "--source", "Nowhere"], 5, "source"),
        (["lead", "add", "--phone", "0722000999", "--package", "Nothing"], 5, "package"),
        (["lead", "add", "--phone", "0722000999", "--assign", "nobody"], 5, "assigned_to"),
        (["lead", "add", "--phone", "0722000999", "--status", "Nowhere"], 5, "status"),
        (["lead", "add", "--phone", "0722000999", "--monthly-fee", "-5"], 5, "monthly_fee"),
        (["lead", "add", "--phone", "0722000999", "--set", "nosuch=1"], 5, "nosuch"),
        (["lead", "add", "--phone", "0722000999", "--name", "x" * 300], 5, "name"),
        (["lead", "bulk", "1", "--status", "Nowhere"], 5, "status"),
        (["lead", "bulk", "1", "--assign", "nobody"], 5, "assigned_to"),
        (["lead", "bulk", "--where", "is:lost", "--set", "source=Nowhere"], 5, "source"),
        (["lead", "bulk", "1", "--set", "nosuch=1"], 5, "nosuch"),
        (["lead", "assign", "--where", "is:active", "--to", "nobody"], 5, "assigned_to"),
        (["lead", "export", "--out", "/"], 5, "out"),
        (["lead", "add", "--phone", "call me"], 5, "phone"),
        (["lead", "add", "--phone", ""], 5, "phone"),
        (["lead", "add", "--phone", "0722000111"], 5, "phone"),
        (["lead", "status", "1", "Nowhere"], 5, "status"),
        (["lead", "status", "1", "Converted"], 5, None),
        (["lead", "status", "1", "Not Interested"], 5, "reason"),
        (["lead", "lose", "1", "--reason", " "], 5, "reason"),
        (["lead", "log", "1", "--type", "pigeon", "--subject", "x"], 5, "type"),
        (["lead", "log", "1", "--type", "call", "--subject", "x", "--outcome", "splendid"], 5, "outcome"),
        (["lead", "log", "1", "--type", "call", "--subject", "x", "--next-at", "someday"], 5, "next_at"),
        (["lead", "assign", "1", "--to", "nobody"], 5, "assigned_to"),
        (["lead", "attach", "1", "/nosuch"], 5, "file"),
        (["lead", "interest", "1", "Nothing"], 5, "interest"),
        (["lead", "list", "--as", "nobody"], 5, "as"),
        (["lead", "list", "--db", "/nosuch/x.db"], 6, "db"),
        (["lead", "list", "--db", "mysql://x"], 2, "db"),
    ],
)
def test_exit_codes(office: Office, argv: list[str], code: int, field: str | None) -> None:
    office.lead()
    error = office.fails(*argv, code=code)
    assert error["message"]
    if field is not None:
        assert error["field"] == field
    told = office(*argv)
    assert (told.code, told.out) == (code, "")
    assert told.err.startswith("error: ")
