"""The shell: hints that fit, keys that can be changed, help that runs, leaving at once, nothing hostile drawn."""

from __future__ import annotations

import asyncio
import logging
import os
import pty
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, OptionList, Static

from leadtui import commands
from leadtui.__main__ import plain_start
from leadtui.app import LeadApp
from leadtui.config import Settings, set_value
from leadtui.errors import DatabaseUnreachable, Invalid, UsageError
from leadtui.screens.base import LeadScreen
from leadtui.screens.confirm import Confirm
from leadtui.screens.help import Help
from leadtui.screens.log_view import LogView
from leadtui.screens.palette import Place
from leadtui.screens.picker import Choice, Picker
from leadtui.screens.problem import Problem
from leadtui.start import nothing_there
from leadtui.widgets.columns import Column
from leadtui.widgets.hints import Hints
from leadtui.widgets.pages import ListProvider
from leadtui.widgets.task_bar import TaskBar
from leadtui.widgets.virtual_table import VirtualTable
from tests.screen_help import picture, settled
from tests.widgets.nasty import NASTY, RAW

SIZES = [(80, 24), (60, 20)]


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Config, log and data of this test only."""
    monkeypatch.setenv("LEADTUI_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    yield
    for handler in list(logging.getLogger("leadtui").handlers):
        logging.getLogger("leadtui").removeHandler(handler)
        handler.close()


@dataclass(frozen=True)
class Row:
    id: int
    name: str


class Demo(LeadScreen[None]):
    """A leads screen of the size of a test."""

    SCOPE = "leads"
    HEADING = "Leads"
    HINTS = ("list.open", "leads.log", "leads.status", "leads.assign", "leads.convert", "leads.delete")

    def __init__(self, names: tuple[str, ...] = ("Achieng", "Brian")) -> None:
        super().__init__()
        self.names = names
        self.ran: list[str] = []
        self.typed: str | None = None

    def body(self) -> ComposeResult:
        yield VirtualTable[Row]([Column("name", "Name", 30, grow=1)])
        yield TaskBar()

    def office_ready(self) -> None:
        self.ran.append("office")
        self.query_one(VirtualTable).show(ListProvider([Row(i, name) for i, name in enumerate(self.names)]))

    def leads_changed(self, ids: frozenset[int]) -> None:
        self.ran.append(f"changed {sorted(ids)}")

    def unsaved(self) -> str | None:
        return self.typed

    def why_disabled(self, command: commands.Command) -> str | None:
        return "nothing is marked" if command.id == "leads.tag" else None

    def do_convert(self) -> None:
        self.ran.append("convert")

    def do_log(self) -> None:
        self.ran.append("log")


class Other(LeadScreen[None]):
    """A second screen."""

    HEADING = "Other"


def make(open_office: Any = None, names: tuple[str, ...] = ("Achieng", "Brian"), **settings: Any) -> LeadApp:
    office = SimpleNamespace(actor=SimpleNamespace(may=lambda action: action != "delete"), close=lambda: None)
    return LeadApp(
        Settings(**settings), open_office or (lambda: office), screens={"leads": lambda: Demo(names), "routers": Other}
    )


def toasts(app: LeadApp) -> list[str]:
    return [note.message for note in app._notifications]


@pytest.mark.parametrize("size", [*SIZES, (40, 12), (20, 5)])
async def test_the_hints_fit(size: tuple[int, int]) -> None:
    app = make()
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        hints = app.screen.query_one(Hints)
        line = picture(app).splitlines()[-1]
        assert cell_len(line) == size[0]
        assert "? all keys" in line
        for command_id, key, label in hints.hints_for_width(size[0]):
            assert f"{key} {label}" in line, command_id
        assert len(hints.shown) <= 7
        if size == (80, 24):
            assert len(hints.shown) == 7
        app.say("3 leads assigned to wanjiku · u takes it back")
        await settled(pilot)
        assert "3 lea" in picture(app).splitlines()[-1]
        assert cell_len(picture(app).splitlines()[-1]) == size[0]


async def test_keys_run_commands_and_say_why_not() -> None:
    app = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("C", "c")
        screen = app.screen
        assert isinstance(screen, Demo)
        assert screen.ran == ["office", "convert", "log"]
        await pilot.press("d")
        assert toasts(app) == ["your role may not delete leads"]
        await pilot.press("t")
        assert toasts(app)[-1] == "nothing is marked"
        await pilot.press("n")
        assert "not on this screen" in toasts(app)[-1]
        await pilot.press("r")
        await settled(pilot)
        assert screen.ran[-1] == "changed []"
        screen.changed([3, 1])
        await settled(pilot)
        assert screen.ran[-1] == "changed [1, 3]"


async def test_places_by_number_and_esc_stays() -> None:
    app = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("3")
        await settled(pilot)
        assert isinstance(app.screen, Other)
        await pilot.press("escape", "1")
        await settled(pilot)
        assert isinstance(app.screen, Demo)


async def test_the_keymap_is_obeyed_everywhere() -> None:
    keys = commands.check_keymap({"leads.convert": "K,ctrl+k", "list.down": "L,f9"})
    app = make(keys=keys)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, Demo)
        await pilot.press("C", "K", "ctrl+k", "L")
        assert screen.ran == ["office", "convert", "convert"]
        assert screen.query_one(VirtualTable).cursor_index == 1
        assert "K convert" in picture(app)
        await pilot.press("?")
        await settled(pilot)
        await pilot.press(*"router user")
        await settled(pilot)
        assert "K ^k" in picture(app)


@pytest.mark.parametrize(
    ("keymap", "words"),
    [
        ({"leads.convrt": "K"}, ["my.toml", "leads.convrt", "no such command"]),
        ({"leads.convert": "ctrl+blurb"}, ["my.toml", "leads.convert", "ctrl+blurb"]),
        ({"leads.convert": "hyperspace+x"}, ["leads.convert"]),
        ({"leads.convert": "c"}, ["already the key of leads.log"]),
        ({"leads.convert": "j"}, ["already the key of list.down"]),
        ({"leads.convert": "?"}, ["already the key of app.help"]),
    ],
)
def test_a_bad_keymap_is_reported(keymap: dict[str, str], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        commands.check_keymap(keymap, "my.toml")
    for word in words:
        assert word in caught.value.message
    assert caught.value.hint


def test_the_command_table_is_sound() -> None:
    seen: dict[tuple[str, str], str] = {}
    assert len(commands.BY_ID) == len(commands.COMMANDS)
    commands.check_keymap({command.id: command.keys for command in commands.COMMANDS if command.keys})
    for command in commands.COMMANDS:
        assert len(command.label) <= 10, command
        assert command.sentence[0].isupper(), command
        assert not command.sentence.endswith("."), command
        assert set(command.scope) <= set(commands.SCOPES), command
        for scope in command.scope:
            for key in commands.effective_keys(command):
                assert seen.setdefault((scope, key), command.id) == command.id
    table = commands.markdown()
    for command in commands.COMMANDS:
        assert f"`{command.id}`" in table


def test_permissions_are_actions_of_the_matrix() -> None:
    from leadtui.domain.permissions import ACTIONS

    assert {command.permission for command in commands.COMMANDS if command.permission} <= set(ACTIONS)


@pytest.mark.parametrize("size", SIZES)
async def test_help_finds_and_runs(size: tuple[int, int]) -> None:
    app = make()
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press("?")
        await settled(pilot)
        assert isinstance(app.screen, Help)
        assert "Everything" not in picture(app)
        assert "Add a lead" in picture(app) or size[1] < 24
        await pilot.press(*"router user")
        await settled(pilot)
        assert [command.id for command in app.screen.shown] == ["leads.convert"]
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, Demo)
        assert app.screen.ran[-1] == "convert"
        await pilot.press("?")
        await settled(pilot)
        await pilot.press("?")
        await settled(pilot)
        assert isinstance(app.screen, Demo)
        await pilot.press("?", *"last row", "enter")
        await settled(pilot)
        assert app.screen.query_one(VirtualTable).cursor_index == 1


async def test_the_palette_runs_commands_and_goes_to_leads() -> None:
    app = make()
    gone: list[str] = []
    app.find_places = lambda text: [Place(f"[b]{text}[/x] \x1b[2J", "0722 \x07", lambda: gone.append(text))]
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+p")
        await pilot.pause(0.2)
        await pilot.press(*"convert")
        await pilot.pause(0.5)
        await settled(pilot)
        assert not RAW & set(picture(app).replace("\n", ""))
        await pilot.press("enter")
        await pilot.pause(0.2)
        await settled(pilot)
        assert isinstance(app.screen, Demo)
        assert app.screen.ran[-1] == "convert"
        await pilot.press(":")
        await pilot.pause(0.2)
        await pilot.press(*"zzz")
        await pilot.pause(0.5)
        await settled(pilot)
        await pilot.press("down", "enter")
        await pilot.pause(0.2)
        assert gone == ["zzz"]


async def test_confirm_is_safe_by_default() -> None:
    app = make()
    answers: list[bool | None] = []
    async with app.run_test(size=(60, 20)) as pilot:
        await settled(pilot)
        for keys in (["enter"], ["y"], ["n"], ["escape"]):
            app.push_screen(Confirm("Delete 3 [b]leads[/x]?", danger=True), answers.append)
            await settled(pilot)
            assert "[b]leads[/x]" in picture(app)
            await pilot.press(*keys)
            await settled(pilot)
        assert answers == [False, True, False, None]
        app.push_screen(Confirm("Convert 12 leads?", typed="12"), answers.append)
        await settled(pilot)
        await pilot.press("1", "enter")
        await settled(pilot)
        assert "That is not 12" in picture(app)
        await pilot.press("2", "enter")
        await settled(pilot)
        assert answers[-1] is True


async def test_the_picker_searches_in_a_thread() -> None:
    app = make()
    answers: list[Any] = []
    asked: list[str] = []

    def search(text: str) -> list[Choice]:
        asked.append(text)
        return [Choice(str(i), f"{name} {text}", "help") for i, name in enumerate(NASTY) if name]

    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.push_screen(Picker("Who? [b]", search), answers.append)
        await settled(pilot)
        await pilot.press("a", "b")
        await pilot.pause(0.3)
        await settled(pilot)
        assert asked == ["", "ab"]
        assert not RAW & set(picture(app).replace("\n", ""))
        await pilot.press("down", "enter")
        await settled(pilot)
        assert answers == ["1"]
        fixed = [Choice("a", "Alpha"), Choice("b", "Beta"), Choice("c", "Gamma")]
        app.push_screen(Picker("Tags", fixed, multiple=True, chosen=["c"]), answers.append)
        await settled(pilot)
        await pilot.press(*"beta")
        await pilot.pause(0.1)
        await pilot.press("ctrl+space", "enter")
        await settled(pilot)
        assert answers[-1] == ("c", "b")


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_reaches_no_slot(size: tuple[int, int]) -> None:
    app = make(names=NASTY)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, Demo)
        for text in NASTY:
            screen.heading(text, text[:10])
            screen.done(text, undo=True)
            app.notify(text, title=text)
            app.report(Invalid(text, hint=text))
            app.push_screen(Confirm(text, yes=text, no=text, typed=text))
            await settled(pilot)
            assert not RAW & set(picture(app).replace("\n", ""))
            app.pop_screen()
            app.clear_notifications()
            await settled(pilot)
            assert not RAW & set(picture(app).replace("\n", ""))
        screen.mount(Static(Content("\x1b[2J raw \x9b")))
        await settled(pilot)
        assert "raw" in picture(app)
        assert not RAW & set(picture(app).replace("\n", ""))


async def test_errors_of_work_become_words(tmp_path: Path) -> None:
    app = make(log_file=str(tmp_path / "log"))
    from leadtui.config import setup_logging

    setup_logging(app.settings)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, Demo)

        def refuse() -> None:
            raise Invalid("phone is too [short]", hint="at least 7 digits")

        def fail() -> None:
            password = "hunter2"
            raise RuntimeError(f"oops\n[SQL: … {password}]")

        screen.run_blocking(refuse)
        await settled(pilot)
        assert toasts(app) == ["phone is too [short]\nat least 7 digits"]
        screen.run_blocking(fail)
        await settled(pilot)
        assert "the log is at" in toasts(app)[-1]
        log = (tmp_path / "log").read_text()
        assert "RuntimeError: oops" in log
        assert "hunter2" not in log


async def test_stale_answers_are_dropped() -> None:
    app = make()
    got: list[int] = []
    first = threading.Event()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, Demo)
        job = screen.run_blocking(lambda: first.wait(5) and 1, then=got.append, group="x")
        screen.run_blocking(lambda: 2, then=got.append, group="x")
        assert job.should_stop()
        await pilot.pause(0.05)
        first.set()
        await settled(pilot)
        assert got == [2]


async def test_long_work_is_shown_and_stopped() -> None:
    app = make()
    ended: list[int] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, Demo)
        bar = screen.query_one(TaskBar)

        def work(report: Any, should_stop: Any) -> int:
            done = 0
            while not should_stop() and done < 10_000:
                done += 1
                report(done, 10_000, "rows")
                time.sleep(0.001)
            return done

        bar.run(screen, work, title="Importing", then=ended.append)
        while "of 10,000 rows — esc stops" not in picture(app):
            assert not ended
            await pilot.pause(0.01)
        assert "Importing" in picture(app)
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, Confirm)
        await pilot.press("n", "escape")
        await settled(pilot)
        assert 0 < ended[0] < 10_000
        assert "Importing" not in picture(app)


async def test_the_last_report_before_a_silence_is_shown() -> None:
    """Two answers at once, then a router that hangs: the bar must not stay at the first."""
    app = make()
    go_on = threading.Event()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, Demo)

        def work(report: Any, should_stop: Any) -> None:
            for done in (1, 2, 3):
                report(done, 5, "routers")
            go_on.wait(10)

        bar = screen.query_one(TaskBar)
        bar.run(screen, work, title="Asking")
        async with asyncio.timeout(5):
            while "Asking 3 of 5 routers" not in picture(app):
                await pilot.pause()
        bar._report(4, 5, "waiting for " + "R-1, " * 40)
        async with asyncio.timeout(5):
            while "R-1…— esc stops" not in picture(app).replace(", ", "").replace(" —", "—"):
                await pilot.pause()
        go_on.set()
        await settled(pilot)


async def test_typed_text_is_asked_about() -> None:
    app = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, Demo)
        screen.typed = "The lead is not saved"
        await pilot.press("q")
        await settled(pilot)
        assert "The lead is not saved" in picture(app)
        await pilot.press("n")
        await settled(pilot)
        assert app.screen is screen
        screen.typed = None
        await pilot.press("q")
        await settled(pilot)
    assert app.return_value == 0


async def test_a_database_that_cannot_be_opened() -> None:
    tries: list[int] = []

    def refuse() -> Any:
        tries.append(1)
        raise DatabaseUnreachable("cannot open \x1b[2J[/x] db", hint="start the server")

    app = make(open_office=refuse)
    async with app.run_test(size=(60, 20)) as pilot:
        await settled(pilot)
        assert isinstance(app.screen, Problem)
        assert "[/x] db" in picture(app)
        assert "start the server" in picture(app)
        await pilot.press("t")
        await settled(pilot)
        assert len(tries) == 2
        await pilot.press("q")
        await settled(pilot)
    assert app.return_value == 6


async def test_the_log_is_shown(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one\x1b[2J\n[b]two[/x]\xff\n")
    app = make(log_file=str(tmp_path / "log"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.run_command("app.show_log")
        await settled(pilot)
        assert isinstance(app.screen, LogView)
        assert "[b]two[/x]" in picture(app)
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(app.screen, Demo)


async def test_no_color_uses_the_terminals_own_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make(theme="nord")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert app.theme == "ansi-dark"
        colours = {
            colour.name
            for strip in app.screen._compositor.render_strips()
            for segment in app_filtered(app, strip)
            if segment.style is not None
            for colour in (segment.style.color, segment.style.bgcolor)
            if colour is not None
        }
        assert colours <= {"default"}, colours


def app_filtered(app: LeadApp, strip: Any) -> list[Any]:
    """The segments as the terminal gets them."""
    from textual.color import Color

    segments = list(strip)
    for line_filter in app.get_line_filters():
        segments = line_filter.apply(segments, Color(0, 0, 0))
    return segments


async def test_themes_all_work_and_the_choice_is_kept(tmp_path: Path) -> None:
    app = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for theme in app.available_themes:
            app.theme = theme
            await pilot.pause()
        app.theme = "nord"
        await settled(pilot)
    assert 'theme = "nord"' in (tmp_path / "config.toml").read_text()


async def test_slow() -> None:
    app = make(slow=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert app.animation_level == "none"
        assert app.theme == "ansi-dark"
        await pilot.press("?")
        await settled(pilot)
        assert not app.screen.query_one(Input).cursor_blink


async def test_plain_terminals_get_plain_signs() -> None:
    app = make(ascii=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("space")
        assert picture(app).isascii()


PROGRAM = """
import sys, time, threading
sys.path.insert(0, {here!r})
from types import SimpleNamespace
from leadtui.__main__ import plain_start
from leadtui.app import LeadApp
from leadtui.config import Settings
from leadtui.screens.base import LeadScreen
class Demo(LeadScreen[None]):
    SCOPE = "leads"
    HEADING = "Ready"
    def body(self): yield from ()
    def office_ready(self):
        {ready}
        self.heading("Under way")
office = SimpleNamespace(actor=SimpleNamespace(may=lambda a: True), close=lambda: None)
app = LeadApp(Settings(), lambda: office, screens={{"leads": Demo}})
code = app.run()
sys.exit(app.return_code or code or 0)
"""


def in_terminal(
    code: list[str] | str, keys: bytes = b"q", wait: bytes = b"Under way", **environment: str
) -> tuple[int, bytes, float]:
    """Run a program in a pseudo-terminal, press `keys` once `wait` is seen; exit code, output, seconds to leave.

    Pressed again every second: what is pressed while a screen is just being built may be lost.
    """
    master, slave = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", **environment}
    arguments = [sys.executable, "-c", code] if isinstance(code, str) else code
    process = subprocess.Popen(arguments, stdin=slave, stdout=slave, stderr=slave, env=environ, close_fds=True)
    os.close(slave)
    output = b""
    pressed = again = 0.0
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([master], [], [], 0.05)[0]:
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            output += data
        if wait in output and time.monotonic() > again:
            again = time.monotonic() + 1
            pressed = pressed or time.monotonic()
            os.write(master, keys)
        if process.poll() is not None and not select.select([master], [], [], 0.05)[0]:
            break
    process.wait(10)
    took = time.monotonic() - pressed
    os.close(master)
    return process.returncode, output, took


def test_leaving_does_not_wait_for_a_hanging_router() -> None:
    ready = "self.run_blocking(time.sleep, 60, group='router', cancel=lambda: None)"
    code, _, took = in_terminal(PROGRAM.format(here=os.getcwd(), ready=ready))
    assert code == 0
    assert took < 10


def test_a_crash_shows_no_locals_and_names_the_log(tmp_path: Path) -> None:
    ready = "password = 'hunter2'; self.call_later(lambda: [][len(password)])"
    code, output, _ = in_terminal(PROGRAM.format(here=os.getcwd(), ready=ready))
    assert code == 1
    assert b"hunter2" not in output
    assert b"Traceback" not in output
    tail = output[output.rindex(b"\x1b[?1049l") :]
    assert b"leadtui stopped because of an error" in tail
    assert b"leadtui.log" in tail.replace(b"\r\n", b"")


def test_a_terminal_that_cannot_show_screens_names_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "leadtui"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 2
    assert "leadtui --help" in done.stderr
    assert done.stderr.count("\n") == 1
    code, output, _ = in_terminal([sys.executable, "-m", "leadtui"], TERM="dumb")
    assert code == 2
    assert b"leadtui --help" in output
    assert b"\x1b" not in output


def test_a_bad_config_file_is_named_before_the_screens_open(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[keys]\n"leads.convrt" = "K"\n')
    code, output, _ = in_terminal([sys.executable, "-m", "leadtui"])
    assert code == 2
    assert b"leads.convrt" in output
    assert b"config.toml" in output


def test_the_first_paint_loads_no_database_and_no_typer() -> None:
    code = (
        "import sys\n"
        "import leadtui.__main__, leadtui.start, leadtui.app\n"
        "from leadtui.config import Settings\n"
        "from leadtui.app import LeadApp\nfrom leadtui.places import PLACES\n"
        "LeadApp(Settings())\n"
        "assert not any(module in sys.modules for module, _ in PLACES.values())\n"
        "import importlib\n"
        "importlib.import_module(PLACES['leads'][0])\n"
        "heavy = ('sqlalchemy', 'sqlmodel', 'typer', 'alembic', 'librouteros', 'apscheduler', 'babel', 'pydantic',"
        " 'phonenumbers', 'cryptography', 'tomlkit', 'numpy', 'leadtui.store')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", (done.stdout, done.stderr)


def test_whether_there_is_a_database(tmp_path: Path) -> None:
    assert nothing_there(None)
    assert nothing_there(str(tmp_path / "none.db"))
    (tmp_path / "some.db").write_bytes(b"x")
    assert not nothing_there(str(tmp_path / "some.db"))
    assert not nothing_there("postgresql+psycopg://localhost/x")


def test_setting_a_theme_by_command_line_is_the_same_file(tmp_path: Path) -> None:
    assert set_value("theme", "nord") == tmp_path / "config.toml"


async def test_option_lists_take_hostile_help() -> None:
    app = make()
    async with app.run_test(size=(60, 20)) as pilot:
        await settled(pilot)
        await pilot.press("?", "z", "z", "z")
        await settled(pilot)
        assert app.screen.query_one(OptionList).option_count == 0
        await pilot.press("enter", "escape")
        await settled(pilot)
        assert isinstance(app.screen, Demo)


async def test_leaving_the_first_run_begins_nothing() -> None:
    class NoDatabase(LeadScreen[Any]):
        HEADING = "Welcome"

    def none() -> Any:
        raise DatabaseUnreachable("no database", code="no_database")

    app = LeadApp(Settings(), none, screens={"leads": Demo})
    app.opening.first_run = lambda: app.push_screen(  # type: ignore[method-assign]
        NoDatabase(), lambda answer: app.exit(0) if answer is None else None
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "Welcome" in picture(app)
        await pilot.press("escape")
        await pilot.pause()
    assert app.return_value == 0


def test_every_screen_names_known_commands_and_carries_them_out() -> None:
    import importlib
    import pkgutil

    import leadtui.screens
    from leadtui.places import PLACES

    for module in pkgutil.walk_packages(leadtui.screens.__path__, "leadtui.screens."):
        importlib.import_module(module.name)
    waiting: list[type[LeadScreen[Any]]] = [LeadScreen]
    while waiting:
        screen = waiting.pop()
        waiting += screen.__subclasses__()
        assert set(screen.HINTS) <= set(commands.BY_ID), screen
    for place, (module_name, class_name) in PLACES.items():
        screen = getattr(importlib.import_module(module_name), class_name)
        for command in commands.in_scope(screen.SCOPE):
            does = any(hasattr(one, f"do_{command.name}") for one in (screen, LeadApp))
            assert command.action or does, (place, command.id)


def test_the_quick_start_knows_the_flags_of_a_terminal() -> None:
    assert plain_start(["--db", "x.db", "--slow", "--ascii"]) == ("x.db", None, True, True, True)
    assert plain_start(["--no-mouse", "--as=juma"]) == (None, "juma", False, False, False)
    assert plain_start([]) == (None, None, False, True, False)
    assert plain_start(["--slow=yes"]) is None and plain_start(["lead"]) is None and plain_start(["--help"]) is None
