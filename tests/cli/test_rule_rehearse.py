"""`rule score rehearse` and `rule assign rehearse`: what is tried, in JSON and in words; nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from .conftest import Office

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def past(office: Office, frozen_clock: Callable[[datetime], None]) -> Office:
    """Two months ago: four leads, of which those from Karen became customers."""
    frozen_clock(NOW - timedelta(days=60))
    refs = [
        office.lead(name=f"Lead {n}", phone=f"07220001{n:02d}", location="Karen" if n < 2 else "Ruaka")["number"]
        for n in range(4)
    ]
    frozen_clock(NOW - timedelta(days=50))
    for ref in refs[:2]:
        office.json("lead", "convert", ref)
    frozen_clock(NOW)
    return office


def test_a_new_scoring_rule_is_tried(past: Office) -> None:
    rules = past.json("rule", "score", "list")
    tried = ("rule", "score", "rehearse", "--add", "Lives in Karen", "--when", "location:Karen", "--points", "20")
    found = past.json(*tried)
    assert {key: found[key] for key in ("leads", "converted", "lost", "months", "look_ahead_days")} == {
        "leads": 4, "converted": 2, "lost": 0, "months": 6, "look_ahead_days": 3,
    }  # fmt: skip
    (one,) = found["candidates"]
    assert (one["label"], one["quality"]["auc"]) == ("+ Lives in Karen: +20 if location:Karen", 1.0)
    assert found["rules"][0]["name"] == "Lives in Karen" and found["rules"][0]["certainty"] == "few"
    text = past(*tried).out
    assert "4 leads since 20 May 2026, 2 converted (50.0 %), 0 lost" in text and "Lives in Karen (new)" in text
    assert past.json("rule", "score", "list") == rules


def test_a_rule_changed_or_switched_over(past: Office) -> None:
    past.json("rule", "score", "add", "--name", "Karen", "--when", "location:Karen", "--points", "30")
    labels = [
        past.json("rule", "score", "rehearse", "karen", *more)["candidates"][0]["label"]
        for more in ((), ("--points", "10"), ("--points", "10", "--disable"))
    ]
    assert labels == ["Karen off", "Karen: +30 if location:Karen → +10 if location:Karen",
                      "Karen: +30 if location:Karen → +10 if location:Karen; Karen off"]  # fmt: skip
    every = past.json("rule", "score", "rehearse")
    assert every["candidates"][-1]["label"] == "without Karen" and every["rules"][0]["name"] == "Karen"
    candidates = [
        {"label": "off", "changes": [{"act": "disable", "rule": "karen"}]},
        {"act": "edit", "rule": "karen", "values": {"points": 90}},
    ]
    past.folder.joinpath("try.json").write_text(json.dumps(candidates))
    found = past.json("rule", "score", "rehearse", "--changes", str(past.folder / "try.json"))
    assert [one["label"] for one in found["candidates"]][-1] == "off" and found["best"] is None


def test_assignment_rules_are_tried(past: Office) -> None:
    past.json("user", "add", "--login", "asha", "--name", "Asha", "--role", "agent", "--areas", "Karen")
    found = past.json("rule", "assign", "rehearse", "--add", "in turn", "--kind", "round_robin")
    assert found["candidates"][0]["label"].startswith("+ in turn: ")
    assert found["left_out"] == {"nobody had them": 4}
    assert found["candidates"][0]["quality"]["load"] == [{"login": "asha", "name": "Asha", "before": 0, "after": 4}]
    assert "4 leads are left out: nobody had them." in past("rule", "assign", "rehearse").out


def test_what_cannot_be_tried(past: Office) -> None:
    rehearse = ("rule", "score", "rehearse")
    assert past.fails(*rehearse, "--points", "5", code=2)["field"] == "rule"
    assert past.fails(*rehearse, "nothing", "--points", "5", code=4)["field"] == "rule"
    assert past.fails(*rehearse, "--add", "x", "--points", "5", "--when", "colour:red", code=2)["field"] == "filter"
    assert past.fails(*rehearse, "--months", "0", code=5)["field"] == "months"
    assert past.fails(*rehearse, "x", "--add", "y", code=2)["field"] == "add"
    assert past.fails(*rehearse, "--changes", "/nowhere.json", code=2)["field"] == "changes"
    past.json("user", "add", "--login", "asha", "--name", "Asha", "--role", "agent")
    past.fails("--as", "asha", *rehearse, code=3)
