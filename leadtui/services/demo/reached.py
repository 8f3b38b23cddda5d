"""What the leads of a demo reached in their stories: milestones, each when its condition first held (spec §U)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import insert, select

from leadtui.domain.milestones import COUNTED, is_reached
from leadtui.services.milestones import definitions
from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx


def write_milestones(tx: WriteTx) -> int:
    """Credit every lead with what its contacts and its status have reached; answers how many milestones."""
    tx.flush()
    lead, a = t.lead.c, t.activity.c
    contacts = select(a.lead_id, a.type, a.outcome, a.completed_at.label("at"), a.created_by_id.label("by_id")).where(
        a.type.in_(COUNTED), a.completed_at.is_not(None), a.cancelled_at.is_(None)
    )
    told: dict[int, list[Any]] = {
        lead_id: list(some)
        for lead_id, some in groupby(
            tx.conn.execute(contacts.order_by(a.lead_id, a.completed_at, a.id)), key=lambda one: one.lead_id
        )
    }
    items = [one for one in definitions(tx) if one.is_active]
    columns = (lead.id, lead.stage_id, lead.stage_changed_at, lead.created_at, lead.updated_by_id, lead.created_by_id)
    rows, notes = [], []
    for one in tx.conn.execute(select(*columns).order_by(lead.id)):
        stage = tx.catalog.stage_by_id[one.stage_id]
        for item in items:
            done: Counter[tuple[str, str | None]] = Counter()
            steps: list[tuple[Any, Any, Any]] = [(one.created_at, one.created_by_id, None)]
            steps += [(c.at, c.by_id, (c.type, c.outcome)) for c in told.get(one.id, ())]
            for at, by_id, contact in steps:
                done[contact or ("", None)] += 1
                if not is_reached(item.condition, [(*key, many) for key, many in done.items()], stage):
                    continue
                reached, who = at, by_id
                if item.condition.get("stage") and one.stage_changed_at > at:
                    reached, who = one.stage_changed_at, one.updated_by_id or by_id
                rows.append({"lead_id": one.id, "milestone_id": item.id, "at": reached})
                notes.append(_note(one.id, item, reached, who))
                break
    if rows:
        tx.conn.execute(insert(t.lead_milestone), rows)
        tx.conn.execute(insert(t.activity), notes)
    return len(rows)


def _note(lead_id: int, item: Any, at: Any, by_id: int) -> dict[str, Any]:
    """As `services.milestones` notes it: newest first, the contact itself stands above what it reached."""
    just_before = at - timedelta(microseconds=1)
    return {
        "lead_id": lead_id, "type": "milestone", "subject": item.name, "all_day": False, "completed_at": at,
        "metadata_json": {"milestone": item.key}, "created_by_id": by_id, "created_at": just_before, "updated_at": at,
    }  # fmt: skip
