"""Rules rehearsed on 100,000 leads: how long the past of all of them takes, and how much memory.

`python -m bench.rehearsal [--leads 100000] [--on sqlite|postgres]` makes an office of that many leads of the last six
months, worked as people work: edits, calls, moves, what they did on the web, some of it undone. Agents convert leads of
their own area better than others; a third of the leads does not say where it is. Then it rehearses what each scoring
rule is worth, one new scoring rule, and one new assignment rule. Goals: 60 s of processor for scores,
less than 400 MB more than the empty program.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from datetime import datetime, timedelta
from functools import partial
from multiprocessing import Process
from pathlib import Path
from typing import Any

from bench.many_processes import database
from bench.table import Table

SCORES_S = 60.0
MEMORY_MB = 400.0
AREAS = ("Kilimani", "Westlands", "Karen", "Ruaka")
CHUNK = 5_000


def fill(office: Any, count: int, seed: int = 1) -> None:
    """Leads of the last six months with a history each."""
    from leadtui import clock
    from leadtui.services import users

    for place, area in enumerate(AREAS):
        users.add_user(office, {
            "login": f"agent{place}", "name": f"Agent {place}", "role": "agent", "service_areas": area,
        })  # fmt: skip
    rng, now = random.Random(seed), clock.now()
    agents = [user.id for user in office.catalog.users if user.login.startswith("agent")]
    moments = sorted(now - timedelta(days=rng.uniform(0, 180)) for _ in range(count))
    for start in range(0, count, CHUNK):
        made = _Made(office.catalog, rng, agents, now)
        for place in range(start, min(count, start + CHUNK)):
            made.lead(place + 1, moments[place])
        with office.as_system() as tx:
            for table, rows in made.tables():
                tx.conn.execute(table.insert(), rows)
            if not tx.is_sqlite:
                tx.conn.exec_driver_sql(
                    "SELECT setval(pg_get_serial_sequence('lead', 'id'), (SELECT max(id) FROM lead))"
                )
    if office.store.path is None:
        with office.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("ANALYZE")


class _Made:
    """Rows of some leads."""

    def __init__(self, catalog: Any, rng: random.Random, agents: list[int], now: datetime) -> None:
        self.catalog, self.rng, self.agents, self.now = catalog, rng, agents, now
        self.stages = {stage.name: stage.id for stage in catalog.stages if stage.pipeline_id == 1}
        self.leads: list[dict[str, Any]] = []
        self.audits: list[dict[str, Any]] = []
        self.moves: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        self.seen: list[dict[str, Any]] = []

    def tables(self) -> list[tuple[Any, list[dict[str, Any]]]]:
        """In the order in which they may be written."""
        from leadtui.store import schema as t

        pairs = (
            (t.lead, self.leads), (t.audit, self.audits), (t.stage_change, self.moves), (t.activity, self.calls),
            (t.behavior_event, self.seen),
        )  # fmt: skip
        return [(table, rows) for table, rows in pairs if rows]

    def lead(self, lead_id: int, at: datetime) -> None:
        """One lead and what was done with it."""
        rng = self.rng
        area = rng.choice((*AREAS, None, None))
        owner = rng.choice(self.agents)
        fits = area is not None and AREAS.index(area) == self.agents.index(owner)
        product = rng.choice([None, *(p.id for p in self.catalog.products)])
        first = {
            "stage_id": self.stages["New"], "stage_changed_at": at, "location": area, "product_id": product,
            "assigned_to_id": owner, "assigned_at": at, "current_isp": rng.choice((None, "Acme")), "page_views": None,
            "interest_reason": None, "converted_at": None, "lost_at": None, "has_router": rng.random() < 0.4,
            "pipeline_id": 1, "source_id": 1 + lead_id % 4,
        }  # fmt: skip
        row = dict(first)
        self._audit("create", lead_id, at, None, {key: value for key, value in first.items() if value is not None})
        self._move(lead_id, first["stage_id"], at)
        when = at
        for _ in range(rng.randint(0, 3)):
            when += timedelta(hours=rng.uniform(1, 200))
            self._edit(lead_id, row, when, {"interest_reason": f"slow {when:%d}", "has_router": not row["has_router"]})
            self.calls.append({
                "lead_id": lead_id, "type": "call", "subject": "call", "outcome": rng.choice(("positive", "no_answer")),
                "all_day": False, "completed_at": when, "created_by_id": owner, "created_at": when, "updated_at": when,
            })  # fmt: skip
        for _ in range(rng.randint(0, 4)):
            self.seen.append(
                {"lead_id": lead_id, "event": "page_view", "at": at + timedelta(hours=rng.uniform(0, 300))}
            )
            row["page_views"] = (row["page_views"] or 0) + 1
        chance = 0.08 + 0.12 * (product is not None) + 0.35 * fits
        luck = rng.random()
        if luck < chance:
            end = at + timedelta(days=rng.uniform(1, 25))
            self._decide(lead_id, row, end, {"stage_id": self.stages["Converted"], "converted_at": end})
        elif luck > 0.6:
            end = at + timedelta(days=rng.uniform(1, 25))
            self._decide(lead_id, row, end, {"stage_id": self.stages["Not Interested"], "lost_at": end})
        self.leads.append({
            **row, "id": lead_id, "number": f"LD-{lead_id:08d}", "name": f"Amina {lead_id}",
            "created_by_id": owner, "updated_by_id": owner, "created_at": at,
            "updated_at": when, "search_text": f"amina {lead_id}", "next_follow_up_all_day": True,
            "is_protected": False, "version": 1,
        })  # fmt: skip

    def _decide(self, lead_id: int, row: dict[str, Any], at: datetime, what: dict[str, Any]) -> None:
        if at > self.now:
            return
        self._edit(lead_id, row, at, {**what, "stage_changed_at": at}, "status")
        self._move(lead_id, what["stage_id"], at)

    def _move(self, lead_id: int, stage_id: int, at: datetime) -> None:
        self.moves.append({"lead_id": lead_id, "to_stage_id": stage_id, "by_id": 1, "at": at})

    def _edit(
        self, lead_id: int, row: dict[str, Any], at: datetime, what: dict[str, Any], action: str = "edit"
    ) -> None:
        self._audit(action, lead_id, at, {key: row[key] for key in what}, what)
        row |= what

    def _audit(self, action: str, lead_id: int, at: datetime, before: Any, after: Any) -> None:
        from leadtui.store.unit_of_work import plain

        self.audits.append({
            "at": at, "user_id": 1, "origin": "bench", "action": action, "entity": "lead", "entity_id": lead_id,
            "before_json": plain(before), "after_json": plain(after),
        })  # fmt: skip


def _fill(url: str, count: int) -> None:
    from leadtui.services.office import open_office

    office = open_office(url)
    fill(office, count)
    office.close()


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.rehearsal", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--on", choices=("sqlite", "postgres"), action="append", help="default: sqlite")
    parser.add_argument("--only", help="only what has this in its name")
    args = parser.parse_args()
    from leadtui.services import rule_rehearsal
    from leadtui.services.office import create_office, open_office
    from leadtui.services.rule_rehearsal import Change

    table = Table()
    for kind in args.on or ["sqlite"]:
        with tempfile.TemporaryDirectory(prefix="ltr-") as name, database(kind, Path(name)) as url:
            os.environ["LEADTUI_CONFIG"] = str(Path(name) / "config.toml")
            create_office(url, preset="isp", admin="boss").close()
            filling = Process(target=_fill, args=(url, args.leads))  # so that its memory is not ours
            filling.start()
            filling.join()
            office = open_office(url)
            empty = _memory_mb()
            table.head(f"{kind}: rules rehearsed on {args.leads:,} leads")
            by_place = Change("add", None, {"name": "Kilimani", "when": "location:Kilimani", "points": "20"})
            by_area = Change("add", None, {"name": "bench area", "kind": "area", "order": "1"})
            for what, goal, work in (
                ("what each scoring rule is worth", SCORES_S, partial(rule_rehearsal.scores, office)),
                ("one new scoring rule", SCORES_S, partial(rule_rehearsal.scores, office, [by_place])),
                ("one new assignment rule", None, partial(rule_rehearsal.assignment, office, [by_area])),
            ):
                if args.only and args.only not in what:
                    continue
                begun, used = time.perf_counter(), time.process_time()
                found: Any = work()
                took, cpu = time.perf_counter() - begun, time.process_time() - used
                print(f"  {found.leads:,} leads; first: {found.candidates[0].label}: {found.candidates[0].says}")
                ok = None if goal is None else cpu <= goal
                table.row(what, f"{took:.1f} s", f"{cpu:.1f} s of processor", None, f"{goal:.0f} s" if goal else "", ok)
            more = _memory_mb() - empty
            table.row("memory above the empty program", f"{more:.0f} MB", goal=f"{MEMORY_MB:.0f} MB",
                      ok=more <= MEMORY_MB)  # fmt: skip
            office.close()
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
