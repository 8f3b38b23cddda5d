"""The runner: ticks that go on whatever happens, an end within a moment, and a TUI that works beside its screens."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from textual.pilot import Pilot

from leadtui import opening
from leadtui.app import LeadApp
from leadtui.config import Settings
from leadtui.errors import DatabaseUnreachable
from leadtui.jobs.lease import Lease, standing
from leadtui.jobs.routine import Tally
from leadtui.jobs.runner import Runner
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.screens.base import LeadScreen
from leadtui.services import admin
from leadtui.services.office import Office
from leadtui.store import schema as t
from tests.screen_help import settled
from tests.services.watch_help import customer_user, online, router, rows, user_row

WAIT_S = 20.0


def test_it_ticks_gives_the_lease_back_and_starts_once(office: Office, simulator: Simulator) -> None:
    user = customer_user(office, router(office, "WL-1", simulator), "achieng")
    online(simulator, "achieng")
    told: SimpleQueue[Tally] = SimpleQueue()
    runner = Runner(office, "tui", seconds=0.05, on_tick=told.put)
    runner.start()
    runner.start()
    assert told.get(timeout=WAIT_S) == Tally(ticks=1, polled=1, first_online=1, events=1)
    assert told.get(timeout=WAIT_S) == Tally(ticks=1)
    assert runner.is_running
    assert not Lease(office, "tui").take()
    assert runner.stop(WAIT_S)
    assert not runner.is_running
    assert Lease(office, "tui").take()
    assert user_row(office, user).first_online_at is not None
    runner.start()  # not again
    assert not runner.is_running


def test_it_leaves_although_a_router_hangs(sqlite_office: Office, simulator: Simulator) -> None:
    office = sqlite_office
    simulator.faults.add(FaultRule("/system", "hang_before", -1))
    router(office, "WL-1", simulator)
    told: SimpleQueue[Tally] = SimpleQueue()
    runner = Runner(office, "worker", on_tick=told.put)
    runner.start()
    assert simulator.faults.wait_fired()
    assert runner.stop()
    assert told.get(timeout=WAIT_S) == Tally(ticks=1)
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
    runner = Runner(sqlite_office, "worker", seconds=0.02, on_tick=told.put)
    runner.start()
    seen = [told.get(timeout=WAIT_S).errors for _ in range(3)]
    assert runner.stop(WAIT_S)
    assert seen == [1, 1, 0]


def test_a_tui_works_only_for_who_may_speak_to_routers(office: Office, acting: Callable[[str], Office]) -> None:
    admin.add_user(office, {"login": "tom", "name": "Tom", "role": "technician"})
    told: SimpleQueue[Tally] = SimpleQueue()
    runner = Runner(acting("tom"), "tui", on_tick=told.put)
    runner.start()
    assert told.get(timeout=WAIT_S) == Tally(ticks=1)
    assert runner.stop(WAIT_S)
    assert standing(office) is None


def test_stopped_before_it_began(sqlite_office: Office) -> None:
    runner = Runner(sqlite_office, "tui")
    assert runner.stop(WAIT_S)
    runner.start()
    assert not runner.is_running
    assert runner.once() == Tally(ticks=1)
    assert standing(sqlite_office) is None


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
    assert Runner(sqlite_office, "worker").once().first_online == 1
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
