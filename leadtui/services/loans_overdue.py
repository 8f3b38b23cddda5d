"""Promises whose day has passed become overdue, once, and those concerned are told (spec §N 121, AJ22).

Which day it is the office's clock says, so any hour and any number of processes give the same answer: a row is pending
and its day is past, or there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, func, select, update

from leadtui.domain.loans import OVERDUE, PENDING, day_words
from leadtui.errors import NotPermitted
from leadtui.store import loans as queries
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import job_runs
from . import lead_writes as w
from .notifying import Notice, may_see, notify_many, supervisors_of

if TYPE_CHECKING:
    from .office import Office

JOB = "loans.overdue"
COLLECTIONS = "collections"
"""The role whose people are told of every promise that is not kept (spec AI12)."""
_PART = 50
"""So many rows go in one transaction."""


def occurrence(loan_id: int, day: date) -> str:
    """What a notice about a promise is unique by."""
    return f"loan:{loan_id}:{day.isoformat()}"


def mark_overdue(office: Office, *, dry_run: bool = False) -> int:
    """Mark every pending promise whose day has passed, whoever's it is; answers how many. Safe to repeat.

    The machine does it, so it is not bounded by the actor's scope; asked for by whoever manages loans or configures the
    office. Raises NotPermitted.
    """
    with office.read() as tx:
        if not (tx.actor.may("loans") or tx.actor.may("config")):
            raise NotPermitted("you may not manage loans", hint=f"the role '{tx.actor.role}' does not permit it")
        if dry_run:
            return late_count(tx)
    total = 0
    while did := _part(office, limit=_PART):
        total += did
    return total


def step(office: Office, *, limit: int, may_go_on: Callable[[], bool]) -> int:
    """The routine's: the run of the day, noted once, then whatever came in later with a day that had passed."""
    with office.store.read() as tx:
        day, late = queries.today(tx), _find(tx, 1)
    done = job_runs.in_parts(office, JOB, day.isoformat(), _parts, limit=limit, may_go_on=may_go_on)
    return done or (_parts(office, limit=limit, may_go_on=may_go_on) if late else 0)


def late_count(tx: ReadTx) -> int:
    """How many promises are past their day and not marked yet."""
    return int(tx.conn.execute(select(func.count()).select_from(t.loan_commitment).where(_late(tx))).scalar_one())


def _parts(office: Office, *, limit: int, may_go_on: Callable[[], bool]) -> int:
    total = 0
    while total < limit and may_go_on():
        did = _part(office, limit=min(_PART, limit - total))
        total += did
        if not did:
            break
    return total


def _late(tx: ReadTx) -> ColumnElement[bool]:
    c = t.loan_commitment.c
    return and_(c.status == PENDING, c.promised_clear_date < queries.today(tx))


def _find(tx: ReadTx, limit: int) -> list[int]:
    c = t.loan_commitment.c
    query = select(c.id).where(_late(tx)).order_by(c.promised_clear_date, c.id).limit(limit)
    return list(tx.conn.execute(query).scalars())


def _part(office: Office, *, limit: int) -> int:
    """One transaction: claim, mark, write it down, tell. 0 when nothing is left that nobody else holds."""
    with office.store.read() as tx:
        if not _find(tx, 1):
            return 0
    with office.as_system() as tx:
        found = _claim(tx, limit)
        if not found:
            return 0
        c = t.loan_commitment.c
        tx.conn.execute(
            update(t.loan_commitment)
            .where(c.id.in_([one["id"] for one in found]))
            .values(status=OVERDUE, overdue_at=tx.now, updated_at=tx.now)
        )
        notices: list[Notice] = []
        for one in found:
            before = {"status": PENDING, "overdue_at": one["overdue_at"], "updated_at": one["updated_at"]}
            after = {"status": OVERDUE, "overdue_at": tx.now, "updated_at": tx.now}
            tx.audit(OVERDUE, "loan_commitment", one["id"], before, after)
            if one["deleted_at"] is not None:
                continue
            words = f"not cleared by {day_words(one['promised_clear_date'])}"
            w.add_activity(tx, one["lead_id"], "loan", words)
            key = occurrence(one["id"], one["promised_clear_date"])
            notices += [Notice(user_id, "loan", key, f"loan {words}", one["lead_id"]) for user_id in _told(tx, one)]
        notify_many(tx, notices)
        return len(found)


def _claim(tx: WriteTx, limit: int) -> list[Mapping[Any, Any]]:
    """Late promises with their leads, ours until the transaction ends; what others hold is passed over.

    Whoever changes a promise locks its lead first: taking both at once, or neither, keeps two from waiting for each
    other.
    """
    c, lead = t.loan_commitment.c, t.lead.c
    query = (
        select(
            c.id, c.lead_id, c.promised_clear_date, c.overdue_at, c.updated_at, lead.assigned_to_id, lead.manager_id,
            lead.branch_id, lead.deleted_at,
        )
        .select_from(queries.joined())
        .where(_late(tx))
        .order_by(c.promised_clear_date, c.id)
        .limit(limit)
    )  # fmt: skip
    if not tx.is_sqlite:
        query = query.with_for_update(of=(t.loan_commitment, t.lead), skip_locked=True, key_share=True)
    return list(tx.conn.execute(query).mappings())


def _told(tx: ReadTx, lead: Mapping[Any, Any]) -> list[int]:
    """Its assignee and the people of collections who may see the lead; a supervisor when there is nobody."""
    cat = tx.catalog
    people = [user.id for user in cat.users if user.role == COLLECTIONS and user.is_active]
    everybody = dict.fromkeys((lead["assigned_to_id"], *people))
    told = [user_id for user_id in everybody if user_id is not None and may_see(cat, user_id, lead)]
    return told or list(supervisors_of(tx, lead))
