"""Follow-ups as a calendar file that a phone or a mail program subscribes to (spec §I, facts/messaging §6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select

from leadtui.domain.dates import local_day
from leadtui.store import leads as lead_queries
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx

from . import follow_ups as f
from . import lead_writes as w
from .office import Office

if TYPE_CHECKING:
    from icalendar import Event

KEPT: Final = timedelta(days=30)
"""What was done or called off stays in the file so long, so that a subscribed calendar learns of it."""
LENGTH: Final = timedelta(minutes=15)
"""How long an entry with a time lies in the calendar."""
BEFORE: Final = timedelta(minutes=-10)
"""When a calendar reminds of an entry with a time, and of a whole day."""
MORNING: Final = timedelta(hours=9)
_CHUNK: Final = 5_000
_PRIORITY: Final = {"high": 1, "medium": 5, "low": 9}


def export(office: Office, *, user: str | None = None, mine: bool = False) -> bytes:
    """The follow-ups to be done, and those settled in the last 30 days, as iCalendar (RFC 5545).

    `mine` are those the acting user is to do: everybody may have his own. Those of others, of one `user` or of all,
    need the right to export; without a choice all that may be exported, else one's own. An entry keeps its UID for
    ever; SEQUENCE grows with every change; what was called off is CANCELLED, what was done is ticked and no longer
    rings. The same follow-ups give the same bytes. Raises NotPermitted, Invalid.
    """
    with office.read() as tx:
        own = mine or (user is None and not tx.actor.may("export"))
        if not own:
            w.require(tx, "export")
        who = tx.actor.user_id if own else tx.catalog.find_user(user, field="user").id if user else None
        found = _entries(tx, who, "read" if own else "export")
        changes = _changes(tx, [r.id for r in found])
        name = tx.catalog.user_by_id[who].name if who is not None else None
        return _calendar(tx, found, changes, f"Follow-ups: {name}" if name else "Follow-ups")


def _entries(tx: ReadTx, user_id: int | None, action: str) -> Sequence[Any]:
    a, lead = t.activity.c, t.lead.c
    since = tx.now - KEPT
    settled = or_(a.cancelled_at >= since, and_(a.completed_at >= since, a.completed_at != a.scheduled_at))
    wanted: list[ColumnElement[bool]] = [
        a.scheduled_at.is_not(None),
        or_(f.open_clause(), settled),
        lead_queries.condition(tx, None),
    ]
    if action != "read":
        wanted.append(lead_queries.condition(tx, None, action=action))
    if user_id is not None:
        wanted.append(f.done_by(user_id))
    columns = (
        a.id, a.type, a.subject, a.description, a.scheduled_at, a.all_day, a.completed_at, a.cancelled_at, a.priority,
        a.created_at, a.updated_at, lead.number, lead.name, lead.phone_e164, lead.location, lead.unit_number,
        lead.stage_id,
    )  # fmt: skip
    query = select(*columns).join(t.lead, lead.id == a.lead_id).where(*wanted).order_by(a.scheduled_at, a.id)
    return tx.conn.execute(query).all()


def _changes(tx: ReadTx, ids: Sequence[int]) -> dict[int, int]:
    """How often each was moved, done, called off or put back: the SEQUENCE of its entry."""
    a = t.audit.c
    found: dict[int, int] = {}
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        query = select(a.entity_id, func.count()).where(a.entity == "activity", a.entity_id.in_(chunk))
        found |= {int(r[0]): int(r[1]) for r in tx.conn.execute(query.group_by(a.entity_id))}
    return found


def _calendar(tx: ReadTx, found: Sequence[Any], changes: dict[int, int], name: str) -> bytes:
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", "-//leadtui//follow-ups//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("x-published-ttl", "PT15M")
    calendar.add("refresh-interval", timedelta(minutes=15), parameters={"VALUE": "DURATION"})
    for r in found:
        calendar.add_component(_event(tx, r, changes.get(r.id, 0)))
    data: bytes = calendar.to_ical()
    return data


def _event(tx: ReadTx, r: Any, sequence: int) -> Event:
    from icalendar import Alarm, Event

    hidden = tx.actor.hidden_fields
    title = next((x for key, x in (("name", r.name), ("phone", r.phone_e164)) if x and key not in hidden), r.number)
    event = Event()
    event.add("uid", f"activity-{r.id}@{tx.catalog.office_id or 'office'}.leadtui")
    event.add("dtstamp", r.updated_at)
    event.add("created", r.created_at)
    event.add("last-modified", r.updated_at)
    event.add("sequence", sequence)
    _put_time(event, r.scheduled_at, r.all_day, tx.catalog.tz)
    summary = f"{r.subject}: {title}"
    event.add("summary", f"✓ {summary}" if r.completed_at else summary)
    event.add("description", _description(tx, r, hidden))
    place = ", ".join(
        x for key, x in (("unit_number", r.unit_number), ("location", r.location)) if x and key not in hidden
    )
    if place:
        event.add("location", place)
    event.add("categories", [r.type.replace("_", " ")])
    if r.priority in _PRIORITY:
        event.add("priority", _PRIORITY[r.priority])
    event.add("status", "CANCELLED" if r.cancelled_at else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if r.all_day or r.completed_at or r.cancelled_at else "OPAQUE")
    if not r.completed_at and not r.cancelled_at:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", summary)
        alarm.add("trigger", MORNING if r.all_day else BEFORE)
        event.add_component(alarm)
    return event


def _put_time(event: Event, at: datetime, all_day: bool, tz: ZoneInfo) -> None:
    """A day of the office as DATE, a moment in UTC."""
    if all_day:
        day = local_day(at, tz)
        event.add("dtstart", day)
        event.add("dtend", day + timedelta(days=1))
        return
    event.add("dtstart", at)
    event.add("dtend", at + LENGTH)


def _description(tx: ReadTx, r: Any, hidden: frozenset[str] | set[str]) -> str:
    lines = [r.number]
    if r.phone_e164 and "phone" not in hidden:
        lines.append(r.phone_e164)
    if "status" not in hidden:
        lines.append(tx.catalog.stage_by_id[r.stage_id].name)
    if r.description:
        lines += ["", r.description]
    return "\n".join(lines)
