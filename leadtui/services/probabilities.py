"""The probability that each lead carries is that of its status: when a status is given another one, its leads follow.

By themselves, a range of lead ids in one transaction: a status may have a million leads, and nobody who writes waits
for all of them. It is no edit of a lead: neither its version nor its last change moves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import func, select, update

from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx

CHANGED: Final = "stage.probability"
"""The event of a status with another probability; its payload: `stage`, and the id `after` which leads are left."""

CHUNK: Final = 10_000
"""So many lead ids are looked at in one transaction."""


def changed(tx: WriteTx, stage_ids: Iterable[int]) -> None:
    """The probabilities of these statuses were changed in this transaction: let their leads follow."""
    for stage_id in stage_ids:
        _note(tx, stage_id, 0)


def keep_in_step(tx: WriteTx, event: Any) -> None:
    """Handle an event: the next leads of the status, and an event for those behind them.

    It goes by what the status has now, so that it does not matter in which order two changes are handled.
    """
    payload, lead = event.payload_json or {}, t.lead.c
    stage, after = tx.catalog.stage_by_id.get(int(payload.get("stage", 0))), int(payload.get("after", 0))
    if stage is None:
        return
    differs = lead.probability.is_distinct_from(stage.probability)
    some = (lead.id > after, lead.id <= after + CHUNK, lead.stage_id == stage.id, differs)
    tx.conn.execute(update(t.lead).where(*some).values(probability=stage.probability))
    following = tx.conn.execute(select(func.min(lead.id)).where(lead.id > after + CHUNK)).scalar()
    if following is not None:
        _note(tx, stage.id, int(following) - 1)


def _note(tx: WriteTx, stage_id: int, after: int) -> None:
    from . import events  # it knows the handlers, this among them

    events.emit(tx, CHANGED, lead_id=None, payload={"stage": stage_id, "after": after})
