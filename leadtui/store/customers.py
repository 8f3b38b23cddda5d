"""Queries over customers: pages, counts, rows by id. Who may see a customer is in every one of them.

With read scope `all` that is everybody; else those of whom a live lead lies in the actor's scope (spec AJ34).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select, true, tuple_, update

from leadtui.domain.customers import TAX_IDS, Order, masked, needles, state_of
from leadtui.domain.records import CustomerRow, RouterUserRow

from . import schema as t
from .scope import scope_clause
from .unit_of_work import ReadTx, WriteTx
from .where import contains

Clause = ColumnElement[bool]

_RARE = 2_000
"""So few customers are quickly sorted; of more the list is walked in its order until the page is full."""
_NEAR = 500
_INDEXED = frozenset({"name", "created_at", "id"})


# -- who may see ------------------------------------------------------------------------------------------------------
def of_leads(tx: ReadTx, action: str) -> Select[Any]:
    """The ids of customers with a live lead that the actor may do `action` on, as a subquery."""
    lead = t.lead.c
    by: Any = None
    if tx.is_sqlite:  # not by the index of the branch or the person: ix_lead_customer holds all that is asked
        by = SimpleNamespace(
            c=SimpleNamespace(branch_id=lead.branch_id.op("+")(0), assigned_to_id=lead.assigned_to_id.op("+")(0))
        )
    mine = scope_clause(tx.actor, action, by)
    return select(lead.customer_id).where(lead.customer_id.is_not(None), lead.deleted_at.is_(None), mine)


def visible(tx: ReadTx) -> Clause:
    """Which customers the actor may see, asked of each: for few rows."""
    if tx.actor.scope("read") == "all":
        return true()
    return of_leads(tx, "read").where(t.lead.c.customer_id == t.customer.c.id).exists()


def may(tx: ReadTx, customer_id: int, action: str) -> bool:
    """Whether the actor may do `action` on one of the customer's leads, or everywhere."""
    if tx.actor.scope(action) == "all":
        return True
    lead = t.lead.c
    query = select(lead.id).where(
        lead.customer_id == customer_id, lead.deleted_at.is_(None), scope_clause(tx.actor, action)
    )
    return tx.conn.execute(query.limit(1)).first() is not None


# -- which ------------------------------------------------------------------------------------------------------------
def searched(tx: ReadTx, words: str) -> list[Clause]:
    """Every part of the search is found in what the role may see of name, email and phone."""
    text = _searchable(tx)
    return [
        or_(*(and_(*(contains(text, one, tx.is_sqlite) for one in way)) for way in ways))
        for ways in needles(words, tx.catalog.country)
    ]


def _searchable(tx: ReadTx) -> Any:
    """The searched text without the lines that are hidden from the role."""
    column = t.customer.c.search_text
    kept = [place for place, key in enumerate(("name", "email", "phone")) if key not in tx.actor.hidden_fields]
    if len(kept) == 3:
        return column
    if not tx.is_sqlite:
        lines: list[Any] = [func.split_part(column, "\n", place + 1) for place in kept]
    else:
        first = func.instr(column, "\n")
        rest = func.substr(column, first + 1)
        second = func.instr(rest, "\n")
        every = func.substr(column, 1, first - 1), func.substr(rest, 1, second - 1), func.substr(rest, second + 1)
        lines = [every[place] for place in kept]
    found: Any = literal("")
    for line in lines:
        found = found.concat("\n").concat(line)
    return found


def with_users(where: Clause) -> Select[Any]:
    """The ids of customers with a router user that meets a condition over `router_user` outer-joined to `lead`."""
    user = t.router_user.c
    joined = t.router_user.outerjoin(t.lead, t.lead.c.id == user.lead_id)
    return select(user.customer_id).select_from(joined).where(user.customer_id.is_not(None), where)


def on_router(router_id: int) -> Select[Any]:
    """The ids of customers with a router user on this router."""
    user = t.router_user.c
    return select(user.customer_id).where(user.router_id == router_id, user.customer_id.is_not(None))


# -- pages ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Wanted:
    """Which customers: conditions on the row alone, and subqueries that hold the ids. Who may see is added here."""

    tests: tuple[Clause, ...] = ()
    members: tuple[Select[Any], ...] = ()


def _conditions(tx: ReadTx, wanted: Wanted, *, walking: bool = False, near: bool = False) -> list[Clause]:
    """The conditions; `walking` the list in its order, no subquery may become the way to the rows.

    `near` its beginning, whether a customer may be seen is sooner asked one by one.
    """
    here: Any = t.customer.c.id
    walking = walking and tx.is_sqlite  # PostgreSQL knows by its statistics
    own = here.op("+")(0) if walking else here
    found = [*wanted.tests, *(own.in_(ids) for ids in wanted.members)]
    if tx.actor.scope("read") != "all":
        found.append(visible(tx) if walking and near else own.in_(of_leads(tx, "read")))
    return found


def count(tx: ReadTx, wanted: Wanted) -> int:
    """How many customers are wanted."""
    if wanted == Wanted() and tx.actor.scope("read") != "all":  # told by the leads alone
        mine = of_leads(tx, "read").distinct().subquery()
        return int(tx.conn.execute(select(func.count()).select_from(mine)).scalar_one())
    return _count(tx, _conditions(tx, wanted))


def _count(tx: ReadTx, where: Sequence[Clause]) -> int:
    return int(tx.conn.execute(select(func.count()).select_from(t.customer).where(*where)).scalar_one())


def page_ids(
    tx: ReadTx, wanted: Wanted, order: Order, *, limit: int, offset: int = 0, total: bool = True
) -> tuple[list[int], int | None]:
    """The ids of one page in order, and how many there are in all (None when not asked for).

    SQLite's planner may read and sort all that a condition finds, even for one page. So it is first seen whether there
    are many. Few are sorted; else the list is walked in its order, which soon fills a page. PostgreSQL knows by its
    statistics, save for what is searched.
    """
    customer, keys = t.customer.c.id, _keys(tx, order)
    counted, walking = None, True
    if wanted.tests or (wanted.members and not total and tx.is_sqlite):
        found = select(customer).where(*_conditions(tx, wanted)).limit(_RARE + 1)
        if len(some := list(tx.conn.execute(found).scalars())) <= _RARE:
            return (_take(tx, customer.in_(some), keys, limit, offset) if some else []), len(some)
    elif (wanted.members or tx.actor.scope("read") != "all") and (total or tx.is_sqlite):
        counted = count(tx, wanted)
        walking = counted > _RARE
    if counted is not None and counted <= offset:
        return [], counted
    walking = walking and order.field in _INDEXED
    where = _conditions(tx, wanted, walking=walking, near=offset + limit <= _NEAR)
    ids = _take(tx, and_(true(), *where), keys, limit, offset)
    return ids, count(tx, wanted) if total and counted is None else counted


def _take(tx: ReadTx, where: Clause, keys: Sequence[Any], limit: int, offset: int) -> list[int]:
    query = select(t.customer.c.id).where(where).order_by(*keys).limit(limit).offset(offset)
    return list(tx.conn.execute(query).scalars())


def _by_name(tx: ReadTx) -> Any:
    """The list by name: folded, byte by byte on both databases."""
    column = t.customer.c.search_text
    return column if tx.is_sqlite else column.collate("C")


def _columns(tx: ReadTx, order: Order) -> list[Any]:
    """What is sorted by, the id at the end left out."""
    customer = t.customer.c
    match order.field:
        case "id":
            return []
        case "created_at":
            return [customer.created_at]
        case "state":
            return [customer.state, _by_name(tx)]
        case "package":
            return [_package_rank(tx), _by_name(tx)]
        case _:
            return [_by_name(tx)]


def _package_rank(tx: ReadTx) -> Any:
    """The place of the package among all by name; none comes first."""
    names = sorted((product.name.casefold(), product.id) for product in tx.catalog.products)
    if not names:
        return literal(0)
    return case({product_id: place + 1 for place, (_, product_id) in enumerate(names)},
                value=t.customer.c.product_id, else_=0)  # fmt: skip


def _keys(tx: ReadTx, order: Order) -> list[Any]:
    keys = [*_columns(tx, order), t.customer.c.id]
    return [key.desc() if order.descending else key.asc() for key in keys]


def position(tx: ReadTx, wanted: Wanted, order: Order, customer_id: int) -> int | None:
    """Where a customer stands in the list (0 is the first); None when the list does not hold it."""
    customer = t.customer.c
    keys = [*_columns(tx, order), customer.id]
    where = _conditions(tx, wanted)
    mine = tx.conn.execute(select(*keys).where(*where, customer.id == customer_id)).one_or_none()
    if mine is None:
        return None
    here = tuple_(*(literal(value, key.type) for value, key in zip(mine, keys, strict=True)))
    return _count(tx, [*where, tuple_(*keys) > here if order.descending else tuple_(*keys) < here])


# -- rows -------------------------------------------------------------------------------------------------------------
def rows(tx: ReadTx, ids: Sequence[int]) -> list[CustomerRow]:
    """The customers with these ids, in this order, as the actor may see them; those out of scope are left out."""
    return _rows(tx, ids, visible(tx))


def rows_unscoped(tx: ReadTx, ids: Sequence[int]) -> list[CustomerRow]:
    """The same whoever may see them: for the answer to an act that was permitted a moment ago."""
    return _rows(tx, ids, true())


def _rows(tx: ReadTx, ids: Sequence[int], where: Clause) -> list[CustomerRow]:
    if not ids:
        return []
    query = (
        select(t.customer, t.family_group.c.name.label("group_name"))
        .outerjoin(t.family_group, t.family_group.c.id == t.customer.c.family_group_id)
        .where(t.customer.c.id.in_(ids), where)
    )
    records = {r.id: r for r in tx.conn.execute(query)}
    leads = _leads_of(tx, list(records))
    users = users_of(tx, list(records))
    whole = _read_whole(tx, leads)
    return [
        _row(tx, r, [lead.number for lead in leads.get(r.id, ()) if lead.seen], users.get(r.id, ()), r.id in whole)
        for r in (records[i] for i in ids if i in records)
    ]


def _row(tx: ReadTx, r: Any, leads: Iterable[str], users: Iterable[RouterUserRow], whole: bool) -> CustomerRow:
    product = tx.catalog.product_by_id.get(r.product_id)
    branch = tx.catalog.branch_by_id.get(r.branch_id)
    ids = {key: getattr(r, key) if whole else masked(getattr(r, key)) for key in TAX_IDS}
    row = CustomerRow(
        id=r.id, name=r.name, type=r.type, phone=r.phone_e164, email=r.email, **ids, family_group=r.group_name,
        package=product.name if product else None, branch=branch.name if branch else None, state=r.state,
        created_at=r.created_at, leads=tuple(leads), router_users=tuple(users),
    )  # fmt: skip
    hidden = tx.actor.hidden_fields
    if not hidden:
        return row
    blank = {one.name: None for one in fields(CustomerRow) if one.name in hidden and "None" in str(one.type)}
    return replace(row, **blank, **({"name": ""} if "name" in hidden else {}))  # type: ignore[arg-type]


def _leads_of(tx: ReadTx, ids: Collection[int]) -> dict[int, list[Any]]:
    """The live leads of customers by their id, oldest first, with whether the actor may see and convert each."""
    lead = t.lead.c
    query = (
        select(
            lead.id, lead.customer_id, lead.number, lead.name, lead.stage_id, lead.assigned_to_id, lead.branch_id,
            lead.created_at, lead.converted_at, lead.installation_fee_minor, lead.monthly_fee_minor,
        )
        .where(lead.customer_id.in_(ids), lead.deleted_at.is_(None))
        .order_by(lead.id)
    )  # fmt: skip
    found: dict[int, list[Any]] = {}
    for r in tx.conn.execute(query):
        where = {"assigned_to_id": r.assigned_to_id, "branch_id": r.branch_id}
        found.setdefault(r.customer_id, []).append(
            SimpleNamespace(
                **r._asdict(), seen=tx.actor.may_on("read", **where), convertible=tx.actor.may_on("convert", **where)
            )
        )
    return found


def leads_of(tx: ReadTx, customer_id: int) -> list[Any]:
    """The live leads of one customer, those out of scope too: look at `seen` before showing anything of them."""
    return _leads_of(tx, [customer_id]).get(customer_id, [])


class _Everybody:
    def __contains__(self, _: object) -> bool:
        return True


def _read_whole(tx: ReadTx, leads: dict[int, list[Any]]) -> Any:
    """Whose tax ids the actor may read whole: who may convert one of the leads, or configure the office."""
    if tx.actor.scope("convert") == "all" or tx.actor.may("config"):
        return _Everybody()
    return {customer_id for customer_id, own in leads.items() if any(lead.convertible for lead in own)}


def users_of(tx: ReadTx, ids: Collection[int]) -> dict[int, list[RouterUserRow]]:
    """The router users of customers by their id. A lead that the actor may not see is not named."""
    u, lead = t.router_user.c, t.lead.c
    query = (
        select(
            t.router_user, t.router.c.name.label("router"), lead.number, lead.assigned_to_id, lead.branch_id,
            lead.deleted_at,
        )
        .join(t.router, t.router.c.id == u.router_id)
        .outerjoin(t.lead, lead.id == u.lead_id)
        .where(u.customer_id.in_(ids))
        .order_by(u.id)
    )  # fmt: skip
    found: dict[int, list[RouterUserRow]] = {}
    for r in tx.conn.execute(query):
        seen = tx.actor.may_on("read", assigned_to_id=r.assigned_to_id, branch_id=r.branch_id)
        number = r.number if seen and r.deleted_at is None else None
        found.setdefault(r.customer_id, []).append(
            RouterUserRow(
                r.id, r.router, r.username, r.service, r.profile, r.ip, r.state, number, r.customer_id,
                r.first_online_at, r.first_online_ip, r.created_at,
            )
        )  # fmt: skip
    return found


# -- the state --------------------------------------------------------------------------------------------------------
def keep_state(tx: WriteTx, customer_id: int) -> str:
    """Bring the customer's state to what its router users say, and answer it; without any it stays as it is.

    To be called by whoever changed the state of a router user, in the same transaction; the audit is the caller's.
    """
    user, customer = t.router_user.c, t.customer.c
    known = str(tx.conn.execute(select(customer.state).where(customer.id == customer_id)).scalar_one())
    users = list(tx.conn.execute(select(user.state).where(user.customer_id == customer_id)).scalars())
    state = state_of(users, known)
    if state != known:
        tx.conn.execute(update(t.customer).where(customer.id == customer_id).values(state=state))
    return state


__all__ = [
    "Wanted", "count", "keep_state", "leads_of", "may", "of_leads", "on_router", "page_ids", "position", "rows",
    "rows_unscoped", "searched", "users_of", "visible", "with_users",
]  # fmt: skip
