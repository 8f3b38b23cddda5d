"""The rules for moving a lead from one status to another (spec §E2), as a pure function."""

from __future__ import annotations

from leadtui.errors import IllegalMove, Invalid, Locked

from .catalog import Pipeline, Stage


def check_move(pipeline: Pipeline, current: Stage, target: Stage, reason: str | None) -> None:
    """Raises Locked, IllegalMove or Invalid (field `reason`) when the move is not allowed.

    A converted lead is locked (spec §E2 58, AG19); `Converted` is reached only by a conversion (spec §L); a lost lead
    needs a reason (spec §M), and so does a step back where the pipeline says so (spec §E2 56, AG20).
    """
    if current.is_converted or current.is_locked:
        raise Locked(
            f"the lead is converted: its status is locked as '{current.name}'",
            field="status",
            hint="a principal may reopen it: leadtui lead reopen REF --reason …",
        )
    if target.is_converted:
        raise IllegalMove(
            f"'{target.name}' is reached by converting the lead, which makes the customer",
            field="status",
            hint="convert it: leadtui lead convert REF   (C on the screens)",
        )
    if not target.is_active:
        raise Invalid(f"the status '{target.name}' is no longer used", field="status", hint="choose another status")
    if target.is_lost and not reason:
        raise Invalid(
            f"a reason is needed to move a lead to '{target.name}'",
            field="reason",
            code="reason_required",
            hint="say why it was lost",
        )
    if needs_reason(pipeline, current, target) and not reason:
        raise Invalid(
            f"a reason is needed to move back from '{current.name}' to '{target.name}'",
            field="reason",
            code="reason_required",
            hint=f"the pipeline '{pipeline.name}' asks why a lead moves back",
        )


def needs_reason(pipeline: Pipeline, current: Stage, target: Stage) -> bool:
    """Whether this move asks for a reason."""
    if target.is_lost:
        return True
    return pipeline.require_reason_on_regress and target.order < current.order


def first_lost(stages: list[Stage]) -> Stage:
    """The status a lost lead goes to unless one is named: the first active lost one (spec AJ12)."""
    for stage in stages:
        if stage.is_lost and stage.is_active:
            return stage
    raise Invalid("this pipeline has no status for lost leads", field="status", hint="add one, or make one active")
