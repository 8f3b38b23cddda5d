"""Many processes on one database: no failure, no number drawn twice, no phone let in twice; killed at random, sound."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leadtui.services import leads
from leadtui.services.office import Office
from leadtui.store import migrate

WRITER = """
import sys
from leadtui.errors import Duplicate
from leadtui.services import leads
from leadtui.services.office import open_office

db, start, count, shared = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
office = open_office(db)
made = refused = 0
for i in range(count):
    leads.create(office, {"phone": f"+2547{start + i:08d}", "source": "Website"})
    made += 1
    print(made, flush=True)
try:
    leads.create(office, {"phone": shared, "source": "Website"})
    print("shared", flush=True)
except Duplicate:
    print("refused", flush=True)
"""


def start_writer(db: str, start: int, count: int, shared: str = "0722999999") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, db, str(start), str(count), shared],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_processes_writing_at_once_never_share_a_number_or_a_phone(office: Office, db_url: str) -> None:
    writers = [start_writer(db_url, 10_000_000 + n * 1000, 10) for n in range(8)]
    outputs = [w.communicate(timeout=120) for w in writers]
    assert [w.returncode for w in writers] == [0] * 8, [e for _, e in outputs]
    last_words = [out.split()[-1] for out, _ in outputs]
    assert sorted(last_words) == ["refused"] * 7 + ["shared"]
    found = leads.search(office, limit=500).rows
    assert len(found) == 81
    assert len({r.number for r in found}) == 81
    assert len({r.phone for r in found}) == 81


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_writer_leaves_nothing_half_written(sqlite_office: Office) -> None:
    db = str(sqlite_office.store.path)
    rng = random.Random(7)
    for round_ in range(4):
        writer = start_writer(db, 20_000_000 + round_ * 10_000, 5000)
        assert writer.stdout is not None
        for _ in range(rng.randrange(1, 30)):
            writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate(timeout=30)
        assert migrate.check(sqlite_office.store) == []
    found = leads.search(sqlite_office, limit=1000).rows
    assert len({r.number for r in found}) == len(found)
    assert leads.create(sqlite_office, {"phone": "0733123456", "source": "Website"}).lead.id


def test_a_reader_is_not_held_up_by_a_writer(sqlite_office: Office, tmp_path: Path) -> None:
    with sqlite_office.write() as tx:
        tx.open_batch("edit", "held open")
        begun = time.monotonic()
        assert leads.count(sqlite_office) == 0
        # Far below the 20 s a writer would wait for the lock.
        assert time.monotonic() - begun < 10
