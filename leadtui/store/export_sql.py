"""Leads as finished CSV lines, put together inside SQLite: 100,000 of them in well under a second.

Only cells that a comma, quote, line break or formula makes special are handed to Python (`special`), so that the rule
stands in one place; columns that no lead of the export uses cost nothing. `services.exporting` writes the same bytes
from rows, for PostgreSQL and to test this against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, literal_column, select
from sqlalchemy.engine import CursorResult

from leadtui.domain.fields import BY_KEY
from leadtui.domain.money import exponent
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx

_LOOKUPS = {"pipeline": 1, "status": 2, "source": 3, "assigned_to": 4, "manager": 4, "branch": 5, "package": 6}
_TAGS = "export_tags"
_NAMES = "export_names"  # a temporary table of finished cells: rowid = kind * 2^32 + id
_FETCH = 2_000
_MOMENT = "moment:"
_FEW = 16


def csv_lines(
    tx: ReadTx,
    keys: Sequence[str],
    found: ColumnElement[bool],
    *,
    special: Callable[[str], str],
    day: Callable[[datetime], str],
    today: date,
) -> Iterator[list[str]]:
    """Chunks of CSV lines (without line ends) of the leads in `found`, by id. `keys` are fields or `custom.NAME`.

    `special` guards and quotes one cell, `day` writes an all-day moment as a day of the office.
    """
    raw: Any = tx.conn.connection.driver_connection
    raw.create_function("leadtui_cell", 1, lambda v: special(str(v)), deterministic=True)
    raw.create_function("leadtui_day", 1, _Days(day).__getitem__, deterministic=True)
    raw.create_function("leadtui_float", 1, repr, deterministic=True)
    used = _used_columns(tx, keys, found)
    _load_names(tx, special)
    line = _joined([_cell(tx, key, used, today) for key in keys])
    source: Any = t.lead
    if "referrer_id" in used:
        source = t.lead.outerjoin(t.person, t.person.c.id == t.lead.c.referrer_id)
    result: CursorResult[Any] = tx.conn.execute(
        select(literal_column(line)).select_from(source).where(found).order_by(t.lead.c.id)
    )
    cursor: Any = result.cursor
    try:
        while rows := cursor.fetchmany(_FETCH):
            yield [row[0] for row in rows]
    finally:
        result.close()


class _Days(dict[str, str]):
    """The day of each stored moment, found once: the same days stand in many leads."""

    def __init__(self, day: Callable[[datetime], str]) -> None:
        super().__init__()
        self._day = day

    def __missing__(self, stored: str) -> str:
        self[stored] = found = self._day(datetime.fromisoformat(stored + "+00:00"))
        return found


def _load_names(tx: ReadTx, special: Callable[[str], str]) -> None:
    """The names of the small tables as finished cells; a temporary table takes no lock on the database."""
    c = tx.catalog
    named = [
        (1, ((p.id, p.key) for p in c.pipelines)),
        (2, ((s.id, s.name) for s in c.stages)),
        (3, ((s.id, s.name) for s in c.sources)),
        (4, ((u.id, u.login) for u in c.users)),
        (5, ((b.id, b.name) for b in c.branches)),
        (6, ((p.id, p.name) for p in c.products)),
    ]
    tx.conn.exec_driver_sql(f"CREATE TEMP TABLE IF NOT EXISTS {_NAMES} (key INTEGER PRIMARY KEY, cell TEXT)")
    tx.conn.exec_driver_sql(f"DELETE FROM {_NAMES}")
    rows = [((kind << 32) + row_id, special(name)) for kind, pairs in named for row_id, name in pairs]
    tx.conn.exec_driver_sql(f"INSERT INTO {_NAMES} VALUES (?, ?)", rows)


def _used_columns(tx: ReadTx, keys: Sequence[str], found: ColumnElement[bool]) -> set[str]:
    """The columns that some lead of the export has a value in."""
    wanted = {c for key in keys for c in _columns_of(key)}
    used = {c for c in wanted if not t.lead.c[c].nullable}
    open_ = sorted(wanted - used)
    last = 0
    while open_:
        filled = " OR ".join(f"lead.{c} IS NOT NULL" for c in open_)
        row = tx.conn.execute(
            select(t.lead.c.id, *(t.lead.c[c].is_not(None).label(f"has_{c}") for c in open_))
            .where(found, t.lead.c.id > last, literal_column(f"({filled})"))
            .order_by(t.lead.c.id)
            .limit(1)
        ).one_or_none()
        if row is None:
            break
        last = row[0]
        used |= {c for c, has in zip(open_, row[1:], strict=True) if has}
        open_ = [c for c in open_ if c not in used]
    return used


def _columns_of(key: str) -> tuple[str, ...]:
    """The columns of `lead` whose being empty makes the cell empty."""
    match key:
        case "age":
            return ("date_of_birth",)
        case "total_amount":
            return ("installation_fee_minor", "monthly_fee_minor")
        case "brought_in_by_contact":
            return ("referrer_id",)
        case "phone" | "alt_phone":
            return (f"{key}_e164", f"{key}_raw")
        case "lost_reason":
            return ("lost_reason_id", "lost_note")
        case "is_converted" | "is_lost":
            return ("stage_id",)
        case _:
            column = None if key.startswith("custom.") else BY_KEY[key].column
            return (column,) if column else ()


def _cell(tx: ReadTx, key: str, used: set[str], today: date) -> str | None:
    """SQL of one finished cell (NULL for an empty one), or None where no lead has a value."""
    columns = _columns_of(key)
    if columns and not used.intersection(columns):
        return None
    if key.startswith("custom."):
        name = _literal(key.removeprefix("custom."))
        return _text(f"(SELECT value FROM lead_custom WHERE lead_id = lead.id AND key = {name})")
    if key in _LOOKUPS:
        kind, column = _LOOKUPS[key] << 32, BY_KEY[key].column
        names = tx.conn.exec_driver_sql(f"SELECT key, cell FROM {_NAMES} WHERE key >> 32 = ?", (_LOOKUPS[key],)).all()
        if 0 < len(names) <= _FEW:
            return f"CASE lead.{column} " + " ".join(f"WHEN {k - kind} THEN {_literal(c)}" for k, c in names) + " END"
        return f"(SELECT cell FROM temp.{_NAMES} WHERE key = lead.{column} + {kind})"
    match key:
        case "number":
            return "lead.number"  # letters, digits and dashes: the office's prefix may hold nothing else
        case "tags":
            return _tags(tx)
        case "phone" | "alt_phone":
            return f"coalesce(lead.{key}_e164, {_text(f'lead.{key}_raw')})"  # E.164 needs no look
        case "brought_in_by":
            return _text("person.name")
        case "brought_in_by_contact":
            return _text("coalesce(person.phone_e164, person.phone_raw)")
        case "is_converted" | "is_lost":
            ids = ", ".join(str(s.id) for s in tx.catalog.stages if getattr(s, key))
            return f"CASE WHEN lead.stage_id IN ({ids}) THEN 'yes' ELSE 'no' END"
        case "lost_reason":
            reason = "(SELECT name FROM lost_reason WHERE id = lead.lost_reason_id)"
            return _text(f"coalesce(lead.lost_note, {reason})")
        case "age":
            born = "lead.date_of_birth"
            iso = _literal(today.isoformat())
            return (
                f"coalesce(CAST(substr({iso},1,4) - substr({born},1,4) - "
                f"(substr({iso},6) < substr({born},6)) AS TEXT), '')"
            )
        case "total_amount":
            a, b = "lead.installation_fee_minor", "lead.monthly_fee_minor"
            return _money(tx, f"coalesce({a} + {b}, {a}, {b})")
        case "follow_up":
            at = "lead.next_follow_up_at"
            return (
                f"CASE WHEN {at} IS NULL THEN '' WHEN lead.next_follow_up_all_day THEN leadtui_day({at}) "
                f"ELSE {_moment(at)} END"
            )
    return _plain(tx, key)


def _plain(tx: ReadTx, key: str) -> str:
    """A field that is one column of its own."""
    f = BY_KEY[key]
    column = f"lead.{f.column}"
    match f.kind:
        case "money":
            return _money(tx, column)
        case "when":
            return _moment(column) if t.lead.c[f.column or ""].nullable else _MOMENT + column
        case "bool" | "tribool" | "computed":
            return f"CASE {column} WHEN 1 THEN 'yes' WHEN 0 THEN 'no' ELSE '' END"
        case "int" | "date":
            return column
        case "number":
            return f"CASE WHEN {column} IS NULL THEN '' ELSE leadtui_float({column}) END"
        case _:
            return _text(column)


def _tags(tx: ReadTx) -> str | None:
    """The tags, gathered once into a temporary table: most leads have none."""
    if tx.conn.execute(select(t.lead_tag.c.tag_id).limit(1)).first() is None:
        return None
    run = tx.conn.exec_driver_sql
    run(f"CREATE TEMP TABLE IF NOT EXISTS {_TAGS} (lead_id INTEGER PRIMARY KEY, cell TEXT)")
    run(f"DELETE FROM {_TAGS}")
    names = "SELECT lead_id, name FROM lead_tag JOIN tag ON tag.id = lead_tag.tag_id ORDER BY lead_id, tag.key"
    joined = f"SELECT lead_id, group_concat(name, ', ') AS v FROM ({names}) GROUP BY lead_id"
    run(f"INSERT INTO {_TAGS} SELECT lead_id, {_text('v')} FROM ({joined})")
    return f"(SELECT cell FROM temp.{_TAGS} WHERE lead_id = lead.id)"


def _text(sql: str) -> str:
    """A text cell: what `guard` may change or holds a quote goes to Python, a comma or line break is quoted here."""
    if sql.startswith("("):  # a subquery: read once
        return f"(SELECT {_text('cell.v')} FROM (SELECT {sql} AS v) AS cell)"
    first = f"{sql} GLOB '[''=@+' || char(9, 13) || '-]*'"
    inside = f"{sql} GLOB '*[\",' || char(10, 13) || ']*'"
    quoted = f"CASE WHEN instr({sql}, '\"') THEN leadtui_cell({sql}) ELSE '\"' || {sql} || '\"' END"
    return f"CASE WHEN {first} THEN leadtui_cell({sql}) WHEN {inside} THEN {quoted} ELSE {sql} END"


def _moment(column: str) -> str:
    return f"(substr({column}, 1, 10) || 'T' || substr({column}, 12, 8) || 'Z')"


def _money(tx: ReadTx, amount: str) -> str:
    places = exponent(tx.catalog.currency)
    if not places:
        return amount
    unit = 10**places
    return f"CASE WHEN {amount} IS NULL THEN '' ELSE printf('%d.%0{places}d', {amount} / {unit}, {amount} % {unit}) END"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _joined(cells: Sequence[str | None]) -> str:
    """The line, as one `printf`: it writes nothing for NULL and copies no half-made lines."""
    shown: list[str] = []
    arguments: list[str] = []
    for cell in cells:
        if cell is None:
            shown.append("")
        elif cell.startswith(_MOMENT):  # a moment that is never NULL: cut here, which costs half
            column = cell.removeprefix(_MOMENT)
            shown.append("%.10sT%.8sZ")
            arguments += [column, f"substr({column}, 12)"]
        else:
            shown.append("%s")
            arguments.append(cell)
    return ", ".join([f"printf('{','.join(shown)}'", *arguments]) + ")"
