"""Programs that die, or stand still, in the middle of sending: nobody gets two, nobody is dropped, `unknown` is seen.

The full measure (8 programs, 5,000 recipients, many blows) is `python -m bench.campaign_kills`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bench.campaign_kills import load, most_in_a_window, open_ones, verify
from leadtui import clock
from leadtui.services import messages, sending
from leadtui.services.office import Office
from leadtui.services.provision_jobs import me, state_of
from leadtui.store import schema as t

from .message_help import states

RECIPIENTS = 12


class Members:
    """The process that forks them; see `sending_member`."""

    def __init__(self) -> None:
        self.server = subprocess.Popen(
            [sys.executable, "-m", "tests.services.sending_member"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    def start(self, office: Office, moment: str, blow: str) -> int:
        """One of them; its process id."""
        db = str(office.store.path or office.store.url.render_as_string(hide_password=False))
        assert self.server.stdin is not None
        self.server.stdin.write(json.dumps({"db": db, "moment": moment, "blow": blow}) + "\n")
        self.server.stdin.flush()
        return int(self.answer()["pid"])

    def answer(self) -> dict[str, Any]:
        """The next thing the server says."""
        assert self.server.stdout is not None
        return dict(json.loads(self.server.stdout.readline()))


@pytest.fixture(scope="module")
def members() -> Iterator[Members]:
    found = Members()
    yield found
    found.server.kill()
    found.server.communicate()


def in_file(out: Path) -> Counter[int]:
    lines = out.read_text(encoding="utf-8").splitlines() if out.exists() else []
    return Counter(json.loads(line)["recipient_id"] for line in lines)


def ids_of(office: Office) -> list[int]:
    with office.store.read() as tx:
        return list(tx.conn.execute(t.message.select().order_by(t.message.c.id)).scalars())


@pytest.mark.parametrize(
    ("moment", "left", "sent"), [("claimed", "sent", 1), ("marked", "unknown", 0), ("written", "unknown", 1)]
)
def test_killed_in_the_middle(
    office: Office, tmp_path: Path, members: Members, moment: str, left: str, sent: int
) -> None:
    """Before the mark nothing has left us, and it goes; after it nobody knows: it is never sent again by itself."""
    out = tmp_path / "out.jsonl"
    load(office, RECIPIENTS, 1000, out)
    members.start(office, moment, "kill")
    assert members.answer()["killed"]
    done = sending.send_due(office, may_go_on=lambda: True)
    assert done["sent"] == RECIPIENTS - (left == "unknown"), "that it ended is known at once"
    ids, lines = ids_of(office), in_file(out)
    assert states(office, ids) == [left] + ["sent"] * (RECIPIENTS - 1)
    assert lines[ids[0]] == sent and all(lines[one] == 1 for one in ids[1:])
    assert messages.unknown_ones(office)[0] == (left == "unknown")
    assert sending.send_due(office, may_go_on=lambda: True) == {}
    assert verify(office, out).is_right(1000) and open_ones(office) == 0


def test_stopped_for_longer_than_its_message_may_take(office: Office, tmp_path: Path, members: Members) -> None:
    """Others believed it dead: when it goes on, it sends nothing late, and says that nothing had left."""
    out = tmp_path / "out.jsonl"
    load(office, 2, 1000, out)
    pid = members.start(office, "marked", "stop")
    place = me().place
    while state_of(me().host, pid, f"{place}/{started(pid)}") != "stopped":
        select.select([], [], [], 0.02)
    begun, first = time.monotonic(), ids_of(office)[0]
    assert states(office, [first]) == ["sending"] and sending.sweep(office) == 0, "it may go on"
    with office.write() as tx:
        tx.conn.execute(update(t.message).where(t.message.c.id == first).values(claimed_until=clock.now()))
    assert sending.sweep(office) == 1 and states(office, [first]) == ["unknown"]
    select.select([], [], [], max(0.0, begun + 0.6 - time.monotonic()))
    os.kill(pid, signal.SIGCONT)
    assert members.answer() == {"killed": False, "sent": 2}
    assert in_file(out) == Counter(ids_of(office)) and set(states(office, ids_of(office))) == {"sent"}


def started(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]


def test_a_window_is_any_sixty_seconds() -> None:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    assert most_in_a_window([start, start + timedelta(seconds=59.9), start + timedelta(seconds=60)]) == 2
    assert most_in_a_window([]) == 0
