"""Where the panels of a wall go, and what they draw in any room."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

from leadtui.domain.figure_words import scale_end
from leadtui.widgets.area_chart import AreaChart, Chart, Series, heights
from leadtui.widgets.bars import BarRow, Bars, BarTable, Spot, bar
from leadtui.widgets.wall import GAP, Need, columns_for, place, share

NEEDS = st.lists(st.builds(Need, st.integers(0, 60), st.booleans()), min_size=1, max_size=12)
YEAR = tuple("JFMAMJJASOND")


@given(st.integers(20, 400), st.integers(1, 120), NEEDS)
def test_panels_fill_the_wall_and_never_overlap(width: int, height: int, needs: list[Need]) -> None:
    boxes = place(width, height, needs)
    assert len(boxes) == len(needs)
    seen: set[tuple[int, int]] = set()
    for x, y, cells, lines in boxes:
        assert x >= 0 and y >= 0 and cells > 0 and x + cells <= width
        mine = {(column, row) for column in (x, x + cells - 1) for row in range(y, y + lines)}
        assert not mine & seen
        seen |= mine
    columns = columns_for(width, len(needs))
    bottom = max(y + lines for _, y, _, lines in boxes)
    if bottom == height:  # everything at once: no column ends before the floor
        for first in boxes[:columns]:
            assert sum(lines for x, _, _, lines in boxes if x == first[0]) in (height, 0)
    for row in {y for _, y, _, _ in boxes}:  # a band reaches from edge to edge
        ends = [x + cells for x, y, cells, _ in boxes if y == row]
        assert max(ends) in (width, width - GAP, *(x - GAP for x, *_ in boxes))


@given(st.integers(1, 120), NEEDS)
def test_a_column_is_shared_without_a_rest(height: int, needs: list[Need]) -> None:
    assert sum(share(height, needs)) == height


def test_the_sizes_that_matter() -> None:
    nine = [Need(2, is_chart=True), *[Need(6)] * 7, Need(1, is_chart=True)]
    assert [columns_for(width, 9) for width in (60, 80, 120, 200)] == [1, 2, 2, 3]
    low = place(80, 20, nine)
    assert {lines for *_, lines in low} == {10}
    assert low[-1][2] == 80  # the ninth is alone in its band: it takes all of it
    wall = place(200, 45, nine)
    assert max(y + lines for _, y, _, lines in wall) == 45


@given(st.integers(0, 10**9))
def test_a_scale_ends_above_its_largest_value(most: int) -> None:
    top = scale_end(most)
    assert most <= top <= max(2, most * 1.34)
    assert top % 2 == 0


@given(
    st.lists(st.none() | st.integers(0, 1000), min_size=1, max_size=12), st.integers(1, 300), st.integers(1, 80)
)  # fmt: skip
def test_an_area_stays_in_its_room(values: list[int | None], columns: int, dots: int) -> None:
    top = scale_end(max((value for value in values if value), default=0))
    found = heights(values, columns, dots, top)
    assert len(found) == columns
    assert all(one is None or 0 <= one <= dots for one in found)
    if all(value == 0 for value in values):
        assert set(found) == {0}


@given(st.integers(0, 80), st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_a_bar_is_as_long_as_its_room(cells: int, whole: float, part: float, plain: bool) -> None:
    text = "".join(words for words, _ in bar(cells, whole, part, plain))
    assert cell_len(text) == max(cells, 1 if whole > 0 else 0) or not cells


def the_chart(created: list[int | None], converted: list[int | None]) -> Chart:
    series = [
        Series(label, tuple(values), tuple(Spot(str(value or 0), (label, n)) for n, value in enumerate(values)))
        for label, values in (("new", created), ("converted", converted))
    ]
    return Chart("Over time", tuple(f"{one}xx" for one in YEAR), tuple(f"{one} 2026" for one in YEAR), tuple(series))


class Drawn(App[None]):
    """A panel alone."""

    def __init__(self, panel: Any, plain: bool = False) -> None:
        super().__init__()
        self.panel = panel
        self.plain = plain

    def compose(self) -> ComposeResult:
        """It."""
        yield self.panel


CREATED: list[int | None] = [10, 20, 40, 80, 100, 90, 70, 60, 80, 90, 50, None]
CONVERTED: list[int | None] = [1, 5, 10, 20, 40, 35, 30, 20, 25, 30, 10, None]


@pytest.mark.parametrize("plain", [False, True])
async def test_a_chart_reads_without_colour_in_the_smallest_room(plain: bool) -> None:
    app = Drawn(AreaChart(the_chart(CREATED, CONVERTED), at=4), plain)
    async with app.run_test(size=(30, 6)) as pilot:
        app.panel.focus()
        await pilot.pause()
        lines = app.panel.lines
        assert len(lines) == 6 and all(cell_len(line) <= 30 for line in lines)
        assert "J 2026"[0] in lines[-1] and "100" in lines[2]
        plot = "\n".join(lines[2:-1])
        if plain:
            assert "*" in plot and ":" in plot and "".join(lines).isascii()
        else:  # the dots around the line are left out: cells that are neither empty nor full within the area
            assert any("\u2800" < sign < "\u28ff" for sign in plot)
        await pilot.press("right", "down")
        assert app.panel.current == ("converted", 5)
        assert app.panel.caption == "Over time: J 2026 converted 35"
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        assert len(app.panel.lines) == 30


async def test_rows_keep_the_cursor_when_others_overtake_them() -> None:
    def table(*names: str) -> BarTable:
        rows = [BarRow(name, name, (Spot("7", name), Spot("1.0%"), Spot("2", name * 2)), 0.5, 0.2) for name in names]
        return BarTable("Who", ("all", "rate", "won"), tuple(rows))

    names = [f"agent {letter}" for letter in "ABCDEFGHIJ"]
    app = Drawn(Bars(table(*names)))
    async with app.run_test(size=(40, 5)) as pilot:
        panel = app.panel
        panel.focus()
        await pilot.press("j", "j", "right")
        assert panel.current == "agent Cagent C"
        panel.show(table("agent C", *names[:2], *names[3:]))
        assert (panel.row, panel.current) == (0, "agent Cagent C")
        panel.show(table(*names[3:]))  # it is gone: the cursor stays where it was
        assert panel.row == 0
        assert "more" in panel.lines[0]
        await pilot.press("G")
        assert panel.current == "agent Jagent J" and "agent J" in panel.lines[-1]
        await pilot.press("g", "pagedown")
        assert panel.row == 3
        await pilot.resize_terminal(40, 22)
        await pilot.pause()
        assert sum("━" in line for line in panel.lines) == 7  # each row has a line for its bar


@settings(max_examples=30)
@given(st.lists(st.text(max_size=12), max_size=8), st.integers(16, 120), st.integers(2, 30))
def test_any_text_in_any_room_keeps_its_cells(labels: list[str], width: int, height: int) -> None:
    rows = tuple(BarRow(n, label, (Spot("12"), Spot("3.0%")), 0.3) for n, label in enumerate(labels))
    panel = Bars(BarTable("Names", ("all", "rate"), rows, optional=(1,)))
    type(panel).plain = property(lambda self: False)  # type: ignore[method-assign,assignment]
    try:
        lines = panel.draw(width, height)
    finally:
        del type(panel).plain
    assert len(lines) <= height
    for line in lines:
        assert cell_len("".join(words for words, _ in line)) <= width
