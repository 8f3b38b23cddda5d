"""`u`: takes back the newest act of the acting user that can still be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadtui.errors import NotFound
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.app import LeadApp
    from leadtui.domain.records import UndoResult


def undo_last(app: LeadApp) -> None:
    """Take it back and say so; when it was more than one row, or rows were changed since, show first what would be."""
    office = app.office
    if office is None:
        app.say("The database is still being opened")
        return

    def undo(batch: int | None, dry_run: bool) -> UndoResult:
        from leadtui.services import history

        return history.undo(office, batch, dry_run=dry_run)

    def looked(preview: UndoResult) -> None:
        if preview.refused or preview.restored != 1:
            from leadtui.screens.undo_preview import UndoPreview

            app.push_screen(UndoPreview(preview.batch, preview.label))
            return
        app.background.start(app, undo, preview.batch, False, then=done, failed=app.report)

    def done(result: UndoResult) -> None:
        app.lead_changed.publish(frozenset())
        app.say(f"Taken back: {one_line(result.label)}")

    def failed(error: Exception) -> None:
        if isinstance(error, NotFound):
            app.say("Nothing of yours can be taken back")
        else:
            app.report(error)

    app.background.start(app, undo, None, True, then=looked, failed=failed, group="undo")
