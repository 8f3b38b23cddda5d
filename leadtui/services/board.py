"""The pipeline board: statuses as columns with count, value and value × probability; the cards of one, page by page.

Everything is within the scope of the action `read`. A card moves by `lifecycle.set_status`, like any other lead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadtui.domain.catalog import Pipeline, Stage
from leadtui.domain.lead_filters import parse_lead_filter
from leadtui.domain.money import to_json
from leadtui.domain.records import LeadRow
from leadtui.domain.values import value_minor, weighted_minor
from leadtui.store import board as queries
from leadtui.store import leads as lead_queries

from . import figure_cells

if TYPE_CHECKING:
    from .office import Office

_MONEY = frozenset({"installation_fee", "monthly_fee", "budget"})
"""Who must not see one of these sees no value: it would tell them."""


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """A status, how many leads it has, what they are worth (minor units), and that times its probability.

    Without values for a role that never sees money.
    """

    stage: Stage
    count: int
    value_minor: int | None
    weighted_minor: int | None

    @property
    def is_open(self) -> bool:
        """Whether its leads are open, as `is:active` means it: neither converted nor lost."""
        return not (self.stage.is_converted or self.stage.is_lost)


@dataclass(frozen=True, slots=True)
class Board:
    """A pipeline as it stands."""

    pipeline: Pipeline
    columns: tuple[BoardColumn, ...]
    currency: str

    def as_json(self) -> dict[str, Any]:
        """As `pipeline show` prints it; `open` are the leads that are neither converted nor lost."""
        return {
            "pipeline": self.pipeline.key,
            "name": self.pipeline.name,
            "currency": self.currency,
            "columns": [
                {"status": one.stage.name, "probability": one.stage.probability, "open": one.is_open}
                | self._sums([one])
                for one in self.columns
            ],
            **self._sums(self.columns),
            "open": self._sums(one for one in self.columns if one.is_open),
        }

    def _sums(self, columns: Iterable[BoardColumn]) -> dict[str, Any]:
        count, value, weighted = total(columns)
        return {"count": count, "value": to_json(value, self.currency), "weighted": to_json(weighted, self.currency)}


@dataclass(frozen=True, slots=True)
class Card:
    """A lead on the board: its row, what it is worth (minor units), whether its score is high."""

    lead: LeadRow
    value_minor: int | None
    hot: bool

    @property
    def id(self) -> int:
        """Of the lead."""
        return self.lead.id


def total(columns: Iterable[BoardColumn]) -> tuple[int, int | None, int | None]:
    """Count, value and weighted value of several columns together."""
    found = list(columns)
    values = [one.value_minor for one in found if one.value_minor is not None]
    weighted = [one.weighted_minor for one in found if one.weighted_minor is not None]
    known = len(values) == len(found)
    return sum(one.count for one in found), sum(values) if known else None, sum(weighted) if known else None


def show(office: Office, where: str | None = None, pipeline: str | None = None) -> Board:
    """The board of a pipeline (the default one without a name), of what a filter finds.

    Raises FilterError, Invalid (field `pipeline`).
    """
    return Board(_pipeline(office, pipeline), columns(office, where, pipeline), office.catalog.currency)


def columns(office: Office, where: str | None = None, pipeline: str | None = None) -> tuple[BoardColumn, ...]:
    """The statuses of a pipeline with what is in them: those leads go through, converted, for later, lost.

    Retired statuses are there while leads have them. Raises FilterError, Invalid (field `pipeline`).
    """
    node = _filter(office, where)
    stages = sorted(
        office.catalog.stages_of(_pipeline(office, pipeline).id),
        key=lambda stage: (stage.is_lost, stage.is_parked, stage.is_converted, stage.order),
    )
    with office.read() as tx:
        asked = figure_cells.of_node(tx, node, action="read")
        sums = {cell.key[0]: cell for cell in figure_cells.cells(tx, asked, ("first_id",))}
    hidden = bool(_MONEY & office.actor.hidden_fields)
    found = []
    for stage in stages:
        of = sums.get(stage.id)
        if stage.is_active or of is not None:
            worth = None if hidden else of.value_minor if of is not None else 0
            weighted = None if worth is None else weighted_minor(worth, stage.probability)
            found.append(BoardColumn(stage, of.n if of is not None else 0, worth, weighted))
    return tuple(found)


def cards(office: Office, where: str | None, stage_id: int, offset: int, limit: int) -> tuple[Card, ...]:
    """A page of the cards of a status: what is due first on top, then those without a date, newest first."""
    node = _filter(office, where)
    hot = int(office.catalog.settings.get("score_hot", 80))
    hidden = bool(_MONEY & office.actor.hidden_fields)
    with office.read() as tx:
        ids = queries.card_ids(tx, node, stage_id, limit=limit, offset=offset)
        rows = lead_queries.rows(tx, ids)
        budgets = {} if hidden else queries.budgets(tx, ids)
    return tuple(
        Card(
            row,
            None if hidden else value_minor(row.installation_fee, row.monthly_fee, budgets[row.id]),
            row.score is not None and row.score > hot,
        )
        for row in rows
    )


def position(office: Office, where: str | None, stage_id: int, lead_id: int) -> int | None:
    """Where a lead stands in the column of a status (0 is the top); None when it is not in it."""
    node = _filter(office, where)
    with office.read() as tx:
        return queries.position(tx, node, stage_id, lead_id)


def _pipeline(office: Office, name: str | None) -> Pipeline:
    return office.catalog.find_pipeline(name) if name else office.catalog.default_pipeline


def _filter(office: Office, where: str | None) -> Any:
    return parse_lead_filter(where, office.actor.hidden_fields) if where and where.strip() else None
