"""`leadtui router audit`: the contract's documents, exit codes, and mending with and without a person to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from leadtui.cli import router_audit
from leadtui.router.simulator import FaultRule, Simulator

from .conftest import Office
from .test_router_convert import ROUTER, add_lead, add_router

KEYS = {
    "router", "matched", "missing", "orphaned", "drifted", "foreign_count",
    "passwords_unseen", "error", "checked_at",
}  # fmt: skip
USERS = ("ann.bee", "cee.dee")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def placed(office: Office, simulator: Simulator) -> Simulator:
    """Two customers with users on the training router."""
    add_router(office, simulator)
    for number, name in enumerate(("Ann Bee", "Cee Dee")):
        lead = add_lead(office, f"072200011{number}", name)
        office.json("lead", "convert", lead["number"], "--router", ROUTER)
    return simulator


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch, office: Office) -> Callable[..., Any]:
    """Somebody at a terminal, who types these lines."""
    monkeypatch.setattr(router_audit, "on_terminal", lambda: True)
    return lambda *lines: office("router", "audit", "--fix", stdin="\n".join(lines) + "\n")


def names(simulator: Simulator) -> set[str]:
    return {row["name"] for row in simulator.secrets()}


def spoil(simulator: Simulator) -> None:
    """One missing, one drifted, one orphaned."""
    simulator.remove("/ppp/secret", "ann.bee")
    simulator.change("/ppp/secret", "cee.dee", profile="10M", password="something")
    mark = next(row["comment"] for row in simulator.secrets() if row["name"] == "cee.dee").split()[1]
    simulator.add("/ppp/secret", name="stray", password="abcdefgh", comment=f"leadtui:LD-209901-0001 {mark}")


def test_the_document_and_the_text(office: Office, placed: Simulator) -> None:
    one = office.json("router", "audit", ROUTER)
    assert set(one) == KEYS
    assert (one["matched"], one["foreign_count"], one["missing"]) == (2, 3, [])
    assert "all 2 as they should be (3 of others)" in office("router", "audit").out
    spoil(placed)
    (one,) = office.json("router", "audit")
    assert one["matched"] == 0
    assert [set(entry) for entry in (*one["missing"], *one["orphaned"])] == [
        {"username", "service", "profile", "ip", "lead_number", "customer_id"}
    ] * 2
    assert {(d["username"], d["field"], d["expected"], d["actual"]) for d in one["drifted"]} == {
        ("cee.dee", "profile", "20M", "10M"), ("cee.dee", "password", "•••", "•••"),
    }  # fmt: skip
    shown = office("router", "audit", ROUTER.lower())
    assert shown.code == 0
    for words in ("1 missing, 1 drifted, 1 orphaned", "profile 10M, should be 20M", "another password", "stray"):
        assert words in shown.out
    assert names(placed) == {"cee.dee", "stray", "office.backup", "jane.w", "tower7.cam"}


def test_without_a_terminal_everything_is_mended(office: Office, placed: Simulator) -> None:
    spoil(placed)
    would = office.json("router", "audit", "--dry-run")
    assert [(fix["username"], fix["kind"], fix["possible"]) for fix in would["fixes"]] == [
        ("ann.bee", "create", True), ("stray", "remove", True), ("cee.dee", "change", True)
    ]  # fmt: skip
    assert "stray" in names(placed)
    assert "would mend 1 of 1" in office("router", "audit", "--fix", "--only", "missing", "--dry-run").out
    one = office.json("router", "audit", ROUTER, "--fix", "--only", "orphaned")
    assert set(one) == KEYS | {"fixed"}
    assert one["fixed"] == [
        {"router": ROUTER, "username": "stray", "kind": "remove", "ok": True,
         "message": f"stray is gone from {ROUTER}, read back"}
    ]  # fmt: skip
    assert (one["orphaned"], len(one["missing"])) == ([], 1)
    both = office.json("router", "audit", "--fix")
    assert [report["matched"] for report in both["reports"]] == [2]
    assert [(one["username"], one["ok"]) for one in both["fixed"]] == [("ann.bee", True), ("cee.dee", True)]
    again = office.json("router", "audit", "--fix")
    assert ([report["matched"] for report in again["reports"]], again["fixed"]) == ([2], [])
    shown = office("router", "audit", "--fix")
    assert (shown.code, "nothing to mend" in shown.out) == (0, True)
    assert "nothing to mend" in office("router", "audit", "--dry-run").out


def test_a_person_is_asked_about_each(placed: Simulator, person: Callable[..., Any]) -> None:
    spoil(placed)
    asked = person("n", "y", "q")
    assert asked.code == 0
    assert asked.err.count("mend it? [y/N/a/q]") == 3
    assert "+ ann.bee" in asked.err
    assert "✓ WL-RTR-1: stray" in asked.err
    assert names(placed) == {"cee.dee", "office.backup", "jane.w", "tower7.cam"}
    assert "1 missing, 1 drifted" in asked.out
    assert person("").code == 0  # an empty line is no, and so is the end of the input
    assert "ann.bee" not in names(placed)
    assert "nothing was mended" in person("q").out
    everything = person("a")
    assert everything.err.count("mend it?") == 1
    assert set(USERS) <= names(placed)


def test_what_cannot_be_mended_is_exit_5_and_stays(office: Office, placed: Simulator) -> None:
    placed.remove("/ppp/secret", "ann.bee")
    placed.add("/ppp/secret", name="ann.bee", password="of-the-noc", comment="NOC")
    placed.remove("/ppp/secret", "cee.dee")
    found = office("--json", "router", "audit", ROUTER, "--fix")
    assert (found.code, found.error["code"]) == (5, "partly_done")
    assert {one["username"]: one["ok"] for one in found.json["fixed"]} == {"ann.bee": False, "cee.dee": True}
    assert found.json["drifted"][0]["field"] == "comment"
    assert "cannot be mended: the name is taken" in office("router", "audit", "--dry-run").out


def test_a_router_that_is_gone_is_exit_6_after_the_others(office: Office, placed: Simulator) -> None:
    with Simulator(identity="R2") as second:
        address = ("--name", "R2", "--host", second.host, "--port", str(second.port), "--username", "admin")
        assert office("router", "add", *address, "--password-stdin", stdin="admin\n").code == 0
    found = office("--json", "router", "audit")
    assert (found.code, found.error["code"]) == (6, "not_asked")
    assert [(one["router"], one["error"] is None) for one in found.json] == [("R2", False), (ROUTER, True)]
    shown = office("router", "audit")
    assert (shown.code, "R2: could not be asked" in shown.out, "all 2 as they should be" in shown.out) == (
        6,
        True,
        True,
    )
    assert office("router", "audit", "R2").code == 6
    assert office("router", "audit", "R2", "--dry-run").code == 6
    placed.remove("/ppp/secret", "ann.bee")
    placed.faults.add(FaultRule("/ppp/secret/add", "refuse", text="failure: no room"))
    failed = office("--json", "router", "audit", ROUTER, "--fix")
    assert (failed.code, failed.error["code"]) == (6, "not_mended")
    assert "no room" in failed.json["fixed"][0]["message"]
    assert office("router", "audit", "nowhere").code == 4


def test_more_than_a_hundred_need_yes(office: Office, placed: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router_audit, "MANY", 1)
    spoil(placed)
    refused = office("--json", "router", "audit", "--fix")
    assert (refused.code, refused.error["field"], refused.out) == (2, "yes", "")
    assert "stray" in names(placed)
    assert office("router", "audit", "--fix", "--yes").code == 0
    assert set(USERS) <= names(placed)


def test_wrong_words(office: Office, nowhere: Office) -> None:
    assert office.fails("router", "audit", "--fix", "--only", "foreign", code=5)["field"] == "only"
    assert office.fails("router", "audit", "--only", "missing", code=2)["field"] == "only"
    assert "no routers" in office("router", "audit").out
    assert office.json("router", "audit") == []


def test_who_may_not(staffed: Office, simulator: Simulator) -> None:
    add_router(staffed, simulator)
    assert staffed("--as", "tom", "router", "audit").code == 3
    assert staffed("--as", "jane", "router", "audit").code == 0
