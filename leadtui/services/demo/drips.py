"""Drips of a demo: the welcome of new leads is running; some are in it, some done, one answered, one waits."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import insert, select, update

from leadtui.services.drip_rows import steps_of
from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx

_DRIP = "new_lead_welcome"
_STORIES = (
    ("active", None, 1), ("active", None, 1), ("active", None, 2), ("completed", None, 3), ("active", None, 2),
    ("stopped", "reply", 1), ("active", None, 1), ("completed", None, 3), ("paused", "by_hand", 1),
    ("active", None, 2), ("stopped", "by_hand", 1), ("active", None, 1),
)  # fmt: skip
_DAYS = 30


def write_drips(tx: WriteTx, seed: int) -> int:
    """Start the welcome and put the newest open leads into it; answers how many."""
    c, lead = t.campaign.c, t.lead.c
    drip = tx.conn.execute(select(t.campaign).where(c.key == _DRIP)).one_or_none()
    if drip is None:
        return 0
    begun = tx.now - timedelta(days=_DAYS)
    tx.conn.execute(update(t.campaign).where(c.id == drip.id).values(status="active", started_at=begun))
    steps = steps_of(tx, drip.id, drip.current_version)
    open_stages = [one.id for one in tx.catalog.stages if not one.is_lost and not one.is_converted]
    newest = select(lead.id, lead.created_at).where(lead.deleted_at.is_(None), lead.stage_id.in_(open_stages))
    found = tx.conn.execute(newest.order_by(lead.created_at.desc(), lead.id.desc()).limit(len(_STORIES))).all()
    random = Random(seed)
    rows: list[dict[str, Any]] = []
    for one, (state, reason, step) in zip(found, _STORIES, strict=False):
        ago = timedelta(hours=random.randrange(1, 30))
        is_open = state in {"active", "paused"}
        last = tx.now - ago if step else None
        due = tx.now - ago + timedelta(minutes=steps[step].delay_minutes) if is_open else None
        rows.append({
            "campaign_id": drip.id, "version": drip.current_version, "lead_id": one.id, "state": state,
            "reason": reason, "detail": "away until Monday" if state == "paused" else None, "current_step": step,
            "next_run_at": due, "last_executed_at": last, "enrolled_by_id": drip.created_by_id,
            "enrolled_at": min(one.created_at, last or one.created_at), "ended_at": None if is_open else last,
        })  # fmt: skip
    if rows:
        tx.conn.execute(insert(t.enrollment), rows)
    return len(rows)
