"""The list of leads: virtual table, filter line, preview on wide terminals, everything remembered."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.timer import Timer

from leadtui.domain.phones import format_phone
from leadtui.domain.records import LeadRow
from leadtui.screens.change_watch import ChangeWatch
from leadtui.screens.lead_commands import Target
from leadtui.screens.lead_filter import FilteredLeads
from leadtui.screens.lead_pages import (
    LeadPages,
    Opening,
    View,
    all_but,
    find_leads,
    read_opening,
    remember,
)
from leadtui.screens.preview import Preview
from leadtui.widgets.columns import Cell
from leadtui.widgets.filter_bar import FilterBar
from leadtui.widgets.lead_cells import DEFAULT_COLUMNS, LeadCells, choose_columns
from leadtui.widgets.pages import Marks
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.screens.palette import Place

SAVE_SECONDS, PLACE_SECONDS = 1.0, 5.0
"""How long after a change of the view, and after the last move of the cursor, it is kept for the next visit."""
EMPTY = "No leads yet; n adds the first, I imports a file"


class LeadsScreen(FilteredLeads):
    """All leads the person may see."""

    SCOPE = "leads"
    HEADING = "Leads"
    HINTS: ClassVar[tuple[str, ...]] = (
        "list.open", "leads.log", "leads.status", "leads.assign", "leads.convert", "leads.search",
    )  # fmt: skip
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (110, "-wide"), (150, "-broad")]  # noqa: RUF012
    DEFAULT_CSS: ClassVar[str] = """
    LeadsScreen #leads-area { height: 1fr; }
    LeadsScreen VirtualTable { width: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.view = View()
        self.cells: LeadCells | None = None
        self.hidden: frozenset[str] = frozenset()
        self.total: int | None = None
        self._kept = View()
        self._save_timer: Timer | None = None
        self.watch_changes = ChangeWatch(self, lambda: self.leads_changed(frozenset()))

    def body(self) -> ComposeResult:
        """Filter line (while it is used), list, preview (where there is room)."""
        yield FilterBar(self._parse, self._complete)
        with Horizontal(id="leads-area"):
            yield VirtualTable(
                choose_columns(DEFAULT_COLUMNS), self._cell, sort="created_at", descending=True, empty="…", id="leads"
            )
            yield Preview()

    @property
    def table(self) -> VirtualTable[LeadRow]:
        """The list."""
        return self.query_one("#leads", VirtualTable)

    def on_mount(self) -> None:
        """The list takes the keys; changes made by others are looked for while this screen is in front."""
        self.table.focus()
        self.watch_changes.start()

    def on_unmount(self) -> None:
        """Remember the place."""
        self._remember()

    # Opening

    def office_ready(self) -> None:
        """Read what was remembered, then the first page."""
        self.run_blocking(read_opening, self.office, then=self._opened, group="leads.open")
        self.lead_app.find_places = self._find_places

    def _opened(self, opened: Opening) -> None:
        self.cells = LeadCells(self.office.catalog, self.lead_app.plain)
        self.words, self.hidden = opened.words, opened.hidden
        self.view = self._kept = opened.view
        self.bar.history = list(self.view.history)
        self.table.set_columns(choose_columns(self.view.columns, self.hidden))
        self.table.restore(self.view.state())
        self._show()

    def _show(self) -> None:
        """The list of the present filter and order."""
        table, view = self.table, self.view
        table.empty = "No lead matches; esc shows all leads" if view.where else EMPTY
        table.show(LeadPages(self.office, view.where, view.order))
        self._title()

    def _cell(self, row: LeadRow, key: str) -> Cell:
        return self.cells(row, key) if self.cells is not None else ""

    # Title

    def _title(self) -> None:
        table = self.table
        dash = "-" if self.lead_app.plain else "─"
        count = f"{table.row_count:,}" if table.counted else "…"
        total = f" of {self.total:,}" if self.view.where and self.total is not None else ""
        marked = f"{table.marked_count:,} marked, " if table.marks else ""
        self.heading(f"Leads {dash} {self.view.where}" if self.view.where else "Leads", f"{marked}{count}{total}")

    @on(VirtualTable.Loaded)
    def rows_arrived(self) -> None:
        """Figures; the number of all leads is asked in a second step."""
        self._title()
        if self.view.where and self.total is None and self.table.counted:
            self._count_all()
        if not self.table.row_count and self.cells is not None:
            self.query_one(Preview).follow(None, self.cells)

    def _count_all(self) -> None:
        def counted(total: int) -> None:
            self.total = total
            self._title()

        self.run_blocking(LeadPages(self.office, "", "").count, then=counted, group="leads.total")

    @on(VirtualTable.Failed)
    def reading_failed(self, event: VirtualTable.Failed) -> None:
        """The list that was good stays; the reason is said."""
        if isinstance(event.row, Exception):
            self.lead_app.report(event.row)

    # Filter

    @property
    def where(self) -> str:
        """The present filter."""
        return self.view.where

    def apply(self, where: str) -> None:
        """Show what a filter finds. The cursor stays on its lead when it is there."""
        where = where.strip()
        if where == self.view.where:
            return
        self.view = replace(self.view, where=where)
        if self.table.marks.all:  # "everything" would now mean something else
            self.table.set_marks(Marks())
        self._show()
        self._remember_soon()

    def filters_used(self, history: tuple[str, ...]) -> None:
        """A filter was entered."""
        self.view = replace(self.view, history=history)
        self._remember_soon()

    def shown_list(self) -> VirtualTable[LeadRow]:
        """The list takes the keys."""
        return self.table

    @property
    def marked_count(self) -> int:
        """How many leads are marked."""
        return self.table.marked_count if self.table.marks else 0

    def unmark(self) -> None:
        """Take the marks away."""
        if self.table.marks:
            self.table.set_marks(Marks())

    def do_board(self) -> None:
        """The board of what the filter finds."""
        from leadtui.screens.board import open_board

        open_board(self.lead_app, self.view.where or None)

    # Order, columns, marks

    @on(VirtualTable.SortWanted)
    def sort_by(self, event: VirtualTable.SortWanted) -> None:
        """Another order."""
        self.view = replace(self.view, sort=str(event.row_id), descending=event.table.descending)
        self._show()
        self._remember_soon()

    def do_columns(self) -> None:
        """Choose the columns."""
        from leadtui.screens.columns_dialog import ColumnsDialog

        def chosen(keys: tuple[str, ...] | None) -> None:
            if keys is not None:
                self.view = replace(self.view, columns=keys)
                self.table.set_columns(choose_columns(keys, self.hidden))
                self._remember_soon()

        self.app.push_screen(ColumnsDialog(self.view.columns, self.hidden), chosen)

    @on(VirtualTable.MarksChanged)
    def marks_changed(self) -> None:
        """Commands are now for the marked ones."""
        self._title()
        self._remember_soon()
        self.lead_app.refresh_hints()

    # What the commands need

    def lead(self) -> LeadRow | None:
        """The row under the cursor."""
        return self.table.cursor_row

    def target(self) -> Target:
        """The marked leads, else the one under the cursor."""
        marks = self.table.marks
        ids = tuple(sorted(one for one in marks.ids if isinstance(one, int)))
        if marks.all:
            return Target((), all_but(self.view.where, ids), self.table.marked_count)
        if ids:
            return Target(ids, None, len(ids))
        return super().target()

    def acted(self, result: object) -> None:
        """Something was done with the marked leads: the marks have served."""
        self.unmark()

    def copy_text(self) -> str:
        """`y`: the row as it is shown, tabs between, to be pasted into a sheet."""
        row = self.lead()
        if row is None or self.cells is None:
            return ""
        cells = [self.cells(row, column.key) for column in self.table.columns]
        return "\t".join(cell[0] if isinstance(cell, tuple) else cell for cell in cells)

    def do_work(self) -> None:
        """What the filter finds (the marked ones, when there are any), one lead after another."""
        from leadtui.screens.work_mode import open_work_mode

        open_work_mode(self, where=self._meant())

    def _meant(self) -> str:
        """What the filter finds, or the marked leads, as a filter."""
        target = self.target()
        if not self.table.marks:
            return self.view.where
        return target.where if target.where is not None else "id:" + ",".join(str(one) for one in target.ids)

    def do_campaign(self) -> None:
        """Write a campaign to them."""
        self.open_dialog("campaign_editor", "CampaignEditor", None, self._meant())

    def do_imports(self) -> None:
        """Import a file."""
        self.open_dialog("import_dialog", "ImportDialog")

    def do_exports(self) -> None:
        """Export what the filter finds, or the marked leads."""
        self.open_dialog("export_dialog", "ExportDialog", self._meant())

    # Opening a lead

    @on(VirtualTable.Opened)
    def open_lead(self, event: VirtualTable.Opened) -> None:
        """The lead in full."""
        from leadtui.screens.lead_detail import LeadDetailScreen

        if isinstance(event.row_id, int):
            self._remember()
            self.app.push_screen(LeadDetailScreen(event.row_id, self.view.where, self.view.order), self._returned)

    def _find_places(self, words: str) -> list[Place]:
        """For the palette: leads by name, phone, email or number, and customers. Called in a thread."""
        from leadtui.screens.customer_pages import MOST_PLACES, customer_places
        from leadtui.screens.palette import MOST_LEADS, Place

        country = self.office.catalog.country

        def go(lead_id: int) -> None:
            from leadtui.screens.lead_detail import LeadDetailScreen

            self.app.push_screen(LeadDetailScreen(lead_id))

        def show(customer_id: int) -> None:
            from leadtui.screens.customer_detail import CustomerDetailScreen

            self.app.push_screen(CustomerDetailScreen(customer_id))

        places = [
            Place(
                f"{row.title}  {format_phone(row.phone, country) if row.phone else row.phone_raw or ''}",
                f"{row.number} · {row.status}",
                partial(go, row.id),
            )
            for row in find_leads(self.office, words, MOST_LEADS - MOST_PLACES)
        ]
        return places + customer_places(self.office, words, show)

    def _returned(self, lead_id: int | None) -> None:
        """Back from a lead: the cursor goes to the one shown last."""
        if lead_id is not None and lead_id != self.table.cursor_id:
            self.table.restore(replace(self.table.state(), cursor_id=lead_id))

    @on(VirtualTable.Highlighted)
    def highlighted(self, event: VirtualTable.Highlighted) -> None:
        """Another lead under the cursor."""
        self.watch_changes.touched()
        self._remember_soon(PLACE_SECONDS)
        if self.cells is not None and isinstance(event.row, LeadRow):
            self.query_one(Preview).follow(event.row, self.cells)

    # Changes

    def leads_changed(self, ids: frozenset[int]) -> None:
        """Leads were changed, came or went: what is on screen is read again, cursor and marks stay on their leads."""
        if self.cells is None:
            return
        self.cells = LeadCells(self.office.catalog, self.lead_app.plain)
        self.total = None
        self.table.reload()
        self.query_one(Preview).read()

    def on_screen_resume(self) -> None:
        """In front again."""
        if self.cells is not None:
            self.watch_changes.look(at_once=True)

    # Remembering

    def _remember_soon(self, seconds: float | None = None) -> None:
        self.view = self.view.with_place(self.table.state())
        if self._save_timer is not None:
            self._save_timer.stop()
        self._save_timer = self.set_timer(SAVE_SECONDS if seconds is None else seconds, self._remember)

    def _remember(self) -> None:
        """Keep filter, order, columns, place and marks for the next visit."""
        if self.cells is None or self.office is None:
            return
        if self.view == self._kept:
            return
        self._kept = view = self.view
        self.run_blocking(remember, self.office, view, failed=lambda error: None, group="leads.view")
