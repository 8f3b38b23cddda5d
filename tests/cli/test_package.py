"""`leadtui package`: figures, pool, gateway, addressing; push and drift with their documents and exit codes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from leadtui.router.simulator import FaultRule, Simulator

from .conftest import Office

ROUTER = "WL-RTR-1"
PPP = "/ppp/profile"
ADD = ("package", "add", "--name", "Fibre", "--profile", "FH")


@pytest.fixture
def simulator(office: Office) -> Iterator[Simulator]:
    """A training router on the list."""
    with Simulator() as running:
        address = ("--name", ROUTER, "--host", running.host, "--port", str(running.port), "--username", "admin")
        assert office("router", "add", *address, "--password-stdin", stdin="admin\n").code == 0
        yield running


def test_the_values_of_a_package(office: Office) -> None:
    made = office.json(*ADD, "--upload", "5M", "--download", "20 Mbps", "--pool", "pppoe-wl", "--gateway", "10.0.0.1")
    new = {"upload": "5M", "download": "20M", "pool": "pppoe-wl", "gateway": "10.0.0.1", "addressing": "dynamic"}
    assert {key: made[key] for key in new} == new
    assert set(made) == {"id", "name", "kind", "monthly", "installation", "profile", "speed", "is_active"} | set(new)
    assert office.json("package", "list")["packages"][-1] == made
    cleared = office.json("package", "edit", "Fibre", "--upload", "", "--download", "", "--pool", "", "--gateway", "")
    assert [cleared[key] for key in ("upload", "download", "pool", "gateway")] == [None] * 4
    for option, value, field in (
        ("--upload", "fast", "upload"), ("--upload", "5M", "download"), ("--download", "-1M", "download"),
        ("--gateway", "10.0.0.0/8", "gateway"), ("--gateway", "pool", "gateway"), ("--pool", "x" * 64, "pool"),
        ("--addressing", "static", "addressing"), ("--addressing", "queue", "upload"),
    ):  # fmt: skip
        error = office.fails("package", "edit", "Fibre", f"{option}={value}", code=5)
        assert error["field"] == field and error["hint"], option
    queue = ("--upload", "512k", "--download", "1.5M", "--addressing", "queue")
    assert "without a pool" in office("package", "edit", "Fibre", *queue).err
    assert "without a pool" not in office("package", "edit", "Fibre", "--pool", "p").err
    shown = office.json("package", "list")["packages"][-1]
    assert (shown["upload"], shown["download"], shown["addressing"]) == ("512k", "1500k", "queue")
    assert office.fails("package", "edit", "Fibre", "--upload=", "--download=", code=5)["field"] == "upload"
    assert office.json("package", "edit", "Fibre", "--addressing=")["addressing"] == "dynamic"


def test_a_push_and_its_document(office: Office, simulator: Simulator) -> None:
    office.json(*ADD, "--upload", "5M", "--download", "20M")
    before = simulator.rows(PPP)
    planned = office.json("package", "push", "Fibre", "--dry-run")
    row = {
        "router": ROUTER, "service": "pppoe", "name": "FH", "outcome": "create",
        "differences": [{"field": "rate_limit", "expected": "5M/20M", "actual": None}], "foreign_users": 0,
        "error": None,
    }  # fmt: skip
    assert planned == {"package": "Fibre", "rows": [row], "dry_run": True}
    assert simulator.rows(PPP) == before
    assert office.json("package", "push", "fibre", "--router", ROUTER, "--yes") == {"package": "Fibre", "rows": [row]}
    assert next(r["rate-limit"] for r in simulator.rows(PPP) if r["name"] == "FH") == "5M/20M"
    assert office.json("package", "push", "Fibre")["rows"][0]["outcome"] == "same"
    text = office("package", "push", "Fibre", "--service", "hotspot").out
    assert "created" in text and "lt-FH" in text and "up/down 5M/20M" in text
    office.json("package", "edit", "Fibre", "--profile", "Fibre20")
    (renamed,) = office.json("package", "push", "Fibre")["rows"]
    assert renamed["outcome"] == "rename"
    assert renamed["differences"] == [{"field": "name", "expected": "Fibre20", "actual": "FH"}]


def test_what_is_left_as_it_is_ends_with_5_and_a_failure_with_6(office: Office, simulator: Simulator) -> None:
    office.json("package", "edit", "20 Mbps Home", "--upload", "5M", "--download", "20M")
    before = simulator.rows(PPP)
    done = office("--json", "package", "push", "20 Mbps Home")
    assert (done.code, done.json["rows"][0]["outcome"]) == (5, "foreign")
    assert done.error["code"] == "partly_done" and "not made by this program" in done.json["rows"][0]["error"]
    plain = office("package", "push", "20 Mbps Home")
    assert plain.code == 5 and "20M/20M, not 5M/20M" in plain.out and "package edit '20 Mbps Home'" in plain.out
    simulator.faults.add(FaultRule("/login", "refuse", count=2, text="invalid user name or password (6)"))
    failed = office("--json", "package", "push", "20 Mbps Home")
    assert (failed.code, failed.json["rows"][0]["outcome"]) == (6, "error")
    assert failed.error["code"] == "routers_failed"
    assert office("package", "drift").code == 6
    assert simulator.rows(PPP) == before
    error = office.fails("package", "push", "20 Mbps Home", "--router", "NOWHERE", code=5)
    assert error["field"] == "router"
    assert office.fails("package", "push", "No Such", code=4)["code"] == "not_found"
    office.json("package", "edit", "20 Mbps Home", "--upload=", "--download=", "--speed", "5M/20M")
    error = office.fails("package", "push", "20 Mbps Home", code=5)
    assert error["field"] == "upload" and "--upload" in error["hint"] and "--download" in error["hint"]


def test_drift(office: Office, simulator: Simulator) -> None:
    assert office.json("package", "drift") == {"total": 0, "rows": []}
    assert "agree" in office("package", "drift").out
    office.json(*ADD, "--upload", "5M", "--download", "20M")
    (row,) = office.json("package", "drift", "--router", ROUTER)["rows"]
    assert (row["package"], row["router"], row["outcome"]) == ("Fibre", ROUTER, "create")
    assert "Fibre" in office("package", "drift").out
    office.json("package", "push", "Fibre")
    assert office.json("package", "drift")["total"] == 0
    assert office.fails("package", "drift", "--router", "NOWHERE", code=5)["field"] == "router"


def test_without_a_router_and_without_the_right(staffed: Office) -> None:
    assert staffed.json("package", "push", "20 Mbps Home") == {"package": "20 Mbps Home", "rows": []}
    assert "no router" in staffed("package", "push", "20 Mbps Home").out
    for act in (("push", "20 Mbps Home"), ("drift",), ("push", "20 Mbps Home", "--dry-run")):
        assert staffed.fails("package", *act, "--as", "jane", code=3)["code"] == "not_permitted"
