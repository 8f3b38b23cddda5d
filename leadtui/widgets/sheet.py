"""A sheet: styled plain lines in one or two columns that scrolls as a whole, with a cursor that stops at its items."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Offset, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from leadtui.commands import bindings_for
from leadtui.widgets.sheet_lines import Placed, Row, paint

STYLES = ("cursor", "muted", "strong", "accent", "error", "warning", "success")
_MOVES = frozenset(
    f"list.{name}" for name in ("open", "down", "up", "left", "right", "page_down", "page_up", "first", "last")
)


class Sheet(ScrollView, can_focus=True):
    """Shows rows that `build(width)` makes; made anew for every width."""

    DEFAULT_CSS: ClassVar[str] = """
    Sheet { height: 1fr; background: $background; color: $foreground; overflow-y: auto; overflow-x: hidden;
        scrollbar-size: 1 1; }
    Sheet > .sheet--cursor { background: $block-cursor-blurred-background; text-style: bold; }
    Sheet:focus > .sheet--cursor { background: $block-cursor-background; color: $block-cursor-foreground;
        text-style: bold; }
    Sheet:ansi > .sheet--cursor { text-style: bold; background: ansi_default; color: ansi_default; }
    Sheet:ansi:focus > .sheet--cursor { text-style: bold reverse; }
    Sheet > .sheet--muted { color: $text-muted; }
    Sheet:ansi > .sheet--muted { color: ansi_default; text-style: dim; }
    Sheet > .sheet--strong { text-style: bold; }
    Sheet > .sheet--accent { color: $text-accent; }
    Sheet > .sheet--error { color: $text-error; }
    Sheet > .sheet--warning { color: $text-warning; }
    Sheet > .sheet--success { color: $text-success; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"sheet--{name}" for name in STYLES}
    BINDINGS: ClassVar[list[BindingType]] = [binding for binding in bindings_for("list") if binding.id in _MOVES]

    class Opened(Message):
        """Enter or a second click on an item."""

        def __init__(self, sheet: Sheet, item: object) -> None:
            super().__init__()
            self.sheet = sheet
            self.item = item

        @property
        def control(self) -> Sheet:
            """The sheet."""
            return self.sheet

    class Moved(Message):
        """The cursor is on another item."""

        def __init__(self, sheet: Sheet) -> None:
            super().__init__()
            self.sheet = sheet

        @property
        def control(self) -> Sheet:
            """The sheet."""
            return self.sheet

    at: var[int] = var(0, init=False)
    """The place of the cursor among the items."""

    def __init__(self, *, cursor: bool = True, id: str | None = None) -> None:
        super().__init__(id=id)
        self.can_focus = cursor
        self.rows: list[Row] = []
        self.items: list[tuple[int, Placed]] = []
        """(row, placed line) of everything the cursor stops at: the left column first."""
        self._build: Callable[[int], list[Row]] = lambda width: []
        self._width = -1
        self._styles: dict[str, Style] = {}

    def show(self, build: Callable[[int], list[Row]], *, keep_place: bool = True) -> None:
        """Another picture; with `keep_place` the cursor stays on its item and the scroll where it is."""
        self._build = build
        if not keep_place:
            self.at = 0
            self.items = []
            self.scroll_to(y=0, animate=False, immediate=True)
        self._lay_out()

    @property
    def current(self) -> object:
        """The item under the cursor."""
        return self.items[self.at][1][2].item if self.can_focus and self.at < len(self.items) else None

    @property
    def lines(self) -> list[str]:
        """The whole sheet as text, for tests and copying."""
        return ["".join(segment.text for segment in self._strip(index)).rstrip() for index in range(len(self.rows))]

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0:
            self._width = -1  # out of sight: laid out when it comes back, be it in the width of before
            return
        key = self.items[self.at][1][2].key if self.at < len(self.items) else None
        self._width = width
        self.rows = self._build(width)
        placed_in_rows = ((row, placed) for row, pieces in enumerate(self.rows) for placed in pieces)
        found = [(row, placed) for row, placed in placed_in_rows if placed[2].item is not None]
        self.items = sorted(found, key=lambda item: (item[1][0], item[0]))
        keys = [placed[2].key for _, placed in self.items]
        self.at = keys.index(key) if key is not None and key in keys else max(0, min(self.at, len(self.items) - 1))
        self.virtual_size = Size(width, len(self.rows))
        self.refresh()
        self._place_terminal_cursor()

    def watch_at(self) -> None:
        """Other commands may apply here."""
        self.post_message(self.Moved(self))

    def on_resize(self) -> None:
        """Another width is another picture."""
        if self.scrollable_content_region.width != self._width:
            self._lay_out()

    def watch_virtual_size(self) -> None:
        """A scrollbar may have come or gone."""
        self.call_after_refresh(self.on_resize)

    # Drawing

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        index = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        base = self.rich_style
        if index >= len(self.rows):
            return Strip.blank(width, base)
        return self._strip(index).adjust_cell_length(width, base)

    def _strip(self, index: int) -> Strip:
        base = self.rich_style
        plain = bool(getattr(self.app, "plain", False))
        segments: list[Segment] = []
        at = (
            (self.items[self.at][0], self.items[self.at][1][0])
            if self.can_focus and self.at < len(self.items)
            else None
        )
        x = 0
        for placed in self.rows[index]:
            start, cells, line = placed
            here = at == (index, start)
            if start > x:
                segments.append(Segment(" " * (start - x), base))
            under = base + self._style("cursor") if here else base
            lead = (">" if plain else "┃") if here else " "
            segments.append(Segment(lead, under))
            segments += [
                Segment(words, under if here or not style else base + self._style(style))
                for words, style in paint(line, cells - 1, plain)
            ]
            x = start + cells
        return Strip(segments)

    def _style(self, name: str) -> Style:
        if (style := self._styles.get(name)) is None:
            style = self._styles[name] = self.get_component_rich_style(f"sheet--{name}")
        return style

    def notify_style_update(self) -> None:
        """Another theme."""
        super().notify_style_update()
        self._styles.clear()

    def on_focus(self) -> None:
        """The cursor is drawn stronger."""
        self._styles.clear()
        self._place_terminal_cursor()

    def on_blur(self) -> None:
        """The cursor is drawn weaker."""
        self._styles.clear()

    def _place_terminal_cursor(self) -> None:
        """Magnifiers and braille displays follow the terminal's own cursor (facts §2.10)."""
        if self.has_focus and self.at < len(self.items):
            row, (x, _, _) = self.items[self.at]
            region = self.scrollable_content_region
            y = max(0, min(row - self.scroll_offset.y, region.height - 1))
            self.app.cursor_position = Offset(region.x + x, region.y + y)

    # Moving

    def _seen(self, row: int) -> bool:
        top = self.scroll_offset.y
        return top <= row < top + self.scrollable_content_region.height

    def _scroll(self, y: int) -> None:
        self.scroll_to(y=max(y, 0), animate=False, immediate=True)

    def _step(self, step: int) -> None:
        """The next item when it is near enough to be seen after one line of scrolling; else scroll one line."""
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        target = self.at + step
        if not 0 <= target < len(self.items):
            self._scroll(top + step)
            return
        row = self.items[target][0]
        if self._seen(row):
            self.at = target
        elif self._seen(row - step) or self._seen(row - 2 * step):
            self.at = target
            self._scroll(row if step < 0 else row - height + 1)
        else:
            self._scroll(top + step)
        self.refresh()
        self._place_terminal_cursor()

    def action_cursor_down(self) -> None:
        """The next item."""
        self._step(1)

    def action_cursor_up(self) -> None:
        """The item before; above the first one the sheet scrolls to its head."""
        self._step(-1)

    def _page(self, step: int) -> None:
        height = self.scrollable_content_region.height
        self._scroll(min(self.scroll_offset.y + step * (height - 1), max(len(self.rows) - height, 0)))
        seen = [index for index, (row, _) in enumerate(self.items) if self._seen(row)]
        if seen and self.at not in seen:
            self.at = seen[0] if step > 0 else seen[-1]
        self.refresh()

    def action_page_down(self) -> None:
        """One page on."""
        self._page(1)

    def action_page_up(self) -> None:
        """One page back."""
        self._page(-1)

    def action_first_row(self) -> None:
        """The head."""
        self.at = 0
        self._scroll(0)
        self.refresh()

    def action_last_row(self) -> None:
        """The end."""
        self.at = max(len(self.items) - 1, 0)
        self._scroll(len(self.rows))
        self.refresh()

    def action_columns_left(self) -> None:
        """The nearest item of the left column."""
        self._across(-1)

    def action_columns_right(self) -> None:
        """The nearest item of the right column."""
        self._across(1)

    def _across(self, direction: int) -> None:
        if self.at >= len(self.items):
            return
        row, (x, _, _) = self.items[self.at]
        others = [i for i, (_, placed) in enumerate(self.items) if (placed[0] - x) * direction > 0]
        if others:
            self.at = min(others, key=lambda i: abs(self.items[i][0] - row))
            self.refresh()
            self._place_terminal_cursor()

    def action_open_row(self) -> None:
        """Show the item whole."""
        if (item := self.current) is not None:
            self.post_message(self.Opened(self, item))

    def on_click(self, event: events.Click) -> None:
        """Go to the item under the mouse; again: open it."""
        row, x = self.scroll_offset.y + int(event.y), int(event.x)
        for index, (at, (left, cells, _)) in enumerate(self.items):
            if at == row and left <= x < left + cells and self.can_focus:
                again = index == self.at
                self.at = index
                self.refresh()
                if again:
                    self.action_open_row()
                return
