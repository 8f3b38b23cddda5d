"""The printed table: what, this program, its yardstick, how many times that, and the goal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

HEAD = ("what", "leadtui", "yardstick", "ratio", "goal", "")
WIDTHS = (50, 24, 26, 8, 9, 6)


def ms(seconds: float) -> str:
    """Milliseconds for a person."""
    value = seconds * 1000
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 1 else f"{value:.2f} ms"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


class Table:
    """Prints a line as soon as it is known, as Markdown; remembers which goals were missed."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def head(self, title: str) -> None:
        """A heading and the head of a table."""
        print(f"\n### {title}\n")
        self._line(HEAD)
        print("|" + "|".join("-" * (width + 2) for width in WIDTHS) + "|")

    def row(
        self, what: str, ours: str, yard: str = "", ratio: float | None = None, goal: str = "", ok: bool | None = None
    ) -> None:
        """A line; `ok` says whether the goal was reached."""
        if ok is False:
            self.missed.append(what)
        shown = "" if ratio is None else f"{ratio:.1f} ×"
        self._line((what, ours, yard, shown, goal, "" if ok is None else "met" if ok else "MISSED"))

    def _line(self, cells: Sequence[str]) -> None:
        print(
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)) + " |", flush=True
        )
