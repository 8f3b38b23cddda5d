"""An area over the months with a line over it, in braille dots; a cursor goes from month to month.

Spec §Z 172. The line reads without colour: the dots of the area around it are left out. With `--ascii` area and line
are different signs. The first series is the area, the second (if there is one) the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leadtui.domain.figure_words import scale_end
from leadtui.widgets.bars import Spot
from leadtui.widgets.panel import Panel
from leadtui.widgets.sheet_lines import Span
from leadtui.widgets.text import fit, one_line

DOTS_X: Final = 2
DOTS_Y: Final = 4
_BRAILLE: Final = 0x2800
# The bit of a dot in a braille letter, by column and row from the top.
_BITS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
WIDE_SLOT: Final = 4
"""Cells of a month from which its name is written with three letters."""
SHORTEST: Final = 5
"""Lines below which there is no legend: heading, three of plot, names of the months."""


@dataclass(frozen=True, slots=True)
class Series:
    """One row of figures, a spot for each month; `values` None where nothing can be known yet (months to come)."""

    label: str
    values: tuple[int | None, ...]
    spots: tuple[Spot, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What an area chart shows: names of the columns, in short and in full, and at most two series."""

    title: str
    short: tuple[str, ...] = ()
    long: tuple[str, ...] = ()
    series: tuple[Series, ...] = ()
    note: str = ""


def heights(values: Sequence[int | None], columns: int, dots: int, top: int) -> list[int | None]:
    """How many dots high a series is in each column of dots: straight between the middles of its slots, flat outside.

    Ends with the slot of the last known value; a value above nothing is at least one dot high.
    """
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    if not known or not columns:
        return [None] * columns
    slot = columns / len(values)
    end = (known[-1][0] + 1) * slot
    points = [((place + 0.5) * slot, value) for place, value in known]
    found: list[int | None] = []
    at = 0
    for column in range(columns):
        x = column + 0.5
        if x > end:
            found.append(None)
            continue
        while at + 1 < len(points) and points[at + 1][0] <= x:
            at += 1
        left, here = points[at]
        value = float(here)
        if at + 1 < len(points) and x > left:
            right, following = points[at + 1]
            value += (following - here) * (x - left) / (right - left)
        high = round(value / top * dots)
        found.append(max(high, 1) if value > 0 else 0)
    return found


Cell = tuple[int, int]
"""The braille bits of the area and of the line in one cell."""


def plotted(area: Sequence[int | None], line: Sequence[int | None], width: int, height: int) -> list[list[Cell]]:
    """Dots of area and line in a room of so many cells, from the top: the area leaves out the dots beside the line.

    The line goes up or down in each column to where it comes from, so that it has no gaps.
    """
    grid: list[list[Cell]] = [[(0, 0)] * width for _ in range(height)]
    before: int | None = None
    for column in range(width * DOTS_X):
        own: range = range(0)
        here = line[column] if column < len(line) else None
        if here is not None:
            low = high = max(here - 1, 0)
            if before is not None and abs(before - here) > 1:
                nearer = max(before - 1, 0) + (1 if here > before else -1)
                low, high = min(low, nearer), max(high, nearer)
            own = range(low, high + 1)
        before = here
        spared = range(own.start - 1, own.stop + 1) if own else own
        filled = (area[column] if column < len(area) else None) or 0
        x, dx = divmod(column, DOTS_X)
        for row in {*range(filled), *own}:
            if row in spared and row not in own:
                continue
            up, dy = divmod(row, DOTS_Y)
            y = height - 1 - up
            if not 0 <= y < height:
                continue
            bit, (under, over) = _BITS[dx][DOTS_Y - 1 - dy], grid[y][x]
            grid[y][x] = (under, over | bit) if row in own else (under | bit, over)
    return grid


class AreaChart(Panel):
    """Months from left to right. Left and right go from month to month, up and down from series to series."""

    def __init__(self, chart: Chart, *, at: int = 0, id: str | None = None) -> None:
        super().__init__(id=id)
        self.chart = chart
        self.at = at
        self.row = 0
        self._left = 0
        self._slot = 1.0
        self._drawn: tuple[object, list[list[Cell]]] | None = None

    def show(self, chart: Chart, at: int | None = None) -> None:
        """Other figures; the cursor stays on its month, or goes to `at`."""
        if at is not None:
            self.at = at
        elif chart == self.chart:
            return
        self.chart = chart
        self.at = max(0, min(self.at, len(chart.short) - 1))
        self.row = max(0, min(self.row, len(chart.series) - 1))
        self.redraw()

    # The cursor

    @property
    def _spot(self) -> Spot | None:
        if self.row >= len(self.chart.series) or self.at >= len(self.chart.series[self.row].spots):
            return None
        return self.chart.series[self.row].spots[self.at]

    @property
    def current(self) -> object:
        """What the month opens in the chosen series."""
        return self._spot.item if self._spot is not None else None

    @property
    def caption(self) -> str:
        """Month, series and figure."""
        if self._spot is None:
            return ""
        return f"{self.chart.title}: {self.chart.long[self.at]} {self.chart.series[self.row].label} {self._spot.text}"

    def step(self, dx: int, dy: int) -> bool:
        """Another month, or the other series."""
        at, row = self.at + dx, self.row + dy
        if not (0 <= at < len(self.chart.short) and 0 <= row < len(self.chart.series)):
            return False
        self.at, self.row = at, row
        return True

    def enter_from(self, dx: int, dy: int) -> None:
        """The month stays; from below the last series, from above the first."""
        if dy:
            self.row = 0 if dy > 0 else max(len(self.chart.series) - 1, 0)
        self.redraw()

    def to_end(self, last: bool) -> None:
        """The first or the last month."""
        self.at = max(len(self.chart.short) - 1, 0) if last else 0

    @property
    def cursor_cell(self) -> tuple[int, int]:
        """The name of the month."""
        return int(self._left + (self.at + 0.5) * self._slot), self.size.height - 1

    def at_cell(self, x: int, y: int) -> bool:
        """The month above whose name a cell is."""
        place = int((x - self._left) / self._slot)
        if y < 1 or x < self._left or not 0 <= place < len(self.chart.short):
            return False
        self.at = place
        return True

    # Drawing

    def draw(self, width: int, height: int) -> list[list[Span]]:
        """Heading, the figures of the month, the plot with its scale, the names of the months."""
        lines = [self.heading(self.chart.title, self.chart.note, width)]
        if not self.chart.short or height < 3:
            return lines[:height]
        legend = height > SHORTEST
        if legend:
            lines.append(self._legend(width))
        rows = height - len(lines) - 1
        most = max((value for one in self.chart.series for value in one.values if value), default=0)
        top = scale_end(most)
        marks = {0: f"{top:,}"} | ({rows // 2: f"{top // 2:,}"} if rows >= 5 else {})
        scale = max(len(words) for words in (*marks.values(), "0"))
        room = width - scale - 2
        self._left, self._slot = scale + 2, max(room / len(self.chart.short), 0.1)
        grid = self._grid(room, rows, top)
        edge = "|" if self.plain else "│"
        for y in range(rows):
            mark = marks.get(y, "0" if y == rows - 1 else "")
            lines.append([(f" {mark:>{scale}}{edge}", "muted"), *self._painted(grid[y])])
        lines.append(self._names(width, scale))
        return lines[:height]

    def _grid(self, room: int, rows: int, top: int) -> list[list[Cell]]:
        """The dots; they stay while only the cursor moves."""
        key = (self.chart, room, rows)
        if self._drawn is None or self._drawn[0] != key:
            dots = room * DOTS_X, rows * DOTS_Y
            area, line = ([heights(one.values, *dots, top) for one in self.chart.series] + [[], []])[:2]
            self._drawn = key, plotted(area, line, room, rows)
        return self._drawn[1]

    def _painted(self, cells: Sequence[Cell]) -> list[Span]:
        """One line of the plot, cells of one style together."""
        middle = int((self.at + 0.5) * self._slot)
        spans: list[Span] = []
        for x, (area, line) in enumerate(cells):
            if not area and not line:
                sign = ("|" if self.plain else "┊") if x == middle and self.has_focus else " "
                style = "muted" if sign != " " else ""
            elif self.plain:
                sign = "*" if line else ":" if area.bit_count() > 4 else "."
                style = "line" if line else "area"
            else:
                # a cell has one colour: dots of the area beside the line would read as a second line
                sign, style = chr(_BRAILLE | (line or area)), "line" if line else "area"
            if spans and spans[-1][1] == style:
                spans[-1] = (spans[-1][0] + sign, style)
            else:
                spans.append((sign, style))
        return spans

    def _names(self, width: int, scale: int) -> list[Span]:
        """The months below the plot, the cursor's reversed."""
        corner = "+" if self.plain else "└"
        spans: list[Span] = [(" " * (scale + 1) + corner, "muted")]
        at = scale + 2
        long = self._slot >= WIDE_SLOT
        for place, short in enumerate(self.chart.short):
            here = place == self.at
            name = short[:3] if long else short[:1]
            if here and self.has_focus and self._slot >= len(name) + 2:
                name = f" {name} "
            start = int(self._left + (place + 0.5) * self._slot - len(name) / 2 + 0.5)
            start = max(start, at)
            if start + len(name) > width:
                break
            spans += [(" " * (start - at), ""), (name, "cursor" if here else "muted")]
            at = start + len(name)
        return spans

    def _legend(self, width: int) -> list[Span]:
        """The month under the cursor and its figures, each with the sign of its series."""
        if self.at >= len(self.chart.long):
            return []
        for words in (True, False):  # in little room the signs alone say which figure is which
            spans = self._legend_spans(words)
            if sum(len(text) for text, _ in spans) <= width:
                return spans
        return [(fit("".join(text for text, _ in spans), width), "here")]

    def _legend_spans(self, words: bool) -> list[Span]:
        lead = (">" if self.plain else "┃") if self.has_focus else " "
        spans: list[Span] = [(f"{lead} {self.chart.long[self.at]}", "here")]
        signs = ((":", "area"), ("*", "line")) if self.plain else (("⣿", "area"), ("⣀", "line"))
        for number, one in enumerate(self.chart.series):
            spot = one.spots[self.at]
            chosen = number == self.row and self.has_focus
            label = f"{one_line(one.label)} " if words else ""
            spans += [("   " if words else "  ", ""), signs[number], (" ", ""), (label, "muted")]
            spans.append((spot.text, "cursor" if chosen else "strong"))
        return spans
