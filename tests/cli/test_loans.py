"""`loan` as the contract has it (answers 5, 7, 8)."""

from __future__ import annotations

import pytest

from .conftest import Office

LOAN = ["id", "lead_number", "amount", "promised_clear_date", "status", "note"]


@pytest.fixture(autouse=True)
def _friday(frozen_clock: object) -> None:
    """Friday 20 November 2026, noon in Nairobi."""


def test_promise_list_overdue_and_clear_in_the_shape_of_the_contract(office: Office) -> None:
    ref = office.lead(name="Achieng")["number"]
    made = office.json("loan", "promise", ref, "--amount", "20,000", "--date", "+5d", "--note", "after the harvest")
    assert list(made) == [*LOAN, "batch", "lead"]
    assert {key: made[key] for key in LOAN[1:]} == {
        "lead_number": ref, "amount": "20000.00", "promised_clear_date": "2026-11-25", "status": "pending",
        "note": "after the harvest",
    }  # fmt: skip
    late = office("--json", "loan", "promise", ref, "--amount", "15000", "--date", "2026-11-19")
    assert (late.code, late.json["status"]) == (0, "pending")
    assert late.err == "warning: the promised day lies in the past: the promise is overdue\n"
    listed = office.json("loan", "list")
    assert (list(listed), listed["total"], list(listed["loans"][0])) == (["total", "loans"], 1, LOAN)
    assert office.json("loan", "list", "--overdue") == {"total": 0, "loans": []}
    assert office.json("loan", "mark-overdue", "--dry-run") == {"marked": 1, "dry_run": True}
    assert office.json("loan", "mark-overdue") == {"marked": 1, "dry_run": False}
    assert office.json("loan", "mark-overdue") == {"marked": 0, "dry_run": False}
    assert [one["amount"] for one in office.json("loan", "list", "--overdue")["loans"]] == ["15000.00"]
    shown = office.json("lead", "show", ref)["loans"]
    assert [list(one) for one in shown] == [LOAN, LOAN]
    assert [one["status"] for one in shown] == ["overdue", "replaced"]
    assert office.json("loan", "history", ref) == {"total": 2, "loans": shown}
    assert office.json("loan", "clear", ref, "--note", "M-Pesa")["status"] == "cleared"
    assert office.json("loan", "list")["total"] == 0
    assert office.json("loan", "list", "--all")["total"] == 2
    office.json("undo")
    assert office.json("loan", "cancel", ref)["status"] == "cancelled"
    assert office.json("lead", "list", "loan:none")["total"] == 1


def test_for_reading(office: Office) -> None:
    ref = office.lead(name="Achieng")["number"]
    assert office("loan", "list").out == "no promises\n"
    said = office("loan", "promise", ref, "--amount", "20000", "--date", "2026-11-18").out
    assert said.startswith("promised: 20,000.00 KES for 2026-11-18  LD-202611-0001  Achieng")
    listed = office("loan", "list")
    assert "2 days late" in listed.out and "20,000.00" in listed.out
    assert listed.err == "1 · 20,000.00 KES · 1 late: 20,000.00\n"
    assert office("loan", "mark-overdue").out == "1 promise now overdue\n"
    assert "Loan promises" in office("lead", "show", ref).out
    assert "overdue" in office("loan", "history", ref).out
    assert office("loan", "clear", ref).out.startswith("cleared: 20,000.00 KES")


@pytest.mark.parametrize(
    ("argv", "code", "field"),
    [
        (("loan", "promise", "1", "--amount", "5"), 2, "date"),
        (("loan", "promise", "1", "--date", "today"), 2, "amount"),
        (("loan", "promise", "1", "--amount", "much", "--date", "today"), 5, "amount"),
        (("loan", "promise", "1", "--amount", "0", "--date", "today"), 5, "amount"),
        (("loan", "promise", "1", "--amount", "5", "--date", "someday"), 5, "date"),
        (("loan", "promise", "99", "--amount", "5", "--date", "today"), 4, "ref"),
        (("loan", "clear", "1"), 5, "ref"),
        (("loan", "cancel", "99"), 4, "ref"),
        (("loan", "history", "99"), 4, "ref"),
        (("loan", "list", "--overdue", "--all"), 2, "all"),
    ],
)
def test_what_is_refused(office: Office, argv: tuple[str, ...], code: int, field: str) -> None:
    office.lead()
    assert office.fails(*argv, code=code)["field"] == field


def test_collections_clear_what_they_may_not_edit(staffed: Office) -> None:
    staffed.json("user", "add", "--login", "cora", "--name", "Cora", "--role", "collections")
    ref = staffed.lead(assign="tom")["number"]
    staffed.json("loan", "promise", ref, "--amount", "5", "--date", "today")
    assert staffed.json("loan", "list", "--as", "cora")["total"] == 1
    staffed.fails("loan", "clear", ref, "--as", "tom", code=3)
    staffed.fails("loan", "clear", ref, "--as", "jane", code=4)
    staffed.fails("loan", "list", "--as", "tom", code=3)
    assert "loans" not in staffed.json("lead", "show", ref, "--as", "tom")
    assert staffed.json("loan", "clear", ref, "--as", "cora")["status"] == "cleared"


def test_a_worker_marks_them_too(office: Office) -> None:
    ref = office.lead()["number"]
    office.json("loan", "promise", ref, "--amount", "5", "--date", "yesterday")
    assert office.json("worker", "--once")["loans_overdue"] == 1
    assert office.json("worker", "--once")["loans_overdue"] == 0
    assert office.json("loan", "list", "--overdue")["total"] == 1
