"""Reminders: what is due becomes a notice for the person who is to do it, once, and each of them deals with it.

`make_due` is a step of the routine. `activity.reminded_for` holds the time a reminder was made for: another time is
another occurrence, and an index finds the few activities without one among all others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from leadtui.domain.dates import day_bounds, local_day, parse_when
from leadtui.domain.records import NotificationRow
from leadtui.errors import Invalid, NotFound
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import fold

from . import due_times
from . import follow_ups as f
from .notifying import Notice, may_see, notify_many, supervisors_of

if TYPE_CHECKING:
    from .office import Office

REMINDER = "reminder"
DESKTOP = "desktop_notices"
"""The preference of a user who wants notices of the terminal's desktop (OSC 9), too."""

AT_ONCE = 100
"""So many reminders are made in one transaction."""

_GRACE = timedelta(days=1)
"""So long a follow-up of a lead that is out of reach (deleted, lost, parked) waits for it to come back."""


# -- making them: a step of the routine -------------------------------------------------------------------------------
def make_due(office: Office, *, limit: int = 100, may_go_on: Callable[[], bool] = lambda: True) -> int:
    """Remind of at most `limit` activities whose time has come, the earliest first; answers how many were looked at.

    A timed one is due at its time, a whole day when the person's working day begins. Who is to do it is told; where
    nobody is, or may not see the lead, those who could assign it. Not told: of leads that are deleted; of parked,
    converted and lost ones only what was planned since they are that.
    """
    with office.store.read() as tx:
        if tx.conn.execute(_due(tx, [t.activity.c.id]).limit(1)).first() is None:
            return 0
    done = 0
    while done < limit and may_go_on():
        with office.as_system() as tx:
            some = _remind(tx, min(AT_ONCE, limit - done))
        done += some
        if some < AT_ONCE:
            break
    return done


def waiting(tx: ReadTx) -> int:
    """How many reminders are due and not made yet."""
    return int(tx.conn.execute(select(func.count()).select_from(_due(tx, [t.activity.c.id]).subquery())).scalar_one())


def _due(tx: ReadTx, columns: Sequence[ColumnElement[Any]]) -> Any:
    a = t.activity.c
    return (
        select(*columns)
        .select_from(due_times.joined())
        .where(
            a.completed_at.is_(None),
            a.cancelled_at.is_(None),
            or_(a.reminded_for.is_(None), a.reminded_for != a.scheduled_at),  # as in the index
            due_times.before(tx.catalog, lambda user: due_times.reminder_cut(tx, user)),
            or_(_wanted(tx), a.scheduled_at < tx.now - _GRACE),
        )
    )


def _wanted(tx: ReadTx) -> ColumnElement[bool]:
    a, lead = t.activity.c, t.lead.c
    at_rest = due_times.stages_where(tx.catalog, "is_parked", "is_converted", "is_lost")
    return and_(
        lead.deleted_at.is_(None),
        or_(lead.stage_id.not_in(at_rest), a.updated_at >= lead.stage_changed_at),
    )


def _remind(tx: WriteTx, limit: int) -> int:
    a, lead = t.activity.c, t.lead.c
    columns = [
        a.id, a.lead_id, a.scheduled_at, a.created_at, a.subject, a.assigned_to_id.label("named_id"),
        lead.assigned_to_id, lead.manager_id, lead.branch_id, _wanted(tx).label("wanted"),
    ]  # fmt: skip
    rows = due_times.lock(tx, _due(tx, columns).order_by(a.scheduled_at, a.id).limit(limit))
    if not rows:
        return 0
    ids = [row["id"] for row in rows]
    tx.conn.execute(update(t.activity).where(a.id.in_(ids)).values(reminded_for=a.scheduled_at))
    notices = [
        Notice(user_id, REMINDER, occurrence(row["id"], row["scheduled_at"]), row["subject"], row["lead_id"], row["id"])
        for row in rows
        # What came in long after its time (an import) is late, and shown as that; nobody missed a reminder of it.
        if row["wanted"] and row["scheduled_at"] > row["created_at"] - _GRACE
        for user_id in _told(tx, row)
    ]
    n = t.notification.c
    of_another_time = (n.activity_id.in_(ids), n.kind == REMINDER, n.seen_at.is_(None))
    names = [occurrence(row["id"], row["scheduled_at"]) for row in rows]
    tx.conn.execute(update(t.notification).where(*of_another_time, n.occurrence.not_in(names)).values(seen_at=tx.now))
    notify_many(tx, notices)
    return len(rows)


def occurrence(activity_id: int, at: datetime) -> str:
    """What a reminder of this activity at this time is called."""
    return f"{REMINDER}:{activity_id}:{at:%Y%m%dT%H%M%S}"


def _told(tx: ReadTx, row: Mapping[Any, Any]) -> tuple[int, ...]:
    for user_id in (row["named_id"], row["assigned_to_id"]):
        if user_id is not None and may_see(tx.catalog, user_id, row):
            return (user_id,)
    return supervisors_of(tx, row)


# -- reading them -----------------------------------------------------------------------------------------------------
def meaningful() -> ColumnElement[bool]:
    """Notices that still mean something: a reminder no more when its activity is done, off, or at another time."""
    n, a = t.notification.c, t.activity.c
    still_due = and_(a.completed_at.is_(None), a.cancelled_at.is_(None), a.reminded_for == a.scheduled_at)
    return and_(
        or_(n.lead_id.is_(None), t.lead.c.deleted_at.is_(None)),
        or_(n.kind != REMINDER, n.activity_id.is_(None), still_due),
    )


def current(tx: ReadTx) -> ColumnElement[bool]:
    """Those of them that the acting user may see: of leads in scope, or of none."""
    return and_(meaningful(), or_(t.notification.c.lead_id.is_(None), scope_clause(tx.actor)))


def with_lead() -> Any:
    """Notices with their activity and lead, where they have them."""
    n = t.notification
    with_activity = n.outerjoin(t.activity, t.activity.c.id == n.c.activity_id)
    return with_activity.outerjoin(t.lead, t.lead.c.id == n.c.lead_id)


def _unseen(tx: ReadTx) -> ColumnElement[bool]:
    n = t.notification.c
    return and_(n.user_id == tx.actor.user_id, n.seen_at.is_(None), n.due_at <= tx.now, current(tx))


def mine(office: Office, *, limit: int = 200, seen: bool = False) -> tuple[NotificationRow, ...]:
    """What the acting user was told and has not dealt with, the newest first; with `seen` what he has, too."""
    n = t.notification.c
    with office.read() as tx:
        mine_at_all = and_(n.user_id == tx.actor.user_id, n.due_at <= tx.now, or_(n.seen_at.is_not(None), current(tx)))
        visible = or_(n.lead_id.is_(None), and_(t.lead.c.deleted_at.is_(None), scope_clause(tx.actor)))
        return rows(tx, and_(mine_at_all, visible) if seen else _unseen(tx), limit)


def rows(tx: ReadTx, where: ColumnElement[bool], limit: int) -> tuple[NotificationRow, ...]:
    """Notices by a condition over `with_lead()`, the newest first."""
    n, a, lead = t.notification.c, t.activity.c, t.lead.c
    columns = (
        n.id, n.kind, n.text, n.lead_id, n.activity_id, n.due_at, n.created_at, n.seen_at, n.snoozes, n.alerted_at,
        n.alert_error, lead.number, lead.name, lead.phone_e164, lead.phone_raw, a.scheduled_at, a.all_day,
    )  # fmt: skip
    query = select(*columns).select_from(with_lead()).where(where).order_by(n.due_at.desc(), n.id.desc()).limit(limit)
    today, hidden = f.bounds(tx.catalog, tx.actor.user_id, tx.now), tx.actor.hidden_fields
    return tuple(
        NotificationRow(
            id=r.id,
            kind=r.kind,
            text=r.text,
            lead_id=r.lead_id,
            lead_number=r.number,
            lead_name=None if "name" in hidden else r.name,
            phone=None if "phone" in hidden else r.phone_e164 or r.phone_raw,
            activity_id=r.activity_id,
            at=r.scheduled_at,
            all_day=bool(r.all_day),
            late=r.scheduled_at is not None and f.is_overdue(today, r.scheduled_at, r.all_day),
            due_at=r.due_at,
            created_at=r.created_at,
            seen_at=r.seen_at,
            snoozes=r.snoozes,
            alerted_at=r.alerted_at,
            alert_error=r.alert_error,
        )
        for r in tx.conn.execute(query)
    )


def unseen(office: Office) -> int:
    """How many notices wait for the acting user."""
    with office.read() as tx:
        query = select(func.count()).select_from(with_lead()).where(_unseen(tx))
        return int(tx.conn.execute(query).scalar_one())


# -- dealing with them ------------------------------------------------------------------------------------------------
def seen(office: Office, ids: Sequence[int] | None = None) -> int:
    """The acting user has dealt with these notices (None: with all that are due); answers how many were open.

    Raises NotFound where one is not his.
    """
    n = t.notification.c
    with office.write() as tx:
        mine_open = (n.user_id == tx.actor.user_id, n.seen_at.is_(None))
        if ids is None:
            done = update(t.notification).where(*mine_open, n.due_at <= tx.now).values(seen_at=tx.now)
            return int(tx.conn.execute(done).rowcount)
        wanted = sorted(set(ids))
        for one in wanted:
            _mine(tx, one)
        done = update(t.notification).where(*mine_open, n.id.in_(wanted)).values(seen_at=tx.now)
        return int(tx.conn.execute(done).rowcount)


def snooze(office: Office, notification_id: int, until: str) -> NotificationRow:
    """Show it again later: `10m`, `1h`, `tomorrow` (when the working day begins), or a time as typed.

    It is new then, also to those programs that showed it before. Raises NotFound, Invalid for a time that is not ahead.
    """
    n = t.notification.c
    with office.write() as tx:
        _mine(tx, notification_id)
        again = wake_time(tx, until)
        tx.conn.execute(
            update(t.notification)
            .where(n.id == notification_id)
            .values(due_at=again, seen_at=None, snoozes=n.snoozes + 1, alerted_at=None, alert_error=None)
        )
        return rows(tx, n.id == notification_id, 1)[0]


def _mine(tx: ReadTx, notification_id: int) -> None:
    n = t.notification.c
    found = select(n.id).where(n.id == notification_id, n.user_id == tx.actor.user_id)
    if not 0 < notification_id < 2**31 or tx.conn.execute(found).first() is None:
        raise NotFound(f"you have no notification {notification_id}", field="id", hint="leadtui notification list")


def wake_time(tx: ReadTx, text: str, *, field: str = "until") -> datetime:
    """When a snoozed notice comes back. Raises Invalid."""
    word = "".join(fold(text).split())
    number, unit = word[:-1], word[-1:]
    if number.isdigit() and unit in "mhd" and len(number) <= 4:
        step = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}[unit]
        again = tx.now + int(number) * step
    elif word in {"tomorrow", "morning"}:
        again = tomorrow_morning(tx)
    else:
        zone = tx.catalog.zone_of(tx.actor.user_id)
        when = parse_when(text, tz=zone, now=tx.now, field=field)
        again = f.working_time_for(tx, when.at, assigned_to_id=tx.actor.user_id) if when.all_day else when.at
    if again <= tx.now:
        raise Invalid("that time has passed already", field=field, hint="10m, 1h, tomorrow, or a time ahead")
    return again


def tomorrow_morning(tx: ReadTx) -> datetime:
    """When the acting user's next working day begins."""
    zone = tx.catalog.zone_of(tx.actor.user_id)
    _, end = day_bounds(local_day(tx.now, zone), zone)
    return f.working_time_for(tx, end, assigned_to_id=tx.actor.user_id)
