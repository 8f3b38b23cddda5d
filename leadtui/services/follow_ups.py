"""What is to be done, and when: lists of open follow-ups, and the smart time for the next one (spec §I, AG11, AG12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from leadtui.domain.catalog import Catalog
from leadtui.domain.dates import day_bounds, local_day
from leadtui.domain.follow_up_times import DELAYS, Delays, next_working, smart_time
from leadtui.domain.follow_up_words import words_for
from leadtui.domain.records import FollowUpRow
from leadtui.domain.working_hours import Holidays, QuietHours, WorkingHours
from leadtui.errors import UsageError
from leadtui.store import leads as lead_queries
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id

from . import lead_writes as w
from .office import Office

WHICH: tuple[str, ...] = ("all", "due", "overdue", "today", "upcoming")


# -- what "today" is --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where today begins and ends for a user (half-open, UTC): moments by his own clock, whole days by the office's."""

    day: date
    start: datetime
    end: datetime
    day_start: datetime
    day_end: datetime


def bounds(catalog: Catalog, user_id: int | None, now: datetime) -> Bounds:
    """Today as the user's days go: his own zone where he has one, else the office's (spec AG11)."""
    tz = catalog.zone_of(user_id)
    day = local_day(now, tz)
    return Bounds(day, *day_bounds(day, tz), *day_bounds(day, catalog.tz))


def open_clause() -> ColumnElement[bool]:
    """Activities still to be done (spec AG12)."""
    a = t.activity.c
    return and_(a.scheduled_at.is_not(None), a.completed_at.is_(None), a.cancelled_at.is_(None))


def _before(at: datetime, day_at: datetime) -> ColumnElement[bool]:
    """Scheduled before `at`, or as a whole day before `day_at`."""
    a = t.activity.c
    if at == day_at:
        return a.scheduled_at < at
    return or_(and_(a.all_day.is_(True), a.scheduled_at < day_at), and_(a.all_day.is_(False), a.scheduled_at < at))


def overdue_clause(b: Bounds) -> ColumnElement[bool]:
    """Scheduled before today."""
    return _before(b.start, b.day_start)


def due_clause(b: Bounds) -> ColumnElement[bool]:
    """Scheduled up to the end of today."""
    return _before(b.end, b.day_end)


def today_clause(b: Bounds) -> ColumnElement[bool]:
    """Scheduled for today."""
    return and_(due_clause(b), ~overdue_clause(b))


def upcoming_clause(b: Bounds) -> ColumnElement[bool]:
    """Scheduled after today."""
    return ~due_clause(b)


def is_overdue(b: Bounds, at: datetime, all_day: bool) -> bool:
    """Whether a follow-up lies before today."""
    return at < (b.day_start if all_day else b.start)


def is_due(b: Bounds, at: datetime, all_day: bool) -> bool:
    """Whether a follow-up lies before the end of today."""
    return at < (b.day_end if all_day else b.end)


# -- lists ------------------------------------------------------------------------------------------------------------


def list_open(
    office: Office,
    which: str = "all",
    *,
    mine: bool = False,
    user: str | None = None,
    where: str | None = None,
    batch: int | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[int, tuple[FollowUpRow, ...]]:
    """The open follow-ups of leads in scope, the earliest first, with their count.

    `which` is one of `WHICH`; `mine` those the acting user is to do, `user` (a login) those of somebody else: named in
    them, or named by nobody and the lead assigned to him. `where` narrows the leads; `batch` names the act that made
    them. Raises UsageError, Invalid,
    FilterError.
    """
    from .leads import as_filter

    node = as_filter(office, where)
    with office.read() as tx:
        now = bounds(tx.catalog, tx.actor.user_id, tx.now)
        wanted = [open_clause(), lead_queries.condition(tx, node), _which(which, now)]
        if mine or user is not None:
            wanted.append(done_by(tx.actor.user_id if mine else tx.catalog.find_user(user or "", field="user").id))
        if batch is not None:
            wanted.append(t.activity.c.batch_id == batch)
        found = and_(*wanted)
        joined = t.activity.join(t.lead, t.lead.c.id == t.activity.c.lead_id)
        total = int(tx.conn.execute(select(func.count()).select_from(joined).where(found)).scalar_one())
        return total, tuple(rows(tx, found, now, limit=limit, offset=offset))


def _which(which: str, now: Bounds) -> ColumnElement[bool]:
    match which:
        case "all":
            return open_clause()
        case "due":
            return due_clause(now)
        case "overdue":
            return overdue_clause(now)
        case "today":
            return today_clause(now)
        case "upcoming":
            return upcoming_clause(now)
        case _:
            raise UsageError(f"there are no '{which}' follow-ups", field="which", hint="one of: " + ", ".join(WHICH))


def done_by(user_id: int) -> ColumnElement[bool]:
    """Follow-ups that this user is to do: his, or nobody's on a lead of his."""
    a, lead = t.activity.c, t.lead.c
    return or_(a.assigned_to_id == user_id, and_(a.assigned_to_id.is_(None), lead.assigned_to_id == user_id))


def still_meant(catalog: Catalog) -> ColumnElement[bool]:
    """Follow-ups (with their leads) that somebody is still to do: of a lost lead only what was planned since."""
    lost = [stage.id for stage in catalog.stages if stage.is_lost]
    return or_(t.lead.c.stage_id.not_in(lost), t.activity.c.updated_at >= t.lead.c.stage_changed_at)


def rows(
    tx: ReadTx, where: ColumnElement[bool], now: Bounds, *, limit: int | None = None, offset: int = 0
) -> list[FollowUpRow]:
    """Follow-ups by a condition over `activity` and `lead`, the earliest first. The scope is the caller's to put in."""
    a, lead = t.activity.c, t.lead.c
    columns = (
        a.id, a.lead_id, lead.number, lead.name, lead.phone_e164, lead.phone_raw, a.type, a.scheduled_at, a.all_day,
        a.subject, a.description, a.context, a.priority, a.assigned_to_id, lead.assigned_to_id.label("owner_id"),
        lead.stage_id, lead.score, a.escalated_at,
    )  # fmt: skip
    query = select(*columns).join(t.lead, lead.id == a.lead_id).where(where).order_by(a.scheduled_at, a.id)
    if limit is not None:
        query = query.limit(limit).offset(offset)
    users, stages, hidden = tx.catalog.user_by_id, tx.catalog.stage_by_id, tx.actor.hidden_fields
    found = []
    for r in tx.conn.execute(query):
        who = users.get(r.assigned_to_id or r.owner_id or 0)
        stage = stages[r.stage_id]
        found.append(
            FollowUpRow(
                id=r.id,
                lead_id=r.lead_id,
                lead_number=r.number,
                lead_name=None if "name" in hidden else r.name,
                phone=None if "phone" in hidden else r.phone_e164 or r.phone_raw,
                type=r.type,
                at=r.scheduled_at,
                all_day=r.all_day,
                subject=r.subject,
                details=r.description,
                context=r.context,
                priority=r.priority,
                assigned_to_id=who.id if who else None,
                assigned_to=who.login if who else None,
                overdue=is_overdue(now, r.scheduled_at, r.all_day),
                status=stage.name,
                status_mark=stage.mark,
                score=None if "score" in hidden else r.score,
                escalated_at=r.escalated_at,
            )
        )
    return found


def counts(office: Office, *, mine: bool = False) -> dict[str, int]:
    """How many open follow-ups are overdue, for today, upcoming and due, in one statement."""
    with office.read() as tx:
        now = bounds(tx.catalog, tx.actor.user_id, tx.now)
        wanted = [open_clause(), t.lead.c.deleted_at.is_(None), scope_clause(tx.actor)]
        if mine:
            wanted.append(done_by(tx.actor.user_id))
        sums = [func.sum(case((clause, 1), else_=0)) for clause in (overdue_clause(now), due_clause(now))]
        query = select(func.count(), *sums).select_from(t.activity.join(t.lead, t.lead.c.id == t.activity.c.lead_id))
        every, overdue, due = (int(x or 0) for x in tx.conn.execute(query.where(*wanted)).one())
    return {"overdue": overdue, "today": due - overdue, "upcoming": every - due, "due": due}


# -- when the next one is ---------------------------------------------------------------------------------------------

_hours = lru_cache(maxsize=256)(WorkingHours.parse)
_holidays = lru_cache(maxsize=8)(Holidays.parse)
_quiet = lru_cache(maxsize=8)(QuietHours.parse)
_delays = lru_cache(maxsize=8)(Delays.parse)


def _working(catalog: Catalog, user_id: int | None) -> dict[str, Any]:
    """The hours in which a follow-up of this user may lie: his own by his own clock, else the office's."""
    user = catalog.user_by_id.get(user_id or 0)
    own = user is not None and user.working_hours
    return {
        "hours": _hours(str(own or catalog.settings.get("working_hours") or "")),
        "holidays": _holidays(str(catalog.settings.get("holidays") or "")),
        "quiet": _quiet(str(catalog.settings.get("quiet_hours") or "")),
        "tz": catalog.tz,
        "hours_tz": catalog.zone_of(user_id) if own else catalog.tz,
    }


def delays_of(catalog: Catalog) -> Delays:
    """The office's delays by context (setting `follow_up_delays`)."""
    return _delays(str(catalog.settings.get("follow_up_delays") or DELAYS))


def is_hot(catalog: Catalog, score: int | None) -> bool:
    """Whether a score is above the setting `score_hot` (spec AG35)."""
    return score is not None and score > int(catalog.settings.get("score_hot", 80))


def smart_time_for(
    tx: ReadTx, row: Mapping[Any, Any], context: str | None, *, assigned_to_id: int | None = None
) -> datetime:
    """When to contact this lead next in such a context (spec §I2, AJ3). `row` is the lead's."""
    return smart_time(
        tx.now,
        context=context,
        delays=delays_of(tx.catalog),
        score=row["score"],
        hot=int(tx.catalog.settings.get("score_hot", 80)),
        preferred_hour=row["preferred_hour"],
        **_working(tx.catalog, assigned_to_id or row["assigned_to_id"]),
    )


def smart_time_of(office: Office, ref: str | int, context: str | None = None) -> datetime:
    """When the rule would have this lead contacted next, for a look before it is set. Raises NotFound."""
    with office.read() as tx:
        return smart_time_for(tx, w.load(tx, w.resolve(tx, ref)), context)


def working_time_for(tx: ReadTx, at: datetime, *, assigned_to_id: int | None = None) -> datetime:
    """`at`, or the first moment after it in the working hours of the office (of the user who has his own)."""
    return next_working(at, **_working(tx.catalog, assigned_to_id))


def time_after(tx: ReadTx, row: Mapping[Any, Any], minutes: int) -> datetime:
    """So many minutes from now, moved into working hours."""
    return working_time_for(tx, tx.now + timedelta(minutes=minutes), assigned_to_id=row["assigned_to_id"])


def schedule_smart(
    tx: WriteTx,
    row: Mapping[Any, Any],
    context: str | None,
    *,
    subject: str | None = None,
    type: str = "follow_up",
    assigned_to_id: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    at: datetime | None = None,
    all_day: bool = False,
) -> tuple[int, datetime]:
    """Put the next follow-up on a locked lead: its time by rule (unless `at`), its words by context (spec §I2 84–87).

    Answers the activity's id and its time. The caller then keeps the lead's date with `lead_writes.next_follow_up`.
    """
    columns = smart_columns(tx, row, context, subject=subject, assigned_to_id=assigned_to_id, at=at, all_day=all_day)
    columns["metadata_json"] = {**(columns["metadata_json"] or {}), **(metadata or {})} or None
    tx.flush()  # the order of the timeline is the order of what was done
    activity_id = insert_id(
        tx.conn,
        t.activity,
        lead_id=row["id"],
        type=type,
        **columns,
        created_by_id=tx.actor.user_id,
        created_at=tx.now,
        updated_at=tx.now,
        batch_id=tx.batch_id,
    )
    return activity_id, columns["scheduled_at"]


def smart_columns(
    tx: ReadTx,
    row: Mapping[Any, Any],
    context: str | None,
    *,
    subject: str | None = None,
    assigned_to_id: int | None = None,
    at: datetime | None = None,
    all_day: bool = False,
) -> dict[str, Any]:
    """What a follow-up that the program makes says, and when it is: the columns of its activity."""
    who = assigned_to_id or row["assigned_to_id"]
    product = tx.catalog.product_by_id.get(row["product_id"] or 0)
    words = words_for(
        context,
        row["name"] or row["number"],
        product.name if product else row["product_interest"],
        row["priority"],
        hot=is_hot(tx.catalog, row["score"]),
    )
    return {
        "subject": (subject or words.title)[:255],
        "description": words.description if context else None,
        "scheduled_at": at or smart_time_for(tx, row, context, assigned_to_id=who),
        "completed_at": None,
        "all_day": all_day,
        "priority": words.priority,
        "context": context,
        "assigned_to_id": who or tx.actor.user_id,
        "metadata_json": {"suggested_actions": list(words.actions)} if context else None,
    }
