"""`leadtui customer suspend|resume|change-package`: documents, exit codes, words (contract "customer")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from leadtui.router.simulator import FaultRule, Simulator

from .conftest import Office
from .test_router_convert import ROUTER, add_lead, add_router

USER = "achieng.odhiambo"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def customer(office: Office, simulator: Simulator) -> Any:
    """A customer online with 20 Mbps."""
    add_router(office, simulator)
    lead = add_lead(office)
    made = office.json("lead", "convert", lead["number"], "--router", ROUTER)
    simulator.dial_in(USER)
    return made["customer"]


def row(simulator: Simulator) -> dict[str, str]:
    return next(r for r in simulator.secrets() if r["name"] == USER)


def test_suspend_resume_and_another_package(office: Office, simulator: Simulator, customer: Any) -> None:
    ref = str(customer["id"])
    shown = office.json("customer", "suspend", ref, "--dry-run")
    assert (shown["dry_run"], shown["ready"], shown["sessions"]) == (True, True, 1)
    assert "disabled no → yes" in {step["what"] for step in shown["steps"]}
    assert row(simulator)["disabled"] == "false"
    done = office.json("customer", "suspend", USER, "--reason", "unpaid")
    assert set(done) == {"customer", "done", "failed", "message"}
    assert done["done"] == [{"router": ROUTER, "username": USER, "outcome": "suspended", "sessions_ended": 1}]
    assert (done["failed"], done["customer"]["state"]) == ([], "suspended")
    assert row(simulator)["disabled"] == "true"
    again = office("--json", "customer", "suspend", ref)
    assert (again.code, again.json["message"], again.json["done"][0]["outcome"]) == (0, "nothing to do", "unchanged")
    changed = office.json("customer", "change-package", ref, "50 Mbps Home", "--ip", "10.20.0.9")
    assert changed["done"][0]["outcome"] == "changed"
    assert (row(simulator)["profile"], row(simulator)["remote-address"]) == ("50M", "10.20.0.9")
    assert office.json("customer", "resume", customer["phone"], "--user", USER)["customer"]["state"] == "active"
    assert row(simulator)["disabled"] == "false"


def test_a_person_reads_one_line_per_user(office: Office, simulator: Simulator, customer: Any) -> None:
    ref = str(customer["id"])
    found = office("customer", "suspend", ref)
    assert found.out.splitlines() == [f"{USER} on {ROUTER}: suspended (1 session ended)"]
    assert "Disabling the user" in found.err
    assert office("customer", "suspend", ref).out.splitlines() == [f"{USER} on {ROUTER}: nothing to do"]
    shown = office("customer", "change-package", ref, "50 Mbps Home", "--dry-run").out
    assert "~ profile 20M (20M/20M) → 50M (50M/50M)" in shown
    assert shown.splitlines()[-1] == "nothing was changed"
    assert office("customer", "suspend", ref, "--dry-run").out.splitlines()[-1] == "nothing to do"


def test_exit_codes(office: Office, simulator: Simulator, customer: Any) -> None:
    ref = str(customer["id"])
    assert office("--json", "customer", "suspend", "4711").code == 4
    assert office("--json", "customer", "change-package", ref).code == 2
    for words, field in (
        ((ref, "5 Gbps"), "package"), ((ref, "50 Mbps Home", "--ip", "pool"), "ip"),
        ((ref, "50 Mbps Home", "--user", "nobody"), "user"),
    ):  # fmt: skip
        refused = office("--json", "customer", "change-package", *words)
        assert (refused.code, refused.error["field"]) == (5, field)
    office.json("user", "add", "--login", "tom", "--name", "Tom", "--role", "technician")
    office.json("lead", "assign", customer["phone"], "--to", "tom")
    assert office("--json", "--as", "tom", "customer", "suspend", ref).code == 3
    simulator.faults.add(FaultRule("/ppp/secret/set", "refuse", text="failure: no licence"))
    failed = office("--json", "customer", "suspend", ref)
    assert failed.code == 6
    assert failed.json["done"] == []
    assert "no licence" in failed.json["failed"][0]["error"]
    assert failed.error["code"] == "router_refused"
    assert "stays active" in failed.error["hint"]
    assert row(simulator)["disabled"] == "false"


def test_part_of_the_users(office: Office, simulator: Simulator, customer: Any) -> None:
    second = add_lead(office, "0722000222", "Achieng Shop")
    with Simulator() as other:
        address = ("--name", "KE-RTR-2", "--host", other.host, "--port", str(other.port), "--username", "admin")
        assert office("--json", "router", "add", *address, "--password-stdin", stdin="admin\n").code == 0
        ref = str(customer["id"])
        office.json("lead", "convert", second["number"], "--customer", ref, "--router", "KE-RTR-2")
    partly = office("--json", "customer", "suspend", ref)
    assert partly.code == 6
    assert [user["outcome"] for user in partly.json["done"]] == ["suspended"]
    assert [user["router"] for user in partly.json["failed"]] == ["KE-RTR-2"]
    assert partly.error["code"] == "partly_done"
    text = office("customer", "suspend", ref)
    assert text.out.splitlines()[0] == "Suspension failed for 1 of 2 router users"
    assert len(text.out.splitlines()) == 3
