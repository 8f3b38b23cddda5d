"""Text for cells and lines: one line, no controls, fitted to a width in terminal cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from textual.filter import LineFilter

from leadtui.text import shorten, strip_segment

if TYPE_CHECKING:
    from rich.segment import Segment
    from textual.color import Color

_BLANKS: Final = dict.fromkeys((0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029), " ")


def one_line(text: object) -> str:
    """`text` as one printable line: line breaks and tabs become blanks, other controls are removed."""
    plain = str(text)
    return plain if plain.isprintable() else strip_segment(plain.translate(_BLANKS))


def fit(text: str, width: int, align: str = "left") -> str:
    """`text` in exactly `width` cells; what does not fit ends in an ellipsis."""
    if width <= 0:
        return ""
    text = shorten(text, width)
    padding = " " * (width - cell_len(text))
    return padding + text if align == "right" else text + padding


def brief(value: float) -> str:
    """A large number in few cells: 1234 → "1,234", 25300 → "25.3k", 1234567 → "1.2M"."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            unit = 1e3 if sign == "k" else size
            return f"{value / unit:,.0f}{sign}" if abs(value) >= 100 * unit else f"{value / unit:.1f}{sign}"
    return f"{value:,.0f}"


# Our own signs and every border that Textual draws, each by one ASCII sign of the same width.
_PLAIN: Final = str.maketrans(
    {
        **dict.fromkeys("─━┄┈╌═▔▁‾⎺⎽", "-"),
        **dict.fromkeys("│┃┆┊║▏▎▍▌▋▊▉▐▕", "|"),
        **dict.fromkeys("╭╮╯╰┌┐└┘├┤┬┴┼┏┓┗┛┣┫╔╗╚╝╠╣▗▖▝▘▛▜▙▟▞▚", "+"),
        **dict.fromkeys("█▇▆▅▄▃▂▀▓▒░", "#"),
        **dict.fromkeys("▼▾▽↓", "v"),
        **dict.fromkeys("▲▴△↑", "^"),
        **dict.fromkeys("►▶▸→›", ">"),
        **dict.fromkeys("◀◂←", "<"),
        **dict.fromkeys("’‘", "'"),
        **dict.fromkeys("“”", '"'),
        "●": "=", "×": "x", "◇": "~", "○": "o", "◐": "+", "·": "-", "–": "-", "—": "-", "…": "~", "✓": "v", "✗": "x",
        "★": "*", "→": ">",
        "•": "*", "☏": "t", "✎": "n", "✉": "e", "▤": "d", "⌂": "v", "◷": "@", "⚿": "P", "⏱": "@", "‖": "|",
    }
)  # fmt: skip


class PlainSigns(LineFilter):
    """Draws with ASCII signs only, for terminals without UTF-8 (`--ascii`); letters of names stay."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments, each sign replaced by one of the same width."""
        return [
            segment
            if segment.control or segment.text.isascii()
            else type(segment)(segment.text.translate(_PLAIN), segment.style)
            for segment in segments
        ]


class NoControls(LineFilter):
    """Deletes control characters from everything that is drawn, whatever widget it comes from (facts §3.6)."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments, with text that holds no controls; escape sequences of Textual itself are control segments."""
        return [
            segment
            if segment.control or segment.text.isprintable()
            else type(segment)(strip_segment(segment.text), segment.style)
            for segment in segments
        ]
