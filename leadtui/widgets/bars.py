"""Rows of figures with bars: a label, figures to the right, a bar whose first part is a share of it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len

from leadtui.widgets.panel import Panel
from leadtui.widgets.sheet_lines import Span
from leadtui.widgets.text import fit, one_line

GUTTER: Final = 2
"""The cursor's bar and a blank."""
LABEL: Final = 12
"""A label keeps at least so many cells where there is a bar."""
SHORT_BAR: Final = 7
"""A bar of fewer cells says nothing."""
WIDEST_LABEL: Final = 32
MOST_LINES: Final = 3
"""Lines of one row where there is room: figures, bar, blank."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One figure as it is written; `item` is what enter opens, None where nothing stands behind it."""

    text: str
    item: object = None
    style: str = ""


@dataclass(frozen=True, slots=True)
class BarRow:
    """A row: `share` of the panel's width is the bar (0 to 1; None for none), `part` of it is filled in."""

    key: Hashable
    label: str
    spots: tuple[Spot, ...]
    share: float | None = None
    part: float = 1.0


@dataclass(frozen=True, slots=True)
class BarTable:
    """What a panel of bars shows; `heads` stand in the rule, each over its column."""

    title: str
    heads: tuple[str, ...] = ()
    rows: tuple[BarRow, ...] = ()
    empty: str = "Nothing yet"
    optional: tuple[int, ...] = ()
    """Columns that give way first where there is little room."""


def bar(cells: int, share: float, part: float, plain: bool) -> list[Span]:
    """A bar of `share` of `cells`: what is filled in is heavy, the rest thin, so that it reads without colour."""
    whole = min(max(share, 0.0), 1.0) * cells
    length = max(round(whole), 1 if share > 0 else 0)
    full = min(round(length * min(max(part, 0.0), 1.0)), length)
    if part > 0 and not full and length:
        full = 1
    heavy, thin = ("=", "-") if plain else ("━", "─")
    return [(heavy * full, "line"), (thin * (length - full), "area"), (" " * (cells - length), "")]


def _room(width: int, columns: Sequence[int]) -> int:
    """What is left for label and bar beside these columns."""
    return width - GUTTER - sum(cells + 1 for cells in columns if cells)


class Bars(Panel):
    """A panel of rows. The cursor is on one figure of one row; it stays there by the row's key when figures change."""

    def __init__(self, table: BarTable, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.table = table
        self.row = 0
        self.column = 0
        self.top = 0

    def show(self, table: BarTable) -> None:
        """Other figures; the cursor stays on its row wherever that is now."""
        if table == self.table:
            return
        key = self.table.rows[self.row].key if self.row < len(self.table.rows) else None
        self.table = table
        keys = [row.key for row in table.rows]
        self.row = keys.index(key) if key in keys else max(0, min(self.row, len(keys) - 1))
        self.column = self._near(self.row, self.column)
        self.redraw()

    # The cursor

    def _stops(self, row: int) -> list[int]:
        """The columns of a row that open something."""
        if row >= len(self.table.rows):
            return []
        return [place for place, spot in enumerate(self.table.rows[row].spots) if spot.item is not None]

    def _near(self, row: int, column: int) -> int:
        stops = self._stops(row)
        return min(stops, key=lambda one: abs(one - column)) if stops else column

    @property
    def _spot(self) -> Spot | None:
        if self.row >= len(self.table.rows):
            return None
        spots = self.table.rows[self.row].spots
        return spots[self.column] if self.column < len(spots) else None

    @property
    def current(self) -> object:
        """What the figure under the cursor opens."""
        return self._spot.item if self._spot is not None else None

    @property
    def caption(self) -> str:
        """Title, row, and the figure."""
        spot = self._spot
        if spot is None:
            return ""
        head = self.table.heads[self.column] if self.column < len(self.table.heads) else ""
        words = (f"{self.table.title}:", one_line(self.table.rows[self.row].label), head, spot.text.strip())
        return " ".join(word for word in words if word)

    def step(self, dx: int, dy: int) -> bool:
        """To another row, or to another figure of the row."""
        if dy:
            target = self.row + dy
            if not 0 <= target < len(self.table.rows):
                return False
            self.row = target
            self.column = self._near(target, self.column)
            return True
        stops = [one for one in self._stops(self.row) if (one - self.column) * dx > 0]
        if not stops:
            return False
        self.column = min(stops) if dx > 0 else max(stops)
        return True

    def enter_from(self, dx: int, dy: int) -> None:
        """From above on the first row, from below on the last; from a side on the figure nearest to it."""
        if dy:
            self.row = 0 if dy > 0 else max(len(self.table.rows) - 1, 0)
            self.column = self._near(self.row, self.column)
        elif stops := self._stops(self.row):
            self.column = stops[0] if dx > 0 else stops[-1]
        self.redraw()

    def jump(self, dy: int) -> bool:
        """A page of rows."""
        rows = max(len(self.table.rows) - 1, 0)
        target = max(0, min(self.row + dy * max(self._shown(self.size.height) - 1, 1), rows))
        if target == self.row:
            return False
        self.row, self.column = target, self._near(target, self.column)
        return True

    def to_end(self, last: bool) -> None:
        """The first or the last row."""
        self.row = max(len(self.table.rows) - 1, 0) if last else 0
        self.column = self._near(self.row, self.column)

    @property
    def cursor_cell(self) -> tuple[int, int]:
        """The beginning of the row."""
        return 0, 1 + (self.row - self.top) * self._spread(self.size.height)

    def at_cell(self, x: int, y: int) -> bool:
        """The figure of the row that is there."""
        row = self.top + (y - 1) // self._spread(self.size.height)
        if y < 1 or not 0 <= row < len(self.table.rows):
            return False
        label, columns, _ = self._widths(self.size.width, self._spread(self.size.height))
        right, self.row = GUTTER + label, row
        ends = []
        for cells in columns:
            right += cells + 1 if cells else 0
            ends.append(right)
        stops = self._stops(row)
        if stops:
            self.column = next((one for one in stops if x < ends[one]), stops[-1])
        return True

    # Drawing

    def _spread(self, height: int) -> int:
        """Lines of a row: more than one where all rows have room for it."""
        return max(1, min(MOST_LINES, (height - 1) // max(len(self.table.rows), 1)))

    def _shown(self, height: int) -> int:
        return max(height - 1, 1) // self._spread(height)

    def _widths(self, width: int, spread: int) -> tuple[int, list[int], int]:
        """Cells of the label, of each figure (0: left out), of the bar (0: on a line of its own, or none)."""
        rows, heads = self.table.rows, self.table.heads
        columns = [
            max([cell_len(row.spots[place].text) for row in rows if place < len(row.spots)], default=0)
            for place in range(max((len(row.spots) for row in rows), default=0))
        ]
        columns = [
            max(cells, cell_len(heads[place]) if place < len(heads) else 0) for place, cells in enumerate(columns)
        ]
        wanted = min(max((cell_len(one_line(row.label)) for row in rows), default=0), WIDEST_LABEL)
        has_bar = spread == 1 and any(row.share is not None for row in rows)
        least = min(wanted, LABEL) + (1 + SHORT_BAR if has_bar else 0)
        for place in self.table.optional:
            if place < len(columns) and _room(width, columns) < least:
                columns[place] = 0
        room = max(_room(width, columns), 0)
        if not has_bar or room < LABEL + 1 + SHORT_BAR:
            return room, columns, 0
        label = min(max(wanted, LABEL), room - 1 - SHORT_BAR)
        return label, columns, room - label - 1

    def draw(self, width: int, height: int) -> list[list[Span]]:
        """Heading, then the rows that are seen."""
        rows, spread = self.table.rows, self._spread(height)
        shown = self._shown(height)
        self.top = max(0, min(self.top, len(rows) - shown))
        if self.row < self.top or self.row >= self.top + shown:
            self.top = max(0, self.row if self.row < self.top else self.row - shown + 1)
        label, columns, cells = self._widths(width, spread)
        lines = [self._heading(width, label, columns, len(rows) - shown)]
        if not rows:
            return [*lines, [(fit("  " + self.table.empty, width), "muted")]]
        for place in range(self.top, min(self.top + shown, len(rows))):
            row = rows[place]
            lines.append(self._row(row, place, label, columns, cells))
            if spread > 1:
                line = [] if row.share is None else bar(width - GUTTER, row.share, row.part, self.plain)
                lines.append([(" " * GUTTER, ""), *line])
            lines += [[] for _ in range(spread - 2)]
        return lines[:height]

    def _heading(self, width: int, label: int, columns: Sequence[int], hidden: int) -> list[Span]:
        """The rule with the heads of the columns in it, as far as the title leaves room for them."""
        note = f"{hidden:,} more" if hidden > 0 else ""
        spans = self.heading(self.table.title, note, width)
        text = "".join(words for words, _ in spans)
        at = cell_len(self.table.title) + 3
        if len(text) != width or cell_len(text) != width:  # a name of wide letters: cells are no letters there
            return spans
        free = width - (cell_len(note) + 4 if note else 0)
        right = GUTTER + label
        built: list[Span] = [(text[:2], "muted"), (text[2:at], "title")]
        for place, cells in enumerate(columns):
            right += cells + 1 if cells else 0
            head = self.table.heads[place] if cells and place < len(self.table.heads) else ""
            start = right - cell_len(head)
            if not head or start < at or right > free:
                continue
            gap = start - at
            before = " " if len(built) > 2 else ""
            built.append((" " * gap if gap < 3 else before + text[at + len(before) : start - 1] + " ", "muted"))
            built.append((head, "muted"))
            at = right
        tail = text[at:]
        return [*built, (" " + tail[1:] if tail and len(built) > 2 else tail, "muted")]

    def _row(self, row: BarRow, place: int, label: int, columns: Sequence[int], cells: int) -> list[Span]:
        here = place == self.row
        lead = (">" if self.plain else "┃") if here and self.has_focus else " "
        words = "here" if here and self.has_focus else ""
        spans: list[Span] = [(f"{lead} ", words), (fit(one_line(row.label), label), words)]
        for number, width in enumerate(columns):
            if not width:
                continue
            spot = row.spots[number] if number < len(row.spots) else Spot("")
            piece = fit(spot.text, width, "right")
            chosen = here and self.has_focus and number == self.column and spot.item is not None
            spans += [(" ", ""), (piece, "cursor" if chosen else spot.style or words)]
        if cells and row.share is not None:
            spans += [(" ", ""), *bar(cells, row.share, row.part, self.plain)]
        return spans
