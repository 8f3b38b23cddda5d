"""Importing a file: choose it, see what would become of it, change what a column means, do it, see what was refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from leadtui.errors import LeadtuiError
from leadtui.screens.act_dialog import Acted
from leadtui.screens.base import LeadModal
from leadtui.screens.path_field import PathField
from leadtui.screens.picker import Choice, Picker
from leadtui.widgets.choice_row import ChoiceRow, Key
from leadtui.widgets.keyed_list import Entry, KeyedList
from leadtui.widgets.task_bar import Report, TaskBar
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.services.importing import ImportPlan, ImportResult

POLICIES = (
    Key("s", "skip", "skip them"),
    Key("f", "fill", "fill their blanks"),
    Key("o", "update", "overwrite"),
    Key("n", "create", "add again"),
)
SCOPE_OF_BAD = (Key("a", "all", "refuse the file"), Key("g", "good", "import the good rows"))
_IGNORE = "-"
_ERRORS = 4


@dataclass(frozen=True, slots=True)
class Looked:
    """A file as it was looked at: how its columns are read, and what a dry run says."""

    path: Path
    plan: ImportPlan
    result: ImportResult


class ImportDialog(LeadModal[Acted]):
    """Nothing is written before Import is pressed; then it is one batch, and u takes it back."""

    SCOPE = "form"
    DEFAULT_CSS: ClassVar[str] = """
    ImportDialog > .dialog { width: 78; }
    ImportDialog .label { height: 1; color: $text-muted; padding-left: 1; }
    ImportDialog #said, ImportDialog #counts { height: auto; padding-left: 1; }
    ImportDialog #columns { max-height: 7; }
    ImportDialog #looked { height: auto; display: none; }
    ImportDialog .problem { height: auto; color: $text-error; padding-left: 1; }
    ImportDialog .buttons { margin-top: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.looked: Looked | None = None
        self.mapping: dict[str, str] = {}
        self._done: Acted | None = None

    def body(self) -> ComposeResult:
        """The file; below it, once it is chosen, what would become of it."""
        with VerticalScroll(classes="dialog", can_focus=False) as box:
            box.border_title = Content("Import leads")
            yield Static("CSV, XLSX, JSON lines or vCards", classes="label", markup=False)
            yield PathField(id="file")
            with VerticalScroll(id="looked", can_focus=False):
                yield Static("", id="said", markup=False)
                yield Static("columns (enter changes one)", classes="label", markup=False)
                yield KeyedList(id="columns")
                yield Static("leads that exist already", classes="label", markup=False)
                yield ChoiceRow(POLICIES, "skip", id="policy")
                yield Static("if rows are bad", classes="label", markup=False)
                yield ChoiceRow(SCOPE_OF_BAD, "all", id="bad")
                yield Static("", id="counts", markup=False)
            yield Static("", classes="problem", markup=False)
            yield TaskBar()
            with Horizontal(classes="buttons"):
                yield Button("Import", id="do", variant="primary", disabled=True)
                yield Button("Cancel", id="cancel")

    def office_ready(self) -> None:
        """Begin at home."""
        self.query_one(".problem").display = False
        field = self.query_one(PathField)
        field.line.focus()
        field.line.cursor_position = len(field.line.value)

    # -- looking at the file ------------------------------------------------------------------------------------------
    @on(PathField.Taken)
    def _taken(self, event: PathField.Taken) -> None:
        event.stop()
        self.mapping = {}
        self._look(Path(event.path).expanduser())

    def _look(self, path: Path) -> None:
        """Read the file and try it out, off the UI thread."""
        self._refuse("")
        policy, mapping = self.query_one("#policy", ChoiceRow).value or "skip", dict(self.mapping)
        office, good = self.office, self.query_one("#bad", ChoiceRow).value == "good"
        self._ready(False)

        def work(report: Report, should_stop: Callable[[], bool]) -> Looked:
            from leadtui.services.importing import plan_import, run_import

            plan = plan_import(office, path, mapping=mapping)
            result = run_import(
                office, path, mapping=mapping, on_duplicate=policy, good_rows_only=good, dry_run=True,
                on_progress=report, should_stop=should_stop,
            )  # fmt: skip
            return Looked(path, plan, result)

        self.query_one(TaskBar).run(self, work, title="Looking at the file", then=self._show, failed=self._failed)

    def _show(self, looked: Looked) -> None:
        self.looked = looked
        plan, result = looked.plan, looked.result
        self.query_one(PathField).close()
        self.query_one("#looked").display = True
        how = plan.kind.upper() if plan.kind != "csv" else f"CSV, {plan.encoding}"
        said = [f"{one_line(plan.name)} · {how} · {plan.rows:,} row{'' if plan.rows == 1 else 's'}"]
        if plan.imported_before:
            said.append(f"this very file was imported {plan.imported_before}")
        said += [f"! {one_line(warning)}" for warning in result.warnings]
        self.query_one("#said", Static).update(Content("\n".join(said)))
        entries = [self._column(index) for index in range(len(plan.columns))]
        self.query_one("#columns", KeyedList).show_entries(entries)
        self._count(result)
        self._ready(bool(result.created or result.updated) and not result.refused)
        self.query_one("#do" if not self.query_one("#do").disabled else "#columns").focus()

    def _column(self, index: int) -> Entry:
        assert self.looked is not None  # noqa: S101 - only called with a file
        plan = self.looked.plan
        column = plan.columns[index]
        sample = next((row[index] for row in plan.samples if index < len(row) and row[index].strip()), "")
        target = column.target or f"left out ({column.note})"
        shown = f"{one_line(column.header) or f'column {index + 1}'} → {target}"
        return Entry(str(index), shown, one_line(sample)[:30])

    def _count(self, result: ImportResult) -> None:
        words = [f"{result.created:,} new", f"{result.skipped:,} skipped"]
        if result.updated:
            words.insert(1, f"{result.updated:,} changed")
        if result.failed:
            words.append(f"{result.failed:,} bad")
        lines = [" · ".join(words)]
        for error in result.errors[:_ERRORS]:
            where = f"line {error.line}" + (f", {error.field}" if error.field else "")
            lines.append(f"  {where}: {one_line(error.message)}")
        if len(result.errors) > _ERRORS:
            lines.append("  …")
        self.query_one("#counts", Static).update(Content("\n".join(lines)))

    # -- changing what was understood ---------------------------------------------------------------------------------
    @on(ChoiceRow.Chosen)
    def _chose(self, event: ChoiceRow.Chosen) -> None:
        event.stop()
        if self.looked is not None:
            self._look(self.looked.path)

    @on(KeyedList.Chosen, "#columns")
    def _column_chosen(self, event: KeyedList.Chosen) -> None:
        """Choose the field of a column from all there are."""
        event.stop()
        if self.looked is None:
            return
        from leadtui.domain.fields import LEAD_FIELDS

        header = self.looked.plan.columns[int(event.value)].header
        hidden = self.office.actor.hidden_fields
        fields = [Choice(f.key, f.label, f.key) for f in LEAD_FIELDS if f.editable and f.key not in hidden]
        own = header.casefold().removeprefix("custom.")
        choices = [Choice(_IGNORE, "leave it out"), *fields, Choice(f"custom.{own}", f"a field of your own: {own}")]

        def picked(field: str | None) -> None:
            if field is not None and self.looked is not None:
                self.mapping[header] = field
                self._look(self.looked.path)

        self.app.push_screen(Picker(f"What is '{one_line(header)}'?", choices), picked)

    # -- doing it -----------------------------------------------------------------------------------------------------
    def do_save(self) -> None:
        """Import; what was refused goes into a file beside the original."""
        looked, bar = self.looked, self.query_one(TaskBar)
        if self._done is not None:
            self.dismiss(self._done)
            return
        if looked is None or bar.busy or self.query_one("#do").disabled:
            return
        self._refuse("")
        policy, good = self.query_one("#policy", ChoiceRow).value, self.query_one("#bad", ChoiceRow).value == "good"
        office, mapping = self.office, dict(self.mapping)
        rejects = looked.path.with_name(f"{looked.path.stem}.rejects.csv") if good else None

        def work(report: Report, should_stop: Callable[[], bool]) -> ImportResult:
            from leadtui.services.importing import run_import

            return run_import(
                office, looked.path, mapping=mapping, on_duplicate=policy, good_rows_only=good, rejects=rejects,
                on_progress=report, should_stop=should_stop,
            )  # fmt: skip

        self._ready(False)
        title = f"Importing {looked.plan.rows:,} rows"
        bar.run(self, work, title=title, then=self._written, failed=self._failed)

    def _written(self, result: ImportResult) -> None:
        self.changed()
        if result.refused:
            self._count(result)
            self._refuse("Rows are bad: nothing was imported")
            return
        text = f"{result.created:,} leads imported"
        if result.updated:
            text += f", {result.updated:,} changed"
        text += f", {result.skipped:,} skipped" if result.skipped else ""
        acted = Acted((), result.batch, text)
        if not result.failed:
            self.dismiss(acted)
            self.lead_app.say(f"{text} · u takes it back" if result.batch is not None else text)
            return
        self._done = acted
        self._count(result)
        self._refuse(f"{text}; {result.failed:,} bad rows are in {result.rejects}: mend them and import that file")
        button = self.query_one("#do", Button)
        button.label, button.disabled = Content("Close"), False
        button.focus()

    def _failed(self, error: Exception) -> None:
        from leadtui.services.importing import ImportStopped

        if isinstance(error, ImportStopped):
            self._refuse("Stopped: nothing was imported")
        elif isinstance(error, LeadtuiError):
            self._refuse(f"{error.message} ({error.hint})" if error.hint else error.message)
        else:
            self.lead_app.report(error)
        self._ready(self.looked is not None and not self.looked.result.refused)

    # -- shell --------------------------------------------------------------------------------------------------------
    def _ready(self, ready: bool) -> None:
        self.query_one("#do", Button).disabled = not ready

    def _refuse(self, text: str) -> None:
        line = self.query_one(".problem", Static)
        line.update(Content(text))
        line.display = bool(text)

    def do_back(self) -> None:
        """esc stops what is under way, then closes."""
        if not self.query_one(TaskBar).stop():
            self.dismiss(self._done)

    @on(Button.Pressed, "#do")
    def _pressed_do(self) -> None:
        self.do_save()

    @on(Button.Pressed, "#cancel")
    def _pressed_cancel(self) -> None:
        self.do_back()
