"""One column of a board: its head, and cards of several lines of which only those near the place looked at are read."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar, cast

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from leadtui.background import Background
from leadtui.widgets.columns import Cell
from leadtui.widgets.page_reader import Answer, PageReader
from leadtui.widgets.pages import PageProvider
from leadtui.widgets.table_parts import STYLES
from leadtui.widgets.text import fit, one_line

if TYPE_CHECKING:
    from leadtui.widgets.board import Board

Card = TypeVar("Card")
Line = tuple[Cell, Cell]
"""A line of a card or of a head: what stands left, and what stands right and is never cut."""

PAGE: Final = 40
"""Cards read at once: two screens of a column."""
HEAD: Final = 3
"""Lines of the head: what it is, its figures, a rule."""
FOLDED: Final = 9
"""Cells of a folded column."""
GUTTER: Final = 3
"""Edge of the column, bar of the cursor, mark."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What a column is: `key` tells it from others, `head` are its two lines, `count` how many cards (None: not known).

    `count_words` and `title` are what a folded column shows.
    """

    key: Hashable
    title: str
    head: tuple[Line, Line]
    count_words: str = ""
    folded: bool = False


class CardColumn(ScrollView, Generic[Card], can_focus=False):
    """A column; the board it stands in says which has the cursor, and which cards are marked."""

    DEFAULT_CSS: ClassVar[str] = """
    CardColumn { background: $background; color: $foreground; height: 1fr; overflow-x: hidden; overflow-y: scroll;
        scrollbar-size: 0 0; }
    CardColumn > .card-column--header { text-style: bold; }
    CardColumn > .card-column--cursor { background: $block-cursor-blurred-background; text-style: bold; }
    Board:focus CardColumn > .card-column--cursor { background: $block-cursor-background;
        color: $block-cursor-foreground; text-style: bold; }
    CardColumn:ansi > .card-column--cursor { background: ansi_default; color: ansi_default; text-style: bold; }
    Board:ansi:focus CardColumn > .card-column--cursor { background: ansi_default; color: ansi_default;
        text-style: bold reverse; }
    CardColumn > .card-column--muted { color: $text-muted; }
    CardColumn:ansi > .card-column--muted { color: ansi_default; text-style: dim; }
    CardColumn > .card-column--error { color: $text-error; }
    CardColumn > .card-column--warning { color: $text-warning; }
    CardColumn > .card-column--success { color: $text-success; }
    CardColumn > .card-column--accent { color: $text-accent; text-style: bold; }
    CardColumn > .card-column--strong { text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"card-column--{name}" for name in STYLES}

    def __init__(self, board: Board[Card], lane: Lane, draw: Callable[[Card], Sequence[Line]]) -> None:
        super().__init__()
        self.board = board
        self.lane = lane
        self.draw = draw
        self.cursor_index = 0
        self.cursor_id: Hashable | None = None
        self.stale = True
        """Whether what is shown is not of the present list: read when the column comes into view."""
        self._reader: PageReader[Card] = PageReader(
            self, board.card_id, self._arrived, self._counted, self._read_failed, size=PAGE
        )
        self._styles: dict[str, Style] = {}
        self._wanted: Hashable | None = None
        """The card whose place was asked for with the list that is being read."""

    # What the board calls

    @property
    def count(self) -> int:
        """How many cards there are, as far as is known."""
        return self._reader.count

    @property
    def card(self) -> Card | None:
        """The card under the cursor when it is here; none while the cursor is on its way to one that is being read."""
        card = None if self.lane.folded else self._reader.row(self.cursor_index)
        on_its_way = card is not None and self.cursor_id is not None and self.board.card_id(card) != self.cursor_id
        return None if on_its_way else card

    @property
    def active(self) -> bool:
        """Whether the cursor is in this column."""
        return self.board.column is self

    def show(self, provider: PageProvider[Card]) -> None:
        """Another list; read at once only where it is seen."""
        self._reader.provider = provider
        self.stale = True
        self.wake()

    def wake(self) -> None:
        """The column is seen: read what is not of the present list."""
        if self.stale and self.display and not self.lane.folded and self.is_mounted and self._reader.provider:
            self.stale = False
            # where a card is in the list is only asked for the one under the cursor
            wanted = self._wanted = self.cursor_id if self.active else None
            top = self.scroll_offset.y // self.board.card_height
            self._reader.reload(self._background, top // PAGE, wanted, self.cursor_index)

    def set_lane(self, lane: Lane) -> None:
        """Other figures, folded or not."""
        self.lane = lane
        self._list_changed()

    def move_to(self, index: int) -> None:
        """Put the cursor on a card and bring it into view."""
        self.cursor_index = max(0, min(index, self.count - 1))
        self._take_card()
        self._into_view()
        self.refresh()
        self._place_terminal_cursor()
        self._pump()

    def page(self, pages: int) -> None:
        """So many screens of cards down, or up."""
        cards = max(self._height // self.board.card_height, 1)
        self.move_to(self.cursor_index + pages * cards)

    @property
    def row_on_screen(self) -> int:
        """How many cards down from the top of the screen the cursor is."""
        return self.cursor_index - self._first

    def enter_at(self, row: int) -> None:
        """The cursor comes in from beside: as high on the screen as it was, if there is a card."""
        last = self._first + max(self._height // self.board.card_height - 1, 0)
        self.move_to(min(self._first + max(row, 0), last))

    # Reading

    @property
    def _background(self) -> Background:
        return cast("Background", self.app.background)  # type: ignore[attr-defined]

    @property
    def _first(self) -> int:
        """The first card that is whole on the screen."""
        height = self.board.card_height
        return (self.scroll_offset.y + height - 1) // height

    def _pump(self) -> None:
        if not self.lane.folded and not self.stale:
            height = self.board.card_height
            self._reader.want(self._background, self.scroll_offset.y // height, self._height // height + 1)

    def _arrived(self, answer: Answer[Card]) -> None:
        if answer.whole and answer.cursor_index is not None and self.cursor_id == self._wanted:
            self.cursor_index = answer.cursor_index  # the person has not gone on meanwhile
        self._list_changed()
        if answer.whole or self.cursor_id is None:
            self._take_card()
        if answer.whole:
            self._into_view()
        self.board.arrived(self)
        self._pump()

    def _take_card(self) -> None:
        """The card that is at the place of the cursor is the cursor's."""
        card = self._reader.row(self.cursor_index)
        self.cursor_id = None if card is None else self.board.card_id(card)

    def _counted(self) -> None:
        self._list_changed()
        self._into_view()
        self.board.arrived(self)
        self._pump()

    def _list_changed(self) -> None:
        self.cursor_index = max(0, min(self.cursor_index, self.count - 1))
        height = self.board.card_height
        # room behind the last card, so that a whole card stands on top there too
        lines = 0 if self.lane.folded else self.count * height + self._height % height
        self.virtual_size = Size(self.size.width, HEAD + lines)
        self.refresh()
        self._place_terminal_cursor()

    def _read_failed(self, error: Exception) -> None:
        self.refresh()
        self.board.failed(error)

    # Drawing

    @property
    def _height(self) -> int:
        """Lines below the head."""
        return max(self.size.height - HEAD, 1)

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the head stays, cards scroll below it."""
        width = self.size.width
        base = self.rich_style
        if y < HEAD:
            segments = self._head(y, width, base)
        elif self.lane.folded:
            words = self.lane.title.split()
            text = words[y - HEAD] if y - HEAD < len(words) else ""
            segments = [self._edge(), Segment(fit(" " + one_line(text), width - 1), self._style("muted"))]
        else:
            segments = [self._edge(), *self._card_line(self.scroll_offset.y + y - HEAD, width - 1, base)]
        return Strip(segments).adjust_cell_length(width, base)

    def _edge(self) -> Segment:
        """The line between this column and the one before it."""
        return Segment("│" if self.board.has_before(self) else " ", self._style("muted"))

    def _head(self, y: int, width: int, base: Style) -> list[Segment]:
        if y == HEAD - 1:
            before, after = self.board.more_beside(self)
            rule = "━" if self.active else "─"
            line = ("◂" if before else rule) + rule * (width - 2) + ("▸" if after else rule)
            return [Segment(line, self._style("accent" if self.active else "muted"))]
        name = "accent" if self.active else "header"
        # the bar says without colour in which column the cursor is
        bar = "▸" if self.active and y == 0 else " "
        if self.lane.folded:
            text = self.lane.head[0][0] if y == 0 else self.lane.count_words
            words = text[0] if isinstance(text, tuple) else text
            return [self._edge(), Segment(fit(bar + one_line(words), width - 1), self._style(name if y == 0 else ""))]
        left, right = self.lane.head[y]
        if y == 0:
            return [self._edge(), *self._both(bar, left, right, width - 1, self._style(name), plain=True)]
        return [self._edge(), *self._both(" ", left, right, width - 1, self._style("muted"), plain=True)]

    def _card_line(self, line: int, width: int, base: Style) -> list[Segment]:
        index, part = divmod(line, self.board.card_height)
        if index >= self.count:
            return [Segment(fit(self._nothing(line), width), self._style("muted"))]
        here = self.active and index == self.cursor_index
        card = self._reader.row(index)
        if card is None:
            broken = self._reader.is_broken(index)
            words = f" … {self._reader.failure}" if broken and part == 0 else " …" if part == 0 else ""
            return [Segment(fit(one_line(words), width), self._style("cursor" if here else "muted"))]
        lines = self.draw(card)
        if part >= len(lines):
            return [Segment(" " * width, base)]
        bar = "┃" if here else " "
        mark = "●" if part == 0 and self.board.is_marked(self, card) else " "
        style = self._style("cursor") if here else base
        return self._both(bar + mark, *lines[part], width, style, plain=here)

    def _nothing(self, line: int) -> str:
        """What stands in a column without cards."""
        if line or self.count:
            return ""
        if self._reader.failure:
            return "  not read; r tries again"
        return "  –" if self._reader.counted else "  …"

    def _both(self, gutter: str, left: Cell, right: Cell, width: int, base: Style, *, plain: bool) -> list[Segment]:
        """Both sides of a line; the left gives way. `plain`: in one style."""
        (one, first), (two, second) = (cell if isinstance(cell, tuple) else (cell, "") for cell in (left, right))
        two = one_line(two)
        room = max(width - cell_len(gutter) - cell_len(two), 0)
        text = fit(one_line(one), room - 1 if two else room)
        gap = " " if two else ""
        if plain or not (first or second):
            return [Segment(fit(gutter + text + gap + two, width), base)]

        def styled(name: str) -> Style:
            return base + self._style(name) if name else base

        return [Segment(gutter, base), Segment(text + gap, styled(first)), Segment(two, styled(second))]

    def _style(self, name: str) -> Style:
        if not name:
            return self.rich_style
        if (style := self._styles.get(name)) is None:
            style = self._styles[name] = self.get_component_rich_style(f"card-column--{name}")
        return style

    def _into_view(self) -> None:
        if self.lane.folded:
            return
        height, top = self.board.card_height, self.scroll_offset.y
        first, last = self.cursor_index * height, (self.cursor_index + 1) * height
        if first < top:
            self.scroll_to(y=first, animate=False, immediate=True)
        elif last > top + self._height:
            # whole cards from the top: half a card on top reads badly
            target = -(-(last - self._height) // height) * height
            self.scroll_to(y=target, animate=False, immediate=True)

    def _place_terminal_cursor(self) -> None:
        """The terminal's own cursor goes to the card: magnifiers and braille displays follow it (facts §2.10)."""
        if self.active and self.board.has_focus:
            y = HEAD + self.cursor_index * self.board.card_height - self.scroll_offset.y
            region = self.region
            self.app.cursor_position = Offset(region.x + 2, region.y + max(0, min(y, region.height - 1)))

    # Events

    def notify_style_update(self) -> None:
        """Another theme or another state: styles are looked up again."""
        super().notify_style_update()
        self._styles.clear()

    def on_mount(self) -> None:
        """Read when the owner has already said what."""
        self._list_changed()
        self.wake()

    def on_unmount(self) -> None:
        """Nobody waits for the answers any more."""
        self._background.forget(self)

    def on_resize(self) -> None:
        """Other widths; the cursor stays in view."""
        self._list_changed()
        self._into_view()
        self._pump()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other cards are seen: ask for them."""
        super().watch_scroll_y(old_value, new_value)
        if self.is_mounted:
            self._pump()

    def on_click(self, event: events.Click) -> None:
        """On a card: go there; on the cursor's card: open it; on its edge: mark; on a folded column: unfold it."""
        y = int(event.y)
        index = (self.scroll_offset.y + y - HEAD) // self.board.card_height
        card: Any = None if y < HEAD or self.lane.folded or index >= self.count else index
        self.board.clicked(self, card, in_gutter=int(event.x) < GUTTER)
