"""The sums behind figures: from the tally where that can answer, from leads where the question needs them.

The tally knows status, source, assignee, branch and month of creation. Whole months of a range are read from it, the
days at the edges straight from the leads; any other filter is counted over leads, with the same outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, literal_column, select
from sqlalchemy.sql.elements import False_

from leadtui.domain.dates import local_day, month_bounds, parse_day_range
from leadtui.domain.figure_texts import base_text, beside_text
from leadtui.domain.figures import Question
from leadtui.domain.filters import EVERYTHING, And, Node, Not, Or, Term, any_of, every, negate, normal
from leadtui.domain.lead_filters import parse_lead_filter
from leadtui.domain.lead_names import ids_of
from leadtui.errors import Invalid
from leadtui.store import schema as t
from leadtui.store import tallies
from leadtui.store.leads import lookup_of
from leadtui.store.scope import scope_clause
from leadtui.store.tallies import Cell
from leadtui.store.tally_sql import COLUMNS, SUMS, expressions
from leadtui.store.tally_where import knows, tally_where
from leadtui.store.unit_of_work import ReadTx
from leadtui.store.where import mentions_deleted, where

_LEAD_COLUMNS: Final = {
    "first_id": "stage_id", "second_id": "furthest_stage_id", "source_id": "source_id",
    "assigned_to_id": "assigned_to_id", "branch_id": "branch_id",
}  # fmt: skip
"""What a cell of kind `c` is grouped by, as a column of `lead`."""
BY_DAY: Final = "INDEXED BY ix_lead_created"
"""Where all that cells are made of lies in the order of days."""
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
    return Asked(base, node, _by_status(every(rest), tx) if rest else None, begin, end, action)


def _by_status(node: Node, tx: ReadTx) -> Node:
    """The filter with pipelines as their statuses, which tally and indexes know; all of them are no condition."""
    match node:
        case And(items):
            return every(_by_status(item, tx) for item in items)
        case Or(items):
            return any_of(_by_status(item, tx) for item in items)
        case Not(item):
            return negate(_by_status(item, tx))
        case Term("pipeline", "eq" | "in", values):
            catalog, me = tx.catalog, tx.actor.user_id
            wanted = {i for n, v in enumerate(values) for i in ids_of("pipeline", v, n, node, catalog, me=me)}
            stages = tuple(f"#{s.id}" for s in catalog.stages if s.pipeline_id in wanted)
            return EVERYTHING if len(stages) == len(catalog.stages) else normal(Term("status", "in", stages))
        case _:
            return node


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
    return and_(*conditions(tx, asked, asked.begin, asked.end))


def conditions(tx: ReadTx, asked: Asked, begin: datetime | None, end: datetime | None) -> list[ColumnElement[bool]]:
    """The same of a part of the time asked of."""
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
    if sees_nothing(tx, asked):
        return []
    if not asked.is_tallied:
        return from_leads(tx, condition(tx, asked), group_by, hint=way_of(asked))
    months, edges = whole_months(tx, asked)
    parts = [] if months is None else [from_tally(tx, asked, "c", group_by, months, summed=True)]
    parts += [from_leads(tx, and_(*conditions(tx, asked, *edge)), group_by, hint=BY_DAY) for edge in edges]
    return _together(parts)


def sees_nothing(tx: ReadTx, asked: Asked) -> bool:
    """Whether the scope holds no lead at all, as that of a branch does for who has none: no index solves that."""
    return isinstance(scope_clause(tx.actor, asked.action), False_)


def way_of(asked: Asked) -> str:
    """How SQLite is to read leads: by the days at the edges; of any others all, as grouping would lure it to an index
    that has few of the columns.
    """  # fmt: skip
    return BY_DAY if asked.is_tallied else "" if asked.is_ranged else "NOT INDEXED"


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


def from_tally(
    tx: ReadTx, asked: Asked, kind: str, group_by: Sequence[str], months: tuple[int, int] | tuple[()] = (), *,
    summed: bool = False,
) -> list[Cell]:  # fmt: skip
    """Cells of the tally; not `summed`: only how many."""
    conditions = [scope_clause(tx.actor, asked.action, t.tally)]
    if asked.rest is not None:
        conditions.append(tally_where(asked.rest, lookup_of(tx), kind))
    return tallies.cells(tx, kind, group_by, where=conditions, months=months or None, sums=SUMS if summed else ("n",))


def from_leads(
    tx: ReadTx, wanted: ColumnElement[bool], group_by: Sequence[str], *, summed: bool = True, hint: str = ""
) -> list[Cell]:
    """Cells counted over leads; `group_by` may name `lost_reason_id`, too. Not `summed`: only how many."""
    names = [_LEAD_COLUMNS.get(one, one) for one in group_by]
    keys = [t.lead.c[name] for name in names]
    made = dict(zip(COLUMNS, expressions("lead", "", tx.is_sqlite), strict=True))
    sums: list[Any] = [func.sum(literal_column(made[name] if summed else "0")) for name in SUMS[1:]]
    query = select(*keys, func.count(), *sums).where(wanted).with_hint(t.lead, hint, "sqlite")
    size = len(keys)
    return [
        Cell(tuple(int(one or 0) for one in row[:size]), *(int(one or 0) for one in row[size:]))
        for row in tx.conn.execute(query.group_by(*keys) if keys else query)
        if row[size]
    ]


def whole_months(
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
