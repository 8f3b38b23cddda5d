"""A command line of its own for every test: folders, settings and database in a temporary place."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from leadtui.cli import main

_FOREIGN = ("LEADTUI_", "XDG_", "_LEADTUI", "TEXTUAL")


@dataclass(frozen=True)
class Result:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The one error object on standard error (warnings may stand before it)."""
        found = json.loads(self.err.strip().splitlines()[-1])
        assert list(found) == ["error"]
        assert list(found["error"]) == ["code", "message", "field", "hint"]
        error: dict[str, Any] = found["error"]
        return error


@dataclass(frozen=True)
class Office:
    """A place with a database; calls run in this process, `process` in a real one."""

    folder: Path

    @property
    def db(self) -> Path:
        """The database."""
        return self.folder / "office.db"

    def environment(self) -> dict[str, str]:
        """The environment of a person who has nothing but this place."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
        return kept | {
            "HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_DATA_HOME": str(self.folder / "data"), "XDG_STATE_HOME": str(self.folder / "state"),
            "LEADTUI_DB": str(self.db), "LEADTUI_CONFIG": str(self.folder / "config.toml"), "TERM": "xterm",
        }  # fmt: skip

    def __call__(self, *argv: str, stdin: str = "") -> Result:
        out, err = _Stream(), _Stream()
        before = sys.stdin
        sys.stdin = io.StringIO(stdin)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(list(argv))
        finally:
            sys.stdin = before
        assert "Traceback" not in err.getvalue() + out.getvalue()
        return Result(code, out.getvalue(), err.getvalue())

    def json(self, *argv: str, code: int = 0) -> Any:
        """The document that a command prints with `--json`; it must end with `code`."""
        found = self("--json", *argv)
        assert found.code == code, found
        return found.json

    def fails(self, *argv: str, code: int) -> dict[str, Any]:
        """The error object of a command that must end with `code`, and print nothing."""
        found = self("--json", *argv)
        assert found.code == code, found
        assert found.out == ""
        return found.error

    def process(self, *argv: str, stdin: str | None = None, **env: str) -> Result:
        """The same as a real process."""
        done = subprocess.run(
            [sys.executable, "-m", "leadtui", *argv], env=self.environment() | env, input=stdin or "",
            capture_output=True, encoding="utf-8", timeout=60, check=False, cwd=self.folder,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    def lead(self, phone: str = "0722000111", **more: str) -> dict[str, Any]:
        """Add a lead and return its object."""
        options = [f"--{key.replace('_', '-')}={value}" for key, value in more.items()]
        found: dict[str, Any] = self.json("lead", "add", "--phone", phone, *options)
        return found


class _Stream(io.StringIO):
    """A text stream as a pipe is one."""

    encoding = "utf-8"


@pytest.fixture(scope="session")
def fresh_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new `isp` database, made once."""
    office = Office(tmp_path_factory.mktemp("fresh"))
    made = office.process("init", "--preset", "isp", "--admin", "boss", "--json")
    assert made.code == 0, made
    return office.db


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A place without a database."""
    office = Office(tmp_path)
    for name in list(os.environ):
        if name.startswith(_FOREIGN):
            monkeypatch.delenv(name)
    for name, value in office.environment().items():
        monkeypatch.setenv(name, value)
    return office


@pytest.fixture
def office(nowhere: Office, fresh_database: Path) -> Office:
    """A place with a new database of the preset `isp`."""
    shutil.copy(fresh_database, nowhere.db)
    return nowhere


@pytest.fixture
def staffed(office: Office) -> Office:
    """The same with users of several roles."""
    for login, role in (("jane", "agent"), ("ann", "agent"), ("dora", "director"), ("tom", "technician")):
        office.json("user", "add", "--login", login, "--name", login.title(), "--role", role)
    return office
