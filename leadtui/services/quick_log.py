"""One key for an outcome: contact, next follow-up and status, in one transaction and one undo (spec AI18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from leadtui.domain.catalog import Catalog, Pipeline
from leadtui.domain.dates import iso_z
from leadtui.domain.quick_logs import QuickLogItem, find_quick_log, goes_there
from leadtui.domain.records import Done
from leadtui.errors import Invalid, Refused
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import follow_ups as f
from . import lead_writes as w
from .activities import LogEntry, log_row
from .office import Office


def items(
    office: Office, pipeline: str | int | None = None, *, include_retired: bool = False
) -> tuple[QuickLogItem, ...]:
    """The outcomes of a pipeline (key, name or id; the default one when left out), in their order. Raises Invalid."""
    with office.read() as tx:
        return items_of(tx, _pipeline(tx.catalog, pipeline).id, include_retired=include_retired)


def _pipeline(catalog: Catalog, pipeline: str | int | None) -> Pipeline:
    if pipeline is None:
        return catalog.default_pipeline
    if isinstance(pipeline, int):
        return catalog.pipeline_by_id[pipeline]
    return catalog.find_pipeline(pipeline)


def items_of(tx: ReadTx, pipeline_id: int, *, include_retired: bool = False) -> tuple[QuickLogItem, ...]:
    """The outcomes of a pipeline inside an open transaction."""
    q = t.quick_log.c
    query = select(t.quick_log).where(q.pipeline_id == pipeline_id).order_by(q.order, q.id)
    if not include_retired:
        query = query.where(q.is_active.is_(True))
    return tuple(item_of(tx.catalog, row) for row in tx.conn.execute(query).mappings())


@dataclass(frozen=True, slots=True)
class Offer:
    """An outcome as it would be written for one lead now: when the rule wants the next contact, where the lead goes."""

    item: QuickLogItem
    at: datetime | None
    status: str | None


def offers(office: Office, ref: str | int) -> tuple[Offer, ...]:
    """What each outcome of a lead's pipeline would do, for a look before one is chosen. Raises NotFound."""
    with office.read() as tx:
        row = w.load(tx, w.resolve(tx, ref))
        current = tx.catalog.stage_by_id[row["stage_id"]]
        found = []
        for item in items_of(tx, row["pipeline_id"]):
            target = tx.catalog.stage_by_id.get(item.stage_id or 0)
            moves = target is not None and target.is_active and goes_there(current, target)
            found.append(Offer(item, _rule(tx, row, item), item.stage if moves and not current.is_converted else None))
        return tuple(found)


def item_of(catalog: Catalog, row: Mapping[Any, Any]) -> QuickLogItem:
    """A row of the table as the domain has it."""
    stage = catalog.stage_by_id.get(row["stage_id"] or 0)
    return QuickLogItem(
        id=row["id"],
        pipeline_id=row["pipeline_id"],
        order=row["order"],
        name=row["name"],
        type=row["type"],
        outcome=row["outcome"],
        subject=row["subject"],
        delay_minutes=row["delay_minutes"],
        context=row["context"],
        next_action=row["next_action"],
        ask=row["ask"],
        stage_id=row["stage_id"],
        stage=stage.name if stage else None,
        is_active=row["is_active"],
    )


def apply(
    office: Office,
    ref: str | int,
    item: int | str,
    *,
    when: str | None = None,
    reason: str | None = None,
    note: str | None = None,
    version: int | None = None,
) -> Done:
    """Log an outcome of a lead's pipeline: `item` is its id or name.

    The contact is logged, what was due is closed, the next follow-up is made (`when` as typed, else by the item's
    rule), and the lead moves on to the item's status where the role and the pipeline allow it, else the answer warns.
    All of it is one batch, which one undo takes back. `version`: Refused (`edited_elsewhere`) when the lead moved on
    since. Raises Invalid (field `quick`; `when` or `reason` where the item asks for it), NotPermitted, NotFound.
    """
    with office.write() as tx:
        row = w.open_for(tx, ref, "log")
        if version is not None and version != row["version"]:
            raise Refused(
                "somebody changed this lead since you opened it", code="edited_elsewhere", field="version",
                hint="look at it again, then repeat",
            )  # fmt: skip
        found = _find(tx, row, item)
        tx.open_batch("log", f"log {found.name}"[:255])
        return w.answer(tx, row, apply_row(tx, row, found, when=when, reason=reason, note=note))


def _find(tx: ReadTx, row: Mapping[Any, Any], item: int | str) -> QuickLogItem:
    choices = items_of(tx, row["pipeline_id"])
    found = find_quick_log(choices, item)
    if found is None:
        pipeline = tx.catalog.pipeline_by_id[row["pipeline_id"]].name
        hint = "one of: " + ", ".join(one.name for one in choices) if choices else "add one: leadtui quick-log add"
        raise Invalid(f"the pipeline '{pipeline}' has no quick log '{str(item)[:60]}'", field="quick", hint=hint)
    return found


def apply_row(
    tx: WriteTx, row: Mapping[Any, Any], item: QuickLogItem, *, when: str | None, reason: str | None, note: str | None
) -> w.Outcome:
    """`apply` on a locked row."""
    if item.ask == "when" and not (when or "").strip():
        raise Invalid("when is the next contact?", field="when", code="required", hint="such as tomorrow 14:00 or +4h")
    why = w.reason_text(reason, required=item.ask == "reason")
    target = tx.catalog.stage_by_id.get(item.stage_id or 0)
    current = tx.catalog.stage_by_id[row["stage_id"]]
    moves = target is not None and goes_there(current, target)
    at = None if (when or "").strip() else _rule(tx, row, item)
    details = "\n".join(text for text in (why, w.reason_text(note, field="note")) if text) or None
    entry = LogEntry(
        type=item.type,
        subject=item.subject or item.name,
        details=details,
        outcome=item.outcome,
        next_action=item.next_action,
        next_at=iso_z(at) if at is not None else (when or "").strip() or None,
        context=item.context,
        complete_due=True,
        status=target.name if target is not None and moves else None,
        reason=why,
        drop_open=True,
        by_rule=item.name if at is not None else None,
    )
    return log_row(tx, row, entry)


def _rule(tx: ReadTx, row: Mapping[Any, Any], item: QuickLogItem) -> datetime | None:
    """When the item's rule wants the next contact."""
    if item.delay_minutes is not None:
        return f.time_after(tx, row, item.delay_minutes)
    return f.smart_time_for(tx, row, item.context) if item.context is not None else None
