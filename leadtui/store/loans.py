"""Promises to clear a loan as lists and a lead show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, select

from leadtui.domain.dates import local_day
from leadtui.domain.loans import OPEN, LoanRow, LoanTotals, days_late
from leadtui.domain.permissions import Actor

from . import schema as t
from .scope import scope_clause
from .unit_of_work import ReadTx


def today(tx: ReadTx) -> date:
    """The office's date, which decides what is overdue at any hour and on any machine (spec AJ22)."""
    return local_day(tx.now, tx.catalog.tz)


def permitted(actor: Actor) -> ColumnElement[bool]:
    """Promises the actor may see: of leads that are there, that he may see, and whose loans he may note."""
    return and_(t.lead.c.deleted_at.is_(None), scope_clause(actor), scope_clause(actor, "loans"))


def with_loan(actor: Actor, *statuses: str) -> ColumnElement[bool]:
    """Leads that have a promise with one of these statuses, as far as the actor may know of it."""
    c = t.loan_commitment.c
    mine = exists().where(c.lead_id == t.lead.c.id, c.status.in_(statuses))
    return and_(scope_clause(actor, "loans"), mine)


def joined() -> Any:
    """The promises with their leads."""
    return t.loan_commitment.join(t.lead, t.lead.c.id == t.loan_commitment.c.lead_id)


def rows(
    tx: ReadTx,
    where: ColumnElement[bool],
    *,
    order: Sequence[Any] = (),
    limit: int | None = None,
    offset: int = 0,
) -> list[LoanRow]:
    """Promises by a condition over `loan_commitment` and `lead`, those awaited longest first unless `order` says other.

    The scope is the caller's to put in. `overdue` comes before `pending` in the alphabet, too: this order of open ones
    is that of the index, so that a first page is found without sorting all of them.
    """
    c, lead = t.loan_commitment.c, t.lead.c
    columns = (
        c.id, c.lead_id, lead.number, lead.name, lead.phone_e164, lead.phone_raw, c.amount_minor,
        c.promised_clear_date, c.status, c.note, lead.assigned_to_id, lead.branch_id, lead.stage_id, c.created_by_id,
        c.created_at, c.overdue_at, c.settled_at, c.settled_by_id,
    )  # fmt: skip
    query = (
        select(*columns)
        .select_from(joined())
        .where(where)
        .order_by(*(order or (c.status, c.promised_clear_date, c.id)))
    )
    if limit is not None:
        query = query.limit(limit).offset(offset)
    users, stages, hidden, day = tx.catalog.user_by_id, tx.catalog.stage_by_id, tx.actor.hidden_fields, today(tx)

    def login(user_id: int | None) -> str | None:
        return users[user_id].login if user_id in users else None

    return [
        LoanRow(
            id=r.id,
            lead_id=r.lead_id,
            lead_number=r.number,
            lead_name=None if "name" in hidden else r.name,
            phone=None if "phone" in hidden else r.phone_e164 or r.phone_raw,
            amount_minor=r.amount_minor,
            promised=r.promised_clear_date,
            status=r.status,
            note=r.note,
            days_late=days_late(r.promised_clear_date, day, r.status),
            is_today=r.promised_clear_date == day and r.status in OPEN,
            assigned_to=login(r.assigned_to_id),
            branch_id=r.branch_id,
            assigned_to_id=r.assigned_to_id,
            lead_status=stages[r.stage_id].name,
            lead_status_mark=stages[r.stage_id].mark,
            created_by=login(r.created_by_id) or "?",
            created_at=r.created_at,
            overdue_at=r.overdue_at,
            settled_at=r.settled_at,
            settled_by=login(r.settled_by_id),
        )
        for r in tx.conn.execute(query)
    ]


def of_lead(tx: ReadTx, lead_id: int) -> tuple[LoanRow, ...]:
    """The promises of a lead, the open one first, then the newest. The caller has checked the right to see them."""
    c = t.loan_commitment.c
    order = (case((c.status.in_(OPEN), 0), else_=1), c.id.desc())
    return tuple(rows(tx, c.lead_id == lead_id, order=order))


def totals(tx: ReadTx, where: ColumnElement[bool]) -> LoanTotals:
    """How many promises meet the condition, and their sums, in one statement."""
    c = t.loan_commitment.c
    late = and_(c.status.in_(OPEN), c.promised_clear_date < today(tx))
    sums = (
        func.count(),
        func.sum(c.amount_minor),
        func.sum(case((late, 1), else_=0)),
        func.sum(case((late, c.amount_minor), else_=0)),
    )
    found = tx.conn.execute(select(*sums).select_from(joined()).where(where)).one()
    return LoanTotals(*(int(one or 0) for one in found))
