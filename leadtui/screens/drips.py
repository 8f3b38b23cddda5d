"""Drips: messages and tasks that follow one another over time, in a list; enter shows one with its leads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from leadtui.commands import Command
from leadtui.screens.drip_commands import DripCommands
from leadtui.screens.drip_rows import (
    DRIP_COLUMNS,
    drip_cell,
)
from leadtui.screens.record_list import Record, RecordList
from leadtui.widgets.columns import Cell
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.domain.drips import DripRow


class DripsScreen(DripCommands, RecordList):
    """The list; below it what the one under the cursor is for."""

    SCOPE = "drips"
    HEADING = "Drips"
    HINTS: ClassVar[tuple[str, ...]] = (
        "list.open", "drips.new", "drips.edit", "drips.start", "drips.pause", "drips.enroll",
    )  # fmt: skip
    TABLE = "drips"
    COLUMNS = DRIP_COLUMNS
    KEY = "key"
    EMPTY = "No drips yet; n makes the first"
    DEFAULT_CSS: ClassVar[str] = """
    DripsScreen #about { height: auto; max-height: 3; padding: 0 1; color: $text-muted; }
    """

    def body(self) -> ComposeResult:
        """The list, the words."""
        yield from RecordList.body(self)
        yield Static("", id="about", markup=False)

    def read(self, office: Any) -> list[Record]:
        """All of them."""
        from leadtui.services import drips

        return [{"key": one.key, "drip": one} for one in drips.list_all(office)]

    def shown(self, rows: list[Record]) -> None:
        """How many run."""
        running = sum(row["drip"].status == "active" for row in rows)
        self.heading("Drips", f"{len(rows)}" + (f" · {running} running" if running else ""))
        self._say_about()
        self.lead_app.refresh_hints()

    def on_screen_resume(self) -> None:
        """In front again: leads went on meanwhile."""
        if self.office is not None and self.table.counted:
            self.load()

    def cell(self, row: Any, key: str) -> Cell:
        """A cell of the list."""
        return drip_cell(row["drip"], key)

    @property
    def drip(self) -> DripRow | None:
        """The one under the cursor."""
        return None if self.record is None else self.record["drip"]

    def read_again(self, key: str | None = None) -> None:
        """Read the list; the cursor goes to the drip something was done with."""
        if key is not None:
            self.table.aim(key)
        self.load()

    @on(VirtualTable.Highlighted, "#drips")
    @on(VirtualTable.Loaded, "#drips")
    def _say_about(self) -> None:
        one = self.drip
        words = "" if one is None else " · ".join(part for part in (one.key, one.description or "") if part)
        self.query_one("#about", Static).update(Content(one_line(words)))

    @on(VirtualTable.Opened, "#drips")
    def _open(self) -> None:
        from leadtui.screens.drip_detail import DripScreen

        if self.drip is not None:
            self.app.push_screen(DripScreen(self.drip.key))

    def why_disabled(self, command: Command) -> str | None:
        """What does not fit the one under the cursor."""
        return DripCommands.why_disabled(self, command)

    def copy_text(self) -> str:
        """Its key, as commands name it."""
        return self.drip.key if self.drip is not None else ""
