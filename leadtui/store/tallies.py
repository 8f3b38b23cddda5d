"""Figures of very many leads at once: the tally, kept by triggers, summed up now and then, exact at any moment.

Triggers of the database note every change of what is counted in `tally_change` (`tally_sql`). `settle` sums notes
up into `tally`; readers add what is not summed up yet, so that nothing depends on when that happens. `cells` is what
`services/figures` reads; `rebuild` counts anew, after the office's zone or the order of statuses changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, literal, select, true, union_all

from . import schema as t
from .tally_sql import KEYS, KINDS, LOCK, SUMS
from .tally_sql import rebuild as rebuild
from .unit_of_work import ReadTx, WriteTx

CHUNK: Final = 2_000
"""So many notes are summed up in one transaction: on SQLite everybody who writes waits for it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What is counted of leads alike in `key`, which has the values `cells` was asked to group by, in that order."""

    key: tuple[int, ...]
    n: int
    installation_minor: int
    monthly_minor: int
    value_minor: int
    seconds: int


def cells(
    tx: ReadTx,
    kind: str,
    group_by: Sequence[str],
    *,
    where: Sequence[ColumnElement[bool]] = (),
    months: tuple[int, int] | None = None,
    sums: Sequence[str] = SUMS,
) -> list[Cell]:
    """Sums of one kind by some of month, first_id, second_id, source_id, assigned_to_id, branch_id.

    `where` are conditions made with `column`; `months` the first and the last (YYYYMM) that count; `sums` what is
    asked for, `n` first: the others are 0.
    """
    size = len(group_by)
    parts = []
    # One statement, so that nothing is summed up in between; each part by itself: SQLite would sort both together.
    for part in (t.tally, _loose(kind)):
        conditions = [_moved(one, part) for one in where]
        if part is t.tally:
            conditions.append(part.c.kind == kind)
        if months is not None:
            conditions.append(part.c.month.between(*months))
        keys = [part.c[name] for name in group_by]
        query = select(*keys, *(func.sum(part.c[name]) for name in sums)).where(*conditions)
        parts.append(query.group_by(*keys) if keys else query)
    found: dict[tuple[int, ...], list[int]] = {}
    places = [SUMS.index(name) for name in sums]
    for row in tx.conn.execute(union_all(*parts)):
        known = found.setdefault(tuple(map(int, row[:size])), [0] * len(SUMS))
        for place, amount in zip(places, row[size:], strict=True):
            known[place] += int(amount or 0)
    return [Cell(key, *counted) for key, counted in found.items() if counted[0]]


def column(name: str) -> Any:
    """A dimension of the tally, to make conditions for `cells` of; an id is 0 where a lead has none."""
    return t.tally.c[name]


def _moved(condition: ColumnElement[bool], part: Any) -> ColumnElement[bool]:
    """A condition on `tally` as one on another part with its columns."""
    from sqlalchemy.sql.visitors import replacement_traverse

    def there(element: Any, **_: Any) -> Any:
        return part.c[element.name] if getattr(element, "table", None) is t.tally else None

    moved: ColumnElement[bool] = replacement_traverse(condition, {}, there)
    return moved


def _loose(kind: str) -> Any:
    """What is noted and not summed up yet, with the columns of the tally."""
    month, first, second = KINDS[kind]
    n = t.tally_change.c
    columns = [
        n[month].label("month"),
        n[first].label("first_id"),
        (n[second] if second else literal(0)).label("second_id"),
        *(n[name] for name in (*KEYS[4:], *SUMS)),
    ]
    return select(*columns).where(n[month] != 0, n.lost_reason_id != 0 if kind == "l" else true()).subquery("loose")


def waiting(tx: ReadTx) -> int:
    """How many notes are not summed up, counted up to ten chunks."""
    some = select(t.tally_change.c.id).limit(10 * CHUNK).subquery()
    return int(tx.conn.execute(select(func.count()).select_from(some)).scalar_one())


def settle(tx: WriteTx, limit: int = CHUNK) -> int:
    """Sum up at most `limit` notes; answers how many there were. 0 too when another program is at it."""
    if not tx.is_sqlite and not tx.conn.execute(select(func.pg_try_advisory_xact_lock(LOCK))).scalar_one():
        return 0
    n = t.tally_change
    ids = select(n.c.id).order_by(n.c.id).limit(limit)
    taken = tx.conn.execute(delete(n).where(n.c.id.in_(ids.scalar_subquery())).returning(*n.c)).mappings().all()
    sums: dict[tuple[Any, ...], list[int]] = {}
    for row in taken:
        for kind, (month, first, second) in KINDS.items():
            if not row[month] or (kind == "l" and not row[first]):
                continue
            key = (
                kind, row[month], row[first], row[second] if second else 0, row["source_id"], row["assigned_to_id"],
                row["branch_id"],
            )  # fmt: skip
            known = sums.setdefault(key, [0] * len(SUMS))
            for place, name in enumerate(SUMS):
                known[place] += row[name]
    rows = [
        dict(zip(KEYS, key, strict=True)) | dict(zip(SUMS, found, strict=True))
        for key, found in sums.items()
        if any(found)
    ]
    if rows:
        _add(tx, rows)
    return len(taken)


def _add(tx: WriteTx, rows: list[dict[str, Any]]) -> None:
    if tx.is_sqlite:
        from sqlalchemy.dialects import sqlite

        made: Any = sqlite.insert(t.tally)
    else:
        from sqlalchemy.dialects import postgresql

        made = postgresql.insert(t.tally)
    added = {name: t.tally.c[name] + made.excluded[name] for name in SUMS}
    tx.conn.execute(made.on_conflict_do_update(index_elements=list(KEYS), set_=added), rows)
