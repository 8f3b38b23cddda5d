"""Editing a lead: only what was given, with the rules of its pipeline; two editors lose nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadtui.domain.fields import BY_KEY, LeadField
from leadtui.domain.records import Done
from leadtui.domain.rules import FieldState, field_states
from leadtui.errors import EditedElsewhere, Invalid, NotPermitted
from leadtui.store import lead_detail
from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx

from . import lead_writes as w
from .duplicates import phone_rule
from .lead_adding import past_warning, refuse_retired
from .lead_values import (
    TAGS,
    ValueContext,
    custom_value,
    parse_value,
    split_values,
)
from .office import Office
from .routing import Desk, is_auto

_SPECIAL = {"status", "assigned_to", "pipeline", "follow_up", "tags"}


def edit(
    office: Office,
    ref: str | int,
    changes: Mapping[str, str | None],
    *,
    version: int | None = None,
    base: Mapping[str, Any] | None = None,
) -> Done:
    """Change fields of a lead; None or "" clears one. Raises Invalid, Duplicate, EditedElsewhere, NotPermitted.

    With `version`, somebody else's change since refuses it. With `base` too (the fields as the form saw them), only a
    field that both changed refuses it; the rest is merged, so that two people editing one lead lose nothing.
    """
    with office.write() as tx:
        tx.open_batch("edit", "edit")
        desk = Desk(tx) if is_auto(changes.get("assigned_to")) else None  # its lock comes before that of the lead
        row = w.open_for(tx, ref, "edit")
        done, warnings = edit_row(tx, row, changes, version=version, base=base, desk=desk)
        if not done and not (desk is not None and desk.has_offered):
            tx.conn.execute(t.batch.delete().where(t.batch.c.id == tx.batch_id))
            tx.batch_id = None
        lead = w.row_of(tx, row["id"])
    return Done(lead, tx.batch_id, tuple(warnings), tuple(done))


def edit_row(
    tx: WriteTx,
    row: Mapping[Any, Any],
    changes: Mapping[str, str | None],
    *,
    version: int | None = None,
    base: Mapping[str, Any] | None = None,
    action: str = "edit",
    desk: Desk | None = None,
    plans: bool = True,
) -> tuple[list[str], list[str]]:
    """`edit` on a locked row the actor may edit; returns the keys that changed, and warnings.

    `desk` gives it away where `assigned_to` is "auto"; `plans`: with its first follow-up.
    """
    fields, custom = split_values(changes)
    if version is not None and version != row["version"]:
        _check_conflicts(tx, row, fields, custom, version, base)
    ctx = ValueContext(tx.catalog, tx.actor, tx.now, row["pipeline_id"])
    columns: dict[str, Any] = {}
    for field, text in fields.items():
        if field.key not in _SPECIAL:
            columns |= parse_value(field, text, ctx)
    refuse_retired(tx, columns, row)
    warnings = phone_rule(tx, columns, row["id"]) if columns.get("phone_e164") != row["phone_e164"] else []
    w.referrer_column(tx, columns, row["referrer_id"])
    _still_allowed(tx, row, columns)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    _special(tx, row, fields, ctx, columns, before, after, warnings, desk=desk, plans=plans)
    if custom:
        had = w.custom_of(tx, row["id"])
        wanted = {k: custom_value(k, v or "") for k, v in custom.items()}
        for key, value in wanted.items():
            if had.get(key, "") != value:
                before[f"custom.{key}"], after[f"custom.{key}"] = had.get(key), value or None
        w.set_custom(tx, row["id"], wanted)
    _required_after(tx, row, columns)
    changed = w.change(tx, row, columns, action, extra_before=before, extra_after=after)
    return _changed_keys(changed), warnings


def _special(
    tx: WriteTx,
    row: Mapping[Any, Any],
    fields: Mapping[LeadField, str | None],
    ctx: ValueContext,
    columns: dict[str, Any],
    before: dict[str, Any],
    after: dict[str, Any],
    warnings: list[str],
    *,
    desk: Desk | None,
    plans: bool,
) -> None:
    """Fields that are more than a column: each goes by the rules of its own act."""
    from .assignment import assignment
    from .status import status_columns

    for field, text in fields.items():
        match field.key:
            case "pipeline":
                target = tx.catalog.find_pipeline(text or "")
                if target.id != row["pipeline_id"]:
                    raise Invalid(
                        "a lead stays in its pipeline", field="pipeline", hint="add a new lead in the other pipeline"
                    )
            case "status":
                w.allow(tx, row, "status")
                columns |= status_columns(tx, row, text or "", reason=None)
            case "assigned_to":
                plans = plans and BY_KEY["follow_up"] not in fields
                told = assignment(tx, row, text, desk=desk, plans=plans)
                columns |= told.columns
                after |= told.extra
                warnings += told.warnings
            case "follow_up":
                parsed = parse_value(field, text, ctx)
                if parsed["next_follow_up_at"] != row["next_follow_up_at"] or not text:
                    columns |= w.set_follow_up(tx, row, parsed["next_follow_up_at"], parsed["next_follow_up_all_day"])
                    if columns["next_follow_up_at"] == row["next_follow_up_at"] and text:  # one of several at that time
                        before["follow_up"], after["follow_up"] = None, parsed["next_follow_up_at"].isoformat()
                    warnings += past_warning(tx, parsed)
                    if text and columns["next_follow_up_at"] != parsed["next_follow_up_at"]:
                        warnings.append(_still_before(tx, columns))
            case "tags":
                had = w.tags_of(tx, row["id"])
                wanted = list(dict.fromkeys(parse_value(field, text, ctx)[TAGS]))
                w.set_tags(tx, row["id"], wanted)
                now = w.tags_of(tx, row["id"])
                if now != had:
                    before["tags"], after["tags"] = had, now


def _still_before(tx: WriteTx, columns: Mapping[str, Any]) -> str:
    at = columns["next_follow_up_at"].astimezone(tx.catalog.tz)
    shown = f"{at:%Y-%m-%d}" if columns["next_follow_up_all_day"] else f"{at:%Y-%m-%d %H:%M}"
    return f"the lead has another follow-up before that, {shown}: it is the next one"


def _still_allowed(tx: WriteTx, row: Mapping[Any, Any], columns: Mapping[str, Any]) -> None:
    branch_id = columns.get("branch_id", row["branch_id"])
    if not tx.actor.may_on("edit", assigned_to_id=row["assigned_to_id"], branch_id=branch_id):
        raise NotPermitted("you may not move a lead to another branch", field="branch")


def _required_after(tx: WriteTx, row: Mapping[Any, Any], columns: Mapping[str, Any]) -> None:
    """A required field may not be cleared; one that was missing before (an old import) does not block other edits."""
    pipeline = tx.catalog.pipeline_by_id[row["pipeline_id"]]
    merged = {**row, **columns}
    values = {f.key: merged.get(f.column) for f in BY_KEY.values() if f.column}
    touched = {f.key for f in BY_KEY.values() if f.column in columns}
    states = field_states(pipeline, values)
    for key in touched:
        if states.get(key, FieldState(False, True)).required and values.get(key) in (None, ""):
            raise Invalid(
                f"{BY_KEY[key].label.lower()} is required",
                field=key,
                code="required",
                hint=f"the pipeline '{pipeline.name}' asks for it",
            )
    if touched & {"name", "phone", "email"} and not any(values.get(k) for k in ("name", "phone", "email")):
        raise Invalid("a lead needs a name, a phone or an email", field="name", code="required")


def _changed_keys(changed: Mapping[str, Any]) -> list[str]:
    from leadtui.domain.fields import BY_COLUMN

    keys = (BY_COLUMN[k].key if k in BY_COLUMN else k.removesuffix("_raw") for k in changed)
    return [k for k in dict.fromkeys(keys) if k.startswith("custom.") or (k in BY_KEY and BY_KEY[k].editable)]


def _check_conflicts(
    tx: WriteTx,
    row: Mapping[Any, Any],
    fields: Mapping[LeadField, str | None],
    custom: Mapping[str, str | None],
    version: int,
    base: Mapping[str, Any] | None,
) -> None:
    """Raises EditedElsewhere with whose change it was, field by field (the second editor chooses)."""
    now = lead_detail.field_values(tx, row)
    now |= {f"custom.{k}": v for k, v in w.custom_of(tx, row["id"]).items()}
    who = lead_detail.last_changes(tx, row["id"], version)
    touched = {f.key: text for f, text in fields.items()} | {f"custom.{k}": v for k, v in custom.items()}
    if base is None:
        keys = [k for k in who if k in now] or list(touched)
    else:
        keys = [k for k in touched if now.get(k) != base.get(k)]
        if not keys:
            return
    conflicts = [
        {
            "field": k,
            "label": BY_KEY[k].label if k in BY_KEY else k,
            "mine": touched.get(k),
            "theirs": now.get(k),
            "by": who.get(k, (None, None))[0],
            "at": who.get(k, (None, None))[1],
        }
        for k in keys
    ]
    by = next((c["by"] for c in conflicts if c["by"]), "somebody")
    raise EditedElsewhere(
        f"{by} changed this lead since you opened it: {', '.join(str(c['label']).lower() for c in conflicts)}",
        field=str(conflicts[0]["field"]) if conflicts else "version",
        hint=f"it is at version {row['version']} now; look at it, then decide",
        data={"conflicts": conflicts, "version": row["version"]},
    )
