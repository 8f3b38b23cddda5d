"""`leadtui pipeline show`: what the board of the screens shows."""

from __future__ import annotations

from tests.cli.conftest import Office


def test_a_pipeline_is_shown_with_its_sums(office: Office) -> None:
    office.lead(monthly_fee="1999", installation_fee="2500", source="Referral")
    office.lead("0722000222", status="Interested")
    shown = office.json("pipeline", "show")
    assert list(shown)[:2] == ["pipeline", "name"]
    assert [(one["status"], one["count"]) for one in shown["columns"] if one["count"]] == [
        ("New", 1),
        ("Interested", 1),
    ]
    assert shown["columns"][0]["value"] == "26488.00"
    assert shown["columns"][0]["weighted"] == "1324.40"
    assert (shown["count"], shown["value"], shown["weighted"]) == (2, "26488.00", "1324.40")
    assert office.json("pipeline", "show", "isp", "--where", "source:referral")["count"] == 1
    text = office("pipeline", "show").out
    assert "26,488.00" in text
    assert "open together" in text


def test_what_is_wrong_is_named(office: Office) -> None:
    assert office.fails("pipeline", "show", "nix", code=5)["field"] == "pipeline"
    assert office.fails("pipeline", "show", "--where", "nix:1", code=2)["code"]
