"""Milestones: what a lead reached, written down once, in the transaction that made it so (spec §U, AJ31).

Activities and moves ask for the check with `tx.at_end`: it is done once per transaction for all the leads of it, with
three statements for a bulk act of thousands, none for an import (which logs no contacts). What a batch reached is
forgotten again by its undo.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select

from leadtui.domain.milestones import COUNTED, MilestoneItem, is_reached, item_from
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import lead_writes as w
from .office import Office

_CHUNK = 1_000


def check(tx: WriteTx, lead_id: int) -> tuple[str, ...]:
    """Record what this lead has reached and not yet been credited with; answers the names."""
    tx.flush()
    return tuple(item.name for _, item in check_many(tx, (lead_id,)))


def check_many(tx: WriteTx, ids: Sequence[int]) -> list[tuple[int, MilestoneItem]]:
    """`check` for many leads at once; answers (lead's id, milestone) of what is new."""
    items = [one for one in definitions(tx) if one.is_active]
    new: list[tuple[int, MilestoneItem]] = []
    for start in range(0, len(ids) if items else 0, _CHUNK):
        new += _record(tx, _missing(tx, ids[start : start + _CHUNK], items))
    just_before = tx.now - timedelta(microseconds=1)  # newest first, the contact itself stands above what it reached
    for lead_id, item in new:
        told = {"milestone": item.key}
        w.add_activity(tx, lead_id, "milestone", item.name, created_at=just_before, metadata_json=told)
    return new


def definitions(tx: ReadTx) -> list[MilestoneItem]:
    """All definitions, in their order."""
    m = t.milestone.c
    return [item_from(row) for row in tx.conn.execute(select(t.milestone).order_by(m.order, m.id)).mappings()]


def _missing(tx: ReadTx, ids: Sequence[int], items: Sequence[MilestoneItem]) -> list[tuple[int, MilestoneItem]]:
    """What these leads fulfil and have not been credited with."""
    lead, has = t.lead.c, t.lead_milestone.c
    query = select(lead.id, lead.stage_id).where(lead.id.in_(ids), lead.deleted_at.is_(None)).order_by(lead.id)
    stages = {r.id: tx.catalog.stage_by_id[r.stage_id] for r in tx.conn.execute(query)}
    known = {
        (r.lead_id, r.milestone_id)
        for r in tx.conn.execute(select(has.lead_id, has.milestone_id).where(has.lead_id.in_(ids)))
    }
    open_ones = {i: [one for one in items if (i, one.id) not in known] for i in stages}
    counted = [i for i, left in open_ones.items() if any(one.counts for one in left)]
    done = _done(tx, counted)
    return [
        (i, one)
        for i, left in open_ones.items()
        for one in left
        if is_reached(one.condition, done.get(i, ()), stages[i])
    ]


def _done(tx: ReadTx, ids: Sequence[int]) -> dict[int, list[tuple[str, str | None, int]]]:
    """The done activities of leads, counted by type and outcome."""
    if not ids:
        return {}
    a = t.activity.c
    query = (
        select(a.lead_id, a.type, a.outcome, func.count().label("many"))
        .where(a.lead_id.in_(ids), a.completed_at.is_not(None), a.cancelled_at.is_(None), a.type.in_(COUNTED))
        .group_by(a.lead_id, a.type, a.outcome)
    )
    found: dict[int, list[tuple[str, str | None, int]]] = {}
    for r in tx.conn.execute(query):
        found.setdefault(r.lead_id, []).append((r.type, r.outcome, r.many))
    return found


def _record(tx: WriteTx, reached: list[tuple[int, MilestoneItem]]) -> list[tuple[int, MilestoneItem]]:
    """Those that nobody else recorded in the same instant."""
    if not reached:
        return []
    statement: Any
    if tx.is_sqlite:
        from sqlalchemy.dialects import sqlite

        statement = sqlite.insert(t.lead_milestone)
    else:
        from sqlalchemy.dialects import postgresql

        statement = postgresql.insert(t.lead_milestone)
    made: set[tuple[int, int]] = set()
    for start in range(0, len(reached), _CHUNK):
        rows = [{"lead_id": i, "milestone_id": one.id, "at": tx.now} for i, one in reached[start : start + _CHUNK]]
        new = statement.values(rows).on_conflict_do_nothing()
        has = t.lead_milestone.c
        made |= {(r[0], r[1]) for r in tx.conn.execute(new.returning(has.lead_id, has.milestone_id))}
    return [(i, one) for i, one in reached if (i, one.id) in made]


def of_batch(tx: ReadTx, batch_id: int) -> list[tuple[int, str]]:
    """What leads reached in a batch, as (lead's id, milestone's key): its activities say so."""
    a = t.activity.c
    query = select(a.lead_id, a.metadata_json).where(a.batch_id == batch_id, a.type == "milestone")
    return [(r.lead_id, key) for r in tx.conn.execute(query) if (key := (r.metadata_json or {}).get("milestone"))]


def forget(tx: WriteTx, reached: Sequence[tuple[int, str]], ids: Container[int]) -> None:
    """What these leads reached in a batch that is undone was never reached. Its activities go with the batch."""
    has, m = t.lead_milestone.c, t.milestone.c
    for key in dict.fromkeys(key for _, key in reached):
        mine = sorted(lead_id for lead_id, of in reached if of == key and lead_id in ids)
        this = select(m.id).where(m.key == key).scalar_subquery()
        for start in range(0, len(mine), _CHUNK):
            chunk = mine[start : start + _CHUNK]
            tx.conn.execute(delete(t.lead_milestone).where(has.lead_id.in_(chunk), has.milestone_id == this))


def rehearse(office: Office, ref: str | int) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
    """How a lead stands with every milestone in use: reached and when, or would be credited now. Changes nothing.

    Answers the lead (number, name, status) and one record per milestone.
    """
    with office.read() as tx:
        row = w.load(tx, w.resolve(tx, ref))
        items = [one for one in definitions(tx) if one.is_active]
        has = t.lead_milestone.c
        query = select(has.milestone_id, has.at).where(has.lead_id == row["id"])
        known = {r.milestone_id: r.at for r in tx.conn.execute(query)}
        due = {one.id for _, one in _missing(tx, [row["id"]], items)}
        stage = tx.catalog.stage_by_id[row["stage_id"]]
        name = None if "name" in tx.actor.hidden_fields else row["name"]
        told = {"lead_number": row["number"], "lead_name": name, "status": stage.name}
        return told, [
            {
                "id": one.id, "key": one.key, "name": one.name, "condition": one.words, "at": known.get(one.id),
                "state": "reached" if one.id in known else "now" if one.id in due else "open",
            }
            for one in items
        ]  # fmt: skip
