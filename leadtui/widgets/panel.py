"""A part of a wall of figures: a heading with a rule, lines below it, a cursor that stops at what can be opened."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from leadtui.commands import bindings_for
from leadtui.widgets.sheet_lines import Line, Span, paint

STYLES = ("cursor", "here", "title", "area", "line", "muted", "strong", "accent", "error", "warning", "success")
MOVES = frozenset(
    f"list.{name}" for name in ("open", "down", "up", "left", "right", "page_down", "page_up", "first", "last")
)
"""The commands of lists that a panel carries out."""


class Panel(Widget, can_focus=True):
    """Subclasses say what is drawn (`draw`), how the cursor moves (`step`, `enter_from`) and what it is on (`current`).

    Only lines that differ from what is on the screen are sent: a figure that changed is one line.
    """

    DEFAULT_CSS: ClassVar[str] = """
    Panel { height: 1fr; background: $background; color: $foreground; }
    Panel > .panel--cursor { background: $block-cursor-blurred-background; text-style: bold; }
    Panel:focus > .panel--cursor { background: $block-cursor-background; color: $block-cursor-foreground;
        text-style: bold; }
    Panel:ansi > .panel--cursor { background: ansi_default; color: ansi_default; text-style: bold; }
    Panel:ansi:focus > .panel--cursor { text-style: bold reverse; }
    Panel > .panel--here { text-style: bold; }
    Panel > .panel--title { text-style: bold; }
    Panel:focus > .panel--title { color: $text-accent; text-style: bold; }
    Panel:ansi:focus > .panel--title { text-style: bold underline; }
    Panel > .panel--area { color: $primary; }
    Panel > .panel--line { color: $text-success; text-style: bold; }
    Panel:ansi > .panel--area { color: ansi_default; text-style: dim; }
    Panel:ansi > .panel--line { color: ansi_default; text-style: bold; }
    Panel > .panel--muted { color: $text-muted; }
    Panel:ansi > .panel--muted { color: ansi_default; text-style: dim; }
    Panel > .panel--strong { text-style: bold; }
    Panel > .panel--accent { color: $text-accent; }
    Panel > .panel--error { color: $text-error; }
    Panel > .panel--warning { color: $text-warning; }
    Panel > .panel--success { color: $text-success; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"panel--{name}" for name in STYLES}
    BINDINGS: ClassVar[list[BindingType]] = [binding for binding in bindings_for("list") if binding.id in MOVES]

    class _OfPanel(Message):
        def __init__(self, panel: Panel) -> None:
            super().__init__()
            self.panel = panel

        @property
        def control(self) -> Panel:
            """The panel."""
            return self.panel

    class Opened(_OfPanel):
        """Enter, or a second click: `item` is what stands behind the figure."""

        def __init__(self, panel: Panel, item: object) -> None:
            super().__init__(panel)
            self.item = item

    class Moved(_OfPanel):
        """The cursor is on another figure."""

    class Left(_OfPanel):
        """The cursor would go beyond the edge: `dx` and `dy` say where to."""

        def __init__(self, panel: Panel, dx: int, dy: int) -> None:
            super().__init__(panel)
            self.dx = dx
            self.dy = dy

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[list[Span]] = []
        self._styles: dict[str, Style] = {}

    # What subclasses fill in

    def draw(self, width: int, height: int) -> list[list[Span]]:
        """The lines in exactly this room; spans of text with one of `STYLES`."""
        raise NotImplementedError

    def step(self, dx: int, dy: int) -> bool:
        """Move the cursor; False when it is at the edge already."""
        raise NotImplementedError

    def enter_from(self, dx: int, dy: int) -> None:
        """The cursor comes from the panel that lies against this direction."""

    def jump(self, dy: int) -> bool:
        """A page up or down within the panel; False when there is no more."""
        return False

    def to_end(self, last: bool) -> None:
        """To the first or the last row."""

    def at_cell(self, x: int, y: int) -> bool:
        """Put the cursor on what stands at a cell; whether it is there already is for `on_click` to see."""
        return False

    @property
    def current(self) -> object:
        """What the figure under the cursor opens."""
        raise NotImplementedError

    @property
    def caption(self) -> str:
        """The figure under the cursor in words, for copying and for whom does not see the cursor."""
        return ""

    @property
    def cursor_cell(self) -> tuple[int, int]:
        """Where the cursor is, for the terminal's own (facts/textual §2.10)."""
        return 0, 0

    # Drawing

    @property
    def plain(self) -> bool:
        """ASCII signs only."""
        return bool(getattr(self.app, "plain", False))

    @property
    def lines(self) -> list[str]:
        """What is drawn, as text (tests look here)."""
        return ["".join(words for words, _ in line).rstrip() for line in self._lines]

    def redraw(self) -> None:
        """Draw anew what differs."""
        width, height = self.size
        if not width or not height or not self.is_attached:
            return
        before, self._lines = self._lines, self.draw(width, height)
        for y, line in enumerate(self._lines):
            if y >= len(before) or before[y] != line:
                self.refresh(Region(0, y, width, 1))
        if len(before) > len(self._lines):
            self.refresh(Region(0, len(self._lines), width, len(before) - len(self._lines)))
        self._place_terminal_cursor()

    def heading(self, title: str, right: str, width: int) -> list[Span]:
        """The first line: title, rule, and some words at its right end."""
        spans = paint(Line(rule=title, right=((right, "muted"),) if right else ()), width, self.plain)
        return [(words, "title" if style == "strong" else style) for words, style in spans]

    def render_line(self, y: int) -> Strip:
        """One line of the panel."""
        width, base = self.size.width, self.rich_style
        if not self._lines and self.size.height:
            self._lines = self.draw(width, self.size.height)
        if y >= len(self._lines):
            return Strip.blank(width, base)
        segments = [
            Segment(words, base + self._style(style) if style else base) for words, style in self._lines[y] if words
        ]
        return Strip(segments).adjust_cell_length(width, base)

    def _style(self, name: str) -> Style:
        if (style := self._styles.get(name)) is None:
            style = self._styles[name] = self.get_component_rich_style(f"panel--{name}")
        return style

    def notify_style_update(self) -> None:
        """Another theme, or the focus came or went."""
        super().notify_style_update()
        self._styles.clear()

    def on_resize(self) -> None:
        """Another room is another picture."""
        self._lines = []
        self.redraw()
        self.refresh()

    def watch_has_focus(self, has_focus: bool) -> None:
        """The cursor is drawn stronger or weaker."""
        super().watch_has_focus(has_focus)
        self._styles.clear()
        self.redraw()
        self.refresh()

    def _place_terminal_cursor(self) -> None:
        if self.has_focus:
            x, y = self.cursor_cell
            self.app.cursor_position = Offset(self.content_region.x + x, self.content_region.y + y)

    # Moving

    def _go(self, dx: int, dy: int) -> None:
        if self.step(dx, dy):
            self.moved()
        else:
            self.post_message(self.Left(self, dx, dy))

    def moved(self) -> None:
        """The cursor went elsewhere."""
        self.redraw()
        self.post_message(self.Moved(self))

    def action_cursor_down(self) -> None:
        """One row down, or to the panel below."""
        self._go(0, 1)

    def action_cursor_up(self) -> None:
        """One row up, or to the panel above."""
        self._go(0, -1)

    def action_columns_left(self) -> None:
        """To the figure on the left, or to the panel there."""
        self._go(-1, 0)

    def action_columns_right(self) -> None:
        """To the figure on the right, or to the panel there."""
        self._go(1, 0)

    def _page(self, dy: int) -> None:
        if self.jump(dy):
            self.moved()
        else:
            self.post_message(self.Left(self, 0, dy))

    def action_page_down(self) -> None:
        """A page of rows, or the panel below."""
        self._page(1)

    def action_page_up(self) -> None:
        """A page of rows, or the panel above."""
        self._page(-1)

    def action_first_row(self) -> None:
        """The first row."""
        self.to_end(False)
        self.moved()

    def action_last_row(self) -> None:
        """The last row."""
        self.to_end(True)
        self.moved()

    def action_open_row(self) -> None:
        """What stands behind the figure."""
        if (item := self.current) is not None:
            self.post_message(self.Opened(self, item))

    def on_click(self, event: object) -> None:
        """Go to the figure under the mouse; again: open it."""
        before = (self.current, self.cursor_cell)
        if self.at_cell(int(event.x), int(event.y)):  # type: ignore[attr-defined]
            if before == (self.current, self.cursor_cell):
                self.action_open_row()
            else:
                self.moved()
