"""Customers for reading: lists, one with everything, and what a person calls them by (spec §L, AJ34)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import false, func, select

from leadtui.domain import phones
from leadtui.domain.conversion import customer_type
from leadtui.domain.customers import ACTIVE, SUSPENDED, CustomerFilter, Order, key_of, state_word
from leadtui.domain.dates import parse_day_range
from leadtui.domain.records import (
    AuditRow,
    CustomerDetail,
    CustomerLead,
    CustomerPage,
    CustomerRow,
    DocumentRow,
)
from leadtui.errors import LeadtuiError, NotFound, NotPermitted
from leadtui.store import customers as queries
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx

from . import lead_writes as w
from .family_groups import family_group

if TYPE_CHECKING:
    from .office import Office

_MAX_ID = 2**31 - 1
MOST_HISTORY = 200
"""Lines of history in a customer's detail."""


# -- lists ------------------------------------------------------------------------------------------------------------
def find(
    office: Office, search: str = "", *, state: str | None = None, package: str | None = None,
    router: str | None = None, branch: str | None = None, type: str | None = None, group: str | None = None,
    never_online: int | None = None, created: str | None = None, sort: str = "name", limit: int = 15, offset: int = 0,
    total: bool = True,
) -> CustomerPage:  # fmt: skip
    """One page of the customers the actor may see. Every word of `search` is in name, email or phone.

    `never_online`: with a router user that was never seen online for so many days (-1: the office's setting).
    `created`: a span such as `2026-11`, `-7d..today`. Raises NotPermitted, Invalid for a name that names nothing.
    """
    wanted = CustomerFilter(search, state, package, router, branch, type, group, never_online, created)
    return page(office, wanted, sort=sort, limit=limit, offset=offset, total=total)


def page(
    office: Office, wanted: CustomerFilter, *, sort: str = "name", limit: int = 15, offset: int = 0, total: bool = True
) -> CustomerPage:
    """The same, with the filter as one value."""
    order = Order.parse(sort)
    with office.read() as tx:
        ids, counted = queries.page_ids(tx, _wanted(tx, wanted), order, limit=limit, offset=offset, total=total)
        return CustomerPage(counted, tuple(queries.rows(tx, ids)), offset)


def count(office: Office, wanted: CustomerFilter) -> int:
    """How many customers a filter finds."""
    with office.read() as tx:
        return queries.count(tx, _wanted(tx, wanted))


def position(office: Office, wanted: CustomerFilter, sort: str, customer_id: int) -> int | None:
    """Where a customer stands in a list (0 is the first), None when it is not in it."""
    order = Order.parse(sort)
    with office.read() as tx:
        return queries.position(tx, _wanted(tx, wanted), order, customer_id)


def rows(office: Office, ids: Sequence[int]) -> tuple[CustomerRow, ...]:
    """These customers, in this order; those out of scope are missing."""
    with office.read() as tx:
        return tuple(queries.rows(tx, list(ids)))


def _wanted(tx: ReadTx, asked: CustomerFilter) -> queries.Wanted:
    """The filter as conditions. Raises NotPermitted, Invalid."""
    w.require(tx, "read")
    customer, cat = t.customer.c, tx.catalog
    tests: list[Any] = queries.searched(tx, asked.search)
    members: list[Any] = []
    if asked.state:
        tests.append(customer.state == state_word(asked.state))
    if asked.package:
        tests.append(customer.product_id == cat.find_product(asked.package, field="package").id)
    if asked.branch:
        tests.append(customer.branch_id == cat.find_branch(asked.branch, field="branch").id)
    if asked.type:
        tests.append(customer.type == customer_type(asked.type))
    if asked.group:
        tests.append(customer.family_group_id == family_group(tx, asked.group))
    if asked.created:
        start, end = _span(tx, asked.created)
        tests += [customer.created_at >= start, customer.created_at < end]
    if asked.router:
        from . import routers

        members.append(queries.on_router(routers.find(tx, asked.router, field="router").id))
    if asked.never_online is not None:
        from .first_online import unseen_clause

        members.append(queries.with_users(unseen_clause(tx, None if asked.never_online < 0 else asked.never_online)))
    hidden = {"package": asked.package, "branch": asked.branch}
    if any(value for key, value in hidden.items() if key in tx.actor.hidden_fields):
        tests.append(false())  # what a role does not see must not be found out by asking
    return queries.Wanted(tuple(tests), tuple(members))


def _span(tx: ReadTx, text: str) -> tuple[datetime, datetime]:
    first, dots, last = text.partition("..")
    read = {"tz": tx.catalog.tz, "now": tx.now, "field": "created"}
    start, end = parse_day_range(first, **read)  # type: ignore[arg-type]
    return (start, parse_day_range(last, **read)[1]) if dots else (start, end)  # type: ignore[arg-type]


# -- what a person calls a customer by ---------------------------------------------------------------------------------
def not_found(ref: object) -> NotFound:
    """The same words for a customer that does not exist and one out of scope (contract answer 4)."""
    return NotFound(
        f"there is no customer '{str(ref)[:80]}'", field="ref",
        hint="a customer's id or phone, the number of a lead, or a router user name",
    )  # fmt: skip


def resolve(tx: ReadTx, ref: str | int) -> int:
    """The id of the customer that `ref` names, within the actor's scope: its id, a lead's number, a phone in any
    spelling or a router user name that is one customer's. Raises NotFound.
    """
    text = str(ref).strip()
    if text.isascii() and text.isdecimal() and 0 < int(text) <= _MAX_ID:
        ids = _seen(tx, t.customer.c.id == int(text))
        if ids:
            return ids[0]
    if isinstance(ref, int) or not text:
        raise not_found(ref)
    if (of_lead := _of_lead(tx, text)) is not None:
        return of_lead
    for where in (_with_phone(tx, text), _with_user(text)):
        ids = _seen(tx, where) if where is not None else []
        if len(ids) > 1:
            raise NotFound(
                f"several customers have '{text[:80]}'", field="ref", code="ambiguous",
                hint="name the customer by its id: " + ", ".join(str(one) for one in ids),
            )  # fmt: skip
        if ids:
            return ids[0]
    raise not_found(ref)


def _seen(tx: ReadTx, where: Any) -> list[int]:
    customer = t.customer.c.id
    query = select(customer).where(where, queries.visible(tx)).order_by(customer).limit(5)
    return list(tx.conn.execute(query).scalars())


def _of_lead(tx: ReadTx, text: str) -> int | None:
    """The customer of the lead with this number; None when the actor sees no such lead."""
    lead = t.lead.c
    numbered = (lead.number == text.upper(), lead.deleted_at.is_(None), scope_clause(tx.actor, "read"))
    found = tx.conn.execute(select(lead.customer_id, lead.number).where(*numbered)).one_or_none()
    if found is None:
        return None
    if found.customer_id is None:
        raise NotFound(f"{found.number} is no customer yet", field="ref", hint="convert the lead first")
    return int(found.customer_id)


def _with_phone(tx: ReadTx, text: str) -> Any:
    try:
        e164 = phones.parse(text, tx.catalog.country).e164
    except LeadtuiError:
        return None
    return t.customer.c.phone_e164 == e164


def _with_user(text: str) -> Any:
    user = t.router_user.c
    return t.customer.c.id.in_(select(user.customer_id).where(user.username == text, user.customer_id.is_not(None)))


def require(tx: ReadTx, customer_id: int, action: str = "convert") -> None:
    """Raises NotPermitted unless the actor may do `action` on one of the customer's leads, or everywhere."""
    if not queries.may(tx, customer_id, action):
        raise NotPermitted(
            "you may not change this customer", hint="it needs the right to convert one of the customer's leads"
        )


def get(tx: ReadTx, customer_id: int) -> CustomerRow:
    """The customer with this id, whoever may see it: the caller has checked. Raises NotFound."""
    found = queries.rows_unscoped(tx, [customer_id])
    if not found:
        raise NotFound(f"there is no customer {customer_id}")
    return found[0]


# -- one with everything -----------------------------------------------------------------------------------------------
def detail(office: Office, ref: str | int) -> CustomerDetail:
    """Everything about one customer, and what the acting user may do with it. Raises NotFound."""
    with office.read() as tx:
        customer_id = resolve(tx, ref)
        row = get(tx, customer_id)
        leads = queries.leads_of(tx, customer_id)
        family, unseen = _family(tx, customer_id)
        return CustomerDetail(
            customer=row,
            leads=tuple(_lead(tx, one) for one in leads if one.seen),
            users=row.router_users,
            documents=_documents(tx, customer_id),
            history=_history(tx, row),
            family=family,
            others=sum(not one.seen for one in leads),
            family_others=unseen,
            allowed=_allowed(tx, row),
        )


def _lead(tx: ReadTx, one: Any) -> CustomerLead:
    user = tx.catalog.user_by_id.get(one.assigned_to_id)
    hidden = tx.actor.hidden_fields
    return CustomerLead(
        id=one.id, number=one.number, name=None if "name" in hidden else one.name,
        status=tx.catalog.stage_by_id[one.stage_id].name, assigned_to=user.login if user else None,
        created_at=one.created_at, converted_at=one.converted_at,
        installation_fee=None if "installation_fee" in hidden else one.installation_fee_minor,
        monthly_fee=None if "monthly_fee" in hidden else one.monthly_fee_minor,
    )  # fmt: skip


def _documents(tx: ReadTx, customer_id: int) -> tuple[DocumentRow, ...]:
    d = t.document.c
    users = tx.catalog.user_by_id
    query = select(t.document).where(d.customer_id == customer_id).order_by(d.at.desc(), d.id.desc())
    return tuple(
        DocumentRow(r.id, r.name, r.mime, r.bytes, r.sha256, users[r.uploaded_by_id].login, r.at, r.path)
        for r in tx.conn.execute(query)
    )


def _history(tx: ReadTx, row: CustomerRow) -> tuple[AuditRow, ...]:
    from .history import entries_of

    users = [user.id for user in row.router_users]
    found = entries_of(tx, {"customer": [row.id], "router_user": users}, limit=MOST_HISTORY)
    return tuple(replace(one, changes={key_of(name): pair for name, pair in one.changes.items()}) for one in found)


def _family(tx: ReadTx, customer_id: int) -> tuple[tuple[tuple[int, str], ...], int]:
    """The other members of the customer's family group: those the actor may see, and how many more there are."""
    customer = t.customer.c
    group = tx.conn.execute(select(customer.family_group_id).where(customer.id == customer_id)).scalar()
    if group is None:
        return (), 0
    others = (customer.family_group_id == group, customer.id != customer_id)
    total = tx.conn.execute(select(func.count()).select_from(t.customer).where(*others)).scalar_one()
    seen = select(customer.id, customer.name).where(*others, queries.visible(tx)).order_by(customer.name, customer.id)
    named = "name" not in tx.actor.hidden_fields
    found = tuple((r.id, r.name if named else f"customer {r.id}") for r in tx.conn.execute(seen))
    return found, int(total) - len(found)


def _allowed(tx: ReadTx, row: CustomerRow) -> frozenset[str]:
    if not queries.may(tx, row.id, "convert"):
        return frozenset()
    allowed = {"edit"}
    if row.state != SUSPENDED:
        allowed.add("suspend")
    if row.state != ACTIVE:
        allowed.add("resume")
    if row.router_users:
        allowed |= {"package", "reveal"}
    return frozenset(allowed)


def document_path(office: Office, document_id: int) -> Path:
    """Where a customer's document lies. Raises NotFound for one of a customer out of scope."""
    missing = NotFound(f"there is no document {document_id}")
    with office.read() as tx:
        row = tx.conn.execute(select(t.document).where(t.document.c.id == document_id)).one_or_none()
        if row is None or row.customer_id is None:
            raise missing
        try:
            resolve(tx, int(row.customer_id))
        except NotFound:
            raise missing from None
    return office.store.files / str(row.path)
