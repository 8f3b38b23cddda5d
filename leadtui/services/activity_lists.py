"""Lists of activities by every scope of the sources (spec §G 68): kinds, done, to be done, late, by whom, recent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from leadtui.domain.activity_types import activity_type, outcome_of
from leadtui.domain.records import ActivityRow
from leadtui.errors import NotFound, UsageError
from leadtui.store import lead_detail
from leadtui.store import leads as lead_queries
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx

from . import follow_ups as f
from . import lead_writes as w
from .leads import as_filter
from .office import Office

SCOPES: tuple[str, ...] = (
    "scheduled",
    "completed",
    "pending",
    "overdue",
    "today",
    "upcoming",
    "cancelled",
)
_BY_TIME = frozenset({"scheduled", "overdue", "today", "upcoming"})
"""Scopes of a plan: the earliest first. All others: the newest first."""


def list_all(
    office: Office,
    scopes: Sequence[str] = (),
    *,
    types: Sequence[str] = (),
    ref: str | int | None = None,
    by: str | None = None,
    assigned: str | None = None,
    outcome: str | None = None,
    recent_days: int | None = None,
    where: str | None = None,
    batch: int | None = None,
    limit: int | None = 50,
    offset: int = 0,
) -> tuple[int, tuple[ActivityRow, ...]]:
    """Activities of leads in scope, with their count: newest first, by time where a scope speaks of a plan.

    Scopes (all of those given hold): scheduled (to be done, with a time) · completed · pending (neither done nor
    called off) · overdue (to be done, before today) · today (planned for today, done or not) · upcoming (to be done,
    after today) · cancelled. `by` is who wrote them, `assigned` who is to do them (a login, `me`, or `none`);
    `recent_days` those written within so many days. Raises UsageError, Invalid, NotFound, FilterError.
    """
    node = as_filter(office, where)
    with office.read() as tx:
        a = t.activity.c
        now = f.bounds(tx.catalog, tx.actor.user_id, tx.now)
        wanted: list[Any] = [lead_queries.condition(tx, node)]
        wanted += [_scope(scope, now) for scope in scopes]
        if types:
            wanted.append(a.type.in_([activity_type(one) for one in types]))
        if ref is not None:
            wanted.append(a.lead_id == w.resolve(tx, ref))
        if by is not None:
            wanted.append(a.created_by_id == _user(tx, by, "by"))
        if assigned is not None:
            nobody = assigned.strip().casefold() == "none"
            wanted.append(a.assigned_to_id.is_(None) if nobody else a.assigned_to_id == _user(tx, assigned, "assigned"))
        if outcome is not None:
            wanted.append(a.outcome == outcome_of(outcome))
        if recent_days is not None:
            wanted.append(a.created_at >= tx.now - timedelta(days=recent_days))
        if batch is not None:
            wanted.append(a.batch_id == batch)
        found = and_(*wanted)
        joined = t.activity.join(t.lead, t.lead.c.id == a.lead_id)
        total = int(tx.conn.execute(select(func.count()).select_from(joined).where(found)).scalar_one())
        order = (a.scheduled_at, a.id) if _BY_TIME & set(scopes) else ()
        return total, tuple(lead_detail.activities(tx, found, order=order, limit=limit, offset=offset))


def _scope(scope: str, now: f.Bounds) -> ColumnElement[bool]:
    a = t.activity.c
    match scope.strip().casefold():
        case "scheduled":
            return f.open_clause()
        case "completed":
            return a.completed_at.is_not(None)
        case "pending":
            return and_(a.completed_at.is_(None), a.cancelled_at.is_(None))
        case "overdue":
            return and_(f.open_clause(), f.overdue_clause(now))
        case "today":
            return and_(a.scheduled_at.is_not(None), a.cancelled_at.is_(None), f.today_clause(now))
        case "upcoming":
            return and_(f.open_clause(), f.upcoming_clause(now))
        case "cancelled":
            return a.cancelled_at.is_not(None)
        case _:
            raise UsageError(
                f"there are no '{scope[:40]}' activities", field="scope", hint="one of: " + ", ".join(SCOPES)
            )


def _user(tx: ReadTx, login: str, field: str) -> int:
    return tx.actor.user_id if login.strip().casefold() == "me" else tx.catalog.find_user(login, field=field).id


def get_activity(office: Office, activity_id: int) -> ActivityRow:
    """One activity. Raises NotFound, also for one of a lead out of scope."""
    with office.read() as tx:
        wanted = and_(t.activity.c.id == activity_id, lead_queries.condition(tx, None))
        found = lead_detail.activities(tx, wanted)
    if not found:
        raise no_activity(activity_id)
    return found[0]


def no_activity(activity_id: int) -> NotFound:
    """The same words for an activity that does not exist and one of a lead out of scope."""
    return NotFound(f"there is no activity {activity_id}", field="id", hint="see: leadtui activity list")
