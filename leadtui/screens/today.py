"""Today: everything that is to be done or looked after now, the most pressing first, each thing with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from leadtui.commands import Command
from leadtui.domain.records import LeadRow
from leadtui.domain.today import Today, TodayRow
from leadtui.screens.change_watch import ChangeWatch
from leadtui.screens.lead_commands import LeadCommands
from leadtui.screens.today_rows import InList, More, TodayRows
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from textual.timer import Timer

PREFERENCE = "today.whose"
STEP = 50
"""Rows that enter on "more" adds."""
MINUTE_S = 60.0
"""Time alone makes things due."""
_WHOSE = {"mine": "my work", "team": "my team", "all": "everybody"}


class TodayScreen(LeadCommands):
    """Main screen 0."""

    SCOPE = "today"
    HEADING = "Today"
    HINTS: ClassVar[tuple[str, ...]] = (
        "today.work", "list.open", "leads.log", "leads.status", "leads.follow_up", "leads.convert",
    )  # fmt: skip

    DEFAULT_CSS: ClassVar[str] = """
    TodayScreen #why { height: 1; padding: 0 1; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.today: Today | None = None
        self.whose = ""
        self.more: dict[str, int] = {}
        self.watch_changes = ChangeWatch(self, self._load)
        self._minute: Timer | None = None

    def body(self) -> ComposeResult:
        """The parts of the day; below them, in full, why the row under the cursor is there."""
        yield Sheet(id="today")
        yield Static("", id="why", markup=False)

    def on_mount(self) -> None:
        """The sheet takes the keys; what others change and what the clock makes due is looked for."""
        self.query_one(Sheet).focus()
        self.watch_changes.start()
        self._minute = self.set_interval(MINUTE_S, self._minute_passed)

    def _minute_passed(self) -> None:
        if self.office is not None and self.app.screen is self:
            self._load()

    def on_screen_resume(self) -> None:
        """In front again."""
        if self.today is not None:
            self._load()

    def office_ready(self) -> None:
        """Read the day."""
        self._load()

    # Reading

    def _load(self) -> None:
        office, whose, more = self.office, self.whose, dict(self.more)

        def read() -> Today:
            from leadtui.services import admin, today

            return today.sections(office, whose=whose or _kept(admin.preference(office, PREFERENCE), office), more=more)

        self.run_blocking(read, then=self._show, group="today.read")

    def _show(self, today: Today) -> None:
        first = self.today is None
        self.today, self.whose = today, today.whose
        rows = TodayRows(today, self.office.catalog, self.office.actor, self.lead_app.plain)
        self.query_one(Sheet).show(rows.sheet, keep_place=not first)
        of = f" - {_WHOSE[today.whose]}" if len(today.choices) > 1 else ""
        self._say_why()
        self.heading(f"Today{of if self.lead_app.plain else of.replace('-', '─')}", self._figures(today))
        self.lead_app.refresh_hints()

    @staticmethod
    def _figures(today: Today) -> str:
        due = today.count("overdue", "now", "later", "tasks")
        words = [f"{today.count('overdue'):,} overdue", f"{due:,} to do"]
        return ", ".join(words if today.count("overdue") else words[1:])

    def leads_changed(self, ids: frozenset[int]) -> None:
        """Something was changed, here or elsewhere."""
        if self.today is not None:
            self._load()

    def _say_why(self) -> None:
        row = self.row
        words = "" if row is None else f"{row.title}: {row.reason}" + (f" ({row.who})" if row.who else "")
        self.query_one("#why", Static).update(Content(one_line(words)))

    # What the commands need

    @property
    def row(self) -> TodayRow | None:
        """The thing under the cursor."""
        item = self.query_one(Sheet).current
        return item if isinstance(item, TodayRow) else None

    def lead(self) -> LeadRow | None:
        """The lead it is about."""
        return self.row.lead if self.row is not None else None

    def why_disabled(self, command: Command) -> str | None:
        """Whose day: where there is a choice."""
        if command.id == "today.whose":
            alone = self.today is None or len(self.today.choices) < 2
            return "your role shows you your own leads only" if alone else None
        if command.id == "today.claim":
            return None if self.row is not None and self.row.section == "offers" else "this is not offered to you"
        if command.id == "today.work":
            return None if self.today is not None else "the day is still being read"
        return super().why_disabled(command)

    @on(Sheet.Moved)
    def moved(self) -> None:
        """Another row may allow other commands."""
        self.watch_changes.touched()
        self._say_why()
        self.lead_app.refresh_hints()

    def copy_text(self) -> str:
        """`y`: number, name, phone and reason."""
        row = self.row
        if row is None:
            return ""
        one = row.lead
        parts = (one.number, one.name, one.phone) if one is not None else (row.title,)
        return "  ".join(part for part in (*parts, row.reason) if part)

    # Commands

    @on(Sheet.Opened)
    def open_item(self, event: Sheet.Opened) -> None:
        """Enter: the lead in full; on "more" more rows; on a failed intake where it can be mended."""
        item: Any = event.item
        if isinstance(item, More):
            self.more[item.section] = item.shown + STEP
            self._load()
        elif isinstance(item, InList):
            self._open_list(item)
        elif isinstance(item, TodayRow):
            self._open(item)

    def _open(self, row: TodayRow) -> None:
        if row.section == "offers":
            self.open_dialog("offers", "OffersDialog", row.title)
            return
        if row.lead is None:
            self.open_dialog("intakes", "IntakesScreen")
            return
        if row.section == "handed":
            self.lead_app.run_command("campaigns.handed")
            return
        from leadtui.screens.lead_detail import LeadDetailScreen

        self.app.push_screen(LeadDetailScreen(row.lead.id))

    def _open_list(self, item: InList) -> None:
        from leadtui.screens.figure_leads import FigureLeads

        self.app.push_screen(FigureLeads(item.where, item.title))

    def do_claim(self) -> None:
        """Take the lead under the cursor that is offered, if nobody was faster."""
        from leadtui.screens.offers import claim

        if (row := self.row) is not None and row.target_id is not None:
            claim(self, row.target_id, row.title)

    def do_work(self) -> None:
        """One lead after another."""
        from leadtui.screens.work_mode import open_work_mode

        open_work_mode(self, whose=self.whose or "mine")

    def do_whose(self) -> None:
        """The next of mine, team, all; kept for the next visit."""
        if self.today is None:
            return
        those = self.today.choices
        self.whose = whose = those[(those.index(self.whose) + 1) % len(those)]
        self.more.clear()
        self._load()
        office = self.office

        def keep() -> None:
            from leadtui.services import admin

            admin.set_preference(office, PREFERENCE, whose)

        self.run_blocking(keep, failed=lambda error: None, group="today.keep")
        self.done(f"Shown: {_WHOSE[whose]}")


def _kept(value: object, office: Any) -> str:
    """What was shown last; at first one's own work, and for those who look after others' leads everybody's."""
    if value in _WHOSE:
        return str(value)
    return "mine" if office.actor.scope("read") in ("own", "none") else "all"
