"""A QR code as lines of text, two modules of its height in each line; only where it fits and can be scanned."""

from __future__ import annotations

from typing import Final

_QUIET: Final = 2
"""Light modules around it: the standard asks for four, phones read two."""

_HALVES: Final = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}


def lines_for(text: str, width: int, height: int, *, plain: bool = False) -> list[str]:
    """The code of `text` in at most `width` cells and `height` lines, its quiet zone included; [] when it does not fit.

    Light modules are drawn, dark ones are left blank: on a dark terminal that is dark on light, as phones expect it.
    `plain`: for terminals without block characters, two cells and one line a module.
    """
    import segno

    try:
        code = segno.make(text, error="l", micro=False)
    except (segno.DataOverflowError, ValueError):
        return []
    rows = [[not dark for dark in row] for row in code.matrix_iter(scale=1, border=_QUIET)]
    across = len(rows[0]) * (2 if plain else 1)
    down = len(rows) if plain else (len(rows) + 1) // 2
    if across > width or down > height:
        return []
    if plain:
        return ["".join("##" if light else "  " for light in row) for row in rows]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    return [
        "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    ]
