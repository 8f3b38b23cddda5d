"""Writing to a lead's timeline: what was done, what is planned. `lead_writes` hands these on to the other services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from leadtui.domain.milestones import COUNTED
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id

from . import scoring


def add_activity(
    tx: WriteTx, lead_id: int, kind: str, subject: str, description: str | None = None, **more: Any
) -> None:
    """An activity that is done now: part of the timeline, and of the batch."""
    values = activity_columns(tx, lead_id, kind, subject, description, **more)
    tx.later(t.activity, **values)
    _follow(tx, lead_id, kind, values)


def insert_activity(
    tx: WriteTx, lead_id: int, kind: str, subject: str, description: str | None = None, **more: Any
) -> int:
    """`add_activity` at once, answering its id."""
    values = activity_columns(tx, lead_id, kind, subject, description, **more)
    _follow(tx, lead_id, kind, values)
    return insert_id(tx.conn, t.activity, **values)


def _follow(tx: WriteTx, lead_id: int, kind: str, values: Mapping[str, Any]) -> None:
    """What is looked at before the transaction ends, because something was done with the lead."""
    if values.get("completed_at") is None:
        return
    if kind in COUNTED:
        tx.at_end(look_at_milestones, lead_id)
    scoring.touch_contact(tx, lead_id, kind)


def activity_columns(
    tx: WriteTx, lead_id: int, kind: str, subject: str, description: str | None = None, **more: Any
) -> dict[str, Any]:
    """The columns of an activity that is done now; `more` says what is different."""
    values: dict[str, Any] = {
        "lead_id": lead_id,
        "type": kind,
        "subject": subject[:255],
        "description": description,
        "outcome": None,
        "outcome_note": None,
        "next_action": None,
        "next_action_at": None,
        "scheduled_at": None,
        "all_day": False,
        "completed_at": tx.now,
        "assigned_to_id": None,
        "metadata_json": None,
        "channel": None,
        "direction": None,
        "created_by_id": tx.actor.user_id,
        "created_at": tx.now,
        "updated_at": tx.now,
        "batch_id": tx.batch_id,
    }
    return values | more


# -- follow-ups: open activities are the truth, the lead's date is derived (spec AG12) ------------------------------


def open_follow_ups(tx: ReadTx, lead_id: int) -> list[Mapping[Any, Any]]:
    """The open scheduled activities of a lead, earliest first."""
    a = t.activity.c
    query = (
        select(t.activity)
        .where(a.lead_id == lead_id, a.scheduled_at.is_not(None), a.completed_at.is_(None), a.cancelled_at.is_(None))
        .order_by(a.scheduled_at, a.id)
    )
    return list(tx.conn.execute(query).mappings())


def change_activity(tx: WriteTx, row: Mapping[Any, Any], columns: Mapping[str, Any], action: str) -> None:
    """Set columns of an activity, with the audit that lets undo put them back."""
    changed = {k: v for k, v in columns.items() if row[k] != v}
    if not changed:
        return
    changed["updated_at"] = tx.now
    tx.conn.execute(update(t.activity).where(t.activity.c.id == row["id"]).values(**changed))
    tx.audit(action, "activity", row["id"], {k: row[k] for k in changed}, changed)
    _follow(tx, row["lead_id"], row["type"], changed)


def set_follow_up(
    tx: WriteTx, row: Mapping[Any, Any], at: datetime | None, all_day: bool, *, subject: str | None = None
) -> dict[str, Any]:
    """Create, move or cancel the lead's next follow-up; returns the lead's columns that follow."""
    found = open_follow_ups(tx, row["id"])
    if at is None:
        for one in found:
            change_activity(tx, one, {"cancelled_at": tx.now}, "cancel")
        return {"next_follow_up_at": None, "next_follow_up_all_day": True}
    if found:
        moved: dict[str, Any] = {"scheduled_at": at, "all_day": all_day}
        if subject:
            moved["subject"] = subject
        change_activity(tx, found[0], moved, "reschedule")
    else:
        add_follow_up(tx, row["id"], at, all_day, subject or "follow up", row["assigned_to_id"])
        tx.flush()
    return next_follow_up(tx, row["id"])


def add_follow_up(
    tx: WriteTx, lead_id: int, at: datetime, all_day: bool, subject: str, assigned_to_id: int | None
) -> None:
    """A new open follow-up."""
    add_activity(
        tx,
        lead_id,
        "follow_up",
        subject,
        scheduled_at=at,
        all_day=all_day,
        completed_at=None,
        assigned_to_id=assigned_to_id or tx.actor.user_id,
    )


def next_follow_up(tx: ReadTx, lead_id: int) -> dict[str, Any]:
    """The lead's follow-up columns as its open activities say."""
    found = open_follow_ups(tx, lead_id)
    if not found:
        return {"next_follow_up_at": None, "next_follow_up_all_day": True}
    return {"next_follow_up_at": found[0]["scheduled_at"], "next_follow_up_all_day": found[0]["all_day"]}


def look_at_milestones(tx: WriteTx, ids: Sequence[int]) -> None:
    """What these leads have come to, looked at before the transaction ends."""
    from . import milestones

    milestones.check_many(tx, ids)
