"""`leadtui suppression`: addresses that want no messages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import tree
from leadtui.cli.context import note, office, options, warn
from leadtui.cli.output import emit, emit_partly, table, writing_result
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.cli.render import View
    from leadtui.services.suppressions import Imported, SuppressionRow

app = tree.noun("Addresses that want no messages; they outlive their leads, and every import")

On = Annotated[
    str, typer.Option("--channel", metavar="NAME", help="only on it: whatsapp, sms, email or a channel; else on all")
]


@app.command("list")
def list_(
    search: Annotated[str | None, typer.Argument(metavar="[WORDS]", help="a part of an address or note")] = None,
    channel: Annotated[str | None, typer.Option(metavar="NAME", help="only of this channel or kind")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=1_000_000, help="on a page")] = 50,
    page: Annotated[int, typer.Option(metavar="N", min=1, max=1_000_000, help="which page")] = 1,
) -> None:
    """List the addresses, the newest first."""
    from leadtui.cli.render import View
    from leadtui.services import suppressions

    with office() as opened:
        place = suppressions.channel_word(channel) if channel is not None else None
        total, found = suppressions.list_all(
            opened, search=search, channel=place, limit=limit, offset=(page - 1) * limit
        )
        view = View.of(opened)
    document = {"total": total, "page": page, "limit": limit, "suppressions": [one.as_json() for one in found]}
    emit(document, lambda: _table(found, view))
    if total > len(found):
        note(f"{total:,} in all")


@app.command("add")
def add(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="a phone in any spelling, or an e-mail address")],
    channel: On = "",
    note_: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="what was said")] = None,
) -> None:
    """Nothing more is sent to this address, whichever lead has it."""
    from leadtui.cli.render import View
    from leadtui.services import suppressions

    with office() as opened:
        row = suppressions.add(opened, address, channel=channel, note=note_)
        view = View.of(opened)
    emit(row.as_json(), lambda: _table([row], view))


@app.command("lift")
def lift(
    which: Annotated[str, typer.Argument(metavar="ID|ADDRESS", help="as `suppression list` shows it")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="how this person asked for messages again")],
) -> None:
    """Let an address be written to again. What its lead refused (field consent) stays refused."""
    from leadtui.services import suppressions

    with office() as opened:
        row = suppressions.lift(opened, suppressions.find(opened, which), reason=reason)
        if refused := suppressions.refusing(opened, row.address):
            warn(f"{', '.join(refused)} wants no messages all the same: lead edit {refused[0]} --set consent=given")
    emit(row.as_json(), f"{row.address} may be written to again{_on(row)}")


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="CSV with a column address, phone or email; or lines")],
    channel: On = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be added, change nothing")] = False,
) -> None:
    """Add many addresses; those that are there stay as they are, lines that are none are named (exit 5)."""
    from leadtui.services import suppressions

    source: Path | str = sys.stdin.read() if file == "-" else Path(file)
    with office() as opened:
        done = suppressions.import_(opened, source, channel=channel, dry_run=dry_run)
    document: dict[str, Any] = {
        "rows": done.rows, "added": done.added, "known": done.known, "failed": done.failed_count,
        "errors": [{"line": line, "address": text, "error": why} for line, text, why in done.failed],
    }  # fmt: skip
    if dry_run:
        document["dry_run"] = True
    emit_partly(document, lambda: _imported(done, dry_run=dry_run), done.failed_count, done.rows)


@app.command("export")
def export(
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="else to standard output")] = None,
) -> None:
    """Export the list as CSV, which can be imported again."""
    from leadtui.services import suppressions

    if out is None and options().json:
        raise UsageError("--json needs --out FILE: the export itself goes to standard output", field="json")
    with office() as opened:
        if out is None:
            with writing_result():
                suppressions.export(opened, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            return
        count = suppressions.export_file(opened, out)
    emit({"exported": count, "out": str(out)}, f"{count:,} address{'' if count == 1 else 'es'} exported to {out}")


def _table(rows: list[SuppressionRow] | tuple[SuppressionRow, ...], view: View) -> str:
    cells = [
        (str(one.id), one.address, one.channel or "all", one.reason, view.local(one.at), one.by, one.note or "")
        for one in rows
    ]
    return table(("id", "address", "channel", "why", "since", "by", "note"), cells) if cells else "nobody"


def _on(row: SuppressionRow) -> str:
    return f" on {row.channel}" if row.channel else ""


def _imported(done: Imported, *, dry_run: bool) -> str:
    verb = "would be added" if dry_run else "added"
    lines = [f"{done.added:,} {verb}, {done.known:,} known already, {done.failed_count:,} not understood"]
    lines += [f"  line {line}: {why}" for line, _, why in done.failed]
    return "\n".join(lines)
