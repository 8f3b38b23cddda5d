"""Export: what a filter finds, with every field, as CSV, JSON lines, XLSX or vCards (spec §Y, contract `lead export`).

    export(office, where, format="csv", out=binary_stream, ids=None, on_progress=None, should_stop=None) -> int
    export_file(office, where, path, …) -> int      # the file appears whole or not at all

Needs the permission `export`; its scope, and that of `read`, are in the query itself. Fields hidden from the role are
left out. The CSV is imported again unchanged: headers are field names, cells a spreadsheet would run carry an
apostrophe that the import takes off.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from sqlalchemy import ColumnElement, and_, func, select

from leadtui.domain.csv_text import guard
from leadtui.domain.dates import iso_z, local_day
from leadtui.domain.fields import BY_KEY, LEAD_FIELDS
from leadtui.domain.filters import Node
from leadtui.domain.lead_filters import parse_lead_filter
from leadtui.domain.money import to_json, total
from leadtui.errors import Invalid, NotPermitted
from leadtui.services.lead_values import age_on
from leadtui.services.whole_file import whole_file
from leadtui.store import schema as t
from leadtui.store.export_sql import csv_lines
from leadtui.store.leads import condition
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx

if TYPE_CHECKING:
    from leadtui.services.office import Office

FORMATS = ("csv", "jsonl", "xlsx", "vcf")
SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".xlsx": "xlsx", ".vcf": "vcf"}
_CHUNK = 2_000
_NAMES = {"follow_up": "next_follow_up"}  # the lead object's word for it (contract)

Progress = Callable[[int, int], None]
ShouldStop = Callable[[], bool]
Record = Mapping[str, Any]


class Stopped(Exception):
    """The person stopped the export; nothing is kept of it."""


def format_for(path: Path | str) -> str:
    """The format that a file name asks for; CSV when it says nothing."""
    return SUFFIXES.get(Path(path).suffix.casefold(), "csv")


def export_file(
    office: Office, where: str | Node | None, path: Path, *, format: str | None = None,
    ids: Sequence[int] | None = None, on_progress: Progress | None = None, should_stop: ShouldStop | None = None,
) -> int:  # fmt: skip
    """Export to a file, which is there whole or, after an error or a stop, as it was before. Returns the count."""
    path = path.expanduser()
    with whole_file(path, field="out") as out:
        return export(office, where, format=format or format_for(path), out=out, ids=ids,
                      on_progress=on_progress, should_stop=should_stop)  # fmt: skip


def export(
    office: Office, where: str | Node | None = None, *, format: str = "csv", out: BinaryIO,
    ids: Sequence[int] | None = None, on_progress: Progress | None = None, should_stop: ShouldStop | None = None,
) -> int:  # fmt: skip
    """Write what the filter finds (and, with `ids`, only those of it) to `out`, by id. Returns how many leads.

    Raises NotPermitted, FilterError, Invalid (unknown format), Refused (too many rows for XLSX), Stopped.
    """
    if format not in FORMATS:
        names = ", ".join(FORMATS)
        raise Invalid(f"'{format}' is not a format leadtui writes", field="format", hint=f"one of: {names}")
    with office.read() as tx:
        if not tx.actor.may("export"):
            raise NotPermitted("you may not export leads", hint="it needs the permission 'export'")
        node = parse_lead_filter(where, tx.actor.hidden_fields) if isinstance(where, str) else where
        found = and_(condition(tx, node, action="export"), scope_clause(tx.actor, "read"))
        if ids is not None:
            found = and_(found, t.lead.c.id.in_(list(ids)))
        report = _Reporter(tx, found, on_progress, should_stop)
        return _WRITERS[format](tx, found, out, report)


class _Reporter:
    """Counts what was written, tells it, and stops when asked to."""

    def __init__(
        self, tx: ReadTx, found: ColumnElement[bool], on_progress: Progress | None, should_stop: ShouldStop | None
    ) -> None:
        self.done = 0
        self._tell, self._should_stop = on_progress, should_stop
        self.total = 0
        if on_progress is not None:
            query = select(func.count()).select_from(t.lead).where(found)
            self.total = int(tx.conn.execute(query).scalar_one())

    def __call__(self, count: int) -> None:
        self.done += count
        if self._should_stop is not None and self._should_stop():
            raise Stopped
        if self._tell is not None:
            self._tell(self.done, self.total)


class _Writer(Protocol):
    def __call__(self, tx: ReadTx, found: ColumnElement[bool], out: BinaryIO, report: _Reporter) -> int: ...


# -- what is exported -------------------------------------------------------------------------------------------------
def keys_of(tx: ReadTx, found: ColumnElement[bool]) -> list[str]:
    """The fields this actor may see, in the catalogue's order, and the custom fields in use as `custom.NAME`."""
    keys = [f.key for f in LEAD_FIELDS if f.key not in tx.actor.hidden_fields]
    names = tx.conn.execute(
        select(t.lead_custom.c.key)
        .join(t.lead, t.lead.c.id == t.lead_custom.c.lead_id)
        .where(found)
        .distinct()
        .order_by(t.lead_custom.c.key)
    ).scalars()
    return keys + [f"custom.{name}" for name in names if f"custom.{name}" not in tx.actor.hidden_fields]


def header_of(key: str) -> str:
    """The column heading of a field: a name that import accepts."""
    return _NAMES.get(key, key)


def records(tx: ReadTx, keys: Sequence[str], found: ColumnElement[bool]) -> Iterator[list[Record]]:
    """Chunks of leads by id, each a mapping of `keys` to plain values: money as decimal text, dates as ISO text."""
    person = t.person.c
    query = (
        select(t.lead, person.name.label("by_name"), t.lost_reason.c.name.label("lost_name"),
               func.coalesce(person.phone_e164, person.phone_raw).label("by_phone"))
        .select_from(
            t.lead.outerjoin(t.person, person.id == t.lead.c.referrer_id)
            .outerjoin(t.lost_reason, t.lost_reason.c.id == t.lead.c.lost_reason_id)
        )
        .where(found)
        .order_by(t.lead.c.id)
        .execution_options(yield_per=_CHUNK)
    )  # fmt: skip
    readers = [(key, _reader(tx, key)) for key in keys if key != "tags" and not key.startswith("custom.")]
    customs = [key for key in keys if key.startswith("custom.")]
    names = ("id", *(key for key, _ in readers), "tags", *customs)
    result = tx.conn.execute(query)
    heads = list(result.keys())
    for chunk in result.partitions():
        # Field by field instead of row by row: most fields are taken as they are.
        columns: _Columns = dict(zip(heads, zip(*chunk, strict=True), strict=True))
        ids = columns["id"]
        tags = _tags(tx, ids) if "tags" in keys else {}
        custom = _custom(tx, ids) if customs else {}
        values = [ids, *(read(columns) for _, read in readers), [tags.get(i, []) for i in ids]]
        values += [[custom.get((i, key[7:])) for i in ids] for key in customs]
        yield [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


_Columns = Mapping[str, Sequence[Any]]


def _each(change: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    """`change` of each value that is there."""
    return [None if v is None else change(v) for v in values]


def _reader(tx: ReadTx, key: str) -> Callable[[_Columns], Sequence[Any]]:
    """How a field is read from a chunk of rows."""
    c, currency, tz = tx.catalog, tx.catalog.currency, tx.catalog.tz
    f = BY_KEY[key]
    column = f.column or ""
    names: Mapping[str, Mapping[int, str]] = {
        "pipeline": {p.id: p.key for p in c.pipelines}, "stage": {s.id: s.name for s in c.stages},
        "source": {s.id: s.name for s in c.sources}, "user": {u.id: u.login for u in c.users},
        "branch": {b.id: b.name for b in c.branches}, "product": {p.id: p.name for p in c.products},
    }  # fmt: skip
    if f.lookup:
        by_id = names[f.lookup]
        return lambda rows: [by_id.get(v) for v in rows[column]]
    match key:
        case "phone" | "alt_phone":
            return lambda rows: [a or b for a, b in zip(rows[f"{key}_e164"], rows[f"{key}_raw"], strict=True)]
        case "brought_in_by":
            return lambda rows: rows["by_name"]
        case "brought_in_by_contact":
            return lambda rows: rows["by_phone"]
        case "is_converted" | "is_lost":
            stages = {s.id for s in c.stages if getattr(s, key)}
            return lambda rows: [v in stages for v in rows["stage_id"]]
        case "lost_reason":
            return lambda rows: [a or b for a, b in zip(rows["lost_note"], rows["lost_name"], strict=True)]
        case "age":
            return lambda rows: [age_on(v, tx.now) for v in rows["date_of_birth"]]
        case "total_amount":
            fees = ("installation_fee_minor", "monthly_fee_minor")
            return lambda rows: [
                to_json(total(a, b), currency) for a, b in zip(*(rows[fee] for fee in fees), strict=True)
            ]
        case "follow_up":
            return lambda rows: [
                None if at is None else local_day(at, tz).isoformat() if all_day else iso_z(at)
                for at, all_day in zip(rows["next_follow_up_at"], rows["next_follow_up_all_day"], strict=True)
            ]
    match f.kind:
        case "money":
            return lambda rows: _each(lambda v: to_json(v, currency), rows[column])
        case "when":
            return lambda rows: _each(iso_z, rows[column])
        case "date":
            return lambda rows: _each(lambda v: v.isoformat(), rows[column])
        case _:
            return lambda rows: rows[column]


def _tags(tx: ReadTx, ids: Sequence[int]) -> dict[int, list[str]]:
    query = (
        select(t.lead_tag.c.lead_id, t.tag.c.name)
        .join(t.tag, t.tag.c.id == t.lead_tag.c.tag_id)
        .where(t.lead_tag.c.lead_id.in_(ids))
        .order_by(t.tag.c.key)
    )
    found: dict[int, list[str]] = {}
    for lead_id, name in tx.conn.execute(query):
        found.setdefault(lead_id, []).append(name)
    return found


def _custom(tx: ReadTx, ids: Sequence[int]) -> dict[tuple[int, str], str]:
    c = t.lead_custom.c
    rows = tx.conn.execute(select(c.lead_id, c.key, c.value).where(c.lead_id.in_(ids)))
    return {(r.lead_id, r.key): r.value for r in rows}


# -- CSV --------------------------------------------------------------------------------------------------------------
def csv_cell(text: str) -> str:
    """One finished CSV cell: guarded against spreadsheets, quoted where needed."""
    text = guard(text)
    if any(c in text for c in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text


def cell_text(value: Any) -> str:
    """A value of a record as the text of a cell."""
    if value is None:
        return ""
    if value is True or value is False:
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _csv(tx: ReadTx, found: ColumnElement[bool], out: BinaryIO, report: _Reporter) -> int:
    keys = keys_of(tx, found)
    out.write((",".join(csv_cell(header_of(key)) for key in keys) + "\n").encode())
    for lines in _csv_chunks(tx, keys, found):
        out.write(("\n".join(lines) + "\n").encode())
        report(len(lines))
    return report.done


def _csv_chunks(tx: ReadTx, keys: Sequence[str], found: ColumnElement[bool]) -> Iterable[list[str]]:
    if tx.is_sqlite:
        tz = tx.catalog.tz
        return csv_lines(tx, keys, found, special=csv_cell, day=lambda at: local_day(at, tz).isoformat(),
                         today=tx.now.date())  # fmt: skip
    return csv_lines_from_rows(tx, keys, found)


def csv_lines_from_rows(tx: ReadTx, keys: Sequence[str], found: ColumnElement[bool]) -> Iterator[list[str]]:
    """The same lines as `store.export_sql`, made from rows on any database."""
    for chunk in records(tx, keys, found):
        yield [",".join(csv_cell(cell_text(record[key])) for key in keys) for record in chunk]


# -- the other formats ------------------------------------------------------------------------------------------------
def _jsonl(tx: ReadTx, found: ColumnElement[bool], out: BinaryIO, report: _Reporter) -> int:
    keys = keys_of(tx, found)
    for chunk in records(tx, keys, found):
        out.write("".join(json.dumps(_json_object(r, keys), ensure_ascii=False) + "\n" for r in chunk).encode())
        report(len(chunk))
    return report.done


def _json_object(record: Record, keys: Sequence[str]) -> dict[str, Any]:
    plain: dict[str, Any] = {"id": record["id"]}
    plain |= {header_of(key): record[key] for key in keys if not key.startswith("custom.")}
    plain["custom"] = {key[7:]: record[key] for key in keys if key.startswith("custom.") and record[key] is not None}
    return plain


def _xlsx(tx: ReadTx, found: ColumnElement[bool], out: BinaryIO, report: _Reporter) -> int:
    from leadtui.services.export_formats import XlsxWriter

    keys = keys_of(tx, found)
    writer = XlsxWriter([header_of(key) for key in keys])
    for chunk in records(tx, keys, found):
        for record in chunk:
            writer.add([cell_text(record[key]) for key in keys])
        report(len(chunk))
    writer.save(out)
    return report.done


def _vcf(tx: ReadTx, found: ColumnElement[bool], out: BinaryIO, report: _Reporter) -> int:
    from leadtui.services.export_formats import vcard

    for chunk in records(tx, keys_of(tx, found), found):
        out.write("".join(vcard(record) for record in chunk).encode())
        report(len(chunk))
    return report.done


_WRITERS: Mapping[str, _Writer] = {"csv": _csv, "jsonl": _jsonl, "xlsx": _xlsx, "vcf": _vcf}
