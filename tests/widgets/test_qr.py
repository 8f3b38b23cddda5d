"""A QR code as text: its modules are those of the code, and it is only drawn where it fits."""

from __future__ import annotations

import pytest
import segno

from leadtui.channels.manual import link
from leadtui.widgets.qr import lines_for

LINK = link("+254722000111", "Habari Amina, tomorrow at 10?")


def modules_of(lines: list[str]) -> list[list[bool]]:
    """Light or dark, read back from the half blocks."""
    upper = {"█": True, "▀": True, "▄": False, " ": False}
    lower = {"█": True, "▀": False, "▄": True, " ": False}
    return [[half[cell] for cell in line] for line in lines for half in (upper, lower)]


@pytest.mark.parametrize("text", ["https://wa.me/1", LINK, LINK * 5])
def test_what_is_drawn_is_the_code(text: str) -> None:
    lines = lines_for(text, 200, 100)
    wanted = [[not dark for dark in row] for row in segno.make(text, error="l", micro=False).matrix_iter(border=2)]
    assert modules_of(lines)[: len(wanted)] == wanted
    assert len({len(line) for line in lines}) == 1


def test_plain_terminals_get_two_cells_a_module() -> None:
    lines = lines_for("https://wa.me/1", 200, 100, plain=True)
    wanted = [
        [not dark for dark in row]
        for row in segno.make("https://wa.me/1", error="l", micro=False).matrix_iter(border=2)
    ]
    assert [[line[i] == "#" for i in range(0, len(line), 2)] for line in lines] == wanted


def test_nothing_where_it_does_not_fit() -> None:
    lines = lines_for(LINK, 200, 100)
    wide, high = len(lines[0]), len(lines)
    assert lines_for(LINK, wide, high) == lines
    assert lines_for(LINK, wide - 1, high) == lines_for(LINK, wide, high - 1) == []
    assert lines_for("x" * 5000, 500, 500) == []
