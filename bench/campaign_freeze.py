"""Fixing the audience of a campaign to 100,000 leads while somebody works: how long, and what is felt meanwhile.

`python -m bench.campaign_freeze [--leads 100000] [--on sqlite|postgres]` runs the real program without a terminal over
an office of that many leads. A thread of the program starts a campaign to all of them (rehearsal, count, freeze), as
its screen does; a person presses keys on the list of leads all the while, and a task of the loop wants to be woken
every 5 ms. A process beside it writes a note to a lead ten times a second: what it waits is what other
agents wait. On a busy machine the time without a processor is taken off (see `ui_gap`). The same is measured before,
with nothing going on.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.many_processes import database
from bench.table import Table, ms, percentile
from bench.ui_gap import gaps, waited

FREEZE_S = 10.0
KEY_S = 0.050
WRITE_S = 0.100
TEXT = "Hi {first_name|there}, fibre is at {location} now. {name}, shall we come by? Reply STOP to end."

_BESIDE = """
import sys, time
from leadtui.services.activities import LogEntry, log
from leadtui.services.office import open_office
office = open_office(sys.argv[1])
print("ready", flush=True)
n = 0
while sys.stdin.readline():
    begun = time.perf_counter()
    n += 1
    log(office, 1 + n % 50, LogEntry("note", subject="beside", details=str(n)))
    print(time.perf_counter() - begun, flush=True)
"""


def fill(office: Any, count: int) -> None:
    """Leads with names, phones and places, in open statuses."""
    from leadtui.services.lead_values import derived_columns
    from leadtui.store import schema as t

    with office.write() as tx:
        stages = [s.id for s in tx.catalog.stages if not s.is_converted and not s.is_lost]
        pipeline, source = tx.catalog.default_pipeline.id, tx.catalog.sources[0].id
        plain = dict.fromkeys(("alt_phone_e164", "deleted_at", "passport", "national_id"))
        for start in range(0, count, 5_000):
            rows = []
            for n in range(start, min(start + 5_000, count)):
                number = f"LD-202611-{n + 1:06d}"
                row = plain | {
                    "id": n + 1, "number": number, "name": f"Amina {n} Otieno", "phone_e164": f"+2547{n:08d}",
                    "phone_raw": f"07{n:08d}", "email": f"a{n}@example.com", "pipeline_id": pipeline,
                    "stage_id": stages[n % len(stages)], "stage_changed_at": tx.now, "probability": 0.1,
                    "source_id": source, "created_by_id": 2, "updated_by_id": 2, "created_at": tx.now,
                    "updated_at": tx.now, "has_router": False, "next_follow_up_all_day": True, "is_protected": False,
                    "version": 1, "location": "Kilimani",
                }  # fmt: skip
                rows.append(row | derived_columns(row, number=number, phone_unique="block"))
            tx.conn.execute(t.lead.insert(), rows)
        if not tx.is_sqlite:
            tx.conn.exec_driver_sql("SELECT setval(pg_get_serial_sequence('lead', 'id'), (SELECT max(id) FROM lead))")
    if office.store.path is None:
        with office.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("ANALYZE")


class Beside:
    """Another agent's process, writing."""

    def __init__(self, db: str) -> None:
        command = [sys.executable, "-c", _BESIDE, db]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def write(self) -> float:
        """One note; how long it took, in seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """Let it go."""
        self._process.communicate()


async def measure(table: Table, office: Any, db: str, leads: int) -> None:
    """Beside nothing, then beside the start."""
    from leadtui import opening
    from leadtui.app import LeadApp
    from leadtui.config import Settings
    from leadtui.services import campaigns, freezing

    held: list[float] = []
    real = freezing._write

    def timed(*args: Any, **options: Any) -> float:
        had = waited()
        took = real(*args, **options)
        held.append(max(0.0, took - (waited() - had)))
        return took

    freezing._write = timed
    opening.REST_S = 0.2
    beside = await asyncio.to_thread(Beside, db)
    app = LeadApp(Settings(), lambda: office)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(2.0)
        going = True

        async def press() -> list[float]:
            took = list[float]()
            while going:
                shown = asyncio.Event()
                begun = time.perf_counter()
                app.simulate_key("down" if len(took) % 20 < 10 else "up")
                app.call_after_refresh(shown.set)
                await shown.wait()
                took.append(time.perf_counter() - begun)
                await asyncio.sleep(0.1)
            return took

        async def write() -> list[float]:
            took = list[float]()
            while going:
                took.append(await asyncio.to_thread(beside.write))
                await asyncio.sleep(0.1)
            return took

        async def watched(until: Any) -> tuple[Any, list[float], list[float]]:
            nonlocal going
            going = True
            keys, writes = asyncio.ensure_future(press()), asyncio.ensure_future(write())
            found = await gaps(120.0, go_on=lambda: not until.done())
            going = False
            return found, await keys, await writes

        calm = await watched(asyncio.ensure_future(asyncio.sleep(4.0)))
        made = campaigns.create(office, {"name": "All", "template": TEXT, "per_minute": "6000"}).campaign

        def start() -> tuple[Any, float, float]:
            begun, had = time.perf_counter(), waited()
            done = campaigns.start(office, made.id).campaign
            raw = time.perf_counter() - begun
            return done, raw, raw - (waited() - had)

        work = asyncio.ensure_future(asyncio.to_thread(start))
        busy = await watched(work)
        done, raw_s, took = await work
    beside.close()
    table.row("start: rehearsal, count and freeze", f"{took:.1f} s", f"with waiting {raw_s:.1f} s", None,
              f"{FREEZE_S:.0f} s", took <= FREEZE_S and done.counters.total == leads)  # fmt: skip
    longest = max(held)
    shares = f"{ms(percentile(held, 0.5))} / {ms(longest)}"
    # on PostgreSQL it holds nobody up: only the campaign's own row is locked
    goal = (ms(WRITE_S), longest <= WRITE_S) if office.store.is_sqlite else ("", None)
    table.row("a write transaction of it took (half, longest)", shares, f"{len(held)} of them", None, *goal)
    for words, (found, keys, writes) in (("nothing goes on", calm), ("it starts", busy)):
        raw, own = found
        is_goal = found is busy[0]
        goal = (ms(KEY_S), percentile(own, 0.99) <= KEY_S) if is_goal else ("", None)
        table.row(f"gap of the loop while {words} (half, 99 of 100, longest)",
                  f"{ms(percentile(own, 0.5))} / {ms(percentile(own, 0.99))} / {ms(max(own))}",
                  f"with waiting {ms(percentile(raw, 0.99))} / {ms(max(raw))}", None, *goal)  # fmt: skip
        table.row(f"a key while {words} (half, longest)", f"{ms(percentile(keys, 0.5))} / {ms(max(keys))}",
                  f"{len(keys)} keys", None, "", None)  # fmt: skip
        shares = f"{ms(percentile(writes, 0.5))} / {ms(max(writes))}"
        table.row(
            f"another process's note while {words} (half, longest)", shares, f"{len(writes)} notes", None, "", None
        )


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.campaign_freeze", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--on", choices=("sqlite", "postgres"), action="append", help="default: both")
    parser.add_argument("--leads", type=int, default=100_000)
    options = parser.parse_args()
    from leadtui.services.office import create_office

    table = Table()
    for kind in options.on or ["sqlite", "postgres"]:
        with tempfile.TemporaryDirectory(prefix="ltf-") as name, database(kind, Path(name)) as db:
            os.environ["LEADTUI_CONFIG"] = str(Path(name) / "config.toml")
            office = create_office(db, preset="isp", admin="boss")
            fill(office, options.leads)
            table.head(f"{kind}: a campaign to {options.leads:,} leads is started in a TUI")
            asyncio.run(measure(table, office, db, options.leads))
            office.close()
    print(f"\n{len(table.missed)} goals missed" + "".join(f"\n- {what}" for what in table.missed))
    return 1 if table.missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
