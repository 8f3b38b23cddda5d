"""`leadtui router test|trust|capacity|simulate`, areas and branches, `can_serve` of `lead show` (contract "router")."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from leadtui.router.simulator import FaultRule, Simulator

from .conftest import Office, Result

ANSWER = ["ok", "identity", "version", "board", "latency_ms", "error"]
FIGURES = [
    "router", "sessions", "free", "total_addresses", "cpu_percent", "uptime", "asked_at", "answered_at", "age_seconds",
    "error", "pools",
]  # fmt: skip


def add(office: Office, name: str, simulator: Simulator, *more: str) -> Result:
    address = ("--name", name, "--host", simulator.host, "--port", str(simulator.port), "--username", "admin")
    found = office("--json", "router", "add", *address, "--password-stdin", *more, stdin="admin\n")
    assert found.code == 0, found.err
    return found


@pytest.fixture
def three(office: Office) -> Iterator[dict[str, Simulator]]:
    """Three training routers on the list: A, B, C."""
    with ExitStack() as stack:
        running = {name: stack.enter_context(Simulator(identity=f"BOX-{name}")) for name in "ABC"}
        for name, simulator in running.items():
            add(office, name, simulator)
        yield running


@pytest.fixture
def encrypted() -> Iterator[Simulator]:
    with Simulator(tls=True) as running:
        yield running


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person sits there; what is typed comes from `stdin`."""
    for module in ("leadtui.cli.router", "leadtui.cli.router_ask"):
        monkeypatch.setattr(f"{module}.on_terminal", lambda: True)


# -- test --------------------------------------------------------------------------------------------------------------
def test_testing_all(office: Office, three: dict[str, Simulator]) -> None:
    assert list(office.json("router", "test", "A")) == ANSWER
    three["B"].stop()
    office.json("router", "edit", "C", "--inactive")
    found = office("--json", "router", "test", "--all")
    assert found.code == 6
    document = found.json
    assert document["total"] == 2
    assert [list(row) for row in document["routers"]] == [["router", *ANSWER]] * 2
    assert [(row["router"], row["ok"]) for row in document["routers"]] == [("A", True), ("B", False)]
    assert found.error["code"] == "router_silent"
    assert "1 of 2 did not answer: B" in found.error["message"]
    spoken = office("router", "test", "--all")
    assert spoken.code == 6
    assert sorted(line.split(":")[0] for line in spoken.out.splitlines()) == ["A", "B"]
    office.json("router", "edit", "B", "--inactive")
    assert office.json("router", "test", "--all")["total"] == 1


def test_what_testing_must_be_told(office: Office) -> None:
    for argv in ((), ("A", "--all"), ("--all", "--accept")):
        assert office.fails("router", "test", *argv, code=2)["code"]
    assert office.fails("router", "test", "nowhere", code=4)["message"]


def test_another_box_is_reported_and_accepted_only_explicitly(office: Office, three: dict[str, Simulator]) -> None:
    office.json("router", "test", "A")
    three["A"].state.identity = "OTHER"
    found = office("--json", "router", "test", "A")
    assert (found.code, found.json["ok"], found.json["identity"]) == (0, True, "OTHER")
    assert "A calls itself OTHER now, and BOX-A before" in found.err
    assert "leadtui router test A --accept" in office("router", "test", "A").err
    assert office.json("router", "show", "A")["identity"] == "BOX-A"
    assert office("--json", "router", "test", "A", "--accept").err == ""
    assert office.json("router", "show", "A")["identity"] == "OTHER"


def test_on_a_terminal_it_is_asked(office: Office, three: dict[str, Simulator], at_terminal: None) -> None:
    office.json("router", "test", "A")
    three["A"].state.identity = "OTHER"
    assert "Is that right?" in office("router", "test", "A", stdin="n\n").err
    assert office.json("router", "show", "A")["identity"] == "BOX-A"
    assert office("router", "test", "A", stdin="y\n").code == 0
    assert office.json("router", "show", "A")["identity"] == "OTHER"


def test_an_agent_accepts_nothing(staffed: Office) -> None:
    with Simulator() as simulator:
        add(staffed, "A", simulator)
        assert staffed.json("--as", "jane", "router", "test", "A")["ok"]
        simulator.state.identity = "OTHER"
        assert staffed.json("--as", "jane", "router", "test", "A")["identity"] == "OTHER"
        assert staffed.fails("--as", "jane", "router", "test", "A", "--accept", code=3)["code"] == "not_permitted"
        assert staffed.json("router", "show", "A")["identity"] == "WL-RTR-1"


# -- certificates ------------------------------------------------------------------------------------------------------
def test_a_self_signed_certificate_names_the_next_command(office: Office, encrypted: Simulator) -> None:
    assert "unencrypted" not in add(office, "A B", encrypted, "--tls").err
    found = office("--json", "router", "test", "A B")
    assert found.code == 6
    hint = found.error["hint"]
    command = shlex.split(hint[hint.index("leadtui") :])
    assert command == ["leadtui", "router", "trust", "A B", "--fingerprint", encrypted.fingerprint]
    assert office.json(*command[1:]) == {
        "router": "A B", "fingerprint": encrypted.fingerprint, "tls": "pin", "port": encrypted.port,
    }  # fmt: skip
    assert office.json("router", "test", "A B")["ok"]


def test_trusting_without_a_terminal(office: Office, encrypted: Simulator) -> None:
    add(office, "A", encrypted, "--tls")
    refused = office.fails("router", "trust", "A", code=2)
    assert encrypted.fingerprint in refused["message"]
    assert refused["field"] == "fingerprint"
    assert office.fails("router", "trust", "A", "--fingerprint", "00" * 32, code=6)["code"] == "router_tls"
    assert office.fails("router", "trust", "A", "--fingerprint", "beef", code=5)["field"] == "fingerprint"
    assert office.json("router", "show", "A")["tls"] == "ca"
    assert office.json("router", "trust", "A", "--yes")["fingerprint"] == encrypted.fingerprint
    assert office.json("router", "show", "A")["tls_pin"] == encrypted.fingerprint


def test_trusting_on_a_terminal(office: Office, encrypted: Simulator, at_terminal: None) -> None:
    address = ("--name", "A", "--host", encrypted.host, "--port", str(encrypted.port), "--username", "admin")
    made = office("--json", "router", "add", *address, "--password-stdin", "--tls", stdin="admin\nn\n")
    assert (made.code, made.json["tls"]) == (0, "ca")
    assert encrypted.fingerprint in made.err
    refused = office("--json", "router", "trust", "A", stdin="n\n")
    assert refused.code == 2
    assert '"not_confirmed"' in refused.err
    assert office.json("router", "show", "A")["tls"] == "ca"
    tested = office("router", "test", "A", stdin="y\n")
    assert tested.code == 0, tested.err
    assert office.json("router", "show", "A")["tls_pin"] == encrypted.fingerprint
    office.json("router", "remove", "A")
    made = office("--json", "router", "add", *address, "--password-stdin", "--tls", stdin="admin\ny\n")
    assert made.json["tls"] == "pin"


def test_plain_and_anonymous_warn_when_they_are_chosen_and_not_again(
    office: Office, three: dict[str, Simulator]
) -> None:
    made = add(office, "D", three["A"])
    assert "unencrypted" in made.err
    assert "leadtui router trust D" in made.err
    for argv in (("test", "A"), ("list",), ("show", "A"), ("edit", "A", "--service", "hotspot"), ("capacity", "A")):
        assert office("router", *argv).err == ""
    assert "unencrypted" in office("router", "edit", "A", "--no-tls").err
    assert "anybody could answer" in office("router", "edit", "A", "--tls-anonymous").err


# -- capacity ----------------------------------------------------------------------------------------------------------
def test_capacity(office: Office, three: dict[str, Simulator]) -> None:
    known = office.json("router", "capacity")
    assert known["total"] == 3
    assert [list(row) for row in known["routers"]] == [FIGURES] * 3
    assert all(row["asked_at"] is None and row["pools"] == [] for row in known["routers"])
    three["B"].faults.add(FaultRule("/login", "refuse", text="no", count=-1))
    found = office("--json", "router", "capacity", "--now")
    assert (found.code, found.error["code"]) == (6, "router_silent")
    rows = {row["router"]: row for row in found.json["routers"]}
    assert rows["A"]["error"] is None
    assert rows["A"]["sessions"] == len(three["A"].rows("/ppp/active"))
    assert rows["A"]["total_addresses"] >= rows["A"]["free"] > 0
    assert rows["A"]["age_seconds"] >= 0
    assert {"name", "total", "used"} <= set(rows["A"]["pools"][0])
    assert (rows["B"]["age_seconds"], bool(rows["B"]["error"])) == (None, True)
    one = office.json("router", "capacity", "A")
    assert [row["router"] for row in one["routers"]] == ["A"]
    assert office.fails("router", "capacity", "nowhere", code=4)
    spoken = office("router", "capacity").out
    assert f"{rows['A']['free']:,} of {rows['A']['total_addresses']:,}" in spoken
    assert "never" in spoken


# -- areas, and whether a door can be served ---------------------------------------------------------------------------
def test_areas_and_branch(office: Office, three: dict[str, Simulator]) -> None:
    office.json("branch", "add", "--name", "Westlands")
    edited = office.json(
        "router", "edit", "A", "--area", "Westlands, Parklands", "--area", "westlands", "--branch", "westlands"
    )
    assert (edited["areas"], edited["branch"]) == (["Westlands", "Parklands"], "Westlands")
    assert office.fails("router", "edit", "A", "--branch", "none such", code=5)["field"] == "branch"
    assert office.json("router", "edit", "A", "--area", "")["areas"] == []
    made = add(office, "D", three["A"], "--area", "Karen", "--branch", "Westlands").json
    assert (made["areas"], made["branch"]) == (["Karen"], "Westlands")


def test_a_lead_says_whether_it_can_be_served(office: Office, three: dict[str, Simulator]) -> None:
    lead = office.lead(location="Parklands, Nairobi", name="Achieng")
    office.json("router", "edit", "A", "--area", "Parklands")
    office.json("router", "capacity", "A", "--now")
    shown = office.json("lead", "show", lead["number"])["can_serve"]
    assert list(shown) == ["router", "why", "free", "total", "asked_at", "verdict"]
    assert (shown["router"], shown["why"]) == ("A", "serves Parklands")
    assert 0 < shown["free"] <= shown["total"]
    assert shown["asked_at"].endswith("Z")
    assert shown["verdict"] in office("lead", "show", lead["number"]).out
    office.json("lead", "lose", lead["number"], "--reason", "moved away")
    assert office.json("lead", "show", lead["number"])["can_serve"] is None
    for name in "ABC":
        office.json("router", "remove", name)
    other = office.lead("0722000222")
    assert office.json("lead", "show", other["number"])["can_serve"] is None


# -- the training router -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("as_json", [True, False])
def test_simulate_prints_one_document(office: Office, as_json: bool) -> None:
    command = [sys.executable, "-m", "leadtui", "router", "simulate", "--port", "0"]
    command += ["--json"] if as_json else []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=office.environment(), cwd=Path(__file__).parents[2]
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        port: Any = json.loads(line)["listening"] if as_json else line.removeprefix("LISTENING ")
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(10) == 0
    assert int(port) > 0
    assert rest == ""
