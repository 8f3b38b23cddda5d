"""`u`: takes back the newest act of the acting user that can still be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadtui.errors import NotFound
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.app import LeadApp
    from leadtui.domain.records import UndoResult


def undo_last(app: LeadApp) -> None:
    """Take it back and say so.

    What would be is shown first when it was more than one row, when rows were changed since, and when it was not what
    was done last: a campaign was started, a message written since, and nothing takes that back.
    """
    office = app.office
    if office is None:
        app.say("The database is still being opened")
        return

    def undo(batch: int) -> UndoResult:
        from leadtui.services import history

        return history.undo(office, batch)

    def look() -> tuple[UndoResult, str | None]:
        from leadtui.services import history

        preview = history.undo(office, dry_run=True)
        return preview, history.done_since(office, preview.batch)

    def looked(seen: tuple[UndoResult, str | None]) -> None:
        preview, since = seen
        if preview.refused or preview.restored != 1 or since:
            from leadtui.screens.undo_preview import UndoPreview

            app.push_screen(UndoPreview(preview.batch, preview.label, since))
            return
        app.background.start(app, undo, preview.batch, then=done, failed=app.report)

    def done(result: UndoResult) -> None:
        app.lead_changed.publish(frozenset())
        app.say(f"Taken back: {one_line(result.label)}")

    def failed(error: Exception) -> None:
        if isinstance(error, NotFound):
            app.say("Nothing of yours can be taken back")
        else:
            app.report(error)

    app.background.start(app, look, then=looked, failed=failed, group="undo")
