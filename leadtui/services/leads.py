"""Leads: create, find, read, edit (spec §B–§D, §V, §W)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select

from leadtui.domain.filters import Node
from leadtui.domain.lead_filters import parse_lead_filter
from leadtui.domain.records import LeadDetail, LeadRow, Page
from leadtui.domain.rules import FieldState, field_states
from leadtui.store import lead_detail
from leadtui.store import leads as queries
from leadtui.store import schema as t
from leadtui.store.leads import Order

from . import lead_writes as w
from . import scoring
from .duplicates import duplicates
from .lead_adding import create, create_in, create_once
from .lead_editing import edit, edit_row
from .office import Office

# -- reading ------------------------------------------------------------------------------------------------------


def as_filter(office: Office, where: str | Node | None) -> Node | None:
    """The filter as a tree. Raises FilterError naming the column; fields hidden from the role are unknown to it."""
    return parse_lead_filter(where, office.actor.hidden_fields) if isinstance(where, str) else where


def search(
    office: Office,
    where: str | Node | None = None,
    *,
    sort: str = "-created_at",
    limit: int = 15,
    offset: int = 0,
    total: bool = True,
    deleted: bool = False,
) -> Page:
    """One page of the leads that a filter finds, in the acting user's scope (spec §V 162: 15 a page, newest first)."""
    node = as_filter(office, where)
    if deleted:
        node = as_filter(office, "is:deleted") if node is None else _and(node, as_filter(office, "is:deleted"))
    order = Order.parse(sort, office.actor.hidden_fields)
    with office.read() as tx:
        ids = queries.page_ids(tx, node, order, limit=limit, offset=offset)
        found = queries.rows(tx, ids)
        counted = queries.count(tx, node) if total else None
    return Page(counted, tuple(found), offset)


def _and(a: Node, b: Node | None) -> Node:
    from leadtui.domain.filters import every

    return every([a, b]) if b is not None else a


def count(office: Office, where: str | Node | None = None) -> int:
    """How many leads a filter finds."""
    node = as_filter(office, where)
    with office.read() as tx:
        return queries.count(tx, node)


def rows(office: Office, ids: Sequence[int]) -> tuple[LeadRow, ...]:
    """These leads, in this order; those out of scope or deleted are missing."""
    with office.read() as tx:
        return tuple(r for r in queries.rows(tx, list(ids)) if not r.is_deleted)


def position(office: Office, where: str | Node | None, sort: str, lead_id: int) -> int | None:
    """Where a lead stands in a list (0 is the first), None when it is not in it."""
    node = as_filter(office, where)
    order = Order.parse(sort, office.actor.hidden_fields)
    with office.read() as tx:
        return queries.position(tx, node, order, lead_id)


def neighbours(office: Office, where: str | Node | None, sort: str, lead_id: int) -> tuple[int | None, int | None]:
    """The lead before and the lead after one in a list; None at the ends."""
    node = as_filter(office, where)
    order = Order.parse(sort, office.actor.hidden_fields)
    with office.read() as tx:
        at = queries.position(tx, node, order, lead_id)
        if at is None:
            return None, None
        start = max(0, at - 1)
        ids = queries.page_ids(tx, node, order, limit=3, offset=start)
    here = ids.index(lead_id) if lead_id in ids else None
    if here is None:
        return None, None
    return (ids[here - 1] if here > 0 else None), (ids[here + 1] if here + 1 < len(ids) else None)


def change_mark(office: Office) -> int:
    """A number that moves whenever anybody changed anything: what an open list asks for now and then."""
    with office.read() as tx:
        return int(tx.conn.execute(select(func.max(t.audit.c.id))).scalar() or 0)


def get(office: Office, ref: str | int) -> LeadDetail:
    """Everything about one lead, and what the acting user may do with it. Raises NotFound."""
    with office.read() as tx:
        found = lead_detail.detail(tx, w.resolve(tx, ref))
        if "score" in tx.actor.hidden_fields:
            return found
        scored = scoring.explained(tx, found.row.id)
        return replace(found, scored=scored, row=replace(found.row, score=scored.score if scored else None))


def field_rules(office: Office, pipeline: str, values: Mapping[str, Any]) -> dict[str, FieldState]:
    """Which fields a form of this pipeline shows and requires, given what is typed so far."""
    return field_states(office.catalog.find_pipeline(pipeline), values)


def lead_id_of(office: Office, ref: str | int, *, deleted: bool = False) -> int:
    """The id of the lead (or, with `deleted`, of the deleted lead) that `ref` names. Raises NotFound."""
    with office.read() as tx:
        return w.resolve(tx, ref, deleted=deleted, action="delete" if deleted else "read")


__all__ = [
    "as_filter",
    "change_mark",
    "count",
    "create",
    "create_in",
    "create_once",
    "duplicates",
    "edit",
    "edit_row",
    "field_rules",
    "get",
    "lead_id_of",
    "neighbours",
    "position",
    "rows",
    "search",
]
