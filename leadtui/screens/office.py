"""What the office keeps: packages, sources, statuses, pipelines, tags, branches, people, reasons, teams, settings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult, RenderResult
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from leadtui.commands import Command
from leadtui.domain.packages import package_warnings
from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadScreen
from leadtui.screens.office_nouns import MAY_BE_EMPTY, NOUNS, SETTINGS, Noun, cell_text, form_values
from leadtui.widgets.columns import Cell
from leadtui.widgets.form import FieldSpec
from leadtui.widgets.pages import ListProvider
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

Entry = Mapping[str, Any]


class Kinds(Widget):
    """The kinds in one line, the shown one marked; around it as many as fit."""

    DEFAULT_CSS: ClassVar[str] = "Kinds { height: 1; background: $panel; } Kinds:ansi { background: ansi_default; }"

    def __init__(self, titles: tuple[str, ...]) -> None:
        super().__init__(id="kinds")
        self.titles = titles
        self.at = 0

    def show(self, at: int) -> None:
        """Mark another."""
        self.at = at
        self.refresh()

    def window(self, width: int) -> range:
        """The titles that fit, the marked one among them."""
        first, last = self.at, self.at + 1

        def room(start: int, end: int) -> int:
            return width - sum(cell_len(title) + 1 for title in self.titles[start:end])

        while True:
            if first > 0 and room(first - 1, last) >= 0:
                first -= 1
            elif last < len(self.titles) and room(first, last + 1) >= 0:
                last += 1
            else:
                return range(first, last)

    def render(self) -> RenderResult:
        """The line."""
        parts: list[str | tuple[str, str]] = [" "]
        for place in self.window(self.size.width):
            parts += [(self.titles[place], "bold reverse" if place == self.at else ""), " "]
        return Content.assemble(*parts)

    def on_click(self, event: Any) -> None:
        """The kind under the mouse."""
        left = 1
        for place in self.window(self.size.width):
            width = cell_len(self.titles[place])
            if left <= event.x < left + width and isinstance(self.screen, OfficeScreen):
                self.screen.show_kind(place)
                return
            left += width + 1


class OfficeScreen(LeadScreen[None]):
    """Main screen 5."""

    SCOPE = "office"
    HINTS: ClassVar[tuple[str, ...]] = (
        "office.next_tab", "office.new", "office.edit", "office.retire", "office.rules",
    )  # fmt: skip
    PACKAGE_HINTS: ClassVar[tuple[str, ...]] = (*HINTS[:3], "office.push", "office.drift", "office.rules")
    DEFAULT_CSS: ClassVar[str] = """
    OfficeScreen #note { height: auto; padding: 0 1; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.kind = 0

    def body(self) -> ComposeResult:
        """The kinds, a note, the list."""
        yield Kinds(tuple(noun.title for noun in NOUNS))
        yield Static("", id="note", markup=False)
        yield VirtualTable(NOUNS[0].columns, self._cell, row_id=_row_id, markable=False, id="entries")

    def _cell(self, row: Entry, key: str) -> Cell:
        text = cell_text(row, key)
        return text if row.get("is_active", True) else (text, "muted")

    @property
    def noun(self) -> Noun:
        """The kind shown."""
        return NOUNS[self.kind]

    @property
    def table(self) -> VirtualTable[Entry]:
        """The list."""
        return self.query_one("#entries", VirtualTable)

    @property
    def entry(self) -> Entry | None:
        """The entry under the cursor."""
        row: Entry | None = self.table.cursor_row
        return row

    def office_ready(self) -> None:
        """Show the first kind."""
        self.show_kind(0)
        self.table.focus()

    def leads_changed(self, ids: frozenset[int]) -> None:
        """`r` reads again."""
        if not ids and self.office is not None:
            self._load()

    def show_kind(self, kind: int) -> None:
        """Show another kind."""
        self.kind = kind % len(NOUNS)
        self.query_one(Kinds).show(self.kind)
        more = {"package": self.PACKAGE_HINTS, "trigger": (*self.HINTS[:4], "office.runs", "office.rules")}
        self.hints.show_hints(more.get(self.noun.key, self.HINTS))
        table = self.table
        table.empty = f"No {self.noun.title.lower()} yet — n adds one"
        table.show(ListProvider(()), keep_place=False)
        table.set_columns(self.noun.columns)
        self._load()

    def _load(self) -> None:
        office, key = self.office, self.noun.key

        def read() -> list[dict[str, Any]]:
            from leadtui.services import admin

            if key == "setting":
                return _settings(admin.settings(office))
            return [dict(item) for item in admin.items(office, key)]

        self.run_blocking(read, then=self._show, failed=self._unreadable, group="office.entries")

    def _show(self, entries: list[dict[str, Any]]) -> None:
        self.table.show(ListProvider(sorted(entries, key=lambda entry: not entry.get("is_active", True))))
        self._note(self.noun.note)
        self.lead_app.refresh_hints()

    def _unreadable(self, error: Exception) -> None:
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            return
        self._note(error.message if error.hint is None else f"{error.message} ({error.hint})")

    def _note(self, text: str) -> None:
        line = self.query_one("#note", Static)
        line.update(Content(text))
        line.display = bool(text)

    def why_disabled(self, command: Command) -> str | None:
        """What needs an entry, or cannot be done with this kind."""
        if command.id == "office.new" and self.noun.key == "setting":
            return "Settings are changed, not added"
        if command.id == "office.retire" and not self.noun.can_retire:
            return f"A {self.noun.one} cannot be retired"
        if command.id in ("office.push", "office.drift") and self.noun.key != "package":
            return "Only packages are pushed to routers"
        if command.id == "office.runs" and self.noun.key != "trigger":
            return "Only triggers leave leads alone"
        if (
            command.id in ("office.edit", "office.retire", "office.push", "office.runs")
            and self.table.cursor_row is None
        ):
            return "There is no entry here"
        return None

    def copy_text(self) -> str:
        """The name."""
        return str(self.entry.get("name", "")) if self.entry is not None else ""

    # Commands

    def do_next_tab(self) -> None:
        """The next kind."""
        self.show_kind(self.kind + 1)

    def do_previous_tab(self) -> None:
        """The kind before."""
        self.show_kind(self.kind - 1)

    @on(VirtualTable.Opened, "#entries")
    def _opened(self) -> None:
        self.lead_app.run_command("office.edit")

    def do_new(self) -> None:
        """Add an entry of this kind."""
        from leadtui.screens.record_form import RecordForm

        office, noun = self.office, self.noun
        catalog = office.catalog
        values: dict[str, str] = {}
        if noun.key in {"status", "quick_log", "stage_action"} and (entry := self.entry) is not None:
            values["pipeline"] = str(entry.get("pipeline", ""))
            if noun.key == "stage_action":
                values |= {"status": str(entry.get("status", "")), "kind": "task"}
        if noun.key == "package":
            values["addressing"] = "dynamic"
        if noun.key == "quick_log":
            values["type"] = "call"
        if noun.key == "trigger":
            values |= {"action": "task", "count": "1"}

        def save(typed: dict[str, str]) -> Any:
            from leadtui.services import admin

            if noun.key == "pipeline":
                return admin.add_preset(office, typed["preset"])
            return admin.add(office, noun.key, typed)

        form = RecordForm(
            f"New {noun.one}", noun.specs(catalog, True), values, save, new=True, note=noun.note, rules=noun.rules
        )
        self.app.push_screen(form, partial(self._saved, noun, "added"))

    def do_edit(self) -> None:
        """Change the entry under the cursor."""
        from leadtui.screens.record_form import RecordForm

        entry, office, noun = self.entry, self.office, self.noun
        if entry is None:
            return
        ref = _ref(entry)
        specs = noun.specs(office.catalog, False)
        note = noun.note
        if noun.key == "setting":
            note = SETTINGS.get(ref, "")
            specs = (FieldSpec(ref, ref.replace("_", " ").capitalize(), required=ref not in MAY_BE_EMPTY),)
            entry = {"name": ref, ref: entry.get("value")}
        keys = {spec.key for spec in specs}
        bools = {spec.key for spec in specs if spec.kind == "bool"}

        def save(changed: dict[str, str]) -> Any:
            from leadtui.services import admin

            values = {key: (text or "no") if key in bools else text for key, text in changed.items()}
            if noun.key == "setting":
                return admin.set_setting(office, ref, values[ref])
            return admin.edit(office, noun.key, ref, values)

        values = {key: text for key, text in form_values(entry).items() if key in keys}
        title = f"{noun.one.capitalize()} {entry.get('name', '')}"
        form = RecordForm(title, specs, values, save, new=False, note=note, rules=noun.rules)
        self.app.push_screen(form, partial(self._saved, noun, "changed"))

    def _saved(self, noun: Noun, words: str, answer: Any) -> None:
        if answer is None:
            return
        if isinstance(answer, Mapping) and _row_id(answer) is not None and noun is self.noun:
            self.table.aim(_row_id(answer))
        self._load()
        name = answer.get("name", "") if isinstance(answer, Mapping) else ""
        self.done(f"{noun.one.capitalize()} {one_line(name)} {words}".replace("  ", " "))
        if noun.key == "package":
            for sentence in package_warnings(answer):
                self.app.notify(f"{one_line(name)}: {sentence}", severity="warning")

    def do_retire(self) -> None:
        """Offer the entry no more; where it is used it stays. A retired one is offered again."""
        entry, office, noun = self.entry, self.office, self.noun
        if entry is None:
            return
        ref, active = _ref(entry), bool(entry.get("is_active", True))

        def write() -> Any:
            from leadtui.services import admin

            return admin.retire(office, noun.key, ref, active=not active)

        words = "retired: kept where it is used" if active else "offered again"
        self.run_blocking(write, then=lambda answer: self._saved(noun, words, answer or {"name": entry.get("name")}))

    def do_push(self) -> None:
        """The package under the cursor, to routers."""
        from leadtui.screens.package_push import PackagePush

        if (entry := self.entry) is not None:
            self.app.push_screen(PackagePush(str(entry["name"])))

    def do_runs(self) -> None:
        """What the trigger under the cursor did, and the leads it leaves alone."""
        from leadtui.screens.trigger_dialog import TriggerDialog

        if (entry := self.entry) is not None:
            self.app.push_screen(TriggerDialog(_ref(entry), str(entry["name"])))

    def do_drift(self) -> None:
        """Where routers and packages differ."""
        from leadtui.screens.package_drift import PackageDrift

        self.app.push_screen(PackageDrift())


def _row_id(row: Entry) -> Any:
    return row.get("id", row.get("name"))


def _ref(entry: Entry) -> str:
    """How the services are told which entry: its id, a setting by its name."""
    return str(entry.get("id") or entry.get("name"))


def _settings(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Settings as entries: the known ones first."""
    known = [key for key in SETTINGS if key in settings]
    rest = sorted(key for key in settings if key not in SETTINGS)
    return [{"name": key, "value": settings[key], "meaning": SETTINGS.get(key, "")} for key in [*known, *rest]]
