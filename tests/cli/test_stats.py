"""`stats`, `stats report`, `stats campaigns`, `stats figures`: their shapes, and filters that cannot be read."""

from __future__ import annotations

from .conftest import Office


def test_reports_and_figures_with_their_filters(office: Office) -> None:
    office.json("lead", "add", "--name", "Asha", "--phone", "0722 000 111", "--source", "Field Sales",
                "--monthly-fee", "1500")  # fmt: skip
    assert list(office.json("stats")) == [
        "total_leads", "new_this_month", "total_converted", "by_status", "by_month", "year",
    ]  # fmt: skip
    assert office.json("stats", "--where", "source:website")["total_leads"] == 0
    assert office.json("stats", "--pipeline", "isp", "--from", "today")["total_leads"] == 1
    report = office.json("stats", "report", "--from", "today")
    assert (report["total_leads"], report["revenue_generated"]) == (1, {"installation": "0.00", "monthly": "0.00"})
    assert report["leads_by_source"] == [{"source_name": "Field Sales", "total": 1, "converted": 0, "rate": 0.0}]
    assert office.json("stats", "campaigns") == {"total": 0, "campaigns": []}
    figures = office.json("stats", "figures", "--where", "name:asha or name:x")
    (source,) = figures["sources"]
    assert source["total"]["filter"] == '(name:asha or name:x) source:"Field Sales"'
    assert office.json("lead", "list", source["total"]["filter"])["total"] == source["total"]["value"] == 1
    assert {one["key"]: one["value"] for one in figures["cards"]}["value"] == "18000.00"
    for words in (("report",), ("campaigns",), ("figures",)):
        assert office("stats", *words).code == 0
    wrong = office("--json", "stats", "figures", "--where", "statuss:new")
    assert (wrong.code, wrong.error["field"]) == (2, "filter")
    assert office("stats", "figures", "--where", "is:deleted").code == 5
    assert office("stats", "report", "--from", "2026", "--to", "2025").code == 5
