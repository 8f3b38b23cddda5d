"""`leadtui booking`: bookings of other programs; each creates its lead or links to it, and what fails waits for you."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from leadtui.cli import complete, tree
from leadtui.cli.context import note, office, warn
from leadtui.cli.lead_fields import assignments, with_fields
from leadtui.cli.output import emit, emit_partly, pairs, table
from leadtui.errors import Invalid, LeadtuiError, UsageError

if TYPE_CHECKING:
    from leadtui.cli.render import View
    from leadtui.domain.records import IntakeRow
    from leadtui.services.intake import IntakeResult
    from leadtui.services.office import Office

app = tree.noun("Bookings of other programs, each with its lead")

_REF_KEYS: Final = ("ref", "booking_ref", "external_ref", "booking_id", "booking", "id")
"""Under which key an object of a file says what the booking is called; the first that is there."""

Id = Annotated[str, typer.Argument(metavar="ID|REF", help="its id, or its reference; see: leadtui booking list")]
Lead = Annotated[str | None, typer.Option("--lead", metavar="REF", help="it is this lead's: do not look for one")]


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
    lead: Lead = None,
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
        _answer(opened, result, dry_run=dry_run)


def _details(pairs_: list[str] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs_ or ():
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--detail {pair[:60]}: write NAME=VALUE", field="detail", hint="such as seats=2")
        found[name.strip()] = value
    return found


def _answer(opened: Office, result: IntakeResult, *, dry_run: bool = False) -> None:
    """Print what became of a booking, or raise why it is only kept (exit 5)."""
    from leadtui.cli.render import View

    if dry_run and result.error is not None:
        raise result.error
    if (refused := result.refusal()) is not None:
        raise refused
    for sentence in result.warnings:
        warn(sentence)
    view = View.of(opened)
    document = _result_json(result, view) | ({"dry_run": True} if dry_run else {})
    emit(document, lambda: _result_text(result, view, dry_run=dry_run))


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


# -- reading, mending -------------------------------------------------------------------------------------------------
@app.command("list")
def list_(
    failed: Annotated[bool, typer.Option("--failed", help="only those that wait for you")] = False,
    state: Annotated[
        str | None, typer.Option(metavar="WORD", help="created, linked, failed or dropped",
                                 autocompletion=complete.intake_states)
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="on a page")] = 50,
    page: Annotated[int, typer.Option(metavar="N", min=1, max=100_000_000, help="which page")] = 1,
) -> None:  # fmt: skip
    """List bookings, newest first."""
    from leadtui.cli.render import View
    from leadtui.services import intake

    if failed and state not in (None, "failed"):
        raise UsageError("--failed and --state cannot go together", field="state")
    with office() as opened:
        total, found = intake.list_all(
            opened, kind="booking", state="failed" if failed else state, limit=limit, offset=(page - 1) * limit
        )
        view = View.of(opened)
    emit({"total": total, "bookings": [intake_json(one) for one in found]}, lambda: _list_text(found, view))
    if found and total > len(found):
        note(f"{len(found):,} of {total:,}")


@app.command("show")
def show(id_: Id) -> None:
    """Show a booking with all that came, and what became of it."""
    from leadtui.cli.render import View
    from leadtui.services import intake

    with office() as opened:
        one = intake.get(opened, id_, kind="booking")
        view = View.of(opened)
    emit(intake_json(one), lambda: _show_text(one, view))


@app.command("retry")
def retry(
    id_: Id,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="the right value; an empty one takes it away",
                     autocompletion=complete.field_names),
    ] = None,
    lead: Lead = None,
    ref: Annotated[str | None, typer.Option("--ref", metavar="REF", help="call it this from now on")] = None,
) -> None:  # fmt: skip
    """Try a booking again that failed or was dropped, with corrected values."""
    from leadtui.services import intake

    with office() as opened:
        one = intake.get(opened, id_, kind="booking")
        _answer(opened, intake.retry(opened, one.id, assignments(set_), lead=lead, ref=ref))


@app.command("drop")
def drop(id_: Id, reason: Annotated[str, typer.Option(metavar="TEXT", help="why")]) -> None:
    """Give up a booking that failed; it stays to be read, and can still be retried."""
    from leadtui.services import intake

    with office() as opened:
        one = intake.drop(opened, intake.get(opened, id_, kind="booking").id, reason)
    emit(intake_json(one), f"booking {one.ref} dropped")


# -- words ------------------------------------------------------------------------------------------------------------
def intake_json(one: IntakeRow) -> dict[str, Any]:
    """A booking as it came in."""
    return {
        "id": one.id, "ref": one.ref, "state": one.state, "lead_number": one.lead_number, "lead_name": one.lead_name,
        "error": one.error, "field": one.field, "attempts": one.attempts, "by": one.by, "at": one.at,
        "tried_at": one.tried_at, "payload": dict(one.payload), "corrections": dict(one.corrections),
    }  # fmt: skip


def _result_json(result: IntakeResult, view: View) -> dict[str, Any]:
    from leadtui.cli.render import lead_json

    return {
        "id": result.intake.id, "ref": result.intake.ref, "result": result.outcome,
        "lead_id": result.lead.id if result.lead else None,
        "lead_number": result.lead.number if result.lead else None, "batch": result.batch,
        "warnings": list(result.warnings), "lead": lead_json(result.lead, view) if result.lead else None,
    }  # fmt: skip


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


def _result_text(result: IntakeResult, view: View, *, dry_run: bool) -> str:
    from leadtui.cli.render import lead_line

    words = {"created": "new lead", "linked": "linked to", "known": "known already"}[result.outcome]
    head = f"booking {result.intake.ref}: {words}" + (" (dry run, nothing was written)" if dry_run else "")
    return head + ("\n" + lead_line(result.lead, view) if result.lead else "")


def _file_text(counts: Mapping[str, int], rows: list[dict[str, Any]], *, dry_run: bool) -> str:
    lines = [", ".join(f"{count:,} {word}" for word, count in counts.items())]
    if dry_run:
        lines[0] = f"dry run, nothing was written. {lines[0]}"
    lines += [f"  line {row['line']}: {row['error']}" for row in rows if row["result"] == "failed"]
    if counts["failed"] and not dry_run:
        lines.append("they are kept; see: leadtui booking list --failed")
    return "\n".join(lines)


def _list_text(found: tuple[IntakeRow, ...], view: View) -> str:
    if not found:
        return "no bookings"
    return table(
        ("id", "ref", "when", "state", "lead", "name", "why"),
        [(o.id, o.ref, view.local(o.at), o.state, o.lead_number, o.lead_name, o.error) for o in found],
        right=[0], whole=[1],
    )  # fmt: skip


def _show_text(one: IntakeRow, view: View) -> str:
    facts = [
        ("id", one.id), ("state", one.state), ("lead", one.lead_number and f"{one.lead_number} {one.lead_name or ''}"),
        ("why", one.error), ("came in", f"{view.local(one.at)} by {one.by}"),
        ("tried", f"{one.attempts}×, last {view.local(one.tried_at)}"),
    ]  # fmt: skip
    parts = [f"booking {one.ref}", pairs(facts), "As it came\n" + pairs(one.payload.items())]
    if one.corrections:
        parts.append("Corrected\n" + pairs((key, text or "(taken away)") for key, text in one.corrections.items()))
    return "\n\n".join(parts)
