"""The list of customers: search, state, who was never online; what can be done with the one under the cursor."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from leadtui.domain.customers import CustomerFilter
from leadtui.domain.records import CustomerRow
from leadtui.screens.change_watch import ChangeWatch
from leadtui.screens.customer_commands import CustomerCommands
from leadtui.screens.customer_pages import COLUMNS, CustomerCells, CustomerPages, CustomerView
from leadtui.screens.search_line import SearchLine
from leadtui.widgets.columns import Cell
from leadtui.widgets.virtual_table import VirtualTable

EMPTY = "No customers yet: C on a lead (1) makes one"
NONE_FOUND = "No customer matches; esc shows all"


class CustomersScreen(SearchLine, CustomerCommands):
    """Main screen 2."""

    SCOPE = "customers"
    HEADING = "Customers"
    LOOKS_FOR = "name, phone or email"
    HINTS: ClassVar[tuple[str, ...]] = (
        "list.open", "customers.search", "customers.state", "customers.suspend", "customers.package",
        "customers.edit",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.view = CustomerView()
        self.cells: CustomerCells | None = None
        self.watch_changes = ChangeWatch(self, self.acted)

    def body(self) -> ComposeResult:
        """Search line (while it is used), list."""
        yield self.search_bar()
        yield VirtualTable(COLUMNS, self._cell, sort="name", empty="…", markable=False, id="customers")

    @property
    def table(self) -> VirtualTable[CustomerRow]:
        """The list."""
        return self.query_one("#customers", VirtualTable)

    def on_mount(self) -> None:
        """The list takes the keys; changes made by others are looked for while this screen is in front."""
        self.table.focus()
        self.watch_changes.start()

    def office_ready(self) -> None:
        """Read the first page."""
        self.cells = CustomerCells(self.office.catalog, self.lead_app.plain)
        hidden = self.office.actor.hidden_fields
        self.table.set_columns([column for column in COLUMNS if column.key not in hidden])
        self._show()

    def _cell(self, row: CustomerRow, key: str) -> Cell:
        return self.cells(row, key) if self.cells is not None else ""

    def _show(self) -> None:
        """The list of the present filter and order."""
        self.table.empty = EMPTY if self.view.wanted.is_empty else NONE_FOUND
        self.table.show(CustomerPages(self.office, self.view))
        self._title()

    def _title(self) -> None:
        dash = "-" if self.lead_app.plain else "─"
        words = self.view.words
        count = f"{self.table.row_count:,}" if self.table.counted else "…"
        self.heading(f"Customers {dash} {words}" if words else "Customers", count)

    @on(VirtualTable.Loaded)
    def rows_arrived(self) -> None:
        """Figures."""
        self._title()

    # Search and filters

    def apply(self, view: CustomerView) -> None:
        """Show another filter or order; the cursor stays on its customer when it is there."""
        if view != self.view:
            self.view = view
            self._show()

    @property
    def words(self) -> str:
        """What is looked for now."""
        return self.view.wanted.search

    def look_for(self, words: str) -> None:
        """Show the list of these words."""
        self.apply(self.view.narrowed(search=words))

    def do_state(self) -> None:
        """All, then active, suspended, partly suspended ones."""
        self.apply(self.view.next_state())

    def do_unseen(self) -> None:
        """Those never online for the office's number of days; again: all."""
        self.apply(self.view.narrowed(never_online=None if self.view.wanted.never_online is not None else -1))

    def do_clear(self) -> None:
        """All customers."""
        self.apply(replace(self.view, wanted=CustomerFilter()))

    def do_back(self) -> None:
        """esc takes search and filters away."""
        if not self.view.wanted.is_empty:
            self.do_clear()
            self.done("All customers again")

    @on(VirtualTable.SortWanted)
    def sort_by(self, event: VirtualTable.SortWanted) -> None:
        """Another order."""
        self.apply(replace(self.view, sort=str(event.row_id), descending=event.table.descending))

    # One customer

    def customer(self) -> CustomerRow | None:
        """The row under the cursor."""
        return self.table.cursor_row

    @on(VirtualTable.Opened)
    def opened(self, event: VirtualTable.Opened) -> None:
        """The customer in full."""
        from leadtui.screens.customer_detail import CustomerDetailScreen

        if isinstance(event.row_id, int):
            self.app.push_screen(CustomerDetailScreen(event.row_id))

    def copy_text(self) -> str:
        """`y`: name and phone, as one pastes them into a message."""
        row = self.customer()
        return "" if row is None else "  ".join(one for one in (row.name, row.phone) if one)

    # Changes

    @on(VirtualTable.Highlighted)
    def moved(self) -> None:
        """Somebody moves: nothing changes under the cursor now."""
        self.watch_changes.touched()

    def on_screen_resume(self) -> None:
        """In front again."""
        self.watch_changes.look(at_once=True)

    def leads_changed(self, ids: frozenset[int]) -> None:
        """A conversion makes customers, an edit changes them."""
        self.acted()

    def acted(self) -> None:
        """Read again what is on screen."""
        if self.cells is not None:
            self.cells = CustomerCells(self.office.catalog, self.lead_app.plain)
            self.table.reload()
