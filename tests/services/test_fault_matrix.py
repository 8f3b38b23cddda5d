"""Every fault of a router, and our process killed at every step of it: afterwards router and store agree (issue 3).

Each case is a process of its own (`fork_server`), which converts one lead against a training router that fails in one
way, and dies at one point, or none. Then the faults are over, what is open is settled, and: exactly one user (and
queue) on the router for a converted lead, none for any other, what others made as it was, no job open.

On SQLite and PostgreSQL, for PPPoE and Hotspot, every fault is combined with every event that its conversion reports,
and with the moments inside the transactions; a package with a queue with two such points for each fault, in turn.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from leadtui.router.port import tag_for
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.services import admin, provision_jobs, router_audit
from leadtui.services.conversion import ConvertRequest, RouterRequest, convert, pending, resolve, settle_on_start
from leadtui.services.office import Office
from leadtui.store import schema as t
from tests.hangs import Hangs

from .conversion_help import ROUTER, add_router, expected_things, foreign_rows, new_lead, things_of_ours

USERS = {"pppoe": "/ppp/secret", "hotspot": "/ip/hotspot/user"}
PROFILES = {"pppoe": "/ppp/profile", "hotspot": "/ip/hotspot/user/profile"}
WITHIN = ("uncommitted applying", "uncommitted truth")
_ENV = ("HOME", "LEADTUI_CONFIG", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")


class ForkServer:
    """One process for the whole test session; see `fork_server`. `is_sound`: every question has had its answer."""

    def __init__(self) -> None:
        self.is_sound = True
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.services.fork_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def warm_up(self, case: dict[str, Any]) -> None:
        """Have a lead converted by the server itself, the first of a database."""
        self._send(case)
        answer = self._answer()
        self.is_sound = True
        assert answer == {"warm": True}

    def run(self, case: dict[str, Any], while_it_runs: Callable[[int], None] | None = None) -> dict[str, Any]:
        """Run one case; `while_it_runs` gets the process's id."""
        self._send(case)
        pid = self._answer()["pid"]
        if while_it_runs is not None:
            while_it_runs(pid)
        answer = self._answer()
        self.is_sound = True
        return answer

    def _send(self, case: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self.is_sound = False
        self._process.stdin.write(json.dumps(case) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="session")
def fork_servers() -> Iterator[list[ForkServer]]:
    servers: list[ForkServer] = []
    yield servers
    for server in servers:
        server.close()


@pytest.fixture
def fork_server(fork_servers: list[ForkServer]) -> ForkServer:
    """The server; another one when a test was cut off between its question and the answer."""
    if not fork_servers or not fork_servers[-1].is_sound:
        fork_servers.append(ForkServer())
    return fork_servers[-1]


@pytest.fixture
def hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Hangs:
    """The children read the file."""
    return Hangs(monkeypatch, tmp_path / "hangs")


@dataclass(frozen=True)
class Fault:
    """A way of failing: rules for the router (COMMAND stands for what is sent), or something that is there already."""

    name: str
    action: str = ""
    command: str = "COMMAND"
    text: str = ""
    prepared: str = ""
    request: tuple[tuple[str, str], ...] = ()


EVERYTHING = bool(os.environ.get("LEADTUI_TEST_EVERYTHING"))
"""Also what the suite leaves out to be done in ten minutes."""

FAULTS = (
    Fault("none"),
    Fault("refuse", "refuse", text="failure: no more licences"),
    Fault("hang before", "hang_before"),
    Fault("hang after", "hang_after"),
    Fault("drop before", "drop_before"),
    Fault("drop after", "drop_after"),
    Fault("rst before", "rst_before"),
    Fault("rst after", "rst_after"),
    Fault("fatal before", "fatal", text="not logged in"),
    Fault("fatal after", "fatal_after", text="session terminated"),
    Fault("garbage before", "garbage"),
    Fault("garbage after", "garbage_after"),
    Fault("half an answer", "truncate"),
    Fault("said but not done", "forget"),
    Fault("slow bytes", "slow_bytes"),
    Fault("wrong password", "refuse", "/login", text="invalid user name or password (6)"),
    Fault("no permission", "no_permission"),
    Fault("version without the menu", "no_menu"),
    Fault("no identity", "drop_before", "/system/identity"),
    Fault("profile missing", prepared="no profile"),
    Fault("duplicate ours", prepared="ours"),
    Fault("duplicate ours, another name", prepared="ours elsewhere"),
    Fault("duplicate foreign", request=(("username", "jane.w"),)),
    Fault("a duplicate that does not show", "refuse", text="failure: already have user with this name exists"),
)


class Matrix:
    """The cases of one office, one router, one service; `queue` with a package whose customers have a queue."""

    def __init__(
        self, server: ForkServer, office: Office, simulator: Simulator, service: str, hangs: Hangs, *, queue: bool
    ) -> None:
        self.server = server
        self.hangs = hangs
        self.office = office
        self.simulator = simulator
        self.service = service
        self.command = "/queue/simple/add" if queue else f"{USERS[service]}/add"
        self.package = "20 Mbps Home"
        add_router(office, simulator, service=service)
        if queue:
            self.package = "20 Mbps Queue"
            values = {"profile": "20M", "upload": "5M", "download": "20M", "addressing": "queue", "pool": "pppoe-wl"}
            admin.add(office, "package", {"name": self.package, **values})
        simulator.add(USERS["hotspot"], name="jane.w", password="hers", profile="20M", comment="of 2022")
        self.foreign = foreign_rows(simulator)
        self.converted = 0
        self.cases = 0
        self.lead = new_lead(office, "Case 0")
        with office.read() as tx:
            self.stage_id = tx.conn.execute(select(t.lead.c.stage_id).where(t.lead.c.id == self.lead.id)).scalar()
        server.warm_up(self.case(Fault("none"), None))
        self.check("the first")

    # -- one case -----------------------------------------------------------------------------------------------------
    def run(self, fault: Fault, point: int | str | None) -> list[str]:
        """One case, its settling and the invariant; answers the events."""
        self.cases += 1
        restore = self._prepare(fault)
        kill: Callable[[int], None] | None = None
        self.hangs.counting = point != "hanging"
        if point == "hanging":  # it waits for the answer, and is killed
            point, kill = None, self._kill_when_struck
        answer = self.server.run(self.case(fault, point), kill)
        what = f"{fault.name}, killed at {point}: {answer}"
        assert answer["killed"] == (point is not None or kill is not None), what
        told = answer["told"]
        assert not any(str(one.get("outcome", "")).startswith("bug") for one in told), what
        events = [one["event"] for one in told if "event" in one]
        self.simulator.faults.clear()
        restore(events)
        with self.office.read() as tx:
            job = provision_jobs.open_job_of(tx, self.lead.id)
        if job is not None:
            assert [one.outcome for one in resolve(self.office, job.id)] in (["absent"], ["removed"]), what
        self.check(what)
        return events

    def case(self, fault: Fault, point: int | str | None) -> dict[str, Any]:
        return {
            "db": self.office.store.url.render_as_string(hide_password=False),
            "lead": self.lead.id,
            "env": {name: os.environ[name] for name in _ENV},
            "hangs": str(self.hangs.file),
            "point": point,
            "request": {"router": ROUTER, "package": self.package, **dict(fault.request)},
        }

    def _kill_when_struck(self, pid: int) -> None:
        assert self.simulator.faults.wait_fired(self._fired + 1)
        os.kill(pid, signal.SIGKILL)

    def _prepare(self, fault: Fault) -> Callable[[list[str]], None]:
        """Make the router fail so; answers what takes back what was prepared on it."""
        self._fired = len(self.simulator.faults.fired)
        if fault.action:
            command = fault.command.replace("COMMAND", self.command)
            rule = FaultRule(command, fault.action, text=fault.text, delay_s=0.0005)  # type: ignore[arg-type]
            self.simulator.faults.add(rule)
        tag = tag_for(self.lead.number, self.office.catalog.office_id)
        match fault.prepared:
            case "no profile":
                self.simulator.change(PROFILES[self.service], "20M", name="renamed")
                return lambda _: self.simulator.change(PROFILES[self.service], "renamed", name="20M")
            case "ours" | "ours elsewhere":
                name = "an.earlier.try" if fault.prepared == "ours elsewhere" else f"case.{self.converted}"
                values = {"service": "pppoe"} if self.service == "pppoe" else {}
                self.simulator.add(
                    USERS[self.service], name=name, password="of-before", profile="10M", comment=tag, **values
                )

                def untouched(events: list[str]) -> None:
                    if not any(event.startswith("user") for event in events):  # it died before it sent anything
                        self.simulator.remove(USERS[self.service], name)

                return untouched
        return lambda _: None

    # -- the invariant ------------------------------------------------------------------------------------------------
    def check(self, what: str) -> None:
        """Router and store agree for every lead, nothing foreign was touched, nothing is open."""
        assert foreign_rows(self.simulator) == self.foreign, what
        assert things_of_ours(self.simulator) == expected_things(self.office), what
        with self.office.read() as tx:
            row = tx.conn.execute(select(t.lead).where(t.lead.c.id == self.lead.id)).one()
            user = tx.conn.execute(select(t.router_user).where(t.router_user.c.lead_id == self.lead.id)).one_or_none()
            customers = tx.conn.execute(select(func.count()).select_from(t.customer)).scalar()
            is_converted = tx.catalog.stage_by_id[row.stage_id].is_converted
            assert provision_jobs.open_job_of(tx, self.lead.id) is None, what
        if is_converted:
            assert None not in (row.customer_id, user), what
            self.converted += 1
            self.lead = new_lead(self.office, f"Case {self.converted}")
        else:
            assert (row.stage_id, row.customer_id, user) == (self.stage_id, None, None), what
        assert customers == self.converted, what

    def finish(self) -> None:
        """Looking again for late answers changes nothing, and the audit finds nothing to say."""
        resolve(self.office)
        self.check("at the end")
        report = router_audit.audit(self.office, ROUTER)
        assert (report.matched, report.findings, report.error) == (self.converted, (), None)


def points_of(events: list[str]) -> list[int | str]:
    """Where a conversion that reports these events can die: at each of them, and inside its transactions."""
    reached = {event.split()[0] for event in events if " started " in event}
    points: list[int | str] = list(range(len(events)))
    points += ["uncommitted applying"] if "user" in reached else []
    return points + (["uncommitted truth"] if "customer" in reached else [])


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("service", ["pppoe", "hotspot"])
def test_every_fault_and_every_point_of_dying(
    fork_server: ForkServer, office: Office, simulator: Simulator, hangs: Hangs, service: str, part: int
) -> None:
    matrix = Matrix(fork_server, office, simulator, service, hangs, queue=False)
    for number, fault in enumerate(FAULTS[part::4]):
        points = points_of(matrix.run(fault, None))
        assert len(points) > 2, fault
        # Hotspot goes the way of PPPoE but for the menus: every second point there, the others with the next fault.
        for point in points if service == "pppoe" or EVERYTHING else points[number % 2 :: 2]:
            matrix.run(fault, point)
        if fault.action.startswith("hang"):
            matrix.run(fault, "hanging")
    matrix.finish()
    assert matrix.cases > (50 if service == "pppoe" or EVERYTHING else 25)
    assert matrix.converted > (1 if part == 0 else 0)


def test_a_queue_with_every_fault_and_points_of_dying_in_turn(
    fork_server: ForkServer, office: Office, simulator: Simulator, hangs: Hangs
) -> None:
    matrix = Matrix(fork_server, office, simulator, "pppoe", hangs, queue=True)
    turn = itertools.count()
    for fault in FAULTS:
        points = points_of(matrix.run(fault, None))
        for _ in range(2):
            matrix.run(fault, points[next(turn) % len(points)])
    matrix.finish()
    assert matrix.cases == 3 * len(FAULTS)


@pytest.mark.parametrize("next_deed", ["convert", "start"])
def test_nothing_needs_settling_by_hand(
    fork_server: ForkServer, office: Office, simulator: Simulator, hangs: Hangs, next_deed: str
) -> None:
    matrix = Matrix(fork_server, office, simulator, "pppoe", hangs, queue=False)
    lead = matrix.lead
    events = fork_server.run(matrix.case(FAULTS[0], None))["told"]
    assert events[-1] == {"outcome": "converted"}
    matrix.check("no kill")
    lead = matrix.lead
    user_made = next(i for i, one in enumerate(events) if one["event"].startswith("user done"))
    assert fork_server.run(matrix.case(FAULTS[0], user_made))["killed"]
    assert [(job.state, job.is_held) for job in pending(office)] == [("applying", False)]
    if next_deed == "start":
        assert [one.outcome for one in settle_on_start(office)] == ["removed"]
    else:
        assert convert(office, lead.id, ConvertRequest(router=RouterRequest(ROUTER, "another.name"))).success
    matrix.check(next_deed)
    matrix.finish()
