"""Fifty processes that write to one SQLite file at once, beside fifty that do the least with plain `sqlite3`."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping

from bench.table import Table, ms, percentile

OURS = """
import json, sys, time
from leadtui.services import leads
from leadtui.services.office import open_office
db, start, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
office = open_office(db)
leads.count(office, "nobody")
print("ready", flush=True); sys.stdin.readline()
times, failed = [], []
for i in range(count):
    begun = time.perf_counter()
    try:
        leads.create(office, {"name": "Writer", "phone": f"+25411{start + i:07d}", "source": "Website"})
    except Exception as error:
        failed.append(repr(error)[:200])
    times.append(time.perf_counter() - begun)
print(json.dumps([times, failed]))
"""
# The least a lead needs: draw the next number, look for the phone, write lead and audit row, in one transaction.
PLAIN = """
import json, sqlite3, sys, time
db, start, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
con = sqlite3.connect(db, timeout=20, isolation_level=None)
con.execute("pragma synchronous=normal")
print("ready", flush=True); sys.stdin.readline()
times, failed = [], []
for i in range(count):
    begun = time.perf_counter()
    try:
        con.execute("begin immediate")
        phone = f"+25411{start + i:07d}"
        n = con.execute("select coalesce(max(number), 0) + 1 from lead").fetchone()[0]
        assert con.execute("select 1 from lead where phone = ?", (phone,)).fetchone() is None
        con.execute("insert into lead (number, name, phone) values (?, ?, ?)", (n, "Writer", phone))
        con.execute("insert into audit (what) values (?)", (json.dumps({"phone": [None, phone]}),))
        con.execute("commit")
    except Exception as error:
        failed.append(repr(error)[:200])
        if con.in_transaction: con.execute("rollback")
    times.append(time.perf_counter() - begun)
print(json.dumps([times, failed]))
"""


def _run(script: str, db: str, env: Mapping[str, str], writers: int, each: int) -> tuple[float, list[float], list[str]]:
    """(seconds for all, seconds of each write, failures)."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, db, str(1000 * n), str(each)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(env),
        )
        for n in range(writers)
    ]  # fmt: skip
    times: list[float] = []
    failed: list[str] = []
    for one in running:
        assert one.stdout is not None
        one.stdout.readline()
    begun = time.perf_counter()
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in running:
        out, err = one.communicate(timeout=300)
        if one.returncode:
            failed.append(err[-200:])
            continue
        took, bad = json.loads(out)
        times += took
        failed += bad
    return time.perf_counter() - begun, times, failed


def writers(table: Table, path: str, plain_path: str, env: Mapping[str, str], count: int = 50, each: int = 20) -> None:
    """All start writing at the same moment; nothing may fail and no number may be drawn twice."""
    with sqlite3.connect(plain_path) as plain:
        plain.execute("pragma journal_mode=wal")
        plain.execute("create table lead (id integer primary key, number integer unique, name text, phone text unique)")
        plain.execute("create table audit (id integer primary key, what text)")
    with sqlite3.connect(path) as database:
        before = database.execute("select count(*) from lead").fetchone()[0]
    ours_s, ours, failed = _run(OURS, path, env, count, each)
    plain_s, floor, plain_failed = _run(PLAIN, plain_path, env, count, each)
    with sqlite3.connect(path) as database:
        total, numbers = database.execute("select count(*), count(distinct number) from lead").fetchone()
    table.head(f"{count} processes, each adds {each} leads, all at once, to one SQLite file")
    table.row("failures", str(len(failed)), f"sqlite3 {len(plain_failed)}", None, "0", not failed)
    table.row("numbers drawn twice", str(total - numbers), "", None, "0", total == numbers)
    missing = before + count * each - total
    table.row("leads missing", str(missing), "", None, "0", missing == 0)
    table.row("all written after", f"{ours_s:.2f} s", f"sqlite3 {plain_s:.2f} s", ours_s / plain_s)
    ours_p99, plain_p99 = percentile(ours, 0.99), percentile(floor, 0.99)
    table.row("one write, p99 (waiting for the others)", ms(ours_p99), f"sqlite3 {ms(plain_p99)}", ours_p99 / plain_p99)
    for words in failed[:3]:
        print(f"failed: {words}", file=sys.stderr)
