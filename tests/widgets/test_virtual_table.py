"""The virtual table: only what is near is read, and the place is kept through every change."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from leadtui.background import Background
from leadtui.widgets.columns import Column, layout
from leadtui.widgets.pages import KEPT, PAGE, ListProvider, Marks, PageCache, pages_for
from leadtui.widgets.virtual_table import VirtualTable
from tests.screen_help import picture, settled
from tests.widgets.nasty import NASTY, RAW


@dataclass(frozen=True)
class Row:
    id: int
    name: str


class Fake:
    """Any number of rows, made when asked for, with a record of what was asked."""

    def __init__(self, total: int, *, finds: bool = True) -> None:
        self.total = total
        self.asked: list[tuple[int, int]] = []
        self.counts = 0
        if finds:
            self.find = self._find

    def fetch(self, offset: int, limit: int) -> Sequence[Row]:
        self.asked.append((offset, limit))
        return [Row(i, f"lead {i}") for i in range(offset, min(offset + limit, self.total))]

    def count(self) -> int:
        self.counts += 1
        return self.total

    def _find(self, row_id: Hashable) -> int | None:
        return int(str(row_id)) if int(str(row_id)) < self.total else None


COLUMNS = (Column("name", "Name", 20, 8, grow=1, sort="name"), Column("id", "Id", 8, align="right", sort="id"))


class TableApp(App[None]):
    def __init__(self, provider: Any = None, **options: Any) -> None:
        super().__init__()
        self.background = Background()
        self.provider = provider
        self.options = options
        self.messages: list[str] = []

    def compose(self) -> ComposeResult:
        yield VirtualTable[Row](COLUMNS, lambda row, key: str(getattr(row, key)), **self.options)

    def on_mount(self) -> None:
        table = self.query_one(VirtualTable)
        table.focus()
        if self.provider is not None:
            table.show(self.provider)

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        self.messages.append(f"opened {event.row_id}")

    def on_virtual_table_sort_wanted(self, event: VirtualTable.SortWanted) -> None:
        self.messages.append(f"sort {event.row_id} {event.table.descending}")

    def on_virtual_table_failed(self, event: VirtualTable.Failed) -> None:
        self.messages.append(f"failed {event.row}")


async def test_a_million_rows_are_never_read() -> None:
    fake = Fake(1_000_000)
    app = TableApp(fake)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        table = app.query_one(VirtualTable)
        assert table.row_count == 1_000_000
        assert "lead 0 " in picture(app)
        await pilot.press("G")
        await settled(pilot)
        assert "lead 999999 " in picture(app)
        assert table.cursor_id == 999_999
        for index in range(0, 1_000_000, 25_000):
            table.move_to(index)
        await settled(pilot)
        read = sum(limit for _, limit in fake.asked)
        assert read <= 10 * PAGE, fake.asked
        assert len(table._reader._cache) <= KEPT


async def test_one_key_moves_one_row_and_reads_nothing() -> None:
    fake = Fake(150)
    app = TableApp(fake)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        before = len(fake.asked)
        await pilot.press("j", "j", "down", "k")
        assert app.query_one(VirtualTable).cursor_id == 2
        await pilot.press("enter")
        await settled(pilot)
        assert app.messages == ["opened 2"]
        assert len(fake.asked) == before


async def test_pages_and_ends() -> None:
    app = TableApp(Fake(1000))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        table = app.query_one(VirtualTable)
        await pilot.press("pagedown")
        assert table.cursor_index == 23
        await pilot.press("pageup", "end")
        await settled(pilot)
        assert table.cursor_index == 999
        await pilot.press("home")
        assert table.cursor_index == 0
        await pilot.press("up")
        assert table.cursor_index == 0


async def test_marks_are_kept_by_id_and_all_is_no_list() -> None:
    app = TableApp(Fake(1_000_000))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        table = app.query_one(VirtualTable)
        await pilot.press("space", "space")
        assert table.marks == Marks(frozenset({0, 1}))
        assert table.cursor_index == 2
        assert table.marked_count == 2
        await pilot.press("*")
        assert not table.marks
        await pilot.press("*", "space")
        assert table.marks.all
        assert table.marked_count == 999_999
        assert 2 not in table.marks
        assert 3 in table.marks


async def test_the_cursor_stays_on_its_row_when_the_list_changes() -> None:
    app = TableApp(ListProvider([Row(i, f"n{i}") for i in range(50)]))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        table = app.query_one(VirtualTable)
        table.move_to(30)
        table.show(ListProvider([Row(i, f"n{i}") for i in reversed(range(50))]))
        await settled(pilot)
        assert table.cursor_id == 30
        assert table.cursor_index == 19
        table.show(ListProvider([Row(i, f"n{i}") for i in range(5)]))
        await settled(pilot)
        assert table.cursor_index == 4
        assert table.row_count == 5


async def test_the_cursor_is_found_far_away_when_the_provider_can_find() -> None:
    app = TableApp(Fake(100_000))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        table = app.query_one(VirtualTable)
        table.move_to(50_000)
        await settled(pilot)
        state = table.state()
        table.move_to(0)
        table.restore(state)
        await settled(pilot)
        assert table.cursor_id == 50_000
        assert table.state() == state
        assert "lead 50000 " in picture(app)


async def test_a_list_that_shrinks_under_the_cursor() -> None:
    fake = Fake(5000)
    app = TableApp(fake)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("G")
        await settled(pilot)
        fake.total = 3
        table = app.query_one(VirtualTable)
        table.reload()
        await settled(pilot)
        assert table.row_count == 3
        assert table.cursor_index == 2
        fake.total = 0
        table.reload()
        await settled(pilot)
        assert table.row_count == 0
        assert "Nothing here" in picture(app)
        await pilot.press("j", "G", "space", "enter")
        fake.total = 10
        table.reload()
        await settled(pilot)
        assert table.row_count == 10


async def test_shrinking_is_noticed_while_scrolling() -> None:
    fake = Fake(5000)
    app = TableApp(fake)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        fake.total = 450
        table = app.query_one(VirtualTable)
        table.move_to(449)
        await settled(pilot)
        assert table.row_count == 450
        assert table.cursor_index == 449


async def test_a_failure_keeps_what_is_shown() -> None:
    class Bad(Fake):
        def fetch(self, offset: int, limit: int) -> Sequence[Row]:
            if offset:
                raise OSError("gone")
            return super().fetch(offset, limit)

    app = TableApp(Bad(1000))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("G")
        await settled(pilot)
        assert "failed gone" in app.messages
        assert "… something went wrong" in picture(app)
        await pilot.press("g")
        assert "lead 0 " in picture(app)


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (10, 3)])
async def test_hostile_names_leave_no_control_characters(size: tuple[int, int]) -> None:
    app = TableApp(ListProvider([Row(i, text) for i, text in enumerate(NASTY)]), empty=NASTY[1])
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        table = app.query_one(VirtualTable)
        for y in range(size[1]):
            strip = table.render_line(y)
            assert not RAW & set(strip.text), (y, strip.text)
            assert cell_len(strip.text) == table.scrollable_content_region.width
        if size[0] > 20:
            assert "[b]bold[/b]" in picture(app)


async def test_mouse() -> None:
    app = TableApp(Fake(100))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        table = app.query_one(VirtualTable)
        await pilot.click(VirtualTable, offset=(10, 5))
        assert table.cursor_index == 4
        await pilot.click(VirtualTable, offset=(1, 6))
        assert table.marks.ids == {5}
        await pilot.click(VirtualTable, offset=(10, 6))
        await pilot.click(VirtualTable, offset=(5, 0))
        await pilot.pause()
        assert app.messages == ["opened 5", "sort name False"]


async def test_sort_keys() -> None:
    app = TableApp(Fake(100))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press(">", ">", "<")
        await pilot.pause()
        assert app.messages == ["sort name False", "sort id False", "sort id True"]
        assert "▼" in picture(app)


async def test_the_terminal_cursor_follows() -> None:
    app = TableApp(Fake(100))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("j", "j", "j")
        assert app.cursor_position.y == 4


async def test_on_a_thin_line_it_scrolls_by_half_pages() -> None:
    app = TableApp(Fake(1000))
    app.slow = True  # type: ignore[attr-defined]
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        table = app.query_one(VirtualTable)
        places = set()
        for index in range(100):
            table.move_to(index)
            places.add(table.scroll_offset.y)
        assert len(places) <= 100 // 11 + 1


@pytest.mark.parametrize(("width", "kept"), [(200, 4), (60, 4), (45, 3), (20, 2), (12, 2)])
def test_columns_share_the_width(width: int, kept: int) -> None:
    columns = (
        Column("a", "A", 20, 6, grow=1),
        Column("b", "B", 20, 10, drop=1),
        Column("c", "C", 20, 20, drop=2),
        Column("d", "D", 8, 8),
    )
    widths = layout(columns, width)
    shown = [cells for cells in widths if cells]
    assert len(shown) == kept
    if width >= 20:
        assert sum(shown) + 2 * (len(shown) - 1) <= width


def test_pages_wanted() -> None:
    assert pages_for(0, 20, 1_000_000) == [0]
    assert pages_for(140, 20, 1_000_000) == [0, 1]
    assert pages_for(190, 20, 1_000_000) == [0, 1]
    assert pages_for(410, 20, 1_000_000) == [2, 1]
    assert pages_for(0, 20, 0) == [0]


def test_the_cache_forgets_the_oldest() -> None:
    cache: PageCache[int] = PageCache()
    for page in range(KEPT + 5):
        cache.put(page, [page])
        cache.touch(0)
    assert len(cache) == KEPT
    assert 0 in cache
    assert 1 not in cache
