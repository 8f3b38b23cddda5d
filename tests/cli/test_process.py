"""The program as a person or a script starts it: real processes, few because each costs a second."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from .conftest import Office

IMPORTS = """
import sys, runpy
sys.argv = ["leadtui", *{argv!r}]
try:
    runpy.run_module("leadtui", run_name="__main__")
except SystemExit as done:
    code = done.code
print("LOADED", sorted(m for m in ("textual", "sqlalchemy", "rich.console") if m in sys.modules), file=sys.stderr)
"""


def loaded(office: Office, *argv: str) -> str:
    """Which heavy libraries a command brings in."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS.format(argv=list(argv))], env=office.environment(), capture_output=True,
        encoding="utf-8", timeout=60, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    return next(line for line in done.stderr.splitlines() if line.startswith("LOADED"))


def test_the_command_line_never_loads_textual(office: Office) -> None:
    assert "textual" not in loaded(office, "lead", "list", "--json")
    assert "textual" not in loaded(office, "lead", "add", "--phone", "0722000111")
    assert loaded(office, "--help") == "LOADED []"
    assert loaded(office, "lead", "add", "--help") == "LOADED []"


def test_init_then_a_lead_then_its_list(nowhere: Office) -> None:
    made = nowhere.process("init", "--preset", "isp", "--admin", "boss", "--country", "KE", "--json")
    assert made.code == 0
    assert made.json["admin"] == "boss"
    assert made.json["db"] == str(nowhere.db)
    again = nowhere.process("init", "--preset", "isp", "--json")
    assert (again.code, again.out, again.error["code"]) == (5, "", "exists")
    lead = nowhere.process("lead", "add", "--phone", "0722000111", "--name", "Jane", "--json").json
    found = nowhere.process("lead", "list", "--json")
    assert found.json["leads"] == [lead]
    assert found.out.count("\n") == 1
    assert found.err == ""


def test_the_database_is_chosen_by_option_then_environment_then_file(office: Office, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'db = "{tmp_path}/from-file.db"\n', encoding="utf-8")
    by_file = office.process("db", "status", "--json", LEADTUI_DB="")
    assert by_file.json["db"] == f"{tmp_path}/from-file.db"
    assert office.process("db", "status", "--json").json["db"] == str(office.db)
    assert office.process("db", "status", "--json", "--db", str(tmp_path / "x.db")).json["db"] == f"{tmp_path}/x.db"


def test_without_a_database_it_says_how_to_make_one(nowhere: Office) -> None:
    found = nowhere.process("lead", "list", "--json")
    assert (found.code, found.out, found.error["code"]) == (6, "", "no_database")
    assert "init" in found.error["hint"]


def test_usage_errors_are_json_wherever_json_stands(nowhere: Office) -> None:
    for argv in (("--json", "lead", "nosuch"), ("lead", "lose", "1", "--json"), ("lead", "list", "--bogus", "--json")):
        found = nowhere.process(*argv)
        assert (found.code, found.out) == (2, "")
        assert found.error["message"]


def test_no_terminal_names_the_command_line(nowhere: Office) -> None:
    for argv in ((), ("tui",)):
        found = nowhere.process(*argv)
        assert (found.code, found.out) == (2, "")
        assert "leadtui --help" in found.err


def test_version(nowhere: Office) -> None:
    from leadtui import __version__

    assert nowhere.process("--version").out == f"leadtui {__version__}\n"


def test_a_reader_that_goes_away_is_no_error(office: Office) -> None:
    script = f"{sys.executable} -m leadtui audit --help | head -1; {sys.executable} -m leadtui lead --help | true"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {script}"], env=office.environment(), capture_output=True, encoding="utf-8",
        timeout=60, check=False, cwd=office.folder,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 0


def test_a_full_disk_is_said(office: Office) -> None:
    for argv, words in ((["list", "--json"], '"code": "output"'), (["export"], "error: the result cannot be written")):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run(
                [sys.executable, "-m", "leadtui", "lead", *argv], env=office.environment(), stdout=full,
                stderr=subprocess.PIPE, encoding="utf-8", timeout=60, check=False, cwd=office.folder,
            )  # fmt: skip
        assert done.returncode == 6
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_closed_streams_are_empty_streams(office: Office) -> None:
    found = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m leadtui --json lead import - <&-"], env=office.environment(),
        capture_output=True, encoding="utf-8", timeout=60, check=False, cwd=office.folder,
    )  # fmt: skip
    assert (found.returncode, json.loads(found.stderr)["error"]["code"]) == (5, "empty_file")
    found = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m leadtui --json lead show 99 2>&-"], env=office.environment(),
        capture_output=True, encoding="utf-8", timeout=60, check=False, cwd=office.folder,
    )  # fmt: skip
    assert (found.returncode, found.stdout) == (4, "")


def test_an_empty_file_is_no_database_and_is_left_empty(nowhere: Office) -> None:
    """`mktemp` makes one; `init` fills it."""
    nowhere.db.touch()
    assert nowhere.process("lead", "list", "--json", "--db", str(nowhere.db)).code == 6
    assert nowhere.db.stat().st_size == 0
    assert nowhere.process("init", "--preset", "isp", "--db", str(nowhere.db)).code == 0


def test_a_folder_that_cannot_be_made_is_said(nowhere: Office) -> None:
    found = nowhere.process("init", "--preset", "isp", "--db", "/proc/nowhere/x.db", "--json")
    assert (found.code, found.out) == (6, "")
    assert "/proc/nowhere" in found.error["message"]


def test_our_own_bug_is_a_sentence_and_a_log(office: Office) -> None:
    code = (
        "import leadtui.services.leads as s, leadtui.cli as c\n"
        "def broken(*a, **k): raise RuntimeError('secret-token-123')\n"
        "s.search = broken\n"
        "raise SystemExit(c.main(['lead', 'list', '--json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=office.environment(), capture_output=True, encoding="utf-8", timeout=60,
        check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    error = json.loads(done.stderr)["error"]
    assert (done.returncode, done.stdout, error["code"]) == (1, "", "internal")
    assert "secret-token" not in done.stderr
    log = Path(error["hint"].removeprefix("the log is at "))
    assert "RuntimeError" in log.read_text(encoding="utf-8")


def test_an_interrupt_ends_with_130(office: Office) -> None:
    code = (
        "import leadtui.services.leads as s, leadtui.cli as c, signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a suite run in the background ignores it
        "def slow(*a, **k):\n"
        "    print('READY', flush=True)\n"
        "    time.sleep(30)\n"
        "s.search = slow\n"
        "raise SystemExit(c.main(['lead', 'list']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=office.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        encoding="utf-8", cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "READY\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_a_terminal_of_another_encoding_gets_what_it_can_show(office: Office) -> None:
    office.lead(name="日本 Müller")
    found = office.process("lead", "list", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert found.code == 0
    listed = office.process("lead", "list", "--json", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert listed.json["leads"][0]["name"] == "日本 Müller"


def test_bytes_that_are_no_text_stop_nothing(office: Office) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "leadtui", "lead", "add", "--phone", "0722000111", "--name", b"a\xff\xfeb", "--json"],
        env=office.environment(), capture_output=True, timeout=60, check=False, cwd=office.folder,
    )  # fmt: skip
    assert done.returncode == 0
    assert json.loads(done.stdout)["name"] == "a\ufffd\ufffdb"


def test_completion_answers_and_never_fails(office: Office) -> None:
    def candidates(line: str, **env: str) -> list[str]:
        words = line.split(" ")
        found = office.process(
            _LEADTUI_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1), **env
        )
        assert (found.code, found.err) == (0, "")
        return found.out.splitlines()

    assert candidates("leadtui le") == ["lead"]
    assert set(candidates("leadtui lead re")) >= {"reopen", "restore"}
    assert candidates("leadtui lead status 1 Inter") == ["Interested"]
    assert "Field\\ Sales" in candidates("leadtui lead add --source ")
    assert candidates("leadtui --as bo") == ["boss"]
    assert candidates("leadtui lead assign 1 --to bo") == ["boss"]
    assert any(word.startswith("20") for word in candidates("leadtui lead add --package 2"))
    assert candidates("leadtui lead add --source ", LEADTUI_DB="/nosuch/x.db") == []
    assert candidates("leadtui lead list --li") == ["--limit"]
    assert candidates("leadtui lead list -tag:vip --li") == ["--limit"]
    candidates("leadtui nosuch thing --x ")  # whatever it offers, it says no error


def test_completion_can_be_installed(nowhere: Office) -> None:
    shown = nowhere.process("--show-completion", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="")
    assert shown.code in (0, 1)
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m leadtui --install-completion; true"], env=nowhere.environment(),
        capture_output=True, encoding="utf-8", timeout=60, check=False, cwd=nowhere.folder,
    )  # fmt: skip
    assert "bash completion installed" in done.stdout
    assert "_LEADTUI_COMPLETE" in (nowhere.folder / ".bash_completions" / "leadtui.sh").read_text(encoding="utf-8")


def on_a_terminal(office: Office, argv: list[str], answer: str) -> tuple[int, str]:
    """Run a command on a pseudo-terminal, answer its question, and return (exit code, everything on the screen)."""
    pid, fd = pty.fork()
    if pid == 0:  # pragma: no cover - the child
        os.chdir(office.folder)
        os.execve(sys.executable, [sys.executable, "-m", "leadtui", *argv], office.environment())  # noqa: S606
    seen, answered, deadline = "", False, time.monotonic() + 30
    while time.monotonic() < deadline:
        if not select.select([fd], [], [], 0.2)[0]:
            continue
        try:
            block = os.read(fd, 65536)
        except OSError:
            break
        if not block:
            break
        seen += block.decode("utf-8", "replace")
        if not answered and ("to go on:" in seen or "[y/N]" in seen):
            os.write(fd, (answer + "\n").encode())
            answered = True
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    return os.waitstatus_to_exitcode(status), seen


def test_a_person_types_the_count(office: Office) -> None:
    for i in range(101):
        office.lead(f"07220{i:05}")
    refused = office.fails("lead", "bulk", "--where", "status:new", "--tag", "x", code=2)
    assert refused["field"] == "yes"
    assert office.json("lead", "bulk", "--where", "status:new", "--tag", "x", "--dry-run")["changed"] == 101
    code, seen = on_a_terminal(office, ["lead", "bulk", "--where", "status:new", "--tag", "x"], "7")
    assert (code, "not confirmed" in seen) == (2, True)
    code, seen = on_a_terminal(office, ["lead", "bulk", "--where", "status:new", "--tag", "x"], "101")
    assert (code, "changed 101 of 101" in seen) == (0, True), seen
    assert office.json("lead", "bulk", "--where", "tag:x", "--untag", "x", "--yes")["changed"] == 101
