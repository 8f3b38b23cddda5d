"""An import from file to batch: read, map, prepare and compare outside of any write; then one short transaction."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, text, update

from leadtui.domain.csv_mapping import HeaderMap, header_hash, map_headers
from leadtui.domain.fields import BY_KEY
from leadtui.errors import Invalid, Refused
from leadtui.services import unassigned
from leadtui.services.importing.creating import Creation, Creator, settle
from leadtui.services.importing.matching import POLICIES, Decision, decide
from leadtui.services.importing.preparing import Prepared, Preparer
from leadtui.services.importing.reading import Input, SourceFile, read_source
from leadtui.services.importing.results import ImportPlan, ImportResult, first_errors, write_rejects
from leadtui.services.importing.updating import Updates, update_leads
from leadtui.services.lead_values import ValueContext
from leadtui.services.lead_writes import require
from leadtui.store import schema as t
from leadtui.store.bulk_leads import Packed, insert_leads, pack
from leadtui.store.unit_of_work import ReadTx, WriteTx

if TYPE_CHECKING:
    from leadtui.services.office import Office

Progress = Callable[[int, int, str], None]
ShouldStop = Callable[[], bool]
_STEP = 2_000
_SAMPLES = 8
_REMEMBERED = 50
_PG_LOCK = 7_203_116
_ATTEMPTS = 4


class ImportStopped(Exception):
    """The person stopped the import; nothing was written."""


class _Undone(Exception):
    """Carries the result of a dry run out of its transaction, which is rolled back."""


@dataclass(frozen=True, slots=True)
class _Options:
    mapping: Mapping[str, str] | None
    on_duplicate: str
    good_rows_only: bool
    rejects: Path | None
    dry_run: bool


@dataclass(slots=True)
class _Work:
    """Everything known before the write: as the store stood at `mark`."""

    file: SourceFile
    headers: HeaderMap
    preparer: Preparer
    rows: list[Prepared]
    decision: Decision
    made: Creation
    packed: Packed | None
    catalog_version: int
    mark: int


def plan_import(
    office: Office, source: Input, *, mapping: Mapping[str, str] | None = None, name: str | None = None
) -> ImportPlan:
    """How a file would be read and which column would feed which field. Writes nothing; needs `import`."""
    with office.read() as tx:
        require(tx, "import")
    file = read_source(source, name=name)
    with office.read() as tx:
        headers = _map(tx, file, mapping)
        before = tx.conn.execute(
            select(t.import_run.c.at, t.user.c.login)
            .join(t.user, t.user.c.id == t.import_run.c.by_id)
            .where(t.import_run.c.file_sha256 == file.sha256)
            .order_by(t.import_run.c.id.desc())
        ).first()
        said = f"{before.at.astimezone(tx.catalog.tz):%Y-%m-%d %H:%M} by {before.login}" if before else None
    table = file.table
    samples = tuple(tuple(record.cells) for record in table.records[:_SAMPLES])
    return ImportPlan(
        file.name, file.kind, table.encoding, table.delimiter, len(table.records), headers.columns, headers.unknown,
        samples, tuple(table.warnings), said,
    )  # fmt: skip


def run_import(
    office: Office, source: Input, *, mapping: Mapping[str, str] | None = None, on_duplicate: str = "skip",
    good_rows_only: bool = False, rejects: Path | str | None = None, dry_run: bool = False, name: str | None = None,
    on_progress: Progress | None = None, should_stop: ShouldStop | None = None,
) -> ImportResult:  # fmt: skip
    """Import a file as one batch with one undo. Bad rows refuse the whole file unless `good_rows_only`.

    `mapping` is COLUMN → FIELD beside what the headings say. `on_progress(done, total, words)`.
    Raises NotPermitted, Invalid (file, map, on_duplicate), Refused (no rows, no known column), ImportStopped.
    """
    if on_duplicate not in POLICIES:
        raise Invalid(f"'{on_duplicate}' is not a way to treat duplicates", field="on_duplicate",
                      hint=f"one of: {', '.join(POLICIES)}")  # fmt: skip
    options = _Options(mapping, on_duplicate, good_rows_only, Path(rejects) if rejects else None, dry_run)
    tell = _Teller(on_progress, should_stop)
    with office.read() as tx:
        require(tx, "import")
        require(tx, "create")
    with _no_collector():
        tell(0, 0, "reading the file")
        file = read_source(source, name=name)
        for _ in range(_ATTEMPTS):
            result = _write(office, _prepare(office, file, options, tell), options, tell)
            if result is not None:
                return result  # else the office's tables moved meanwhile: read all texts anew
    raise Refused("the office's settings keep changing", code="conflict", hint="try again in a moment")


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    """Millions of rows and cells make no cycles; looking for them again and again costs a twentieth of an import."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Teller:
    """Progress and stop in one: called now and then, also inside the transaction."""

    def __init__(self, on_progress: Progress | None, should_stop: ShouldStop | None) -> None:
        self._tell, self._should_stop = on_progress, should_stop

    def __call__(self, done: int, total: int, words: str) -> None:
        if self._should_stop is not None and self._should_stop():
            raise ImportStopped
        if self._tell is not None:
            self._tell(done, total, words)


# -- before the write -------------------------------------------------------------------------------------------------
def _map(tx: ReadTx, file: SourceFile, mapping: Mapping[str, str] | None) -> HeaderMap:
    """The plan of the columns: by what was said now, what was said last time for these headings, their names."""
    headers = file.table.headers
    hidden = tx.actor.hidden_fields
    found = map_headers(headers, chosen=mapping, remembered=_remembered(tx, headers), hidden=hidden)
    if not found.targets:
        shown = ", ".join(repr(h) for h in headers[:10])
        raise Refused(
            f"no column of {file.name} is a field of a lead: {shown}", code="no_columns", field="map",
            hint="the first row must name the columns, such as name,phone,source; or say --map COLUMN=FIELD",
        )  # fmt: skip
    return found


def _remembered(tx: ReadTx, headers: list[str]) -> dict[str, str | None]:
    """What the same headings meant the last time somebody said so."""
    wanted = header_hash(headers)
    query = select(t.import_run.c.mapping_json).order_by(t.import_run.c.id.desc()).limit(_REMEMBERED)
    for stored in tx.conn.execute(query).scalars():
        if isinstance(stored, dict) and stored.get("headers") == wanted:
            columns = stored.get("chosen")
            return dict(columns) if isinstance(columns, dict) else {}
    return {}


def _prepare(office: Office, file: SourceFile, options: _Options, tell: _Teller) -> _Work:
    """Everything that can be known outside of the write transaction."""
    records = file.table.records
    with office.read() as tx:
        headers = _map(tx, file, options.mapping)
        ctx = ValueContext(tx.catalog, tx.actor, tx.now, tx.catalog.default_pipeline.id)
        creator = Creator(tx)
    preparer = Preparer(headers, records, ctx, guarded=file.kind == "csv")
    rows: list[Prepared] = []
    for start in range(0, len(records), _STEP):
        tell(start, len(records), "reading the rows")
        rows += map(preparer.row, records[start : start + _STEP])
    for row in rows:
        creator.check(row)
    with office.read() as tx:
        tell(len(rows), len(rows), "looking for duplicates")
        work = _Work(file, headers, preparer, rows, Decision(), Creation(), None, tx.catalog.version, 0)
        _decide(tx, work, options, creator)
    return work


def _decide(tx: ReadTx, work: _Work, options: _Options, creator: Creator) -> None:
    """What becomes of each row as the store stands in this transaction."""
    decision = decide(tx, work.rows, options.on_duplicate)
    work.mark = _mark(tx)
    if work.packed is not None and decision.same_as(work.decision):
        return
    work.decision = decision
    work.made, work.packed = Creation(), None
    if not work.decision.failed or options.good_rows_only:
        work.made = creator.new_leads(work.rows, work.decision, overwrite=options.on_duplicate == "update")
        if not options.dry_run:
            work.packed = pack(work.made.leads, sqlite=tx.is_sqlite)


def _mark(tx: ReadTx) -> int:
    """A number that moves with every write of anybody."""
    return int(tx.conn.execute(select(func.max(t.audit.c.id))).scalar() or 0)


# -- the write --------------------------------------------------------------------------------------------------------
def _write(office: Office, work: _Work, options: _Options, tell: _Teller) -> ImportResult | None:
    """Write what was decided, or say why not. None when the office's tables changed since the rows were read."""
    decision = work.decision
    if (decision.failed and not options.good_rows_only) or not (decision.create or decision.update):
        return _finish(work, options, Updates(), None)
    if options.dry_run and not decision.update:
        return _finish(work, options, Updates(), None)
    undone: ImportResult | None = None
    try:
        with office.write() as tx:
            require(tx, "import")
            if tx.catalog.version != work.catalog_version:
                return None
            if not tx.is_sqlite:
                tx.conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _PG_LOCK})
            if _mark(tx) != work.mark:
                _decide(tx, work, options, Creator(tx))
            undone = _write_in(tx, work, options, tell)
            if options.dry_run or undone.refused:
                raise _Undone
    except _Undone:
        pass
    return undone


def _write_in(tx: WriteTx, work: _Work, options: _Options, tell: _Teller) -> ImportResult:
    decision, name = work.decision, work.file.name
    if decision.failed and not options.good_rows_only:
        return _finish(work, options, Updates(), None)
    batch = tx.open_batch("import", f"import {name}")
    done = update_leads(tx, decision.update, work.rows, work.preparer, overwrite=options.on_duplicate == "update",
                        on_row=lambda: tell(0, 0, "changing leads"))  # fmt: skip
    decision.failed += done.failed
    if done.failed and not options.good_rows_only:
        return _finish(work, options, Updates(), None)
    total = len(work.made.leads)
    if work.packed is not None and total:
        settle(tx, work.made)
        written = 0

        def count(rows: int) -> None:
            nonlocal written
            written += rows
            tell(written, total, "writing leads")

        tell(0, total, "writing leads")
        insert_leads(tx, work.packed, subject=f"imported from {name[:180]}, row ", on_progress=count)
        if tx.catalog.settings.get("auto_assign") == "all":
            unassigned.enqueue_import(tx)
    result = _finish(work, options, done, batch)
    if not options.dry_run:
        _keep_run(tx, work, options, result)
        tx.flush()
        touched = len(set(done.lead_ids)) + total
        tx.conn.execute(update(t.batch).where(t.batch.c.id == batch).values(count=touched))
    return result


def _keep_run(tx: WriteTx, work: _Work, options: _Options, result: ImportResult) -> None:
    chosen = {c.header: c.target for c in work.headers.columns if c.note in ("as you said", "as last time")}
    tx.conn.execute(
        insert(t.import_run).values(
            file_name=work.file.name, file_sha256=work.file.sha256, rows=result.rows, created=result.created,
            updated=result.updated, skipped=result.skipped, failed=result.failed, batch_id=tx.batch_id,
            report_path=str(options.rejects) if options.rejects and result.failed else None, by_id=tx.actor.user_id,
            at=tx.now,
            mapping_json={"headers": header_hash(work.file.table.headers), "columns": work.headers.as_json(),
                          "chosen": chosen},
        )
    )  # fmt: skip


def _finish(work: _Work, options: _Options, done: Updates, batch: int | None) -> ImportResult:
    """The answer, and the rejects file."""
    decision, rows = work.decision, work.rows
    decision.failed.sort()
    for index, error in decision.refusals.items():
        rows[index].errors.append(error)
    refused = bool(decision.failed) and not options.good_rows_only
    merged = 0 if refused else sum(map(len, decision.merge.values()))
    result = ImportResult(
        rows=len(rows), created=0 if refused else len(decision.create), updated=done.updated + merged,
        skipped=decision.skipped + done.skipped, failed=len(decision.failed), batch=None if options.dry_run else batch,
        refused=refused, dry_run=options.dry_run, errors=first_errors(rows, decision.failed),
        skips=tuple(decision.skips), warnings=_warnings(work), unknown=work.headers.unknown,
    )  # fmt: skip
    if refused:
        result.batch = None
    if options.rejects and decision.failed and not options.dry_run:
        headers = work.file.table.headers
        result.rejects = write_rejects(options.rejects, headers, [rows[i] for i in decision.failed])
    return result


def _warnings(work: _Work) -> list[str]:
    found = [*work.file.table.warnings, *work.preparer.warnings]
    if work.headers.unknown:
        names = ", ".join(work.headers.unknown[:10])
        found.append(f"columns left out, they name no field: {names} (take one with --map COLUMN=FIELD)")
    for target, cells in work.headers.targets.items():
        if len(cells) > 1 and work.headers.join(target) == "first":
            label = BY_KEY[target].label if target in BY_KEY else target
            names = ", ".join(work.file.table.headers[i] for i in cells)
            found.append(f"several columns mean {label.lower()} ({names}): the first that holds something is taken")
    if unlikely := work.preparer.unlikely_phones:
        found.append(f"{unlikely:,} unlikely phone number{'s are' if unlikely > 1 else ' is'} kept as typed")
    if converted := work.made.converted:
        found.append(f"{converted:,} lead{'s come' if converted > 1 else ' comes'} in as converted: "
                     "no customer and no router user is made for them")  # fmt: skip
    return found
