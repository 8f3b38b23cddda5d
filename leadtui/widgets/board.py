"""A board: columns of cards side by side, as many as fit; one cursor among them, marks, columns that fold."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message

from leadtui.widgets.card_column import FOLDED, CardColumn, Lane, Line
from leadtui.widgets.pages import Marks, PageProvider
from leadtui.widgets.table_parts import id_of

Card = TypeVar("Card")
NARROWEST: Final = 23
WIDEST: Final = 40
"""The fewest and the most cells of an open column."""


class BoardMessage(Message):
    """A message of a board; `card` is the one under the cursor, if it is here."""

    def __init__(self, board: Board[Any], card: Any = None) -> None:
        super().__init__()
        self.board = board
        self.card = card

    @property
    def control(self) -> Board[Any]:
        """The board."""
        return self.board


class Board(Horizontal, Generic[Card], can_focus=True):
    """Columns made of `Lane`s, each with a provider of its cards. Only columns in view read, only what is in view."""

    DEFAULT_CSS: ClassVar[str] = "Board { height: 1fr; width: 1fr; overflow: hidden hidden; }"

    class Opened(BoardMessage):
        """A click on the cursor's card."""

    class Highlighted(BoardMessage):
        """The cursor stands on another card, or its card arrived or changed."""

    class MarksChanged(BoardMessage):
        """Marks were set or taken away."""

    class FoldWanted(BoardMessage):
        """A folded column was clicked; the cursor is in it."""

    class Failed(BoardMessage):
        """Reading failed; `card` is the exception."""

    def __init__(
        self,
        draw: Callable[[Card], Sequence[Line]],
        *,
        card_id: Callable[[Card], Hashable] = id_of,
        card_height: int = 3,
        id: str | None = None,
    ) -> None:
        """`draw(card)` are the lines of a card; more height than lines leaves a blank between cards."""
        super().__init__(id=id)
        self.draw = draw
        self.card_id = card_id
        self.card_height = card_height
        self.lanes: tuple[CardColumn[Card], ...] = ()
        self.current = 0
        self.first = 0
        """The column that stands leftmost."""
        self.marks = Marks()
        self.marked_in: Hashable | None = None
        """With all marked: in which column."""

    def compose(self) -> ComposeResult:
        """Columns are mounted when it is known what they are."""
        yield from ()

    # What the owner calls

    @property
    def column(self) -> CardColumn[Card] | None:
        """The column with the cursor."""
        return self.lanes[self.current] if self.lanes else None

    @property
    def card(self) -> Card | None:
        """The card under the cursor when it is here."""
        return None if self.column is None else self.column.card

    @property
    def marked_count(self) -> int:
        """How many cards are marked."""
        of = next((column.count for column in self.lanes if column.lane.key == self.marked_in), 0)
        return self.marks.count(of)

    def show(self, lanes: Sequence[Lane], providers: Mapping[Hashable, PageProvider[Card]]) -> None:
        """These columns with these cards. Columns that stay keep their place; the cursor stays in its column."""
        if [one.lane.key for one in self.lanes] != [lane.key for lane in lanes]:
            self._mount_columns(lanes)
        for column, lane in zip(self.lanes, lanes, strict=True):
            column.lane = lane
        self._lay_out()
        for column, lane in zip(self.lanes, lanes, strict=True):
            column.set_lane(lane)
            column.show(providers[lane.key])

    def update_lanes(self, lanes: Iterable[Lane]) -> None:
        """Other figures in the heads of the same columns, or folded otherwise."""
        known = {lane.key: lane for lane in lanes}
        for column in self.lanes:
            column.lane = known.get(column.lane.key, column.lane)
        self._lay_out()
        for column in self.lanes:
            column.set_lane(column.lane)
            column.wake()

    def set_marks(self, marks: Marks, marked_in: Hashable | None = None) -> None:
        """Mark these; with all marked, of the column `marked_in`."""
        self.marks, self.marked_in = marks, marked_in if marks.all else None
        self._redraw()
        self.post_message(self.MarksChanged(self, self.card))

    def set_card_height(self, lines: int) -> None:
        """Cards with or without a blank line between them."""
        if lines != self.card_height:
            self.card_height = lines
            for column in self.lanes:
                column.set_lane(column.lane)
                column.move_to(column.cursor_index)

    def aim(self, key: Hashable, card_id: Hashable) -> None:
        """What is read next has the cursor on this card in this column."""
        for place, column in enumerate(self.lanes):
            if column.lane.key == key:
                column.cursor_id = card_id
                self._enter(place)

    # Moving

    def move(self, cards: int) -> None:
        """So many cards down, or up."""
        if self.column is not None and not self.column.lane.folded:
            self.column.move_to(self.column.cursor_index + cards)
            self._highlight()

    def move_page(self, pages: int) -> None:
        """So many screens down, or up."""
        if self.column is not None and not self.column.lane.folded:
            self.column.page(pages)
            self._highlight()

    def move_end(self, *, last: bool) -> None:
        """To the first card of the column, or to its last."""
        if self.column is not None and not self.column.lane.folded:
            self.column.move_to(self.column.count - 1 if last else 0)
            self._highlight()

    def beside(self, columns: int) -> None:
        """So many columns to the right, or to the left; as high on the screen as before."""
        place = max(0, min(self.current + columns, len(self.lanes) - 1))
        if self.column is None or place == self.current:
            return
        row = self.column.row_on_screen if not self.column.lane.folded else 0
        self._enter(place)
        if not self.lanes[place].lane.folded:
            self.lanes[place].enter_at(row)
        self._highlight()

    def _enter(self, place: int) -> None:
        """The cursor is in this column; it comes into view."""
        self.current = place
        self._lay_out()
        self._redraw()
        self.lanes[place].wake()

    # Marks

    def is_marked(self, column: CardColumn[Card], card: Card) -> bool:
        """Whether a card is marked."""
        if self.marks.all and column.lane.key != self.marked_in:
            return False
        return self.card_id(card) in self.marks

    def toggle_mark(self) -> bool:
        """Mark the cursor's card or take its mark away, and go on; False where all of another column are marked."""
        column, card = self.column, self.card
        if column is None or card is None:
            return True
        if self.marks.all and column.lane.key != self.marked_in:
            return False
        self.set_marks(self.marks.toggled(self.card_id(card)), self.marked_in)
        self.move(1)
        return True

    def toggle_all(self) -> None:
        """Mark all cards of the column, or none."""
        if self.column is not None and not self.column.lane.folded:
            self.set_marks(Marks() if self.marks else Marks(all=True), self.column.lane.key)

    # What columns ask and tell

    def has_before(self, column: CardColumn[Card]) -> bool:
        """Whether another column stands left of this one on the screen."""
        return self.lanes.index(column) > self.first

    def more_beside(self, column: CardColumn[Card]) -> tuple[bool, bool]:
        """Whether columns are out of view left of the leftmost one, and right of the rightmost one."""
        place = self.lanes.index(column)
        after = place + 1 < len(self.lanes) and not self.lanes[place + 1].display
        return place == self.first and place > 0, after

    def arrived(self, column: CardColumn[Card]) -> None:
        """Cards or the count of a column arrived."""
        if column is self.column:
            self._highlight()

    def failed(self, error: Exception) -> None:
        """Cards could not be read."""
        self.post_message(self.Failed(self, error))

    def clicked(self, column: CardColumn[Card], index: int | None, *, in_gutter: bool) -> None:
        """A click: on a card, on a head, or on a folded column."""
        self.focus()
        again = column is self.column and index == column.cursor_index
        if column is not self.column:
            self._enter(self.lanes.index(column))
        if index is not None:
            column.move_to(index)
        self._highlight()
        if column.lane.folded:
            self.post_message(self.FoldWanted(self))
        elif index is not None and in_gutter:
            self.toggle_mark()
        elif again:
            self.post_message(self.Opened(self, self.card))

    def _highlight(self) -> None:
        self.post_message(self.Highlighted(self, self.card))

    # Columns

    def _mount_columns(self, lanes: Sequence[Lane]) -> None:
        """Columns that stay keep what they have; the others are made or taken away."""
        old = {column.lane.key: column for column in self.lanes}
        key = self.column.lane.key if self.column is not None else None
        made = tuple(old.get(lane.key) or CardColumn(self, lane, self.draw) for lane in lanes)
        for column in self.lanes:
            if column not in made:
                column.remove()
        self.lanes = made
        new = [column for column in made if not column.is_attached]
        keys = [lane.key for lane in lanes]
        self.current = keys.index(key) if key in keys else 0
        self.first = min(self.first, max(len(made) - 1, 0))
        if not new:
            return
        kept = [column for column in made if column.is_attached]
        if not kept:
            self.mount_all(new)
            return
        for place, column in enumerate(made):
            if column in new:
                self.mount(column, before=next((one for one in made[place + 1 :] if one in kept), None))

    def _lay_out(self) -> None:
        """Share the width: all columns where they fit, else whole ones around the cursor's."""
        width, columns = self.size.width, self.lanes
        if not columns or width <= 0:
            return
        folded = sum(column.lane.folded for column in columns)
        unfolded = len(columns) - folded
        room = width - folded * FOLDED
        if unfolded and room // unfolded >= NARROWEST:
            each, spare = min(room // unfolded, WIDEST), room % unfolded if room // unfolded < WIDEST else 0
        else:
            fitting = max(width // NARROWEST, 1)
            each, spare = width // fitting, width % fitting
        widths = [FOLDED if column.lane.folded else each for column in columns]
        self.first = _window(widths, width, self.first, self.current)
        left = width
        for place, column in enumerate(columns):
            shown = place >= self.first and widths[place] <= left
            left = left - widths[place] if shown else left if place < self.first else 0
            extra = 1 if shown and spare > 0 and not column.lane.folded else 0
            spare -= extra
            column.styles.width = widths[place] + extra
            left -= extra
            was, column.display = column.display, shown
            if shown and not was:
                column.wake()

    def _redraw(self) -> None:
        for column in self.lanes:
            column.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Another width: other columns fit."""
        self._lay_out()

    def on_focus(self) -> None:
        """The cursor is drawn stronger."""
        self._redraw()

    def on_blur(self) -> None:
        """The cursor is drawn weaker."""
        self._redraw()


def _window(widths: Sequence[int], room: int, first: int, current: int) -> int:
    """The leftmost column, so that the cursor's is seen and no room is wasted at the end."""
    first = min(first, current)
    while first < current and sum(widths[first : current + 1]) > room:
        first += 1
    while first > 0 and sum(widths[first - 1 :]) <= room:
        first -= 1
    return first
