"""Until when a notice sleeps: one key, or a time as typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from leadtui import clock
from leadtui.domain.dates import relative
from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadModal
from leadtui.widgets.choice_row import ChoiceRow, Key
from leadtui.widgets.text import one_line
from leadtui.widgets.when_input import WhenInput

if TYPE_CHECKING:
    from leadtui.domain.records import NotificationRow

SLEEPS = (
    Key("1", "10m", "10 minutes"),
    Key("2", "1h", "an hour"),
    Key("3", "tomorrow", "tomorrow morning"),
    Key("4", "at", "at …"),
)


class SleepRow(ChoiceRow):
    """Here a key takes at once, so the arrows only look, and enter takes."""

    BINDINGS: ClassVar = [Binding("enter", "take", show=False)]

    def action_step(self, step: int) -> None:
        """The choice beside this one."""
        values = [choice.value for choice in self.choices]
        at = values.index(self.value) + step if self.value in values else 0
        self.value = values[at % len(values)]

    def action_take(self) -> None:
        """The choice that is looked at."""
        if self.value:
            self.choose(self.value)


class SnoozeDialog(LeadModal[str]):
    """Answers what was done, in words."""

    DEFAULT_CSS: ClassVar[str] = "SnoozeDialog .row { height: 1; } SnoozeDialog .words { height: auto; }"

    def __init__(self, row: NotificationRow) -> None:
        super().__init__()
        self.row = row

    def body(self) -> ComposeResult:
        """What it is, the keys, the line, what is wrong with it, two buttons."""
        words = f"{self.row.title}: {self.row.text}" if self.row.title else self.row.text
        with Vertical(classes="dialog"):
            yield Static(Content(f"Show again later\n{one_line(words)}"), classes="words")
            yield SleepRow(SLEEPS, id="sleeps")
            with Horizontal(classes="row"):
                yield WhenInput(id="until", field="until")
            yield Static("", id="wrong", classes="-error", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button("Snooze", id="go", variant="primary")

    def on_mount(self) -> None:
        """The keys come first; the line stands ready."""
        self.query_one("#sleeps").focus()

    def office_ready(self) -> None:
        """The zone of this person's days."""
        self.query_one(WhenInput).use_zone(self.office.catalog.zone_of(self.office.user_id))

    @on(ChoiceRow.Chosen, "#sleeps")
    def _chosen(self, event: ChoiceRow.Chosen) -> None:
        event.stop()
        if event.value == "at":
            self.query_one("#until Input").focus()
        elif event.value:
            self._write(event.value)

    @on(Input.Submitted)
    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        when = self.query_one(WhenInput)
        if problem := when.error() if when.value else "Until when? A time such as 15:30, tomorrow 9:00, mon":
            self._refuse(problem)
        else:
            self._write(when.value)

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)

    def _write(self, until: str) -> None:
        office, row_id = self.office, self.row.id

        def write() -> Any:
            from leadtui.services import reminders

            return reminders.snooze(office, row_id, until)

        self.run_blocking(write, then=self._done, failed=self._failed, group="snooze")

    def _done(self, row: NotificationRow) -> None:
        self.dismiss(f"shown again {relative(row.due_at, False, clock.now(), self.office.tz)}")

    def _failed(self, error: Exception) -> None:
        if isinstance(error, LeadtuiError):
            self._refuse(f"{error.message}{f': {error.hint}' if error.hint else ''}")
        else:
            self.lead_app.report(error)

    def _refuse(self, words: str) -> None:
        self.query_one("#wrong", Static).update(Content(one_line(words)))
        self.query_one("#until Input").focus()
