"""`lead import` and `lead export`: other people's files in, ours out."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import complete
from leadtui.cli.context import note, office, options, warn
from leadtui.cli.output import emit, writing_result
from leadtui.errors import PartlyDone, Refused, UsageError
from leadtui.text import strip_controls

if TYPE_CHECKING:
    from leadtui.services.importing import ImportResult

_SHOWN = 20


def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="CSV, XLSX, JSON lines or vCards; - for standard input")],
    map_: Annotated[
        list[str] | None, typer.Option("--map", metavar="COLUMN=FIELD", help="what a column is; FIELD - leaves it out")
    ] = None,
    on_duplicate: Annotated[
        str, typer.Option("--on-duplicate", metavar="skip|fill|update|create", help="what to do with leads that exist")
    ] = "skip",
    good_rows_only: Annotated[
        bool, typer.Option("--good-rows-only", help="write the good rows even if others are bad")
    ] = False,
    rejects: Annotated[
        Path | None, typer.Option("--rejects", metavar="FILE", help="put bad rows there, to mend and import again")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would happen, write nothing")] = False,
) -> None:
    """Import leads from a file: one batch, one undo. A bad row refuses the whole file unless --good-rows-only."""
    from leadtui.services.importing import run_import

    mapping = _mapping(map_ or [])
    source: Any = sys.stdin.buffer if file == "-" else Path(file)
    with office() as opened, progress("importing") as tell:
        result = run_import(
            opened, source, mapping=mapping, on_duplicate=on_duplicate, good_rows_only=good_rows_only, rejects=rejects,
            dry_run=dry_run, on_progress=tell,
        )  # fmt: skip
    for sentence in result.warnings:
        warn(sentence)
    emit(result.as_json(), lambda: _result_text(result))
    _end(result)


def _mapping(pairs: list[str]) -> dict[str, str]:
    """COLUMN=FIELD options; a column's name may hold `=` itself, a field's cannot."""
    found: dict[str, str] = {}
    for pair in pairs:
        column, equals, field = pair.rpartition("=")
        if not equals or not column.strip():
            raise UsageError(f"--map '{pair}' is not COLUMN=FIELD", field="map", hint='such as --map "Simu=phone"')
        found[column] = field
    return found


def _result_text(result: ImportResult) -> str:
    counts = f"{result.created:,} created, {result.updated:,} updated, {result.skipped:,} skipped, "
    lines = [f"{result.rows:,} rows: {counts}{result.failed:,} failed"]
    if result.dry_run:
        lines[0] = f"dry run, nothing was written. {lines[0]}"
    for error in result.errors[:_SHOWN]:
        where = f"line {error.line}" + (f", {error.field}" if error.field else "")
        lines.append(f"  {where}: {error.message}" + (f" ({error.hint})" if error.hint else ""))
    if len(result.errors) > _SHOWN:
        lines.append("  …")
    if result.rejects:
        lines.append(f"the bad rows are in {result.rejects}: mend them and import that file")
    if result.batch is not None:
        lines.append(f"take it back with: leadtui undo {result.batch}")
    return "\n".join(lines)


def _end(result: ImportResult) -> None:
    """Exit 5 when rows were bad (contract answer 3)."""
    if result.refused:
        first = result.errors[0] if result.errors else None
        what = "would be refused" if result.dry_run else "was refused, nothing was imported"
        bad = "1 row is" if result.failed == 1 else f"{result.failed:,} rows are"
        named = f"; line {first.line}: {first.message}" if first else ""
        raise Refused(
            f"the file {what}: {bad} bad{named}", code="bad_rows", field=first.field if first else None,
            hint="mend the file, or import the others with --good-rows-only --rejects FILE",
        )  # fmt: skip
    if result.failed:
        raise PartlyDone(
            f"{result.failed:,} of {result.rows:,} rows failed", hint="the result names them and why",
            data={"failed": result.failed, "total": result.rows},
        )  # fmt: skip


def export(
    terms: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILTER]...", help="such as status:new -tag:vip; else all", autocompletion=complete.filter_terms
        ),
    ] = None,
    format_: Annotated[
        str | None, typer.Option("--format", metavar="csv|jsonl|xlsx|vcf", help="else what --out ends in, or csv")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="write there instead of standard output")
    ] = None,
) -> None:
    """Export what a filter finds, with every field; the CSV can be imported again."""
    from leadtui.cli.lead_find import filter_text, pointed_at
    from leadtui.services.exporting import export as write
    from leadtui.services.exporting import export_file, format_for

    if out is None and options().json:
        raise UsageError("--json needs --out FILE: the export itself goes to standard output", field="json",
                         hint="for JSON lines: --format jsonl")  # fmt: skip
    chosen = format_ or (format_for(out) if out is not None else "csv")
    if out is None and chosen == "xlsx" and sys.stdout.isatty():
        raise UsageError("a spreadsheet cannot be shown here", field="out", hint="add --out leads.xlsx")
    with office() as opened:
        where = filter_text(opened, terms)
        with pointed_at(where), progress("exporting") as tell:
            watch = (lambda done, total: tell(done, total, "writing leads")) if tell is not None else None
            if out is None:
                with writing_result():
                    write(opened, where, format=chosen, out=sys.stdout.buffer, on_progress=watch)
                    sys.stdout.buffer.flush()
                return
            count = export_file(opened, where, out, format=chosen, on_progress=watch)
    document = {"exported": count, "format": chosen, "out": str(out)}
    emit(document, lambda: f"{count:,} lead{'' if count == 1 else 's'} exported to {out}")


@contextlib.contextmanager
def progress(title: str) -> Iterator[Callable[[int, int, str], None] | None]:
    """A progress bar on standard error when a person is there to see it; ctrl-c stops, nothing is left behind."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def tell(done: int, total: int, words: str) -> None:
            bar.update(task, completed=done, total=total or None, description=strip_controls(words))

        yield tell
    if not options().json:
        note("")


def register(app: typer.Typer) -> None:
    """Put the verbs on `lead`."""
    app.command("import")(import_)
    app.command("export")(export)
