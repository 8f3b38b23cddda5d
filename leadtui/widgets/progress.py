"""A bar for how much of something is done, in eighths of a cell; with ASCII signs on plain terminals. Pure."""

from __future__ import annotations

from typing import Final

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


def bar(done: int, total: int, width: int, plain: bool = False) -> str:
    """`width` cells, filled by the share `done` of `total`. Full only when all is done, begun as soon as one is."""
    if width <= 0:
        return ""
    share = min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
    if plain:
        cells = _rounded(share, width)
        return "#" * cells + "." * (width - cells)
    eighths = _rounded(share, width * 8)
    full, rest = divmod(eighths, 8)
    part = _EIGHTHS[rest] if rest else ""
    return "█" * full + part + "░" * (width - full - len(part))


def _rounded(share: float, most: int) -> int:
    """Neither nothing for something, nor everything for not quite everything."""
    if share <= 0.0 or share >= 1.0:
        return int(share * most)
    return min(max(round(share * most), 1), most - 1)


def percent(done: int, total: int) -> str:
    """ "62 %", never 100 before all is done; empty of nothing."""
    if total <= 0:
        return ""
    return f"{min(99, max(1, round(100 * done / total))) if 0 < done < total else 100 * done // total} %"
