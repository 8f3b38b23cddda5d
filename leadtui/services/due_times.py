"""Which open activities are due for reminding or escalating, as SQL, each by the clock of who is to do it.

Most users live by the office's clock and hours, so one comparison does for all of them; those with a zone or hours of
their own come as further terms. The earliest bound lets an index find the few rows that matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_

from leadtui.domain.catalog import Catalog, UserItem
from leadtui.domain.dates import day_bounds, local_day
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import follow_ups as f

LOOK_BACK_DAYS = 14
"""The last day somebody worked is looked for so far back."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What lies before is due: moments before `at`, whole days before `day`."""

    at: datetime
    day: datetime


def joined() -> Any:
    """The activities with their leads."""
    return t.activity.join(t.lead, t.lead.c.id == t.activity.c.lead_id)


def before(catalog: Catalog, cut_for: Callable[[UserItem | None], Cut]) -> ColumnElement[bool]:
    """Activities (joined with their leads) that lie before the cut of the user who is to do them."""
    a = t.activity.c
    who = func.coalesce(a.assigned_to_id, t.lead.c.assigned_to_id)
    office = cut_for(None)
    known: dict[tuple[str | None, str | None], Cut] = {(None, None): office}
    others: dict[Cut, list[int]] = {}
    for user in catalog.users:
        own = user.timezone or None, user.working_hours or None
        if user.is_active and own != (None, None):
            if own not in known:  # the cut depends on nothing else
                known[own] = cut_for(user)
            if known[own] != office:
                others.setdefault(known[own], []).append(user.id)
    latest = max(max(cut.at, cut.day) for cut in (office, *others))
    if not others:
        return and_(a.scheduled_at < latest, _lies_before(office))
    special = [user_id for ids in others.values() for user_id in ids]
    terms = [and_(who.in_(ids), _lies_before(cut)) for cut, ids in others.items()]
    terms.append(and_(or_(who.is_(None), who.not_in(special)), _lies_before(office)))
    return and_(a.scheduled_at < latest, or_(*terms))


def _lies_before(cut: Cut) -> ColumnElement[bool]:
    a = t.activity.c
    if cut.at == cut.day:
        return a.scheduled_at < cut.at
    return or_(and_(a.all_day.is_(False), a.scheduled_at < cut.at), and_(a.all_day.is_(True), a.scheduled_at < cut.day))


def reminder_cut(tx: ReadTx, user: UserItem | None) -> Cut:
    """Moments that have come, and the days whose work has begun for this user (the office's hours without one)."""
    now, catalog = tx.now, tx.catalog
    zone = catalog.zone_of(user.id) if user is not None and user.working_hours else catalog.tz
    today = local_day(now, zone)
    for back in range(LOOK_BACK_DAYS):
        day = today - timedelta(days=back)
        begin, end = day_bounds(day, zone)
        opening = f.working_time_for(tx, begin, assigned_to_id=user.id if user is not None else None)
        if opening < end and opening <= now:
            break
    return Cut(now + timedelta(microseconds=1), day_bounds(day, catalog.tz)[1])


def overdue_cut(tx: ReadTx, user: UserItem | None) -> Cut:
    """What is late: before today by the user's clock, or so many minutes ago (setting `escalate_after`)."""
    after = str(tx.catalog.settings.get("escalate_after", "day"))
    moment = tx.now - timedelta(minutes=int(after)) if after.isdigit() else tx.now
    today = f.bounds(tx.catalog, user.id if user is not None else None, moment)
    return Cut(moment if after.isdigit() else today.start, today.day_start)


def stages_where(catalog: Catalog, *flags: str) -> list[int]:
    """The ids of the statuses with any of these flags (`is_lost` …)."""
    return [stage.id for stage in catalog.stages if any(getattr(stage, flag) for flag in flags)]


def lock(tx: WriteTx, query: Select[Any], *, for_change: bool = False) -> list[Any]:
    """The rows of a query over activities and leads, both ours until the transaction ends; what others hold is left.

    Whoever writes an activity locks its lead first, so taking both at once, or neither, keeps two from waiting for each
    other. `for_change`: the lead itself is changed, too; a lock that grew later could meet another one that grows.
    (The limit of a statement that is not nested is kept, unlike that of one within IN: see store/claims.py.)
    """
    if not tx.is_sqlite:
        query = query.with_for_update(of=(t.activity, t.lead), skip_locked=True, key_share=not for_change)
    return list(tx.conn.execute(query).mappings())
