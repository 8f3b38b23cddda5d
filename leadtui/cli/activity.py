"""`leadtui activity`: what was done with leads and what is to be done; done, moved, called off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import complete, tree
from leadtui.cli.context import note, office, warn
from leadtui.cli.output import emit
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.domain.records import Done
    from leadtui.services.office import Office

app = tree.noun("What was done with leads, and what is to be done")

Id = Annotated[int, typer.Argument(metavar="ID", help="the activity's id; see: leadtui activity list", min=1)]


@app.command("list")
def list_(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SCOPE|REF]...",
            help="scheduled, completed, pending, overdue, today, upcoming, cancelled; or a lead",
            autocompletion=complete.activity_scopes,
        ),
    ] = None,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="TYPE,…", help="call, meeting, task, follow_up …",
                                 autocompletion=complete.log_types)
    ] = None,
    lead: Annotated[str | None, typer.Option(metavar="REF", help="of this lead only")] = None,
    by: Annotated[
        str | None, typer.Option(metavar="LOGIN|me", help="written by them", autocompletion=complete.logins)
    ] = None,
    assigned_to: Annotated[
        str | None, typer.Option(metavar="LOGIN|me|none", help="to be done by them", autocompletion=complete.logins)
    ] = None,
    outcome: Annotated[
        str | None, typer.Option(metavar="WORD", help="with this outcome", autocompletion=complete.outcomes)
    ] = None,
    recent: Annotated[
        int | None, typer.Option(metavar="DAYS", help="written within so many days", min=1, max=36_500)
    ] = None,
    where: Annotated[
        str | None, typer.Option(metavar="FILTER", help="of leads it finds", autocompletion=complete.filter_terms)
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="on a page")] = 50,
    page: Annotated[int, typer.Option(metavar="N", min=1, max=100_000_000, help="which page")] = 1,
) -> None:  # fmt: skip
    """List activities, newest first; plans by their time."""
    from leadtui.cli import render
    from leadtui.cli.lead_find import pointed_at
    from leadtui.services import activities

    scopes = [word for word in words or () if word.casefold() in activities.SCOPES]
    refs = [*(word for word in words or () if word.casefold() not in activities.SCOPES), *([lead] if lead else [])]
    if len(refs) > 1:
        raise UsageError(
            f"'{refs[0]}' and '{refs[1]}': one lead at a time", field="lead",
            hint="scopes are: " + ", ".join(activities.SCOPES),
        )  # fmt: skip
    types = [word for word in (type_ or "").split(",") if word.strip()]
    with office() as opened, pointed_at(where):
        total, found = activities.list_all(
            opened, [scope.casefold() for scope in scopes], types=types, ref=refs[0] if refs else None, by=by,
            assigned=assigned_to, outcome=outcome, recent_days=recent, where=where, limit=limit,
            offset=(page - 1) * limit,
        )  # fmt: skip
        view = render.View.of(opened)
    document = {"total": total, "activities": [render.activity_json(one, view) for one in found]}
    emit(document, lambda: render.activities_text(found, view))
    if found and total > len(found):
        note(f"{len(found):,} of {total:,}")


@app.command("complete")
def complete_(
    id_: Id,
    outcome: Annotated[
        str | None, typer.Option(metavar="WORD", help="positive, neutral, negative, follow_up or no_answer",
                                 autocompletion=complete.outcomes)
    ] = None,
    note_: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="what came of it")] = None,
) -> None:  # fmt: skip
    """Mark a planned activity as done."""
    from leadtui.services import activities

    with office() as opened:
        _print(opened, id_, activities.complete(opened, id_, outcome=outcome, note=note_), "done")


@app.command("reschedule")
def reschedule(
    id_: Id, at: Annotated[str, typer.Option(metavar="WHEN|smart", help="fri 14:00, +3d; or by rule")]
) -> None:
    """Move a planned activity to another time."""
    from leadtui.services import activities

    with office() as opened:
        _print(opened, id_, activities.reschedule(opened, id_, at), "moved")


@app.command("cancel")
def cancel(id_: Id, reason: Annotated[str | None, typer.Option(metavar="TEXT", help="why")] = None) -> None:
    """Call a planned activity off; it stays on the timeline."""
    from leadtui.services import activities

    with office() as opened:
        _print(opened, id_, activities.cancel(opened, id_, reason=reason), "called off")


def _print(opened: Office, activity_id: int, done: Done, verb: str) -> None:
    from leadtui.cli import render
    from leadtui.services import activities

    for sentence in done.warnings:
        warn(sentence)
    one = activities.get_activity(opened, activity_id)
    view = render.View.of(opened)
    document: dict[str, Any] = render.activity_json(one, view) | {"batch": done.batch}
    emit(document, f"{verb}: {one.subject} ({one.lead_number} {one.lead_name or ''})".replace(" )", ")"))
