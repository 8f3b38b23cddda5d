"""Taking back what an act did to drips: whom it enrolled comes out, whom it took out goes on (contract answer 12)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx

from .drip_enrolling import CAUSE, CHUNK, end, move
from .drip_rows import OPEN


def take_back(tx: WriteTx, batch: Any, ids: Iterable[int]) -> None:
    """Undo of a batch for these leads: its enrollments, by a person or by a rule because of a move, are stopped; those
    that ended because it lost or deleted the lead go on. What was called off meanwhile stays so.
    """
    tx.flush()
    e, wanted = t.enrollment.c, sorted(ids)
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        mine = select(t.enrollment).where(e.lead_id.in_(chunk)).order_by(e.lead_id, e.id)
        for row in tx.conn.execute(mine.where(e.batch_id == batch.id, e.state.in_(OPEN))).mappings().all():
            end(tx, row, "undone", quiet=True)
        _go_on(tx, batch, chunk)


def _go_on(tx: WriteTx, batch: Any, chunk: Sequence[int]) -> None:
    e, a = t.enrollment.c, t.audit.c
    ended = select(t.enrollment).where(e.lead_id.in_(chunk), e.state == "stopped", e.ended_at >= batch.at)
    for row in tx.conn.execute(ended.where(e.reason.in_(("lost", "deleted"))).order_by(e.id)).mappings().all():
        told = select(t.audit).where(a.entity == "enrollment", a.entity_id == row["id"], a.action == "stop")
        entry = tx.conn.execute(told.order_by(a.id.desc()).limit(1)).one_or_none()
        if entry is None or (entry.after_json or {}).get(CAUSE) != batch.id:
            continue
        again = (e.campaign_id == row["campaign_id"], e.lead_id == row["lead_id"], e.state.in_(OPEN))
        if tx.conn.execute(select(e.id).where(*again)).first() is not None:
            continue
        had = entry.before_json
        due = datetime.fromisoformat(had["next_run_at"]) if had.get("next_run_at") else None
        values = {"state": had["state"], "reason": had.get("reason"), "detail": had.get("detail"), "ended_at": None}
        move(tx, row, values | {"next_run_at": due}, "undo")
