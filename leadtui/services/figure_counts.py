"""All sums that a page of figures is made from: one question, one transaction (see `figure_cells`, `figures`)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from leadtui.domain.dates import day_start, local_day, month_bounds
from leadtui.domain.figures import YOUNG_DAYS, Counted, Sum
from leadtui.domain.slas import has_limit
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.tallies import Cell
from leadtui.store.unit_of_work import ReadTx

from .figure_cells import Asked, condition, conditions, from_leads, from_tally, sees_nothing, way_of, whole_months


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
    lost = set(catalog.stage_ids_that_are("lost"))
    wanted = condition(tx, asked)
    if sees_nothing(tx, asked):
        return Counted()
    if asked.is_tallied:
        months, edges = whole_months(tx, asked)
        if months is not None:
            # In the order of the table's key, so that SQLite need not sort.
            keys = ("month", "first_id", "second_id", "source_id")
            for cell in from_tally(tx, asked, "c", keys, months, summed=True):
                created[cell.key[0]] += cell.n
                _add(cell, cell.key[1:], by_stage, reached, sources)
            for cell in from_tally(tx, asked, "c", ("assigned_to_id", "first_id"), months):
                agents[cell.key[0], cell.key[1]] += cell.n
            for cell in from_tally(tx, asked, "l", ("first_id", "second_id"), months):
                if cell.key[1] in lost:
                    reasons[cell.key[0]] += cell.n
        parts = [(and_(*conditions(tx, asked, *edge)), edge[0]) for edge in edges]
    else:
        parts = [(wanted, None)]
        created.update(_by_month(tx, wanted, t.lead.c.created_at, shown, asked))
    hint = way_of(asked)
    for part, at in parts:
        for cell in from_leads(tx, part, ("first_id", "second_id", "source_id"), hint=hint):
            _add(cell, cell.key, by_stage, reached, sources)
            if at is not None:
                day = local_day(at, catalog.tz)
                created[day.year * 100 + day.month] += cell.n
        for cell in from_leads(tx, part, ("assigned_to_id", "first_id"), summed=False, hint=hint):
            agents[cell.key[0], cell.key[1]] += cell.n
        is_lost = and_(part, t.lead.c.stage_id.in_(lost), t.lead.c.lost_reason_id.is_not(None))
        for cell in from_leads(tx, is_lost, ("lost_reason_id",), summed=False, hint=hint):
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
    won = tx.catalog.stage_ids_that_are("converted")
    if asked.is_tallied and not asked.is_ranged:
        converted: Counter[int] = Counter()
        for cell in from_tally(tx, asked, "w", ("month", "first_id")):
            if cell.key[1] in won:
                converted[cell.key[0]] += cell.n
        activated = Counter({cell.key[0]: cell.n for cell in from_tally(tx, asked, "r", ("month",))})
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
    at_work = c.stage_id.in_(tx.catalog.stage_ids_that_are("active"))
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
