"""Promises to clear a loan, for those who collect: what is late first, what it comes to, what a call made of it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from leadtui.commands import Command
from leadtui.domain.loans import LoanRow, LoanTotals
from leadtui.screens.change_watch import ChangeWatch
from leadtui.screens.loan_rows import COLUMNS, LoanCells, LoanPages, LoanView, sum_words
from leadtui.screens.search_line import SearchLine
from leadtui.widgets.columns import Cell
from leadtui.widgets.virtual_table import VirtualTable

EMPTY = "No promise is open; n notes one"
NONE_FOUND = "No promise matches; esc shows all open ones"
_NEED_OPEN = frozenset({"loans.clear", "loans.cancel"})


class LoansScreen(SearchLine):
    """Main screen 7."""

    SCOPE = "loans"
    HEADING = "Promises"
    LOOKS_FOR = "name, phone, email or number of the lead"
    HINTS: ClassVar[tuple[str, ...]] = (
        "list.open", "loans.clear", "leads.promise", "loans.cancel", "loans.which", "loans.mine",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.view = LoanView()
        self.cells: LoanCells | None = None
        self.totals: LoanTotals | None = None
        self.watch_changes = ChangeWatch(self, self._again)

    def body(self) -> ComposeResult:
        """Search line (while it is used), list."""
        yield self.search_bar()
        yield VirtualTable(COLUMNS, self._cell, empty="…", markable=False, id="loans")

    @property
    def table(self) -> VirtualTable[LoanRow]:
        """The list."""
        return self.query_one("#loans", VirtualTable)

    def on_mount(self) -> None:
        """The list takes the keys; changes made by others are looked for while this screen is in front."""
        self.table.focus()
        self.watch_changes.start()

    def office_ready(self) -> None:
        """Read the first page."""
        self.cells = LoanCells(self.office.catalog, self.lead_app.plain)
        self._show()

    def _cell(self, row: LoanRow, key: str) -> Cell:
        return self.cells(row, key) if self.cells is not None else ""

    def _show(self) -> None:
        """The list of the present filter."""
        pages = LoanPages(self.office, self.view)
        self.table.empty = EMPTY if self.view.is_plain else NONE_FOUND
        self.table.show(pages)
        self.totals = None
        self._title()
        self._count(pages)

    def _count(self, pages: LoanPages) -> None:
        """What the list comes to; that it may not be read the table says itself."""
        self.run_blocking(pages.totals, then=self._counted, failed=lambda error: None, group="loans.totals")

    def _counted(self, found: LoanTotals) -> None:
        self.totals = found
        self._title()

    def _title(self) -> None:
        dash = "-" if self.lead_app.plain else "─"
        words = self.view.words
        figures = "…" if self.totals is None else sum_words(self.totals, self.office.catalog.currency)
        self.heading(f"Promises {dash} {words}" if words else "Promises", figures)

    # Search and filters

    def apply(self, view: LoanView) -> None:
        """Show another list; the cursor stays on its promise when it is there."""
        if view != self.view:
            self.view = view
            self._show()

    @property
    def words(self) -> str:
        """What is looked for now."""
        return self.view.search

    def look_for(self, words: str) -> None:
        """Show the list of these words."""
        self.apply(replace(self.view, search=words))

    def do_which(self) -> None:
        """Open, overdue, due by today, all."""
        self.apply(self.view.next_which())

    def do_mine(self) -> None:
        """Those of leads assigned to me; again: everybody's."""
        self.apply(replace(self.view, mine=not self.view.mine))

    def do_show_all(self) -> None:
        """All open ones."""
        self.apply(LoanView())

    def do_back(self) -> None:
        """esc takes search and filters away."""
        if not self.view.is_plain:
            self.do_show_all()
            self.done("All open promises again")

    # One promise

    @property
    def loan(self) -> LoanRow | None:
        """The promise under the cursor."""
        return self.table.cursor_row

    def why_disabled(self, command: Command) -> str | None:
        """What needs a promise under the cursor, or an open one."""
        if command.id not in _NEED_OPEN and command.id != "leads.promise":
            return None
        if self.loan is None:
            return "there is no promise here"
        if command.id in _NEED_OPEN and not self.loan.is_open:
            return f"this promise is {self.loan.status} already"
        return None

    @on(VirtualTable.Opened)
    def opened(self) -> None:
        """The lead in full."""
        from leadtui.screens.lead_detail import LeadDetailScreen

        if self.loan is not None:
            self.app.push_screen(LeadDetailScreen(self.loan.lead_id))

    def do_new(self) -> None:
        """Note a promise of any lead: which, then what."""
        from leadtui.screens.loan_dialogs import LeadPicker

        def chosen(lead_id: str | None) -> None:
            if lead_id is not None:
                self._dialog(int(lead_id), "promise")

        self.app.push_screen(LeadPicker(self.office), chosen)

    def do_promise(self) -> None:
        """A new promise of the lead under the cursor, in place of the old one."""
        self._of_row("promise")

    def do_clear(self) -> None:
        """The lead has paid."""
        self._of_row("clear")

    def do_cancel(self) -> None:
        """It is not awaited any more."""
        self._of_row("cancel")

    def _of_row(self, what: str) -> None:
        if self.loan is not None:
            self._dialog(self.loan.lead_id, what)

    def _dialog(self, lead_id: int, what: str) -> None:
        from leadtui.screens.loan_dialogs import LoanDialog

        self.app.push_screen(LoanDialog((lead_id,), what=what))

    def copy_text(self) -> str:
        """`y`: name, phone, amount and day, as one pastes them into a message."""
        row = self.loan
        if row is None or self.cells is None:
            return ""
        words = (row.title, row.phone, self.cells(row, "amount")[0], self.cells(row, "promised")[0])
        return "  ".join(one for one in words if one)

    # Changes

    @on(VirtualTable.Highlighted)
    def moved(self) -> None:
        """Somebody moves: nothing changes under the cursor now."""
        self.watch_changes.touched()

    def on_screen_resume(self) -> None:
        """In front again."""
        self.watch_changes.look(at_once=True)

    def leads_changed(self, ids: frozenset[int]) -> None:
        """A promise was made or settled, or a lead has another name."""
        self._again()

    def _again(self) -> None:
        """Read again what is on screen."""
        if self.cells is not None:
            self.cells = LoanCells(self.office.catalog, self.lead_app.plain)
            self.table.reload()
            self._count(LoanPages(self.office, self.view))
