"""Who does what a rule asks for, who is told, and when (statuses, drips, triggers): the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from leadtui.domain.dates import day_bounds, local_day
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx

from . import follow_ups as f
from .notifying import may_see, supervisors_of


def time_of(
    tx: ReadTx,
    row: Mapping[Any, Any],
    *,
    delay_minutes: int | None,
    context: str | None,
    is_contact: bool,
    since: datetime,
    who: int | None,
) -> tuple[datetime, bool]:
    """When something is to be done with a lead (all columns), and whether as a whole day.

    By the delay from `since`, by the smart time of the context; a task with neither: today, or the next day of work.
    `is_contact`: a follow-up, which always has a time of day. Never past, always in working hours.
    """
    if delay_minutes is not None:
        at = max(since + timedelta(minutes=delay_minutes), tx.now)
        return f.working_time_for(tx, at, assigned_to_id=who), False
    if context is not None or is_contact:
        return f.smart_time_for(tx, row, context, assigned_to_id=who), False
    day = local_day(f.working_time_for(tx, tx.now, assigned_to_id=who), tx.catalog.tz)
    return day_bounds(day, tx.catalog.tz)[0], True


def who_does(tx: ReadTx, row: Mapping[Any, Any], to: str | None) -> int | None:
    """Who gets a task: the one named, if he may see the lead; else its assignee; None is the unassigned queue."""
    found = _named(tx, row, to)
    if len(found) > 1:
        found = (_least_busy(tx, found),)
    return found[0] if found else row["assigned_to_id"]


def to_tell(tx: ReadTx, row: Mapping[Any, Any], to: str | None) -> tuple[int, ...]:
    """Who is told: those named, else the assignee, else those who look after leads that nobody has."""
    found = _named(tx, row, to)
    if not found and may_see(tx.catalog, row["assigned_to_id"], row):
        found = (row["assigned_to_id"],)
    return found or supervisors_of(tx, row)


def _named(tx: ReadTx, row: Mapping[Any, Any], to: str | None) -> tuple[int, ...]:
    catalog = tx.catalog
    match to:
        case None | "assignee":
            return ()
        case "manager":
            return (row["manager_id"],) if may_see(catalog, row["manager_id"], row) else ()
        case "supervisors":
            return supervisors_of(tx, row)
    users = [u for u in catalog.users if u.is_active and to in (u.role, u.login) and may_see(catalog, u.id, row)]
    of_role = [u.id for u in users if u.login != to]
    if row["assigned_to_id"] in of_role:
        return (row["assigned_to_id"],)
    return tuple(u.id for u in users if u.login == to) or tuple(of_role)


def _least_busy(tx: ReadTx, ids: Sequence[int]) -> int:
    """Of several, who has the fewest things to do; of equals the lowest id."""
    a = t.activity.c
    query = (
        select(a.assigned_to_id, func.count())
        .where(a.assigned_to_id.in_(ids), f.open_clause())
        .group_by(a.assigned_to_id)
    )
    counted = {r[0]: r[1] for r in tx.conn.execute(query)}
    return min(ids, key=lambda i: (counted.get(i, 0), i))
