"""`leadtui followup`: what is due, the next one, and a calendar file to subscribe to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from leadtui.cli import complete, tree
from leadtui.cli.context import note, office, options, warn
from leadtui.cli.lead_find import Ref
from leadtui.cli.output import emit, writing_result
from leadtui.errors import UsageError

app = tree.noun("What is to be done, and when")

Mine = Annotated[bool, typer.Option("--mine", help="only what you are to do")]
OfUser = Annotated[
    str | None, typer.Option("--user", metavar="LOGIN", help="only what they are to do", autocompletion=complete.logins)
]


@app.command("list")
def list_(
    which: Annotated[
        str, typer.Argument(metavar="[today|overdue|due|upcoming]", help="due is up to the end of today; else all",
                            autocompletion=complete.follow_up_lists)
    ] = "all",
    mine: Mine = False,
    user: OfUser = None,
    where: Annotated[
        str | None, typer.Option(metavar="FILTER", help="of leads it finds", autocompletion=complete.filter_terms)
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, max=1_000_000, help="so many; else all")] = None,
    page: Annotated[int, typer.Option(metavar="N", min=1, max=100_000_000, help="which page, with --limit")] = 1,
) -> None:  # fmt: skip
    """List what is to be done, the earliest first."""
    from leadtui.cli import render
    from leadtui.cli.lead_find import pointed_at
    from leadtui.services import follow_ups

    if mine and user is not None:
        raise UsageError("--mine and --user cannot go together", field="user")
    with office() as opened, pointed_at(where):
        total, found = follow_ups.list_open(
            opened, which.strip().casefold(), mine=mine, user=user, where=where, limit=limit,
            offset=(page - 1) * limit if limit else 0,
        )  # fmt: skip
        view = render.View.of(opened)
    document = {"total": total, "followups": [render.follow_up_json(one, view) for one in found]}
    emit(document, lambda: render.follow_ups_text(found, view))
    if found and total > len(found):
        note(f"{len(found):,} of {total:,}")


@app.command("add")
def add(
    ref: Ref,
    at: Annotated[str, typer.Option(metavar="WHEN|smart", help="fri, +3d, tomorrow 14:00; or by rule")],
    subject: Annotated[str | None, typer.Option(metavar="TEXT", help="what about")] = None,
    context: Annotated[
        str | None, typer.Option(metavar="WORD", help="which delay a smart time goes by: offer_response, …",
                                 autocompletion=complete.contexts)
    ] = None,
) -> None:  # fmt: skip
    """Add a follow-up to a lead."""
    from leadtui.cli import render
    from leadtui.services import activities, follow_ups

    with office() as opened:
        done = activities.add_follow_up(opened, ref, at, subject=subject, context=context)
        for sentence in done.warnings:
            warn(sentence)
        _, made = follow_ups.list_open(opened, batch=done.batch)
        view = render.View.of(opened)
    document: dict[str, Any] = render.follow_up_json(made[0], view) if made else {}
    document |= {"batch": done.batch, "lead": render.lead_json(done.lead, view)}
    emit(document, lambda: render.follow_ups_text(made, view))


@app.command("export")
def export(
    format_: Annotated[str, typer.Option("--format", metavar="ics", help="iCalendar, the only one")] = "ics",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="write there instead of standard output")
    ] = None,
    mine: Mine = False,
    user: OfUser = None,
) -> None:
    """Write a calendar file that a phone can subscribe to; write it again to bring it up to date."""
    from leadtui.services import calendar_file
    from leadtui.services.whole_file import whole_file

    if format_.casefold() not in {"ics", "ical"}:
        raise UsageError(f"follow-ups cannot be exported as '{format_}'", field="format", hint="ics")
    if mine and user is not None:
        raise UsageError("--mine and --user cannot go together", field="user")
    if out is None and options().json:
        raise UsageError("--json needs --out FILE: the calendar itself goes to standard output", field="json")
    with office() as opened:
        data = calendar_file.export(opened, user=user, mine=mine)
    if out is None:
        with writing_result():
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        return
    with whole_file(out.expanduser(), field="out") as file:
        file.write(data)
    count = data.count(b"BEGIN:VEVENT")
    emit(
        {"exported": count, "format": "ics", "out": str(out)},
        f"{count:,} follow-up{'' if count == 1 else 's'} written to {out}",
    )
