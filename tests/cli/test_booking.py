"""`booking`: adds, links, keeps what fails with exit 5; files of JSON lines; retry and drop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Office

RESULT = ["id", "ref", "result", "lead_id", "lead_number", "batch", "warnings", "lead"]
ROW = [
    "id", "ref", "state", "lead_number", "lead_name", "error", "field", "attempts", "by", "at", "tried_at", "payload",
    "corrections",
]  # fmt: skip


def test_a_booking_creates_or_links(office: Office) -> None:
    made = office.json(
        "booking", "add", "--ref", "B-1", "--name", "Asha", "--phone", "0722 000 111", "--source", "Website",
        "--set", "city=Nakuru", "--detail", "tour=Mara",
    )  # fmt: skip
    assert list(made) == RESULT
    assert (made["result"], made["lead"]["name"], made["lead"]["source"], made["warnings"]) == (
        "created", "Asha", "Website", [],
    )  # fmt: skip
    again = office.json("booking", "add", "--ref", "B-1", "--name", "Other", "--phone", "0733 000 111")
    assert (again["result"], again["lead_number"]) == ("known", made["lead_number"])
    other = office("booking", "add", "--ref", "B-2", "--phone", "+254722000111", "--email", "a@x.org")
    assert (other.code, other.out.splitlines()[0]) == (0, "booking B-2: linked to")
    shown = office.json("lead", "show", made["lead_number"])
    assert [(one["ref"], one["details"].get("tour")) for one in shown["bookings"]] == [("B-2", None), ("B-1", "Mara")]
    assert shown["email"] == "a@x.org"
    assert "Bookings\nref" in office("lead", "show", made["lead_number"]).out
    by_hand = office.json("booking", "add", "--ref", "B-3", "--lead", made["lead_number"])
    assert by_hand["result"] == "linked"
    assert office.json("lead", "list")["total"] == 1
    office.json("undo", str(by_hand["batch"]))
    assert office.json("booking", "list")["total"] == 2


def test_what_fails_is_kept_corrected_and_dropped(office: Office) -> None:
    error = office.fails("booking", "add", "--ref", "B-1", "--name", "Asha", "--phone", "12", code=5)
    assert (error["code"], error["field"]) == ("intake_failed", "phone")
    assert "kept as number 1" in error["message"]
    assert "booking retry 1" in error["hint"]
    (row,) = office.json("booking", "list", "--failed")["bookings"]
    assert list(row) == ROW
    assert (row["state"], row["payload"], row["field"]) == ("failed", {"name": "Asha", "phone": "12"}, "phone")
    assert office.fails("booking", "retry", "B-1", code=5)["code"] == "intake_failed"
    assert "tried    2×" in office("booking", "show", "B-1").out
    done = office.json("booking", "retry", "1", "--set", "phone=0722000111", "--ref", "B-7")
    assert (done["result"], done["ref"], done["lead"]["phone"]) == ("created", "B-7", "+254722000111")
    shown = office.json("booking", "show", "B-7")
    assert (shown["state"], shown["payload"]["phone"]) == ("created", "12")
    assert shown["corrections"] == {"phone": "0722000111"}
    office.fails("booking", "add", "--ref", "B-8", "--name", "Spam", code=5)
    assert office.json("booking", "drop", "B-8", "--reason", "spam")["state"] == "dropped"
    assert office.fails("booking", "add", "--ref", "B-8", "--phone", "0733000111", code=5)["code"] == "dropped"
    assert office("booking", "list", "--failed").out == "no bookings\n"
    assert [one["ref"] for one in office.json("booking", "list", "--state", "dropped")["bookings"]] == ["B-8"]


def test_a_file_of_json_lines(office: Office, tmp_path: Path) -> None:
    lines = [
        {"ref": "F-1", "phone": "0722000111", "name": "Asha", "tour": "Mara"},
        {"booking_id": 7, "phone": "0722000111"},
        {"ref": "F-3", "phone": "1"},
        {"phone": "0733000111"},
    ]
    text = "\n".join([*map(json.dumps, lines), "nonsense", ""])
    rehearsed = office("--json", "booking", "add", "--file", "-", "--dry-run", stdin=text)
    assert rehearsed.code == 5
    assert office.json("booking", "list")["total"] == 0
    done = office("--json", "booking", "add", "--file", "-", stdin=text)
    assert (done.code, done.error["code"]) == (5, "partly_done")
    found = done.json
    assert {k: found[k] for k in ("total", "created", "linked", "known", "failed")} == {
        "total": 5, "created": 1, "linked": 1, "known": 0, "failed": 3,
    }  # fmt: skip
    assert [one["line"] for one in found["bookings"] if one["result"] == "failed"] == [3, 4, 5]
    failed = office.json("booking", "list", "--failed")["bookings"]
    assert [one["payload"] for one in failed] == [{"line": "nonsense"}, {"phone": "0733000111"}, {
        "phone": "1"}]  # fmt: skip
    file = tmp_path / "more.jsonl"
    file.write_text(text, encoding="utf-8")
    again = office("booking", "add", "--file", str(file))
    assert (again.code, again.out.splitlines()[0]) == (5, "0 created, 0 linked, 2 known, 3 failed")
    assert office.json("booking", "list")["total"] == 5
    no_ref = next(one for one in failed if one["payload"] == {"phone": "0733000111"})
    assert office.json("booking", "retry", str(no_ref["id"]), "--ref", "F-4")["lead"]["phone"] == "+254733000111"


@pytest.mark.parametrize(
    ("argv", "code", "field"),
    [
        (("booking", "add", "--phone", "0722000111"), 2, "ref"),
        (("booking", "add", "--ref", "B", "--file", "-"), 2, "file"),
        (("booking", "add", "--file", "/nowhere/x.jsonl"), 5, "file"),
        (("booking", "add", "--ref", "B", "--detail", "x"), 2, "detail"),
        (("booking", "add", "--ref", "B", "--lead", "99"), 4, "ref"),
        (("booking", "add", "--ref", " ", "--phone", "0722000111"), 5, "ref"),
        (("booking", "list", "--state", "x"), 2, "state"),
        (("booking", "show", "9"), 4, "id"),
        (("booking", "retry", "9"), 4, "id"),
        (("booking", "drop", "9", "--reason", "x"), 4, "id"),
        (("booking", "drop", "9"), 2, "reason"),
    ],
)
def test_what_is_refused(office: Office, argv: tuple[str, ...], code: int, field: str) -> None:
    assert office.fails(*argv, code=code)["field"] == field


def test_who_may_not_add_leads_may_not_add_bookings(staffed: Office) -> None:
    for argv in (("add", "--ref", "B", "--phone", "0722000111"), ("list",), ("show", "1"), ("retry", "1")):
        staffed.fails("--as", "tom", "booking", *argv, code=3)
    assert staffed.json("--as", "jane", "booking", "add", "--ref", "B", "--phone", "0722000111")["result"] == "created"
    assert staffed.json("--as", "ann", "booking", "list")["total"] == 0
