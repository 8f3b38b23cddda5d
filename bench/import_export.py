"""Import and export of messy leads, each as its own process from start to end, beside plain `sqlite3` + `csv`.

The plain program parses no phone, checks no duplicate, writes no audit and no search index: it is the floor, not a
rival. Goals: import ≤ 15 s, export ≤ 1.5 s for 100,000 rows.
"""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from bench.table import Table

FIRST = [
    "Achieng", "Brian", "Fatuma", "Kevin", "Wanjiku", "Otieno", "Mary", "John", "Amina", "Peter", "Grace", "Samuel",
    "José", "Müller", "Chebet", "Njeri",
]  # fmt: skip
LAST = [
    "Odhiambo", "Kamau", "Hassan", "Otieno", "Mwangi", "Njeri", "Ali", "Kiptoo", "Wafula", "Mutua", "Nyambura",
    "O'Brien", "Cheruiyot", "Barasa",
]  # fmt: skip
PLACES = ["Westlands, Nairobi", "Kilimani", "Ruaka", "Kasarani", "Githurai 45", "Ngong Road", 'Umoja "Innercore"', ""]
SOURCES = ["Caretaker", "Field Sales", "referral", "Website", "WhatsApp", "MANUAL ENTRY", ""]
STATUSES = ["New", "Contacted", "interested", "Site Survey Scheduled", "Future Prospect", ""]
NOTES = [
    "",
    "",
    "Call after 5 pm",
    "Current provider is unreliable\nand slow",
    "=HYPERLINK(1)",
    "wants 20 Mbps; asked price",
]
HEADERS = [
    "Lead Name", "Phone Number", "Email", "Lead Source", "Status", "Current ISP", "Brought In By", "Location", "Unit",
    "Agreed Installation Fee", "Monthly fee", "Follow-up date", "Remarks", "Customer Has Router", "tags", "Junk column",
]  # fmt: skip


def phone(rnd: random.Random, number: int) -> str:
    """A Kenyan mobile number in one of the spellings people use."""
    digits = f"7{number % 100_000_000:08d}"
    spelled = rnd.randrange(6)
    if spelled == 0:
        return f"0{digits}"
    if spelled == 1:
        return f"+254 {digits[:3]} {digits[3:6]} {digits[6:]}"
    if spelled == 2:
        return f"0{digits[:3]}-{digits[3:]}"
    return f"254{digits}" if spelled == 3 else f"00254{digits}" if spelled == 4 else f" (0{digits[:3]}) {digits[3:]} "


def messy(path: Path, rows: int) -> None:
    """A file as offices have them: cp1252, semicolons, CR LF, quoted newlines, blank lines, repeats (2 %)."""
    rnd = random.Random(7)
    with path.open("w", encoding="cp1252", newline="") as out:
        writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
        writer.writerow(HEADERS)
        for i in range(rows):
            number = i * 7919 % 99_999_989 if rnd.random() > 0.02 else max(0, i - 50) * 7919 % 99_999_989
            name = f"{rnd.choice(FIRST)} {rnd.choice(LAST)}"
            writer.writerow([
                f" {name.upper() if i % 9 == 0 else name}", phone(rnd, number),
                f"{name.split(maxsplit=1)[0].lower()}{i}@example.com" if i % 3 == 0 else "", rnd.choice(SOURCES),
                rnd.choice(STATUSES), rnd.choice(["Zuku", "Faiba", "Safaricom", ""]),
                rnd.choice(["John Doe", "Mama Njeri", "", ""]), rnd.choice(PLACES), f"{'ABC'[i % 3]}{i % 40}",
                rnd.choice(["2,500", "", "KES 3500", "2500.00"]), rnd.choice(["1999", "", "3,499/="]),
                rnd.choice(["", "", "12/12/2026", "2027-01-05"]), rnd.choice(NOTES), rnd.choice(["yes", "No", ""]),
                rnd.choice(["", "", "", "vip", "estate, hot"]), "x",
            ])  # fmt: skip
            if i % 500 == 0:
                out.write("\r\n")


PLAIN = """
import csv, sqlite3, sys
db = sqlite3.connect(sys.argv[1]); db.execute("pragma journal_mode=wal")
if sys.argv[2] == "import":
    with open(sys.argv[3], encoding="cp1252", newline="") as f:
        rows = [r for r in csv.reader(f, delimiter=";") if r]
    db.execute("create table lead (id integer primary key, %s)" % ", ".join(f"c{i} text" for i in range(len(rows[0]))))
    db.executemany("insert into lead values (null, %s)" % ", ".join("?" * len(rows[0])), rows[1:])
    db.commit()
else:
    with open(sys.argv[3], "w", newline="") as f:
        csv.writer(f).writerows(db.execute("select * from lead"))
"""


def timed(args: list[str], env: Mapping[str, str]) -> tuple[float, float, str]:
    """(seconds, processor seconds, standard output) of a process."""
    start, used = time.perf_counter(), _children_s()
    done = subprocess.run(args, env=dict(env), capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 5):
        print(done.stderr[-2000:], file=sys.stderr)
    return seconds, _children_s() - used, done.stdout


def _children_s() -> float:
    times = os.times()
    return times.children_user + times.children_system


def import_export(table: Table, folder: Path, env: Mapping[str, str], rows: int) -> None:
    """Fill the database of `env` from a messy file, export it, and import the export again."""
    messy(folder / "messy.csv", rows)
    ours = [sys.executable, "-m", "leadtui"]
    plain = [sys.executable, "-c", PLAIN, str(folder / "plain.db")]
    export = str(folder / "export.csv")
    steps: list[tuple[str, list[str], list[str] | None, float]] = [
        ("import of a messy file", [*ours, "lead", "import", str(folder / "messy.csv"), "--json"],
         [*plain, "import", str(folder / "messy.csv")], 15.0),
        ("export as CSV", [*ours, "lead", "export", "--out", export, "--json"],
         [*plain, "export", export + ".plain"], 1.5),
        ("import of that export again", [*ours, "lead", "import", export, "--json"], None, 0),
        ("export as JSON lines",
         [*ours, "lead", "export", "--format", "jsonl", "--out", export + ".jsonl", "--json"], None, 0),
    ]  # fmt: skip
    table.head(f"Files of {rows:,} rows ({(folder / 'messy.csv').stat().st_size / 1e6:.1f} MB), whole processes")
    for what, command, floor, most in steps:
        seconds, cpu, out = timed(command, env)
        base = timed(floor, env)[0] if floor else None
        told = json.loads(out or "{}")
        counts = ", ".join(f"{told[key]:,} {key}" for key in ("created", "skipped", "failed") if key in told)
        goal = most * max(1.0, rows / 100_000)
        table.row(
            what, f"{seconds:.2f} s (cpu {cpu:.2f} s)", "" if base is None else f"sqlite3 + csv {base:.2f} s",
            seconds / base if base else None, f"≤ {goal:g} s" if most else "", seconds <= goal if most else None,
        )  # fmt: skip
        if counts:
            table.row(f"… {counts}", "")
        if what.endswith("again"):
            table.row("… new leads by it", str(told.get("created")), "", None, "0", told.get("created") == 0)
