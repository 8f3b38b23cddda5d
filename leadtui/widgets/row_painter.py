"""Draws the lines of a virtual table: header, rows, rows that are not here yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from leadtui.widgets.columns import Cell, Column, layout
from leadtui.widgets.text import fit, one_line

Row = TypeVar("Row")
GUTTER = 3
"""Cursor bar, mark, blank."""
GAP = "  "


class RowPainter(Generic[Row]):
    """Columns, their present widths, and how a row becomes a strip of segments (one where colours allow)."""

    def __init__(
        self, columns: Sequence[Column], cell: Callable[[Row, str], Cell], style: Callable[[str], Style]
    ) -> None:
        self.columns = tuple(columns)
        self.cell = cell
        self.style = style
        self.plain = False
        self.widths: list[int] = []
        self.total = 0
        self.gap = GAP

    def lay_out(self, width: int) -> None:
        """Share `width` among the columns; `total` says how wide the whole is (more than `width` when it scrolls).

        A column that would be dropped for want of room stays when one blank between columns makes that room.
        """
        roomy, dense = (layout(self.columns, width - GUTTER, gap) for gap in (2, 1))
        self.widths, self.gap = (dense, " ") if dense.count(0) < roomy.count(0) else (roomy, GAP)
        shown = [cells for cells in self.widths if cells]
        self.total = GUTTER + sum(shown) + len(self.gap) * max(len(shown) - 1, 0)

    def visible(self) -> list[tuple[Column, int]]:
        """Columns with their cells, without those dropped."""
        return [(column, cells) for column, cells in zip(self.columns, self.widths, strict=True) if cells]

    def column_at(self, x: int) -> Column | None:
        """The column whose header is at cell `x`."""
        left = GUTTER
        for column, cells in self.visible():
            if left <= x < left + cells:
                return column
            left += cells + len(self.gap)
        return None

    def header(self, sort: str, descending: bool) -> Strip:
        """The first line; the sorted column carries an arrow."""
        down, up = ("v", "^") if self.plain else ("▼", "▲")
        parts = [" " * GUTTER]
        for column, cells in self.visible():
            arrow = (down if descending else up) if column.sort and column.sort == sort else ""
            label = f"{column.label} {arrow}" if arrow and len(column.label) + 2 <= cells else column.label + arrow
            parts.append(fit(label, cells, column.align) + self.gap)
        return Strip([Segment("".join(parts), self.style("header"))])

    def message(self, text: str) -> Strip:
        """A line that is no row: still loading, nothing found."""
        return Strip([Segment(" " * GUTTER + one_line(text), self.style("muted"))])

    def row(self, row: Row, *, here: bool, marked: bool, base: Style) -> Strip:
        """A row; the cursor's has a bar, a marked one a dot, so that colour is never the only sign."""
        bar, dot = (">", "*") if self.plain else ("┃", "●")
        segments: list[Segment] = []
        text = f"{bar if here else ' '}{dot if marked else ' '} "
        for column, cells in self.visible():
            cell = self.cell(row, column.key)
            words, name = cell if isinstance(cell, tuple) else (cell, "")
            piece = fit(one_line(words), cells, column.align)
            if name and not here:
                segments += [Segment(text, base), Segment(piece, base + self.style(name))]
                text = self.gap
            else:
                text += piece + self.gap
        segments.append(Segment(text, base))
        return Strip(segments)
