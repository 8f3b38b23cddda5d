"""`leadtui notification`: what you were told, dealing with it, showing it again later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import tree
from leadtui.cli.context import office
from leadtui.cli.output import emit, table
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.cli.render import View
    from leadtui.domain.records import NotificationRow

app = tree.noun("What you were told: what came due, what was passed on to you")

Id = Annotated[int, typer.Argument(metavar="ID", help="the notice's id; see: leadtui notification list", min=1)]


def _json(row: NotificationRow, view: View) -> dict[str, Any]:
    from leadtui.domain.dates import iso_z

    return {
        "id": row.id, "kind": row.kind, "text": row.text, "lead_number": row.lead_number, "lead_name": row.lead_name,
        "activity_id": row.activity_id, "at": None if row.at is None else view.due(row.at, row.all_day),
        "all_day": row.all_day, "late": row.late, "due_at": iso_z(row.due_at), "seen": row.seen_at is not None,
        "snoozes": row.snoozes, "alerted": row.alerted_at is not None,
    }  # fmt: skip


def _text(rows: Sequence[NotificationRow], view: View) -> str:
    if not rows:
        return "nothing is due, and nothing was passed on to you"
    return table(
        ("id", "told", "why", "lead", "name", "what", ""),
        [
            (r.id, view.local(r.due_at), r.kind, r.lead_number, r.lead_name or r.phone, r.text,
             "" if r.seen_at is None else "seen")
            for r in rows
        ],
        right=[0],
    )  # fmt: skip


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="those dealt with, too")] = False,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="so many at most")] = 200,
) -> None:
    """List what you were told and have not dealt with, the newest first."""
    from leadtui.cli import render
    from leadtui.services import reminders

    with office() as opened:
        found = reminders.mine(opened, limit=limit, seen=every)
        unseen = reminders.unseen(opened)
        view = render.View.of(opened)
    document = {"total": len(found), "unseen": unseen, "notifications": [_json(row, view) for row in found]}
    emit(document, lambda: _text(found, view))


@app.command("seen")
def seen(
    ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="their ids")] = None,
    every: Annotated[bool, typer.Option("--all", help="all that are due")] = False,
) -> None:
    """You have dealt with them: they are shown no more."""
    from leadtui.services import reminders

    if every == bool(ids):
        raise UsageError("name notices, or say --all", field="id", hint="leadtui notification list")
    with office() as opened:
        count = reminders.seen(opened, None if every else ids)
    emit({"seen": count}, f"{count} dealt with")


@app.command("snooze")
def snooze(
    id_: Id,
    until: Annotated[
        str, typer.Option("--until", metavar="WHEN", help="10m, 1h, tomorrow (morning), or a time")
    ] = "10m",
) -> None:
    """Show one again later."""
    from leadtui.cli import render
    from leadtui.services import reminders

    with office() as opened:
        row = reminders.snooze(opened, id_, until)
        view = render.View.of(opened)
    emit(_json(row, view), f"shown again {view.local(row.due_at)}")


@app.command("desktop")
def desktop(
    state: Annotated[str, typer.Argument(metavar="[on|off]", help="nothing: say how it is")] = "",
) -> None:
    """Notices of the terminal's desktop too (OSC 9), where the terminal knows them; kept for you."""
    from leadtui.services import admin, reminders

    word = state.strip().casefold()
    if word not in {"", "on", "off"}:
        raise UsageError(f"'{state}' is neither on nor off", field="state")
    with office() as opened:
        if word:
            admin.set_preference(opened, reminders.DESKTOP, word == "on")
        is_on = admin.preference(opened, reminders.DESKTOP, False) is True
    emit({"desktop": is_on}, f"notices of the desktop are {'on' if is_on else 'off'}")
