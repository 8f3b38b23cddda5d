"""Logging contacts, and the follow-ups: open activities are the truth (spec §G, §I, AG12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from leadtui.domain.dates import day_bounds, local_day, parse_when
from leadtui.domain.records import Done
from leadtui.errors import Invalid, LeadtuiError, NotFound, Refused
from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx
from leadtui.text import fold

from . import lead_writes as w
from .office import Office
from .status import status_columns

LOG_TYPES: tuple[str, ...] = (
    "call",
    "email",
    "meeting",
    "site_visit",
    "whatsapp",
    "sms",
    "note",
    "quotation",
    "other",
)
OUTCOMES: tuple[str, ...] = ("positive", "neutral", "negative", "follow_up", "no_answer")
_SUBJECTS = {
    "call": "call",
    "email": "email",
    "meeting": "meeting",
    "site_visit": "site visit",
    "whatsapp": "WhatsApp",
    "sms": "SMS",
    "note": "note",
    "quotation": "quotation",
    "other": "contact",
}
_CHANNELS = {"call": "phone", "email": "email", "site_visit": "visit", "whatsapp": "whatsapp", "sms": "sms"}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A contact as typed. `at` is when it happened (default now); `schedule` makes it one to be done.

    `next_at` sets the next follow-up and closes those that were due; `complete_due` closes them without a next one.
    `status` moves the lead too where that is allowed, else the answer has a warning (spec AI18).
    """

    type: str
    subject: str = ""
    details: str | None = None
    outcome: str | None = None
    next_action: str | None = None
    next_at: str | None = None
    at: str | None = None
    schedule: str | None = None
    complete_due: bool = False
    status: str | None = None


def log(office: Office, ref: str | int, entry: LogEntry) -> Done:
    """Put a contact on the timeline. Raises Invalid (with its field), NotPermitted."""
    with office.write() as tx:
        tx.open_batch("log", f"log {entry.type}"[:255])
        row = w.open_for(tx, ref, "log")
        return w.answer(tx, row, log_row(tx, row, entry))


def log_row(tx: WriteTx, row: Mapping[Any, Any], entry: LogEntry) -> w.Outcome:
    """`log` on a locked row."""
    w.allow(tx, row, "log")
    kind = "_".join(fold(entry.type).replace("-", " ").split())
    if kind not in LOG_TYPES:
        raise Invalid(f"'{entry.type}' is not a kind of contact", field="type", hint="one of: " + ", ".join(LOG_TYPES))
    outcome = "_".join(fold(entry.outcome or "").replace("-", " ").split()) or None
    if outcome is not None and outcome not in OUTCOMES:
        raise Invalid(f"'{entry.outcome}' is not an outcome", field="outcome", hint="one of: " + ", ".join(OUTCOMES))
    if entry.at and entry.schedule:
        raise Invalid("a contact either happened or is to come", field="schedule", hint="give `at` or `schedule`")
    tz = tx.catalog.tz
    happened = parse_when(entry.at, tz=tz, now=tx.now, field="at").at if entry.at else tx.now
    if entry.at and happened > tx.now:
        raise Invalid("a contact that happened cannot lie ahead", field="at", hint="use schedule for one to come")
    planned = parse_when(entry.schedule, tz=tz, now=tx.now, field="schedule") if entry.schedule else None
    following = parse_when(entry.next_at, tz=tz, now=tx.now, field="next_at") if entry.next_at else None
    subject = w.one_line(entry.subject, field="subject") or _SUBJECTS[kind]
    next_action = w.one_line(entry.next_action, field="next_action")
    w.add_activity(
        tx,
        row["id"],
        kind,
        subject,
        w.reason_text(entry.details, field="details"),
        outcome=outcome,
        next_action=next_action,
        next_action_at=following.at if following else None,
        scheduled_at=planned.at if planned else happened,
        all_day=planned.all_day if planned else False,
        completed_at=None if planned else happened,
        channel=_CHANNELS.get(kind),
        direction="outbound" if kind in _CHANNELS else None,
        assigned_to_id=(row["assigned_to_id"] or tx.actor.user_id) if planned else None,
    )
    closed = _complete_due(tx, row["id"]) if following is not None or entry.complete_due else 0
    if following is not None:
        w.add_follow_up(
            tx, row["id"], following.at, following.all_day, next_action or "follow up", row["assigned_to_id"]
        )
    tx.flush()
    columns: dict[str, Any] = {"last_activity_at": happened if planned is None else row["last_activity_at"]}
    if planned is not None or following is not None or entry.complete_due:
        columns |= w.next_follow_up(tx, row["id"])
    warnings: tuple[str, ...] = ()
    if entry.status:
        try:
            w.allow(tx, row, "status")
            columns |= status_columns(tx, row, entry.status, reason=entry.details)
        except LeadtuiError as error:
            warnings = (f"the status stays: {error.message}",)
    _touch(tx, row, columns, "log", {"follow_ups_closed": closed} if closed else {})
    return w.Outcome(("follow_up",) if following else (), warnings)


def _touch(
    tx: WriteTx, row: Mapping[Any, Any], columns: Mapping[str, Any], action: str, extra: Mapping[str, Any]
) -> None:
    """Move the lead's derived dates. Only a moved follow-up is a change of the lead that an editor must know of."""
    if any(columns[k] != row[k] for k in columns if k != "last_activity_at"):
        w.change(tx, row, columns, action)
        return
    tx.update_later(t.lead, row["id"], {"last_activity_at": columns["last_activity_at"]})
    tx.audit(
        action,
        "lead",
        row["id"],
        {"last_activity_at": row["last_activity_at"]},
        {"last_activity_at": columns["last_activity_at"], **extra},
    )


def _complete_due(tx: WriteTx, lead_id: int) -> int:
    """Close the open follow-ups that were due up to the end of today; returns how many."""
    closed = 0
    _, end = day_bounds(local_day(tx.now, tx.catalog.tz), tx.catalog.tz)
    for one in w.open_follow_ups(tx, lead_id):
        if one["scheduled_at"] < end and one["type"] == "follow_up":
            w.change_activity(tx, one, {"completed_at": tx.now}, "complete")
            closed += 1
    return closed


def add_follow_up(office: Office, ref: str | int, at: str, *, subject: str | None = None) -> Done:
    """Add a follow-up to a lead, beside those it has. A past date is taken, with a warning (contract answer 8)."""
    with office.write() as tx:
        tx.open_batch("followup", "follow-up")
        row = w.open_for(tx, ref, "log")
        return w.answer(tx, row, add_follow_up_row(tx, row, at, subject=subject))


def add_follow_up_row(tx: WriteTx, row: Mapping[Any, Any], at: str, *, subject: str | None = None) -> w.Outcome:
    """`add_follow_up` on a locked row."""
    w.allow(tx, row, "log")
    when = parse_when(at, tz=tx.catalog.tz, now=tx.now, field="at")
    text = w.one_line(subject, field="subject") or "follow up"
    w.add_follow_up(tx, row["id"], when.at, when.all_day, text, row["assigned_to_id"])
    tx.flush()
    w.change(tx, row, w.next_follow_up(tx, row["id"]), "followup", extra_after={"follow_up_added": when.at.isoformat()})
    start, _ = day_bounds(local_day(tx.now, tx.catalog.tz), tx.catalog.tz)
    warnings = ("the follow-up lies in the past: it is overdue at once",) if when.at < start else ()
    return w.Outcome(("follow_up",), warnings)


def complete(office: Office, activity_id: int) -> Done:
    """Mark a scheduled activity as done."""
    return _settle(office, activity_id, "complete")


def cancel(office: Office, activity_id: int) -> Done:
    """Drop a scheduled activity; it stays on the timeline as cancelled."""
    return _settle(office, activity_id, "cancel")


def reschedule(office: Office, activity_id: int, at: str) -> Done:
    """Move a scheduled activity to another time."""
    return _settle(office, activity_id, "reschedule", at)


def _settle(office: Office, activity_id: int, action: str, at: str | None = None) -> Done:
    with office.write() as tx:
        tx.open_batch("followup", f"{action} follow-up")
        found = select(t.activity).where(t.activity.c.id == activity_id)
        lead_id = tx.conn.execute(found.with_only_columns(t.activity.c.lead_id)).scalar()
        try:
            row = w.open_for(tx, lead_id or 0, "log")
        except NotFound:
            raise NotFound(f"there is no activity {activity_id}") from None
        one = tx.conn.execute(found).mappings().one()  # as it is now that its lead is locked
        if one["scheduled_at"] is None or one["completed_at"] is not None or one["cancelled_at"] is not None:
            raise Refused("this activity is done already", code="already_done")
        match action:
            case "complete":
                columns: dict[str, Any] = {"completed_at": tx.now}
            case "cancel":
                columns = {"cancelled_at": tx.now}
            case _:
                when = parse_when(at or "", tz=tx.catalog.tz, now=tx.now, field="at")
                columns = {"scheduled_at": when.at, "all_day": when.all_day}
        w.change_activity(tx, one, columns, action)
        if not w.change(tx, row, w.next_follow_up(tx, row["id"]), action):
            # Not the next one: no change of the lead that an editor must know of, but one that an undo must see.
            tx.audit(action, "lead", row["id"], {}, {f"follow_up_{action}": one["scheduled_at"]})
        return Done(w.row_of(tx, row["id"]), tx.batch_id, (), ("follow_up",))
