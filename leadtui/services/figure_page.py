"""Figures as one page of HTML that stands alone: charts as inline SVG, tables, no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from leadtui.domain.figure_words import CARDS, MONTHS, MONTHS_LONG, known_months, number, percent, scale_end
from leadtui.domain.figures import Figure, Figures, Share
from leadtui.text import strip_segment

if TYPE_CHECKING:
    from .figure_export import Report

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _BOTTOM, _TOP = 760, 220, 48, 18, 24, 12


def page(report: Report) -> str:
    """The whole document."""
    figures = report.figures
    made = report.made_at
    when = f"{made.day} {MONTHS_LONG[made.month - 1]} {made.year}, {made:%H:%M}"
    parts = [
        _section(f"Leads over time {figures.year}", _over_time(figures), wide=True),
        _section("Funnel", _funnel(figures)),
        _section("Open by status", _counted("status", figures.open_statuses, figures.currency)),
        _section("Sources", _shares("source", figures.sources)),
        _section("Agents", _shares("agent", figures.agents)),
        _section("Lost because", _counted("reason", figures.reasons, figures.currency)),
        _section("How long in their status", _counted("time", (*figures.ageing, figures.rotting), figures.currency)),
        _section("Campaigns", _campaigns(figures)),
    ]
    if any(one.activated.value for one in figures.months):
        parts.append(_section(f"Router users {figures.year}", _activations(figures)))
    style = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>{_t('Figures: ' + report.words)}</title><style>{style}</style></head><body>\n"
        f"<h1>Leads in figures</h1>\n<p>{_t(report.words)}<br>made {_t(when)} by {_t(report.made_by)}; "
        f"money in {_t(figures.currency)}</p>\n"
        f"<div class='cards'>{''.join(_cards(report))}</div>\n<div class='wall'>\n{''.join(parts)}</div>\n"
        "</body></html>\n"
    )


def _t(text: object) -> str:
    """Text of data: nothing of it is markup, and no control of it reaches the page."""
    return escape(strip_segment(str(text)), quote=True)


def _section(title: str, body: str, *, wide: bool = False) -> str:
    return f"<section{' class=wide' if wide else ''}><h2>{_t(title)}</h2>{body}</section>\n" if body else ""


def _cards(report: Report) -> Iterable[str]:
    names = {"month": MONTHS_LONG[report.made_at.month - 1], "short": ""}
    for key, (label, _) in CARDS.items():
        figure = report.figures.find(key)
        if figure is None:
            continue
        note = ""
        rate, change = report.figures.find("rate"), report.figures.find("new_change")
        if key == "converted" and rate is not None and rate.value is not None:
            note = f" <small>{_t(percent(rate.value))}</small>"
        if key == "new" and change is not None and change.value is not None:
            note = f" <small>{_t(f'{change.value:+.0f}%')}</small>"
        words = number(figure, report.figures.currency)
        yield f"<div title='{_t(figure.filter)}'><b>{_t(words)}{note}</b><span>{_t(label.format(**names))}</span></div>"


# -- charts ------------------------------------------------------------------------------------------------------------
def _over_time(figures: Figures) -> str:
    months = known_months(figures)
    created = [int(one.created.value or 0) for one in months]
    converted = [int(one.converted.value or 0) for one in months]
    legend = "<small>area: new leads · line: converted</small>"
    heads = "".join(f"<th>{name}</th>" for name in MONTHS)
    rows = "".join(
        f"<tr><td>{label}</td>{''.join(f'<td>{value:,}</td>' for value in values)}</tr>"
        for label, values in (("new", created), ("converted", converted))
    )
    return f"{_chart(created, converted)}{legend}<table><tr><th></th>{heads}</tr>{rows}</table>"


def _activations(figures: Figures) -> str:
    return _chart([int(one.activated.value or 0) for one in known_months(figures)], [])


def _chart(area: Sequence[int], line: Sequence[int]) -> str:
    """An area and a line over twelve months, with a scale of three marks."""
    top = scale_end(max([*area, *line, 0]))
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _BOTTOM - _TOP

    step = width / 11

    def points(values: Sequence[int]) -> list[str]:
        return [f"{_LEFT + n * step:.1f},{_TOP + height * (1 - value / top):.1f}" for n, value in enumerate(values)]

    floor = _TOP + height
    marks = "".join(
        f"<line class='grid' x1='{_LEFT}' x2='{_WIDTH - _RIGHT}' y1='{y:.0f}' y2='{y:.0f}'/>"
        f"<text x='{_LEFT - 8}' y='{y + 4:.0f}' text-anchor='end'>{words:,}</text>"
        for y, words in ((_TOP, top), (_TOP + height / 2, top // 2), (floor, 0))
    )
    names = "".join(
        f"<text x='{_LEFT + n * step:.0f}' y='{_HEIGHT - 6}' text-anchor='middle'>{name}</text>"
        for n, name in enumerate(MONTHS)
    )
    filled = f"M{_LEFT},{floor} L{' L'.join(points(area))} L{_LEFT + (len(area) - 1) * step:.1f},{floor} Z"
    over = f"<path class='won' d='M{' L'.join(points(line))}'/>" if line else ""
    return (
        f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT}' width='100%' role='img'>{marks}"
        f"<path class='area' d='{filled}'/>{over}{names}</svg>"
    )


def _bar(share: float, part: float) -> str:
    """A bar of so much of the width, the first part of it in another colour."""
    whole, full = 100 * share, 100 * share * part
    return (
        "<td class='bar'><svg viewBox='0 0 100 6' preserveAspectRatio='none'>"
        f"<rect class='thin' width='{whole:.1f}' height='6'/>"
        f"<rect class='full' width='{full:.1f}' height='6'/></svg></td>"
    )


# -- tables ------------------------------------------------------------------------------------------------------------
def _table(heads: Sequence[str], rows: Sequence[str]) -> str:
    if not rows:
        return "<small>nothing yet</small>"
    return f"<table><tr>{''.join(f'<th>{_t(head)}</th>' for head in heads)}</tr>{''.join(rows)}</table>"


def _row(figure: Figure | None, label: str, cells: Iterable[object], bar: str = "") -> str:
    title = f" title='{_t(figure.filter)}'" if figure is not None else ""
    return f"<tr{title}><td>{_t(label)}</td>{''.join(f'<td>{_t(cell)}</td>' for cell in cells)}{bar}</tr>"


def _counted(head: str, found: Sequence[Figure], currency: str) -> str:
    most = max((int(one.value or 0) for one in found), default=0)
    return _table(
        (head, "leads", ""),
        [
            _row(one, one.label, [number(one, currency)], _bar(int(one.value or 0) / most if most else 0.0, 0.0))
            for one in found
        ],
    )


def _funnel(figures: Figures) -> str:
    several = len({step.pipeline for step in figures.funnel}) > 1
    rows = []
    for step in figures.funnel:
        label = f"{step.figure.label} ({step.pipeline})" if several else step.figure.label
        shares = ["" if one is None else percent(one) for one in (step.of_before, step.of_all)]
        cells = [number(step.figure, figures.currency), *shares]
        rows.append(_row(step.figure, label, cells, _bar((step.of_all or 0.0) / 100, 1.0)))
    return _table(("reached", "leads", "of the last", "of all", ""), rows)


def _shares(head: str, shares: Sequence[Share]) -> str:
    most = max((int(one.total.value or 0) for one in shares), default=0)
    rows = []
    for one in shares:
        total, won = int(one.total.value or 0), int(one.converted.value or 0)
        cells = [f"{total:,}", f"{won:,}", percent(one.rate), f"{int(one.open.value or 0):,}"]
        bar = _bar(total / most if most else 0.0, won / total if total else 0.0)
        rows.append(_row(one.total, one.name, cells, bar))
    return _table((head, "leads", "converted", "rate", "open", ""), rows)


def _campaigns(figures: Figures) -> str:
    rows = []
    for one in figures.campaigns:
        counts = (one.total, one.sent, one.delivered, one.read, one.failed)
        rows.append(_row(None, f"{one.name} ({one.status})", [f"{count:,}" for count in counts]))
    return _table(("campaign", "to", "sent", "delivered", "read", "failed"), rows) if rows else ""
