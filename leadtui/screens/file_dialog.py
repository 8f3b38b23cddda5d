"""The base of dialogs that write a file: as what, where to, how far it is; an existing file is asked about once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadModal
from leadtui.screens.path_field import PathField
from leadtui.widgets.choice_row import ChoiceRow, Key
from leadtui.widgets.task_bar import Report, TaskBar
from leadtui.widgets.text import one_line


class FileDialog(LeadModal[None]):
    """The file is there whole or not at all; an existing one is replaced only after enter was pressed twice.

    Subclasses say what is exported (`about`, in a thread), and write it (`write`, in a thread too).
    """

    SCOPE = "form"
    TITLE_WORDS: ClassVar[str] = "Export"
    FORMATS: ClassVar[Sequence[Key]] = ()
    """The first is chosen; the value of each is the ending of its files."""
    SUGGESTED: ClassVar[str] = "~/leads.csv"
    DEFAULT_CSS: ClassVar[str] = """
    FileDialog .label { height: 1; color: $text-muted; padding-left: 1; }
    FileDialog #what { height: auto; padding-left: 1; text-style: bold; }
    FileDialog .problem { height: auto; color: $text-error; padding-left: 1; }
    FileDialog .buttons { margin-top: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._asked = ""

    # What subclasses fill in

    def about(self, office: Any) -> str:
        """What will be written, in words. Runs in a thread."""
        raise NotImplementedError

    def write(self, path: Path, chosen: str, report: Report, should_stop: Callable[[], bool]) -> str:
        """Write the file; answers what was done, in words. Runs in a thread."""
        raise NotImplementedError

    # The dialog

    def body(self) -> ComposeResult:
        """What, as what, where to."""
        with VerticalScroll(classes="dialog", can_focus=False) as box:
            box.border_title = Content(self.TITLE_WORDS)
            yield Static("…", id="what", markup=False)
            yield Static("as", classes="label", markup=False)
            yield ChoiceRow(self.FORMATS, self.FORMATS[0].value, id="format")
            yield Static("to", classes="label", markup=False)
            yield PathField(self.SUGGESTED, new=True, id="file")
            yield Static("", classes="problem", markup=False)
            yield TaskBar()
            with Horizontal(classes="buttons"):
                yield Button("Export", id="do", variant="primary")
                yield Button("Cancel", id="cancel")

    def office_ready(self) -> None:
        """Say what is meant."""
        self.query_one(".problem").display = False
        line = self.query_one(PathField).line
        line.focus()
        line.cursor_position = len(line.value)
        self.run_blocking(self.about, self.office, then=self._show, failed=self._failed, group="export.about")

    def _show(self, words: str) -> None:
        self.query_one("#what", Static).update(Content(one_line(words)))

    @on(ChoiceRow.Chosen, "#format")
    def _format_chosen(self, event: ChoiceRow.Chosen) -> None:
        """The file's ending follows the format."""
        event.stop()
        line = self.query_one(PathField).line
        path = Path(line.value)
        if path.suffix.casefold() in {f".{one.value}" for one in self.FORMATS}:
            line.value = str(path.with_suffix(f".{event.value}"))

    @on(PathField.Taken)
    def _taken(self, event: PathField.Taken) -> None:
        event.stop()
        self.do_save()

    def do_save(self) -> None:
        """Write the file."""
        written, bar = self.query_one(PathField).value, self.query_one(TaskBar)
        if bar.busy:
            return
        if not written or written.endswith("/"):
            self._refuse("Which file?")
            return
        path = Path(written).expanduser()
        if path.exists() and self._asked != written:
            self._asked = written
            self._refuse(f"{one_line(path.name)} exists: again to replace it")
            return
        self._refuse("")
        ending = path.suffix.casefold().removeprefix(".")
        if ending not in {one.value for one in self.FORMATS}:  # a file that is called .html is no table
            ending = self.query_one("#format", ChoiceRow).value or self.FORMATS[0].value
        chosen = ending

        def work(report: Report, should_stop: Callable[[], bool]) -> str:
            return self.write(path, chosen, report, should_stop)

        def done(words: str) -> None:
            self.dismiss(None)
            self.lead_app.say(words)

        bar.run(self, work, title="Exporting", then=done, failed=self._failed)

    def _failed(self, error: Exception) -> None:
        from leadtui.services.exporting import Stopped

        if isinstance(error, Stopped):
            self._refuse("Stopped: no file was written")
        elif isinstance(error, LeadtuiError):
            self._refuse(f"{error.message} ({error.hint})" if error.hint else error.message)
        else:
            self.lead_app.report(error)

    def _refuse(self, text: str) -> None:
        line = self.query_one(".problem", Static)
        line.update(Content(text))
        line.display = bool(text)

    def do_back(self) -> None:
        """esc stops what is under way, then closes."""
        if not self.query_one(TaskBar).stop():
            self.dismiss(None)

    @on(Button.Pressed, "#do")
    def _pressed_do(self) -> None:
        self.do_save()

    @on(Button.Pressed, "#cancel")
    def _pressed_cancel(self) -> None:
        self.do_back()
