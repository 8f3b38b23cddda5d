"""Work that many processes want at once: rows that one of them claims, and the clock by which all of them go.

The obvious SELECT, then UPDATE, handed 955 of 1,000 rows to two processes on PostgreSQL without any error; an
`IN (SELECT … LIMIT 10 FOR UPDATE SKIP LOCKED)` claimed 830 for a limit of 10, because the planner may evaluate it more
than once (facts/messaging §4.3). Only WITH is evaluated once. On SQLite a write transaction is alone by its nature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, func, select, update

from .unit_of_work import ReadTx, WriteTx

if TYPE_CHECKING:
    from sqlalchemy import Table

Where = ColumnElement[bool] | Sequence[ColumnElement[bool]]
Order = ColumnElement[Any] | Sequence[ColumnElement[Any]]


def claim(
    tx: WriteTx, table: Table, where: Where, *, order: Order, limit: int, values: Mapping[Any, Any] | None = None
) -> list[int]:
    """The ids of at most `limit` rows that are ours until this transaction ends, in `order`.

    Rows that another transaction holds are passed over, not waited for. With `values` they are updated in the same
    breath: when `where` no longer holds for what was set, that is the compare-and-set, and nobody can claim them again.
    `where` and `order` are of `table` alone.
    """
    if limit <= 0:
        return []
    wanted = [where] if isinstance(where, ColumnElement) else list(where)
    ordered = [order] if isinstance(order, ColumnElement) else list(order)
    due = select(table.c.id).where(*wanted).order_by(*ordered).limit(limit)
    if tx.is_sqlite:
        found = list(tx.conn.execute(due).scalars())
        if found and values:
            tx.conn.execute(update(table).where(table.c.id.in_(found)).values(dict(values)))
        return found
    due = due.with_for_update(skip_locked=True)
    if not values:
        return list(tx.conn.execute(due).scalars())
    numbered = due.cte("due")
    # The order is counted outside of `due`: a window function and FOR UPDATE do not go together.
    place = select(numbered.c.id, func.row_number().over().label("place")).cte("placed")
    change = update(table).where(table.c.id == place.c.id).values(dict(values)).returning(table.c.id, place.c.place)
    return [row.id for row in sorted(tx.conn.execute(change).all(), key=lambda row: row.place)]


def moment(tx: ReadTx) -> datetime:
    """Now, by one clock for all who contend: the server's; on SQLite all are on one machine, and its clock it is."""
    if tx.is_sqlite:
        return tx.now
    now: datetime = tx.conn.execute(select(func.clock_timestamp())).scalar_one()
    return now


def insert_new(tx: WriteTx, table: Table, rows: Sequence[Mapping[str, Any]], unique: Sequence[str]) -> int:
    """Insert those rows that are not there yet, by their `unique` columns; answers how many were.

    Two processes that write the same row both go on, one of them with 0.
    """
    if not rows:
        return 0
    statement: Any
    if tx.is_sqlite:
        from sqlalchemy.dialects import sqlite

        statement = sqlite.insert(table)
    else:
        from sqlalchemy.dialects import postgresql

        statement = postgresql.insert(table)
    new = statement.values([dict(row) for row in rows]).on_conflict_do_nothing(index_elements=list(unique))
    return len(tx.conn.execute(new.returning(table.c[unique[0]])).all())
