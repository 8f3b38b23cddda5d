"""Logging contacts, and the follow-ups: open activities are the truth (spec §G, §I, AG12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from leadtui.domain.activity_types import LOG_TYPES, OUTCOMES, SUBJECTS, log_type, outcome_of
from leadtui.domain.dates import day_bounds, iso_z, local_day, parse_when
from leadtui.domain.follow_up_times import context_of
from leadtui.domain.follow_up_words import OVERDUE
from leadtui.domain.records import Done
from leadtui.errors import Invalid, LeadtuiError, NotFound, Refused
from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx
from leadtui.text import fold

from . import follow_ups as f
from . import lead_writes as w
from .activity_lists import SCOPES, get_activity, list_all, no_activity
from .office import Office
from .status import status_columns

__all__ = [
    "LOG_TYPES",
    "OUTCOMES",
    "SCOPES",
    "LogEntry",
    "add_follow_up",
    "cancel",
    "complete",
    "get_activity",
    "list_all",
    "log",
    "reschedule",
]

SMART = "smart"
"""Typed instead of a time: the program finds it (spec §I2)."""
BY_RULE = "by_rule"
"""In the metadata of a follow-up: the quick log whose rule made it."""
_CHANNELS = {"call": "phone", "email": "email", "site_visit": "visit", "whatsapp": "whatsapp", "sms": "sms"}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A contact as typed. `at` is when it happened (default now); `schedule` makes it one to be done.

    `next_at` (a time, or `smart`: found by the rule of `context`) sets the next follow-up and closes those that were
    due; `complete_due` closes them without a next one. `status` moves the lead too where that is allowed (`reason` is
    why, else the details), else the answer has a warning (spec AI18); `drop_open` then calls off what was still
    planned, when the lead is lost by it and no next time is given. `by_rule` names the quick log whose rule found
    `next_at`: such a follow-up gives way to the next contact, one that a person set does not.
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
    context: str | None = None
    reason: str | None = None
    drop_open: bool = False
    by_rule: str | None = None


@dataclass(frozen=True, slots=True)
class _Next:
    """When the next follow-up is, and what to say of it."""

    at: datetime
    all_day: bool
    is_smart: bool
    warnings: tuple[str, ...] = ()


def _next(tx: WriteTx, row: Mapping[Any, Any], text: str, context: str | None, field: str) -> _Next:
    """A time as typed, or the smart one. A time of the past is taken, with a warning (contract answer 8)."""
    if fold(text).strip() == SMART:
        return _Next(f.smart_time_for(tx, row, context), False, True)
    when = parse_when(text, tz=tx.catalog.tz, now=tx.now, field=field)
    start, _ = day_bounds(local_day(tx.now, tx.catalog.tz), tx.catalog.tz)
    late = when.at < (start if when.all_day else tx.now)
    return _Next(
        when.at, when.all_day, False, ("the follow-up lies in the past: it is overdue at once",) if late else ()
    )


def log(office: Office, ref: str | int, entry: LogEntry) -> Done:
    """Put a contact on the timeline. Raises Invalid (with its field), NotPermitted."""
    with office.write() as tx:
        tx.open_batch("log", f"log {entry.type}"[:255])
        row = w.open_for(tx, ref, "log")
        return w.answer(tx, row, log_row(tx, row, entry))


def log_row(tx: WriteTx, row: Mapping[Any, Any], entry: LogEntry) -> w.Outcome:
    """`log` on a locked row."""
    w.allow(tx, row, "log")
    kind, outcome = log_type(entry.type), outcome_of(entry.outcome)
    if entry.at and entry.schedule:
        raise Invalid("a contact either happened or is to come", field="schedule", hint="give `at` or `schedule`")
    tz = tx.catalog.tz
    happened = parse_when(entry.at, tz=tz, now=tx.now, field="at").at if entry.at else tx.now
    if entry.at and happened > tx.now:
        raise Invalid("a contact that happened cannot lie ahead", field="at", hint="use schedule for one to come")
    planned = parse_when(entry.schedule, tz=tz, now=tx.now, field="schedule") if entry.schedule else None
    context = context_of(entry.context)
    following = _next(tx, row, entry.next_at, context, "next_at") if entry.next_at else None
    next_action = w.one_line(entry.next_action, field="next_action")
    w.add_activity(
        tx,
        row["id"],
        kind,
        w.one_line(entry.subject, field="subject") or SUBJECTS[kind],
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
    done = () if planned else (kind,)
    closed = _complete_due(tx, row["id"], done) if following is not None or entry.complete_due else 0
    if following is not None:
        _plan_next(tx, row, following, next_action, context, by_rule=entry.by_rule)
    tx.flush()
    columns: dict[str, Any] = {"last_activity_at": happened if planned is None else row["last_activity_at"]}
    warnings = following.warnings if following else ()
    if entry.status:
        moved, refused = _move(tx, row, entry)
        columns |= moved
        warnings += refused
    if planned is not None or following is not None or entry.complete_due:
        columns |= w.next_follow_up(tx, row["id"])
    _touch(tx, row, columns, "log", {"follow_ups_closed": closed} if closed else {})
    return w.Outcome(("follow_up",) if following else (), warnings)


def _plan_next(
    tx: WriteTx,
    row: Mapping[Any, Any],
    following: _Next,
    subject: str | None,
    context: str | None,
    *,
    by_rule: str | None = None,
) -> None:
    """The next follow-up: with the words of its context where the program found the time."""
    if following.is_smart or context or by_rule:
        metadata = {BY_RULE: by_rule} if by_rule else None
        at, all_day = following.at, following.all_day
        f.schedule_smart(tx, row, context, subject=subject, at=at, all_day=all_day, metadata=metadata)
        return
    w.add_follow_up(tx, row["id"], following.at, following.all_day, subject or "follow up", row["assigned_to_id"])


def _move(tx: WriteTx, row: Mapping[Any, Any], entry: LogEntry) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The columns of the move that goes with a contact; a warning where it is not allowed (spec AI18)."""
    try:
        w.allow(tx, row, "status")
        columns = status_columns(tx, row, entry.status or "", reason=entry.reason or entry.details)
    except LeadtuiError as error:
        return {}, (f"the status stays: {error.message}",)
    if entry.drop_open and not entry.next_at and columns.get("lost_at") is not None:
        for one in w.open_follow_ups(tx, row["id"]):
            w.change_activity(tx, one, {"cancelled_at": tx.now}, "cancel")
    return columns, ()


def _touch(
    tx: WriteTx, row: Mapping[Any, Any], columns: Mapping[str, Any], action: str, extra: Mapping[str, Any]
) -> None:
    """Move the lead's derived dates. Only a moved follow-up is a change of the lead that an editor must know of."""
    if any(columns[k] != row[k] for k in columns if k != "last_activity_at"):
        w.change(tx, row, columns, action)
        return
    before: dict[str, Any] = {}
    after = dict(extra)
    if "last_activity_at" in columns:
        tx.update_later(t.lead, row["id"], {"last_activity_at": columns["last_activity_at"]})
        before["last_activity_at"], after["last_activity_at"] = row["last_activity_at"], columns["last_activity_at"]
    tx.audit(action, "lead", row["id"], before, after)


def _complete_due(tx: WriteTx, lead_id: int, kinds: tuple[str, ...]) -> int:
    """Close what a contact answers: what was due up to the end of today, follow-ups and planned contacts of `kinds`.

    What was made in the place of a missed follow-up is answered too, whenever it lies; what only the rule of an earlier
    quick log planned is called off: the lead has one next step. Returns how many were closed.
    """
    closed = 0
    now = f.bounds(tx.catalog, tx.actor.user_id, tx.now)
    for one in w.open_follow_ups(tx, lead_id):
        if one["type"] not in {"follow_up", *kinds}:
            continue
        due = f.is_due(now, one["scheduled_at"], one["all_day"])
        if due or one["context"] == OVERDUE:
            w.change_activity(tx, one, {"completed_at": tx.now}, "complete")
        elif (one["metadata_json"] or {}).get(BY_RULE):
            w.change_activity(tx, one, {"cancelled_at": tx.now}, "cancel")
        else:
            continue
        closed += 1
    return closed


def add_follow_up(
    office: Office, ref: str | int, at: str, *, subject: str | None = None, context: str | None = None
) -> Done:
    """Add a follow-up to a lead, beside those it has; `at` as typed, or `smart` by the rule of `context` (spec §I2).

    A past date is taken, with a warning (contract answer 8).
    """
    with office.write() as tx:
        tx.open_batch("followup", "follow-up")
        row = w.open_for(tx, ref, "log")
        return w.answer(tx, row, add_follow_up_row(tx, row, at, subject=subject, context=context))


def add_follow_up_row(
    tx: WriteTx, row: Mapping[Any, Any], at: str, *, subject: str | None = None, context: str | None = None
) -> w.Outcome:
    """`add_follow_up` on a locked row."""
    w.allow(tx, row, "log")
    why = context_of(context)
    when = _next(tx, row, at, why, "at")
    _plan_next(tx, row, when, w.one_line(subject, field="subject"), why)
    tx.flush()
    w.change(tx, row, w.next_follow_up(tx, row["id"]), "followup", extra_after={"follow_up_added": when.at.isoformat()})
    return w.Outcome(("follow_up",), when.warnings)


# -- one activity, settled --------------------------------------------------------------------------------------------


def complete(office: Office, activity_id: int, *, outcome: str | None = None, note: str | None = None) -> Done:
    """Mark a planned activity as done, with what came of it. Raises Refused when it is done or called off already."""
    columns = {
        "outcome": outcome_of(outcome),
        "outcome_note": w.reason_text(note, field="note"),
    }
    return _settle(office, activity_id, "complete", {k: v for k, v in columns.items() if v is not None})


def cancel(office: Office, activity_id: int, *, reason: str | None = None) -> Done:
    """Call a planned activity off; it stays on the timeline. Raises as `complete` does."""
    why = w.reason_text(reason)
    return _settle(office, activity_id, "cancel", {"outcome_note": why} if why else {})


def reschedule(office: Office, activity_id: int, at: str) -> Done:
    """Move a planned activity to another time, as typed or `smart`. Raises as `complete` does."""
    return _settle(office, activity_id, "reschedule", {}, at)


def _settle(office: Office, activity_id: int, action: str, columns: dict[str, Any], at: str | None = None) -> Done:
    with office.write() as tx:
        tx.open_batch("followup", f"{action} follow-up")
        found = select(t.activity).where(t.activity.c.id == activity_id)
        lead_id = tx.conn.execute(found.with_only_columns(t.activity.c.lead_id)).scalar()
        try:
            row = w.open_for(tx, lead_id or 0, "log")
        except NotFound:
            raise no_activity(activity_id) from None
        one = tx.conn.execute(found).mappings().one()  # as it is now that its lead is locked
        _refuse_settled(tx, one)
        warnings: tuple[str, ...] = ()
        contacted = False
        match action:
            case "complete":
                columns = {"completed_at": tx.now, **columns}
                contacted = one["type"] in _CHANNELS or columns.get("outcome") is not None
            case "cancel":
                columns = {"cancelled_at": tx.now, **columns}
            case _:
                when = _next(tx, row, at or "", one["context"], "at")
                columns = {"scheduled_at": when.at, "all_day": when.all_day}
                warnings = when.warnings
        w.change_activity(tx, one, columns, action)
        moved = w.next_follow_up(tx, row["id"]) | ({"last_activity_at": tx.now} if contacted else {})
        _touch(tx, row, moved, action, {f"follow_up_{action}": one["scheduled_at"]})
        return Done(w.row_of(tx, row["id"]), tx.batch_id, warnings, ("follow_up",))


def _refuse_settled(tx: WriteTx, one: Mapping[Any, Any]) -> None:
    """Whoever comes second learns what became of it, and changes nothing."""
    settled = one["completed_at"] or one["cancelled_at"]
    if one["replaced_by_id"] is not None:
        raise Refused(
            f"this activity was missed and planned anew ({settled.astimezone(tx.catalog.tz):%d %b %H:%M})",
            code="already_done", field="id", hint=f"it is activity {one['replaced_by_id']} now",
        )  # fmt: skip
    if settled is not None:
        what = "done" if one["completed_at"] is not None else "called off"
        at = settled.astimezone(tx.catalog.tz).strftime("%d %b %H:%M")
        raise Refused(
            f"this activity is {what} already ({at})", code="already_done", field="id", hint=f"since {iso_z(settled)}"
        )
    if one["scheduled_at"] is None:
        raise Refused("this activity is done already", code="already_done", field="id")
