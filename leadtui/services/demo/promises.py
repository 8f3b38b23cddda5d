"""Promises to clear a loan for a demo whose pipeline has a status for them: some late, some to come, some put off."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import insert, select

from leadtui.domain.loans import OVERDUE, PENDING, REPLACED
from leadtui.domain.money import exponent
from leadtui.store import schema as t
from leadtui.store.loans import today
from leadtui.store.unit_of_work import WriteTx

STATUS = "Loan Promised"
_DAYS = (-12, -5, -2, -1, 0, 1, 3, 7, 14, 30)
_AMOUNTS = (5_000, 12_500, 20_000, 45_000, 80_000, 150_000)
_NOTES = ("after payday", "when the visa is stamped", "her brother sends it", "first half in cash", None, None)


def write_promises(tx: WriteTx, seed: int) -> int:
    """A promise for every lead in that status, one in four of them put off before; answers how many are open."""
    stages = [stage.id for stage in tx.catalog.stages if stage.name == STATUS]
    if not stages:
        return 0
    tx.flush()
    lead = t.lead.c
    query = select(lead.id, lead.stage_changed_at, lead.created_by_id).where(lead.stage_id.in_(stages))
    random, day, unit = Random(seed), today(tx), 10 ** exponent(tx.catalog.currency)
    found = tx.conn.execute(query.where(lead.deleted_at.is_(None)).order_by(lead.id)).all()

    def row(one: Any, status: str, days: int, **more: Any) -> dict[str, Any]:
        values = {
            "lead_id": one.id, "amount_minor": random.choice(_AMOUNTS) * unit,
            "promised_clear_date": day + timedelta(days=days), "status": status, "note": random.choice(_NOTES),
            "overdue_at": None, "settled_at": None, "settled_by_id": None, "created_by_id": one.created_by_id,
            "created_at": one.stage_changed_at, "updated_at": tx.now,
        }  # fmt: skip
        return values | more

    rows = []
    for one in found:
        days = random.choice(_DAYS)
        late = days < 0
        if random.random() < 0.25:
            settled = {"settled_at": one.stage_changed_at, "settled_by_id": one.created_by_id}
            rows.append(row(one, REPLACED, days - 10, **settled))
        rows.append(row(one, OVERDUE if late else PENDING, days, overdue_at=tx.now if late else None))
    if rows:
        tx.conn.execute(insert(t.loan_commitment), rows)
    return len(found)
