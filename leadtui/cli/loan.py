"""`leadtui loan`: promises to clear a loan, and which are overdue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import complete, tree
from leadtui.cli.context import note, office, warn
from leadtui.cli.lead_find import Ref
from leadtui.cli.output import emit
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.domain.records import Done
    from leadtui.services.office import Office

app = tree.noun("Promises of leads to clear a loan: at most one is open, the others are its history")

Why = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="what was said")]


@app.command("promise")
def promise(
    ref: Ref,
    amount: Annotated[str, typer.Option(metavar="MONEY", help="what is to be paid, such as 20000")],
    date: Annotated[str, typer.Option(metavar="DAY", help="by when: fri, +2w, 2026-11-20")],
    note_: Why = None,
) -> None:
    """Note a promise; an open one of the lead is replaced by it."""
    from leadtui.services import loans

    with office() as opened:
        done = loans.promise(opened, ref, amount, date, note_)
        _print(opened, done, "promised")


@app.command("list")
def list_(
    overdue: Annotated[bool, typer.Option("--overdue", help="only those marked overdue")] = False,
    due: Annotated[bool, typer.Option("--due", help="only those for today or before")] = False,
    all_: Annotated[bool, typer.Option("--all", help="the settled ones too, newest first")] = False,
    mine: Annotated[bool, typer.Option("--mine", help="only of leads assigned to you")] = False,
    where: Annotated[
        str | None, typer.Option(metavar="FILTER", help="of leads it finds", autocompletion=complete.filter_terms)
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, max=1_000_000, help="so many; else all")] = None,
    page: Annotated[int, typer.Option(metavar="N", min=1, max=100_000_000, help="which page, with --limit")] = 1,
) -> None:
    """List open promises, those awaited longest first."""
    from leadtui.cli import render
    from leadtui.cli.lead_find import pointed_at
    from leadtui.cli.render_loans import loan_json, loans_text, totals_text
    from leadtui.services import loans

    chosen = [word for word, wanted in (("overdue", overdue), ("due", due), ("all", all_)) if wanted]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} cannot go together", field=chosen[1])
    which = chosen[0] if chosen else "open"
    with office() as opened, pointed_at(where):
        total, found = loans.list_loans(
            opened, which, mine=mine, where=where, limit=limit, offset=(page - 1) * limit if limit else 0
        )
        sums = loans.totals(opened, which, mine=mine, where=where)
        view = render.View.of(opened)
    emit({"total": total, "loans": [loan_json(one, view) for one in found]}, lambda: loans_text(found, view))
    if found:
        note(totals_text(sums, view))


@app.command("history")
def history(ref: Ref) -> None:
    """List all promises of a lead, the open one first, then the newest."""
    from leadtui.cli import render
    from leadtui.cli.render_loans import loan_json, loans_of_lead_text
    from leadtui.services import loans

    with office() as opened:
        found = loans.history(opened, ref)
        view = render.View.of(opened)
    document = {"total": len(found), "loans": [loan_json(one, view) for one in found]}
    emit(document, lambda: loans_of_lead_text(found, view))


@app.command("clear")
def clear(ref: Ref, note_: Why = None) -> None:
    """The lead has paid: its open promise is cleared."""
    from leadtui.services import loans

    with office() as opened:
        _print(opened, loans.clear(opened, ref, note=note_), "cleared")


@app.command("cancel")
def cancel(ref: Ref, note_: Why = None) -> None:
    """Call the open promise of a lead off: it is awaited no more."""
    from leadtui.services import loans

    with office() as opened:
        _print(opened, loans.cancel(opened, ref, note=note_), "called off")


@app.command("mark-overdue")
def mark_overdue(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say how many, change nothing")] = False,
) -> None:
    """Mark pending promises whose day has passed; safe to run at any hour, any number of times."""
    from leadtui.services import loans

    with office() as opened:
        marked = loans.mark_overdue(opened, dry_run=dry_run)
    words = f"{marked:,} promise{'' if marked == 1 else 's'}"
    emit({"marked": marked, "dry_run": dry_run}, f"{words} would be overdue" if dry_run else f"{words} now overdue")


def _print(opened: Office, done: Done, verb: str) -> None:
    """The promise that an act made or settled: of all of the lead the last one touched."""
    from leadtui.cli import render
    from leadtui.cli.render_loans import loan_json
    from leadtui.domain.money import format_money
    from leadtui.services import loans

    for sentence in done.warnings:
        warn(sentence)
    view = render.View.of(opened)
    one = max(loans.history(opened, done.lead.id), key=lambda loan: (loan.settled_at or loan.created_at, loan.id))
    document: dict[str, Any] = loan_json(one, view) | {"batch": done.batch, "lead": render.lead_json(done.lead, view)}
    amount = f"{format_money(one.amount_minor, view.currency)} {view.currency}"
    emit(document, f"{verb}: {amount} for {one.promised.isoformat()}  {render.lead_line(done.lead, view)}")
