"""Pages, filters, orders and searches in the service, beside plain `sqlite3` reading the same rows of the same file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any

from bench.table import Table, middle, ms

SELECT = (
    "select l.id, l.number, l.name, l.phone_e164, l.email, l.priority, l.score, l.monthly_fee_minor,"
    " l.next_follow_up_at, l.created_at, s.name, o.name, p.name from lead l join stage s on s.id = l.stage_id"
    " left join source o on o.id = l.source_id left join person p on p.id = l.referrer_id where l.deleted_at is null"
)
NEWEST = " order by l.created_at desc, l.id desc limit 50"
SEARCH = " and l.id in (select rowid from lead_search where lead_search match ?)"
STATUS = " and l.stage_id in (select id from stage where name = ?)"
SOURCE = " and l.source_id in (select id from source where name = ?)"

# what, filter, order, offset as a share of all, plain statement after SELECT, its values
Case = tuple[str, str | None, str, float, str, tuple[str, ...]]
CASES: tuple[Case, ...] = (
    ("first page, newest first", None, "-created_at", 0, NEWEST, ()),
    ("page in the middle", None, "-created_at", 0.5, NEWEST + " offset {offset}", ()),
    ("filter: status and source", 'status:contacted source:"Field Sales"', "-created_at", 0,
     STATUS + SOURCE + NEWEST, ("Contacted", "Field Sales")),
    ("order: by name", None, "name", 0, " order by l.name_key, l.id limit 50", ()),
    ("order: by name, filtered", "status:interested", "name", 0,
     STATUS + " order by l.name_key, l.id limit 50", ("Interested",)),
    ("search: part of a name, many found", "hiamb", "-created_at", 0, SEARCH + NEWEST, ('"hiamb"',)),
    ("search: part of a phone, few found", "{digits}", "-created_at", 0, SEARCH + NEWEST, ('"{digits}"',)),
    ("search: in an email, one found", "{email}", "-created_at", 0, SEARCH + NEWEST, ('"{email}"',)),
    ("search and filter, by name", "wanjiku status:new", "name", 0,
     SEARCH + STATUS + " order by l.name_key, l.id limit 50", ('"wanjiku"', "New")),
)  # fmt: skip


def _times(rounds: int, work: Callable[..., Sequence[Any]], *args: Any) -> tuple[list[float], float, int]:
    """Seconds of each round, processor seconds of the middle one, and how many rows the last one found."""
    times, used, found = [], [], 0
    for _ in range(rounds):
        begun, cpu = time.perf_counter(), time.process_time()
        found = len(work(*args))
        times.append(time.perf_counter() - begun)
        used.append(time.process_time() - cpu)
    return times, middle(used), found


def queries(table: Table, path: str, rows: int, most_s: float, rounds: int = 21) -> None:
    """Every case: the service, then the plain statement."""
    from leadtui.services import leads
    from leadtui.services.office import open_office

    office = open_office(path)
    plain = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def page(where: str | None, order: str, offset: int) -> Sequence[Any]:
        return leads.search(office, where, sort=order, limit=50, offset=offset, total=False).rows

    def count(where: str | None) -> Sequence[Any]:
        return [leads.count(office, where)]

    def floor_of(sql: str, values: Sequence[str]) -> Sequence[Any]:
        return plain.execute(sql, values).fetchall()

    query = "select phone_e164, email_norm from lead where email_norm is not null limit 1 offset 777"
    phone, email = plain.execute(query).fetchone()
    known = {"digits": phone[-7:], "email": email.partition("@")[0]}
    table.head(f"Reading 50 of {rows:,} leads in the service, median of {rounds}")
    try:
        for what, where, order, share, tail, values in CASES:
            offset = int(rows * share)
            text = None if where is None else where.format(**known)
            ours, cpu, found = _times(rounds, page, text, order, offset)
            bound = [value.format(**known) for value in values]
            floor, _, same = _times(rounds, floor_of, SELECT + tail.format(offset=offset), bound)
            took, base = middle(ours), middle(floor)
            table.row(
                what if found == same else f"{what} ({found} rows, plain {same})",
                f"{ms(took)} (cpu {ms(cpu)})", f"sqlite3 {ms(base)}", took / base,
                f"≤ {ms(most_s)}", took <= most_s,
            )  # fmt: skip
        for what, where, tail, values in (
            ("count: all", None, "", ()),
            ("count: one status", "status:contacted", STATUS, ("Contacted",)),
            ("count: part of a name", "hiamb", SEARCH, ('"hiamb"',)),
        ):
            ours, cpu, _ = _times(rounds, count, where)
            sql = "select count(*) from lead l where l.deleted_at is null" + tail
            floor, _, _ = _times(rounds, floor_of, sql, values)
            table.row(
                what,
                f"{ms(middle(ours))} (cpu {ms(cpu)})",
                f"sqlite3 {ms(middle(floor))}",
                middle(ours) / middle(floor),
            )
    finally:
        plain.close()
        office.close()
