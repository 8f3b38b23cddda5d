"""Who may import whom, asked of the running program: what a start loads is seen in `sys.modules` of a fresh process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DATABASE = {"sqlalchemy", "sqlmodel", "alembic", "psycopg"}
COMMAND_LINE = {"typer", "click", "leadtui.cli"}
SCREENS = {"textual", "leadtui.screens", "leadtui.widgets", "leadtui.app"}


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh process holds after running `code`."""
    script = f"import sys\n{code}\nsys.stderr.write('\\n@' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rpartition("@")[2].split())


def the_command_line(*words: str) -> str:
    """Code that runs a command in its process, whatever its exit code."""
    return f"from leadtui.__main__ import main\ntry:\n    main({list(words)!r})\nexcept SystemExit:\n    pass"


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A new office, made by the command line."""
    path = str(tmp_path / "office.db")
    made = subprocess.run(
        [sys.executable, "-m", "leadtui", "--db", path, "init", "--preset", "isp", "--admin", "boss"],
        capture_output=True, text=True, timeout=60, cwd=ROOT,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return path


def test_the_import_contracts_are_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("words", [("lead", "list"), ("lead", "add", "--phone", "0722000111"), ("--version",)])
def test_the_command_line_never_loads_textual(words: tuple[str, ...], database: str) -> None:
    loaded = loaded_by(the_command_line("--db", database, *words))
    assert not loaded & SCREENS
    assert not {"sqlmodel", "librouteros"} & loaded


def test_help_and_version_load_no_database() -> None:
    for words in (["--help"], ["--version"], ["lead", "list", "--help"]):
        assert not loaded_by(the_command_line(*words)) & (DATABASE | SCREENS)


def test_the_first_paint_loads_neither_database_nor_typer() -> None:
    loaded = loaded_by("import leadtui.__main__, leadtui.start, leadtui.app; leadtui.app.LeadApp()")
    assert "textual.app" in loaded
    assert not loaded & (DATABASE | COMMAND_LINE)
    assert not loaded & {"leadtui.services", "leadtui.store", "leadtui.router", "pydantic", "babel", "phonenumbers"}


def test_working_in_the_office_loads_no_sqlmodel(database: str) -> None:
    code = "from leadtui.services.office import open_office; from leadtui.services import leads\n"
    code += f"office = open_office({database!r}); leads.search(office)"
    assert not loaded_by(code) & ({"sqlmodel", "alembic", "librouteros"} | SCREENS | COMMAND_LINE)


@pytest.mark.parametrize("room", ["domain", "router", "services", "widgets"])
def test_every_module_of_a_room_keeps_to_it(room: str) -> None:
    """Everything in the room imported at once; what the room must not know stays out."""
    folder = ROOT / "leadtui" / room
    names = [".".join(p.relative_to(ROOT).with_suffix("").parts) for p in sorted(folder.rglob("*.py"))]
    loaded = loaded_by("\n".join(f"import {name}" for name in names))
    forbidden = {
        "domain": DATABASE | SCREENS | COMMAND_LINE | {"librouteros", "leadtui.services", "leadtui.router"},
        "router": DATABASE | SCREENS | COMMAND_LINE | {"leadtui.services", "leadtui.store"},
        "services": SCREENS | COMMAND_LINE | {"sqlmodel"},
        "widgets": DATABASE | COMMAND_LINE | {"leadtui.services", "leadtui.store", "leadtui.router"},
    }[room]
    assert not loaded & forbidden
