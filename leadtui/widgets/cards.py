"""The figures on top of a wall: some cards side by side, each of which opens what stands behind it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from textual.geometry import Size

from leadtui.widgets.panel import Panel
from leadtui.widgets.sheet_lines import Span
from leadtui.widgets.text import fit

CELLS: Final = 19
"""A card has at least so many cells."""
ROOMY: Final = 36
"""Lines of a screen from which a card has its figure on a line of its own."""


@dataclass(frozen=True, slots=True)
class Card:
    """A figure: what it counts (`short` where there is little room), the figure, a note in a style of its own.

    `brief` is the figure in fewer cells (1.25M), where there is no room for the whole.
    """

    key: Hashable
    label: str
    short: str
    text: str
    brief: str
    note: str = ""
    style: str = ""
    item: object = None


class Cards(Panel):
    """Left and right go from card to card; down goes to the next row of them."""

    DEFAULT_CSS = """
    Cards { height: auto; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.cards: tuple[Card, ...] = ()
        self.at = 0

    def show(self, cards: tuple[Card, ...]) -> None:
        """Other figures."""
        if cards == self.cards:
            return
        other = len(cards) != len(self.cards)
        self.cards = cards
        self.at = max(0, min(self.at, len(cards) - 1))
        if other:
            self.refresh(layout=True)
        self.redraw()

    def _across(self, width: int) -> int:
        """Cards in a row: all rows equally full."""
        most = max(min(width // CELLS, len(self.cards)), 1)
        rows = -(-len(self.cards) // most) or 1
        return -(-len(self.cards) // rows) or 1

    def _is_roomy(self, screen_height: int) -> bool:
        return screen_height >= ROOMY

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A line for each row of cards, three (figure, words, blank) on high screens."""
        rows = -(-len(self.cards) // self._across(width)) or 1
        return rows * (3 if self._is_roomy(viewport.height) else 1)

    # The cursor

    @property
    def current(self) -> object:
        """What the card opens."""
        return self.cards[self.at].item if self.cards else None

    @property
    def caption(self) -> str:
        """The card in words."""
        if not self.cards:
            return ""
        card = self.cards[self.at]
        return " ".join(word for word in (f"{card.label}:", card.text, card.note) if word)

    def step(self, dx: int, dy: int) -> bool:
        """To the card beside, or to the row of cards below or above."""
        target = self.at + dx + dy * self._across(self.size.width)
        if not 0 <= target < len(self.cards):
            return False
        self.at = target
        return True

    def to_end(self, last: bool) -> None:
        """The first or the last card."""
        self.at = max(len(self.cards) - 1, 0) if last else 0

    @property
    def cursor_cell(self) -> tuple[int, int]:
        """The beginning of the card."""
        across = self._across(self.size.width)
        return (self.at % across) * (self.size.width // across), self.at // across * self._lines_each()

    def _lines_each(self) -> int:
        return 3 if self._is_roomy(self.app.size.height) else 1

    def at_cell(self, x: int, y: int) -> bool:
        """The card there."""
        across = self._across(self.size.width)
        place = y // self._lines_each() * across + min(x // max(self.size.width // across, 1), across - 1)
        if not 0 <= place < len(self.cards):
            return False
        self.at = place
        return True

    # Drawing

    def draw(self, width: int, height: int) -> list[list[Span]]:
        """Rows of cards."""
        if not self.cards:
            return []
        across = self._across(width)
        rows = [range(first, min(first + across, len(self.cards))) for first in range(0, len(self.cards), across)]
        if self._lines_each() == 1:
            return self._in_lines(rows, width)[:height]
        cells = width // across
        lines: list[list[Span]] = []
        for row in rows:
            lines.append([span for place in row for span in self._figure(place, cells)])
            lines.append([span for place in row for span in self._words(place, cells)])
            lines.append([])
        return lines[:height]

    def _marked(self, place: int) -> tuple[str, str]:
        here = place == self.at and self.has_focus
        return ((">" if self.plain else "┃") if here else " "), "cursor" if here else "strong"

    def _in_lines(self, rows: Sequence[range], width: int) -> list[list[Span]]:
        """Words, figure and note in one line, in columns; all are said in fewer cells where they would not fit."""
        columns: list[int] = []
        shown: list[tuple[str, str, str]] = []
        for level in range(4):
            shown = [_in_words(card, level) for card in self.cards]
            needs = [2 + sum(cell_len(part) + 1 for part in parts if part) - 1 for parts in shown]
            columns = [
                max(needs[place] for row in rows for place in row[column : column + 1])
                for column in range(len(rows[0]))
            ]
            if sum(columns) <= width:
                break
        spare = max(width - sum(columns), 0) // max(len(columns), 1)
        return [
            [
                span
                for column, place in enumerate(row)
                for span in self._in_line(place, shown[place], columns[column] + spare)
            ]
            for row in rows
        ]

    def _in_line(self, place: int, parts: tuple[str, str, str], cells: int) -> list[Span]:
        lead, style = self._marked(place)
        label, text, note = parts
        spans = [(f"{lead}{label} ", "muted"), (text, style)]
        if note:
            spans.append((f" {note}", self.cards[place].style))
        used = sum(cell_len(words) for words, _ in spans)
        return [*spans, (" " * (cells - used), "")] if used <= cells else [(fit(f"{lead}{label} {text}", cells), style)]

    def _figure(self, place: int, cells: int) -> list[Span]:
        card = self.cards[place]
        lead, style = self._marked(place)
        note = f" {card.note}" if card.note else ""
        text = card.text if cell_len(card.text) + cell_len(note) + 3 <= cells else card.brief
        used = 2 + cell_len(text) + cell_len(note)
        if used > cells:
            return [(fit(f"{lead} {text}", cells), style)]
        return [(f"{lead} ", ""), (text, style), (note, card.style), (" " * (cells - used), "")]

    def _words(self, place: int, cells: int) -> list[Span]:
        card = self.cards[place]
        label = card.label if cell_len(card.label) + 3 <= cells else card.short
        return [(fit(f"  {label}", cells), "muted")]


def _in_words(card: Card, level: int) -> tuple[str, str, str]:
    """Words, figure and note of a card; with a higher level in fewer cells."""
    label = card.label if level == 0 else card.short
    return label, card.brief if level >= 2 else card.text, card.note if level < 3 else ""
