"""Some leads, known by their ids, as a list: those behind a figure. Enter opens one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from leadtui.domain.records import LeadRow
from leadtui.screens.base import LeadScreen
from leadtui.widgets.columns import Cell
from leadtui.widgets.lead_cells import DEFAULT_COLUMNS, LeadCells, choose_columns
from leadtui.widgets.pages import ListProvider
from leadtui.widgets.virtual_table import VirtualTable

CHUNK = 500
"""Leads read with one question."""


class LeadsOf(LeadScreen[None]):
    """Answers nothing. `title` says which leads these are."""

    HEADING = "Leads"
    HINTS: ClassVar[tuple[str, ...]] = ("list.open", "app.copy", "app.back")

    def __init__(self, title: str, ids: Sequence[int]) -> None:
        super().__init__()
        self.title_words = title
        self.ids = tuple(ids)
        self.cells: LeadCells | None = None

    def body(self) -> ComposeResult:
        """The list."""
        yield VirtualTable(
            choose_columns(DEFAULT_COLUMNS), self._cell, empty="None that you may see", markable=False, id="leads-of"
        )

    @property
    def table(self) -> VirtualTable[LeadRow]:
        """The list."""
        return self.query_one("#leads-of", VirtualTable)

    def office_ready(self) -> None:
        """Read the first page."""
        self.cells = LeadCells(self.office.catalog, self.lead_app.plain)
        self.heading(self.title_words, "…")
        self._read()
        self.table.focus()

    def _read(self) -> None:
        office, ids = self.office, self.ids

        def read() -> Sequence[LeadRow]:
            from leadtui.services import leads

            return [
                row for start in range(0, len(ids), CHUNK) for row in leads.rows(office, ids[start : start + CHUNK])
            ]

        self.run_blocking(read, then=self._came, group="leads-of")

    def _came(self, rows: Sequence[LeadRow]) -> None:
        self.heading(right=f"{len(rows):,}")
        self.table.show(ListProvider(rows))

    def _cell(self, row: LeadRow, key: str) -> Cell:
        return self.cells(row, key) if self.cells is not None else ""

    def leads_changed(self, ids: frozenset[int]) -> None:
        """One of them may have been mended."""
        if self.cells is not None:
            self._read()

    @on(VirtualTable.Opened)
    def opened(self, event: VirtualTable.Opened) -> None:
        """The lead in full."""
        from leadtui.screens.lead_detail import LeadDetailScreen

        if isinstance(event.row_id, int):
            self.app.push_screen(LeadDetailScreen(event.row_id))

    def copy_text(self) -> str:
        """`y`: number, name and phone."""
        row = self.table.cursor_row
        return "" if row is None else "  ".join(one for one in (row.number, row.name, row.phone) if one)
