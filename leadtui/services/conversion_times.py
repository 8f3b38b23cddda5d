"""How long it takes from a lead's creation to its conversion: the average, the middle, and both by source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, func, select

from leadtui.domain.figure_texts import Names, both
from leadtui.domain.figures import NOWHERE, Question
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx
from leadtui.text import fold

from . import figure_cells
from . import lead_writes as w
from .backtest import epoch

if TYPE_CHECKING:
    from .office import Office


@dataclass(frozen=True, slots=True)
class SourceTime:
    """The converted leads of a source; times in seconds. `filter` finds these leads."""

    name: str
    count: int
    average_s: int
    median_s: int
    filter: str

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "source_name": self.name, "count": self.count, "average_s": self.average_s, "median_s": self.median_s,
            "filter": self.filter,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class ConversionTimes:
    """All converted leads of a question; times are None where nothing was converted."""

    count: int
    average_s: int | None
    median_s: int | None
    by_source: tuple[SourceTime, ...]
    filter: str

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "count": self.count, "average_s": self.average_s, "median_s": self.median_s, "filter": self.filter,
            "by_source": [one.as_json() for one in self.by_source],
        }  # fmt: skip


def conversion_times(office: Office, question: Question | None = None) -> ConversionTimes:
    """The times of the converted leads of a question. Within the scope of `stats`. Raises NotPermitted, FilterError."""
    with office.read() as tx:
        w.require(tx, "stats")
        asked = figure_cells.read(tx, question or Question())
        catalog, names = tx.catalog, Names(tx.catalog)
        base = both(asked.base, "is:converted")
        sources = []
        for source_id, n, total, middle in _middles(tx, asked, by_source=True):
            source = catalog.source_by_id.get(source_id)
            name = source.name if source is not None else NOWHERE
            sources.append(SourceTime(name, n, total // n, middle, both(base, names.source(source_id))))
        whole = next(iter(_middles(tx, asked, by_source=False)), None)
    ordered = tuple(sorted(sources, key=lambda one: (-one.count, fold(one.name))))
    if whole is None:
        return ConversionTimes(0, None, None, (), base)
    _, n, total, middle = whole
    return ConversionTimes(n, total // n, middle, ordered, base)


def _middles(tx: ReadTx, asked: figure_cells.Asked, *, by_source: bool) -> list[tuple[int, int, int, int]]:
    """Source (0: none, or all of them), how many, the sum of their seconds and the middle one, in whole seconds.

    Where they are even in number, the middle is the mean of the middle two.
    """
    lead = t.lead.c
    converted = lead.stage_id.in_([one.id for one in tx.catalog.stages if one.is_converted])
    lasted = epoch(tx, lead.converted_at) - epoch(tx, lead.created_at)
    some = (figure_cells.condition(tx, asked), converted, lead.converted_at.is_not(None), lasted >= 0)
    inner = select(func.coalesce(lead.source_id, 0).label("source_id"), lasted.label("lasted")).where(*some).subquery()
    groups: list[ColumnElement[Any]] = [inner.c.source_id] if by_source else []
    place = func.row_number().over(partition_by=groups or None, order_by=inner.c.lasted)
    n = func.count().over(partition_by=groups or None)
    total = func.sum(inner.c.lasted).over(partition_by=groups or None)
    placed = select(
        inner.c.source_id, inner.c.lasted, place.label("place"), n.label("n"), total.label("total")
    ).subquery("placed")
    p = placed.c
    middle = p.place.in_([(p.n + 1) // 2, (p.n + 2) // 2])
    key = p.source_id if by_source else func.min(p.source_id)
    query = select(key, func.min(p.n), func.min(p.total), func.avg(p.lasted)).where(middle)
    rows = tx.conn.execute(query.group_by(p.source_id) if by_source else query)
    return [(int(r[0]), int(r[1]), int(r[2]), int(r[3])) for r in rows if r[1]]
