"""All figures of a question at once, each with the filter that opens its leads (spec §Z, AJ20, AG33, AG34).

Deleted leads, and those merged away, are in none. Everything is within the scope of the action `stats`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from leadtui.domain.dates import local_day
from leadtui.domain.figure_making import make
from leadtui.domain.figures import CampaignLine, Figure, Figures, Question
from leadtui.errors import Invalid, LeadtuiError
from leadtui.store import tallies
from leadtui.store.unit_of_work import ReadTx

from . import figure_cells, figure_counts
from . import lead_writes as w
from .campaign_rows import rows_of, visible
from .office import Office

__all__ = [
    "Figure",
    "Figures",
    "Question",
    "ask",
    "ask_in",
    "base_filter",
    "campaign_lines",
    "settle",
    "sum_up_many",
    "waiting",
]

_LOG = logging.getLogger(__name__)
MOST_CAMPAIGNS = 20
"""As many are shown beside figures; `stats campaigns` has all."""


def ask(office: Office, question: Question | None = None) -> Figures:
    """The figures of a question. Raises NotPermitted, FilterError, Invalid for days, a year or a pipeline."""
    sum_up_many(office)
    with office.read() as tx:
        return ask_in(tx, question or Question())


def ask_in(tx: ReadTx, question: Question) -> Figures:
    """The same within a transaction."""
    w.require(tx, "stats")
    asked = figure_cells.read(tx, question)
    year = local_day(tx.now, tx.catalog.tz).year if question.year is None else checked_year(question.year)
    return make(
        question, asked.base, figure_counts.count(tx, asked, year=year), tx.catalog, now=tx.now, year=year,
        years=figure_counts.years(tx), hidden=tx.actor.hidden_fields, campaigns=_campaigns(tx),
    )  # fmt: skip


def base_filter(tx: ReadTx, question: Question) -> str:
    """The whole filter of a question as one text: its own, its pipeline, its days."""
    return figure_cells.read(tx, question).base


def checked_year(year: int) -> int:
    """A year there can be leads of. Raises Invalid."""
    if not 1900 <= year <= 2200:
        raise Invalid(f"{year} is not a year there can be leads of", field="year", hint="such as 2026")
    return year


def _campaigns(tx: ReadTx) -> tuple[CampaignLine, ...]:
    """The newest campaigns that the actor may see; none where he may see none."""
    return campaign_lines(tx, MOST_CAMPAIGNS) if tx.actor.may("campaign") else ()


def campaign_lines(tx: ReadTx, limit: int | None = None) -> tuple[CampaignLine, ...]:
    """Campaigns with their counters and rates, newest first (spec Z 178). Raises NotPermitted."""
    found = []
    for row in rows_of(tx, visible(tx), limit=limit):
        counted, rates = row.counters, row.rates
        found.append(
            CampaignLine(
                row.id, row.name, row.status, counted.total, counted.sent, counted.delivered, rates.delivery.percent,
                counted.read, rates.read.percent, counted.failed, counted.pending, rates.success.percent,
            )
        )  # fmt: skip
    return tuple(found)


# -- summing up -------------------------------------------------------------------------------------------------------
def sum_up_many(office: Office) -> None:
    """Sum notes up before reading, where they are so many that reading would take longer. Where that cannot be, it
    does: no figure depends on it. Raises NotPermitted.
    """  # fmt: skip
    with office.read() as tx:
        w.require(tx, "stats")
        if tallies.waiting(tx) <= tallies.CHUNK:
            return
    try:
        for _ in range(10):
            with office.as_system() as tx:
                if tallies.settle(tx) < tallies.CHUNK:
                    return
    except LeadtuiError as error:
        _LOG.info("the tally is not summed up now: %s", error.message)


def settle(office: Office, *, limit: int = tallies.CHUNK, may_go_on: Callable[[], bool] = lambda: True) -> int:
    """The step `tallied` of the routine: sum up what triggers noted; answers how many notes."""
    with office.read() as tx:
        if not may_go_on() or not tallies.waiting(tx):
            return 0
    with office.as_system() as write:
        return tallies.settle(write, limit)


def waiting(tx: ReadTx) -> int:
    """How many notes are not summed up."""
    return tallies.waiting(tx)
