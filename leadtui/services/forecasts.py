"""What the open leads of a question are likely to bring: their value, weighed by the probability of their status.

Read from the same cells as all figures (`figure_cells`), so that a million leads are a few thousand rows, and so that
the sums agree with the card of the stats screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from leadtui.domain.catalog import Catalog, Stage
from leadtui.domain.figure_texts import Names, both
from leadtui.domain.figures import NOBODY, NOWHERE, Question
from leadtui.domain.forecasts import Forecast, ForecastLine, ForecastRow, Standing
from leadtui.domain.values import weighted_minor
from leadtui.store.tallies import Cell
from leadtui.text import fold

from . import figure_cells
from . import lead_writes as w

if TYPE_CHECKING:
    from .office import Office

_MONEY: Final = frozenset({"installation_fee", "monthly_fee", "budget"})
"""Who must not see one of these sees no value: it would tell them."""


def forecast(office: Office, question: Question | None = None) -> Forecast:
    """The forecast of the open leads of a question (all without one): neither converted nor lost, parked ones too.

    Within the scope of the action `stats`. Raises NotPermitted, FilterError, Invalid.
    """
    with office.read() as tx:
        w.require(tx, "stats")
        catalog, asked = tx.catalog, figure_cells.read(tx, question or Question())
        keys = ("first_id", "assigned_to_id", "source_id")
        found = [
            _standing(cell)
            for cell in figure_cells.cells(tx, asked, keys)
            if _is_open(catalog.stage_by_id[cell.key[0]])
        ]
        made = _Making(catalog, asked.base, not _MONEY & tx.actor.hidden_fields)
        return Forecast(
            catalog.currency, tuple(made.rows(found)), made.users(found), made.sources(found),
            both(made.base, "is:active"), tx.now,
        )  # fmt: skip


def _standing(cell: Cell) -> Standing:
    stage_id, user_id, source_id = cell.key
    return Standing(stage_id, user_id, source_id, cell.n, cell.value_minor, cell.installation_minor, cell.monthly_minor)


def _is_open(stage: Stage) -> bool:
    return not (stage.is_converted or stage.is_lost)


class _Making:
    """Rows and lines from standings; `base` is the question as a filter."""

    def __init__(self, catalog: Catalog, base: str, sees_money: bool) -> None:
        self.catalog, self.base, self.sees_money = catalog, base, sees_money
        self.names = Names(catalog)

    def _money(self, minor: int) -> int | None:
        return minor if self.sees_money else None

    def rows(self, found: Sequence[Standing]) -> Iterable[ForecastRow]:
        """By status, in the order of their pipelines."""
        pipelines = sorted(self.catalog.pipelines, key=lambda one: (not one.is_default, one.id))
        for pipeline in pipelines:
            for stage in self.catalog.stages_of(pipeline.id):
                mine = [one for one in found if one.stage_id == stage.id]
                if not mine:
                    continue
                n, p = sum(one.n for one in mine), stage.probability
                value, once, monthly = (
                    sum(getattr(one, key) for one in mine)
                    for key in ("value_minor", "installation_minor", "monthly_minor")
                )
                own = self.names.statuses(stage.name, {stage.id})
                yield ForecastRow(
                    pipeline.key, stage.name, stage.mark, n, p, n * p, self._money(value),
                    self._money(weighted_minor(value, p)), self._money(weighted_minor(once, p)),
                    self._money(weighted_minor(monthly, p)), both(self.base, own),
                )  # fmt: skip

    def users(self, found: Sequence[Standing]) -> tuple[ForecastLine, ...]:
        """By whom they are assigned to, the largest forecast first, nobody's last."""
        known = self.catalog.user_by_id
        lines = []
        for user_id in {one.user_id for one in found}:
            user = known.get(user_id)
            name, login = (user.name, user.login) if user is not None else (NOBODY, None)
            mine = [one for one in found if one.user_id == user_id]
            lines.append(self._line(name, login, mine, self.names.agent(user_id)))
        return tuple(sorted(lines, key=lambda one: (one.login is None, *_largest(one))))

    def sources(self, found: Sequence[Standing]) -> tuple[ForecastLine, ...]:
        """By source, the largest forecast first, those without one last."""
        lines = []
        for source_id in {one.source_id for one in found}:
            source = self.catalog.source_by_id.get(source_id)
            mine = [one for one in found if one.source_id == source_id]
            lines.append(
                (
                    source is None,
                    self._line(source.name if source else NOWHERE, None, mine, self.names.source(source_id)),
                )
            )
        return tuple(line for _, line in sorted(lines, key=lambda one: (one[0], *_largest(one[1]))))

    def _line(self, name: str, login: str | None, mine: Sequence[Standing], own: str) -> ForecastLine:
        """Leads of one name: each status' sum weighed by itself."""
        values: dict[int, int] = {}
        for one in mine:
            values[one.stage_id] = values.get(one.stage_id, 0) + one.value_minor
        stages = self.catalog.stage_by_id
        weighted = sum(weighted_minor(value, stages[i].probability) for i, value in values.items())
        customers = sum(one.n * stages[one.stage_id].probability for one in mine)
        return ForecastLine(
            name, login, sum(one.n for one in mine), customers, self._money(sum(values.values())),
            self._money(weighted), both(both(self.base, "is:active"), own),
        )  # fmt: skip


def _largest(one: ForecastLine) -> tuple[float, int, str]:
    return -(one.weighted_minor if one.weighted_minor is not None else one.customers), -one.count, fold(one.name)
