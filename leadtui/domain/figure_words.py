"""Figures in words: which leads are counted, numbers as people read them, names of months and cards. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Final

from .dates import local_day, parse_day_range
from .figure_texts import both, text_of
from .figures import Figure, Figures, Month, Question
from .money import exponent
from .permissions import Actor

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTHS_LONG: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
CARDS: Final[Mapping[str, tuple[str, str]]] = {
    "total": ("Leads", "Leads"),
    "new": ("New in {month}", "New in {short}"),
    "converted": ("Converted", "Converted"),
    "overdue": ("Overdue", "Overdue"),
    "revenue_installation": ("Installation fees", "Install."),
    "revenue_monthly": ("Monthly fees", "Monthly"),
    "value": ("Pipeline value", "Pipeline"),
    "forecast": ("Weighted forecast", "Weighted"),
}
"""The cards in their order: words, and fewer words."""
SCOPES: Final[Mapping[str, str]] = {
    "own": "my own leads", "team": "my team's leads", "branch": "my branch's leads", "all": "all leads",
}  # fmt: skip
"""Whose leads figures are of, by the scope of the action `stats`."""


_STEPS: Final = (10, 12, 14, 16, 20, 24, 30, 40, 50, 60, 80)
"""Ends of scales whose half is whole, times a power of ten."""


def scale_end(most: int) -> int:
    """The end of the scale: a round number not below `most`, which can be halved."""
    for small in (2, 4, 6, 8):
        if most <= small:
            return small
    power = 1
    while True:
        for step in _STEPS:
            if step * power >= most:
                return step * power
        power *= 10


def number(figure: Figure | None, currency: str) -> str:
    """A figure as it is written, money in whole units; a dash where there is none."""
    if figure is None or figure.value is None:
        return "–"
    if figure.unit == "minor":
        return f"{round(figure.value / 10 ** exponent(currency)):,}"
    if figure.unit == "percent":
        return percent(figure.value)
    if figure.unit == "days":
        return f"{figure.value:,.1f} d"
    return f"{int(figure.value):,}"


def percent(value: float) -> str:
    """A share with one decimal; the whole without."""
    return "100%" if value == 100 else f"{value:.1f}%"


def range_words(date_from: str | None, date_to: str | None, zone: tzinfo, now: datetime) -> str:
    """A range of creation in words; empty when there is none."""

    def day(text: str, last: bool) -> str:
        begin, end = parse_day_range(text, tz=zone, now=now)
        one = local_day(end - timedelta(microseconds=1) if last else begin, zone)
        return f"{one.day} {MONTHS[one.month - 1]} {one.year}"

    first = day(date_from, False) if date_from else ""
    last = day(date_to, True) if date_to else ""
    if first and last:
        return f"created {first}" if first == last else f"created {first} to {last}"
    return f"created from {first}" if first else f"created until {last}" if last else ""


def counted(question: Question, *, year: int | None, scope: str, zone: tzinfo, now: datetime) -> tuple[str, ...]:
    """Which leads are counted, part by part: the year of the months, the pipeline, whose leads and which, the days."""
    whose = SCOPES.get(scope, "")
    which = whose
    if question.filter:
        which = question.filter if scope == "all" else f"{whose}: {question.filter}"
    parts = (
        str(year or question.year or ""), question.pipeline or "", which,
        range_words(question.date_from, question.date_to, zone, now),
    )  # fmt: skip
    return tuple(part for part in parts if part)


def known_months(figures: Figures) -> tuple[Month, ...]:
    """The months up to the one in which the figures were asked for (or the last there is something of): the rest of
    a year that goes on is not nothing, it is not known.
    """  # fmt: skip
    present = f"{figures.asked_at:%Y-%m}"
    known = [
        place
        for place, one in enumerate(figures.months, 1)
        if one.month <= present or one.created.value or one.converted.value or one.activated.value
    ]
    return figures.months[: max(known, default=0)]


def opened(where: str, actor: Actor) -> str:
    """The filter that opens a figure: where the person may read more leads than are counted for him, only those."""
    scope = actor.scope("stats")
    if scope == actor.scope("read"):
        return where
    mine = ""
    if scope == "own":
        mine = text_of("assigned_to", "me")
    elif scope == "team":
        mine = text_of("assigned_to", *(f"#{one}" for one in sorted({*actor.team_user_ids, actor.user_id})))
    elif scope == "branch" and actor.branch_id is not None:
        mine = text_of("branch", f"#{actor.branch_id}")
    return both(where, mine)
