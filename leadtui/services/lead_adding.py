"""Adding a lead (spec §B–§D): what was typed, the rules of its pipeline, its number."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select, update

from leadtui.domain.catalog import Pipeline
from leadtui.domain.fields import BY_KEY, LeadField
from leadtui.domain.records import Done, LeadRow
from leadtui.domain.rules import require_fields
from leadtui.errors import Invalid, LeadtuiError, NotPermitted, Refused
from leadtui.store import schema as t
from leadtui.store.bulk_leads import draw_ids
from leadtui.store.claims import insert_new
from leadtui.store.numbers import draw
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id

from . import lead_writes as w
from . import routing, scoring
from .drip_rows import wants_new_leads
from .duplicates import phone_rule
from .lead_values import (
    TAGS,
    ValueContext,
    custom_value,
    derived_columns,
    parse_value,
    split_values,
)
from .office import Office


def create(
    office: Office,
    values: Mapping[str, str | None],
    *,
    tags: Iterable[str] = (),
    allow_duplicate: bool = False,
) -> Done:
    """Add a lead from what was typed, field key → text. Raises Invalid (with its field), Duplicate, NotPermitted.

    `allow_duplicate` lets a shared phone pass where the office's rule is only to warn; `block` always blocks.
    """
    with office.write() as tx:
        tx.open_batch("create", "new lead")
        row, warnings = create_in(tx, values, tags=tags)
    return Done(row, tx.batch_id, tuple(warnings))


def create_once(
    office: Office, key: str, values: Mapping[str, str | None], *, tags: Iterable[str] = ()
) -> tuple[Done, bool]:
    """`create`, but once for each `key` of the acting user: again, it answers the lead made then, and False.

    For callers that cannot know whether their first try arrived. Raises Refused (code `key_reused`) when the key came
    with other values, NotFound when that lead is the actor's to see no more.
    """
    name = hashlib.sha256(f"{office.user_id}:{key}".encode("utf-8", "surrogatepass")).hexdigest()
    said = hashlib.sha256(json.dumps([dict(values), list(tags)], sort_keys=True).encode()).hexdigest()
    e = t.inbox_event.c
    mine = (e.source == "api", e.external_key == name)
    with office.write() as tx:
        w.require(tx, "create")
        row_of_key = {
            "source": "api", "external_key": name, "kind": "create", "payload_json": {"said": said}, "attempts": 1,
            "received_at": tx.now, "handled_at": tx.now,
        }  # fmt: skip
        if not insert_new(tx, t.inbox_event, [row_of_key], ("source", "external_key")):
            kept = tx.conn.execute(select(e.payload_json).where(*mine)).scalar_one()
            if kept["said"] != said:
                raise Refused(
                    "this key came with another lead before", code="key_reused", field="Idempotency-Key",
                    hint="a new key for each new lead",
                )  # fmt: skip
            return Done(w.row_of(tx, w.resolve(tx, int(kept["lead_id"]))), None), False
        tx.open_batch("create", "new lead")
        row, warnings = create_in(tx, values, tags=tags)
        tx.conn.execute(update(t.inbox_event).where(*mine).values(payload_json={"said": said, "lead_id": row.id}))
    return Done(row, tx.batch_id, tuple(warnings)), True


def create_in(
    tx: WriteTx, values: Mapping[str, str | None], *, tags: Iterable[str] = (), came_in: bool = False
) -> tuple[LeadRow, list[str]]:
    """`create` inside a transaction that is open already. `came_in`: no person typed it (a booking, a form)."""
    w.require(tx, "create")
    fields, custom = split_values({k: v for k, v in values.items() if v is not None and str(v).strip()})
    pipeline = _pipeline_of(tx, fields)
    require_fields(pipeline, {f.key: v for f, v in fields.items()})
    ctx = ValueContext(tx.catalog, tx.actor, tx.now, pipeline.id)
    columns: dict[str, Any] = {}
    for field, text in fields.items():
        if field.key not in {"pipeline", "assigned_to"}:
            columns |= parse_value(field, text, ctx)
    refuse_retired(tx, columns, {})
    columns["assigned_to_id"] = _first_owner(tx, fields, ctx)
    all_tags = [*columns.pop(TAGS, ()), *tags]
    warnings = phone_rule(tx, columns, None)
    row_id = _insert(tx, pipeline, columns)
    if all_tags:
        w.set_tags(tx, row_id, all_tags)
    w.set_custom(tx, row_id, {k: custom_value(k, v or "") for k, v in custom.items()})
    warnings += past_warning(tx, columns)
    if routing.takes_new(tx, fields.get(BY_KEY["assigned_to"]), came_in=came_in):
        warnings += routing.give_new(tx, row_id)
    return w.row_of(tx, row_id), warnings


def _pipeline_of(tx: ReadTx, fields: Mapping[LeadField, str | None]) -> Pipeline:
    named = fields.get(BY_KEY["pipeline"])
    if not named:
        return tx.catalog.default_pipeline
    pipeline = tx.catalog.find_pipeline(named)
    if not pipeline.is_active:
        raise Invalid(f"the pipeline '{pipeline.name}' is no longer used", field="pipeline", hint="choose another one")
    return pipeline


def refuse_retired(tx: ReadTx, columns: Mapping[str, Any], row: Mapping[Any, Any]) -> None:
    """What the office no longer offers is kept by the leads that have it, and chosen for no other (spec AJ32)."""
    catalog = tx.catalog
    offered: tuple[tuple[str, str, Mapping[int, Any]], ...] = (
        ("stage_id", "status", catalog.stage_by_id),
        ("source_id", "source", catalog.source_by_id),
        ("product_id", "package", catalog.product_by_id),
        ("branch_id", "branch", catalog.branch_by_id),
    )
    for column, noun, by_id in offered:
        chosen = columns.get(column)
        if chosen is not None and chosen != row.get(column) and not by_id[chosen].is_active:
            name = by_id[chosen].name
            raise Invalid(f"the {noun} '{name}' is no longer used", field=noun, hint=f"choose another {noun}")


def _first_owner(tx: WriteTx, fields: Mapping[LeadField, str | None], ctx: ValueContext) -> int | None:
    """Who a new lead belongs to: the one named, else its maker where he sees only his own (spec AI10)."""
    actor = tx.actor
    named = fields.get(BY_KEY["assigned_to"])
    if named:
        if routing.is_auto(named):
            if not actor.may("assign"):
                raise NotPermitted("you may not assign leads", field="assigned_to")
            return None  # chosen when the lead is there
        wanted = parse_value(BY_KEY["assigned_to"], named, ctx)["assigned_to_id"]
        if wanted not in (None, actor.user_id) and not actor.may("assign"):
            raise NotPermitted(
                "you may not assign leads to others", field="assigned_to", hint="leave it out: a lead you add is yours"
            )
        if wanted is not None or actor.scope("read") != "own":
            return int(wanted) if wanted is not None else None
    return actor.user_id if actor.scope("read") in {"own", "team"} else None


def _insert(tx: WriteTx, pipeline: Pipeline, columns: dict[str, Any]) -> int:
    actor, catalog = tx.actor, tx.catalog
    w.referrer_column(tx, columns, None)
    stage = catalog.stage_by_id[columns["stage_id"]] if "stage_id" in columns else catalog.default_stage(pipeline.id)
    if stage.is_converted or stage.is_lost:
        raise Invalid(
            f"a new lead cannot begin as '{stage.name}'", field="status", hint="add it first, then convert or lose it"
        )
    if not stage.is_active:
        raise Invalid(f"the status '{stage.name}' is no longer used", field="status", hint="choose another status")
    if columns.get("branch_id") is None:
        columns["branch_id"] = actor.branch_id
    if actor.scope("create") == "branch" and (actor.branch_id is None or columns["branch_id"] != actor.branch_id):
        raise NotPermitted("you may add leads only to your own branch", field="branch")
    if columns.get("source_id") is None:
        columns["source_id"] = default_source(tx)
    follow_up = columns.get("next_follow_up_at"), columns.get("next_follow_up_all_day", True)
    number = draw(tx)[0]
    columns |= {
        "number": number,
        "pipeline_id": pipeline.id,
        "stage_id": stage.id,
        "probability": stage.probability,
        "stage_changed_at": tx.now,
        "furthest_stage_id": stage.id if stage.is_step else None,  # as the trigger would, which finds nothing to do
        "assigned_at": tx.now if columns["assigned_to_id"] else None,
        "created_by_id": actor.user_id,
        "updated_by_id": actor.user_id,
        "created_at": tx.now,
        "updated_at": tx.now,
    } | derived_columns(columns, number=number, phone_unique=catalog.phone_unique)
    if tx.is_sqlite:  # which by itself gives the id of a lead that was undone or purged to the next one
        columns = {"id": draw_ids(tx, 1)[0]} | columns
    row_id = insert_id(tx.conn, t.lead, **columns)
    scoring.touch(tx, row_id)
    tx.later(
        t.stage_change,
        lead_id=row_id,
        from_stage_id=None,
        to_stage_id=stage.id,
        reason=None,
        by_id=actor.user_id,
        at=tx.now,
        batch_id=tx.batch_id,
        seconds_in_stage=None,
    )
    if follow_up[0] is not None:
        w.add_follow_up(tx, row_id, follow_up[0], follow_up[1], "follow up", columns["assigned_to_id"])
    not_told = {"id", "furthest_stage_id"}
    tx.audit("create", "lead", row_id, None, {k: v for k, v in columns.items() if v is not None and k not in not_told})
    if wants_new_leads(tx):
        w.note_event(tx, w.CREATED, row_id, {"batch": tx.batch_id})
    return row_id


def default_source(tx: ReadTx) -> int:
    """The source of a lead that names none: `Manual Entry`, or what the preset says (spec AG10)."""
    name = str(tx.catalog.settings.get("default_source", "Manual Entry"))
    active = [s for s in tx.catalog.sources if s.is_active]
    try:
        named = tx.catalog.find_source(name)
    except LeadtuiError:
        named = active[0]
    return (named if named.is_active else active[0]).id


def past_warning(tx: ReadTx, columns: Mapping[str, Any]) -> list[str]:
    from leadtui.domain.dates import day_bounds, local_day

    at = columns.get("next_follow_up_at")
    if at is not None and at < day_bounds(local_day(tx.now, tx.catalog.tz), tx.catalog.tz)[0]:
        return ["the follow-up lies in the past: it is overdue at once"]
    return []
