"""Many new leads in one go: staged in a temporary table, then copied with all that hangs on them, table by table.

On SQLite one `INSERT … SELECT` lets the search trigger buffer its work (row by row it costs three times as long); on
PostgreSQL the stage is filled by COPY. Everything a value follows from has been computed before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Integer,
    MetaData,
    Table,
    Text,
    case,
    cast,
    func,
    insert,
    literal,
    null,
    select,
    text,
)

from leadtui.domain.keys import custom_key
from leadtui.store import schema as t
from leadtui.store.numbers import draw
from leadtui.store.types import UtcDateTime
from leadtui.store.unit_of_work import WriteTx

CHUNK = 20_000
_OWN = ("id", "number", "search_text", "referrer_id")  # known only inside the transaction
_SCORE = frozenset({"score", "score_raw", "score_at", "score_bonus", "score_version"})
_DEFAULTS: Mapping[str, Any] = {
    "score_bonus": 0,
    "score_version": 0,
    "has_router": False,
    "next_follow_up_all_day": True,
    "is_protected": False,
    "version": 1,
}


@dataclass(slots=True)
class NewLead:
    """A lead ready to be written: all its columns but id, number and referrer; `search_text` still lacks the number.

    `pack` takes the columns away.
    """

    columns: dict[str, Any]
    line: int
    referrer_id: int | None = None
    tag_ids: tuple[int, ...] = ()
    custom: Mapping[str, str] = field(default_factory=dict)
    lead_id: int = 0


@dataclass(frozen=True, slots=True)
class Packed:
    """New leads in the shape the database driver takes, made before the transaction begins."""

    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    audits: list[str]
    leads: Sequence[NewLead]


def pack(leads: Sequence[NewLead], *, sqlite: bool) -> Packed:
    """Bring leads into rows of driver values, and write their audit, for `insert_leads`."""
    used = set(_DEFAULTS)
    for lead in leads:
        used.update(lead.columns)
    names = tuple(c.name for c in t.lead.columns if c.name in used and c.name not in _OWN)
    drivers = {n: _sqlite_value(t.lead.c[n].type) if sqlite else None for n in names}
    moments = {n for n in names if isinstance(t.lead.c[n].type, UtcDateTime | Date)}
    empty: dict[str, Any] = {**dict.fromkeys(names), **_DEFAULTS}
    if sqlite:
        empty |= {n: int(v) for n, v in _DEFAULTS.items()}
    rows: list[tuple[Any, ...]] = []
    audits: list[str] = []
    # The same moment stands in most rows, and hashing one is slow: known by identity, and kept so that it stays one.
    known: dict[int, tuple[Any, str, Any]] = {}
    encode = json.JSONEncoder().encode
    for lead in leads:
        values = empty.copy()
        given: dict[str, Any] = {}
        for name, value in lead.columns.items():
            if value is None or name == "search_text":
                continue
            driver = drivers[name]
            if name in moments:
                both = known.get(id(value))
                if both is None:
                    both = known[id(value)] = (driver(value) if driver else value, value.isoformat(), value)
                values[name], told = both[:2]
            else:
                values[name], told = driver(value) if driver else value, value
            if name not in _SCORE:  # follows from all else, by rules of that day: no part of its history
                given[name] = told
        rows.append((lead.columns["search_text"], *values.values()))
        audits.append(encode(given)[1:])
        lead.columns = {}  # all of it is in the row now, which takes a third of the memory
    return Packed(names, rows, audits, leads)


def _sqlite_value(type_: Any) -> Callable[[Any], Any] | None:
    """How SQLite keeps a value of this column: the same text that SQLAlchemy would bind."""
    if isinstance(type_, UtcDateTime):
        return _sqlite_moment
    if isinstance(type_, Boolean):
        return int
    return date.isoformat if type_.python_type is date else None


def _sqlite_moment(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def insert_leads(
    tx: WriteTx, packed: Packed, *, subject: str, on_progress: Callable[[int], None] | None = None
) -> None:
    """Write packed leads with their first status, an activity `import` ("`subject` N"), follow-ups, audit, tags and
    custom fields, in the open batch. Sets `lead_id` of every lead."""
    count = len(packed.rows)
    if not count:
        return
    ids = draw_ids(tx, count)
    numbers = draw(tx, count)
    stage = _stage_table(packed.names)
    if tx.is_sqlite:  # two dozen indexes grow at once: a cache too small for them reads pages again and again
        tx.conn.exec_driver_sql("PRAGMA cache_size=-64000")
    stage.create(tx.conn)
    for start in range(0, count, CHUNK):
        rows = list(_staged(packed, ids, numbers, start, min(count, start + CHUNK)))
        _fill(tx, stage, rows)
        _copy(tx, stage, packed.names, subject)
        if on_progress is not None:
            on_progress(len(rows))
        tx.conn.execute(stage.delete())
    stage.drop(tx.conn)
    if tx.is_sqlite:
        tx.conn.exec_driver_sql("PRAGMA cache_size=-16000")
    for lead, lead_id in zip(packed.leads, ids, strict=True):
        lead.lead_id = lead_id
    _tags_and_custom(tx, packed.leads)


def draw_ids(tx: WriteTx, count: int) -> Sequence[int]:
    """Ids for new leads, never those of leads that were undone or purged: the audit still names them."""
    if tx.is_sqlite:
        known = select(func.max(t.lead.c.id)).scalar_subquery()
        told = select(func.max(t.audit.c.entity_id)).where(t.audit.c.entity == "lead").scalar_subquery()
        highest = tx.conn.execute(select(func.coalesce(known, 0), func.coalesce(told, 0))).one()
        first = max(highest) + 1
        return range(first, first + count)
    drawn = text("SELECT nextval(pg_get_serial_sequence('lead', 'id')) FROM generate_series(1, :n)")
    return sorted(tx.conn.execute(drawn, {"n": count}).scalars())


def _stage_table(names: Sequence[str]) -> Table:
    columns = [Column(n, t.lead.c[n].type) for n in names]
    return Table(
        "import_stage",
        MetaData(),
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("number", Text),
        Column("line", Integer),
        Column("audit", JSON),
        Column("search_text", Text),
        Column("referrer_id", Integer),
        *columns,
        prefixes=["TEMPORARY"],
    )


def _staged(
    packed: Packed, ids: Sequence[int], numbers: Sequence[str], start: int, end: int
) -> Iterator[tuple[Any, ...]]:
    for i in range(start, end):
        number, lead_id = numbers[i], ids[i]
        search, *values = packed.rows[i]
        lead, search = packed.leads[i], search + number.lower()
        told = f'{{"number": {json.dumps(number)}, "search_text": {json.dumps(search)}, '
        if lead.referrer_id is not None:
            told += f'"referrer_id": {lead.referrer_id}, '
        yield (lead_id, number, lead.line, told + packed.audits[i], search, lead.referrer_id, *values)


def _fill(tx: WriteTx, stage: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    names = ", ".join(f'"{c.name}"' for c in stage.columns)
    if tx.is_sqlite:
        marks = ", ".join("?" * len(stage.columns))
        tx.conn.exec_driver_sql(f"INSERT INTO import_stage ({names}) VALUES ({marks})", list(rows))
        return
    driver: Any = tx.conn.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY import_stage ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _copy(tx: WriteTx, stage: Table, names: Sequence[str], subject: str) -> None:
    """From the stage into the tables. The order of ids is the order of the file."""
    s, conn, now, by, batch = stage.c, tx.conn, tx.now, tx.actor.user_id, tx.batch_id
    at = literal(now, UtcDateTime())
    lead_columns = (*_OWN, *names)
    # What the trigger would write after it, so that it finds nothing to do.
    counted = [stage.id for stage in tx.catalog.stages if stage.is_step]
    furthest = case((s.stage_id.in_(counted), s.stage_id), else_=null())
    conn.execute(
        insert(t.lead).from_select(
            (*lead_columns, "furthest_stage_id"), select(*(s[n] for n in lead_columns), furthest).order_by(s.id)
        )
    )
    conn.execute(
        insert(t.stage_change).from_select(
            ["lead_id", "to_stage_id", "by_id", "at", "batch_id"],
            select(s.id, s.stage_id, literal(by), s.stage_changed_at, literal(batch)).order_by(s.id),
        )
    )
    said = literal(subject) + cast(s.line, Text)
    activity = [
        "lead_id",
        "type",
        "subject",
        "all_day",
        "completed_at",
        "created_by_id",
        "created_at",
        "updated_at",
        "batch_id",
    ]
    conn.execute(
        insert(t.activity).from_select(
            activity,
            select(s.id, literal("import"), said, literal(False), at, literal(by), at, at, literal(batch)).order_by(
                s.id
            ),
        )
    )
    if "next_follow_up_at" in names:
        owner = func.coalesce(s.assigned_to_id, by) if "assigned_to_id" in names else literal(by)
        conn.execute(
            insert(t.activity).from_select(
                [
                    "lead_id",
                    "type",
                    "subject",
                    "scheduled_at",
                    "all_day",
                    "assigned_to_id",
                    "created_by_id",
                    "created_at",
                    "updated_at",
                    "batch_id",
                ],
                select(
                    s.id,
                    literal("follow_up"),
                    literal("follow up"),
                    s.next_follow_up_at,
                    s.next_follow_up_all_day,
                    owner,
                    literal(by),
                    at,
                    at,
                    literal(batch),
                )
                .where(s.next_follow_up_at.is_not(None))
                .order_by(s.id),
            )
        )
    conn.execute(
        insert(t.audit).from_select(
            ["at", "user_id", "origin", "action", "entity", "entity_id", "before_json", "after_json", "batch_id"],
            select(
                at,
                literal(by),
                literal(tx.origin),
                literal("create"),
                literal("lead"),
                s.id,
                null(),
                s.audit,
                literal(batch),
            ).order_by(s.id),
        )
    )


def _tags_and_custom(tx: WriteTx, leads: Sequence[NewLead]) -> None:
    tags = [{"lead_id": lead.lead_id, "tag_id": tag_id} for lead in leads for tag_id in lead.tag_ids]
    if tags:
        tx.conn.execute(t.lead_tag.insert(), tags)
    custom = [
        {"lead_id": lead.lead_id, "key": key, "value": value, "value_key": custom_key(value)}
        for lead in leads
        for key, value in lead.custom.items()
        if value
    ]
    if custom:
        tx.conn.execute(t.lead_custom.insert(), custom)


def people(tx: WriteTx, wanted: Sequence[tuple[str, str, tuple[str, str] | None]]) -> list[int]:
    """The ids of people (name, folded name, phone), found or made, by the rule of `lead_writes.person_for`."""
    p = t.person.c
    wanted = [(name, key[:300], phone) for name, key, phone in wanted]  # as `lead_values.person_key` cuts it
    keys = sorted({key for _, key, _ in wanted})
    known: dict[str, list[tuple[int, str | None]]] = {}
    for start in range(0, len(keys), 5_000):
        query = select(p.id, p.name_key, p.phone_e164).where(p.name_key.in_(keys[start : start + 5_000])).order_by(p.id)
        for row in tx.conn.execute(query):
            known.setdefault(row.name_key, []).append((row.id, row.phone_e164))
    found: list[int | None] = []
    missing: list[dict[str, Any]] = []
    waiting: dict[str, list[tuple[str | None, int]]] = {}
    places: list[int] = []
    for name, key, phone in wanted:
        e164 = phone[0] if phone else None
        same = known.get(key, [])
        hit = next((i for i, had in same if e164 is None or had == e164), None)
        index = -1
        if hit is None:
            new = waiting.setdefault(key, [])
            index = next((place for had, place in new if e164 is None or had == e164), -1)
            if index < 0:
                index = len(missing)
                new.append((e164, index))
                missing.append(
                    {
                        "name": name,
                        "name_key": key,
                        "phone_e164": e164,
                        "phone_raw": phone[1] if phone else None,
                        "is_active": True,
                    }
                )
        found.append(hit)
        places.append(index)
    made: list[int] = []
    if missing:
        statement = insert(t.person).returning(p.id, sort_by_parameter_order=True)
        made = list(tx.conn.execute(statement, missing).scalars())
    return [hit if hit is not None else made[place] for hit, place in zip(found, places, strict=True)]
