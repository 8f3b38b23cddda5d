"""`--ascii`: nothing but ASCII signs reaches the screen, whatever widget draws it; the letters of names stay."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color

from leadtui.widgets.text import PlainSigns


def drawn(text: str) -> str:
    return "".join(s.text for s in PlainSigns().apply([Segment(text)], Color.parse("black")))


def test_signs_become_ascii_of_the_same_width_and_names_stay() -> None:
    assert drawn("╭─┤ Ñandú … ● ▼ ├─╮") == "+-+ Ñandú ~ = v +-+"
    assert len(drawn("◐ Interested → ×")) == len("◐ Interested → ×")
