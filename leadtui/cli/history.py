"""`leadtui undo` and `leadtui audit`: what was done, and taking it back."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from leadtui.cli import complete, tree
from leadtui.cli.context import note, office
from leadtui.cli.output import emit, emit_partly, table

undo_app = tree.noun("Take back the last act, or a batch by its number")
undo_app.default_verb = "batch"  # type: ignore[attr-defined]  # `undo 12` is `undo batch 12`
audit_app = tree.noun("Who changed what, and when")

Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="lines on a page")]
Page = Annotated[int, typer.Option("--page", metavar="N", min=1, max=100_000_000, help="which page")]


@undo_app.command("batch", hidden=True)
def undo(
    batch: Annotated[
        int | None, typer.Argument(metavar="[BATCH]", min=1, max=2**31 - 1, help="its number; else your last act")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show what would be restored")] = False,
) -> None:
    """Take back your last act, or a batch. Rows that changed since are left and named (exit 5)."""
    from leadtui.cli import render_many
    from leadtui.services import history

    with office() as opened:
        done = history.undo(opened, batch, dry_run=dry_run)
    failed = 0 if dry_run else len(done.refused)
    total = done.restored + len(done.refused)
    emit_partly(render_many.undo_json(done), lambda: render_many.undo_text(done), failed, total)


@undo_app.command("list")
def list_(limit: Limit = 20, page: Page = 1) -> None:
    """List what can be taken back, newest first."""
    from leadtui.cli import render_many
    from leadtui.cli.render import View
    from leadtui.services import history

    with office() as opened:
        found = history.batches(opened, limit=limit, offset=(page - 1) * limit)
        view = View.of(opened)
        total = history.batch_count(opened)
    rows = [
        (b.id, view.local(b.at), b.by, b.label or b.kind, b.count, _undoable(b.undone_at is not None, b.can_undo))
        for b in found
    ]
    emit(
        {"total": total, "page": page, "limit": limit, "batches": [render_many.batch_json(b) for b in found]},
        lambda: table(("batch", "when", "who", "what", "rows", "undo"), rows, right=(0, 4)) if rows else "nothing yet",
    )


def _undoable(undone: bool, possible: bool) -> str:
    return "undone" if undone else "" if possible else "no"


@audit_app.command("list")
def audit(
    ref: Annotated[str | None, typer.Argument(metavar="[REF]", help="only of this lead")] = None,
    *,
    lead: Annotated[str | None, typer.Option("--lead", metavar="REF", help="the same")] = None,
    user: Annotated[
        str | None, typer.Option(metavar="LOGIN", help="only by this user", autocompletion=complete.logins)
    ] = None,
    entity: Annotated[str | None, typer.Option(metavar="WORD", help="only of such: lead, user, role …")] = None,
    limit: Limit = 50,
    page: Page = 1,
) -> None:
    """List changes, newest first."""
    from leadtui.cli import render_many
    from leadtui.cli.render import View
    from leadtui.errors import UsageError
    from leadtui.services import history

    if ref is not None and lead is not None and ref != lead:
        raise UsageError("two leads are named", field="lead")
    with office() as opened:
        total, found = history.audit(
            opened, lead_ref=ref or lead, entity=entity, user=user, limit=limit, offset=(page - 1) * limit
        )
        view = View.of(opened)
    emit(
        {"total": total, "page": page, "limit": limit, "entries": [render_many.audit_json(row) for row in found]},
        lambda: render_many.audit_text(found, view) if found else "nothing yet",
    )
    if found:
        note(f"{len(found):,} of {total:,}")


apps: Final = {"undo": undo_app, "audit": audit_app}
