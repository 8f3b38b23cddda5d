"""What a new owner brings with it: the activity, the follow-ups handed over, the first one made (spec §J 89, 91)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from leadtui.domain.dates import day_bounds, local_day
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import follow_ups as f
from . import lead_writes as w
from .notifying import may_see

FIRST_CONTACT: Final = "property_inquiry"
"""The context of the first follow-up of a lead that was assigned by itself (spec §I2, §J 91)."""


def hand_to(
    tx: WriteTx, row: Mapping[Any, Any], user_id: int | None, *, how: str = "", lines: Sequence[str] = ()
) -> dict[str, Any]:
    """The columns of a locked lead that goes to another (None: to nobody); writes its activity, moves its follow-ups.

    `how` stands behind who had it and who has it, `lines` explain it.
    """
    from . import offers

    users = tx.catalog.user_by_id
    was = users[row["assigned_to_id"]].login if row["assigned_to_id"] in users else "nobody"
    now = users[user_id].login if user_id is not None else "nobody"
    w.add_activity(
        tx, row["id"], "assignment", f"{was} → {now}" + (f" ({how})" if how else ""), "\n".join(lines)[:4000] or None
    )
    for follow_up in w.open_follow_ups(tx, row["id"]) if row["next_follow_up_at"] is not None else []:
        if user_id is not None and not _stays(tx, row, follow_up, user_id):
            w.change_activity(tx, follow_up, _handed_over(tx, follow_up, user_id), "assign")
    if user_id is not None:
        tx.at_end(offers.close_assigned, row["id"])
    return {"assigned_to_id": user_id, "assigned_at": tx.now if user_id is not None else None}


def first_follow_up(tx: WriteTx, row: Mapping[Any, Any], user_id: int) -> dict[str, Any]:
    """Plan the first contact of an open lead without a follow-up; answers its columns that follow (none: has one)."""
    stage = tx.catalog.stage_by_id[row["stage_id"]]
    if row["next_follow_up_at"] is not None or stage.is_converted or stage.is_lost or stage.is_parked:
        return {}
    values = f.smart_columns(tx, row, FIRST_CONTACT, assigned_to_id=user_id)
    w.add_activity(tx, row["id"], "follow_up", values.pop("subject"), values.pop("description"), **values)
    return {"next_follow_up_at": values["scheduled_at"], "next_follow_up_all_day": values["all_day"]}


def _stays(tx: ReadTx, lead: Mapping[Any, Any], one: Mapping[Any, Any], user_id: int) -> bool:
    """A task for somebody other than the assignee is still his, as long as he may see the lead."""
    who = one["assigned_to_id"]
    if who in (None, lead["assigned_to_id"]) or not (
        one["type"] == "task" or "stage_action" in (one["metadata_json"] or {})
    ):
        return False
    return may_see(tx.catalog, who, {**lead, "assigned_to_id": user_id})


def _handed_over(tx: ReadTx, one: Mapping[Any, Any], user_id: int) -> dict[str, Any]:
    """The columns of a follow-up that is another's now. What is due today he is reminded of anew."""
    today, _ = day_bounds(local_day(tx.now, tx.catalog.tz), tx.catalog.tz)
    if one["assigned_to_id"] == user_id or one["scheduled_at"] < today:
        return {"assigned_to_id": user_id}
    return {"assigned_to_id": user_id, "reminded_for": None}
