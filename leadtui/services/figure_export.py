"""Figures as a file: one long table (CSV), a page with charts (HTML), a picture of the charts (PNG).

    write(office, question, path, format=None, force=False) -> int     # bytes; the file appears whole or not at all

Needs the action `stats`; whose leads are counted is its scope, as on the screen. The page and the picture say which
leads were counted, and when.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from leadtui.domain.csv_text import guard
from leadtui.domain.figure_words import counted
from leadtui.domain.figures import Figure, Figures, Question
from leadtui.errors import Invalid, Refused
from leadtui.text import strip_segment

from . import figures as asking
from .office import Office
from .whole_file import whole_file

FORMATS: Final = ("csv", "html", "png")
_SUFFIXES: Final = {".csv": "csv", ".html": "html", ".htm": "html", ".png": "png"}
_CSV_HEAD: Final = ("section", "label", "figure", "unit", "filter")
_MESSAGES: Final = ("total", "sent", "delivered", "read", "failed", "pending")


@dataclass(frozen=True, slots=True)
class Report:
    """Figures with what a page says about them: which leads, who asked, when (in the office's zone)."""

    figures: Figures
    words: str
    made_at: datetime
    made_by: str


def format_for(path: Path | str) -> str:
    """The format that a file name asks for; CSV when it says nothing."""
    return _SUFFIXES.get(Path(path).suffix.casefold(), "csv")


def about(office: Office, question: Question) -> str:
    """What would be written, in words. Raises as `figures.ask`."""
    report = _report(office, question)
    many = report.figures.total
    return f"Figures of {many:,} lead{'' if many == 1 else 's'}: {report.words}"


def write(office: Office, question: Question, path: Path, *, format: str | None = None, force: bool = False) -> int:
    """Ask for the figures and write them. Returns the bytes of the file.

    Raises NotPermitted, FilterError, Invalid (format, days, pipeline, a place that cannot be written), Refused (the
    file exists and `force` is not set; matplotlib is missing), OtherSide (the disk is full).
    """
    path = path.expanduser()
    chosen = format or format_for(path)
    if chosen not in FORMATS:
        names = ", ".join(FORMATS)
        raise Invalid(f"'{chosen}' is not a format figures are written in", field="format", hint=f"one of: {names}")
    if path.exists() and not force:
        raise Refused(f"{path} exists", code="file_exists", field="out", hint="--force replaces it")
    data = content(_report(office, question), chosen)
    with whole_file(path, field="out") as out:
        out.write(data)
    return len(data)


def content(report: Report, format: str) -> bytes:
    """The whole file in one of `FORMATS`. Raises Refused where matplotlib is missing."""
    if format == "html":
        from .figure_page import page

        return page(report).encode()
    if format == "png":
        from .figure_picture import picture

        return picture(report)
    return _table(report.figures)


def _report(office: Office, question: Question) -> Report:
    figures = asking.ask(office, question)
    actor, zone = office.actor, office.catalog.tz
    words = counted(question, year=figures.year, scope=actor.scope("stats"), zone=zone, now=figures.asked_at)
    return Report(figures, " · ".join(words), figures.asked_at.astimezone(zone), actor.name or actor.login)


# -- the table ---------------------------------------------------------------------------------------------------------
def sections(figures: Figures) -> Iterator[tuple[str, str, Figure]]:
    """(section, label, figure) of every figure, in the order of the screen."""
    for card in figures.cards:
        yield "cards", card.label, card
    for month in figures.months:
        for what, figure in (("created", month.created), ("converted", month.converted), ("router", month.activated)):
            yield "months", f"{month.month}: {what}", figure
    several = len({step.pipeline for step in figures.funnel}) > 1
    for step in figures.funnel:
        yield "funnel", f"{step.pipeline}: {step.figure.label}" if several else step.figure.label, step.figure
    for name, found in (
        ("open by status", figures.open_statuses), ("lost because", figures.reasons),
        ("in their status", (*figures.ageing, figures.rotting)),
    ):  # fmt: skip
        for figure in found:
            yield name, figure.label, figure
    for name, shares in (("sources", figures.sources), ("agents", figures.agents)):
        for share in shares:
            for what in ("total", "converted", "open", "lost", "overdue"):
                if (figure := getattr(share, what)) is not None:
                    yield name, f"{share.name}: {what}", figure


def _table(figures: Figures) -> bytes:
    """CSV in UTF-8; cells that a spreadsheet would run carry an apostrophe."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(_CSV_HEAD)
    for section, label, figure in sections(figures):
        plain = figure.as_json(figures.currency)
        value = "" if plain["value"] is None else str(plain["value"])
        rows.writerow((section, _cell(label), value, plain["unit"], _cell(figure.filter)))
    for line in figures.campaigns:
        for what in _MESSAGES:
            rows.writerow(("campaigns", _cell(f"{line.name}: {what}"), str(getattr(line, what)), "messages", ""))
    return out.getvalue().encode()


def _cell(text: str) -> str:
    return guard(strip_segment(text))
