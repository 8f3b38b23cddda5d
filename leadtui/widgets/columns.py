"""Columns of a table and how they share its width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Cell: TypeAlias = str | tuple[str, str]
"""The text of a cell, or the text and a style name: muted, error, warning, success, accent, strong."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: at least `min_width` cells, `width` when there is room, more by `grow` when there is more."""

    key: str
    label: str
    width: int = 12
    min_width: int = 0
    grow: int = 0
    align: str = "left"
    sort: str = ""
    """The key by which clicking the header sorts; empty when it cannot."""
    drop: int = 0
    """When the width does not suffice, columns with the highest `drop` go first; 0 is kept always."""

    @property
    def least(self) -> int:
        """The fewest cells it can have."""
        return min(self.min_width or min(self.width, 6), self.width)


def layout(columns: Sequence[Column], width: int, gap: int = 2) -> list[int]:
    """The cells of each column within `width`; 0 for a column that was dropped. May exceed `width`: then it scrolls."""
    kept = list(range(len(columns)))

    def least(indexes: list[int]) -> int:
        return sum(columns[i].least for i in indexes) + gap * max(len(indexes) - 1, 0)

    while least(kept) > width and any(columns[i].drop for i in kept):
        kept.remove(max(kept, key=lambda i: (columns[i].drop, i)))
    widths = [0] * len(columns)
    for i in kept:
        widths[i] = columns[i].least
    room = width - least(kept)
    # First up to the wished width, evenly; then what is left by `grow`.
    while room > 0 and (short := [i for i in kept if widths[i] < columns[i].width]):
        for i in short:
            if room:
                widths[i] += 1
                room -= 1
    growing = [i for i in kept if columns[i].grow]
    total = sum(columns[i].grow for i in growing)
    if room > 0 and total:
        for i in growing:
            widths[i] += room * columns[i].grow // total
        widths[growing[0]] += room - sum(room * columns[i].grow // total for i in growing)
    return widths
