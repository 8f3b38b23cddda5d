"""Overdue follow-ups: passed on to a supervisor once, closed as replaced, and the next one made (spec §I3, AJ2).

S4 left the old task open, so that each run escalated it again; here one transaction marks it, closes it and makes the
next, under the lock of its lead. Parked, lost, converted and deleted leads are left alone (spec AG4); protected ones
are not, for protection keeps a lead from being deleted, not from being called.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from leadtui.background import log_exception
from leadtui.domain.dates import local_day
from leadtui.errors import LeadtuiError
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import due_times
from . import follow_ups as f
from . import lead_writes as w
from .notifying import Notice, may_see, notify_many, supervisors_of

if TYPE_CHECKING:
    from .office import Office

ESCALATION = "escalation"
CONTEXT = "overdue_followup"
ESCALATED = "escalated"
"""In the audit of a lead: which of its follow-ups was passed on."""

_LONG_S, _RESTRAINT = 0.02, 50
"""After a look in vain that took so long (seconds), the next one comes so many times as much later."""

_LOG = logging.getLogger("leadtui.escalation")
_not_before: dict[str, float] = {}


def step(office: Office, *, limit: int, may_go_on: Callable[[], bool]) -> int:
    """`process_overdue` as the routine calls it, every other second.

    Where thousands of closed leads keep old plans, a look in vain is long: then it is rare, too.
    """
    name, begun = office.store.name, monotonic()
    if begun < _not_before.get(name, 0.0):
        return 0
    done = process_overdue(office, limit=limit, may_go_on=may_go_on)
    took = monotonic() - begun
    _not_before[name] = 0.0 if done or took < _LONG_S else begun + _RESTRAINT * took
    return done


def process_overdue(office: Office, *, limit: int = 100, may_go_on: Callable[[], bool] = lambda: True) -> int:
    """Escalate at most `limit` overdue follow-ups, those that wait longest first; answers how many.

    Each in a transaction of its own. One that cannot be done is logged and does not hinder the others. May be called
    any number of times, by any number of processes.
    """
    done = 0
    failure: Exception | None = None
    for activity_id in _candidates(office, limit):
        if not may_go_on():
            break
        try:
            with office.as_system() as tx:
                done += _escalate(tx, activity_id)
        except LeadtuiError as error:
            _LOG.warning("the overdue activity %d was not escalated: %s", activity_id, error.message)
            failure = error
        except Exception as error:  # noqa: BLE001 - one of them must not keep all others waiting
            log_exception(error)
            failure = error
    if failure is not None and not done:
        raise failure
    return done


def waiting(tx: ReadTx) -> int:
    """How many follow-ups are overdue and not escalated yet."""
    query = select(func.count()).select_from(due_times.joined()).where(*_overdue(tx))
    return int(tx.conn.execute(query).scalar_one())


def _candidates(office: Office, limit: int) -> list[int]:
    a = t.activity.c
    with office.store.read() as tx:
        query = select(a.id).select_from(due_times.joined()).where(*_overdue(tx))
        return list(tx.conn.execute(query.order_by(a.scheduled_at, a.id).limit(limit)).scalars())


def _overdue(tx: ReadTx) -> tuple[Any, ...]:
    a, lead = t.activity.c, t.lead.c
    left_alone = due_times.stages_where(tx.catalog, "is_parked", "is_lost", "is_converted")
    return (
        f.open_clause(),
        a.escalated_at.is_(None),
        due_times.before(tx.catalog, lambda user: due_times.overdue_cut(tx, user)),
        lead.deleted_at.is_(None),
        lead.stage_id.not_in(left_alone),
    )


def _escalate(tx: WriteTx, activity_id: int) -> int:
    """One of them; 0 when another has done it, or holds it, or it is not overdue any more."""
    a = t.activity.c
    query = select(t.activity).select_from(due_times.joined()).where(a.id == activity_id, *_overdue(tx))
    found = due_times.lock(tx, query, for_change=True)
    if not found:
        return 0
    old = found[0]
    lead = w.load(tx, old["lead_id"])
    new_id = _plan_next(tx, old, lead)
    closed = {"escalated_at": tx.now, "cancelled_at": tx.now, "replaced_by_id": new_id}
    w.change_activity(tx, old, closed, "escalate")
    told = supervisors_of(tx, lead)
    words = _words(tx, old, lead)
    notify_many(
        tx,
        [
            Notice(user_id, ESCALATION, f"{ESCALATION}:{activity_id}", words, old["lead_id"], activity_id)
            for user_id in told
        ],
    )
    tx.flush()
    also = {"told": list(told), ESCALATED: activity_id}
    w.change(tx, lead, w.next_follow_up(tx, lead["id"]), "escalate", extra_after=also)
    return 1


def _plan_next(tx: WriteTx, old: Mapping[Any, Any], lead: Mapping[Any, Any]) -> int:
    """The follow-up that takes its place: the same thing to do, urgent, at the smart time (spec §I3)."""
    chain = _chain(old)
    who = next((one for one in (old["assigned_to_id"], lead["assigned_to_id"]) if may_see(tx.catalog, one, lead)), None)
    new_id, _ = f.schedule_smart(
        tx, lead, CONTEXT, subject=old["subject"], type=old["type"], assigned_to_id=who,
        metadata={"previous_activity": old["id"], "late_since": chain[0], "times_late": chain[1]},
    )  # fmt: skip
    kept: dict[str, Any] = {"assigned_to_id": who, "next_action": old["next_action"]}
    if old["description"]:
        kept["description"] = old["description"]
    tx.conn.execute(update(t.activity).where(t.activity.c.id == new_id).values(**kept))
    return new_id


def _chain(old: Mapping[Any, Any]) -> tuple[str, int]:
    """Since when the thing waits to be done, and how often it was late, this time counted."""
    known = old["metadata_json"] if isinstance(old["metadata_json"], Mapping) else {}
    since, times = known.get("late_since"), known.get("times_late")
    first = since if isinstance(since, str) else old["scheduled_at"].isoformat()
    return first, (times if isinstance(times, int) else 0) + 1


def _words(tx: ReadTx, old: Mapping[Any, Any], lead: Mapping[Any, Any]) -> str:
    users = tx.catalog.user_by_id
    who = users.get(old["assigned_to_id"] or lead["assigned_to_id"] or 0)
    since, times = _chain(old)
    late = tx.now - type(tx.now).fromisoformat(since)
    days = (local_day(tx.now, tx.catalog.tz) - local_day(type(tx.now).fromisoformat(since), tx.catalog.tz)).days
    if days >= 1:
        age = f"{days} day{'s' if days != 1 else ''} late"
    else:
        minutes = max(1, late // timedelta(minutes=1))
        age = f"{minutes} min late" if minutes < 120 else f"{minutes // 60} hours late"
    again = f", {times} times" if times > 1 else ""
    told = f" ({who.login if who is not None else 'nobody assigned'}, {age}{again})"
    return f"{old['subject'][: 255 - len(told)]}{told}"
