"""What statistics are made of: a question, the sums it leads to, and figures that each know the filter behind them.

A figure is `count(filter)`, or a sum over the leads of its filter: opening it shows exactly the leads that make it.
`figure_making.make` makes figures from sums, `figure_texts` the filters. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from .dates import iso_z
from .money import to_decimal

Unit = Literal["leads", "minor", "percent", "days"]
AGES: tuple[tuple[str, str], ...] = (
    (">=today", "Today"), ("-3d..-1d", "1–3 days"), ("-7d..-4d", "4–7 days"), ("-30d..-8d", "8–30 days"),
    ("<-30d", "Over 30 days"),
)  # fmt: skip
"""How long open leads are in their status, in days of the office: values of the filter and words."""
YOUNG_DAYS: tuple[int, ...] = (0, 3, 7, 30)
"""The ages but the last: in their status for at most so many days."""
NOBODY = "Unassigned"
"""What leads without an assignee are counted under."""
NOWHERE = "No source"
OTHER_WORDS = "Other words"
"""Leads lost for a reason that is not counted by itself."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which leads figures are asked of: a filter, days of their creation (as typed, both included), a pipeline.

    `year` is that of the chart, this one where it is not given.
    """

    filter: str = ""
    date_from: str | None = None
    date_to: str | None = None
    pipeline: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """Leads of one kind: how many, and what they add up to; seconds are those from creation to conversion."""

    n: int = 0
    installation_minor: int = 0
    monthly_minor: int = 0
    value_minor: int = 0
    seconds: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(
            self.n + other.n, self.installation_minor + other.installation_minor,
            self.monthly_minor + other.monthly_minor, self.value_minor + other.value_minor,
            self.seconds + other.seconds,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counted:
    """All sums that the figures of a question are made from, by ids; 0 stands for none. Months are YYYYMM."""

    stages: Mapping[int, Sum] = field(default_factory=dict)
    reached: Mapping[int, int] = field(default_factory=dict)
    """By the furthest status."""
    sources: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """By source and status."""
    agents: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """By assignee and status."""
    reasons: Mapping[int, int] = field(default_factory=dict)
    """Lost leads, by their counted reason."""
    created: Mapping[int, int] = field(default_factory=dict)
    converted: Mapping[int, int] = field(default_factory=dict)
    """Of leads that are converted."""
    activated: Mapping[int, int] = field(default_factory=dict)
    dated: int = 0
    """Of the converted ones, those whose moment is known: the average time is theirs."""
    overdue: Mapping[int, int] = field(default_factory=dict)
    """By assignee."""
    young: tuple[int, ...] = (0,) * len(YOUNG_DAYS)
    """Open leads by age, without the oldest."""
    rotting: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `value` in `unit` (minor: of the office's currency; percent and days with one decimal).

    `filter` is the whole text that finds the leads counted or summed; of a rate, those of its numerator.
    """

    key: str
    label: str
    value: int | float | None
    unit: Unit
    filter: str

    def as_json(self, currency: str) -> dict[str, Any]:
        """With money as a decimal string of major units."""
        value = self.value
        if self.unit == "minor" and isinstance(value, int):
            return asdict(self) | {"value": str(to_decimal(value, currency)), "unit": currency}
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Month:
    """A month (`YYYY-MM`): leads created in it, conversions and first router users made in it."""

    month: str
    created: Figure
    converted: Figure
    activated: Figure


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the funnel: how many leads ever reached this status, in percent of the step before and of all."""

    pipeline: str
    mark: str
    figure: Figure
    of_before: float | None
    of_all: float | None


@dataclass(frozen=True, slots=True)
class Share:
    """The leads of a source or an agent, and what became of them; `rate` are the converted in percent."""

    name: str
    login: str | None
    total: Figure
    converted: Figure
    open: Figure
    lost: Figure
    overdue: Figure | None
    rate: float


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """A campaign as the monitor shows it (spec Z 178); rates in percent."""

    id: int
    name: str
    status: str
    total: int
    sent: int
    delivered: int
    delivery_rate: float
    read: int
    read_rate: float
    failed: int
    pending: int
    success_rate: float


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a question. Those of fields that the role may not see are not there."""

    question: Question
    asked_at: datetime
    currency: str
    year: int
    years: tuple[int, ...]
    """Those there is anything to show of in the person's scope, without gaps (spec AJ20)."""
    total: int
    cards: tuple[Figure, ...]
    months: tuple[Month, ...]
    funnel: tuple[Step, ...]
    statuses: tuple[Figure, ...]
    open_statuses: tuple[Figure, ...]
    sources: tuple[Share, ...]
    agents: tuple[Share, ...]
    reasons: tuple[Figure, ...]
    ageing: tuple[Figure, ...]
    rotting: Figure
    campaigns: tuple[CampaignLine, ...] = ()

    def find(self, key: str) -> Figure | None:
        """The card of this key, if there is one."""
        return next((one for one in self.cards if one.key == key), None)

    def card(self, key: str) -> Figure:
        """The card of this key. Raises KeyError."""
        found = self.find(key)
        if found is None:
            raise KeyError(key)
        return found

    def every(self) -> Iterator[Figure]:
        """All figures, each once."""
        yield from self.cards
        for month in self.months:
            yield from (month.created, month.converted, month.activated)
        yield from (step.figure for step in self.funnel)
        yield from self.statuses
        for share in (*self.sources, *self.agents):
            yield from (share.total, share.converted, share.open, share.lost)
            if share.overdue is not None:
                yield share.overdue
        yield from (*self.reasons, *self.ageing, self.rotting)

    def as_json(self) -> dict[str, Any]:
        """Everything, each figure with its filter."""

        def plain(one: Figure) -> dict[str, Any]:
            return one.as_json(self.currency)

        return {
            "question": asdict(self.question), "asked_at": iso_z(self.asked_at), "currency": self.currency,
            "year": self.year, "years": list(self.years), "total": self.total,
            "cards": [plain(one) for one in self.cards],
            "months": [
                {"month": one.month, "created": plain(one.created), "converted": plain(one.converted),
                 "activated": plain(one.activated)}
                for one in self.months
            ],
            "funnel": [
                {"pipeline": one.pipeline, **plain(one.figure), "of_before": one.of_before, "of_all": one.of_all}
                for one in self.funnel
            ],
            "statuses": [plain(one) for one in self.statuses],
            "sources": [_share(one, plain) for one in self.sources],
            "agents": [_share(one, plain) | {"login": one.login} for one in self.agents],
            "lost_reasons": [plain(one) for one in self.reasons],
            "ageing": [plain(one) for one in self.ageing], "rotting": plain(self.rotting),
            "campaigns": [asdict(one) for one in self.campaigns],
        }  # fmt: skip


def _share(one: Share, plain: Any) -> dict[str, Any]:
    parts = {key: plain(getattr(one, key)) for key in ("total", "converted", "open", "lost")}
    return {"name": one.name, **parts, "rate": one.rate} | ({"overdue": plain(one.overdue)} if one.overdue else {})


def percent(part: int, whole: int) -> float:
    """`part` of `whole` in percent, one decimal; 0.0 of nothing."""
    return round(part * 100 / whole, 1) if whole else 0.0
