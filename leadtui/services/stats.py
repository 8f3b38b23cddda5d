"""How many leads there are, and what became of them, in the shapes others rely on (spec §Z 171–178, contract "stats").

All of it is made of `figures`: deleted leads, and those merged away, are in no figure (AG34), everything is within the
scope of the action `stats`, months and days are those of the office's zone (AG33): leads count in the month in which
they were created, conversions in the month in which they were made.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from leadtui.domain.figure_texts import Names, both
from leadtui.domain.figures import CampaignLine, Figure, Figures, Question, percent
from leadtui.domain.figures import Share as FigureShare
from leadtui.domain.money import to_decimal
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx
from leadtui.text import fold

from . import figure_cells, figures
from . import lead_writes as w

if TYPE_CHECKING:
    from .office import Office


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many leads have a status; one of several pipelines' of the same name counts once."""

    status: str
    count: int


@dataclass(frozen=True, slots=True)
class MonthCount:
    """A month (`YYYY-MM`): leads created in it, and conversions made in it."""

    month: str
    created: int
    converted: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """The cards and the chart of a year. `years` are those there is anything to show of, without gaps (spec AJ20)."""

    total_leads: int
    new_this_month: int
    total_converted: int
    by_status: tuple[StatusCount, ...]
    by_month: tuple[MonthCount, ...]
    year: int
    years: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """The object of the contract."""
        found = asdict(self)
        del found["years"]
        return found | {"by_status": list(found["by_status"]), "by_month": list(found["by_month"])}


@dataclass(frozen=True, slots=True)
class Share:
    """Of `total` leads of a source or a user, how many are converted; `rate` in percent."""

    name: str
    total: int
    converted: int
    login: str | None
    rate: float

    def as_json(self, name: str) -> dict[str, Any]:
        """With the name under the key `name`."""
        return {name: self.name, "total": self.total, "converted": self.converted, "rate": self.rate}


@dataclass(frozen=True, slots=True)
class ConversionStats:
    """What became of the leads created in a time. Rates in percent, the average in days, each with one decimal."""

    total_leads: int
    converted_count: int
    lost_count: int
    active_count: int
    average_conversion_time_days: float | None
    by_source: tuple[Share, ...]
    by_user: tuple[Share, ...]

    def as_json(self) -> dict[str, Any]:
        """The object of the contract."""
        return {
            "total_leads": self.total_leads, "converted_count": self.converted_count, "lost_count": self.lost_count,
            "active_count": self.active_count,
            "conversion_rate": percent(self.converted_count, self.total_leads),
            "lost_rate": percent(self.lost_count, self.total_leads),
            "average_conversion_time_days": self.average_conversion_time_days,
            "by_source": [one.as_json("source_name") for one in self.by_source],
            "by_user": [one.as_json("user_name") | {"login": one.login} for one in self.by_user],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """The leads created in a time (spec Z 175). Money in minor units, None where the role may not see it."""

    total_leads: int
    qualified_leads: int
    converted_leads: int
    average_lead_score: float | None
    leads_by_source: tuple[Share, ...]
    leads_by_stage: tuple[StatusCount, ...]
    time_to_conversion_days: float | None
    installation_minor: int | None
    monthly_minor: int | None
    currency: str

    def as_json(self) -> dict[str, Any]:
        """Money as decimal strings of major units; installation and monthly fees apart (AJ30)."""

        def money(minor: int | None) -> str | None:
            return None if minor is None else str(to_decimal(minor, self.currency))

        return {
            "total_leads": self.total_leads, "qualified_leads": self.qualified_leads,
            "converted_leads": self.converted_leads,
            "conversion_rate": percent(self.converted_leads, self.total_leads),
            "average_lead_score": self.average_lead_score,
            "leads_by_source": [one.as_json("source_name") for one in self.leads_by_source],
            "leads_by_stage": [asdict(one) for one in self.leads_by_stage],
            "time_to_conversion_days": self.time_to_conversion_days,
            "revenue_generated": {
                "installation": money(self.installation_minor), "monthly": money(self.monthly_minor),
            },
        }  # fmt: skip


def overview(office: Office, question: Question | None = None, *, year: int | None = None) -> Statistics:
    """The leads of a question in figures, and the months of `year` (this one when not given).

    Raises NotPermitted, Invalid, FilterError.
    """
    asked = question or Question(year=year)
    found = figures.ask(office, asked)
    new = found.find("new")
    return Statistics(
        total_leads=found.total,
        new_this_month=_count(new) if new else 0,
        total_converted=_count(found.card("converted")),
        by_status=_statuses(found),
        by_month=tuple(MonthCount(one.month, _count(one.created), _count(one.converted)) for one in found.months),
        year=found.year,
        years=found.years,
    )


def conversion(
    office: Office,
    *,
    date_from: str | None = None,
    date_to: str | None = None,
    source: str | None = None,
    assigned_to: str | None = None,
) -> ConversionStats:
    """What became of the leads created from `date_from` to `date_to` (both included; days, months or years as typed).

    `assigned_to` is a login, "me" or "none". Raises Invalid for a name or a date that means nothing, NotPermitted.
    """
    figures.sum_up_many(office)
    with office.read() as tx:
        w.require(tx, "stats")
        names, text = Names(tx.catalog), ""
        if source:
            text = names.source(tx.catalog.find_source(source).id)
        if assigned_to:
            text = both(text, names.agent(_user_id(tx, assigned_to)))
        found = figures.ask_in(tx, Question(text, date_from, date_to))
    return ConversionStats(
        total_leads=found.total,
        converted_count=_count(found.card("converted")),
        lost_count=_count(found.card("lost")),
        active_count=_count(found.card("open")),
        average_conversion_time_days=_days(found),
        by_source=_shares(found.sources),
        by_user=_shares(found.agents),
    )


def report(
    office: Office, *, date_from: str | None = None, date_to: str | None = None, pipeline: str | None = None
) -> Report:
    """The report of the leads created in a time, of one pipeline or all. Raises Invalid, NotPermitted."""
    figures.sum_up_many(office)
    with office.read() as tx:
        question = Question("", date_from, date_to, pipeline)
        found = figures.ask_in(tx, question)
        c = t.lead.c
        qualified = int(tx.catalog.settings.get("score_qualified", 50))
        wanted = figure_cells.condition(tx, figure_cells.read(tx, question))
        query = select(func.count().filter(c.score >= qualified), func.count(c.score), func.sum(c.score)).where(wanted)
        good, scored, points = tx.conn.execute(query).one()
    installation, monthly = found.find("revenue_installation"), found.find("revenue_monthly")
    return Report(
        total_leads=found.total,
        qualified_leads=int(good),
        converted_leads=_count(found.card("converted")),
        average_lead_score=round(int(points) / scored, 1) if scored else None,
        leads_by_source=_shares(found.sources),
        leads_by_stage=_statuses(found),
        time_to_conversion_days=_days(found),
        installation_minor=_count(installation) if installation else None,
        monthly_minor=_count(monthly) if monthly else None,
        currency=found.currency,
    )


def campaigns(office: Office) -> tuple[CampaignLine, ...]:
    """The campaigns the actor may see, with their counters and rates, newest first. Raises NotPermitted."""
    with office.read() as tx:
        w.require(tx, "stats")
        return figures.campaign_lines(tx)


# -- parts ------------------------------------------------------------------------------------------------------------
def _count(one: Figure) -> int:
    return int(one.value or 0)


def _days(found: Figures) -> float | None:
    value = found.card("days_to_convert").value
    return None if value is None else float(value)


def _statuses(found: Figures) -> tuple[StatusCount, ...]:
    return tuple(StatusCount(one.label, _count(one)) for one in found.statuses)


def _shares(shares: tuple[FigureShare, ...]) -> tuple[Share, ...]:
    return tuple(Share(one.name, _count(one.total), _count(one.converted), one.login, one.rate) for one in shares)


def _user_id(tx: ReadTx, typed: str) -> int:
    """The user named, 0 for nobody. Raises Invalid."""
    word = fold(typed).strip()
    if word == "none":
        return 0
    return tx.actor.user_id if word == "me" else tx.catalog.find_user(typed).id
