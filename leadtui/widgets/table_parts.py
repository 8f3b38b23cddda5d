"""Parts of the virtual table: its look, its messages, what a row is when nothing else is said."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Final, cast

from textual.message import Message

if TYPE_CHECKING:
    from leadtui.widgets.virtual_table import VirtualTable

STYLES: Final = ("header", "cursor", "muted", "error", "warning", "success", "accent", "strong")
"""Component classes, and the style names that cells may use."""

TABLE_CSS: Final = """
    VirtualTable { background: $background; color: $foreground; height: 1fr; overflow-y: scroll; overflow-x: auto;
        scrollbar-size: 1 1; }
    VirtualTable > .virtual-table--header { text-style: bold; color: $text-muted; }
    VirtualTable > .virtual-table--cursor { background: $block-cursor-blurred-background; text-style: bold; }
    VirtualTable:focus > .virtual-table--cursor { background: $block-cursor-background;
        color: $block-cursor-foreground; text-style: bold; }
    VirtualTable:ansi > .virtual-table--cursor { text-style: bold; background: ansi_default; color: ansi_default; }
    VirtualTable:ansi:focus > .virtual-table--cursor { text-style: bold reverse; }
    VirtualTable:ansi > .virtual-table--header { text-style: bold underline; color: ansi_default; }
    VirtualTable > .virtual-table--muted { color: $text-muted; }
    VirtualTable:ansi > .virtual-table--muted { color: ansi_default; text-style: dim; }
    VirtualTable > .virtual-table--error { color: $text-error; }
    VirtualTable > .virtual-table--warning { color: $text-warning; }
    VirtualTable > .virtual-table--success { color: $text-success; }
    VirtualTable > .virtual-table--accent { color: $text-accent; }
    VirtualTable > .virtual-table--strong { text-style: bold; }
    """


class TableMessage(Message):
    """A message of a table; `@on(VirtualTable.Opened, "#id")` works."""

    def __init__(self, table: VirtualTable[object], row_id: Hashable | None, row: object) -> None:
        super().__init__()
        self.table = table
        self.row_id = row_id
        self.row = row

    @property
    def control(self) -> VirtualTable[object]:
        """The table."""
        return self.table


def id_of(row: object) -> Hashable:
    """The id of a row that has one."""
    return cast("Hashable", row.id)  # type: ignore[attr-defined]


def text_of(row: object, key: str) -> str:
    """The attribute `key` as text."""
    value = getattr(row, key, None)
    return "" if value is None else str(value)
