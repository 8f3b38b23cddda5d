"""One campaign, many programs that send it, killed and frozen at random: nobody gets two, nobody is dropped.

`python -m bench.campaign_kills [--on sqlite|postgres] [--processes 8] [--recipients 5000] [--per-minute 2000]` starts
programs that all send at once, without a lease: claims and marks alone must keep them apart. Every so often one is
killed and another started in its place, or frozen with SIGSTOP. What they appended to the file is then compared with
the rows: each recipient stands in the file at most once; each message is `sent` and stands there, or `unknown`; the
moments in the file never exceed the rate in any window of 60 seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.many_processes import Crowd, database
from bench.table import Table

if TYPE_CHECKING:
    from leadtui.services.office import Office

WINDOW_S = 60.0


# -- the work ----------------------------------------------------------------------------------------------------------
def load(office: Office, recipients: int, per_minute: int, out: Path, **values: Any) -> int:
    """Leads, and a campaign on channel `file` that runs, frozen; its id."""
    from sqlalchemy import insert, select

    from leadtui.services import leads, messages
    from leadtui.store import schema as t
    from leadtui.store.unit_of_work import insert_id

    first = leads.create(office, {"name": "Bench 0", "phone": "+254700000000", "source": "Website"}).lead.id
    with office.write() as tx:
        row = dict(tx.conn.execute(select(t.lead).where(t.lead.c.id == first)).one()._mapping)
        row.pop("id")
        phones = {f"BENCH-{n:06d}": f"+2547{n:08d}" for n in range(1, recipients + 1)}
        copies = [row | {"number": number, "phone_e164": e164, "phone_key": e164} for number, e164 in phones.items()]
        tx.conn.execute(insert(t.lead), copies)
        columns: dict[str, Any] = {
            "kind": "broadcast", "name": "Bench", "channel": "file", "status": "active", "per_minute": per_minute,
            "auto_retry": True, "max_retries": 100, "quiet_hours": "", "failure_streak": 0, "current_version": 1,
            "created_by_id": tx.actor.user_id, "created_at": tx.now, "updated_at": tx.now, "frozen_at": tx.now,
            "started_at": tx.now, "version": 1, "options_json": {"out": str(out)},
        }  # fmt: skip
        campaign_id = insert_id(tx.conn, t.campaign, **columns | values)
        found = tx.conn.execute(
            select(t.lead.c.id, t.lead.c.phone_e164).where(t.lead.c.number.like("BENCH-%")).order_by(t.lead.c.id)
        ).all()
        made = messages.enqueue_many(tx, (
            messages.Draft("broadcast", "file", e164, f"Hi {lead_id}", lead_id=lead_id, campaign_id=campaign_id,
                           dedupe_key=f"c{campaign_id}:{e164}")
            for lead_id, e164 in found
        ))  # fmt: skip
    assert made == recipients
    return campaign_id


def member(db: str) -> None:
    """One program that sends, until it is killed."""
    from leadtui.services import sending
    from leadtui.services.office import open_office

    office = open_office(db, as_login="boss", origin="worker")
    print("ready", flush=True)
    while True:
        try:
            sending.send_due(office, limit=50, may_go_on=lambda: True)
        except Exception as error:  # noqa: BLE001 - as the lane does: the next tick tries again
            print(f"{type(error).__name__}: {error}"[:300], file=sys.stderr, flush=True)
        time.sleep(0.1)


class Senders(Crowd):
    """The programs; who of them works is of no matter, for all of them do."""

    def __init__(self, db: str, processes: int, seed: int, log: Path) -> None:
        self.log = log
        super().__init__(db, ["boss"], 0, processes, seed)

    def _start(self, login: str, kind: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bench.campaign_kills", "--member", self.db]
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)

    def holder(self, office: Office) -> int | None:
        """Nobody in particular."""
        return None


def open_ones(office: Office) -> int:
    """How many are not settled: waiting, or in somebody's hand."""
    from sqlalchemy import func, select

    from leadtui.domain.message_states import OPEN
    from leadtui.store import schema as t

    with office.store.read() as tx:
        return int(tx.conn.execute(select(func.count()).where(t.message.c.state.in_(sorted(OPEN)))).scalar_one())


# -- what came of it ---------------------------------------------------------------------------------------------------
@dataclass
class Findings:
    """What file and rows say together."""

    recipients: int = 0
    lines: int = 0
    torn: int = 0
    twice: int = 0
    dropped: int = 0
    said_sent_but_not_there: int = 0
    unfinished: int = 0
    """Still to be sent when patience ended: not lost, but not done."""
    other_states: int = 0
    unknown: int = 0
    unknown_but_sent: int = 0
    in_a_window: int = 0
    without_history: int = 0

    def is_right(self, per_minute: int) -> bool:
        """Whether everybody got one at most, each that got none is known, and the rate held."""
        wrong = (self.torn, self.twice, self.dropped, self.said_sent_but_not_there, self.unfinished,
                 self.other_states, self.without_history)  # fmt: skip
        return not any(wrong) and self.in_a_window <= per_minute and self.recipients > 0


def verify(office: Office, out: Path) -> Findings:
    """Compare what was appended to the file with what the rows say."""
    from sqlalchemy import select

    from leadtui.domain.message_states import OPEN
    from leadtui.store import schema as t

    found, lines, moments = Findings(), Counter[int](), []
    for line in out.read_text(encoding="utf-8").splitlines() if out.exists() else ():
        try:
            document = json.loads(line)
        except ValueError:
            found.torn += 1
            continue
        lines[document["recipient_id"]] += 1
        moments.append(datetime.fromisoformat(document["at"]))
    with office.store.read() as tx:
        rows = tx.conn.execute(select(t.message.c.id, t.message.c.state)).all()
        told = set(tx.conn.execute(select(t.message_event.c.message_id).distinct()).scalars())
    found.recipients, found.lines = len(rows), lines.total()
    found.twice = sum(count > 1 for count in lines.values())
    for row in rows:
        there = lines[row.id] > 0
        if row.state in OPEN and not there:
            found.unfinished += 1
            continue
        found.unknown += row.state == "unknown"
        found.unknown_but_sent += row.state == "unknown" and there
        found.said_sent_but_not_there += row.state == "sent" and not there
        found.other_states += row.state not in {"sent", "unknown"}
        found.dropped += not there and row.state not in {"unknown"}
        found.without_history += row.id not in told
    found.in_a_window = most_in_a_window(moments)
    return found


def most_in_a_window(moments: list[datetime], seconds: float = WINDOW_S) -> int:
    """The most of these moments that lie in any window of so many seconds."""
    ordered = sorted(moments)
    most = begin = 0
    for end, at in enumerate(ordered):
        while (at - ordered[begin]).total_seconds() >= seconds:
            begin += 1
        most = max(most, end - begin + 1)
    return most


def play(
    office: Office, db: str, folder: Path, *, processes: int, recipients: int, per_minute: int, every_s: float,
    longest_s: float, patience_s: float, seed: int = 5,
) -> tuple[Findings, Senders, float]:  # fmt: skip
    """All of it; answers what was found, what was done to whom, and how long it took."""
    from leadtui.services import sending

    out = folder / "messages.jsonl"
    load(office, recipients, per_minute, out)
    crowd = Senders(db, processes, seed, folder / "members.log")
    try:
        crowd.wait_ready()
        begun = time.monotonic()
        next_strike, look_at, left = begun + every_s, begun, recipients
        while left and time.monotonic() - begun < patience_s:
            now = time.monotonic()
            crowd.thaw()
            if every_s and now >= next_strike:
                crowd.strike(office, longest_s)
                next_strike = now + crowd.random.uniform(0.5, 1.5) * every_s
            if now >= look_at:
                left, look_at = open_ones(office), now + 0.5
            time.sleep(0.02)
        took = time.monotonic() - begun
    finally:
        crowd.end()
    sending.sweep(office)
    return verify(office, out), crowd, took


def campaign_kills(table: Table, kind: str, options: argparse.Namespace) -> None:
    """One run, printed."""
    from leadtui.services.office import create_office

    with tempfile.TemporaryDirectory(prefix="ltk-") as name, database(kind, Path(name)) as db:
        os.environ["LEADTUI_CONFIG"] = str(Path(name) / "config.toml")
        office = create_office(db, preset="isp", admin="boss")
        found, crowd, took = play(
            office, db, Path(name), processes=options.processes, recipients=options.recipients,
            per_minute=options.per_minute, every_s=options.every, longest_s=options.longest,
            patience_s=options.patience, seed=options.seed,
        )  # fmt: skip
        office.close()
        complaints = Counter((Path(name) / "members.log").read_text(encoding="utf-8").splitlines())
    table.head(
        f"{kind}: {options.recipients:,} recipients, {options.processes} programs, {options.per_minute:,} a minute"
    )
    table.row("killed / frozen", json.dumps(dict(crowd.counts)))
    for what, number in (
        ("received two", found.twice), ("dropped", found.dropped), ("lines torn", found.torn),
        ("said to be sent, but not in the file", found.said_sent_but_not_there),
        ("not finished", found.unfinished), ("in any other state", found.other_states),
        ("without a history", found.without_history),
    ):  # fmt: skip
        table.row(what, f"{number:,}", "", None, "0", number == 0)
    table.row("unknown (of which really sent)", f"{found.unknown} ({found.unknown_but_sent})")
    table.row(
        "most in any 60 s, from the file", f"{found.in_a_window:,}", "", None, f"{options.per_minute:,}",
        found.in_a_window <= options.per_minute,
    )  # fmt: skip
    table.row("all settled after", f"{took:.0f} s ({found.lines / max(took, 0.1):.0f} messages a second)")
    for words, count in complaints.most_common(3):
        table.row("said by a program", f"{count} × {words[:80]}")


def main() -> int:
    """Run it."""
    if sys.argv[1:2] == ["--member"]:
        member(sys.argv[2])
        return 0
    parser = argparse.ArgumentParser(prog="python -m bench.campaign_kills", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--on", choices=("sqlite", "postgres"), action="append", help="default: both")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--recipients", type=int, default=5000)
    parser.add_argument("--per-minute", type=int, default=2000)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two blows; 0: none")
    parser.add_argument(
        "--longest", type=float, default=75.0, help="the longest freeze: beyond what a message may take"
    )
    parser.add_argument("--patience", type=float, default=600.0, help="seconds to wait for the rest")
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    table = Table()
    for kind in options.on or ["sqlite", "postgres"]:
        campaign_kills(table, kind, options)
    print(f"\n{len(table.missed)} goals missed" + "".join(f"\n- {what}" for what in table.missed))
    return 1 if table.missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
