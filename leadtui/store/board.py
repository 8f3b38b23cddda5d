"""What the board asks of leads: sums by status, and the cards of one status, however many there are.

Cards of a status come in the order of `ix_lead_stage_due`: what is due first on top, then those without a date, newest
first. Both parts are read from the index, so that a page costs the same wherever it is (facts/field 12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select

from leadtui.domain.filters import Node

from . import schema as t
from . import tallies
from .leads import condition, lookup_of
from .scope import scope_clause
from .unit_of_work import ReadTx

_WALK: Final = 4_000
"""So many cards of a column are tested one by one before the indexes of the filter are asked instead."""
_INDEX: Final = "INDEXED BY ix_lead_stage_due"


@dataclass(frozen=True, slots=True)
class StageSum:
    """How many leads a status has, and what they are worth together."""

    count: int = 0
    value_minor: int = 0


def sums(tx: ReadTx, node: Node | None, stage_ids: Sequence[int]) -> dict[int, StageSum]:
    """By status what a filter finds in the actor's scope. Without a filter from the tally: no lead is read."""
    if node is None:
        where = [tallies.column("first_id").in_(stage_ids), scope_clause(tx.actor, "read", t.tally)]
        found = tallies.cells(tx, "c", ["first_id"], where=where)
        return {cell.key[0]: StageSum(cell.n, cell.value_minor) for cell in found}
    lead = t.lead.c
    query = (
        select(lead.stage_id, func.count(), func.sum(_value()))
        .where(_live(tx, node), lead.stage_id.in_(stage_ids))
        .group_by(lead.stage_id)
    )
    return {stage: StageSum(int(n), int(value or 0)) for stage, n, value in tx.conn.execute(query)}


def _value() -> ColumnElement[Any]:
    """The value of a lead (AJ30) as `tally_sql.expressions` has it, over the table of leads."""
    lead = t.lead.c
    fee, monthly = (func.coalesce(one, 0) for one in (lead.installation_fee_minor, lead.monthly_fee_minor))
    agreed = or_(lead.installation_fee_minor.is_not(None), lead.monthly_fee_minor.is_not(None))
    return case((agreed, fee + 12 * monthly), else_=func.coalesce(lead.budget_minor, 0))


def _live(tx: ReadTx, node: Node | None, search: str = "index") -> ColumnElement[bool]:
    """What the filter finds in scope; a board never shows what is deleted, whatever the filter says."""
    lookup = lookup_of(tx) if search == "index" else replace(lookup_of(tx), search="scan")
    return and_(t.lead.c.deleted_at.is_(None), condition(tx, node, lookup=lookup))


def card_ids(tx: ReadTx, node: Node | None, stage_id: int, *, limit: int, offset: int = 0) -> list[int]:
    """A page of the cards of a status: first those with a date, then those without."""
    ids: list[int] = []
    for dated in (True, False):
        found = _part(tx, node, stage_id, dated, limit - len(ids), offset)
        ids += found
        if len(ids) == limit:
            break
        if dated and offset:
            # how many there are is only asked where the page lies behind them
            offset = 0 if found else offset - _count(tx, node, stage_id, dated)
    return ids


def _part(tx: ReadTx, node: Node | None, stage_id: int, dated: bool, limit: int, offset: int) -> list[int]:
    lead = t.lead.c
    keys = _keys(tx, dated)
    if tx.is_sqlite and node is not None and offset + limit <= _WALK:
        # SQLite's planner would read and sort all that the filter finds, even for one page
        walk = select(lead.id).where(_in(stage_id, dated)).order_by(*keys).limit(_WALK)
        near = walk.with_hint(t.lead, _INDEX, "sqlite").subquery("near")
        tested = (
            select(lead.id)
            .select_from(near.join(t.lead, lead.id == near.c.id))
            .where(_live(tx, node, "scan"))
            .order_by(*keys)
            .limit(limit)
            .offset(offset)
        )
        ids = list(tx.conn.execute(tested).scalars())
        if len(ids) == limit:
            return ids
    query = select(lead.id).where(_in(stage_id, dated), _live(tx, node)).order_by(*keys)
    if tx.is_sqlite and node is None:
        query = query.with_hint(t.lead, _INDEX, "sqlite")
    return list(tx.conn.execute(query.limit(limit).offset(offset)).scalars())


def _in(stage_id: int, dated: bool) -> ColumnElement[bool]:
    lead = t.lead.c
    date = lead.next_follow_up_at
    return and_(lead.deleted_at.is_(None), lead.stage_id == stage_id, date.is_not(None) if dated else date.is_(None))


def _keys(tx: ReadTx, dated: bool) -> list[Any]:
    """Ascending by date; of those without one the newest first: the index forwards, and backwards."""
    lead = t.lead.c
    if dated:
        return [lead.next_follow_up_at.asc(), lead.id.asc()]
    # PostgreSQL reads an index in its order only where the order names all of its columns
    return [lead.id.desc()] if tx.is_sqlite else [lead.next_follow_up_at.desc().nulls_first(), lead.id.desc()]


def _count(tx: ReadTx, node: Node | None, stage_id: int, dated: bool) -> int:
    query = select(func.count()).select_from(t.lead).where(_in(stage_id, dated), _live(tx, node))
    return int(tx.conn.execute(query).scalar_one())


def position(tx: ReadTx, node: Node | None, stage_id: int, lead_id: int) -> int | None:
    """Where a card stands in its column (0 is the top); None when the column does not hold it."""
    lead = t.lead.c
    here = tx.conn.execute(
        select(lead.next_follow_up_at).where(lead.id == lead_id, lead.stage_id == stage_id, _live(tx, node))
    ).one_or_none()
    if here is None:
        return None
    if here[0] is None:
        before = and_(_in(stage_id, dated=False), lead.id > lead_id)
        ahead = _count(tx, node, stage_id, dated=True)
    else:
        at = literal(here[0], lead.next_follow_up_at.type)
        date = lead.next_follow_up_at
        before = and_(_in(stage_id, dated=True), date <= at, or_(date < at, lead.id < lead_id))
        ahead = 0
    query = select(func.count()).select_from(t.lead).where(before, _live(tx, node))
    return ahead + int(tx.conn.execute(query).scalar_one())


def budgets(tx: ReadTx, ids: Sequence[int]) -> dict[int, int | None]:
    """The budgets of leads, which their rows in lists do not have."""
    query = select(t.lead.c.id, t.lead.c.budget_minor).where(t.lead.c.id.in_(ids))
    return {row.id: row.budget_minor for row in tx.conn.execute(query)}
