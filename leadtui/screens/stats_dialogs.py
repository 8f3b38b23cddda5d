"""Dialogs of the stats screen: leads created in which time, and the figures as a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from leadtui import clock
from leadtui.domain.figure_words import range_words
from leadtui.errors import Invalid
from leadtui.screens.base import LeadModal
from leadtui.screens.file_dialog import FileDialog
from leadtui.widgets.choice_row import Key
from leadtui.widgets.task_bar import Report

if TYPE_CHECKING:
    from leadtui.domain.figures import Question

_HELP = "2026-03-01, 2026-03, 2026, today, this-month; empty: no limit"


class DatesDialog(LeadModal[tuple[str, str]]):
    """Answers the first and the last day as typed; both empty: of any time."""

    SCOPE = "form"
    DEFAULT_CSS: ClassVar[str] = """
    DatesDialog .label { height: 1; color: $text-muted; padding-left: 1; }
    DatesDialog #meaning { height: auto; padding-left: 1; margin-top: 1; text-style: bold; }
    DatesDialog #meaning.-wrong { color: $text-error; }
    """

    def __init__(self, date_from: str = "", date_to: str = "") -> None:
        super().__init__()
        self._first = date_from, date_to

    def body(self) -> ComposeResult:
        """Two lines, and what they mean."""
        with VerticalScroll(classes="dialog", can_focus=False) as box:
            box.border_title = Content("Leads created")
            yield Static("from (that day, or the first day of that month)", classes="label", markup=False)
            yield Input(self._first[0], id="from", select_on_focus=False)
            yield Static("to (with that day, or with all of that month)", classes="label", markup=False)
            yield Input(self._first[1], id="to", select_on_focus=False)
            yield Static("", id="meaning", markup=False)
            yield Static(_HELP, classes="label", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Count those", id="do", variant="primary")
                yield Button("Of any time", id="any")

    def office_ready(self) -> None:
        """The zone is known: say what is written."""
        self.query_one("#from", Input).focus()
        self._say()

    def _typed(self) -> tuple[str, str]:
        return self.query_one("#from", Input).value.strip(), self.query_one("#to", Input).value.strip()

    @on(Input.Changed)
    def _say(self) -> bool:
        """What the lines mean, or what is wrong with them; whether they mean something."""
        if self.office is None:
            return False
        date_from, date_to = self._typed()
        wrong = ""
        try:
            words = range_words(date_from or None, date_to or None, self.office.catalog.tz, clock.now())
        except Invalid as error:
            words = wrong = f"{error.message} ({error.hint})" if error.hint else error.message
        meaning = self.query_one("#meaning", Static)
        meaning.set_class(bool(wrong), "-wrong")
        meaning.update(Content(words[:1].upper() + words[1:] if words else "Created at any time"))
        return not wrong

    @on(Input.Submitted)
    def do_save(self) -> None:
        """Take the dates, if they can be read."""
        if self._say():
            self.dismiss(self._typed())

    @on(Button.Pressed, "#do")
    def _pressed(self) -> None:
        self.do_save()

    @on(Button.Pressed, "#any")
    def _of_any_time(self) -> None:
        self.dismiss(("", ""))

    def do_back(self) -> None:
        """esc: as it was."""
        self.dismiss(None)


class FiguresExport(FileDialog):
    """The figures of a question as a table, a page with charts, or a picture of the charts."""

    TITLE_WORDS = "Export figures"
    FORMATS: ClassVar[Sequence[Key]] = (
        Key("c", "csv", "CSV"),
        Key("h", "html", "HTML page"),
        Key("p", "png", "Picture"),
    )
    SUGGESTED = "~/figures.csv"

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question

    def about(self, office: Any) -> str:
        """Which leads the figures are of."""
        from leadtui.services.figure_export import about

        return about(office, self.question)

    def write(self, path: Path, chosen: str, report: Report, should_stop: Callable[[], bool]) -> str:
        """The figures as they stand now."""
        from leadtui.services import figure_export

        report(0, 0, "counting")
        figure_export.write(self.office, self.question, path, format=chosen, force=True)
        return f"Figures exported to {path}"
