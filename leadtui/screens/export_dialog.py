"""Exporting what is seen: the leads of the present filter (or the marked ones) to a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

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

FORMATS = (
    Key("c", "csv", "CSV"),
    Key("j", "jsonl", "JSON lines"),
    Key("x", "xlsx", "Excel"),
    Key("v", "vcf", "vCards"),
)


class ExportDialog(LeadModal[None]):
    """The file is there whole or not at all; an existing one is replaced only after enter was pressed twice."""

    SCOPE = "form"
    DEFAULT_CSS: ClassVar[str] = """
    ExportDialog .label { height: 1; color: $text-muted; padding-left: 1; }
    ExportDialog #what { height: auto; padding-left: 1; text-style: bold; }
    ExportDialog .problem { height: auto; color: $text-error; padding-left: 1; }
    ExportDialog .buttons { margin-top: 1; }
    """

    def __init__(self, where: str = "") -> None:
        super().__init__()
        self.where = where
        self._asked = ""

    def body(self) -> ComposeResult:
        """What, as what, where to."""
        with VerticalScroll(classes="dialog", can_focus=False) as box:
            box.border_title = Content("Export")
            yield Static("…", id="what", markup=False)
            yield Static("as", classes="label", markup=False)
            yield ChoiceRow(FORMATS, "csv", id="format")
            yield Static("to", classes="label", markup=False)
            yield PathField("~/leads.csv", new=True, id="file")
            yield Static("", classes="problem", markup=False)
            yield TaskBar()
            with Horizontal(classes="buttons"):
                yield Button("Export", id="do", variant="primary")
                yield Button("Cancel", id="cancel")

    def office_ready(self) -> None:
        """Count what is meant."""
        self.query_one(".problem").display = False
        line = self.query_one(PathField).line
        line.focus()
        line.cursor_position = len(line.value)
        self.run_blocking(self._counted, self.office, then=self._show, failed=self._failed, group="export.count")

    def _counted(self, office: object) -> int:
        from leadtui.services import leads

        return leads.count(office, self.where or None)  # type: ignore[arg-type]

    def _show(self, count: int) -> None:
        of = f": {one_line(self.where)}" if self.where else ", all you may see"
        text = f"{count:,} lead{'' if count == 1 else 's'}{of}"
        self.query_one("#what", Static).update(Content(text))

    @on(ChoiceRow.Chosen, "#format")
    def _format_chosen(self, event: ChoiceRow.Chosen) -> None:
        """The file's ending follows the format."""
        event.stop()
        line = self.query_one(PathField).line
        path = Path(line.value)
        if path.suffix.casefold() in (".csv", ".jsonl", ".xlsx", ".vcf"):
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
        office, where, chosen = self.office, self.where or None, self.query_one("#format", ChoiceRow).value or "csv"

        def work(report: Report, should_stop: Callable[[], bool]) -> int:
            from leadtui.services.exporting import export_file

            return export_file(
                office, where, path, format=chosen, on_progress=lambda done, total: report(done, total, ""),
                should_stop=should_stop,
            )  # fmt: skip

        def done(count: int) -> None:
            self.dismiss(None)
            self.lead_app.say(f"{count:,} lead{'' if count == 1 else 's'} exported to {path}")

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
