"""The queue of writers: one at a time, the next is woken, a stopped holder does not hold everybody for ever."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from leadtui.errors import DatabaseUnreachable
from leadtui.store import turns
from leadtui.store.turns import Turns

HOLDER = """
import sys
from pathlib import Path
from leadtui.store.turns import Turns

with Turns(Path(sys.argv[1])).turn():
    print("mine", flush=True)
    sys.stdin.readline()
"""


def hold(path: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "mine\n"
    return holder


def test_the_next_one_waits_until_the_turn_is_given_up(tmp_path: Path) -> None:
    holder = hold(tmp_path / "x.db")
    began, came = threading.Event(), threading.Event()

    def wait() -> None:
        began.set()
        with Turns(tmp_path / "x.db").turn():
            came.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    began.wait(10)
    assert not came.wait(0.2)
    holder.communicate("\n", timeout=10)
    waiter.join(10)
    assert came.is_set()


def test_a_killed_holder_gives_the_turn_up(tmp_path: Path) -> None:
    holder = hold(tmp_path / "x.db")
    holder.kill()
    holder.communicate(timeout=10)
    with Turns(tmp_path / "x.db").turn():
        pass


def test_who_waits_too_long_is_told_and_leaves_the_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_S", 0.1)
    holder = hold(tmp_path / "x.db")
    queue = Turns(tmp_path / "x.db")
    with pytest.raises(DatabaseUnreachable) as busy, queue.turn():
        pass
    assert busy.value.code == "database_busy"
    holder.communicate("\n", timeout=10)
    monkeypatch.setattr(turns, "PATIENCE_S", 10)
    with queue.turn():
        pass


def test_a_turn_within_a_turn_is_our_mistake_and_no_deadlock(tmp_path: Path) -> None:
    queue = Turns(tmp_path / "x.db")
    with queue.turn(), pytest.raises(RuntimeError), queue.turn():
        pass
    with queue.turn():
        pass
