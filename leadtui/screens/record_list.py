"""The base of main screens that are one short list of records: read in the background, or why it may not be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from leadtui.commands import Command
from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadScreen
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.pages import ListProvider
from leadtui.widgets.virtual_table import VirtualTable

Record = Mapping[str, Any]


class RecordList(LeadScreen[None]):
    """Subclasses say what the list is (`COLUMNS`, `KEY` …), read it (`read`) and draw it (`cell`, `shown`)."""

    DEFAULT_CSS: ClassVar[str] = "RecordList #refused { padding: 1 2; height: auto; display: none; }"
    TABLE: ClassVar[str] = ""
    """The id of the table."""
    COLUMNS: ClassVar[tuple[Column, ...]] = ()
    KEY: ClassVar[str] = "name"
    """The key of a record by which the cursor finds it again."""
    EMPTY: ClassVar[str] = ""
    NEEDS: ClassVar[frozenset[str]] = frozenset()
    """Commands that need a record under the cursor."""
    NONE_HERE: ClassVar[str] = ""
    """What is said where there is none."""

    # What subclasses fill in

    def read(self, office: Any) -> list[Record]:
        """The records, read in a thread."""
        raise NotImplementedError

    def cell(self, row: Any, key: str) -> Cell:
        """A cell of the list."""
        raise NotImplementedError

    def shown(self, rows: list[Record]) -> None:
        """The records are on the screen."""

    # The list

    def body(self) -> ComposeResult:
        """The list, or why there is none."""
        yield Static("", id="refused", markup=False)
        yield VirtualTable(
            self.COLUMNS, self.cell, row_id=lambda row: row[self.KEY], empty=self.EMPTY, markable=False, id=self.TABLE
        )

    def office_ready(self) -> None:
        """Read the records."""
        self.load()
        self.table.focus()

    def leads_changed(self, ids: frozenset[int]) -> None:
        """`r` reads again."""
        if not ids:
            self.load()

    @property
    def table(self) -> VirtualTable[Record]:
        """The list."""
        return self.query_one(f"#{self.TABLE}", VirtualTable)

    @property
    def record(self) -> Record | None:
        """The record under the cursor."""
        row: Record | None = self.table.cursor_row
        return row

    def load(self) -> None:
        """Read the records again; what is shown stays until they are here."""
        self.run_blocking(self.read, self.office, then=self._arrived, failed=self._unreadable, group="records")

    def _arrived(self, rows: list[Record]) -> None:
        self._show_refusal("")
        self.table.show(ListProvider(rows))
        self.shown(rows)

    def _unreadable(self, error: Exception) -> None:
        if isinstance(error, LeadtuiError):
            self._show_refusal(f"{error.message}\n{error.hint or ''}")
        else:
            self.lead_app.report(error)

    def _show_refusal(self, words: str) -> None:
        line = self.query_one("#refused", Static)
        line.update(Content(words))
        line.display = bool(words)
        self.table.display = not words

    def changed_record(self, key: object, words: str) -> None:
        """A record was written: the list is read again with the cursor on it, and `words` say what was done."""
        if key is not None:
            self.table.aim(str(key))
        self.load()
        self.done(words)

    def why_disabled(self, command: Command) -> str | None:
        """What needs a record under the cursor."""
        return self.NONE_HERE if command.id in self.NEEDS and self.record is None else None
