"""What the tests of dialogs share: an office in a tiny real database, an app with a plain first screen."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from leadtui import clock
from leadtui.app import LeadApp
from leadtui.config import Settings
from leadtui.screens.base import LeadScreen
from leadtui.services import leads
from leadtui.services.office import Office, create_office, open_office
from tests.screen_help import picture
from tests.screens.pictures import at_rest

NASTY = "[b]x[/] [@click=app.quit]y[/] \x1b[2J \u202e\U0001f600 z\\"


class Home(LeadScreen[None]):
    """A first screen without work of its own; remembers which leads were said to be changed."""

    HEADING = "Home"

    def __init__(self) -> None:
        super().__init__()
        self.told: list[frozenset[int]] = []

    def body(self) -> ComposeResult:
        """Nothing much."""
        yield Static("home")

    def leads_changed(self, ids: frozenset[int]) -> None:
        """Remember."""
        self.told.append(ids)


@dataclass
class Run:
    """A running app with the screen under test in front."""

    app: LeadApp
    pilot: Pilot[Any]
    answers: list[Any] = field(default_factory=list)

    async def press(self, *keys: str) -> None:
        """Press keys and wait for what they set going."""
        await self.pilot.press(*keys)
        await at_rest(self.pilot)

    async def write(self, text: str) -> None:
        """Type a text."""
        names = {" ": "space", "\n": "enter"}
        await self.pilot.press(*[names.get(char, char) for char in text])
        await at_rest(self.pilot)

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        await at_rest(self.pilot)

    @property
    def text(self) -> str:
        """The screen as text."""
        return picture(self.app)

    @property
    def toasts(self) -> str:
        """Everything that was said in a corner."""
        return "\n".join(one.message for one in self.app._notifications)

    @property
    def answer(self) -> Any:
        """What the screen answered; fails when it is still open."""
        assert self.answers, f"still open:\n{self.text}"
        return self.answers[-1]

    @property
    def home(self) -> Home:
        """The first screen."""
        first = self.app.screen_stack[0]
        assert isinstance(first, Home)
        return first


def new_office(folder: Path, preset: str = "isp") -> Office:
    """A new database whose first user is `root`, a principal."""
    return create_office(str(folder / "test.db"), preset=preset, admin="root", origin="test")


def prepared(folder: Path, fill: Callable[[Office], None], moment: datetime) -> Path:
    """An office made once for many tests, which take copies: `fill` fills it while the clock stands at `moment`."""
    clock.set_clock(lambda: moment)
    try:
        office = new_office(folder)
        fill(office)
        office.close()
    finally:
        clock.set_clock(None)
    return folder


def copy_of(made: Path, folder: Path) -> Office:
    """A copy of a prepared office for one test."""
    shutil.copytree(made, folder / "copy")
    return open_office(str(folder / "copy" / "test.db"), origin="test")


def acting_as(office: Office, login: str) -> Office:
    """The same database with another person at work."""
    return open_office(str(office.store.path), as_login=login, origin="test")


def add_lead(office: Office, name: str = "Achieng Odhiambo", phone: str = "0722000111", **values: str) -> int:
    """A lead."""
    return leads.create(office, {"name": name, "phone": phone, "source": "Website", **values}).lead.id


@asynccontextmanager
async def opened(
    office: Any, make: Callable[[], Screen[Any]], *, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Run]:
    """The app with this screen over the first one."""
    app = LeadApp(Settings(), open_office=lambda: office, screens={"leads": Home})
    async with app.run_test(size=size) as pilot:
        await at_rest(pilot)
        run = Run(app, pilot)
        app.push_screen(make(), run.answers.append)
        await at_rest(pilot)
        yield run
