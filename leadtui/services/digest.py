"""The morning digest: what a person has to do today, once for each of their days, as a notice and to alert addresses.

Nobody who has nothing to do hears anything, nor anybody on a day without work. After a morning without a running
program the digest still comes, until noon; later it would tell of a day that is over.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select, update

from leadtui.domain.catalog import Catalog, UserItem
from leadtui.domain.dates import day_bounds, local_day
from leadtui.domain.records import FollowUpRow
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import due_times, job_runs
from . import follow_ups as f
from .notifying import notify
from .today import missed_clause

if TYPE_CHECKING:
    from .office import Office

DIGEST = "digest"
WITHIN = timedelta(hours=5)
"""So late after its time a digest still comes."""

_MOST_LINES = 10


def morning(office: Office, *, limit: int, may_go_on: Callable[[], bool]) -> int:
    """Make the digests whose time has come (setting `digest_at`, empty: never); answers how many were looked at.

    A step of the routine.
    """
    done = 0
    for day, people in _mornings(office).items():
        made = job_runs.done_of(office, DIGEST, f"{day}/")
        for user in people:
            name = f"{day}/{user.login}"[:60]
            if name in made:
                continue
            if done >= limit or not may_go_on():
                return done
            done += job_runs.once(office, DIGEST, name, partial(_digest, user_id=user.id, day=day))
    return done


def _mornings(office: Office) -> dict[date, list[UserItem]]:
    """Whose morning is on, by their day; nothing is read but the catalogue."""
    with office.store.read() as tx:
        catalog = tx.catalog
        at = str(catalog.settings.get("digest_at") or "")
        found: dict[date, list[UserItem]] = {}
        for user in catalog.users if at else ():
            day = job_runs.day_of(tx.now, catalog.zone_of(user.id), at, WITHIN) if user.is_active else None
            if day is not None:
                found.setdefault(day, []).append(user)
        return found


def _works_on(tx: ReadTx, user: UserItem, day: date) -> bool:
    begin, end = day_bounds(day, _zone_of_hours(tx.catalog, user))
    return f.working_time_for(tx, begin, assigned_to_id=user.id) < end


def _zone_of_hours(catalog: Catalog, user: UserItem) -> ZoneInfo:
    return catalog.zone_of(user.id) if user.working_hours else catalog.tz


def _digest(tx: WriteTx, *, user_id: int, day: date) -> dict[str, Any]:
    """One person's, in the transaction that says it is made."""
    user = tx.catalog.user_by_id[user_id]
    if not _works_on(tx, user, day):
        return {"day_off": 1}
    counted = _counts(ReadTx(tx.conn, tx.catalog, tx.now, tx.catalog.actor_for(user)))
    text = _words(counted)
    if text:
        n = t.notification.c
        older = (n.user_id == user_id, n.kind == DIGEST, n.seen_at.is_(None))
        tx.conn.execute(update(t.notification).where(*older).values(seen_at=tx.now))
        notify(tx, user_id, DIGEST, f"{DIGEST}:{day}", text)
    return counted


def _words(counted: dict[str, int]) -> str:
    promises = "promise due" if counted["promises"] == 1 else "promises due"
    parts = [
        f"{counted[key]} {words}"
        for key, words in (
            ("overdue", "overdue"), ("missed", "missed and planned anew"), ("today", "for today"),
            ("promises", promises),
        )
        if counted[key]
    ]  # fmt: skip
    return "Today: " + ", ".join(parts) if parts else ""


def _mine(tx: ReadTx) -> Any:
    """Open follow-ups that this person is to do."""
    return and_(
        f.open_clause(), f.done_by(tx.actor.user_id), f.still_meant(tx.catalog), scope_clause(tx.actor),
        t.lead.c.deleted_at.is_(None),
    )  # fmt: skip


def _counts(tx: ReadTx) -> dict[str, int]:
    bounds = f.bounds(tx.catalog, tx.actor.user_id, tx.now)

    def count(clause: Any) -> int:
        query = select(func.count()).select_from(due_times.joined()).where(_mine(tx), clause)
        return int(tx.conn.execute(query).scalar_one())

    return {
        "overdue": count(f.overdue_clause(bounds)), "missed": count(missed_clause(bounds)),
        "today": count(f.today_clause(bounds)), "promises": _promises(tx),
    }  # fmt: skip


def _promises(tx: ReadTx) -> int:
    """Loan promises of this person's leads that are due by today."""
    loan, lead = t.loan_commitment.c, t.lead.c
    joined = t.loan_commitment.join(t.lead, lead.id == loan.lead_id)
    due = or_(loan.status == "overdue", loan.promised_clear_date <= local_day(tx.now, tx.catalog.tz))
    query = (
        select(func.count())
        .select_from(joined)
        .where(
            loan.status.in_(("pending", "overdue")), due, lead.deleted_at.is_(None),
            lead.assigned_to_id == tx.actor.user_id, scope_clause(tx.actor),
        )
    )  # fmt: skip
    return int(tx.conn.execute(query).scalar_one())


def digest_lines(tx: ReadTx) -> list[str]:
    """What the acting user has to do today, the earliest first, for a message to read on the way to work."""
    bounds = f.bounds(tx.catalog, tx.actor.user_id, tx.now)
    zone = tx.catalog.zone_of(tx.actor.user_id)
    wanted = or_(f.due_clause(bounds), missed_clause(bounds))
    found = f.rows(tx, and_(_mine(tx), wanted), bounds, limit=_MOST_LINES + 1)

    def when(row: FollowUpRow) -> str:
        if row.overdue:
            return "late"
        if not f.is_due(bounds, row.at, row.all_day):
            return "missed"
        return "today" if row.all_day else row.at.astimezone(zone).strftime("%H:%M")

    lines = [f"{when(row)}  {row.title}: {row.subject}" for row in found[:_MOST_LINES]]
    return [*lines, "…"] if len(found) > _MOST_LINES else lines
