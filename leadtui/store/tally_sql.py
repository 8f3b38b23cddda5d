"""The triggers that keep what figures are read from: whoever writes leads, in whatever way, it is noted. Plain SQL.

Three columns and one table follow from others: `lead.furthest_stage_id` from the status history, `lead.router_user_at`
from the router users, `tally_change` from every lead that comes, goes or changes in what is counted. On SQLite row by
row; on PostgreSQL statement by statement, so that an import of 100,000 leads notes a few thousand rows. Only notes are
appended: two programs that write leads never wait for each other because of them.
Used by migrations, so it knows no table of the program, only their names as of migration 0005.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, text
from sqlalchemy.engine import Connection

from leadtui.domain.dates import month_bounds

from .types import UtcDateTime

SUMS: Final = ("n", "installation_minor", "monthly_minor", "value_minor", "seconds")
KEYS: Final = ("kind", "month", "first_id", "second_id", "source_id", "assigned_to_id", "branch_id")
KINDS: Final = {
    "c": ("created_month", "stage_id", "furthest_stage_id"),
    "l": ("created_month", "lost_reason_id", "stage_id"),
    "w": ("converted_month", "stage_id", None),
    "r": ("router_month", "stage_id", None),
}
"""By kind: which column of a note is its month, its first and its second id. A note whose month is 0, or of `l` whose
reason is 0, says nothing of that kind."""
LOCK: Final = 7_242_001
"""Of the advisory lock that lets one PostgreSQL program at a time sum up, or count anew."""
_YEARS: Final = range(1970, 2101)
_DIMENSIONS: Final = ("stage_id", "furthest_stage_id", "source_id", "assigned_to_id", "branch_id", "lost_reason_id")
_MONTHS: Final = {"created_month": "created_at", "converted_month": "converted_at", "router_month": "router_user_at"}
_MONEY: Final = ("installation_fee_minor", "monthly_fee_minor", "budget_minor")
_COUNTED: Final = (*_DIMENSIONS, *_MONTHS.values(), *_MONEY, "deleted_at")
COLUMNS: Final = (
    *_MONTHS, *_DIMENSIONS, "n", "installation_minor", "monthly_minor", "value_minor", "seconds",
)  # fmt: skip
"""The columns of `tally_change`, in the order of `expressions`."""


def _month(moment: str) -> str:
    found = f"SELECT month FROM tally_month WHERE begins <= {moment} ORDER BY begins DESC LIMIT 1"
    return f"CASE WHEN {moment} IS NULL THEN 0 ELSE coalesce(({found}), 197001) END"


def expressions(row: str, sign: str, sqlite: bool) -> tuple[str, ...]:
    """What one lead (`row` is its name in the statement) adds to a tally, or with sign `-` takes away.

    The value of a lead is the fee of installation and twelve months where one is agreed, else its budget (AJ30).
    """

    def epoch(moment: str) -> str:
        return (
            f"CAST(strftime('%s', {moment}) AS INTEGER)" if sqlite else f"floor(extract(epoch FROM {moment}))::bigint"
        )

    r = f"{row}."
    fee, monthly, budget = (f"coalesce({r}{one}, 0)" for one in _MONEY)
    agreed = f"{r}{_MONEY[0]} IS NOT NULL OR {r}{_MONEY[1]} IS NOT NULL"
    seconds = f"coalesce({epoch(f'{r}converted_at')} - {epoch(f'{r}created_at')}, 0)"
    return (
        *(_month(f"{r}{moment}") for moment in _MONTHS.values()),
        *(f"coalesce({r}{one}, 0)" for one in _DIMENSIONS),
        f"{sign}1", f"{sign}{fee}", f"{sign}{monthly}",
        f"{sign}(CASE WHEN {agreed} THEN {fee} + 12 * {monthly} ELSE {budget} END)", f"{sign}({seconds})",
    )  # fmt: skip


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values)


def _note(row: str, sign: str) -> str:
    return f"INSERT INTO tally_change ({_listed(COLUMNS)}) SELECT {_listed(expressions(row, sign, True))}"


# -- how far a lead got: the rank of a status is its place in the order; lost and parked ones have none ----------------
_RANK = '(SELECT CASE WHEN s.is_lost OR s.is_parked THEN -1 ELSE s."order" END FROM stage s WHERE s.id = {})'
FURTHEST: Final = (
    "(SELECT c.to_stage_id FROM stage_change c JOIN stage s ON s.id = c.to_stage_id "
    'WHERE c.lead_id = lead.id AND NOT s.is_lost AND NOT s.is_parked ORDER BY s."order" DESC, s.id LIMIT 1)'
)
"""The furthest status of the row `lead` of a statement, from its whole history."""
ROUTER_USER_AT: Final = "(SELECT min(u.created_at) FROM router_user u WHERE u.lead_id = lead.id)"
"""When the first router user of the row `lead` of a statement was made."""

_UPDATED = " OR ".join(f"old.{one} IS NOT new.{one}" for one in _COUNTED)


def _again(column: str, what: str, leads: str) -> str:
    return f"UPDATE lead SET {column} = {what} WHERE id IN ({leads}) AND {column} IS DISTINCT FROM {what}"


def _again_sqlite(column: str, what: str, leads: str) -> str:
    return f"UPDATE lead SET {column} = {what} WHERE id IN ({leads}) AND {column} IS NOT {what}"


_SQLITE = (
    f"CREATE TRIGGER tally_insert AFTER INSERT ON lead WHEN new.deleted_at IS NULL BEGIN {_note('new', '')}; END",
    f"CREATE TRIGGER tally_delete AFTER DELETE ON lead WHEN old.deleted_at IS NULL BEGIN {_note('old', '-')}; END",
    (f"CREATE TRIGGER tally_update AFTER UPDATE OF {_listed(_COUNTED)} ON lead WHEN {_UPDATED} BEGIN "
    f"{_note('old', '-')} WHERE old.deleted_at IS NULL; {_note('new', '')} WHERE new.deleted_at IS NULL; END"),
    # Nearly every change goes on in the order: then no history need be read.
    ("CREATE TRIGGER furthest_insert AFTER INSERT ON stage_change BEGIN UPDATE lead "
    "SET furthest_stage_id = new.to_stage_id WHERE id = new.lead_id "
    f"AND {_RANK.format('new.to_stage_id')} > coalesce({_RANK.format('furthest_stage_id')}, -1); END"),
    ("CREATE TRIGGER furthest_delete AFTER DELETE ON stage_change BEGIN "
    f"{_again_sqlite('furthest_stage_id', FURTHEST, 'old.lead_id')}; END"),
    ("CREATE TRIGGER furthest_update AFTER UPDATE OF lead_id, to_stage_id ON stage_change BEGIN "
    f"{_again_sqlite('furthest_stage_id', FURTHEST, 'old.lead_id, new.lead_id')}; END"),
    *(
        f"CREATE TRIGGER router_user_{name} AFTER {event} ON router_user BEGIN "
        f"{_again_sqlite('router_user_at', ROUTER_USER_AT, leads)}; END"
        for name, event, leads in (
            ("insert", "INSERT", "new.lead_id"), ("delete", "DELETE", "old.lead_id"),
            ("update", "UPDATE OF lead_id, created_at", "old.lead_id, new.lead_id"),
        )
    ),
)  # fmt: skip


def _sums(rows: str, sign: str) -> str:
    """What a set of leads adds or takes away, as few rows as it has kinds of leads."""
    parts = dict(zip(COLUMNS, expressions("l", sign, sqlite=False), strict=True))
    keys = COLUMNS[: COLUMNS.index("n")]
    inner = _listed(f"{value} AS {name}" for name, value in parts.items())
    summed = _listed((*keys, *(f"sum({name})" for name in COLUMNS[len(keys) :])))
    return f"SELECT {summed} FROM (SELECT {inner} FROM {rows} l WHERE l.deleted_at IS NULL) g GROUP BY {_listed(keys)}"


_CHANGED = (
    "(SELECT {one}.* FROM new_rows n JOIN old_rows o ON o.id = n.id WHERE "
    f"({_listed(f'n.{one}' for one in _COUNTED)}) IS DISTINCT FROM ({_listed(f'o.{one}' for one in _COUNTED)}))"
)
_INTO = f"INSERT INTO tally_change ({_listed(COLUMNS)})"
_FUNCTION = "CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {}; RETURN NULL; END $$"
_NEW, _OLD = "NEW TABLE AS new_rows", "OLD TABLE AS old_rows"
_BOTH = "SELECT lead_id FROM {} WHERE lead_id IS NOT NULL"
_TOUCHED = f"{_BOTH.format('old_rows')} UNION {_BOTH.format('new_rows')}"
_POSTGRES: tuple[tuple[str, str, str, str, str], ...] = (
    ("tally_insert", "INSERT", "lead", _NEW, f"{_INTO} {_sums('new_rows', '')}"),
    ("tally_delete", "DELETE", "lead", _OLD, f"{_INTO} {_sums('old_rows', '-')}"),
    (
        "tally_update", "UPDATE", "lead", f"{_OLD} {_NEW}",
        f"{_INTO} {_sums(_CHANGED.format(one='o'), '-')}; {_INTO} {_sums(_CHANGED.format(one='n'), '')}",
    ),
    (
        "furthest_insert", "INSERT", "stage_change", _NEW,
        _again("furthest_stage_id", FURTHEST, _BOTH.format("new_rows")),
    ),
    (
        "furthest_delete", "DELETE", "stage_change", _OLD,
        _again("furthest_stage_id", FURTHEST, _BOTH.format("old_rows")),
    ),
    ("furthest_update", "UPDATE", "stage_change", f"{_OLD} {_NEW}", _again("furthest_stage_id", FURTHEST, _TOUCHED)),
    ("router_user_insert", "INSERT", "router_user", _NEW,
     _again("router_user_at", ROUTER_USER_AT, _BOTH.format("new_rows"))),
    ("router_user_delete", "DELETE", "router_user", _OLD,
     _again("router_user_at", ROUTER_USER_AT, _BOTH.format("old_rows"))),
    ("router_user_update", "UPDATE", "router_user", f"{_OLD} {_NEW}",
     _again("router_user_at", ROUTER_USER_AT, _TOUCHED)),
)  # fmt: skip


def create_triggers(conn: Connection) -> None:
    """Make the triggers; what is in the database already must be counted by `tallies.rebuild`."""
    if conn.dialect.name == "sqlite":
        for statement in _SQLITE:
            conn.exec_driver_sql(statement)
        return
    for name, event, table, transition, body in _POSTGRES:
        conn.exec_driver_sql(_FUNCTION.format(f"leadtui_{name}", body))
        conn.exec_driver_sql(
            f"CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {transition} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION leadtui_{name}()"
        )


_FOLLOWING: Final = (
    "UPDATE lead SET furthest_stage_id = found.stage_id, router_user_at = found.made_at FROM ("
    "SELECT l.id, f.to_stage_id AS stage_id, u.made_at FROM lead l "
    "LEFT JOIN (SELECT c.lead_id, c.to_stage_id, row_number() OVER "
    '(PARTITION BY c.lead_id ORDER BY s."order" DESC, s.id) AS place FROM stage_change c '
    "JOIN stage s ON s.id = c.to_stage_id WHERE NOT s.is_lost AND NOT s.is_parked) f "
    "ON f.lead_id = l.id AND f.place = 1 "
    "LEFT JOIN (SELECT lead_id, min(created_at) AS made_at FROM router_user GROUP BY lead_id) u ON u.lead_id = l.id "
    "WHERE l.furthest_stage_id {differs} f.to_stage_id OR l.router_user_at {differs} u.made_at) found "
    "WHERE lead.id = found.id"
)
"""Both columns that follow others, of all leads, as `FURTHEST` and `ROUTER_USER_AT` say: each lead that differs is
written once (a row that is written goes into all indexes of PostgreSQL), and no index is needed to find out."""


def rebuild(conn: Connection, zone: ZoneInfo) -> None:
    """Count everything anew, with the months of `zone`: after the office's zone or the order of statuses changed.

    On PostgreSQL leads are locked against writing until the transaction ends.
    """
    sqlite = conn.dialect.name == "sqlite"
    if not sqlite:
        # First, or whoever sums up would wait for this with the notes locked, which this waits for.
        conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        conn.exec_driver_sql("LOCK TABLE lead, tally, tally_change, tally_month IN EXCLUSIVE MODE")
    _months(conn, zone)
    conn.exec_driver_sql(_FOLLOWING.format(differs="IS NOT" if sqlite else "IS DISTINCT FROM"))
    for table in ("tally", "tally_change"):
        conn.exec_driver_sql(f"DELETE FROM {table}")
    # One pass over the leads, then each kind from its small result.
    parts = dict(zip(COLUMNS, expressions("l", "", sqlite), strict=True))
    inner = _listed(f"{value} AS {name}" for name, value in parts.items())
    grouped = _listed(COLUMNS[: COLUMNS.index("n")])
    summed = _listed(f"sum({name}) AS {name}" for name in SUMS)
    conn.exec_driver_sql(
        f"CREATE TEMPORARY TABLE tally_found AS SELECT {grouped}, {summed} FROM "
        f"(SELECT {inner} FROM lead l WHERE l.deleted_at IS NULL) g GROUP BY {grouped}"
    )
    for kind, (month, first, second) in KINDS.items():
        columns = (month, first, second, *KEYS[4:])
        keys = _listed(one or "0" for one in columns)
        grouping = _listed(one for one in columns if one)
        only = f"{month} != 0" + (" AND lost_reason_id != 0" if kind == "l" else "")
        conn.exec_driver_sql(
            f"INSERT INTO tally ({_listed((*KEYS, *SUMS))}) SELECT '{kind}', {keys}, "
            f"{_listed(f'sum({name})' for name in SUMS)} FROM tally_found WHERE {only} GROUP BY {grouping}"
        )
    conn.exec_driver_sql("DROP TABLE tally_found")


def _months(conn: Connection, zone: ZoneInfo) -> None:
    conn.exec_driver_sql("DELETE FROM tally_month")
    made = text("INSERT INTO tally_month (month, begins) VALUES (:month, :begins)").bindparams(
        bindparam("begins", type_=UtcDateTime())
    )
    months = [(year, month) for year in _YEARS for month in range(1, 13)]
    conn.execute(made, [{"month": y * 100 + m, "begins": month_bounds(y, m, zone)[0]} for y, m in months])
