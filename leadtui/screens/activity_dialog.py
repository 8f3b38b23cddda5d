"""Something still to be done with a lead: done with what came of it, moved, or called off."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Static

from leadtui.domain.catalog import Catalog
from leadtui.domain.records import ActivityRow
from leadtui.errors import LeadtuiError
from leadtui.screens.act_dialog import label
from leadtui.screens.item_dialog import ItemDialog
from leadtui.widgets.choice_row import ChoiceRow, Key
from leadtui.widgets.text import one_line
from leadtui.widgets.when_input import WhenInput

OUTCOMES = (
    Key("+", "positive", "positive"), Key("0", "neutral", "neutral"), Key("-", "negative", "negative"),
    Key("f", "follow_up", "follow up"), Key("a", "no_answer", "no answer"),
)  # fmt: skip


class ActivityDialog(ItemDialog):
    """An open activity. Answers True when it was settled or moved; ctrl+s means it is done.

    With a time in `move` (`smart`: by rule) ctrl+s moves it instead.
    """

    SCOPE = "form"
    DEFAULT_CSS: ClassVar[str] = """
    ActivityDialog .row { height: auto; margin-top: 0; }
    ActivityDialog .row > .label { width: 10; height: 1; color: $text-muted; padding-left: 1; }
    ActivityDialog .row > Input { width: 1fr; }
    ActivityDialog ChoiceRow { width: 1fr; }
    ActivityDialog .first { margin-top: 1; }
    ActivityDialog .problem { height: auto; color: $text-error; padding-left: 1; display: none; }
    """

    def __init__(self, item: ActivityRow, catalog: Catalog) -> None:
        super().__init__(item, catalog)
        self.activity = item
        self._busy = False

    def more(self) -> ComposeResult:
        """What came of it, in a word and in words; when else."""
        with Horizontal(classes="row first"):
            yield label("outcome")
            yield ChoiceRow(OUTCOMES, id="outcome")
        with Horizontal(classes="row"):
            yield label("note")
            yield Input(id="note", placeholder="what came of it, or why it is called off", max_length=2000)
        with Horizontal(classes="row"):
            yield label("move to")
            yield WhenInput(id="at", field="at", smart="by rule, in working hours")
        yield Static("", classes="problem", markup=False)

    def buttons(self) -> ComposeResult:
        """Three ways to settle it."""
        yield Button("Done", id="complete", variant="primary")
        yield Button("Move", id="reschedule")
        yield Button("Call it off", id="cancel")

    def begin(self) -> None:
        """The outcome first."""
        self.query_one(WhenInput).use_zone(self.catalog.tz)
        self.query_one("#outcome").focus()

    def unsaved(self) -> str | None:
        """Leaving asks once when something was typed."""
        typed = self.query_one("#note", Input).value.strip() or self.query_one(WhenInput).value
        return "What you typed here will be lost" if typed else None

    def do_save(self) -> None:
        """Done; or moved, where a time was typed."""
        if self.query_one(WhenInput).value:
            self.move()
        else:
            self.complete()

    @on(Button.Pressed, "#complete")
    def complete(self) -> None:
        """It is done."""
        outcome = self.query_one("#outcome", ChoiceRow).value or None
        self._write("complete", "done", outcome=outcome, note=self._note())

    @on(Button.Pressed, "#cancel")
    def call_off(self) -> None:
        """It will not be done."""
        self._write("cancel", "called off", reason=self._note())

    @on(Button.Pressed, "#reschedule")
    def move(self) -> None:
        """It is done at another time."""
        when = self.query_one(WhenInput)
        problem = when.error() or ("" if when.value else "When? A day such as fri or +3d, a time, or smart")
        if problem:
            self._refuse(problem)
            when.focus()
            return
        self._write("reschedule", f"moved to {when.value}", at=when.value)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input.id == "note":
            self.complete()
        else:
            self.move()

    def _note(self) -> str | None:
        return self.query_one("#note", Input).value.strip() or None

    def _refuse(self, words: str) -> None:
        line = self.query_one(".problem", Static)
        line.update(Content(words))
        line.display = bool(words)

    def _write(self, name: str, words: str, **values: Any) -> None:
        if self._busy:
            return
        self._busy = True
        self._refuse("")
        office, item = self.office, self.activity

        def write() -> Any:
            from leadtui.services import activities

            return getattr(activities, name)(office, item.id, **values)

        def written(done: Any) -> None:
            app = self.lead_app
            self.changed((item.lead_id,))
            self.dismiss(True)
            for warning in done.warnings:
                app.notify(warning, severity="warning")
            app.say(f"{one_line(item.subject) or 'Follow-up'}: {words}" + (" · u takes it back" if done.batch else ""))

        self.run_blocking(write, then=written, failed=self._failed, group="item.write")

    def _failed(self, error: Exception) -> None:
        self._busy = False
        if isinstance(error, LeadtuiError) and error.code == "already_done":  # somebody was quicker
            self.changed((self.activity.lead_id,))
            self.dismiss(None)
            self.lead_app.notify(error.message, severity="warning")
        elif isinstance(error, LeadtuiError):
            self._refuse(f"{error.message} ({error.hint})" if error.hint else error.message)
        else:
            self.lead_app.report(error)
