"""The sums behind figures: from the tally where that can answer, from leads where the question needs them.

The tally knows status, source, assignee, branch and month of creation. Whole months of a range are read from it, the
days at the edges straight from the leads; any other filter is counted over leads, with the same outcome.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, literal_column, select

from leadtui.domain.catalog import Catalog
from leadtui.domain.dates import day_start, local_day, month_bounds, parse_day_range
from leadtui.domain.figure_texts import base_text, beside_text
from leadtui.domain.figures import YOUNG_DAYS, Counted, Question, Sum
from leadtui.domain.filters import And, Node, Term, every
from leadtui.domain.lead_filters import parse_lead_filter
from leadtui.domain.slas import has_limit
from leadtui.errors import Invalid
from leadtui.store import schema as t
from leadtui.store import tallies
from leadtui.store.leads import lookup_of
from leadtui.store.scope import scope_clause
from leadtui.store.tallies import Cell
from leadtui.store.tally_sql import COLUMNS, SUMS, expressions
from leadtui.store.tally_where import knows, stages_that_are, tally_where
from leadtui.store.unit_of_work import ReadTx
from leadtui.store.where import mentions_deleted, where

_LEAD_COLUMNS: Final = {
    "first_id": "stage_id", "second_id": "furthest_stage_id", "source_id": "source_id",
    "assigned_to_id": "assigned_to_id", "branch_id": "branch_id",
}  # fmt: skip
"""What a cell of kind `c` is grouped by, as a column of `lead`."""
_TALLIED: Final = (datetime(1970, 2, 1, tzinfo=UTC), datetime(2100, 12, 1, tzinfo=UTC))
"""Between these the tally has a month for every moment, in any zone."""


@dataclass(frozen=True)
class Asked:
    """A question read in a transaction: its whole filter as text, and what it means.

    `rest` is the filter without the days of creation it asks for, which lie from `begin` up to `end` (None: open).
    """

    base: str
    node: Node | None
    rest: Node | None
    begin: datetime | None
    end: datetime | None
    action: str = "stats"

    @property
    def is_ranged(self) -> bool:
        """Whether days of creation are asked for."""
        return self.begin is not None or self.end is not None

    @property
    def is_tallied(self) -> bool:
        """Whether the tally can answer, but for the edges of the range."""
        edges = [one for one in (self.begin, self.end) if one is not None]
        return knows(self.rest) and all(_TALLIED[0] <= one < _TALLIED[1] for one in edges)


def read(tx: ReadTx, question: Question, *, action: str = "stats") -> Asked:
    """What a question asks for. Raises FilterError, Invalid for days that mean nothing or a pipeline there is not."""
    _check_days(tx, question)
    # Each by itself, so that an error points into the text the person typed.
    own = parse_lead_filter(question.filter, tx.actor.hidden_fields)
    beside = parse_lead_filter(beside_text(question, tx.catalog))
    parts = [one for one in (own, beside) if one is not None]
    node = every(parts) if parts else None
    return of_node(tx, node, base=base_text(question, tx.catalog), action=action)


def of_node(tx: ReadTx, node: Node | None, *, base: str = "", action: str = "stats") -> Asked:
    """The same of a filter that was read already."""
    if mentions_deleted(node):
        raise Invalid("deleted leads are in no figure", field="where", hint="leave is:deleted out")
    items = node.items if isinstance(node, And) else () if node is None else (node,)
    rest: list[Node] = []
    begin: datetime | None = None
    end: datetime | None = None
    for item in items:
        span = _span(tx, item)
        if span is None:
            rest.append(item)
            continue
        first, last = span
        begin = first if begin is None else begin if first is None else max(begin, first)
        end = last if end is None else end if last is None else min(end, last)
    return Asked(base, node, every(rest) if rest else None, begin, end, action)


def _check_days(tx: ReadTx, question: Question) -> None:
    spans = [
        parse_day_range(typed, tz=tx.catalog.tz, now=tx.now, field=field) if typed else None
        for typed, field in ((question.date_from, "from"), (question.date_to, "to"))
    ]
    if spans[0] and spans[1] and spans[1][1] <= spans[0][0]:
        raise Invalid("the end lies before the beginning", field="to", hint="the first day, then the last")


def _span(tx: ReadTx, item: Node) -> tuple[datetime | None, datetime | None] | None:
    """The time of creation that a term asks for, from a moment up to another; None where it asks for something else."""
    if not isinstance(item, Term) or item.field != "created_at":
        return None
    spans = [parse_day_range(v, tz=tx.catalog.tz, now=tx.now, field="created") for v in item.values]
    match item.op:
        case "ge":
            return spans[0][0], None
        case "gt":
            return spans[0][1], None
        case "lt":
            return None, spans[0][0]
        case "le":
            return None, spans[0][1]
        case "between":
            return spans[0][0], spans[1][1]
        case "eq":
            return spans[0]
        case _:
            return None


def condition(tx: ReadTx, asked: Asked) -> ColumnElement[bool]:
    """Which leads are asked of, as a condition over `lead`: living, in scope, found by the whole filter."""
    return and_(*_of(tx, asked, asked.begin, asked.end))


def _of(tx: ReadTx, asked: Asked, begin: datetime | None, end: datetime | None) -> list[ColumnElement[bool]]:
    created = t.lead.c.created_at
    found: list[ColumnElement[bool]] = [t.lead.c.deleted_at.is_(None), scope_clause(tx.actor, asked.action)]
    if asked.rest is not None:
        found.append(where(asked.rest, lookup_of(tx)))
    if begin is not None:
        found.append(created >= begin)
    if end is not None:
        found.append(created < end)
    return found


# -- cells: sums by ids -----------------------------------------------------------------------------------------------
def cells(tx: ReadTx, asked: Asked, group_by: Sequence[str]) -> list[Cell]:
    """Sums of the leads asked of, by some of first_id (status), second_id (furthest), source_id, assigned_to_id,
    branch_id; 0 is none. From the tally where it can answer.
    """  # fmt: skip
    if not asked.is_tallied:
        return _from_leads(tx, condition(tx, asked), group_by)
    months, edges = _months(tx, asked)
    parts = [] if months is None else [_from_tally(tx, asked, "c", group_by, months)]
    parts += [_from_leads(tx, and_(*_of(tx, asked, *edge)), group_by) for edge in edges]
    return _together(parts)


def _together(parts: Sequence[list[Cell]]) -> list[Cell]:
    if len(parts) == 1:
        return parts[0]
    sums: dict[tuple[int, ...], list[int]] = {}
    for part in parts:
        for cell in part:
            known = sums.setdefault(cell.key, [0] * len(SUMS))
            for place, name in enumerate(SUMS):
                known[place] += getattr(cell, name)
    return [Cell(key, *found) for key, found in sums.items() if found[0]]


def _from_tally(
    tx: ReadTx, asked: Asked, kind: str, group_by: Sequence[str], months: tuple[int, int] | tuple[()] = ()
) -> list[Cell]:
    conditions = [scope_clause(tx.actor, asked.action, t.tally)]
    if asked.rest is not None:
        conditions.append(tally_where(asked.rest, lookup_of(tx), kind))
    return tallies.cells(tx, kind, group_by, where=conditions, months=months or None)


def _from_leads(tx: ReadTx, wanted: ColumnElement[bool], group_by: Sequence[str], *, summed: bool = True) -> list[Cell]:
    names = [_LEAD_COLUMNS.get(one, one) for one in group_by]
    keys = [t.lead.c[name] for name in names]
    made = dict(zip(COLUMNS, expressions("lead", "", tx.is_sqlite), strict=True))
    sums: list[Any] = [func.sum(literal_column(made[name] if summed else "0")) for name in SUMS[1:]]
    query = select(*keys, func.count(), *sums).where(wanted)
    size = len(keys)
    return [
        Cell(tuple(int(one or 0) for one in row[:size]), *(int(one or 0) for one in row[size:]))
        for row in tx.conn.execute(query.group_by(*keys) if keys else query)
        if row[size]
    ]


def _months(
    tx: ReadTx, asked: Asked
) -> tuple[tuple[int, int] | tuple[()] | None, list[tuple[datetime | None, datetime | None]]]:
    """The whole months of the range as YYYYMM (empty: all there are, None: none), and the edges that are left."""
    if not asked.is_ranged:
        return (), []
    tz, begin, end = tx.catalog.tz, asked.begin, asked.end
    if begin is not None and end is not None and end <= begin:
        return None, []
    edges: list[tuple[datetime | None, datetime | None]] = []
    first, last = 0, 999_999
    if begin is not None:
        day = local_day(begin, tz)
        month, following = month_bounds(day.year, day.month, tz)
        if begin > month:
            if end is not None and end <= following:
                return None, [(begin, end)]
            edges.append((begin, following))
            day = local_day(following, tz)
        first = day.year * 100 + day.month
    if end is not None:
        day = local_day(end, tz)
        month, _ = month_bounds(day.year, day.month, tz)
        if end > month:
            start = month if begin is None else max(begin, month)
            edges.append((start, end))
        last = day.year * 100 + day.month - 1  # 202601 - 1 is no month, and no month lies between it and 202512
    # A range within its first month, from its very beginning, is an edge alone.
    return ((first, last) if first <= last else None), edges


# -- everything a page of figures needs -------------------------------------------------------------------------------
def count(tx: ReadTx, asked: Asked, *, year: int) -> Counted:
    """The sums behind all figures of a question; months of `year`, this one and the last."""
    catalog = tx.catalog
    today = local_day(tx.now, catalog.tz)
    shown = _shown(year, today.year * 100 + today.month)
    by_stage: defaultdict[int, Sum] = defaultdict(Sum)
    reached: Counter[int] = Counter()
    sources: Counter[tuple[int, int]] = Counter()
    agents: Counter[tuple[int, int]] = Counter()
    reasons: Counter[int] = Counter()
    created: Counter[int] = Counter()
    lost = set(stages_that_are("lost", catalog))
    wanted = condition(tx, asked)
    if asked.is_tallied:
        months, edges = _months(tx, asked)
        if months is not None:
            # In the order of the table's key, so that SQLite need not sort.
            for cell in _from_tally(tx, asked, "c", ("month", "first_id", "second_id", "source_id"), months):
                created[cell.key[0]] += cell.n
                _add(cell, cell.key[1:], by_stage, reached, sources)
            for cell in _from_tally(tx, asked, "c", ("assigned_to_id", "first_id"), months):
                agents[cell.key[0], cell.key[1]] += cell.n
            for cell in _from_tally(tx, asked, "l", ("first_id", "second_id"), months):
                if cell.key[1] in lost:
                    reasons[cell.key[0]] += cell.n
        parts = [(and_(*_of(tx, asked, *edge)), edge[0]) for edge in edges]
    else:
        parts = [(wanted, None)]
        created.update(_by_month(tx, wanted, t.lead.c.created_at, shown, asked))
    for part, at in parts:
        for cell in _from_leads(tx, part, ("first_id", "second_id", "source_id")):
            _add(cell, cell.key, by_stage, reached, sources)
            if at is not None:
                day = local_day(at, catalog.tz)
                created[day.year * 100 + day.month] += cell.n
        for cell in _from_leads(tx, part, ("assigned_to_id", "first_id"), summed=False):
            agents[cell.key[0], cell.key[1]] += cell.n
        is_lost = and_(part, t.lead.c.stage_id.in_(lost), t.lead.c.lost_reason_id.is_not(None))
        for cell in _from_leads(tx, is_lost, ("lost_reason_id",), summed=False):
            reasons[cell.key[0]] += cell.n
    converted, activated, dated = _happened(tx, asked, wanted, _year(year), by_stage)
    return Counted(
        stages=dict(by_stage), reached=reached, sources=sources, agents=agents, reasons=reasons, created=created,
        converted=converted, activated=activated, dated=dated, overdue=_overdue(tx, asked, wanted),
        young=_young(tx, asked, wanted), rotting=_rotting(tx, asked, wanted, by_stage),
    )  # fmt: skip


def _add(
    cell: Cell, key: Sequence[int], by_stage: dict[int, Sum], reached: Counter[int],
    sources: Counter[tuple[int, int]],
) -> None:  # fmt: skip
    stage, furthest, source = key
    by_stage[stage] += Sum(cell.n, cell.installation_minor, cell.monthly_minor, cell.value_minor, cell.seconds)
    reached[furthest] += cell.n
    sources[source, stage] += cell.n


def _year(year: int) -> list[int]:
    return [year * 100 + month for month in range(1, 13)]


def _shown(year: int, present: int) -> list[int]:
    """The months that are looked at: those of the year, this one and the last."""
    before = present - 1 if present % 100 > 1 else present - 100 + 11
    return sorted({*_year(year), present, before})


def _indexed(asked: Asked, query: Any, index: str) -> Any:
    """The query by an index that holds all it reads; SQLite cannot know how few leads that means."""
    return query.with_hint(t.lead, f"INDEXED BY {index}", "sqlite") if asked.is_tallied else query


def _happened(
    tx: ReadTx, asked: Asked, wanted: ColumnElement[bool], months: Sequence[int], by_stage: Mapping[int, Sum]
) -> tuple[Counter[int], Counter[int], int]:
    """Conversions and first router users by month, and how many conversions have a moment."""
    c = t.lead.c
    won = stages_that_are("converted", tx.catalog)
    if asked.is_tallied and not asked.is_ranged:
        converted: Counter[int] = Counter()
        for cell in _from_tally(tx, asked, "w", ("month", "first_id")):
            if cell.key[1] in won:
                converted[cell.key[0]] += cell.n
        activated = Counter({cell.key[0]: cell.n for cell in _from_tally(tx, asked, "r", ("month",))})
        return converted, activated, converted.total()
    is_won = and_(wanted, c.stage_id.in_(won))
    # Nearly all have a moment: those without are sooner counted.
    undated = _indexed(asked, select(func.count()).where(is_won, c.converted_at.is_(None)), "ix_lead_converted")
    dated = sum(found.n for stage, found in by_stage.items() if stage in won) - tx.conn.execute(undated).scalar_one()
    return (
        _by_month(tx, is_won, c.converted_at, months, asked, "ix_lead_converted"),
        _by_month(tx, wanted, c.router_user_at, months, asked, "ix_lead_router_user"),
        int(dated),
    )


def _by_month(
    tx: ReadTx, wanted: ColumnElement[bool], column: Any, months: Sequence[int], asked: Asked, index: str = ""
) -> Counter[int]:
    """How many leads have `column` in each of these months of the office."""
    bounds = [month_bounds(month // 100, month % 100, tx.catalog.tz) for month in months]
    if index and asked.is_tallied:
        parts = [select(func.count()).where(wanted, column >= begin, column < end) for begin, end in bounds]
        counts = [tx.conn.execute(_indexed(asked, part, index)).scalar_one() for part in parts]
    else:
        # One walk for all months: there is no telling what the filter costs.
        sums = [func.count().filter(column >= begin, column < end) for begin, end in bounds]
        query = select(*sums).where(wanted, column >= bounds[0][0], column < bounds[-1][1])
        counts = list(tx.conn.execute(query).one())
    return Counter({month: int(n) for month, n in zip(months, counts, strict=True) if n})


def _overdue(tx: ReadTx, asked: Asked, wanted: ColumnElement[bool]) -> dict[int, int]:
    c = t.lead.c
    start = day_start(local_day(tx.now, tx.catalog.tz), tx.catalog.tz)
    query = select(c.assigned_to_id, func.count()).where(wanted, c.next_follow_up_at < start)
    rows = tx.conn.execute(_indexed(asked, query.group_by(c.assigned_to_id), "ix_lead_due"))
    return {int(user or 0): int(n) for user, n in rows}


def _young(tx: ReadTx, asked: Asked, wanted: ColumnElement[bool]) -> tuple[int, ...]:
    """Open leads by how many days of the office they are in their status, the oldest left out."""
    c, today, tz = t.lead.c, local_day(tx.now, tx.catalog.tz), tx.catalog.tz
    starts = [day_start(today - timedelta(days=days), tz) for days in YOUNG_DAYS]
    at_work = c.stage_id.in_(stages_that_are("active", tx.catalog))
    within = [func.count().filter(c.stage_changed_at >= start) for start in starts]
    query = select(*within).where(wanted, at_work, c.stage_changed_at >= starts[-1])
    counted = [int(n) for n in tx.conn.execute(_indexed(asked, query, "ix_lead_stage_changed")).one()]
    return tuple(n - before for n, before in zip(counted, [0, *counted], strict=False))


def _rotting(tx: ReadTx, asked: Asked, wanted: ColumnElement[bool], by_stage: Mapping[int, Sum]) -> int:
    """Open leads longer in their status than it allows: all but those within the limit, which are few."""
    c = t.lead.c
    limited = [s for s in tx.catalog.stages if has_limit(s) and s.id in by_stage]
    fresh = 0
    for stage in limited:
        within = c.stage_changed_at >= tx.now - timedelta(hours=stage.sla_hours or 0)
        query = select(func.count()).where(wanted, c.stage_id == stage.id, within)
        fresh += int(tx.conn.execute(_indexed(asked, query, "ix_lead_stage_changed")).scalar_one())
    return sum(by_stage[s.id].n for s in limited) - fresh


def years(tx: ReadTx, *, action: str = "stats") -> tuple[int, ...]:
    """The years there is anything to show of in the actor's scope, from the first to the last (spec AJ20)."""
    c, tz = t.lead.c, tx.catalog.tz
    live = and_(c.deleted_at.is_(None), scope_clause(tx.actor, action))
    found = [local_day(tx.now, tz).year]
    for column, order in (
        (c.created_at, c.created_at), (c.created_at, c.created_at.desc()), (c.converted_at, c.converted_at.desc()),
    ):  # fmt: skip
        query = select(column).where(live, column.is_not(None)).order_by(order).limit(1)
        at = tx.conn.execute(query).scalar()
        found += [local_day(at, tz).year] if at is not None else []
    return tuple(range(min(found), max(found) + 1))


__all__ = ["Asked", "Catalog", "cells", "condition", "count", "of_node", "read", "years"]
