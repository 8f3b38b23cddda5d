"""`leadtui router …` and `leadtui lead convert`: documents, exit codes, secrets (contract "router", "lead")."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leadtui.router.simulator import FaultRule, Simulator

from .conftest import Office

ROUTER = "WL-RTR-1"
LEAD_KEYS = {"id", "number", "name", "phone", "status", "customer_id", "router_user", "is_converted", "version"}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


def add_router(office: Office, simulator: Simulator, *more: str) -> Any:
    address = ("--name", ROUTER, "--host", simulator.host, "--port", str(simulator.port), "--username", "admin")
    found = office("--json", "router", "add", *address, "--password-stdin", *more, stdin="admin\n")
    assert found.code == 0, found.err
    return found.json


def add_lead(office: Office, phone: str = "0722000111", name: str = "Achieng Odhiambo", *more: str) -> Any:
    package = ("--package", "20 Mbps Home", "--source", "Caretaker")
    return office.json("lead", "add", "--phone", phone, "--name", name, *package, *more)


def test_the_nouns_verbs(office: Office, simulator: Simulator) -> None:
    made = add_router(office, simulator)
    assert (made["name"], made["tls"], made["service"]) == (ROUTER, "plain", "pppoe")
    listed = office.json("router", "list")
    assert listed["total"] == 1
    assert [row["name"] for row in listed["routers"]] == [ROUTER]
    answer = office.json("router", "test", ROUTER)
    assert set(answer) == {"ok", "identity", "version", "board", "latency_ms", "error"}
    assert (answer["ok"], answer["identity"], answer["error"]) == (True, "WL-RTR-1", None)
    assert office.json("router", "show", ROUTER)["identity"] == "WL-RTR-1"
    assert office.json("router", "edit", ROUTER, "--service", "hotspot")["service"] == "hotspot"
    assert "20M" in {row["name"] for row in office.json("router", "profiles", ROUTER)["profiles"]}
    assert office.json("router", "users", ROUTER)["total"] == 0
    assert office.json("router", "pending") == {"total": 0, "jobs": []}
    assert office.json("router", "pending", "--resolve") == {"total": 0, "resolved": []}
    assert office.json("router", "remove", ROUTER, "--dry-run")["dry_run"]
    assert office.json("router", "remove", ROUTER) == {"removed": ROUTER}
    assert office("--json", "router", "show", ROUTER).code == 4
    for verb in ("list", "pending"):
        assert office("router", verb).code == 0


def test_the_password_of_a_router_never_comes_out(office: Office, simulator: Simulator, monkeypatch: Any) -> None:
    address = ("--name", "B", "--host", "10.0.0.1", "--username", "api")
    missing = office("--json", "router", "add", *address)
    assert (missing.code, missing.error["field"]) == (2, "password")
    monkeypatch.setenv("LEADTUI_ROUTER_PASSWORD", "S3cret-of-B")
    made = office("router", "add", *address)
    assert made.code == 0
    outputs = [made.out + made.err]
    for argv in (("router", "show", "B"), ("router", "list"), ("audit", "list"), ("--json", "audit", "list")):
        found = office(*argv)
        outputs.append(found.out + found.err)
    assert "S3cret-of-B" not in "".join(outputs)


def test_a_router_that_fails_its_test(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    simulator.stop()
    found = office("--json", "router", "test", ROUTER)
    assert found.code == 6
    assert found.json["ok"] is False
    assert found.json["error"]
    assert found.error["message"]


def test_tls_options(office: Office) -> None:
    address = ("--name", "B", "--host", "10.0.0.1", "--username", "api", "--password-stdin")
    both = office("--json", "router", "add", *address, "--no-tls", "--tls-pin", "aa", stdin="x\n")
    assert both.code == 2
    wrong = office("--json", "router", "add", *address, "--tls-pin", "aa", stdin="x\n")
    assert (wrong.code, wrong.error["field"]) == (5, "tls_pin")
    pinned = office("--json", "router", "add", *address, "--tls-pin", "AB:" * 31 + "AB", stdin="x\n")
    assert (pinned.json["tls"], pinned.json["port"], pinned.json["tls_pin"]) == ("pin", 8729, "ab" * 32)


def test_converting_one_lead(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    lead = add_lead(office)
    shown = office.json("lead", "convert", lead["number"], "--router", ROUTER, "--dry-run")
    assert shown["ready"]
    assert ("+", "/ppp/secret achieng.odhiambo") in {(row["sign"], row["what"]) for row in shown["steps"]}
    assert office.json("lead", "show", lead["number"])["is_converted"] is False
    made = office.json(
        "lead", "convert", lead["number"], "--router", ROUTER, "--notes", "signed", "--pan", "ABCDE1234F"
    )
    assert set(made) == {"success", "message", "lead", "customer", "router_user"}
    assert made["success"] is True
    assert set(made["lead"]) >= LEAD_KEYS
    assert made["lead"]["status"] == "Converted"
    assert (made["customer"]["id"], made["customer"]["pan"]) == (made["lead"]["customer_id"], "ABCDE1234F")
    assert made["router_user"] == {
        "router": ROUTER, "username": "achieng.odhiambo", "service": "pppoe", "profile": "20M", "ip": None,
        "state": "active",
    }  # fmt: skip
    users = office.json("router", "users", ROUTER)
    assert [(u["username"], u["lead_number"]) for u in users["users"]] == [("achieng.odhiambo", lead["number"])]
    password = next(r["password"] for r in simulator.secrets() if r["name"] == "achieng.odhiambo")
    assert password not in json.dumps([made, users])
    revealed = office.json("router", "users", ROUTER, "--show-secret")
    assert revealed["users"][0]["password"] == password
    again = office("--json", "lead", "convert", lead["number"])
    assert (again.code, again.error["message"]) == (5, "Lead already converted")


def test_a_password_of_ones_own_and_shown_only_when_asked(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    first, second = add_lead(office), add_lead(office, "0722000112", "Brian")
    own = office("lead", "convert", str(first["id"]), "--router", ROUTER, "--password-stdin", stdin="My-own.1\n")
    assert own.code == 0
    assert "My-own.1" not in own.out + own.err
    assert "My-own.1" in {row["password"] for row in simulator.secrets()}
    seen = office("--json", "lead", "convert", str(second["id"]), "--router", ROUTER, "--show-secret")
    assert seen.json["router_user"]["password"] in {row["password"] for row in simulator.secrets()}


@pytest.mark.parametrize("own", ["My-own.Pass1", ""], ids=["given", "generated"])
def test_no_password_is_found_anywhere(office: Office, simulator: Simulator, own: str) -> None:
    """In the process list, what is printed, the database with its write-ahead log, the audit and the program's log.

    The router quotes it in a refusal first, for that must not leak either.
    """
    add_router(office, simulator)
    number = add_lead(office)["number"]
    options = ("--password-stdin",) if own else ()
    quoted = f"failure: the password {own or 'of it'} is too weak"
    simulator.faults.add(FaultRule("/ppp/secret/add", "refuse", text=quoted))
    simulator.faults.add(FaultRule("/ppp/secret/add", "delay", delay_s=1.0))
    found: list[bytes] = []
    for attempt, code in ((1, 6), (2, 0)):
        command = [sys.executable, "-m", "leadtui", "--json", "lead", "convert", number, "--router", ROUTER, *options]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=office.environment() | {"LEADTUI_LOG_LEVEL": "DEBUG"}, cwd=office.folder,
        ) as process:  # fmt: skip
            assert process.stdin is not None
            process.stdin.write(own.encode() + b"\n")
            process.stdin.close()
            assert simulator.faults.wait_fired(attempt)
            if attempt == 2:  # it waits for the router now
                found += [Path(f"/proc/{process.pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
            assert process.stdout is not None
            assert process.stderr is not None
            found += [process.stdout.read(), process.stderr.read()]
        assert process.returncode == code
    password = next(row["password"] for row in simulator.secrets() if row["name"] == "achieng.odhiambo")
    assert password == own or not own
    audit = office("--json", "audit", "list", "--limit", "500")
    assert "provision_job" in audit.out
    for argv in (("router", "users", ROUTER), ("lead", "show", number), ("--json", "lead", "show", number)):
        found.append(repr(office(*argv)).encode())
    files = [path for path in office.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"office.db", "office.db.key"}
    assert any(path.suffix == ".log" for path in files)
    found += [audit.out.encode(), *(path.read_bytes() for path in files)]
    assert not [one[:80] for one in found if password.encode() in one]
    shown = office("--json", "router", "users", ROUTER, "--show-secret")
    assert password in shown.out  # asked for by name, and then only


def test_a_router_failure_is_exit_6_and_the_lead_keeps_its_status(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    lead = add_lead(office)
    simulator.faults.add(FaultRule("/ppp/secret/add", "drop_after"))
    found = office("--json", "lead", "convert", lead["number"], "--router", ROUTER)
    assert (found.code, found.out, found.error["code"]) == (6, "", "router_dropped")
    assert "still New" in found.error["hint"]
    assert office.json("lead", "show", lead["number"])["status"] == "New"
    assert len(simulator.secrets()) == 3
    foreign = office("--json", "lead", "convert", lead["number"], "--router", ROUTER, "--username", "jane.w")
    assert (foreign.code, foreign.error["code"], foreign.error["field"]) == (6, "router_conflict", "username")


def test_what_is_wrong_has_its_exit_code(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    lead = add_lead(office)
    number = lead["number"]
    for argv, code, field in (
        (("lead", "convert"), 2, "where"),
        (("lead", "convert", "LD-209901-0001"), 4, "ref"),
        (("lead", "convert", number, "--router", "nowhere"), 5, "router"),
        (("lead", "convert", number, "--username", "x.y"), 2, "router"),
        (("lead", "convert", number, "--router", ROUTER, "--package", "none"), 5, "package"),
        (("lead", "convert", number, "--type", "odd"), 5, "type"),
        (("lead", "convert", number, "--customer", "77"), 5, "customer"),
        (("lead", "convert", number, "--where", "name:a", "is:active"), 2, "where"),
        (("router", "pending", "--job", "99"), 4, "job"),
        (("router", "pending", "--job", "99", "--resolve"), 4, "job"),
        (("worker", "--for", "soon"), 2, "for"),
        (("router", "show", "a", "b"), 2, None),
        (("router", "simulate", "--port", "99999"), 2, "port"),
        (("router", "simulate", "--port", "0", "--state", "/nowhere/router.json"), 5, "state"),
        (("lead", "convert", number, str(lead["id"] + 1), "--router", ROUTER, "--username", "x"), 2, "username"),
        (("lead", "convert", number, str(lead["id"] + 1), "--router", ROUTER, "--ip", "10.20.0.9"), 2, "ip"),
        (("lead", "convert", number, "--router", ROUTER, "--ip", "next"), 5, "ip"),
        (("lead", "convert", number, "--router", ROUTER, "--ip", "next:nowhere"), 5, "ip"),
    ):
        found = office("--json", *argv)
        assert (found.code, found.error["field"]) == (code, field), argv


def test_duplicates_are_refused_with_the_way_to_link(office: Office) -> None:
    first = add_lead(office, "0722000111", "A", "--set", "email=a@b.co")
    second = add_lead(office, "0722000112", "B", "--set", "email=A@b.co")
    customer = office.json("lead", "convert", first["number"])["customer"]["id"]
    found = office("--json", "lead", "convert", second["number"])
    assert (found.code, found.error["code"]) == (5, "duplicate")
    assert f"--customer {customer}" in found.error["hint"]
    ran = office("--json", "lead", "convert", second["number"], "--customer", str(customer), "--type", "Corporate")
    assert ran.json["lead"]["customer_id"] == customer
    assert ran.json["customer"]["type"] == "Retail"
    assert f"customer {customer} stays as it is" in ran.err


def test_several_leads(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    made = [add_lead(office, f"072200012{n}", f"Lead {n}") for n in range(3)]
    office.json("lead", "convert", made[0]["number"])
    numbers = [lead["number"] for lead in made]
    found = office("--json", "lead", "convert", *numbers, "--router", ROUTER)
    assert found.code == 5
    document = found.json
    assert set(document) == {"total", "successful", "failed"}
    assert document["total"] == 3
    assert [row["lead_number"] for row in document["successful"]] == numbers[1:]
    assert document["failed"] == [
        {"lead_id": made[0]["id"], "error": "Lead already converted", "lead_number": numbers[0]}
    ]
    options = ("--profile", "20M", "--upload", "5M", "--download", "20M", "--addressing", "queue")
    office.json("package", "add", "--name", "Office", *options, "--pool", "pppoe-wl")
    more = [add_lead(office, f"072200014{n}", f"More {n}")["number"] for n in range(2)]
    given = office.json("lead", "convert", *more, "--router", ROUTER, "--package", "Office", "--ip", "next")
    assert len(given["successful"]) == 2
    assert {row["target"] for row in simulator.rows("/queue/simple")} == {"10.20.0.2/32", "10.20.0.3/32"}
    add_lead(office, "0722000130", "Lead 4")
    shown = office.json("lead", "convert", "--where", "status:new", "--dry-run")
    assert (shown["dry_run"], len(shown["successful"])) == (True, 1)
    assert office.json("lead", "convert", "--where", "status:new")["failed"] == []


def test_left_open_jobs_are_listed_and_settled(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    lead = add_lead(office)
    simulator.faults.add(FaultRule("/ppp/secret/add", "drop_after"))
    simulator.faults.add(FaultRule("/login", "refuse", skip=1, count=2, text="no"))
    assert office("lead", "convert", lead["number"], "--router", ROUTER).code == 6
    jobs = office.json("router", "pending")["jobs"]
    assert [(job["lead_number"], job["state"], job["username"]) for job in jobs] == [
        (lead["number"], "unknown", "achieng.odhiambo")
    ]
    unsettled = office("--json", "router", "pending", "--resolve")
    assert unsettled.code == 6
    assert unsettled.json["resolved"][0]["outcome"] == "unknown"
    assert office.json("router", "pending", "--resolve")["resolved"][0]["outcome"] == "removed"
    assert len(simulator.secrets()) == 3


def test_the_training_router_in_a_process_of_its_own(office: Office, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "leadtui",
        "router",
        "simulate",
        "--port",
        "0",
        "--state",
        str(tmp_path / "s.json"),
    ]
    for ending in (signal.SIGTERM, signal.SIGINT):
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=office.environment(), cwd=Path(__file__).parents[2]
        ) as process:
            assert process.stdout is not None
            word, port = process.stdout.readline().split()
            assert word == "LISTENING"
            address = ("--name", f"R{ending}", "--host", "127.0.0.1", "--port", port, "--username", "admin")
            office("router", "add", *address, "--password-stdin", stdin="admin\n")
            assert office.json("router", "test", f"R{ending}")["ok"]
            process.send_signal(ending)
            assert process.wait(10) == 0
