"""How long the screens stand still beside a scheduler that works: the longest gap of the event loop of a TUI.

`python -m bench.ui_gap [--reminders 3000] [--seconds 30] [--on sqlite|postgres]` runs the real program without a
terminal (Textual's own way) over an office whose reminders and late follow-ups come due all the while. A task of its
loop wants to be woken every 5 ms and notes how late it was. On a busy machine any program waits for a processor: the
kernel counts how long this thread did, and that is taken off. The same is measured before, with nothing due.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.many_processes import database, left, load, prepare
from bench.table import Table, ms, percentile

GOAL_S = 0.100
WAKE_S = 0.005


def waited() -> float:
    """Seconds for which this thread was ready to run and had no processor."""
    with open(f"/proc/self/task/{threading.get_native_id()}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[1]) / 1e9


async def gaps(seconds: float, go_on: Callable[[], bool] = lambda: True) -> tuple[list[float], list[float]]:
    """How late each waking was: as it was, and without the time for which there was no processor."""
    raw: list[float] = []
    own: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end and go_on():
        before, had = time.perf_counter(), waited()
        await asyncio.sleep(WAKE_S)
        late = time.perf_counter() - before - WAKE_S
        raw.append(late)
        own.append(max(0.0, late - (waited() - had)))
    return raw, own


async def measure(table: Table, office: Any, logins: list[str], options: argparse.Namespace) -> None:
    """Beside nothing, then beside work."""
    from leadtui import clock, opening
    from leadtui.app import LeadApp
    from leadtui.config import Settings
    from leadtui.start import jobs_beside_screens

    opening.REST_S = 0.2
    app = LeadApp(Settings(), lambda: office, make_jobs=jobs_beside_screens)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(3.0)
        calm = await gaps(5.0)
        begin = clock.now() + timedelta(seconds=1)
        await asyncio.to_thread(load, office, logins, options.reminders, options.reminders, begin, options.seconds)
        busy = await gaps(options.seconds + 1)
        rest = 0
        while (rest := await asyncio.to_thread(left, office)) and len(busy[0]) < 200_000:
            more = await gaps(1.0)
            busy[0].extend(more[0])
            busy[1].extend(more[1])
        for words, (raw, own) in (("nothing is due", calm), ("reminders and follow-ups are made", busy)):
            shares = f"{ms(percentile(own, 0.5))} / {ms(percentile(own, 0.99))} / {ms(max(own))}"
            is_goal = raw is busy[0]
            table.row(
                f"gap while {words}", shares, f"with waiting {ms(max(raw))}", None, ms(GOAL_S) if is_goal else "",
                max(own) <= GOAL_S if is_goal else None,
            )  # fmt: skip
        table.row("still to be done", str(rest), "", None, "0", rest == 0)
        app.exit()


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m bench.ui_gap", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--on", choices=("sqlite", "postgres"), action="append", help="default: both")
    parser.add_argument("--reminders", type=int, default=3000, help="and as many follow-ups")
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    from leadtui.services.office import create_office

    table = Table()
    for kind in options.on or ["sqlite", "postgres"]:
        with tempfile.TemporaryDirectory(prefix="ltg-") as name, database(kind, Path(name)) as db:
            os.environ["LEADTUI_CONFIG"] = str(Path(name) / "config.toml")
            office = create_office(db, preset="isp", admin="boss")
            logins = prepare(office)
            table.head(
                f"{kind}: a TUI that does the work itself, {options.reminders:,} reminders and as many follow-ups"
            )
            asyncio.run(measure(table, office, logins, options))
            office.close()
    print(f"\n{len(table.missed)} goals missed" + "".join(f"\n- {what}" for what in table.missed))
    return 1 if table.missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
