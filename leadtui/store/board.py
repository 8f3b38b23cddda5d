"""The cards of one status, page by page, however many there are.

Cards of a status come in the order of `ix_lead_stage_due`: what is due first on top, then those without a date, newest
first. Both parts are read from the index, so that a page costs the same wherever it is (facts/field 12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, literal, or_, select

from leadtui.domain.filters import Node

from . import schema as t
from .leads import condition, lookup_of
from .unit_of_work import ReadTx

_WALKS: Final = (2_000, 30_000)
"""So many cards of a column are tested one by one before the indexes of the filter are asked instead; the longer walk
only where the shorter one held a good part of a page, or where it is the whole column."""
_INDEX: Final = "INDEXED BY ix_lead_stage_due"


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
    mine = _in(stage_id, dated)
    everything = node is None and not _is_narrow(tx)
    if tx.is_sqlite and not everything and offset + limit <= _WALKS[0]:
        # SQLite's planner knows nothing of how much a filter finds: the column is walked while that finds enough
        for steps in _WALKS:
            walk = select(lead.id).where(mine).order_by(*keys).limit(steps)
            near = walk.with_hint(t.lead, _INDEX, "sqlite").subquery("near")
            joined = near.join(t.lead, lead.id == near.c.id)
            tested = select(lead.id).select_from(joined).where(_live(tx, node, "scan"))
            ids = list(tx.conn.execute(tested.order_by(*keys).limit(limit).offset(offset)).scalars())
            if len(ids) == limit or _reaches(tx, mine, keys, steps):
                return ids
            if len(ids) * _WALKS[-1] < limit * steps and not _reaches(tx, mine, keys, _WALKS[-1]):
                break
        # what is so thinly spread is found by the filter's own index, and few enough to be sorted
        mine = _in(stage_id, dated, unindexed=True)
    elif tx.is_sqlite and _is_narrow(tx):
        mine = _in(stage_id, dated, unindexed=True)
    query = select(lead.id).where(mine, _live(tx, node)).order_by(*keys)
    if tx.is_sqlite and everything:
        query = query.with_hint(t.lead, _INDEX, "sqlite")
    return list(tx.conn.execute(query.limit(limit).offset(offset)).scalars())


def _is_narrow(tx: ReadTx) -> bool:
    """Whether the actor sees only his own leads, or his team's or branch's, which have indexes of their own."""
    return tx.actor.scope("read") != "all"


def _reaches(tx: ReadTx, mine: ColumnElement[bool], keys: list[Any], steps: int) -> bool:
    """Whether so many steps walk the whole of it."""
    beyond = select(t.lead.c.id).where(mine).order_by(*keys).limit(1).offset(steps)
    return tx.conn.execute(beyond.with_hint(t.lead, _INDEX, "sqlite")).first() is None


def _in(stage_id: int, dated: bool, *, unindexed: bool = False) -> ColumnElement[bool]:
    """The cards of a status with a date, or those without. `unindexed`: SQLite shall find them by something else."""
    lead = t.lead.c
    stage: Any = lead.stage_id + 0 if unindexed else lead.stage_id
    date = lead.next_follow_up_at
    return and_(lead.deleted_at.is_(None), stage == stage_id, date.is_not(None) if dated else date.is_(None))


def _keys(tx: ReadTx, dated: bool) -> list[Any]:
    """Ascending by date; of those without one the newest first: the index forwards, and backwards."""
    lead = t.lead.c
    if dated:
        return [lead.next_follow_up_at.asc(), lead.id.asc()]
    # PostgreSQL reads an index in its order only where the order names all of its columns
    return [lead.id.desc()] if tx.is_sqlite else [lead.next_follow_up_at.desc().nulls_first(), lead.id.desc()]


def _count(tx: ReadTx, node: Node | None, stage_id: int, dated: bool) -> int:
    mine = _in(stage_id, dated, unindexed=tx.is_sqlite and _is_narrow(tx))
    query = select(func.count()).select_from(t.lead).where(mine, _live(tx, node))
    return int(tx.conn.execute(query).scalar_one())


def position(tx: ReadTx, node: Node | None, stage_id: int, lead_id: int) -> int | None:
    """Where a card stands in its column (0 is the top); None when the column does not hold it."""
    lead = t.lead.c
    here = tx.conn.execute(
        select(lead.next_follow_up_at).where(lead.id == lead_id, lead.stage_id == stage_id, _live(tx, node))
    ).one_or_none()
    if here is None:
        return None
    unindexed = tx.is_sqlite and _is_narrow(tx)
    if here[0] is None:
        before = and_(_in(stage_id, dated=False, unindexed=unindexed), lead.id > lead_id)
        ahead = _count(tx, node, stage_id, dated=True)
    else:
        at = literal(here[0], lead.next_follow_up_at.type)
        date = lead.next_follow_up_at
        before = and_(_in(stage_id, dated=True, unindexed=unindexed), date <= at, or_(date < at, lead.id < lead_id))
        ahead = 0
    query = select(func.count()).select_from(t.lead).where(before, _live(tx, node))
    return ahead + int(tx.conn.execute(query).scalar_one())


def budgets(tx: ReadTx, ids: Sequence[int]) -> dict[int, int | None]:
    """The budgets of leads, which their rows in lists do not have."""
    query = select(t.lead.c.id, t.lead.c.budget_minor).where(t.lead.c.id.in_(ids))
    return {row.id: row.budget_minor for row in tx.conn.execute(query)}
