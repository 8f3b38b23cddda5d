"""Many rows into a table at once, and one of many values asked for: what each database does quickest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import JSON, ColumnElement, Table, any_, func, literal, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection


def among(column: Any, values: Iterable[Any], *, sqlite: bool) -> ColumnElement[bool]:
    """`column` is one of many values, which go as one parameter: text or whole numbers."""
    wanted = list(values)
    if not sqlite:
        return cast("ColumnElement[bool]", column == any_(literal(wanted, postgresql.ARRAY(column.type))))
    each = func.json_each(json.dumps(wanted)).table_valued("value")
    return cast("ColumnElement[bool]", column.in_(select(each.c.value)))


def insert_new(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows that name the same columns; answers how many were new. What stands in the way of a unique index is
    left as it is.

    SQLite takes plain rows. On PostgreSQL a column goes as one array, or as one value where all rows have the same: a
    statement with a parameter for every value took psycopg ten times as long to read as the server to carry out (bench
    "campaign_freeze").
    """
    if not rows:
        return 0
    given = tuple(rows[0])
    fixed = {one.name: _default(one) for one in table.c if one.name not in given and _default(one) is not None}
    if conn.dialect.name == "sqlite":
        return _as_rows(conn, table, rows, given, fixed)
    columns = {name: [_plain(table, name, row[name]) for row in rows] for name in given}
    same = {name: some[0] for name, some in columns.items() if all(value == some[0] for value in some)} | fixed
    arrays = {name: some for name, some in columns.items() if name not in same}
    if not arrays:  # one row, or copies of it: something must say how many
        name = given[0]
        arrays[name] = columns[name]
        del same[name]
    statement = _statement(table, tuple(arrays), tuple(same))
    values = {f"v{place}": value for place, value in enumerate((*arrays.values(), *same.values()))}
    return int(conn.exec_driver_sql(statement, values).scalar_one())


def _as_rows(
    conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], given: tuple[str, ...], fixed: Mapping[str, Any]
) -> int:
    quote = conn.dialect.identifier_preparer.quote
    columns = []
    for name in (*given, *fixed):
        process = table.c[name].type.dialect_impl(conn.dialect).bind_processor(conn.dialect)
        values = [row[name] for row in rows] if name in given else [fixed[name]] * len(rows)
        columns.append([process(value) for value in values] if process is not None else values)
    names = ", ".join(quote(name) for name in (*given, *fixed))
    places = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {quote(table.name)} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING"
    return conn.exec_driver_sql(statement, list(zip(*columns, strict=True))).rowcount


def _default(column: Any) -> Any:
    """The value that the program, not the server, gives a column; None for none."""
    return column.default.arg if column.default is not None and column.default.is_scalar else None


def _plain(table: Table, name: str, value: Any) -> Any:
    """A value as it stands in an array: JSON as its text."""
    return json.dumps(value) if value is not None and isinstance(table.c[name].type, JSON) else value


@lru_cache(maxsize=64)
def _statement(table: Table, arrays: tuple[str, ...], same: tuple[str, ...]) -> str:
    dialect: Any = postgresql.dialect()  # type: ignore[no-untyped-call]
    quote = dialect.identifier_preparer.quote

    def kind(name: str) -> str:
        return str(table.c[name].type.compile(dialect))

    def sent(name: str) -> str:
        return "TEXT" if isinstance(table.c[name].type, JSON) else kind(name)

    taken = [f"CAST(u.c{place} AS {kind(name)})" for place, name in enumerate(arrays)]
    taken += [f"CAST(%(v{place})s AS {kind(name)})" for place, name in enumerate(same, len(arrays))]
    from_ = ", ".join(f"CAST(%(v{place})s AS {sent(name)}[])" for place, name in enumerate(arrays))
    heads = ", ".join(f"c{place}" for place in range(len(arrays)))
    columns = ", ".join(quote(name) for name in (*arrays, *same))
    return (
        f"WITH made AS (INSERT INTO {quote(table.name)} ({columns}) SELECT {', '.join(taken)} FROM unnest({from_})"
        f" AS u({heads}) ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*) FROM made"
    )
