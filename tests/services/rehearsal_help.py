"""A past that is planted: leads of the last months with what came of them, dated as if people had worked them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from leadtui import clock
from leadtui.services import leads
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.store.unit_of_work import plain

Chance = Callable[[Mapping[str, Any]], float]


def plant(
    office: Office,
    count: int,
    columns: Callable[[random.Random], dict[str, Any]],
    chance: Chance,
    *,
    seed: int,
    days: int = 150,
    first_id: int = 10_000,
) -> list[int]:
    """Leads of the last `days`, each converted with its chance some days after it came; the others stay open or are
    lost. With audit and status history. Answers their ids, in the order in which they came."""
    rng, now = random.Random(seed), clock.now()
    template = leads.create(office, {"phone": f"07229{seed:05d}", "source": "Website"}).lead.id
    stages = {stage.name: stage.id for stage in office.catalog.stages}
    moments = sorted(now - timedelta(days=rng.uniform(40, days)) for _ in range(count))
    with office.as_system() as tx:
        base = dict(tx.conn.execute(select(t.lead).where(t.lead.c.id == template)).mappings().one())
        tx.conn.execute(t.lead.delete().where(t.lead.c.id == template))
        rows, audits, changes = [], [], []
        for place, at in enumerate(moments):
            own = columns(rng)
            lead_id = first_id + place
            row = {
                **base, "id": lead_id, "number": f"P-{lead_id}", "phone_e164": None, "phone_key": None,
                "created_at": at, "stage_changed_at": at, "stage_id": stages["New"], "assigned_at": at, **own,
            }  # fmt: skip
            audits.append(entry("create", lead_id, at, None, {k: v for k, v in row.items() if v is not None}))
            changes.append(moved(lead_id, stages["New"], at))
            if rng.random() < chance(own):
                decide(
                    row, stages["Converted"], "converted_at", at + timedelta(days=rng.uniform(4, 20)), audits, changes
                )
            elif rng.random() < 0.3:
                decide(
                    row, stages["Not Interested"], "lost_at", at + timedelta(days=rng.uniform(4, 20)), audits, changes
                )
            rows.append(row)
        for table, made in ((t.lead, rows), (t.audit, audits), (t.stage_change, changes)):
            if made:
                tx.conn.execute(table.insert(), made)
    return [row["id"] for row in rows]


def decide(
    row: dict[str, Any], stage_id: int, column: str, at: datetime, audits: list[Any], changes: list[Any]
) -> None:
    """What comes of a lead, with its history."""
    before = {"stage_id": row["stage_id"], "stage_changed_at": row["stage_changed_at"], column: None}
    after = {"stage_id": stage_id, "stage_changed_at": at, column: at}
    row |= after
    audits.append(entry("status", row["id"], at, before, after))
    changes.append(moved(row["id"], stage_id, at))


def entry(action: str, lead_id: int, at: datetime, before: Any, after: Any) -> dict[str, Any]:
    """A row of the audit."""
    return {
        "at": at, "user_id": 1, "origin": "test", "action": action, "entity": "lead", "entity_id": lead_id,
        "before_json": plain(before), "after_json": plain(after),
    }  # fmt: skip


def moved(lead_id: int, stage_id: int, at: datetime) -> dict[str, Any]:
    """A row of the status history."""
    return {"lead_id": lead_id, "to_stage_id": stage_id, "by_id": 1, "at": at}


def labels(ranked: Sequence[Any]) -> list[str]:
    """The names of candidates, the best first."""
    return [one.label for one in ranked]
