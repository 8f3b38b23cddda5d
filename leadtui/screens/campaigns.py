"""Campaigns, the newest first: how far each is, what failed, when it ends; all that can be done with one."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from leadtui.domain.campaigns import CampaignRow
from leadtui.screens.campaign_commands import CampaignCommands, what_now
from leadtui.screens.campaign_rows import COLUMNS, CampaignCells, CampaignPages, CampaignView
from leadtui.screens.change_watch import ChangeWatch
from leadtui.screens.search_line import SearchLine
from leadtui.widgets.columns import Cell
from leadtui.widgets.virtual_table import VirtualTable

MOVING_S, MOVING_S_SLOW = 3.0, 15.0
"""While one of them is being sent the list is read anew so often: sending writes no audit that could be looked for."""
EMPTY = "No campaigns yet; n writes the first"
NONE_FOUND = "No campaign matches; esc shows all"


class CampaignsScreen(SearchLine, CampaignCommands):
    """Main screen 9."""

    SCOPE = "campaigns"
    HEADING = "Campaigns"
    LOOKS_FOR = "name of the campaign"
    HINTS: ClassVar[tuple[str, ...]] = ("campaigns.new", "campaigns.drips", "campaigns.templates")

    def __init__(self) -> None:
        super().__init__()
        self.view = CampaignView()
        self.cells: CampaignCells | None = None
        self.pages: CampaignPages | None = None
        self.watch_changes = ChangeWatch(self, self._again)

    def body(self) -> ComposeResult:
        """Search line (while it is used), list."""
        yield self.search_bar()
        yield VirtualTable(COLUMNS, self._cell, empty="…", markable=False, id="campaigns")

    @property
    def table(self) -> VirtualTable[CampaignRow]:
        """The list."""
        return self.query_one("#campaigns", VirtualTable)

    def on_mount(self) -> None:
        """The list takes the keys; what others do, and what goes on by itself, is looked for."""
        self.table.focus()
        self.watch_changes.start()
        self.set_interval(MOVING_S_SLOW if self.lead_app.slow else MOVING_S, self.look)

    def office_ready(self) -> None:
        """Read the first page."""
        self.cells = CampaignCells(self.office.catalog, self.lead_app.plain)
        self._show()

    def _cell(self, row: CampaignRow, key: str) -> Cell:
        return self.cells(row, key) if self.cells is not None else ""

    def _show(self) -> None:
        """The list of the present filter."""
        self.pages = CampaignPages(self.office, self.view)
        self.table.empty = EMPTY if self.view.is_plain else NONE_FOUND
        self.table.show(self.pages)
        self._title()

    def _title(self) -> None:
        dash = "-" if self.lead_app.plain else "─"
        shown = self.view.shown
        count = f"{self.table.row_count:,}" if self.table.counted else "…"
        self.heading(f"Campaigns {dash} {shown}" if shown else "Campaigns", count)

    @on(VirtualTable.Loaded, "#campaigns")
    def rows_arrived(self) -> None:
        """How many there are; what can be done with the one under the cursor."""
        self._title()
        self._hint()

    def _hint(self) -> None:
        row = self.campaign()
        self.hints.show_hints(
            self.HINTS if row is None else ("list.open", *what_now(row)[:3], "campaigns.new", "campaigns.drips")
        )

    @on(VirtualTable.Highlighted, "#campaigns")
    def moved(self) -> None:
        """Somebody moves: nothing changes under the cursor now."""
        self.watch_changes.touched()
        self._hint()

    # Search and filter

    @property
    def words(self) -> str:
        """What is looked for."""
        return self.view.words

    def look_for(self, words: str) -> None:
        """Those with these words in their name."""
        self.apply(replace(self.view, words=words))

    def apply(self, view: CampaignView) -> None:
        """Show another list."""
        if view != self.view:
            self.view = view
            if self.cells is not None:  # else it is shown as soon as the office is open
                self._show()

    def do_which(self) -> None:
        """The next status."""
        self.apply(self.view.next_status())

    def do_show_all(self) -> None:
        """All of them."""
        self.apply(CampaignView())

    def do_back(self) -> None:
        """esc takes search and filter away."""
        if not self.view.is_plain:
            self.do_show_all()
            self.done("All campaigns again")

    # The campaign under the cursor

    def campaign(self) -> CampaignRow | None:
        """The row under the cursor."""
        return self.table.cursor_row

    @on(VirtualTable.Opened, "#campaigns")
    def opened(self) -> None:
        """How it goes, as it goes."""
        if (row := self.campaign()) is not None:
            self._watch(row)

    def _watch(self, row: CampaignRow) -> None:
        from leadtui.screens.campaign_monitor import CampaignMonitor

        self.app.push_screen(CampaignMonitor(row.id))

    def started(self, row: CampaignRow | None) -> None:
        """It was started: who did that wants to see it go."""
        if row is not None:
            self.table.aim(row.id)
            self._watch(row)

    def acted(self, row: CampaignRow | None) -> None:
        """Read again; a new one gets the cursor."""
        if row is not None:
            self.table.aim(row.id)
        self.changed()

    # Changes

    def look(self) -> None:
        """What is being sent moves."""
        if self.pages is not None and self.pages.is_moving and self.app.screen is self:
            self.table.reload()

    def on_screen_resume(self) -> None:
        """In front again."""
        self._again()

    def leads_changed(self, ids: frozenset[int]) -> None:
        """`r`, or something was done elsewhere."""
        if not ids:
            self._again()

    def _again(self) -> None:
        """Read again what is on screen."""
        if self.cells is not None:
            self.cells = CampaignCells(self.office.catalog, self.lead_app.plain)
            self.table.reload()
