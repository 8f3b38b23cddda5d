"""Notices that nobody looks at any more: forgotten some months after they were dealt with, or stopped to mean anything.

What makes a notice does not go by the notices that are there (`activity.reminded_for`, `escalated_at`, the status of a
promise, a run of the day), so none that is forgotten comes again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, or_, select

from leadtui.domain.dates import local_day
from leadtui.store import schema as t

from . import job_runs, reminders

if TYPE_CHECKING:
    from .office import Office

JOB = "notices.forget"
KEPT = timedelta(days=90)
"""So long what was dealt with can still be read (`notification list --all`)."""

_PART = 500


def forget(office: Office, *, limit: int, may_go_on: Callable[[], bool]) -> int:
    """Once a day forget what is older; answers how many. A step of the routine."""
    with office.store.read() as tx:
        day = local_day(tx.now, tx.catalog.tz)
    return job_runs.in_parts(office, JOB, day.isoformat(), _part, limit=min(limit, _PART), may_go_on=may_go_on)


def _part(office: Office, *, limit: int, may_go_on: Callable[[], bool]) -> int:
    """One short transaction."""
    n = t.notification.c
    with office.store.read() as tx:
        old = (n.due_at < tx.now - KEPT, or_(n.seen_at < tx.now - KEPT, n.seen_at.is_(None) & ~reminders.meaningful()))
        query = select(n.id).select_from(reminders.with_lead()).where(*old).order_by(n.id).limit(limit)
        ids = list(tx.conn.execute(query).scalars())
    if not ids or not may_go_on():
        return 0
    with office.as_system() as tx:  # what was snoozed meanwhile is not old any more
        gone = delete(t.notification).where(n.id.in_(ids), n.due_at < tx.now - KEPT)
        return int(tx.conn.execute(gone).rowcount)
