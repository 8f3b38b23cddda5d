"""The runner: ticks that go on whatever happens, an end within a moment, and a TUI that works beside its screens."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from textual.pilot import Pilot

from leadtui import opening
from leadtui.app import LeadApp
from leadtui.config import Settings
from leadtui.errors import DatabaseUnreachable
from leadtui.jobs import presence
from leadtui.jobs.lease import NETWORK, NOW, Lease, standing
from leadtui.jobs.routine import Routine, Tally
from leadtui.jobs.runner import Runner
from leadtui.router.port import CancelToken
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.screens.base import LeadScreen
from leadtui.services import admin, events, workers
from leadtui.services.office import Office
from leadtui.services.provision_jobs import me
from leadtui.store import schema as t
from tests.screen_help import settled
from tests.services.watch_help import customer_user, online, router, rows, user_row

WAIT_S = 20.0


def test_it_ticks_gives_the_lease_back_and_starts_once(office: Office, simulator: Simulator) -> None:
    user = customer_user(office, router(office, "WL-1", simulator), "achieng")
    online(simulator, "achieng")
    told: SimpleQueue[Tally] = SimpleQueue()
    runner = Runner(office, "tui", seconds=0.05, slow_seconds=0.05, on_tick=told.put)
    runner.start()
    runner.start()
    total = Tally()
    while total["events"] < 1:
        total.add(told.get(timeout=WAIT_S))
    assert (total["polled"], total["first_online"], total["events"], total.errors) == (1, 1, 1, 0)
    assert told.get(timeout=WAIT_S).is_empty
    assert runner.is_running
    assert not Lease(office, "tui", NOW).take()
    assert not Lease(office, "tui", NETWORK).take()
    assert runner.stop(WAIT_S)
    assert not runner.is_running
    assert Lease(office, "tui", NOW).take()
    assert Lease(office, "tui", NETWORK).take()
    assert user_row(office, user).first_online_at is not None
    runner.start()  # not again
    assert not runner.is_running


def test_a_router_that_hangs_holds_up_no_event(sqlite_office: Office, simulator: Simulator) -> None:
    office = sqlite_office
    simulator.faults.add(FaultRule("/system", "hang_before", -1))
    router(office, "WL-1", simulator)
    told: SimpleQueue[Tally] = SimpleQueue()
    runner = Runner(office, "worker", seconds=0.05, on_tick=told.put)
    runner.start()
    assert simulator.faults.wait_fired()
    with office.as_system() as tx:
        events.emit(tx, events.CONVERTED, lead_id=None, payload={})
    done = Tally()
    while not done["events"]:
        done.add(told.get(timeout=WAIT_S))
    assert (done["events"], done["polled"], done.errors) == (1, 0, 0)
    assert rows(office, t.router_capacity) == []  # still hanging
    assert runner.stop()


def test_it_leaves_although_a_router_hangs(sqlite_office: Office, simulator: Simulator) -> None:
    office = sqlite_office
    simulator.faults.add(FaultRule("/system", "hang_before", -1))
    router(office, "WL-1", simulator)
    told: SimpleQueue[Tally] = SimpleQueue()
    runner = Runner(office, "worker", on_tick=told.put)
    runner.start()
    assert simulator.faults.wait_fired()
    assert runner.stop()
    assert told.get(timeout=WAIT_S).is_empty
    assert rows(office, t.router_capacity) == []
    assert Lease(office, "tui").take()


def test_the_next_tick_comes_whatever_happens(sqlite_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    errors: list[Exception] = [
        DatabaseUnreachable("the database is busy", code="database_busy"), ValueError("a mistake of ours"),
    ]  # fmt: skip
    original = Lease.take

    def take(self: Lease, *, insist: bool = False) -> bool:
        if errors:
            raise errors.pop(0)
        return original(self, insist=insist)

    monkeypatch.setattr(Lease, "take", take)
    told: SimpleQueue[Tally] = SimpleQueue()
    runner = Runner(sqlite_office, "worker", seconds=0.02, first_slow_after_s=3600, on_tick=told.put)
    runner.start()
    seen = [told.get(timeout=WAIT_S).errors for _ in range(3)]
    assert runner.stop(WAIT_S)
    assert seen == [1, 1, 0]


def test_everybody_helps_to_remind_and_only_some_speak_to_routers(
    office: Office, acting: Callable[[str], Office]
) -> None:
    admin.add_user(office, {"login": "tom", "name": "Tom", "role": "technician"})
    told: SimpleQueue[Tally] = SimpleQueue()
    runner = Runner(acting("tom"), "tui", on_tick=told.put)
    runner.start()
    assert told.get(timeout=WAIT_S) == told.get(timeout=WAIT_S) == Tally(ticks=1)
    found = standing(office, NOW)
    assert found is not None and found.kind == "tui"
    assert standing(office, NETWORK) is None
    assert runner.stop(WAIT_S)


def test_a_user_who_was_disabled_helps_no_more(office: Office, acting: Callable[[str], Office]) -> None:
    admin.add_user(office, {"login": "tom", "name": "Tom", "role": "technician"})
    tom = acting("tom")
    admin.set_user_active(office, "tom", False)
    told: SimpleQueue[Tally] = SimpleQueue()
    runner = Runner(tom, "tui", first_slow_after_s=3600, on_tick=told.put)
    runner.start()
    assert told.get(timeout=WAIT_S) == Tally(ticks=1)
    assert runner.stop(WAIT_S)
    assert standing(office, NOW) is None


# -- that it lives -----------------------------------------------------------------------------------------------------
def known(office: Office) -> tuple[workers.Program, ...]:
    with office.store.read() as tx:
        return workers.programs(tx)


def test_every_program_says_that_it_lives(office: Office, acting: Callable[[str], Office]) -> None:
    admin.add_user(office, {"login": "tom", "name": "Tom", "role": "agent"})
    with office.as_system() as tx:
        events.emit(tx, events.CONVERTED, lead_id=None, payload={})
    runners: list[Runner] = []
    for one, kind in ((office, "worker"), (acting("tom"), "tui")):
        told: SimpleQueue[Tally] = SimpleQueue()
        runners.append(Runner(one, kind, on_tick=told.put))  # type: ignore[arg-type]
        runners[-1].start()
        for _ in range(3):  # every lane
            told.get(timeout=WAIT_S)
    first, second = known(office)
    assert (first.kind, first.user, first.is_alive) == ("worker", "boss", True)
    assert first.does == ("messages", "reminders and events", "routers and alerts")
    assert first.pid == os.getpid() and first.ticked_at is not None and first.tick_ms is not None
    assert first.tally["did"]["events"] == 1 and first.tally["total"] == {"events": 1}
    assert (second.kind, second.user, second.does, second.ticked_at) == ("tui", "tom", (), None)
    assert all(runner.stop(WAIT_S) for runner in runners)
    assert known(office) == ()


def test_the_sign_of_life_is_rare_and_the_dead_are_forgotten(
    sqlite_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = sqlite_office
    now = [1000.0]
    monkeypatch.setattr(presence, "monotonic", lambda: now[0])
    lease = Lease(office, "tui")
    assert lease.take()
    routine = Routine(office, lease, CancelToken())
    mine = presence.Presence(office, "tui", lease.holder)
    here, at = me(), datetime.now(UTC)
    dead = f"{here.host}/999999999/{here.place}/17/1"
    workers.beat(office, workers.Beat(dead, "worker", at))
    workers.beat(office, workers.Beat("elsewhere/7/12345678/1/17/1", "worker", at))
    mine.ticked("slow", routine, Tally(ticks=1), 9.0)  # which may wait for a router, and does not write
    assert [(one.host, one.is_alive) for one in known(office)] == [("elsewhere", True), (here.host, False)]
    mine.ticked("now", routine, Tally(ticks=1), 0.002)
    assert {one.holder for one in known(office)} == {lease.holder, "elsewhere/7/12345678/1/17/1"}
    with monkeypatch.context() as patch:
        patch.setattr(Office, "as_system", lambda self: pytest.fail("nothing was to be written"))
        now[0] += workers.BEAT_S - 1
        mine.ticked("now", routine, Tally(ticks=1), 0.002)
    with office.as_system() as tx:
        tx.conn.execute(t.worker.update().values(beat_at=at - workers.FORGOTTEN))
    assert [one.is_alive for one in known(office)] == [False, False]
    now[0] += 1
    mine.ticked("now", routine, Tally(ticks=1), 0.002)
    assert [(one.holder, one.is_alive) for one in known(office)] == [(lease.holder, True)]
    with office.as_system() as tx:
        tx.conn.execute(t.worker.delete())  # others thought that we were dead
    now[0] += workers.BEAT_S
    mine.ticked("now", routine, Tally(ticks=1), 0.002)
    assert len(known(office)) == 1
    mine.leave()
    assert known(office) == ()


def test_stopped_before_it_began(sqlite_office: Office) -> None:
    runner = Runner(sqlite_office, "tui")
    assert runner.stop(WAIT_S)
    runner.start()
    assert not runner.is_running
    assert runner.once() == Tally(ticks=1)
    assert standing(sqlite_office) is None
    assert known(sqlite_office) == ()


def test_once_is_for_errors_too(sqlite_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(self: Lease, *, insist: bool = False) -> bool:
        raise DatabaseUnreachable("the database is busy", code="database_busy")

    monkeypatch.setattr(Lease, "take", busy)
    with pytest.raises(DatabaseUnreachable):
        Runner(sqlite_office, "worker").once()


# -- beside the screens ------------------------------------------------------------------------------------------------
class Watched(Runner):
    """A runner that tells which thread started it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.started = threading.Event()
        self.thread = ""

    def start(self) -> None:
        self.thread = threading.current_thread().name
        super().start()
        self.started.set()


class Rows(LeadScreen[None]):
    """A screen of the size of a test."""

    HEADING = "Leads"


async def until(pilot: Pilot[Any], is_so: Callable[[], bool]) -> None:
    """Let the screens live until it has come about."""
    for _ in range(1000):
        if is_so():
            return
        await pilot.pause(0.01)
    raise AssertionError("it did not come about")


async def test_a_tui_starts_it_after_the_paint_and_stops_it_on_quit(
    sqlite_office: Office, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A router hangs all the while: keys are answered, and leaving does not wait."""
    simulator.faults.add(FaultRule("/system", "hang_before", -1))
    router(sqlite_office, "WL-1", simulator)
    made: list[Watched] = []
    painted = threading.Event()

    def open_office() -> Office:
        assert painted.wait(WAIT_S)
        return sqlite_office

    def make(office: Office) -> Watched:
        made.append(Watched(office, "tui"))
        return made[-1]

    monkeypatch.setattr(opening, "REST_S", 0.01)
    app = LeadApp(Settings(), open_office, screens={"leads": Rows, "routers": Rows}, make_jobs=make)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert (made, app.jobs) == ([], None)  # the screens are there, and nothing of it
        painted.set()
        await until(pilot, lambda: bool(made) and made[0].started.is_set())
        await settled(pilot)
        runner = made[0]
        assert (app.jobs, runner.is_running, runner.thread) == (runner, True, "leadtui-jobs.start")
        await until(pilot, lambda: bool(simulator.faults.fired))
        await pilot.press("3")
        assert app.current_mode == "routers"
        await pilot.press("ctrl+q")
    assert app.return_code == 0
    assert runner.stop()
    assert not runner.is_running
    assert Lease(sqlite_office, "tui").take()


async def test_a_screen_in_front_shows_what_happened(
    sqlite_office: Office, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First online leaves its trace in the audit: the watch for changes of other processes sees it."""
    from leadtui.services.leads import change_mark

    customer_user(sqlite_office, router(sqlite_office, "WL-1", simulator), "achieng")
    before = change_mark(sqlite_office)
    online(simulator, "achieng")
    assert Runner(sqlite_office, "worker").once()["first_online"] == 1
    assert change_mark(sqlite_office) != before


def test_the_scheduler_is_loaded_behind_the_first_paint(tmp_path: Path) -> None:
    code = f"""
import asyncio, sys
from leadtui import opening
from leadtui.app import LeadApp
from leadtui.config import Settings
from leadtui.screens.base import LeadScreen
from leadtui.start import jobs_beside_screens

opening.REST_S = 0.01
seen = []

def open_office():
    from leadtui.services.office import create_office
    seen.append(any(name.startswith(("apscheduler", "leadtui.jobs")) for name in sys.modules))
    return create_office({str(tmp_path / "office.db")!r}, preset="isp", admin="boss")

async def main():
    app = LeadApp(Settings(), open_office, screens={{"leads": LeadScreen}}, make_jobs=jobs_beside_screens)
    async with app.run_test() as pilot:
        for _ in range(1000):
            if app.jobs is not None and app.jobs.is_running:
                break
            await pilot.pause(0.01)
        seen.append("apscheduler" in sys.modules)
        await pilot.press("ctrl+q")
    print(seen, app.jobs.stop(20))

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout.strip() == "[False, True] True", (done.stdout, done.stderr)
