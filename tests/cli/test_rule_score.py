"""`rule score …`, `lead score` and what `lead show` says of a score, on the command line."""

from __future__ import annotations

import pytest

from .conftest import Office


@pytest.fixture(autouse=True)
def _friday(frozen_clock: object) -> None:
    """Friday 20 November 2026, noon in Nairobi."""


def test_a_rule_from_the_command_line(office: Office) -> None:
    found = office.json("rule", "score", "list")
    assert list(found) == ["total", "rules"] and found["total"] == len(found["rules"]) == 8
    made = office.json(
        "rule", "score", "add", "--name", "Looks at us", "--group", "behavior", "--per", "page_views", "--points", "2",
        "--cap", "20", "--when", 'source:"Field Sales"',
    )  # fmt: skip
    assert made == {
        "id": made["id"], "key": "looks_at_us", "name": "Looks at us", "group": "behavior", "mode": "per_unit",
        "when": 'source:"Field Sales"', "per": "page_views", "points": 2, "cap": 20, "first_match": False, "order": 9,
        "pipeline": "isp", "is_active": True, "problem": None,
        "words": '+2 for each of page views, at most 20 if source:"Field Sales"',
    }  # fmt: skip
    dry = office.json("rule", "score", "edit", "Looks at us", "--points", "-5", "--dry-run")
    assert dry["points"] == -5 and office.json("rule", "score", "show", "Looks at us")["points"] == 2
    assert office.json("rule", "score", "edit", "looks_at_us", "--when", "", "--cap", "")["words"].endswith("views")
    assert not office.json("rule", "score", "disable", "Looks at us")["is_active"]
    assert office.json("rule", "score", "list", "--active")["total"] == 8
    assert office.json("rule", "score", "enable", "Looks at us")["is_active"]
    every = office.json("rule", "score", "add", "--name", "All", "--points", "1", "--pipeline", "", "--first-match")
    assert (every["pipeline"], every["mode"], every["group"]) == (None, "first_match", "general")
    assert office.json("rule", "score", "remove", "All")["id"] == every["id"]
    assert "Looks at us" in office("rule", "score", "list").out


def test_what_is_refused(office: Office) -> None:
    add = ("rule", "score", "add", "--name", "x")
    assert office.fails(*add, code=2)["code"] == "missing_option"
    for when, column in (("city:x score:>5", 8), ("is:hot", 4), ("assigned_to:me", 13), ("nonsense:1", 1), ("john", 1)):
        error = office.fails(*add, "--points", "1", "--when", when, code=2)
        assert error["field"] == "filter" and f"column {column}" in error["message"]
    assert office.fails(*add, "--points", "1", "--per", "name", code=5)["field"] == "per"
    assert office.fails(*add, "--points", "5000", code=5)["field"] == "points"
    assert office.fails("rule", "score", "show", "Nothing", code=4)["code"] == "not_found"
    assert office.fails("rule", "score", "edit", "Said why", code=2)["code"] == "missing_option"
    assert office.json("rule", "score", "list")["total"] == 8


def test_a_lead_says_why_it_has_its_score(office: Office) -> None:
    lead = office.lead(source="Referral", current_isp="Zuku", monthly_fee="2500")
    ref = lead["number"]
    assert lead["score"] == 45
    told = office.json("lead", "score", ref)
    assert told == {
        "lead_id": lead["id"], "lead_number": ref, "score": 45, "raw_score": 45, "bonus": 0, "hot": False,
        "qualified": False,
        "score_breakdown": [
            {"rule": "Has another provider", "group": "interest", "points": 10},
            {"rule": "Fee agreed", "group": "money", "points": 25},
            {"rule": "Brought by a caretaker or a referral", "group": "origin", "points": 10},
        ],
    }  # fmt: skip
    shown = office.json("lead", "show", ref)
    assert {key: shown[key] for key in ("score", "raw_score", "score_breakdown")} == {
        key: told[key] for key in ("score", "raw_score", "score_breakdown")
    }
    office.json("rule", "score", "add", "--name", "Much", "--points", "134")
    text = office("lead", "score", ref).out
    assert "score 100, hot" in text and "sum 179, kept within 0 to 100: 100" in text and "Said why" in text
    assert office.json("lead", "list", "score:100", "is:hot")["total"] == 1, "few leads are scored at once"
    office.json("undo")
    assert office.json("lead", "list", "score:45")["total"] == 1
    assert office.fails("lead", "score", "LD-000000-9999", code=4)["code"] == "not_found"
