"""`leadtui worker`, in this process and as the process that a service manager starts and stops."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leadtui.errors import Refused
from leadtui.jobs.lease import NETWORK, Lease, standing
from leadtui.jobs.routine import WORDS
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.services import events
from leadtui.services.office import Office as OpenOffice
from leadtui.services.office import open_office
from leadtui.store import schema as t
from tests.services.conversion_help import jobs
from tests.services.watch_help import customer_user, online, router, user_row

from .conftest import Office

NOTHING = {"ticks": 1, **dict.fromkeys(WORDS, 0), "errors": 0}

KILLED = """
import os, signal
from leadtui.services.conversion import ConvertRequest, RouterRequest, convert
from leadtui.services.office import open_office

def step(event):
    if (event.key, event.state) == ("user", "done"):
        os.kill(os.getpid(), signal.SIGKILL)

convert(open_office({db!r}), {lead}, ConvertRequest(router=RouterRequest("WL-RTR-1")), on_step=step)
"""


@pytest.fixture
def office(office: Office) -> Office:
    """What these tests count does not depend on the hour of the day."""
    office("config", "set", "digest_at", "")
    return office


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A training router on loopback."""
    with Simulator() as running:
        yield running


@pytest.fixture
def open_one(office: Office) -> Iterator[OpenOffice]:
    """The office of the command line, as services see it."""
    opened = open_office(str(office.db))
    yield opened
    opened.close()


@pytest.fixture
def working(office: Office) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start workers that end with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*argv: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "leadtui", "worker", *argv]
        process = subprocess.Popen(
            command, env=office.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
            cwd=Path(__file__).parents[2],
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_once_does_everything_that_is_due(office: Office, open_one: OpenOffice, simulator: Simulator) -> None:
    """A conversion that was killed, a router to ask, a customer who came online, an event."""
    assert office.json("worker", "--once") == NOTHING
    wl = router(open_one, "WL-RTR-1", simulator)
    router(open_one, "DEAD-1")
    lead_id = office.lead(name="Achieng", source="Caretaker", package="20 Mbps Home", status="Interested")["id"]
    code = KILLED.format(db=str(office.db), lead=lead_id)
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == -signal.SIGKILL
    (job,) = jobs(open_one)
    assert job.state == "applying" and job.username in [row["name"] for row in simulator.secrets()]
    user = customer_user(open_one, wl, "brian")
    online(simulator, "brian")
    with open_one.as_system() as tx:
        events.emit(tx, events.CONVERTED, lead_id=None, payload={})
    done = office.process("worker", "--once", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json == NOTHING | {"settled": 1, "events": 2, "polled": 1, "first_online": 1, "errors": 1}
    assert [job.state for job in jobs(open_one)] == ["failed"]
    assert job.username not in [row["name"] for row in simulator.secrets()]
    assert user_row(open_one, user).first_online_at is not None
    assert office.json("worker", "--once") == NOTHING
    assert office("worker", "--once").out == "1 tick: nothing was due\n"


def test_once_beside_a_working_worker(office: Office, open_one: OpenOffice) -> None:
    other = Lease(open_one, "worker")
    assert other.take()
    router(open_one, "DEAD-1")
    assert office.json("worker", "--once")["errors"] == 1
    assert other.take()  # it gave the lease back at once


def test_for_some_seconds(office: Office, open_one: OpenOffice, simulator: Simulator) -> None:
    router(open_one, "WL-RTR-1", simulator)
    done = office("worker", "--for", "0.4")
    assert done.code == 0
    assert done.out.endswith(": 1 routers asked\n")
    assert done.err == "1 tick: 1 routers asked\n"  # told when it was done
    found = standing(open_one)
    assert found is not None
    assert (found.kind, Lease(open_one, "tui").take()) == ("worker", True)


def test_the_origin_is_the_worker(office: Office, open_one: OpenOffice, simulator: Simulator) -> None:
    customer_user(open_one, router(open_one, "WL-RTR-1", simulator), "brian")
    online(simulator, "brian")
    assert office.json("worker", "--once")["first_online"] == 1
    (entry,) = [row for row in office.json("audit", "list")["entries"] if row["action"] == "first_online"]
    assert (entry["user"], entry["origin"].split(":")[0]) == ("system", "worker")


@pytest.mark.parametrize(
    ("number", "code", "argv"), [(signal.SIGTERM, 0, ()), (signal.SIGINT, 130, ()), (signal.SIGTERM, 0, ("--once",))]
)
def test_a_signal_ends_it_although_a_router_hangs(
    open_one: OpenOffice, simulator: Simulator, working: Callable[..., subprocess.Popen[str]],
    number: signal.Signals, code: int, argv: tuple[str, ...],
) -> None:  # fmt: skip
    simulator.faults.add(FaultRule("/system", "hang_before", -1))
    router(open_one, "WL-RTR-1", simulator)
    process = working("--json", *argv)
    assert simulator.faults.wait_fired()
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert {**json.loads(out), "ticks": 1} == NOTHING
    assert (json.loads(err)["error"]["code"] == "interrupted") if code else err == ""
    with open_one.store.read() as tx:
        assert tx.conn.execute(t.router_capacity.select()).all() == []
    assert Lease(open_one, "tui").take()  # given back
    assert Lease(open_one, "tui", NETWORK).take()


def test_the_second_takes_over_from_the_first_that_is_killed(
    open_one: OpenOffice, simulator: Simulator, working: Callable[..., subprocess.Popen[str]]
) -> None:
    """Killed in the middle of a poll: nothing half is left, and `--once` does not wait for the lease to run out."""
    simulator.faults.add(FaultRule("/system", "hang_before", 1))
    wl = router(open_one, "WL-RTR-1", simulator)
    first = working()
    assert simulator.faults.wait_fired()
    first.kill()
    first.communicate(timeout=30)
    customer_user(open_one, wl, "brian")
    online(simulator, "brian")
    second = working("--once", "--json")
    out, err = second.communicate(timeout=30)
    found = json.loads(out)
    assert found == NOTHING | {"polled": 1, "first_online": 1, "events": 1}, err


def test_only_for_who_may_configure(staffed: Office) -> None:
    staffed.json("user", "add", "--login", "adm", "--name", "Adm", "--role", "admin")
    assert staffed.json("--as", "jane", "worker", "--once") == NOTHING  # the owner of the database, whoever he acts as
    with_owner = open_office(str(staffed.db))
    with with_owner.as_system() as tx:
        tx.conn.execute(t.setting.update().where(t.setting.c.key == "owner_os_account").values(value_json="nobody"))
        tx.catalog_changed()
    with_owner.close()
    assert staffed.fails("--as", "jane", "worker", "--once", code=3)["message"] == "you may not run the worker"
    assert staffed.json("--as", "adm", "worker", "--once") == NOTHING


def test_usage(nowhere: Office, fresh_database: Path) -> None:
    assert nowhere.fails("worker", "--once", code=6)["code"] == "no_database"
    assert nowhere.fails("worker", "--once", "--for", "3", code=2)["field"] == "for"
    for seconds in ("0", "-1", "nan", "inf", "1e12", "soon"):
        assert nowhere.fails("worker", f"--for={seconds}", code=2)["field"] in {"for", "for_s"}
    assert "--once" in nowhere("worker", "--help").out


# -- how it stands, and what failed ------------------------------------------------------------------------------------
def broken(office: OpenOffice, monkeypatch: pytest.MonkeyPatch) -> int:
    """An event that fails; answers its id."""

    def handler(tx: object, event: object) -> None:
        raise Refused("the printer is on fire")

    monkeypatch.setattr(events, "HANDLERS", {events.CONVERTED: (handler,)})
    monkeypatch.setattr(events, "FIRST_PAUSE", events.LONGEST_PAUSE)  # a worker does not mend it meanwhile
    with office.as_system() as tx:
        event_id = events.emit(tx, events.CONVERTED, lead_id=None, payload={})
    assert events.handle_open(office) == 0
    return event_id


def test_status_names_who_works_what_waits_and_what_failed(
    office: Office, open_one: OpenOffice, working: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = office.json("worker", "status")
    assert (found["workers"], found["ticked_at"], found["scheduler"], found["failures"]) == ([], None, "any", [])
    assert "nobody does the work now" in office("worker", "status").out
    event_id = broken(open_one, monkeypatch)
    process = working()
    while not (found := office.json("worker", "status"))["workers"]:
        assert process.poll() is None
    (one,) = found["workers"]
    assert (one["kind"], one["pid"], one["alive"], one["user"]) == ("worker", process.pid, True, "boss")
    assert "reminders and events" in one["does"] and found["ticked_at"].endswith("Z")
    assert found["failed"] == 1 and found["queue"]["events"] == 1
    (failure,) = found["failures"]
    assert (failure["id"], failure["error"], failure["attempts"]) == (f"event:{event_id}", "the printer is on fire", 1)
    words = office("worker", "status").out
    assert f"a worker does the work: {one['host']}/{process.pid}" in words
    assert "the printer is on fire" in words and f"event:{event_id}" in words


def test_retry_and_give_up(office: Office, open_one: OpenOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    event_id = broken(open_one, monkeypatch)
    assert office.fails("worker", "retry", "event:999", code=4)["field"] == "id"
    assert office.fails("worker", "retry", "moon", code=4)["field"] == "id"
    assert office.fails("worker", "give-up", "all", code=5)["field"] == "id"
    assert office.json("worker", "retry", f"event:{event_id}") == {"retried": 1}
    assert office.json("worker", "status")["failures"][0]["attempts"] == 0
    assert office.json("worker", "retry", "all") == {"retried": 1}
    assert office.json("worker", "give-up", f"event:{event_id}") == {"given_up": 1}
    assert office.json("worker", "status")["failures"] == []
    assert office("worker", "retry", "all").out == "nothing had failed\n"
    assert [row["action"] for row in office.json("audit", "list")["entries"][:3]] == ["give_up", "retry", "retry"]


def test_what_failed_is_for_who_may_configure(staffed: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_office(str(staffed.db))
    event_id = broken(opened, monkeypatch)
    opened.close()
    assert staffed.json("--as", "jane", "worker", "status")["failures"] == []
    assert staffed.fails("--as", "jane", "worker", "retry", f"event:{event_id}", code=3)
    assert staffed.fails("--as", "jane", "worker", "retry", "all", code=3)
