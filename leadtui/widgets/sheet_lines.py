"""The lines of a sheet: spans of plain text with style names, placed in one or two columns. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rich.cells import cell_len, chop_cells

from leadtui.widgets.text import fit, one_line

Span: TypeAlias = tuple[str, str]
"""Text and a style name: "" muted strong accent error warning success."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: text on the left that gives way, text at the right edge; with an `item` the cursor stops here."""

    left: tuple[Span, ...] = ()
    right: tuple[Span, ...] = ()
    item: object = None
    key: Hashable = None
    """What the item is called, so that the cursor finds it again after a refresh."""
    rule: str = ""
    """The words of a heading with a rule; then `left` is not looked at, `right` stands in the rule."""


Placed: TypeAlias = tuple[int, int, Line]
"""A line placed in a row: first cell, cells, line."""
Row: TypeAlias = tuple[Placed, ...]


def text(*parts: str | Span) -> tuple[Span, ...]:
    """Spans from strings and (text, style) pairs; empty texts are left out."""
    spans = [(part, "") if isinstance(part, str) else part for part in parts]
    return tuple(span for span in spans if span[0])


def stack(lines: Sequence[Line], width: int, x: int = 0) -> list[Row]:
    """Lines below each other."""
    return [((x, width, line),) for line in lines]


def beside(left: Sequence[Line], right: Sequence[Line], width: int, share: float = 0.5, gap: int = 2) -> list[Row]:
    """Two columns."""
    first = max(int((width - gap) * share), 1)
    second = max(width - gap - first, 1)
    rows: list[Row] = []
    for index in range(max(len(left), len(right))):
        row: list[Placed] = []
        if index < len(left):
            row.append((0, first, left[index]))
        if index < len(right):
            row.append((first + gap, second, right[index]))
        rows.append(tuple(row))
    return rows


def merge(left: Sequence[Row], right: Sequence[Row]) -> list[Row]:
    """Two finished pictures in one: their pieces do not overlap."""
    empty: Row = ()
    count = max(len(left), len(right))
    return [
        (left[index] if index < len(left) else empty) + (right[index] if index < len(right) else empty)
        for index in range(count)
    ]


def cells_of(line: Line) -> int:
    """The cells a line would like to have."""
    return sum(cell_len(one_line(words)) for words, _ in (*line.left, *line.right)) + (1 if line.right else 0)


def paint(line: Line, width: int, plain: bool = False) -> list[Span]:
    """The line as spans of exactly `width` cells."""
    dash = "-" if plain else "─"
    right = [(one_line(words), style) for words, style in line.right]
    if line.rule:
        head = f"{dash} {one_line(line.rule)} "
        tail = [(" ", "muted"), *right, (f" {dash}", "muted")] if right else []
        room = width - sum(cell_len(words) for words, _ in tail)
        head = fit(head, room) if cell_len(head) > room else head
        return [
            (head[:2], "muted"), (head[2:], "strong"), (dash * max(room - cell_len(head), 0), "muted"), *tail
        ]  # fmt: skip
    taken = sum(cell_len(words) for words, _ in right)
    room = max(width - taken - (1 if taken else 0), 0)
    spans: list[Span] = []
    for words, style in line.left:
        if room <= 0:
            break
        clean = one_line(words)
        length = cell_len(clean)
        if length > room:
            clean, length = fit(clean, room), room
        spans.append((clean, style))
        room -= length
    return [*spans, (" " * (room + (1 if taken else 0)), ""), *right]


def wrapped(words: str, width: int) -> list[str]:
    """A block of text in lines of at most `width` cells, its own line breaks kept."""
    width = max(width, 10)
    lines: list[str] = []
    for paragraph in words.splitlines():
        line = ""
        for word in one_line(paragraph).split():
            longer = f"{line} {word}" if line else word
            if cell_len(longer) <= width:
                line = longer
                continue
            if line:
                lines.append(line)
            *full, line = chop_cells(word, width)
            lines += full
        lines.append(line)
    return lines
