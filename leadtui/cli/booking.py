"""`leadtui booking`: bookings of other programs; each creates its lead or links to it, and what fails waits for you."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from leadtui.cli import came_in, tree
from leadtui.cli.context import office
from leadtui.cli.lead_fields import with_fields
from leadtui.cli.output import emit_partly
from leadtui.errors import Invalid, LeadtuiError, UsageError

if TYPE_CHECKING:
    from leadtui.cli.render import View
    from leadtui.services.intake import IntakeResult

app = tree.noun("Bookings of other programs, each with its lead")

_REF_KEYS: Final = ("ref", "booking_ref", "external_ref", "booking_id", "booking", "id")
"""Under which key an object of a file says what the booking is called; the first that is there."""


@app.command("add")
@with_fields
def add(
    values: dict[str, str],
    *,
    ref: Annotated[
        str | None, typer.Option("--ref", metavar="REF", help="what the other program calls the booking")
    ] = None,
    detail: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="what else belongs to the booking: tour, seats …")
    ] = None,
    lead: came_in.Lead = None,
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE|-", help="bookings as JSON lines instead; - is stdin")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show what would happen")] = False,
) -> None:
    """Take a booking: link it to the lead of that phone, email or paper, else create the lead.

    The same --ref again answers the same lead. A booking that cannot be taken is kept, with the reason:
    see leadtui booking list --failed.
    """
    from leadtui.services import bookings

    if file is not None:
        if ref is not None or values or detail or lead is not None:
            raise UsageError("--file brings the values itself", field="file")
        _add_file(file, dry_run=dry_run)
        return
    if ref is None:
        raise UsageError("--ref is missing", field="ref", code="missing_option", hint="what it is called elsewhere")
    payload: dict[str, Any] = {**values, **({"details": _details(detail)} if detail else {})}
    with office() as opened:
        result = bookings.add(opened, ref, payload, lead=lead, dry_run=dry_run)
        came_in.answer(opened, result, dry_run=dry_run)


def _details(pairs_: list[str] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs_ or ():
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--detail {pair[:60]}: write NAME=VALUE", field="detail", hint="such as seats=2")
        found[name.strip()] = value
    return found


# -- files of JSON lines ----------------------------------------------------------------------------------------------
def _add_file(file: str, *, dry_run: bool) -> None:
    """Every line by itself: one that fails is kept and hinders no other; exit 5 when any did."""
    from leadtui.cli.render import View
    from leadtui.services import intake

    done: list[tuple[int, IntakeResult | LeadtuiError]] = []
    lines = list(_lines(file))
    with office() as opened:
        for number, ref, payload, unreadable in lines:
            try:
                done.append((number, intake.receive(opened, "booking", ref, payload, unreadable=unreadable,
                                                    dry_run=dry_run)))  # fmt: skip
            except Invalid as error:
                done.append((number, error))
            except LeadtuiError as error:
                if error.exit_code != Invalid.exit_code:
                    raise
                done.append((number, error))
        view = View.of(opened)
    rows = [{"line": number, **_line_json(one, view)} for number, one in done]
    counts = {word: sum(row["result"] == word for row in rows) for word in ("created", "linked", "known", "failed")}
    document: dict[str, Any] = {"total": len(rows), **counts, "bookings": rows}
    if dry_run:
        document["dry_run"] = True
    emit_partly(document, lambda: _file_text(counts, rows, dry_run=dry_run), counts["failed"], len(rows))


def _lines(file: str) -> Iterator[tuple[int, str, Mapping[str, Any], str | None]]:
    """Line number, reference, payload, and why the line cannot be read. Raises Invalid where there is no such file."""
    import hashlib

    for number, text in enumerate(_read(file).splitlines(), 1):
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        mark = "line-" + hashlib.sha256(text.strip().encode("utf-8", "replace")).hexdigest()[:16]
        if not isinstance(value, dict):
            yield number, mark, {"line": text.strip()}, "the line is no JSON object"
            continue
        key = next((k for k in _REF_KEYS if str(value.get(k) or "").strip()), None)
        if key is None:
            yield number, mark, value, "it has no reference (ref)"
            continue
        yield number, str(value[key]), {k: v for k, v in value.items() if k != key}, None


def _read(file: str) -> str:
    if file == "-":
        stream = getattr(sys.stdin, "buffer", None)
        data = stream.read() if stream is not None else sys.stdin.read().encode()
    else:
        path = Path(file).expanduser()
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Invalid(f"'{file}' cannot be read: {error.strerror}", field="file", hint="check the path") from error
    return str(data.decode("utf-8-sig", "replace"))


# -- words ------------------------------------------------------------------------------------------------------------
def _line_json(one: IntakeResult | LeadtuiError, view: View) -> dict[str, Any]:
    if isinstance(one, LeadtuiError):
        error = one.message if one.code == "dropped" else f"{one.message}; it is not kept"
        return {"ref": None, "result": "failed", "lead_number": None, "error": error, "field": one.field}
    why = one.error
    return {
        "id": one.intake.id, "ref": one.intake.ref, "result": one.outcome,
        "lead_number": one.lead.number if one.lead else None, "error": why.message if why else None,
        "field": why.field if why else None, "batch": one.batch,
    }  # fmt: skip


def _file_text(counts: Mapping[str, int], rows: list[dict[str, Any]], *, dry_run: bool) -> str:
    lines = [", ".join(f"{count:,} {word}" for word, count in counts.items())]
    if dry_run:
        lines[0] = f"dry run, nothing was written. {lines[0]}"
    lines += [f"  line {row['line']}: {row['error']}" for row in rows if row["result"] == "failed"]
    if counts["failed"] and not dry_run:
        lines.append("they are kept; see: leadtui booking list --failed")
    return "\n".join(lines)


came_in.verbs(app, "booking", "bookings")
