"""The charts of figures as a picture (PNG): matplotlib draws it, without a display, only when a picture is wanted."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from leadtui.domain.figure_words import CARDS, MONTHS, MONTHS_LONG, known_months, number
from leadtui.domain.figures import Figures, Share
from leadtui.errors import Refused
from leadtui.text import shorten, strip_segment

if TYPE_CHECKING:
    from .figure_export import Report

_AREA, _WON, _INK, _SOFT = "#8fb8de", "#2e8b57", "#1d2733", "#66727f"
_MOST: Final = 10
"""Bars of one chart; the rest is in the table and on the page."""
_NAME: Final = 26


def missing_matplotlib() -> Refused:
    """What to say where matplotlib is not installed."""
    return Refused("a picture of the charts needs the package matplotlib", code="missing_extra", field="format",
                   hint="install it with: pip install 'leadtui[charts]'   (CSV and HTML work without it)")  # fmt: skip


def picture(report: Report) -> bytes:
    """The picture, 1600 × 1200. Raises Refused where matplotlib is missing."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure as Sheet
    except ImportError as error:
        raise missing_matplotlib() from error
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # fonts without a letter of a name are no news
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sheet = Sheet(figsize=(16, 12), dpi=100, facecolor="white")
        FigureCanvasAgg(sheet)
        _draw(sheet, report)
        out = io.BytesIO()
        sheet.savefig(out, format="png", metadata={"Software": "leadtui"})
    return out.getvalue()


def _draw(sheet: Any, report: Report) -> None:
    figures = report.figures
    made = report.made_at
    when = f"{made.day} {MONTHS_LONG[made.month - 1]} {made.year}, {made:%H:%M}"
    _words(sheet, 0.03, 0.965, "Leads in figures", size=20, weight="bold")
    _words(
        sheet, 0.03, 0.938, shorten(strip_segment(f"{report.words} · made {when} by {report.made_by}"), 170), size=11
    )
    _cards(sheet, report)
    grid = sheet.add_gridspec(3, 2, left=0.12, right=0.97, top=0.83, bottom=0.04, hspace=0.38, wspace=0.42)
    _over_time(sheet.add_subplot(grid[0, :]), figures)
    funnel = [(step.figure.label, int(step.figure.value or 0), 0) for step in figures.funnel]
    _bars(sheet.add_subplot(grid[1, 0]), "Funnel: reached", funnel)
    _bars(sheet.add_subplot(grid[1, 1]), "Sources: leads and converted", _shares(figures.sources))
    _bars(sheet.add_subplot(grid[2, 0]), "Agents: leads and converted", _shares(figures.agents))
    reasons = [(one.label, int(one.value or 0), 0) for one in figures.reasons]
    _bars(sheet.add_subplot(grid[2, 1]), "Lost because", reasons)


def _words(sheet: Any, x: float, y: float, text: str, *, size: int, weight: str = "normal", color: str = _INK) -> None:
    sheet.text(x, y, strip_segment(text), fontsize=size, fontweight=weight, color=color, parse_math=False)


def _cards(sheet: Any, report: Report) -> None:
    month = MONTHS_LONG[report.made_at.month - 1]
    shown = [(key, figure) for key in CARDS if (figure := report.figures.find(key)) is not None]
    for place, (key, figure) in enumerate(shown):
        x = 0.03 + place * 0.94 / max(len(shown), 1)
        _words(sheet, x, 0.895, number(figure, report.figures.currency), size=16, weight="bold")
        _words(sheet, x, 0.877, CARDS[key][0].format(month=month, short=""), size=10, color=_SOFT)


def _over_time(axes: Any, figures: Figures) -> None:
    months = known_months(figures)
    places = list(range(len(months)))
    axes.fill_between(places, [int(one.created.value or 0) for one in months], color=_AREA, label="new")
    axes.plot(places, [int(one.converted.value or 0) for one in months], color=_WON, lw=2.5, label="converted")
    axes.set_xticks(list(range(12)), MONTHS)
    axes.set_xlim(0, 11)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, loc="upper left")
    _quiet(axes, f"Leads over time {figures.year}")


def _shares(shares: Sequence[Share]) -> list[tuple[str, int, int]]:
    return [(one.name, int(one.total.value or 0), int(one.converted.value or 0)) for one in shares]


def _bars(axes: Any, title: str, rows: Sequence[tuple[str, int, int]]) -> None:
    """Horizontal bars, the largest part of them thin in colour, the converted part strong; names are never formulas."""
    shown = list(rows[:_MOST])
    places = list(range(len(shown)))
    axes.barh(places, [total for _, total, _ in shown], color=_AREA)
    axes.barh(places, [won for _, _, won in shown], color=_WON)
    axes.set_yticks(places, [shorten(strip_segment(name), _NAME) for name, _, _ in shown])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.invert_yaxis()
    for place, (_, total, won) in enumerate(shown):
        axes.text(total, place, f" {total:,}" + (f" / {won:,}" if won else ""), va="center", fontsize=9, color=_SOFT)
    axes.set_xticks([])
    axes.margins(x=0.15)
    _quiet(axes, title if shown else f"{title}: nothing yet")
    axes.spines["left"].set_visible(bool(shown))


def _quiet(axes: Any, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=12, color=_INK)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=_SOFT, labelsize=10)
