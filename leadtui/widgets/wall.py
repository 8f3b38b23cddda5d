"""A wall of panels: one to three columns by width; everything at once where there is room, else bands that scroll."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.containers import ScrollableContainer
from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from leadtui.widgets.area_chart import AreaChart
from leadtui.widgets.bars import Bars
from leadtui.widgets.panel import Panel

LEAST: Final = 9
"""Lines of a panel at least, where several are beside each other; alone in a row it may have one less."""
GAP: Final = 2
"""Cells between columns."""
COLUMNS: Final = ((150, 3), (76, 2), (0, 1))
"""From so many cells on, so many columns."""
CHART: Final = 12
"""Lines a chart likes to have."""

Box = tuple[int, int, int, int]
"""Left, top, cells, lines."""


@dataclass(frozen=True, slots=True)
class Need:
    """How many rows a panel has to show; a chart takes any room there is."""

    rows: int
    is_chart: bool = False


def columns_for(width: int, count: int) -> int:
    """How many columns `count` panels stand in."""
    return max(1, min(next(columns for least, columns in COLUMNS if width >= least), count))


def place(width: int, height: int, needs: Sequence[Need]) -> list[Box]:
    """Where each panel goes, in reading order. Pure.

    Where all bands fit, every column fills the height: rows first, then bars on lines of their own, the rest to charts.
    Else all bands of a page are equally high, and the wall is higher than the screen by whole bands.
    """
    if not needs or width <= 0 or height <= 0:
        return []
    columns = columns_for(width, len(needs))
    bands = -(-len(needs) // columns)
    page = max(1, height // (LEAST if columns > 1 else LEAST - 1))
    lefts = [column * (width + GAP) // columns for column in range(columns + 1)]
    if bands <= page:
        return _filled(height, needs, columns, lefts)
    tops = [band // page * height + band % page * height // page for band in range(bands + 1)]
    boxes: list[Box] = []
    for number in range(len(needs)):
        band, column = divmod(number, columns)
        end = columns if number == len(needs) - 1 else column + 1  # the last one takes what is left of its band
        boxes.append((lefts[column], tops[band], lefts[end] - lefts[column] - GAP, tops[band + 1] - tops[band]))
    return boxes


def _filled(height: int, needs: Sequence[Need], columns: int, lefts: Sequence[int]) -> list[Box]:
    boxes: dict[int, Box] = {}
    for column in range(columns):
        members = range(column, len(needs), columns)
        top = 0
        for number, lines in zip(members, share(height, [needs[one] for one in members]), strict=True):
            boxes[number] = (lefts[column], top, lefts[column + 1] - lefts[column] - GAP, lines)
            top += lines
    return [boxes[number] for number in range(len(needs))]


def share(height: int, needs: Sequence[Need]) -> list[int]:
    """The lines of the panels of one column; together exactly `height`."""
    given = [min(LEAST, height // len(needs)) for _ in needs]
    left = height - sum(given)
    for goal in (
        [CHART if need.is_chart else need.rows + 2 for need in needs],
        [CHART if need.is_chart else 2 * need.rows + 2 for need in needs],
    ):
        wanting = [number for number in range(len(needs)) if given[number] < goal[number]]
        while left and wanting:
            for number in wanting:
                if left:
                    given[number] += 1
                    left -= 1
            wanting = [number for number in wanting if given[number] < goal[number]]
    takers = [number for number, need in enumerate(needs) if need.is_chart] or list(range(len(needs)))
    for number in range(left):
        given[takers[number % len(takers)]] += 1
    return given


class _WallLayout(Layout):
    name: ClassVar[str] = "wall"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        """Put the shown panels in their boxes."""
        panels = [child for child in children if isinstance(child, Panel)]
        height = parent.container_size.height if not size.height else size.height
        boxes = place(size.width, height, [need_of(panel) for panel in panels])
        return [
            WidgetPlacement(Region(*box), Offset(), Spacing(), panel) for panel, box in zip(panels, boxes, strict=True)
        ]


def need_of(panel: Panel) -> Need:
    """What a panel has to show."""
    if isinstance(panel, AreaChart):
        return Need(len(panel.chart.series), is_chart=True)
    return Need(len(panel.table.rows) or 1 if isinstance(panel, Bars) else 1)


class Wall(ScrollableContainer, can_focus=False):
    """Panels in reading order. The panel with the focus is always whole on the screen, where it can be."""

    DEFAULT_CSS: ClassVar[str] = """
    Wall { height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size: 0 0; }
    """

    _shared: ClassVar[Layout] = _WallLayout()

    @property
    def layout(self) -> Layout:
        """Our own way to share the room."""
        return self._shared

    def share_anew(self) -> None:
        """The panels may have more or fewer rows than before: where that moves one, the room is shared out anew.

        Otherwise nothing is touched: laying out sends the whole screen again.
        """
        boxes = place(self.size.width, self.size.height, [need_of(panel) for panel in self.panels])
        regions = [panel.virtual_region for panel in self.panels]
        if boxes != [(box.x, box.y, box.width, box.height) for box in regions]:
            self.refresh(layout=True)

    @property
    def panels(self) -> list[Panel]:
        """Those shown, in reading order."""
        return [child for child in self.children if isinstance(child, Panel) and child.display]

    def bring(self, panel: Panel) -> None:
        """Scroll by whole bands until the panel is seen."""
        box = panel.virtual_region
        top, height = self.scroll_offset.y, self.size.height
        if box.y < top:
            self.scroll_to(y=box.y, animate=False, immediate=True)
        elif box.bottom > top + height:
            self.scroll_to(y=box.bottom - height, animate=False, immediate=True)

    def beside(self, panel: Panel, dx: int, dy: int) -> Panel | None:
        """The nearest panel in a direction; the one that lies most alongside where several are as near."""
        here = panel.virtual_region
        found: list[tuple[int, int, int]] = []
        panels = self.panels
        for number, other in enumerate(panels):
            box = other.virtual_region
            if other is panel:
                continue
            away = (box.x - here.x) * dx if dx else (box.y - here.y) * dy
            if dx:
                along = min(box.bottom, here.bottom) - max(box.y, here.y)
            else:
                along = min(box.right, here.right) - max(box.x, here.x)
            if away > 0 and along > 0:
                found.append((away, -along, number))
        return panels[min(found)[2]] if found else None
