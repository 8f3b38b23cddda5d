"""What an undo would bring back and what it would leave, before it is done."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadModal
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.app import LeadApp
    from leadtui.domain.records import UndoResult


class UndoPreview(LeadModal["UndoResult"]):
    """Takes one batch back. Rows changed since stay as they are and are named: a later change is never overwritten."""

    SCOPE = "form"
    DEFAULT_CSS: ClassVar[str] = """
    UndoPreview .part { height: auto; padding: 0 1; }
    UndoPreview #kept { color: $text-warning; }
    UndoPreview .buttons { margin-top: 1; }
    """

    def __init__(self, batch: int, label: str = "", since: str | None = None) -> None:
        """`since`: what the same person did after it that cannot be taken back."""
        super().__init__()
        self.since = since
        self.batch_id = batch
        self.label_words = label
        self.preview: UndoResult | None = None
        self._busy = False

    def body(self) -> ComposeResult:
        """What would be restored, what would stay, buttons."""
        with VerticalScroll(classes="dialog", can_focus=False) as box:
            box.border_title = Content("Take back")
            if self.since:
                words = f"What you did last ({one_line(self.since)}) cannot be taken back. Before that:"
                yield Static(Content(words), classes="part")
            yield Static(Content(one_line(self.label_words)), classes="part")
            yield Static("Looking at what has changed since …", id="what", classes="part", markup=False)
            yield Static("", id="kept", classes="part", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Take back", id="do", variant="primary", disabled=True)
                yield Button("Leave it", id="cancel")

    def on_mount(self) -> None:
        """Nothing stays yet."""
        self.query_one("#kept").display = False
        self.query_one("#cancel").focus()

    def office_ready(self) -> None:
        """Try it without doing it."""
        office, batch = self.office, self.batch_id

        def look() -> UndoResult:
            from leadtui.services import history

            return history.undo(office, batch, dry_run=True)

        self.run_blocking(look, then=self._show, failed=self._refused, group="undo.look")

    def _show(self, preview: UndoResult) -> None:
        self.preview = preview
        noun = "change" if preview.restored == 1 else "changes"
        self.query_one("#what", Static).update(
            Content(
                f"{preview.restored:,} {noun} will be taken back." if preview.restored else "Nothing can be taken back."
            )
        )
        kept = self.query_one("#kept", Static)
        kept.display = bool(preview.refused)
        if preview.refused:
            lines = [f"  {row.lead_number}  {one_line(row.error)}" for row in preview.refused[:10]]
            more = [f"  … and {len(preview.refused) - 10:,} more"] if len(preview.refused) > 10 else []
            kept.update(Content("\n".join([f"{len(preview.refused):,} changed since and will stay:", *lines, *more])))
        button = self.query_one("#do", Button)
        button.disabled = not preview.restored
        if preview.restored and not self.since:  # else enter leaves it: something else was meant
            button.focus()

    def do_save(self) -> None:
        """Do it."""
        if self.preview is None or not self.preview.restored or self._busy:
            return
        self._busy = True
        app, office, batch = self.lead_app, self.office, self.batch_id
        count = self.preview.restored
        title = f"Taking back {count:,} {'change' if count == 1 else 'changes'}"
        self.query_one("#what", Static).update(Content(f"{title} …"))
        self.query_one("#do", Button).disabled = True
        cancel = self.query_one("#cancel", Button)
        cancel.label = Content("Go on with other things")
        cancel.focus()

        def undo() -> UndoResult:
            from leadtui.services import history

            return history.undo(office, batch)

        # The app waits for it, not this screen: it may take a while, and the screen may be closed meanwhile.
        app.background.start(
            app, undo, then=partial(self._undone, app), failed=partial(self._not_undone, app), title=title
        )

    def _undone(self, app: LeadApp, result: UndoResult) -> None:
        app.lead_changed.publish(frozenset())
        if self.is_current:
            self.dismiss(result)
        stay = f", {len(result.refused):,} changed since and stay" if result.refused else ""
        app.say(f"Taken back: {one_line(result.label)} ({result.restored:,}){stay}")

    def _not_undone(self, app: LeadApp, error: Exception) -> None:
        if self.is_current:
            self._refused(error)
        else:
            app.report(error)

    def _refused(self, error: Exception) -> None:
        self._busy = False
        if not isinstance(error, LeadtuiError):
            self.dismiss(None)
            self.lead_app.report(error)
            return
        words = error.message if error.hint is None else f"{error.message} ({error.hint})"
        self.query_one("#what", Static).update(Content(words))
        self.query_one("#do", Button).disabled = True
        self.query_one("#cancel").focus()

    @on(Button.Pressed, "#do")
    def _pressed_do(self) -> None:
        self.do_save()

    @on(Button.Pressed, "#cancel")
    def _pressed_cancel(self) -> None:
        self.dismiss(None)
