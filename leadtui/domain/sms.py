"""How long a text is as an SMS: its alphabet, and in how many parts it goes. Pure (GSM 03.38)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("^{}\\[~]|€\f")
"""These take two places each."""


@dataclass(frozen=True, slots=True)
class Segments:
    """`count` is what it is charged as, `units` the places it takes in its alphabet, `left` those free in the last one.

    `encoding` is GSM-7, or UCS-2 once one character is not in it (an emoji, most scripts).
    """

    count: int
    encoding: str
    units: int
    per_segment: int
    left: int

    @property
    def words(self) -> str:
        """For a line under a text field: "153 places, 1 SMS, 7 left"."""
        script = "" if self.encoding == "GSM-7" else f" ({self.encoding}: {self.per_segment} to one)"
        return f"{self.units:,} place{'' if self.units == 1 else 's'}, {self.count} SMS, {self.left} left{script}"


def segments(text: str) -> Segments:
    """How a text goes as SMS: 160 places alone or 153 in each of several parts; in UCS-2 70 or 67."""
    if all(char in _BASIC or char in _EXTENDED for char in text):
        widths = [2 if char in _EXTENDED else 1 for char in text]
        encoding, alone, together = "GSM-7", 160, 153
    else:
        widths = [2 if ord(char) > 0xFFFF else 1 for char in text]
        encoding, alone, together = "UCS-2", 70, 67
    units = sum(widths)
    if units <= alone:
        return Segments(1, encoding, units, alone, alone - units)
    parts, used = 1, 0
    for width in widths:  # a character of two places is not cut in halves
        if used + width > together:
            parts, used = parts + 1, 0
        used += width
    return Segments(parts, encoding, units, together, together - used)
