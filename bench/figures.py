"""All figures of a million leads, on both databases: how long the stats screen waits for them.

`python -m bench.figures [--rows 1000000] [--on sqlite|postgres] [--db URL]`: makes the leads (some minutes) unless a
database made by this is given, then asks several questions and prints wall and processor time of each. Goal: 300 ms.
Exit code 1 when it was missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.many_processes import database
from bench.million import fill
from bench.table import Table, middle, ms

if TYPE_CHECKING:
    from leadtui.services.office import Office

GOAL_S = 0.3
ROUNDS = 5
BACKLOG = 1_000
"""Leads changed just before the last question: on SQLite two notes each, as many as are read without summing up."""


def questions() -> dict[str, tuple[str, dict[str, str]]]:
    """What is asked: in words, as a user, of which leads."""
    return {
        "everything": ("boss", {}),
        "whole months": ("boss", {"date_from": "2025-03", "date_to": "2026-02"}),
        "a range of days": ("boss", {"date_from": "2025-03-10", "date_to": "2026-02-20"}),
        "two weeks": ("boss", {"date_from": "-14d", "date_to": "today"}),
        "one source": ("boss", {"filter": "source:Referral"}),
        "all but one source, a range of days": (
            "boss", {"filter": "-source:Referral", "date_from": "2024-05-10", "date_to": "2026-10-20"},
        ),
        "one agent": ("boss", {"filter": "assigned:user7"}),
        "several statuses": ("boss", {"filter": "status:Contacted,Interested"}),
        "sources or an agent, open, not new": (
            "boss", {"filter": "(source:Referral,Website or assigned:user3) -status:New is:active"},
        ),
        "a pipeline": ("boss", {"pipeline": "isp"}),
        "a branch, by who sees it": ("user1", {}),
        "his own, by an agent": ("user9", {}),
    }  # fmt: skip


def ask(office: Office, asked: dict[str, str]) -> tuple[float, float, int]:
    """Wall and processor time in seconds, and how many leads: the middle of some rounds after the first."""
    from leadtui.services import figures

    walls, cpus, total = [], [], 0
    for _ in range(ROUNDS + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        total = figures.ask(office, figures.Question(**asked)).total  # type: ignore[arg-type]
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return middle(walls[1:]), middle(cpus[1:]), total


def measure(table: Table, kind: str, db: str) -> None:
    """Ask everything of one database."""
    from sqlalchemy import text

    from leadtui.services.office import open_office

    table.head(f"{kind}: all figures of the stats screen (wall time, processor time of the program)")

    def row(what: str, login: str, asked: dict[str, str]) -> None:
        office = open_office(db, as_login=login)
        try:
            wall, cpu, total = ask(office, asked)
        finally:
            office.close()
        table.row(f"{what}: {total:,} leads", ms(wall), ms(cpu), None, ms(GOAL_S), wall <= GOAL_S)

    for what, (login, asked) in questions().items():
        row(what, login, asked)
    office = open_office(db, as_login="boss")
    with office.as_system() as tx:
        tx.conn.execute(text(f"UPDATE lead SET monthly_fee_minor = 100000 + id WHERE id <= {BACKLOG}"))
    office.close()
    row(f"everything, {BACKLOG:,} changes not summed up", "boss", {})


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m bench.figures", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="leads in the database (default 1000000)")
    parser.add_argument("--on", choices=("sqlite", "postgres"), action="append", help="default: both")
    parser.add_argument("--db", help="a database that this made before")
    options = parser.parse_args()
    table = Table()
    if options.db:
        measure(table, "given", options.db)
        return 1 if table.missed else 0
    for kind in options.on or ["sqlite", "postgres"]:
        with tempfile.TemporaryDirectory(prefix="ltf-") as name, database(kind, Path(name)) as db:
            from leadtui.services.office import create_office

            office = create_office(db, preset="isp", admin="boss")
            fill(office, options.rows)
            office.close()
            measure(table, kind, db)
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
