"""Fixtures of the tests of jobs: a training router, contenders in processes of their own, and time that goes by."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from leadtui.jobs.lease import standing
from leadtui.router.simulator import Simulator
from leadtui.services import settings
from leadtui.services.office import Office
from leadtui.store import schema as t

SCRIPT = Path(__file__).with_name("contender.py")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A training router on loopback."""
    with Simulator() as running:
        yield running


def without_digest(office: Office) -> Office:
    """What these tests count does not depend on the hour of the day."""
    settings.set_setting(office, "digest_at", "")
    return office


@pytest.fixture
def office(office: Office) -> Office:
    """The office of all tests, without a morning digest."""
    return without_digest(office)


@pytest.fixture
def sqlite_office(sqlite_office: Office) -> Office:
    """The same on SQLite."""
    return without_digest(sqlite_office)


class Contender:
    """A process that contends for the lease, and does and says what it is asked."""

    def __init__(self, db: str, kind: str) -> None:
        command = [sys.executable, str(SCRIPT), db, kind]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._line() == "READY"

    def ask(self, word: str) -> str:
        """Say a word and wait for the answer: `True 3` (and the token)."""
        self.say(word)
        return self._line()

    def say(self, word: str) -> None:
        """Say a word without waiting."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        """The next answer."""
        return self._line()

    def freeze(self) -> None:
        """As a laptop that is closed."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """As one that is opened again."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Without notice."""
        self.process.kill()
        self.process.wait(10)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def contender(office: Office) -> Iterator[Callable[[str], Contender]]:
    """Start a contender of a kind: worker or tui."""
    started: list[Contender] = []

    def start(kind: str) -> Contender:
        started.append(Contender(office.store.url.render_as_string(hide_password=False), kind))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


@pytest.fixture
def goes_by(office: Office) -> Callable[[float], None]:
    """Let so many seconds of the lease go by: on PostgreSQL the server's clock rules, which no test can hold."""

    def move(seconds: float) -> None:
        found = standing(office)
        assert found is not None
        with office.as_system() as tx:
            tx.conn.execute(update(t.lease).values(until=found.until - timedelta(seconds=seconds)))

    return move
