"""The base of the two lists of rules: how leads are scored, and who gets them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from leadtui.commands import Command
from leadtui.screens import rules_rows as rows
from leadtui.screens.record_list import Record, RecordList
from leadtui.widgets.columns import Cell
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.background import Job

WAITING_S = 1.0
"""Between two looks at how many leads are still to be scored anew, while there are any."""
_NEED_RULE = ("edit", "switch", "sooner", "later", "remove", "rehearse", "found")


class RuleList(RecordList):
    """One of the two lists. Subclasses say which services keep the rules, and how a rule is written."""

    SCOPE = "rules"
    HEADING = "Rules"
    TABLE = "rules"
    KEY = "id"
    EMPTY = "No rules yet — n adds one"
    NEEDS = frozenset(f"rules.{name}" for name in _NEED_RULE)
    NONE_HERE = "There is no rule here"
    TITLE: ClassVar[str] = ""
    KIND: ClassVar[str] = ""
    """What `services.rule_preview` calls this list: score or assign."""
    DEFAULT_CSS: ClassVar[str] = "RuleList #why { height: auto; max-height: 4; padding: 0 1; color: $text-muted; }"

    def __init__(self) -> None:
        super().__init__()
        self.pipeline: str | None = None
        """Only the rules of this pipeline, and those of every one."""
        self.counts: dict[int, int] = {}
        """How many leads each rule's condition finds."""
        self.number = 0
        """How many rules are shown."""
        self.waiting = 0
        """Leads that are still to be scored anew."""

    # What subclasses fill in

    def service(self) -> Any:
        """The module that keeps the rules. In a thread: the import is part of the work."""
        raise NotImplementedError

    def editor(self, rule: Record | None) -> Any:
        """The screen on which a rule is written."""
        raise NotImplementedError

    def other(self) -> RuleList:
        """The other list."""
        raise NotImplementedError

    # The list

    def body(self) -> ComposeResult:
        """The list; below it the rule under the cursor in a sentence."""
        yield from super().body()
        yield Static("", id="why", markup=False)

    def on_mount(self) -> None:
        """What waits to be scored anew is looked at while there is something."""
        self.set_interval(WAITING_S, self._look_again)

    def read(self, office: Any) -> list[Record]:
        """The rules, those of a pipeline and of a group together."""
        from leadtui.services import rule_preview

        found: list[Record] = rule_preview.rules(office, self.KIND, pipeline=self.pipeline)
        return found

    def cell(self, row: Any, key: str) -> Cell:
        """A cell; what is switched off is muted and says so."""
        text = rows.cell_text(row, key, self.counts)
        if row.get("problem"):
            return text, "error"
        return text if row["is_active"] else (text, "muted")

    def shown(self, rows_here: list[Record]) -> None:
        """How many; then, in the background, how many leads each of them finds."""
        self.number = len(rows_here)
        several = len(self.office.catalog.pipelines) > 1
        self.table.set_columns([one for one in self.COLUMNS if several or one.key != "pipeline"])
        self._title()
        self._say_why()
        self._count(rows_here)
        self._look()

    def _title(self) -> None:
        dash = "-" if self.lead_app.plain else "─"
        of = f" {dash} {self.pipeline}" if self.pipeline else ""
        right = f"{self.number} rule{'' if self.number == 1 else 's'}"
        if self.waiting:
            right = f"{self.waiting:,} lead{'s' if self.waiting != 1 else ''} still to be scored anew · {right}"
        self.heading(f"{self.TITLE}{of}", right)

    def _say_why(self) -> None:
        row = self.record
        self.query_one("#why", Static).update(Content("" if row is None else self.sentence(row)))

    def sentence(self, row: Record) -> str:
        """The rule under the cursor, in words."""
        return rows.sentence(row, self.counts)

    @on(VirtualTable.Highlighted)
    @on(VirtualTable.Loaded)
    def _moved(self) -> None:
        self._say_why()

    @on(VirtualTable.Failed)
    def _list_failed(self, event: VirtualTable.Failed) -> None:
        if isinstance(event.row, Exception):
            self.lead_app.report(event.row)

    def _count(self, rules: list[Record]) -> None:
        office, holder = self.office, list["Job"]()

        def count() -> dict[int, int]:
            from leadtui.services import rule_preview

            return rule_preview.counts(office, rules, lambda: bool(holder) and holder[0].should_stop())

        def counted(found: dict[int, int]) -> None:
            self.counts = found
            self.table.refresh()
            self._say_why()

        holder.append(self.run_blocking(count, then=counted, failed=lambda error: None, group="rules.count"))

    def _look_again(self) -> None:
        if self.waiting and self.app.screen is self:
            self._look()

    def _look(self) -> None:
        """How many leads the job has still to score anew."""
        office = self.office

        def read() -> int:
            from leadtui.services import rule_preview

            return rule_preview.waiting(office)

        def came(waiting: int) -> None:
            was, self.waiting = self.waiting, waiting
            self._title()
            if was and not waiting:
                self.changed()
                self.done("All leads are scored by the rules as they are now")

        self.run_blocking(read, then=came, failed=lambda error: None, group="rules.waiting")

    def leads_changed(self, ids: frozenset[int]) -> None:
        """`r` reads again."""
        if not ids and self.office is not None and self.app.screen is self:
            self.load()

    def copy_text(self) -> str:
        """The rule in words."""
        return "" if self.record is None else f"{self.record['name']}: {self.sentence(self.record)}"

    # Commands

    def why_disabled(self, command: Command) -> str | None:
        """What needs a rule; what the other list has."""
        if command.id == "rules.which" and len(self.office.catalog.pipelines) < 2:
            return "There is one pipeline"
        if command.id == "rules.found" and self.record is not None and not self.record["where"]:
            return "It counts for every lead"
        return super().why_disabled(command)

    @on(VirtualTable.Opened)
    def _opened(self) -> None:
        self.lead_app.run_command("rules.edit")

    def do_next_tab(self) -> None:
        """The other list."""
        self.app.switch_screen(self.other())

    def do_which(self) -> None:
        """The next pipeline; then all."""
        keys = [None, *(one.key for one in self.office.catalog.pipelines)]
        self.pipeline = keys[(keys.index(self.pipeline) + 1) % len(keys)]
        self.load()

    def do_new(self) -> None:
        """Add a rule."""
        self.app.push_screen(self.editor(None), partial(self._written, "added"))

    def do_edit(self) -> None:
        """Change the one under the cursor."""
        if self.record is not None:
            self.app.push_screen(self.editor(self.record), partial(self._written, "changed"))

    def _written(self, words: str, rule: Record | None) -> None:
        """A rule was written: read again, and say what follows from it."""
        if rule is None:
            return
        self.table.aim(rule["id"])
        self.load()
        self.say_written(one_line(f"{rule['name']} {words}"))

    def say_written(self, words: str) -> None:
        """What was done, and what follows from it."""
        self.done(words, undo=True)

    def _change(self, name: str, words: str, *arguments: Any) -> None:
        """Call a function of the service for the rule under the cursor."""
        office, rule = self.office, self.record
        if rule is None:
            return
        ref = str(rule["id"])

        def write() -> Any:
            return getattr(self.service(), name)(office, ref, *arguments)

        self.run_blocking(write, then=lambda _answer: self._written(words, rule), group="rules.write")

    def do_switch(self) -> None:
        """Off, or on again."""
        if self.record is not None:
            on_again = not self.record["is_active"]
            self._change("set_active", "is on" if on_again else "is off", on_again)

    def do_remove(self) -> None:
        """Take it away, after a question that says what follows."""
        from leadtui.screens.confirm import Confirm

        if (rule := self.record) is None:
            return
        words = f"{one_line(rule['name'])} is taken away for good. {self.after_change()} d only switches it off."
        self.app.push_screen(
            Confirm(words, yes="Take it away", no="Leave it", danger=True),
            lambda yes: self._change("remove", "taken away") if yes else None,
        )

    def after_change(self) -> str:
        """What follows from any change, as a sentence."""
        return ""

    def do_sooner(self) -> None:
        """One place up."""
        self._move(-1)

    def do_later(self) -> None:
        """One place down."""
        self._move(1)

    def _move(self, step: int) -> None:
        office, rule, kind = self.office, self.record, self.KIND
        if rule is None:
            return
        pipeline = self.pipeline

        def write() -> bool:
            from leadtui.services import rule_order

            return rule_order.move(office, kind, int(rule["id"]), step, pipeline=pipeline)

        def moved(is_moved: bool) -> None:
            if is_moved:
                self._written("moved up" if step < 0 else "moved down", rule)
            else:
                self.done(rows.AT_THE_END[self.KIND][step > 0])

        self.run_blocking(write, then=moved, group="rules.write")

    def do_found(self) -> None:
        """The leads for which it holds."""
        from leadtui.screens.figure_leads import FigureLeads

        if self.record is not None:
            title = one_line(str(self.record["name"]))
            self.app.push_screen(FigureLeads(self.record["where"], title))

    def do_try_it(self) -> None:
        """What the rules make of a lead."""
        from leadtui.screens.rule_try import TryDialog

        self.app.push_screen(TryDialog(self.KIND))

    def do_rehearse(self) -> None:
        """What switching it off, or on, would have done."""
        from leadtui.screens.rule_rehearsal import RuleRehearsalScreen

        if (rule := self.record) is None:
            return
        act = "disable" if rule["is_active"] else "enable"
        name = one_line(str(rule["name"]))
        label = f"without {name}" if rule["is_active"] else f"with {name}"
        of = rule.get("pipeline") or self.pipeline
        screen = RuleRehearsalScreen(self.KIND, label, [(act, rule["id"], {})], pipeline=of)
        self.app.push_screen(screen, lambda answer: self.do_switch() if answer else None)

    def do_worth(self) -> None:
        """What each of them is worth."""
        from leadtui.screens.rule_rehearsal import RuleRehearsalScreen

        self.app.push_screen(RuleRehearsalScreen(self.KIND, "what each rule is worth", pipeline=self.pipeline))
