"""What a stranger and CI meet first: the two commands, the package, the licence, nothing of somebody's own machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements: list[str]) -> set[str]:
    """The packages that are asked for, without versions and extras."""
    return {re.split(r"[\[<>=;~! ]", one)[0].lower() for one in requirements}


def imported(folder: str) -> set[str]:
    """Top-level names that the code in `folder` imports."""
    found: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"leadtui", "tests", "bench", "scripts"}


def shared_files() -> list[Path]:
    """What git keeps; everything that is no leftover where there is no git."""
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, cwd=ROOT)
    if listed.returncode == 0 and listed.stdout:
        return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    leftovers = {".venv", ".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not leftovers & set(path.parts)]


def test_every_requirement_is_used_and_everything_used_is_required() -> None:
    required = names(PROJECT["dependencies"])
    extras = PROJECT["optional-dependencies"]
    assert set(extras) == {
        "postgres", "xlsx", "alerts", "cloud", "sms", "whatsapp-web", "api", "charts", "dev", "all"
    }  # fmt: skip
    optional = set().union(*(names(extra) for key, extra in extras.items() if key not in ("dev", "all")))
    # sqlmodel brings SQLAlchemy, in the version it can work with. The driver is imported by SQLAlchemy, by its name.
    # FastAPI brings Starlette, pydantic and anyio.
    brought = {"sqlalchemy", "psycopg", "starlette", "pydantic", "anyio"}
    assert imported("leadtui") - brought == (required | optional) - {"psycopg"}


def test_the_versions_for_development_cover_what_is_required() -> None:
    pinned = dict(
        line.lower().split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    )
    for one in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]:
        name = next(iter(names([one])))
        if name != "leadtui":
            assert name in pinned, name
    assert f"textual=={pinned['textual']}" in PROJECT["dependencies"]


def test_the_licence() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "GNU GENERAL PUBLIC LICENSE" in text[:200]
    assert "Version 3, 29 June 2007" in text[:200]
    assert PROJECT["license"] == "GPL-3.0-or-later"


def test_ci_calls_what_the_readme_tells_a_person_to_type() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = re.findall(r"^```\n(\./run .*)\n```$", readme, re.MULTILINE)
    assert told == ["./run demo", "./run test"]
    steps = re.findall(r"^step (.*)$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert steps[0] == "./run test"
    assert steps[1:4] == ["./run lint", "./run types", "./run imports"]
    assert steps[4].startswith("./run demo --no-tui")


@pytest.mark.parametrize("script", ["run", ".ci/run"])
def test_the_scripts_can_be_run(script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & 0o111
    shell = "sh" if script == "run" else "bash"
    assert subprocess.run([shell, "-n", str(path)], capture_output=True).returncode == 0


def test_run_explains_itself() -> None:
    done = subprocess.run([ROOT / "run"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0
    assert "./run demo" in done.stdout
    wrong = subprocess.run([ROOT / "run", "dmeo"], capture_output=True, text=True, timeout=30)
    assert wrong.returncode == 2
    assert "does not know 'dmeo'" in wrong.stderr


def test_an_old_python_is_named(tmp_path: Path) -> None:
    """Where only an older Python is found, the person is told so, before anything is made."""
    (tmp_path / "run").write_bytes((ROOT / "run").read_bytes())
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "cat"):
        found = next(p for p in (Path("/bin") / name, Path("/usr/bin") / name) if p.exists())
        (tools / name).symlink_to(found)
    (tools / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tools / "python3").chmod(0o755)
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text("")
    done = subprocess.run(
        [tools / "sh", tmp_path / "run", "test"], capture_output=True, text=True, env={"PATH": str(tools)}, timeout=30
    )
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_nothing_names_a_machine_or_a_registry() -> None:
    halves = ["/ro ot/", "/wo rk/", "/tm p/v/", "py pi.org", "python hosted", "npm js.", "deb.deb ian", "cdn js"]
    parts = [half.replace(" ", "") for half in halves]  # this file is looked at too
    pattern = re.compile("|".join(map(re.escape, parts)))
    for path in shared_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found = pattern.search(text)
        assert found is None, f"{path.relative_to(ROOT)}: {found and found[0]}"
