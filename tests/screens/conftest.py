"""A real office on SQLite with some leads, and the program running over it at the two sizes that matter."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from leadtui import clock
from leadtui.app import LeadApp
from leadtui.config import Settings
from tests.screens.office_for_tests import fill
from tests.screens.pictures import SIZES, check

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
"""Friday, 11:30 in Nairobi."""

Run = Callable[..., AbstractAsyncContextManager[Pilot[Any]]]


@pytest.fixture(autouse=True)
def frozen_clock() -> Iterator[None]:
    """Relative dates are the same tomorrow."""
    clock.set_clock(lambda: NOW)
    yield
    clock.set_clock(None)


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of the person who runs the tests."""
    for name in list(os.environ):
        if name.startswith("LEADTUI_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LEADTUI_CONFIG", str(tmp_path / "config.toml"))
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))


@pytest.fixture(autouse=True)
def all_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels have their packages, whatever this machine has: pictures are the same everywhere."""
    from leadtui.services import channel_accounts, channels

    for module in (channel_accounts, channels):
        monkeypatch.setattr(module, "missing_packages", lambda can: [])
    monkeypatch.delenv("DISPLAY", raising=False)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for the person to rest waits a millisecond; nothing is looked for behind the test's back."""
    from leadtui import opening
    from leadtui.screens import board, change_watch, leads, picker, preview, stats
    from leadtui.widgets import filter_bar

    monkeypatch.setattr(opening, "REST_S", 0.001)
    monkeypatch.setattr(filter_bar, "LIVE_SECONDS", 0.001)
    monkeypatch.setattr(picker, "DEBOUNCE_SECONDS", 0.001)
    monkeypatch.setattr(preview, "REST_SECONDS", 0.001)
    monkeypatch.setattr(board, "SAVE_SECONDS", 0.001)
    monkeypatch.setattr(leads, "SAVE_SECONDS", 0.001)
    monkeypatch.setattr(leads, "PLACE_SECONDS", 0.001)
    monkeypatch.setattr(change_watch, "SECONDS", 3600.0)
    monkeypatch.setattr(stats, "LOOK_S", 3600.0)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database made once by `create_office` and filled through the services; tests copy it."""
    from leadtui.services.office import create_office

    folder = tmp_path_factory.mktemp("office")
    made = NOW - timedelta(days=10)
    clock.set_clock(lambda: made)
    try:
        office = create_office(str(folder / "office.db"), preset="isp", admin="wanjiku", origin="test")
        fill(office, NOW)
        office.close()
    finally:
        clock.set_clock(None)
    return folder


@pytest.fixture
def office(template: Path, tmp_path: Path) -> Iterator[Any]:
    """The office with thirteen leads, opened as its principal `wanjiku`."""
    from leadtui.services.office import open_office

    shutil.copytree(template, tmp_path / "office")
    opened = open_office(str(tmp_path / "office" / "office.db"), origin="tui")
    yield opened
    opened.close()


@pytest.fixture
def empty_office(tmp_path: Path) -> Iterator[Any]:
    """An office without a lead."""
    from leadtui.services.office import create_office

    made = create_office(str(tmp_path / "empty.db"), preset="isp", admin="wanjiku", origin="tui")
    yield made
    made.close()


@pytest.fixture
def run() -> Run:
    """`async with run(office, (80, 24)) as pilot:` the program over an office, all that loads at the start loaded."""

    @asynccontextmanager
    async def running(
        office: Any, size: tuple[int, int] = (80, 24), *, settings: Settings | None = None, **options: Any
    ) -> AsyncIterator[Pilot[Any]]:
        from tests.screens.pictures import at_rest

        opener = None if office is None else lambda: office
        app = LeadApp(settings or Settings(), open_office=opener, **options)
        async with app.run_test(size=size) as pilot:
            await at_rest(pilot)
            yield pilot

    return running


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    """80×24 and 120×40."""
    chosen: tuple[int, int] = request.param
    return chosen


@pytest.fixture
def snapshot() -> Callable[[Any, str], None]:
    """`snapshot(app, "leads_80x24")` compares the screen with `snapshots/leads_80x24.txt`; UPDATE=1 writes it."""
    return check


Press = Callable[..., Awaitable[None]]


@pytest.fixture
def simulator(office: Any) -> Iterator[Any]:
    """A training router, on the list of `office` as WL-RTR-1."""
    from leadtui.router.simulator import Simulator
    from leadtui.services import routers

    with Simulator() as running:
        values = {"name": "WL-RTR-1", "host": running.host, "port": str(running.port), "username": "admin"}
        routers.add(office, values | {"password": "admin"})
        yield running


@pytest.fixture(scope="session")
def campaign_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office with ten leads and three campaigns (`campaign_help`), made once; tests copy it."""
    from tests.screens import campaign_help

    clock.set_clock(lambda: NOW)
    try:
        return campaign_help.fill(tmp_path_factory.mktemp("campaigns"))
    finally:
        clock.set_clock(None)


@pytest.fixture
def campaigned(campaign_database: Path, tmp_path: Path) -> Iterator[Any]:
    """A draft, a campaign that is being sent, one for next week; opened as its principal `root`."""
    from tests.screens.campaign_help import copied

    made = copied(campaign_database, tmp_path)
    yield made
    made.close()
