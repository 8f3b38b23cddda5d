"""The process that settles is killed at every step of it, and the one that suspends, resumes or changes a package.

`test_fault_matrix` kills conversions; here a dead conversion (suspension, change of package, repair) was left open, and
whoever settles it dies before each of his words to the router and inside each transaction. Then it is settled again:
router and store agree, nothing foreign was touched, nothing is open. PPPoE and Hotspot, SQLite and PostgreSQL.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select, update

from leadtui.router.port import tag_for
from leadtui.router.simulator import Simulator
from leadtui.services import provision_jobs, router_audit
from leadtui.services.conversion import resolve
from leadtui.services.office import Office
from leadtui.services.router_records import find
from leadtui.store import schema as t

from .conversion_help import ROUTER, add_router, foreign_rows, jobs, new_lead
from .subscription_help import HOTSPOT, QUEUES, SECRETS, check_service, new_customer, on_router, set_package, stored

_ENV = ("HOME", "LEADTUI_CONFIG", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
QUEUE, PLAIN = "50 Mbps Home", "20 Mbps Home"


class KillServer:
    """One process for the whole test session; see `kill_server`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.services.kill_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **case: Any) -> dict[str, Any]:
        """Run one case; whether it was killed, and what it told if not."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(case) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


@pytest.fixture(scope="module")
def server() -> Iterator[KillServer]:
    running = KillServer()
    yield running
    running.close()


class House:
    """An office, its router, and a customer there whose user has a queue at first."""

    def __init__(self, server: KillServer, office: Office, simulator: Simulator, service: str) -> None:
        self.server, self.office, self.simulator, self.service = server, office, simulator, service
        self.menu = SECRETS if service == "pppoe" else HOTSPOT
        add_router(office, simulator, service=service)
        rates = {"upload_bps": 5_000_000, "download_bps": 50_000_000}
        set_package(office, QUEUE, addressing="queue", pool="pppoe-wl-2", **rates)
        self.customer = new_customer(office, package=QUEUE, service=service)
        self.name = self.customer.username
        self.lead = new_lead(office, "Never Converted")
        self.foreign = foreign_rows(simulator)
        self.cases = 0
        self.package()
        server.ask(
            open=office.store.url.render_as_string(hide_password=False),
            env={name: os.environ[name] for name in _ENV}, customer=self.customer.id, plain=PLAIN, package=QUEUE,
        )  # fmt: skip
        self.settled("at first")

    def online(self, name: str) -> None:
        """The user has a session, one."""
        self.simulator.hang_up(name)
        if self.service == "pppoe":
            self.simulator.dial_in(name)
        else:
            self.simulator.log_in(name)

    def left_open(self, kind: str, lead_id: int, username: str, **asked: Any) -> None:
        """A job whose process died while it wrote to the router."""
        with self.office.write() as tx:
            number = tx.conn.execute(select(t.lead.c.number).where(t.lead.c.id == lead_id)).scalar_one()
            job_id = provision_jobs.begin(
                tx, kind=kind, lead_id=lead_id, router_id=find(tx, ROUTER).id,  # type: ignore[arg-type]
                tag=tag_for(number, tx.catalog.office_id), username=username,
                request_json={"service": self.service, **asked},
            )  # fmt: skip
            dead = update(t.provision_job).where(t.provision_job.c.id == job_id)
            tx.conn.execute(dead.values(state="applying", pid=999_999_999))

    # -- what a dead process left ---------------------------------------------------------------------------------
    def convert(self) -> None:
        """A user, online, and its queue, of a lead that is no customer."""
        tag = tag_for(self.lead.number, self.office.catalog.office_id)
        kind = {"service": "pppoe"} if self.service == "pppoe" else {}
        self.simulator.add(self.menu, name="half.made", password="abcd-1", profile="20M", comment=tag, **kind)
        self.simulator.add(QUEUES, name="half.made", target="10.77.0.9", comment=f"{tag} see ticket 7")
        self.online("half.made")
        self.left_open("convert", self.lead.id, "half.made", queue=True)

    def suspend(self) -> None:
        """Switched off, and its sessions ended."""
        self.simulator.change(self.menu, self.name, disabled="yes")
        self.left_open("suspend", self.customer.lead.id, self.name)

    def package(self) -> None:
        """Another profile, the queue gone, another one there; online with the new speed."""
        self.simulator.change(self.menu, self.name, profile="10M")
        self.simulator.remove(QUEUES, self.name)
        self.simulator.add(QUEUES, name="another", target="10.77.0.8", comment=stored(self.office, self.name).tag)
        self.online(self.name)
        self.left_open("package", self.customer.lead.id, self.name)

    def mend(self) -> None:
        """Renamed by hand, and written on; two of one mark is what no repair may make of it."""
        tag = stored(self.office, self.name).tag
        self.simulator.change(self.menu, self.name, name="renamed", comment=f"{tag} by hand")
        self.left_open("mend", self.customer.lead.id, self.name)

    # -- one case -------------------------------------------------------------------------------------------------
    def settled(self, what: str) -> None:
        """Settle what is open, and the invariant."""
        outcomes = [one.outcome for one in resolve(self.office)]
        assert set(outcomes) <= {"absent", "removed", "kept"}, what
        check_service(self.office, self.simulator)
        assert foreign_rows(self.simulator) == self.foreign, what
        assert not [job for job in jobs(self.office) if job.state in provision_jobs.OPEN_STATES], what
        # Late answers are tested elsewhere; here each case stands alone.
        with self.office.write() as tx:
            tx.conn.execute(update(t.provision_job).values(recheck_until=None))
        self.cases += 1

    def killed(self, deed: str, point: str, **more: Any) -> bool:
        """Have somebody do it and die at the point; False when it was never reached and all was done."""
        answer = self.server.ask(deed=deed, point=point, **more)
        assert "bug" not in answer["told"], answer
        return bool(answer["killed"])

    def at_every(self, kind: str, one: Callable[[str], bool]) -> int:
        """Kill before the first, second … such point, until none is left; how many there were.

        On PostgreSQL every other one: PPPoE those of even number, Hotspot the others.
        """
        pace = 1 if self.office.store.is_sqlite else 2
        first = 1 if pace == 1 or self.service == "hotspot" else 2
        return next(number - 1 for number in itertools.count(first, pace) if not one(f"{kind} {number}"))

    def finish(self) -> None:
        """The audit finds nothing to say."""
        report = router_audit.audit(self.office, ROUTER)
        assert (report.matched, report.findings, report.error) == (1, (), None)


@pytest.mark.parametrize("service", ["pppoe", "hotspot"])
def test_whoever_settles_is_killed_at_every_step(
    server: KillServer, office: Office, simulator: Simulator, service: str
) -> None:
    house = House(server, office, simulator, service)
    for leave in (house.convert, house.suspend, house.package, house.mend):

        def one(point: str, leave: Callable[[], None] = leave) -> bool:
            leave()
            killed = house.killed("resolve", point)
            if killed:  # the dead one's claim counts for nothing, on this machine at once
                assert len(jobs(office)) and jobs(office)[-1].state in ("applying", "unknown"), point
            house.settled(f"{leave.__name__}, killed at {point}")
            return killed

        assert house.at_every("call", one) > 4, leave
        for moment in ("uncommitted claim", "looked", "uncommitted end"):
            assert one(moment), moment
    assert house.cases > (50 if office.store.is_sqlite else 25)
    house.finish()


@pytest.mark.parametrize("service", ["pppoe", "hotspot"])
def test_whoever_changes_a_service_is_killed_at_every_step(
    server: KillServer, office: Office, simulator: Simulator, service: str
) -> None:
    house = House(server, office, simulator, service)

    def deeds() -> tuple[str, ...]:
        return ("resume" if stored(office, house.name).state == "suspended" else "suspend", "package")

    for which in (0, 1):

        def one(point: str, which: int = which) -> bool:
            deed = deeds()[which]
            if on_router(simulator, house.name, house.menu)["disabled"] == "false":
                house.online(house.name)
            package = PLAIN if stored(office, house.name).queue_up_bps else QUEUE
            killed = house.killed(deed, point, customer=house.customer.id, package=package)
            house.settled(f"{deed}, killed at {point}")
            return killed

        assert house.at_every("call", one) > 4
        assert house.at_every("step", one) > 4
        for moment in ("uncommitted guard", "uncommitted truth"):
            assert one(moment), moment
    house.finish()
