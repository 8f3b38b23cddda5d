"""Queries over leads: pages, counts, rows by id. The scope of the acting user is in every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, or_, select, text, true, tuple_
from sqlalchemy.sql.operators import desc_op

from leadtui.domain.catalog import Catalog
from leadtui.domain.fields import BY_KEY
from leadtui.domain.filters import And, Node, Or, Term
from leadtui.domain.money import total
from leadtui.domain.records import LeadRow, RouterUserRow
from leadtui.errors import UsageError
from leadtui.text import fold

from . import schema as t
from .scope import scope_clause
from .search_index import FTS
from .unit_of_work import ReadTx
from .where import Lookup, mentions_deleted, trigrams, where

_SORT_COLUMN = {"name": "name_key", "email": "email_norm", "next_follow_up": "next_follow_up_at"}
# How many leads of a list are tested one by one before the indexes are asked instead: some milliseconds; and how many
# when those held a good part of a page already.
_WALK, _LONG_WALK = 2_000, 30_000
# Fewer leads than this found by the trigram index are read and sorted sooner than the list is walked.
_RARE = 500


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted: a field of the catalogue, and whether backwards. Ties are broken by id."""

    field: str = "created_at"
    descending: bool = True

    @classmethod
    def parse(cls, text_: str, hidden: frozenset[str] = frozenset()) -> Order:
        """`name` or `-created_at`. Raises UsageError naming what can be sorted by."""
        from leadtui.domain.fields import LEAD_FIELDS, find_field

        descending = text_.startswith("-")
        word = text_.lstrip("+-").strip()
        if word == "id":
            return cls("id", descending)
        found = find_field(word)
        if found is None or not found.sortable or found.key in hidden:
            names = ", ".join(f.key for f in LEAD_FIELDS if f.sortable and f.key not in hidden)
            raise UsageError(f"leads cannot be sorted by '{word}'", field="sort", hint=f"one of: {names}")
        return cls(found.key, descending)

    def __str__(self) -> str:
        return ("-" if self.descending else "") + self.field


def lookup_of(tx: ReadTx) -> Lookup:
    """How filters are resolved in this transaction."""
    return Lookup(tx.catalog, tx.actor, tx.now, tx.is_sqlite)


def condition(
    tx: ReadTx, node: Node | None, *, action: str = "read", lookup: Lookup | None = None
) -> ColumnElement[bool]:
    """Which leads the filter finds within the actor's scope; deleted ones only where the filter asks for them."""
    return and_(*_live_and_scope(tx, node, action), where(node, lookup or lookup_of(tx)))


def _live_and_scope(tx: ReadTx, node: Node | None, action: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    live = true() if mentions_deleted(node) else t.lead.c.deleted_at.is_(None)
    return live, scope_clause(tx.actor, action)


def _has_wide_choice(node: Node | None) -> bool:
    """Whether the filter asks for one of several values, which an index can find but not in the list's order."""
    match node:
        case And(items) | Or(items):
            return any(_has_wide_choice(i) for i in items)
        case Term(field, op, _):
            return op == "in" or field in {"is", "status"}
        case _:
            return False


def count(tx: ReadTx, node: Node | None, *, action: str = "read") -> int:
    """How many leads the filter finds."""
    found = select(func.count()).select_from(t.lead).where(condition(tx, node, action=action))
    return int(tx.conn.execute(found).scalar_one())


def page_ids(
    tx: ReadTx,
    node: Node | None,
    order: Order,
    *,
    limit: int | None,
    offset: int = 0,
    action: str = "read",
) -> list[int]:
    """The ids of one page, in order."""
    found = condition(tx, node, action=action)
    if order.field in _GROUPS:
        return _by_group(tx, order, found, limit, offset)
    if order.field == "brought_in_by":
        return _by_person(tx, order, found, limit, offset)
    lead = t.lead.c
    column = lead.id if order.field == "id" else lead[_sort_column(order.field)]
    keys = _directed([column] if order.field == "id" else [column, lead.id], order, tx)
    if tx.is_sqlite and node is not None and limit is not None and not _is_rare(tx, node):
        walked = _walk(tx, node, keys, action, limit, offset)
        if walked is not None:
            return walked
    return _take(tx, select(lead.id).where(found).order_by(*keys), limit, offset)


def _is_rare(tx: ReadTx, node: Node) -> bool:
    """Whether the words of the filter are found in so few leads that the trigram index is the way."""
    found = trigrams(node, lookup_of(tx))
    if not found:
        return False
    some = text(f"SELECT count(*) FROM (SELECT rowid FROM {FTS} WHERE {FTS} MATCH :words LIMIT {_RARE})")
    return int(tx.conn.execute(some, {"words": found}).scalar_one()) < _RARE


def _walk(tx: ReadTx, node: Node, keys: Sequence[Any], action: str, limit: int, offset: int) -> list[int] | None:
    """A page found by walking the list in its order and testing each row; None where that gave no full page.

    SQLite's planner reads all that a filter finds and sorts it, even for one page. A filter that finds much is met
    sooner on the walk; one that finds little fails here after `_WALK` rows, and its few rows are then quickly sorted.
    """
    lead = t.lead.c
    tested = func.coalesce(where(node, replace(lookup_of(tx), search="scan")), false())
    live = _live_and_scope(tx, node, action)
    if offset + limit > _WALK // 2:
        if not _has_wide_choice(node):
            return None
        return _take(tx, select(lead.id).where(*live, tested).order_by(*keys), limit, offset)
    column, descending = keys[0].element, keys[0].modifier is desc_op
    for steps in (_WALK, _LONG_WALK):
        edge = tx.conn.execute(select(column, lead.id).where(*live).order_by(*keys).limit(1).offset(steps)).first()
        within: ColumnElement[bool] = true()
        if edge is not None:
            if edge[0] is None:
                within = column.is_not(None) if descending else column.is_(None)
            else:
                here = tuple_(column, lead.id)
                last = tuple_(literal(edge[0], column.type), edge[1])
                within = here >= last if descending else or_(column.is_(None), here <= last)
        ids = _take(tx, select(lead.id).where(*live, within, tested).order_by(*keys), limit, offset)
        if len(ids) == limit or edge is None:
            return ids
        if len(ids) * _LONG_WALK < 2 * limit * _WALK:
            return None  # too thinly spread: a longer walk would not fill the page either
    return None


def _take(tx: ReadTx, query: Select[Any], limit: int | None, offset: int) -> list[int]:
    if limit is not None:
        query = query.limit(limit).offset(offset)
    return list(tx.conn.execute(query).scalars())


def _directed(keys: Sequence[Any], order: Order, tx: ReadTx) -> list[Any]:
    """The sort keys in the list's direction. What is missing comes first ascending and last descending."""
    directed = []
    for key in keys:
        one = key.desc() if order.descending else key.asc()
        if not tx.is_sqlite and key.nullable:  # SQLite does so by itself
            one = one.nulls_last() if order.descending else one.nulls_first()
        directed.append(one)
    return directed


# Fields that hold the id of a small table: sorted by the name behind it.
_GROUPS: dict[str, tuple[str, Callable[[Catalog], list[int]]]] = {
    "status": ("stage_id", lambda c: [s.id for s in c.stages]),
    "source": ("source_id", lambda c: _named((s.name, s.id) for s in c.sources)),
    "assigned_to": ("assigned_to_id", lambda c: _named((u.login, u.id) for u in c.users)),
    "package": ("product_id", lambda c: _named((p.name, p.id) for p in c.products)),
    "branch": ("branch_id", lambda c: _named((b.name, b.id) for b in c.branches)),
}


def _named(pairs: Iterable[tuple[str, int]]) -> list[int]:
    return [i for _, i in sorted((fold(name), i) for name, i in pairs)]


def _by_group(tx: ReadTx, order: Order, found: ColumnElement[bool], limit: int | None, offset: int) -> list[int]:
    """Sorted by a name in a small table: group after group from the index (column, created_at, id), sorting nothing.

    Within a group the newest come in the list's direction too.
    """
    name, groups_of = _GROUPS[order.field]
    column = t.lead.c[name]
    groups: list[int | None] = [None, *groups_of(tx.catalog)]
    if order.descending:
        groups.reverse()
    within = [t.lead.c.id] if name == "product_id" else [t.lead.c.created_at, t.lead.c.id]
    ids: list[int] = []
    for group in groups:
        if group is None and not column.nullable:
            continue
        mine = and_(found, column.is_(None) if group is None else column == group)
        if offset:
            size = int(tx.conn.execute(select(func.count()).select_from(t.lead).where(mine)).scalar_one())
            if size <= offset:
                offset -= size
                continue
        wanted = None if limit is None else limit - len(ids)
        query = select(t.lead.c.id).where(mine).order_by(*_directed(within, order, tx))
        ids += _take(tx, query, wanted, offset)
        offset = 0
        if limit is not None and len(ids) >= limit:
            break
    return ids


def _by_person(tx: ReadTx, order: Order, found: ColumnElement[bool], limit: int | None, offset: int) -> list[int]:
    """Sorted by who brought them in: those nobody brought form one group, the others follow the names' index."""
    lead, person = t.lead.c, t.person.c
    nobody = and_(found, lead.referrer_id.is_(None))
    alone = select(lead.id).where(nobody).order_by(*_directed([lead.id], order, tx))
    named = (
        select(lead.id)
        .select_from(t.person.join(t.lead, lead.referrer_id == person.id))
        .where(found)
        .order_by(*_directed([person.name_key, person.id, lead.id], order, tx))
    )
    if order.descending:
        first, second = named, alone
        first_count = select(func.count()).select_from(t.lead).where(found, lead.referrer_id.is_not(None))
    else:
        first, second = alone, named
        first_count = select(func.count()).select_from(t.lead).where(nobody)
    ids = _take(tx, first, limit, offset)
    if limit is not None and len(ids) >= limit:
        return ids
    skipped = max(0, offset - int(tx.conn.execute(first_count).scalar_one())) if limit is not None else 0
    return ids + _take(tx, second, None if limit is None else limit - len(ids), skipped)


def _sort_column(field: str) -> str:
    return _SORT_COLUMN.get(field) or BY_KEY[field].column or field


def position(tx: ReadTx, node: Node | None, order: Order, lead_id: int) -> int | None:
    """Where a lead stands in a list (0 is the first); None when the list does not hold it."""
    found = condition(tx, node)
    lead = t.lead.c
    if tx.conn.execute(select(lead.id).where(found, lead.id == lead_id)).first() is None:
        return None
    if order.field in _GROUPS or order.field == "brought_in_by":
        ids = page_ids(tx, node, order, limit=None)
        return ids.index(lead_id)
    column = lead.id if order.field == "id" else lead[_sort_column(order.field)]
    value = tx.conn.execute(select(column).where(lead.id == lead_id)).scalar_one()
    after_id = lead.id > lead_id if order.descending else lead.id < lead_id
    if value is None:
        ahead = or_(column.is_not(None), after_id) if order.descending else and_(column.is_(None), after_id)
    else:
        here = literal(value, column.type)
        beyond = column > here if order.descending else or_(column < here, column.is_(None))
        ahead = or_(beyond, and_(column == here, after_id))
    return int(tx.conn.execute(select(func.count()).select_from(t.lead).where(found, ahead)).scalar_one())


# -- rows ---------------------------------------------------------------------------------------------------------

_COLUMNS = (
    "id",
    "number",
    "name",
    "phone_e164",
    "phone_raw",
    "email",
    "pipeline_id",
    "stage_id",
    "stage_changed_at",
    "source_id",
    "priority",
    "score",
    "assigned_to_id",
    "branch_id",
    "product_id",
    "current_isp",
    "interest_reason",
    "referrer_id",
    "installation_fee_minor",
    "monthly_fee_minor",
    "has_router",
    "router_type",
    "location",
    "unit_number",
    "next_follow_up_at",
    "next_follow_up_all_day",
    "is_protected",
    "deleted_at",
    "customer_id",
    "created_at",
    "updated_at",
    "version",
)


def rows(tx: ReadTx, ids: Sequence[int], *, action: str = "read") -> list[LeadRow]:
    """The leads with these ids, in this order; those outside the actor's scope are left out."""
    return _rows(tx, ids, scope_clause(tx.actor, action))


def rows_unscoped(tx: ReadTx, ids: Sequence[int]) -> list[LeadRow]:
    """The leads with these ids whoever may see them: for the answer to an act that was permitted a moment ago."""
    return _rows(tx, ids, true())


def _rows(tx: ReadTx, ids: Sequence[int], scope: ColumnElement[bool]) -> list[LeadRow]:
    if not ids:
        return []
    found: dict[int, LeadRow] = {}
    for chunk in _chunks(ids, 5_000):
        query = (
            select(
                *(t.lead.c[c] for c in _COLUMNS),
                t.person.c.name.label("by_name"),
                t.person.c.phone_e164.label("by_phone"),
            )
            .select_from(t.lead.outerjoin(t.person, t.person.c.id == t.lead.c.referrer_id))
            .where(t.lead.c.id.in_(chunk), scope)
        )
        records = tx.conn.execute(query).all()
        tags = tags_by_lead(tx, chunk)
        users = _router_users_of(tx, [r.id for r in records if r.customer_id is not None])
        hidden = _blanks(tx.actor.hidden_fields)
        for r in records:
            row = _row(tx, r, tags.get(r.id, ()), users.get(r.id))
            found[r.id] = replace(row, **hidden) if hidden else row
    return [found[i] for i in ids if i in found]


def _blanks(hidden: frozenset[str]) -> dict[str, Any]:
    """The values of a row that a role never sees (spec §AF 219); a total would tell its parts."""
    keys = {f.name for f in dataclass_fields(LeadRow) if f.name in hidden and "None" in str(f.type)}
    return dict.fromkeys(keys | ({"total_amount"} if hidden & {"installation_fee", "monthly_fee"} else set()))


def _chunks(ids: Sequence[int], size: int) -> Iterable[Sequence[int]]:
    return (ids[i : i + size] for i in range(0, len(ids), size))


def _row(tx: ReadTx, r: Any, tags: tuple[str, ...], router_user: RouterUserRow | None) -> LeadRow:
    cat = tx.catalog
    stage = cat.stage_by_id[r.stage_id]
    source = cat.source_by_id.get(r.source_id)
    user = cat.user_by_id.get(r.assigned_to_id)
    branch = cat.branch_by_id.get(r.branch_id)
    product = cat.product_by_id.get(r.product_id)
    return LeadRow(
        id=r.id,
        number=r.number,
        name=r.name,
        phone=r.phone_e164 or r.phone_raw,
        phone_raw=r.phone_raw,
        email=r.email,
        pipeline_id=r.pipeline_id,
        pipeline=cat.pipeline_by_id[r.pipeline_id].key,
        stage_id=stage.id,
        status=stage.name,
        source=source.name if source else None,
        priority=r.priority,
        score=r.score,
        assigned_to_id=r.assigned_to_id,
        assigned_to=user.login if user else None,
        branch_id=r.branch_id,
        branch=branch.name if branch else None,
        package=product.name if product else None,
        current_isp=r.current_isp,
        reason=r.interest_reason,
        brought_in_by=r.by_name,
        brought_in_by_contact=r.by_phone,
        installation_fee=r.installation_fee_minor,
        monthly_fee=r.monthly_fee_minor,
        total_amount=total(r.installation_fee_minor, r.monthly_fee_minor),
        has_router=bool(r.has_router),
        router_type=r.router_type,
        location=r.location,
        unit_number=r.unit_number,
        next_follow_up=r.next_follow_up_at,
        next_follow_up_all_day=r.next_follow_up_all_day,
        tags=tags,
        is_converted=stage.is_converted,
        is_lost=stage.is_lost,
        is_protected=r.is_protected,
        is_deleted=r.deleted_at is not None,
        customer_id=r.customer_id,
        router_user=router_user,
        created_at=r.created_at,
        updated_at=r.updated_at,
        version=r.version,
        stage_changed_at=r.stage_changed_at,
    )


def tags_by_lead(tx: ReadTx, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The tags of these leads by id."""
    query = (
        select(t.lead_tag.c.lead_id, t.tag.c.name)
        .join(t.tag, t.tag.c.id == t.lead_tag.c.tag_id)
        .where(t.lead_tag.c.lead_id.in_(ids))
        .order_by(t.tag.c.key)
    )
    found: dict[int, tuple[str, ...]] = {}
    for lead_id, name in tx.conn.execute(query):
        found[lead_id] = (*found.get(lead_id, ()), name)
    return found


def _router_users_of(tx: ReadTx, ids: Sequence[int]) -> dict[int, RouterUserRow]:
    if not ids:
        return {}
    u = t.router_user.c
    query = (
        select(u.id, u.lead_id, t.router.c.name, u.username, u.service, u.profile, u.ip, u.state, u.customer_id)
        .join(t.router, t.router.c.id == u.router_id)
        .where(u.lead_id.in_(ids))
        .order_by(u.id)
    )
    return {
        r.lead_id: RouterUserRow(r.id, r.name, r.username, r.service, r.profile, r.ip, r.state, None, r.customer_id)
        for r in tx.conn.execute(query)
    }
