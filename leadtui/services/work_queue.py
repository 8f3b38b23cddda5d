"""Work mode: which lead comes next, why now, and that two people are not on the same lead at once.

A lead somebody has before him is noted as a lease of some minutes (table `lease`, kind `lead`): no lock, only a sign
for the others' queues. Whoever stops or goes on to the next lead gives it back; a program that died lets it run out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, false, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from leadtui.domain.dates import local_day
from leadtui.domain.records import ActivityRow, LeadDetail
from leadtui.domain.today import follow_up_reason, moment_words, rotting_reason
from leadtui.errors import NotFound
from leadtui.store import lead_detail
from leadtui.store import leads as lead_queries
from leadtui.store import schema as t
from leadtui.store.claims import moment
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import follow_ups as f
from . import lead_writes as w
from . import quick_log
from .leads import as_filter
from .office import Office
from .today import lead_clauses

HELD = timedelta(minutes=10)
"""So long others are kept from a lead that somebody has before him."""
_KIND = "lead"
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Queue:
    """What is worked through: the day of somebody (`whose`: mine, team, all), or what a filter finds."""

    where: str | None = None
    whose: str = "mine"


@dataclass(frozen=True, slots=True)
class Card:
    """A lead to be called now: everything about it, why now, and the outcomes as they would be written."""

    detail: LeadDetail
    reason: str
    due: ActivityRow | None
    offers: tuple[quick_log.Offer, ...]
    suggested: str = ""
    """When to call again if the lead names no time, as it would be typed: the next working day, at its best hour."""

    @property
    def lead_id(self) -> int:
        """The lead's id."""
        return self.detail.row.id


def next(office: Office, queue: Queue, *, after: Collection[int] = (), keep: Collection[int] = ()) -> Card | None:
    """The next lead of the queue that nobody else has before him, noted as ours; None at the end.

    First what is overdue, then what is due now, then the rest; in each the hot and the urgent ones before the others.
    `after` are leads that had their turn, `keep` those still before us (the others are given back).
    Raises FilterError, NotPermitted.
    """
    with office.read() as tx:
        ids = _candidates(tx, office, queue, after, limit=_TRIES)
    if not ids:
        return None
    with office.write() as tx:
        _give_back(tx, keep)
        found = _hold(tx, ids, keep)
    while found is not None:
        try:
            return card(office, found)
        except NotFound:  # deleted, or given to somebody else, a moment ago
            after = {*after, found}
            return next(office, queue, after=after, keep=keep)
    return None


def count(office: Office, queue: Queue, *, after: Collection[int] = ()) -> int:
    """How many leads the queue holds."""
    with office.read() as tx:
        total = 0
        for wanted in _parts(tx, office, queue):
            query = select(func.count()).select_from(t.lead).where(wanted, *_not_yet(after))
            total += int(tx.conn.execute(query).scalar_one())
        return total


def card(office: Office, lead_id: int) -> Card:
    """A lead as work mode shows it. Raises NotFound."""
    with office.read() as tx:
        detail = lead_detail.detail(tx, w.resolve(tx, lead_id))
        reason, due = _reason(tx, detail)
        suggested = _suggested(tx, detail)
    return Card(detail, reason, due, quick_log.offers(office, lead_id), suggested)


def release(office: Office) -> None:
    """Give back every lead that is noted as before the acting user."""
    with office.write() as tx:
        _give_back(tx, ())


def _suggested(tx: ReadTx, detail: LeadDetail) -> str:
    hour = detail.fields.get("preferred_hour")
    tomorrow = local_day(tx.now, tx.catalog.tz) + timedelta(days=1)
    wanted = datetime.combine(tomorrow, time(10 if hour is None else hour), tzinfo=tx.catalog.tz)
    at = f.working_time_for(tx, wanted.astimezone(UTC), assigned_to_id=detail.row.assigned_to_id)
    return f"{at.astimezone(tx.catalog.tz):%Y-%m-%d %H:%M}"


# -- which ------------------------------------------------------------------------------------------------------------


def _not_yet(after: Collection[int]) -> list[ColumnElement[bool]]:
    return [t.lead.c.id.not_in(list(after))] if after else []


def _parts(tx: ReadTx, office: Office, queue: Queue) -> list[ColumnElement[bool]]:
    """The conditions of the queue, one after the other; no lead is in two of them."""
    may_log = scope_clause(tx.actor, "log")
    if queue.where is not None:
        done = [s.id for s in tx.catalog.stages if s.is_converted]
        found = lead_queries.condition(tx, as_filter(office, queue.where))
        return [and_(found, may_log, t.lead.c.stage_id.not_in(done) if done else ~false())]
    clauses = lead_clauses(tx, queue.whose)
    due = t.lead.c.id.in_(clauses.due_lead_ids)
    return [
        and_(due, clauses.live, may_log),
        and_(t.lead.c.id.in_(clauses.missed_lead_ids), ~due, clauses.live, may_log),
        and_(clauses.untouched, clauses.live, may_log),
        and_(clauses.rotting, clauses.live, may_log),
    ]


def _candidates(tx: ReadTx, office: Office, queue: Queue, after: Collection[int], limit: int) -> list[int]:
    others = _held_by_others(tx)
    for wanted in _parts(tx, office, queue):
        query = select(t.lead.c.id).where(wanted, *_not_yet({*after, *others})).order_by(*_order(tx)).limit(limit)
        if ids := list(tx.conn.execute(query).scalars()):
            return ids
    return []


def _order(tx: ReadTx) -> Sequence[Any]:
    """Overdue, due now, the rest; within each the hot and the urgent, then those that wait longest."""
    lead, b = t.lead.c, f.bounds(tx.catalog, tx.actor.user_id, tx.now)
    at, whole = lead.next_follow_up_at, lead.next_follow_up_all_day
    overdue = or_(and_(whole.is_(True), at < b.day_start), and_(whole.is_(False), at < b.start))
    due = or_(and_(whole.is_(True), at < b.day_end), and_(whole.is_(False), at <= tx.now))
    hot = int(tx.catalog.settings.get("score_hot", 80))
    urgent = or_(lead.score > hot, lead.priority.in_(["high", "urgent"]))
    planned = case((at.is_(None), 3), else_=2)
    return (
        case((overdue, 0), (due, 1), else_=planned),
        case((urgent, 0), else_=1),
        func.coalesce(at, lead.created_at),
        lead.id,
    )


# -- who is on it -----------------------------------------------------------------------------------------------------


def _name(lead_id: int) -> str:
    return f"{_KIND}:{lead_id}"


def _holder(tx: ReadTx) -> str:
    return f"user:{tx.actor.user_id}"


def _held_by_others(tx: ReadTx) -> set[int]:
    lease = t.lease.c
    query = select(lease.name).where(lease.kind == _KIND, lease.until > moment(tx), lease.holder != _holder(tx))
    return {int(name.partition(":")[2]) for name in tx.conn.execute(query).scalars()}


def _give_back(tx: WriteTx, keep: Collection[int]) -> None:
    """Our other leads, and what ran out a long time ago."""
    lease = t.lease.c
    ours = and_(lease.holder == _holder(tx), lease.name.not_in([_name(i) for i in keep]))
    tx.conn.execute(delete(t.lease).where(lease.kind == _KIND, or_(ours, lease.until < moment(tx))))


def _hold(tx: WriteTx, ids: Sequence[int], keep: Collection[int]) -> int | None:
    """The first of these leads that nobody else holds, now noted as ours; those we keep are noted anew."""
    for lead_id in keep:
        _note(tx, lead_id)
    return _first(tx, ids)


def _first(tx: WriteTx, ids: Sequence[int]) -> int | None:
    for lead_id in ids:
        if _note(tx, lead_id):
            return lead_id
    return None


def _note(tx: WriteTx, lead_id: int) -> bool:
    """Note a lead as ours unless somebody else has it; in one statement, so that one of two wins."""
    now = moment(tx)
    lease = t.lease.c
    insert: Any = sqlite.insert(t.lease) if tx.is_sqlite else postgresql.insert(t.lease)
    values = {"name": _name(lead_id), "holder": _holder(tx), "kind": _KIND, "token": 0, "until": now + HELD}
    statement = insert.values(values).on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": values["holder"], "until": values["until"]},
        where=or_(lease.holder == _holder(tx), lease.until <= now),
    )
    return tx.conn.execute(statement.returning(lease.name)).first() is not None


# -- why now ----------------------------------------------------------------------------------------------------------


def _reason(tx: ReadTx, detail: LeadDetail) -> tuple[str, ActivityRow | None]:
    """Why this lead comes now, and the activity that is to be done."""
    row, now, tz = detail.row, tx.now, tx.catalog.zone_of(tx.actor.user_id)
    due = detail.follow_ups[0] if detail.follow_ups else None
    if due is not None and due.scheduled_at is not None:
        since = due.metadata.get("late_since")
        late = datetime.fromisoformat(since) if isinstance(since, str) else None
        return follow_up_reason(due.type, due.scheduled_at, due.all_day, due.subject, now, tz, late), due
    if row.next_follow_up is not None:
        return follow_up_reason("follow_up", row.next_follow_up, row.next_follow_up_all_day, "", now, tz), None
    stage, since = tx.catalog.stage_by_id[row.stage_id], detail.fields.get("stage_changed_at")
    if detail.fields.get("last_activity_at") is None:
        source = f" from {row.source}" if row.source else ""
        return f"came in {moment_words(row.created_at, False, now, tz)}{source}; nobody has made contact", None
    if stage.sla_hours and isinstance(since, datetime) and now - since > timedelta(hours=stage.sla_hours):
        return rotting_reason(stage.name, since, stage.sla_hours, now), None
    return "nothing is planned with this lead", None
