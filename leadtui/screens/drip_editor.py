"""The steps of a drip, a row each: add, move, edit, take away, and how a lead reads them. Saving makes a version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from leadtui import clock
from leadtui.commands import Command
from leadtui.domain.drips import DripDetail, DripStep, StepPreview
from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadScreen
from leadtui.screens.drip_forms import about_form, about_values, step_form
from leadtui.screens.drip_rows import when_of
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.lead_cells import moment
from leadtui.widgets.pages import ListProvider
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.domain.records import LeadRow

_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Row:
    """A step on the screen; its id stays when it is moved or edited."""

    step: DripStep
    id: int = field(default_factory=lambda: next(_NUMBERS))


class DripEditor(LeadScreen[str]):
    """A drip by its key, or a new one with what was said of it. Answers the key once it is saved."""

    SCOPE = "steps"
    HEADING = "Steps"
    HINTS: ClassVar[tuple[str, ...]] = (
        "steps.new", "steps.edit", "steps.remove", "steps.later", "steps.lead", "steps.save",
    )  # fmt: skip
    COLUMNS = (
        Column("number", "#", 2, 2, align="right"),
        Column("when", "When", 9, 8),
        Column("does", "What", 24, 16, grow=1),
        Column("says", "Words", 36, 16, grow=3),
    )
    DEFAULT_CSS: ClassVar[str] = """
    DripEditor VirtualTable { height: 1fr; min-height: 5; }
    DripEditor #as { height: 1; padding: 0 1; color: $text-muted; border-top: none; background: $panel; }
    DripEditor #shown { height: auto; max-height: 8; padding: 0 1; }
    DripEditor.-tall #shown { max-height: 16; }
    """

    def __init__(self, key: str | None, values: Mapping[str, str]) -> None:
        super().__init__()
        self.key = key
        self.values = dict(values)
        self.changes: dict[str, str] = {} if key is not None else dict(values)
        self.found: DripDetail | None = None
        self.rows: list[Row] = []
        self.first: tuple[DripStep, ...] = ()
        self.lead: LeadRow | None = None
        self.previews: Mapping[int, StepPreview] = {}
        self.problem = ""
        self._saving = False

    def body(self) -> ComposeResult:
        """Steps; below, the one under the cursor as a lead will get it."""
        yield VirtualTable(self.COLUMNS, self._cell, empty="No steps yet; n adds the first", markable=False, id="steps")
        yield Static("", id="as", markup=False)
        with VerticalScroll(id="shown", can_focus=False):
            yield Static("", id="reads", markup=False)

    @property
    def table(self) -> VirtualTable[Row]:
        """The steps."""
        return self.query_one("#steps", VirtualTable)

    @property
    def row(self) -> Row | None:
        """The step under the cursor."""
        return self.table.cursor_row

    @property
    def steps(self) -> tuple[DripStep, ...]:
        """The steps as they stand on the screen."""
        return tuple(row.step for row in self.rows)

    def on_mount(self) -> None:
        """The list takes the keys."""
        self.table.focus()

    def office_ready(self) -> None:
        """Read the drip, and a lead to show its texts with."""
        office, key = self.office, self.key

        def read() -> tuple[DripDetail | None, LeadRow | None]:
            from leadtui.services import drips, writing

            lead = writing.anybody(office)
            return (drips.show(office, key) if key is not None else None), lead[0] if lead is not None else None

        self.run_blocking(read, then=lambda found: self._came(*found), failed=self._gone, group="steps.read")

    def _gone(self, error: Exception) -> None:
        self.dismiss(None)
        self.lead_app.report(error)

    def _came(self, found: DripDetail | None, lead: LeadRow | None) -> None:
        self.lead = lead
        if found is not None:
            self.found, self.first = found, found.steps
            self.values = about_values(found)
            self.rows = [Row(step) for step in found.steps]
        self._show()
        if found is None:
            self.do_new()

    # Showing

    def _cell(self, row: Row, key: str) -> Cell:
        match key:
            case "number":
                return str(self.rows.index(row) + 1) if row in self.rows else "", "muted"
            case "when":
                return when_of(row.step), "accent"
            case "does":
                return one_line(row.step.does)
            case _:
                return one_line(row.step.says), "muted"

    def _show(self, at: Row | None = None) -> None:
        if at is not None:
            self.table.aim(at.id)
        self.table.show(ListProvider(list(self.rows)))
        dash = "-" if self.lead_app.plain else "─"
        version = "new" if self.found is None else f"version {self.found.drip.version}"
        changed = " · changed" if self.unsaved() else ""
        self.heading(f"Steps {dash} {one_line(self.values.get('name', ''))}", f"{version}{changed}")
        self._preview()

    def _preview(self) -> None:
        """All steps as this lead would get them; nothing is written."""
        office, steps, lead = self.office, self.steps, self.lead
        if lead is None or not steps:
            self._came_previews({}, "")
            return
        rows, channel = list(self.rows), self.values.get("channel") or None

        def read() -> tuple[dict[int, StepPreview], str]:
            from leadtui.services import drips

            try:
                found = drips.preview(office, steps, lead.id, channel=channel)
            except LeadtuiError as error:
                return {}, f"{error.message} ({error.hint})" if error.hint else error.message
            return {rows[one.order].id: one for one in found}, ""

        self.run_blocking(read, then=lambda found: self._came_previews(*found), group="steps.preview")

    def _came_previews(self, found: Mapping[int, StepPreview], problem: str) -> None:
        self.previews, self.problem = found, problem
        self._say_step()

    @on(VirtualTable.Highlighted)
    @on(VirtualTable.Loaded)
    def _say_step(self) -> None:
        row, tz = self.row, self.office.catalog.tz
        lead = one_line(self.lead.title) if self.lead is not None else "nobody: there is no lead yet"
        one = self.previews.get(row.id) if row is not None else None
        when = f" · {moment(one.at, clock.now(), tz).strip()}, if enrolled now" if one is not None else ""
        self.query_one("#as", Static).update(Content(f"for {lead}{when}"))
        parts: list[Any] = []
        if self.problem:
            parts.append((f"{self.problem}\n", "$text-error"))
        if one is not None:
            if one.missing:
                words = "the lead has no " + ", ".join(f"{{{key}}}" for key in one.missing)
                parts.append((f"It would wait: {words}\n", "$text-warning"))
            elif one.reason:
                parts.append((f"It would not go: {one_line(one.reason)}\n", "$text-warning"))
            if one.subject:
                parts.append((f"{one_line(one.subject)}\n", "bold"))
            parts.append(one.text)
        self.query_one("#reads", Static).update(Content.assemble(*parts))
        self.lead_app.refresh_hints()

    def unsaved(self) -> str | None:
        """What would be lost."""
        changed = self.steps != self.first or bool(self.changes)
        return "The steps were changed and are not saved" if changed else None

    def why_disabled(self, command: Command) -> str | None:
        """What needs a step."""
        row = self.row
        needs = ("steps.edit", "steps.remove", "steps.later", "steps.sooner")
        if command.id in needs and row is None:
            return "There is no step here"
        if row is not None and row in self.rows:
            if command.id == "steps.sooner" and row is self.rows[0]:
                return "It is the first"
            if command.id == "steps.later" and row is self.rows[-1]:
                return "It is the last"
        return None

    def copy_text(self) -> str:
        """The step as it is typed on the command line."""
        return self.row.step.text if self.row is not None else ""

    # Steps

    @on(VirtualTable.Opened)
    def _open(self) -> None:
        self.do_edit()

    def do_new(self) -> None:
        """A step behind the one under the cursor."""
        place = self.rows.index(self.row) + 1 if self.row is not None and self.row in self.rows else len(self.rows)

        def add(step: DripStep) -> None:
            row = Row(step)
            self.rows.insert(place, row)
            self._show(row)

        self._ask(None, add)

    def do_edit(self) -> None:
        """Change the step under the cursor."""
        row = self.row
        if row is None:
            return

        def change(step: DripStep) -> None:
            self.rows[self.rows.index(row)] = new = Row(step, row.id)
            self._show(new)

        self._ask(row.step, change)

    def _ask(self, step: DripStep | None, then: Any) -> None:
        office = self.office

        def read() -> list[str]:
            from leadtui.services import templates

            return [one.name for one in templates.list_all(office)]

        def show(names: list[str]) -> None:
            form = step_form(step, names)
            self.app.push_screen(form, lambda answer: then(answer["step"]) if answer else None)

        self.run_blocking(read, then=show, failed=lambda error: show([]), group="steps.templates")

    def do_remove(self) -> None:
        """Take it away; nothing is lost before it is saved."""
        row = self.row
        if row is not None:
            place = self.rows.index(row)
            self.rows.remove(row)
            self._show(self.rows[min(place, len(self.rows) - 1)] if self.rows else None)

    def do_later(self) -> None:
        """One place down."""
        self._move(1)

    def do_sooner(self) -> None:
        """One place up."""
        self._move(-1)

    def _move(self, by: int) -> None:
        row = self.row
        if row is not None:
            place = self.rows.index(row)
            self.rows.insert(place + by, self.rows.pop(place))
            self._show(row)

    def do_lead(self) -> None:
        """See it as another lead would."""
        from leadtui.screens.loan_dialogs import find_leads
        from leadtui.screens.picker import Picker

        office = self.office

        def chosen(lead_id: str | None) -> None:
            if lead_id is None:
                return

            def read() -> LeadRow:
                from leadtui.services import leads

                return leads.rows(office, [int(lead_id)])[0]

            self.run_blocking(read, then=self._take_lead, group="steps.lead")

        self.app.push_screen(Picker("For which lead?", lambda words: find_leads(office, words, "read")), chosen)

    def _take_lead(self, lead: LeadRow) -> None:
        self.lead = lead
        self._preview()

    def do_about(self) -> None:
        """Name, channel, who comes in."""

        def changed(values: dict[str, str] | None) -> None:
            if values:
                self.values |= values
                self.changes |= values
                self._show()

        self.app.push_screen(about_form(self.values, new=False), changed)

    # Saving

    def do_save(self) -> None:
        """Write it down: a new drip, or a new version of the steps."""
        office, found, steps, changes = self.office, self.found, self.steps, dict(self.changes)
        if self._saving:
            return
        if self.unsaved() is None:
            self.dismiss(None)
            return
        self._saving = True
        other = steps if steps != self.first else None

        def write() -> DripDetail:
            from leadtui.services import drips

            if found is None:
                return drips.create(office, {**changes, "draft": "yes"}, steps)  # S starts it
            return drips.edit(office, found.drip.key, changes or None, other, version=found.drip.row_version)

        self.run_blocking(write, then=self._written, failed=self._not_written, group="steps.save")

    def _written(self, now: DripDetail) -> None:
        name = one_line(now.drip.name)
        if self.found is None:
            words = f"Drip {name} made: S starts it"
        elif now.drip.version != self.found.drip.version:
            older = sum(n for version, n in now.in_version.items() if version != now.drip.version)
            stay = f"; {older:,} leads go on with the steps they began with" if older else ""
            words = f"{name}: version {now.drip.version}, for those who come in from now on{stay}"
        else:
            words = f"{name} changed"
        app = self.lead_app
        for warning in now.warnings:
            app.notify(warning, severity="warning")
        self.dismiss(now.drip.key)
        app.say(f"{words} · u takes it back" if now.batch is not None else words)

    def _not_written(self, error: Exception) -> None:
        """The step that is wrong gets the cursor; what was typed stays."""
        self._saving = False
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            return
        number = (error.field or "").partition("[")[2].partition("]")[0]
        if number.isdigit() and 0 < int(number) <= len(self.rows):
            self.table.move_to(int(number) - 1)
        words = f"{error.message} ({error.hint})" if error.hint else error.message
        self._came_previews(self.previews, f"Step {number}: {words}" if number else words)
        self.app.notify(words, severity="warning")
