"""Who a lead belongs to (spec §J 89): by hand, or to the user with the fewest open leads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadtui.domain.dates import day_bounds, local_day
from leadtui.domain.fields import BY_KEY
from leadtui.domain.records import Done
from leadtui.errors import Refused
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import fold

from . import lead_writes as w
from .lead_values import ValueContext, parse_value
from .notifying import may_see
from .office import Office


def assign(office: Office, ref: str | int, login: str | None) -> Done:
    """Give a lead to a user; None or "none" to nobody, "auto" to the least loaded. Raises Invalid, NotPermitted."""
    with office.write() as tx:
        tx.open_batch("assign", f"assigned to {login or 'nobody'}"[:255])
        row = w.open_for(tx, ref, "assign")
        changed = w.change(tx, row, assignment_columns(tx, row, login), "assign")
        lead = w.row_of(tx, row["id"])
    return Done(
        lead, tx.batch_id, () if changed else ("it is assigned so already",), ("assigned_to",) if changed else ()
    )


def assignment_columns(
    tx: WriteTx, row: Mapping[Any, Any], login: str | None, *, loads: dict[int, int] | None = None
) -> dict[str, Any]:
    """What an assignment changes on the lead; writes its activity and moves its open follow-ups along."""
    w.allow(tx, row, "assign")
    text = (login or "none").strip() or "none"
    if fold(text) == "auto":
        user_id: int | None = pick_automatically(tx, loads)
    else:
        ctx = ValueContext(tx.catalog, tx.actor, tx.now, row["pipeline_id"])
        user_id = parse_value(BY_KEY["assigned_to"], text, ctx)["assigned_to_id"]
    if user_id == row["assigned_to_id"]:
        return {}
    users = tx.catalog.user_by_id
    was = users[row["assigned_to_id"]].login if row["assigned_to_id"] in users else "nobody"
    now = users[user_id].login if user_id is not None else "nobody"
    how = " (automatically: fewest open leads)" if fold(text) == "auto" else ""
    w.add_activity(tx, row["id"], "assignment", f"{was} → {now}{how}")
    for follow_up in w.open_follow_ups(tx, row["id"]) if row["next_follow_up_at"] is not None else []:
        if user_id is not None and not _stays(tx, row, follow_up, user_id):
            w.change_activity(tx, follow_up, _handed_over(tx, follow_up, user_id), "assign")
    return {"assigned_to_id": user_id, "assigned_at": tx.now if user_id is not None else None}


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


def pick_automatically(tx: ReadTx, loads: dict[int, int] | None = None) -> int:
    """The active, available user who handles leads and has the fewest open ones; of equals the lowest id.

    Raises Refused when there is nobody. `loads` (open leads by user) is counted up, so that a bulk act spreads.
    """
    counted = w.workload(tx) if loads is None else loads
    roles = tx.catalog.role_by_id
    candidates = [
        u
        for u in tx.catalog.users
        if u.is_active and u.is_available and u.login != "system" and roles[u.role_id].grants["edit"].scope == "own"
    ] or [
        u
        for u in tx.catalog.users
        if u.is_active and u.is_available and u.login != "system" and roles[u.role_id].grants["edit"].scope != "none"
    ]
    if not candidates:
        raise Refused(
            "there is no available user to assign to",
            code="no_agent",
            field="assigned_to",
            hint="enable an agent, or name a user",
        )
    chosen = min(candidates, key=lambda u: (counted.get(u.id, 0), u.id))
    counted[chosen.id] = counted.get(chosen.id, 0) + 1
    return chosen.id


def workloads(office: Office) -> dict[str, int]:
    """Open leads of every active user by login, for choosing whom to assign to."""
    with office.read() as tx:
        w.require(tx, "assign")
        counted = w.workload(tx)
        return {u.login: counted.get(u.id, 0) for u in tx.catalog.users if u.is_active and u.login != "system"}
