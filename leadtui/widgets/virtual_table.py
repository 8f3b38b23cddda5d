"""A table over any number of rows, of which only those near the place looked at are read (facts §3.2)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import ClassVar, Generic, TypeVar, cast

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Offset, Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from leadtui.background import Background
from leadtui.commands import bindings_for
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.page_reader import Answer, PageReader
from leadtui.widgets.pages import PAGE, Marks, PageProvider, TableState
from leadtui.widgets.row_painter import GUTTER, RowPainter
from leadtui.widgets.table_parts import STYLES, TABLE_CSS, TableMessage, id_of, text_of

Row = TypeVar("Row")


class VirtualTable(ScrollView, Generic[Row], can_focus=True):
    """Rows from a `PageProvider`; cursor and marks are kept by row id, not by place.

    `show(provider)` for another list (filter, order), `reload()` when its data changed.
    """

    DEFAULT_CSS: ClassVar[str] = TABLE_CSS
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"virtual-table--{name}" for name in STYLES}
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("list")]

    class Opened(TableMessage):
        """Enter, or a click on the cursor's row."""

    class Highlighted(TableMessage):
        """The cursor stands on another row (or its row arrived, or changed)."""

    class MarksChanged(TableMessage):
        """Marks were set or taken away; read `table.marks` and `table.marked_count`."""

    class SortWanted(TableMessage):
        """Another order is wanted: `row_id` is the sort key, `table.descending` the direction. Answer with `show`."""

    class Loaded(TableMessage):
        """Rows or the count arrived."""

    class Failed(TableMessage):
        """Reading failed; `row` is the exception. What was shown stays."""

    def __init__(
        self,
        columns: Sequence[Column] = (),
        cell: Callable[[Row, str], Cell] | None = None,
        *,
        row_id: Callable[[Row], Hashable] | None = None,
        empty: str = "Nothing here",
        sort: str = "",
        descending: bool = False,
        markable: bool = True,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`cell(row, column key)` is the text, or (text, style name); `row_id(row)` defaults to `row.id`."""
        super().__init__(id=id, classes=classes)
        self.row_id = row_id or id_of
        self.empty = empty
        self.sort = sort
        self.descending = descending
        self.markable = markable
        self.marks = Marks()
        self.cursor_index = 0
        self.cursor_id: Hashable | None = None
        self._painter: RowPainter[Row] = RowPainter(columns, cell or text_of, self._style)
        self._reader: PageReader[Row] = PageReader(self, self.row_id, self._arrived, self._counted, self._read_failed)
        self._styles: dict[str, Style] = {}
        self._place: TableState | None = None
        self._own_background: Background | None = None

    # What the owner calls

    @property
    def row_count(self) -> int:
        """How many rows there are, as far as is known; right once `counted`."""
        return self._reader.count

    @property
    def counted(self) -> bool:
        """Whether the provider has said how many rows there are."""
        return self._reader.counted

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor when it is here."""
        return self._reader.row(self.cursor_index)

    @property
    def marked_count(self) -> int:
        """How many rows are marked."""
        return self.marks.count(self.row_count)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns asked for; narrow screens drop some."""
        return self._painter.columns

    def show(self, provider: PageProvider[Row], *, keep_place: bool = True) -> None:
        """Another list. What is shown stays until its first page arrives; the cursor stays on its row if it can."""
        self._reader.provider = provider
        if not keep_place:
            self.cursor_id, self.cursor_index = None, 0
            self._place = TableState()
        self.reload()

    def reload(self) -> None:
        """The data changed: read again what is on screen."""
        if self.is_mounted:
            top = self._place.scroll_y if self._place else self.scroll_offset.y
            self._reader.reload(self._background, top // PAGE, self.cursor_id, self.cursor_index)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Other columns."""
        self._painter.columns = tuple(columns)
        self._lay_out()
        self.refresh()

    def set_marks(self, marks: Marks) -> None:
        """Mark these."""
        if marks != self.marks:
            self.marks = marks
            self.refresh()
            self._post(self.MarksChanged)

    def state(self) -> TableState:
        """The place, to be given to `restore` later."""
        x, y = self.scroll_offset
        return TableState(self.cursor_id, self.cursor_index, x, y, self.sort, self.descending, self.marks)

    def restore(self, state: TableState) -> None:
        """Come back to a place: before `show`, or at any time."""
        self.sort, self.descending, self.marks = state.sort, state.descending, state.marks
        self.cursor_id, self.cursor_index = state.cursor_id, state.cursor_index
        self._place = state
        self.reload()

    def aim(self, row_id: Hashable) -> None:
        """The list shown next has the cursor on this row: it was just made."""
        self.cursor_id = row_id

    def move_to(self, index: int) -> None:
        """Put the cursor on a row and bring it into view."""
        if self.row_count == 0:
            return
        old, self.cursor_index = self.cursor_index, max(0, min(index, self.row_count - 1))
        row = self.cursor_row
        self.cursor_id = None if row is None else self.row_id(row)
        if old != self.cursor_index:
            self._refresh_row(old)
            self._refresh_row(self.cursor_index)
            if row is not None:
                self._post(self.Highlighted)
        self._into_view()
        self._place_terminal_cursor()
        self._pump()

    # Reading

    @property
    def _background(self) -> Background:
        shared = getattr(self.app, "background", None)
        if isinstance(shared, Background):
            return shared
        if self._own_background is None:
            self._own_background = Background()
        return self._own_background

    def _pump(self) -> None:
        self._reader.want(self._background, self.scroll_offset.y, self._height)

    def _arrived(self, answer: Answer[Row]) -> None:
        if answer.whole and answer.cursor_index is not None:
            self.cursor_index = answer.cursor_index
        self._list_changed()
        if answer.whole:
            if self._place is not None:
                self.scroll_to(self._place.scroll_x, self._place.scroll_y, animate=False, immediate=True)
                self._place = None
            self._into_view()
        row = self.cursor_row
        cursor_id = None if row is None else self.row_id(row)
        if answer.whole or (cursor_id is not None and cursor_id != self.cursor_id):
            self.cursor_id = cursor_id if row is not None or self.row_count == 0 else self.cursor_id
            self._post(self.Highlighted)
        self._post(self.Loaded)
        self._pump()

    def _counted(self) -> None:
        self._list_changed()
        self._into_view()
        self._post(self.Loaded)
        self._pump()

    def _list_changed(self) -> None:
        """The count or the pages changed: sizes, cursor and picture follow."""
        self.cursor_index = max(0, min(self.cursor_index, self.row_count - 1))
        self._lay_out()
        self.refresh()
        self._place_terminal_cursor()

    def _read_failed(self, error: Exception) -> None:
        self.refresh()
        self._post(self.Failed, error)

    # Drawing

    @property
    def _height(self) -> int:
        """Rows that fit below the header (a horizontal scrollbar takes one: facts §3.2)."""
        return max(self.scrollable_content_region.height - 1, 1)

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        self._painter.plain = bool(getattr(self.app, "plain", False))
        self._painter.lay_out(width)
        self.virtual_size = Size(max(self._painter.total, width), self.row_count + 1)

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the header stays, rows scroll below it."""
        x, top = self.scroll_offset
        width = self.scrollable_content_region.width
        index = top + y - 1
        base = self.rich_style
        if y == 0:
            strip = self._painter.header(self.sort, self.descending)
        elif index < self.row_count:
            here = index == self.cursor_index
            base = self._style("cursor") if here else base
            if (row := self._reader.row(index)) is None:
                strip = self._painter.message(f"… {self._reader.failure}" if self._reader.is_broken(index) else "…")
            else:
                strip = self._painter.row(row, here=here, marked=self.row_id(row) in self.marks, base=base)
        elif index == 0:
            again = "" if self._reader.is_refused else " — r tries again"
            words = f"Not read: {self._reader.failure}{again}" if self._reader.failure else ""
            strip = self._painter.message(words or (self.empty if self.counted else "…"))
        else:
            strip = Strip.blank(width, base)
        return strip.adjust_cell_length(max(self.virtual_size.width, width), base).crop(x, x + width)

    def _style(self, name: str) -> Style:
        if (style := self._styles.get(name)) is None:
            # The whole style: a partial one does not mix `$text-muted` with the background, and comes out white.
            style = self._styles[name] = self.get_component_rich_style(f"virtual-table--{name}")
        return style

    def _refresh_row(self, index: int) -> None:
        y = index - self.scroll_offset.y + 1
        if 1 <= y <= self._height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _into_view(self) -> None:
        """Scroll so that the cursor's row is seen; on thin lines by half a page, which sends less (facts §3.4)."""
        top, height = self.scroll_offset.y, self._height
        if top <= self.cursor_index < top + height:
            return
        jump = height // 2 if getattr(self.app, "slow", False) else 0
        target = self.cursor_index - jump if self.cursor_index < top else self.cursor_index - height + 1 + jump
        self.scroll_to(y=max(target, 0), animate=False, immediate=True)

    def _place_terminal_cursor(self) -> None:
        """The terminal's own cursor goes to the active row: magnifiers and braille displays follow it (facts §2.10)."""
        if self.has_focus:
            y = self.cursor_index - self.scroll_offset.y + 1
            region = self.scrollable_content_region
            self.app.cursor_position = Offset(region.x + 1, region.y + max(0, min(y, self._height)))

    # Events

    def notify_style_update(self) -> None:
        """Another theme or another state: styles are looked up again."""
        super().notify_style_update()
        self._styles.clear()

    def on_mount(self) -> None:
        """Read when the owner has already said what."""
        self._lay_out()
        if self._reader.provider is not None:
            self.reload()

    def on_unmount(self) -> None:
        """Nobody waits for the answers any more."""
        self._background.forget(self)

    def on_resize(self) -> None:
        """Other widths; the cursor stays in view."""
        self._lay_out()
        self._into_view()
        self._pump()

    def on_focus(self) -> None:
        """The cursor's row is drawn stronger."""
        self._place_terminal_cursor()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows are seen: ask for them."""
        super().watch_scroll_y(old_value, new_value)
        if self.is_mounted:
            self._pump()

    def on_click(self, event: events.Click) -> None:
        """On the header: sort; on a row: go there; on the cursor's row: open; in the gutter: mark."""
        x, y = int(event.x) + self.scroll_offset.x, int(event.y)
        if y == 0:
            column = self._painter.column_at(x)
            if column is not None and column.sort:
                self._want_sort(column.sort, column.sort == self.sort and not self.descending)
            return
        index = self.scroll_offset.y + y - 1
        if index >= self.row_count:
            return
        again = index == self.cursor_index
        self.move_to(index)
        if x < GUTTER and self.markable:
            self._toggle_mark()
        elif again:
            self.action_open_row()

    def _want_sort(self, key: str, descending: bool) -> None:
        self.sort, self.descending = key, descending
        self.refresh()
        self.post_message(self.SortWanted(cast("VirtualTable[object]", self), key, None))

    def _post(self, message: type[TableMessage], row: object = None) -> None:
        table = cast("VirtualTable[object]", self)
        self.post_message(message(table, self.cursor_id, self.cursor_row if row is None else row))

    # Actions

    def action_cursor_down(self) -> None:
        """One row down."""
        self.move_to(self.cursor_index + 1)

    def action_cursor_up(self) -> None:
        """One row up."""
        self.move_to(self.cursor_index - 1)

    def action_page_down(self) -> None:
        """One page down."""
        self._page(self._height)

    def action_page_up(self) -> None:
        """One page up."""
        self._page(-self._height)

    def _page(self, rows: int) -> None:
        self.scroll_to(y=max(self.scroll_offset.y + rows, 0), animate=False, immediate=True)
        self.move_to(self.cursor_index + rows)

    def action_first_row(self) -> None:
        """To the first row."""
        self.move_to(0)

    def action_last_row(self) -> None:
        """To the last row."""
        self.move_to(self.row_count - 1)

    def action_columns_left(self) -> None:
        """Columns further left."""
        self.scroll_to(x=self.scroll_offset.x - 8, animate=False)

    def action_columns_right(self) -> None:
        """Columns further right."""
        self.scroll_to(x=self.scroll_offset.x + 8, animate=False)

    def action_open_row(self) -> None:
        """Open the cursor's row."""
        if self.cursor_row is not None:
            self._post(self.Opened)

    def action_toggle_mark(self) -> None:
        """Mark or unmark, and go on."""
        if self.markable and self.cursor_row is not None:
            self._toggle_mark()
            self.move_to(self.cursor_index + 1)

    def _toggle_mark(self) -> None:
        if self.cursor_id is not None:
            self.set_marks(self.marks.toggled(self.cursor_id))

    def action_toggle_all(self) -> None:
        """Mark everything that matches, or unmark all."""
        if self.markable:
            self.set_marks(Marks() if self.marks else Marks(all=True))

    def action_sort_next(self) -> None:
        """Sort by the next column."""
        keys = [column.sort for column in self.columns if column.sort]
        if keys:
            place = keys.index(self.sort) + 1 if self.sort in keys else 0
            self._want_sort(keys[place % len(keys)], False)

    def action_sort_turn(self) -> None:
        """Turn the order round."""
        if self.sort:
            self._want_sort(self.sort, not self.descending)
