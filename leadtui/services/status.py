"""Moving a lead from status to status, losing and reopening it (spec §E2, §M, AG19)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadtui.domain.catalog import Stage
from leadtui.domain.records import Done
from leadtui.domain.stages import check_move, first_lost
from leadtui.errors import Invalid, NotPermitted, Refused
from leadtui.store.unit_of_work import WriteTx

from . import lead_writes as w
from .office import Office


def set_status(
    office: Office,
    ref: str | int,
    status: str,
    *,
    reason: str | None = None,
    notes: str | None = None,
    version: int | None = None,
) -> Done:
    """Move a lead to a status. Raises IllegalMove, Locked, Invalid (field `status` or `reason`), NotPermitted."""
    with office.write() as tx:
        tx.open_batch("status", f"status {status}"[:255])
        row = w.open_for(tx, ref, "status")
        if version is not None and version != row["version"]:
            raise Refused(
                "somebody changed this lead since you opened it",
                code="edited_elsewhere",
                field="version",
                hint=f"it is at version {row['version']} now",
            )
        return w.answer(tx, row, set_status_row(tx, row, status, reason=reason, notes=notes))


def set_status_row(
    tx: WriteTx, row: Mapping[Any, Any], status: str, *, reason: str | None, notes: str | None = None
) -> w.Outcome:
    """`set_status` on a locked row the actor may move."""
    columns = status_columns(tx, row, status, reason=reason, notes=notes)
    changed = w.change(tx, row, columns, "status")
    warnings = () if changed else ("it has this status already",)
    return w.Outcome(("status",) if changed else (), warnings)


def status_columns(
    tx: WriteTx, row: Mapping[Any, Any], status: str, *, reason: str | None, notes: str | None = None
) -> dict[str, Any]:
    """What the move changes on the lead; writes its history. Empty when the lead has the status already."""
    catalog = tx.catalog
    target = catalog.find_stage(status, row["pipeline_id"])
    current = catalog.stage_by_id[row["stage_id"]]
    if target.id == current.id:
        return {}
    why = w.reason_text(reason)
    check_move(catalog.pipeline_by_id[row["pipeline_id"]], current, target, why)
    _within_limits(tx, current, target)
    if target.is_lost:
        w.allow(tx, row, "lose")
    columns = w.stage_columns(tx, target)
    columns |= _lost_columns(tx, why) if target.is_lost else _not_lost(row)
    w.note_status(tx, row, target, why, notes=w.reason_text(notes, field="notes"))
    return columns


def _within_limits(tx: WriteTx, current: Stage, target: Stage) -> None:
    """A technician moves leads only from or to the survey (spec AI14)."""
    allowed = tx.actor.grant("status").stages
    if allowed and current.key not in allowed and target.key not in allowed:
        names = ", ".join(sorted({s.name for s in tx.catalog.stages if s.key in allowed}))
        raise NotPermitted("you may change the status only from or to: " + names, field="status")


def _lost_columns(tx: WriteTx, reason: str | None) -> dict[str, Any]:
    counted = tx.catalog.find_lost_reason(reason or "")
    return {"lost_at": tx.now, "lost_note": reason, "lost_reason_id": counted.id if counted else None}


def _not_lost(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {"lost_at": None, "lost_note": None, "lost_reason_id": None} if row["lost_at"] is not None else {}


def lose(office: Office, ref: str | int, reason: str, *, status: str | None = None) -> Done:
    """Mark a lead as lost, with the reason (spec §M); to the pipeline's first lost status unless one is named."""
    with office.write() as tx:
        tx.open_batch("lose", "lost")
        row = w.open_for(tx, ref, "lose")
        return w.answer(tx, row, lose_row(tx, row, reason, status=status))


def lose_row(tx: WriteTx, row: Mapping[Any, Any], reason: str, *, status: str | None = None) -> w.Outcome:
    """`lose` on a locked row. Raises Refused for a lead that is lost already, Locked for a converted one."""
    why = w.reason_text(reason, required=True)
    stages = tx.catalog.stages_of(row["pipeline_id"])
    current = tx.catalog.stage_by_id[row["stage_id"]]
    if current.is_lost:
        raise Refused("the lead is lost already", code="already_lost", field="status")
    target = tx.catalog.find_stage(status, row["pipeline_id"]) if status else first_lost(stages)
    if not target.is_lost:
        raise Invalid(
            f"'{target.name}' is not a status for lost leads",
            field="status",
            hint="one of: " + ", ".join(s.name for s in stages if s.is_lost),
        )
    check_move(tx.catalog.pipeline_by_id[row["pipeline_id"]], current, target, why)
    w.note_status(tx, row, target, why)
    w.change(tx, row, w.stage_columns(tx, target) | _lost_columns(tx, why), "lose")
    return w.Outcome(("status",), ())


def reopen(office: Office, ref: str | int, reason: str, *, status: str | None = None) -> Done:
    """Take a converted or lost lead up again, with the reason (spec AG19). Never touches a router by itself."""
    with office.write() as tx:
        tx.open_batch("reopen", "reopened")
        row = w.open_for(tx, ref, "reopen")
        return w.answer(tx, row, reopen_row(tx, row, reason, status=status))


def reopen_row(tx: WriteTx, row: Mapping[Any, Any], reason: str, *, status: str | None = None) -> w.Outcome:
    """`reopen` on a locked row. It goes back to the status it had before, unless one is named."""
    why = w.reason_text(reason, required=True)
    current = tx.catalog.stage_by_id[row["stage_id"]]
    if not (current.is_converted or current.is_lost):
        raise Refused("the lead is neither converted nor lost", code="not_closed", field="status")
    target = tx.catalog.find_stage(status, row["pipeline_id"]) if status else _stage_before(tx, row)
    if target.is_converted or target.is_lost:
        raise Invalid(f"a lead cannot be reopened as '{target.name}'", field="status", hint="choose an open status")
    columns = w.stage_columns(tx, target) | _not_lost(row)
    warnings: tuple[str, ...] = ()
    if current.is_converted:
        columns |= {"converted_at": None, "converted_by_id": None, "customer_id": None, "conversion_notes": None}
        if w.has_router_user(tx, row["id"]):
            warnings = ("its router user stays on the router: remove or suspend it there if it is not wanted",)
    w.note_status(tx, row, target, why)
    w.change(tx, row, columns, "reopen")
    return w.Outcome(("status",), warnings)


def _stage_before(tx: WriteTx, row: Mapping[Any, Any]) -> Stage:
    for stage_id in w.earlier_stages(tx, row["id"]):
        stage = tx.catalog.stage_by_id.get(stage_id)
        if stage is not None and not stage.is_converted and not stage.is_lost and stage.is_active:
            return stage
    return tx.catalog.default_stage(row["pipeline_id"])
