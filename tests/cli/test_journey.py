"""`lead journey`, `stats forecast`, `stats backtest`, `stats times`: shapes, exit codes, permissions."""

from __future__ import annotations

import pytest

from .conftest import Office


@pytest.fixture(autouse=True)
def _friday(frozen_clock: object) -> None:
    """Friday 20 November 2026, noon in Nairobi."""


def test_the_journey_of_a_lead(office: Office) -> None:
    ref = office.lead(name="Achieng")["number"]
    office.json("lead", "log", ref, "--type", "call", "--subject", "hello")
    office.json("lead", "lose", ref, "--reason", "Too expensive")
    found = office.json("lead", "journey", ref)
    assert list(found)[:2] == ["lead_id", "lead_number"] and found["lead_number"] == ref
    for key in ("total_duration_s", "stage_progression", "touchpoints", "conversion_events", "drop_off_point"):
        assert key in found
    assert (found["touchpoints"], found["total_duration_s"]) == (1, 0)
    assert [one["status"] for one in found["stage_progression"]] == ["New", "Not Interested"]
    assert found["drop_off_point"]["status"] == "New" and found["drop_off_point"]["reason"] == "Too expensive"
    text = office("lead", "journey", ref).out
    assert "○ New ─0s─ × Not Interested" in text and "Lost from       New" in text
    assert office("lead", "journey", "LD-209901-0001").code == 4


def test_the_forecast_and_the_times(office: Office) -> None:
    first = office.lead(name="Achieng", installation_fee="2500", monthly_fee="1999", status="Interested")["number"]
    office.lead(phone="0722000112", name="Brian")
    found = office.json("stats", "forecast")
    assert (found["open_leads"], found["value"], found["weighted"]) == (2, "26488.00", "10595.20")
    assert found["statuses"][1] == {
        "pipeline": "isp", "status": "Interested", "count": 1, "probability": 0.4, "expected_customers": 0.4,
        "value": "26488.00", "weighted": "10595.20", "expected_installation": "1000.00", "expected_monthly": "799.60",
        "filter": "status:Interested",
    }  # fmt: skip
    assert office.json("stats", "forecast", "--where", "monthly_fee:>1000", "--pipeline", "isp")["open_leads"] == 1
    assert "10,595.20" in office("stats", "forecast").out
    wrong = office("stats", "forecast", "--where", "nonsense:1")
    assert wrong.code == 2 and "nonsense" in wrong.err
    assert office("stats", "forecast", "--pipeline", "nowhere").code == 5
    office.json("lead", "convert", first)
    times = office.json("stats", "times")
    assert (times["count"], times["median_s"], [one["count"] for one in times["by_source"]]) == (1, 0, [1])


def test_the_back_test(office: Office) -> None:
    for number in range(3):
        ref = office.lead(phone=f"072200011{number}", name=f"No {number}")["number"]
        office.json("lead", "lose" if number else "convert", ref, *(("--reason", "no") if number else ()))
    found = office.json("stats", "backtest")
    new = found["statuses"][0]
    assert (new["status"], new["cases"], new["measured"], new["new"]) == ("New", 3, 0.3333, None)
    assert new["why_not"] == "only 3 of 20 cases"
    refused = office("--json", "stats", "backtest", "--use")
    assert refused.code == 5 and '"nothing_to_use"' in refused.err
    planned = office.json("stats", "backtest", "--use", "--min-cases", "3", "--dry-run")
    assert planned["changes"] == [{"status": "New", "before": 0.05, "after": 0.333}] and planned["batch"] is None
    used = office.json("stats", "backtest", "--use", "--min-cases", "3")
    assert used["changes"] == planned["changes"] and used["batch"]
    assert office.json("status", "list")["statuses"][0]["probability"] == 0.333
    office.json("undo")
    assert office.json("status", "list")["statuses"][0]["probability"] == 0.05
    assert office("stats", "backtest", "--dry-run").code == 2
    assert office("stats", "backtest", "--age", "0").code == 5
    assert "only 3 of 20 cases" in office("stats", "backtest").out
    office("user", "add", "--login", "amy", "--name", "Amy", "--role", "agent")
    assert office("--as", "amy", "stats", "backtest", "--use", "--min-cases", "3").code == 3
