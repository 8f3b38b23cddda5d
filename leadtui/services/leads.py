"""Leads: create, find, read, edit (spec §B–§D, §V, §W)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from leadtui.domain import phones
from leadtui.domain.catalog import Pipeline
from leadtui.domain.fields import BY_KEY, LeadField
from leadtui.domain.filters import Node
from leadtui.domain.lead_filters import parse_lead_filter
from leadtui.domain.records import Done, DuplicateHit, LeadDetail, LeadRow, Page
from leadtui.domain.rules import FieldState, field_states, require_fields
from leadtui.errors import Duplicate, EditedElsewhere, Invalid, LeadtuiError, NotFound, NotPermitted
from leadtui.store import lead_detail
from leadtui.store import leads as queries
from leadtui.store import schema as t
from leadtui.store.bulk_leads import draw_ids
from leadtui.store.leads import Order
from leadtui.store.numbers import draw
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id
from leadtui.text import fold

from . import lead_writes as w
from .lead_values import (
    PERSON_NAME,
    PERSON_PHONE,
    TAGS,
    ValueContext,
    custom_value,
    derived_columns,
    parse_value,
    split_values,
)
from .office import Office

_SPECIAL = {"status", "assigned_to", "pipeline", "follow_up", "tags"}


# -- reading ------------------------------------------------------------------------------------------------------


def as_filter(office: Office, where: str | Node | None) -> Node | None:
    """The filter as a tree. Raises FilterError naming the column; fields hidden from the role are unknown to it."""
    return parse_lead_filter(where, office.actor.hidden_fields) if isinstance(where, str) else where


def search(
    office: Office,
    where: str | Node | None = None,
    *,
    sort: str = "-created_at",
    limit: int = 15,
    offset: int = 0,
    total: bool = True,
    deleted: bool = False,
) -> Page:
    """One page of the leads that a filter finds, in the acting user's scope (spec §V 162: 15 a page, newest first)."""
    node = as_filter(office, where)
    if deleted:
        node = as_filter(office, "is:deleted") if node is None else _and(node, as_filter(office, "is:deleted"))
    order = Order.parse(sort, office.actor.hidden_fields)
    with office.read() as tx:
        ids = queries.page_ids(tx, node, order, limit=limit, offset=offset)
        found = queries.rows(tx, ids)
        counted = queries.count(tx, node) if total else None
    return Page(counted, tuple(found), offset)


def _and(a: Node, b: Node | None) -> Node:
    from leadtui.domain.filters import every

    return every([a, b]) if b is not None else a


def count(office: Office, where: str | Node | None = None) -> int:
    """How many leads a filter finds."""
    node = as_filter(office, where)
    with office.read() as tx:
        return queries.count(tx, node)


def rows(office: Office, ids: Sequence[int]) -> tuple[LeadRow, ...]:
    """These leads, in this order; those out of scope or deleted are missing."""
    with office.read() as tx:
        return tuple(r for r in queries.rows(tx, list(ids)) if not r.is_deleted)


def position(office: Office, where: str | Node | None, sort: str, lead_id: int) -> int | None:
    """Where a lead stands in a list (0 is the first), None when it is not in it."""
    node = as_filter(office, where)
    order = Order.parse(sort, office.actor.hidden_fields)
    with office.read() as tx:
        return queries.position(tx, node, order, lead_id)


def neighbours(office: Office, where: str | Node | None, sort: str, lead_id: int) -> tuple[int | None, int | None]:
    """The lead before and the lead after one in a list; None at the ends."""
    node = as_filter(office, where)
    order = Order.parse(sort, office.actor.hidden_fields)
    with office.read() as tx:
        at = queries.position(tx, node, order, lead_id)
        if at is None:
            return None, None
        start = max(0, at - 1)
        ids = queries.page_ids(tx, node, order, limit=3, offset=start)
    here = ids.index(lead_id) if lead_id in ids else None
    if here is None:
        return None, None
    return (ids[here - 1] if here > 0 else None), (ids[here + 1] if here + 1 < len(ids) else None)


def change_mark(office: Office) -> int:
    """A number that moves whenever anybody changed anything: what an open list asks for now and then."""
    with office.read() as tx:
        return int(tx.conn.execute(select(func.max(t.audit.c.id))).scalar() or 0)


def get(office: Office, ref: str | int) -> LeadDetail:
    """Everything about one lead, and what the acting user may do with it. Raises NotFound."""
    with office.read() as tx:
        return lead_detail.detail(tx, w.resolve(tx, ref))


def field_rules(office: Office, pipeline: str, values: Mapping[str, Any]) -> dict[str, FieldState]:
    """Which fields a form of this pipeline shows and requires, given what is typed so far."""
    return field_states(office.catalog.find_pipeline(pipeline), values)


def duplicates(office: Office, values: Mapping[str, str], *, exclude_id: int | None = None) -> tuple[DuplicateHit, ...]:
    """Leads that share a phone, email or identity paper with what is being typed. Half-typed values find nothing.

    A lead outside the actor's scope is told of without its record: "exists, owned by X" (spec AJ34).
    """
    with office.read() as tx:
        return tuple(_duplicates(tx, values, exclude_id))


def _duplicates(tx: ReadTx, values: Mapping[str, str], exclude_id: int | None) -> list[DuplicateHit]:
    lead = t.lead.c
    ctx = ValueContext(tx.catalog, tx.actor, tx.now, tx.catalog.default_pipeline.id)
    hits: dict[int, DuplicateHit] = {}
    for key in ("phone", "alt_phone", "email", "national_id", "passport"):
        try:
            parsed = parse_value(BY_KEY[key], values.get(key), ctx)
        except LeadtuiError:
            continue
        match key:
            case "phone" | "alt_phone":
                e164 = parsed[f"{key}_e164"]
                clauses = [lead.phone_e164 == e164, lead.alt_phone_e164 == e164] if e164 else []
            case "email":
                clauses = [lead.email_norm == parsed["email_norm"]] if parsed["email_norm"] else []
            case _:
                norm = parsed[f"{key}_norm"]
                clauses = [lead[f"{key}_norm"] == norm] if norm else []
        for clause in clauses:
            query = select(t.lead).where(clause, lead.deleted_at.is_(None)).order_by(lead.id).limit(5)
            for row in tx.conn.execute(query).mappings():
                if row["id"] != exclude_id and row["id"] not in hits:
                    hits[row["id"]] = _hit(tx, row, BY_KEY[key].label.lower(), key)
    return list(hits.values())


def _hit(tx: ReadTx, row: Mapping[Any, Any], label: str, key: str) -> DuplicateHit:
    owner = tx.catalog.user_by_id.get(row["assigned_to_id"])
    blocks = key == "phone" and tx.catalog.phone_unique == "block"
    if not tx.actor.may_on("read", assigned_to_id=row["assigned_to_id"], branch_id=row["branch_id"]):
        return DuplicateHit(label, None, None, None, owner.login if owner else None, blocks=blocks)
    status = tx.catalog.stage_by_id[row["stage_id"]].name
    return DuplicateHit(label, row["number"], row["id"], row["name"], owner.login if owner else None, status, blocks)


# -- creating -----------------------------------------------------------------------------------------------------


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


def create_in(tx: WriteTx, values: Mapping[str, str | None], *, tags: Iterable[str] = ()) -> tuple[LeadRow, list[str]]:
    """`create` inside a transaction that is open already."""
    w.require(tx, "create")
    fields, custom = split_values({k: v for k, v in values.items() if v is not None and str(v).strip()})
    pipeline = _pipeline_of(tx, fields)
    require_fields(pipeline, {f.key: v for f, v in fields.items()})
    ctx = ValueContext(tx.catalog, tx.actor, tx.now, pipeline.id)
    columns: dict[str, Any] = {}
    for field, text in fields.items():
        if field.key not in {"pipeline", "assigned_to"}:
            columns |= parse_value(field, text, ctx)
    _refuse_retired(tx, columns, {})
    columns["assigned_to_id"] = _first_owner(tx, fields, ctx)
    all_tags = [*columns.pop(TAGS, ()), *tags]
    warnings = _phone_rule(tx, columns, None)
    row_id = _insert(tx, pipeline, columns)
    if all_tags:
        w.set_tags(tx, row_id, all_tags)
    w.set_custom(tx, row_id, {k: custom_value(k, v or "") for k, v in custom.items()})
    warnings += _past_warning(tx, columns)
    return w.row_of(tx, row_id), warnings


def _pipeline_of(tx: ReadTx, fields: Mapping[LeadField, str | None]) -> Pipeline:
    named = fields.get(BY_KEY["pipeline"])
    if not named:
        return tx.catalog.default_pipeline
    pipeline = tx.catalog.find_pipeline(named)
    if not pipeline.is_active:
        raise Invalid(f"the pipeline '{pipeline.name}' is no longer used", field="pipeline", hint="choose another one")
    return pipeline


def _refuse_retired(tx: ReadTx, columns: Mapping[str, Any], row: Mapping[Any, Any]) -> None:
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
        if fold(named).strip() == "auto":
            from .assignment import pick_automatically

            if not actor.may("assign"):
                raise NotPermitted("you may not assign leads", field="assigned_to")
            return pick_automatically(tx)
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
        "assigned_at": tx.now if columns["assigned_to_id"] else None,
        "created_by_id": actor.user_id,
        "updated_by_id": actor.user_id,
        "created_at": tx.now,
        "updated_at": tx.now,
    } | derived_columns(columns, number=number, phone_unique=catalog.phone_unique)
    if tx.is_sqlite:  # which by itself gives the id of a lead that was undone or purged to the next one
        columns = {"id": draw_ids(tx, 1)[0]} | columns
    row_id = insert_id(tx.conn, t.lead, **columns)
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
    tx.audit("create", "lead", row_id, None, {k: v for k, v in columns.items() if v is not None and k != "id"})
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


def _phone_rule(tx: WriteTx, columns: Mapping[str, Any], exclude_id: int | None) -> list[str]:
    """The office's rule for a phone that exists (spec AG5). Raises Duplicate where it blocks; else warnings."""
    warnings: list[str] = []
    for key in ("phone_e164", "alt_phone_e164"):
        e164 = columns.get(key)
        if not e164:
            continue
        if not phones.parse(e164, tx.catalog.country).is_valid:
            shown = phones.format_phone(e164, tx.catalog.country)
            warnings.append(f"{shown} is an unlikely phone number; it is kept as typed")
        if tx.catalog.phone_unique == "off":
            continue
        taken = w.phone_taken(tx, e164, exclude_id)
        if taken is None:
            continue
        hit = _hit(tx, taken, "phone", "phone")
        if key == "phone_e164" and tx.catalog.phone_unique == "block" and taken["phone_e164"] == e164:
            raise Duplicate(
                hit.sentence,
                field="phone",
                hint="open that lead, or change the number",
                data={"lead_id": hit.lead_id, "number": hit.number},
            )
        warnings.append(hit.sentence)
    return warnings


def _past_warning(tx: ReadTx, columns: Mapping[str, Any]) -> list[str]:
    from leadtui.domain.dates import day_bounds, local_day

    at = columns.get("next_follow_up_at")
    if at is not None and at < day_bounds(local_day(tx.now, tx.catalog.tz), tx.catalog.tz)[0]:
        return ["the follow-up lies in the past: it is overdue at once"]
    return []


# -- editing ------------------------------------------------------------------------------------------------------


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
        row = w.open_for(tx, ref, "edit")
        done, warnings = edit_row(tx, row, changes, version=version, base=base)
        if not done:
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
) -> tuple[list[str], list[str]]:
    """`edit` on a locked row the actor may edit; returns the keys that changed, and warnings."""
    fields, custom = split_values(changes)
    if version is not None and version != row["version"]:
        _check_conflicts(tx, row, fields, custom, version, base)
    ctx = ValueContext(tx.catalog, tx.actor, tx.now, row["pipeline_id"])
    columns: dict[str, Any] = {}
    for field, text in fields.items():
        if field.key not in _SPECIAL:
            columns |= parse_value(field, text, ctx)
    _refuse_retired(tx, columns, row)
    warnings = _phone_rule(tx, columns, row["id"]) if columns.get("phone_e164") != row["phone_e164"] else []
    w.referrer_column(tx, columns, row["referrer_id"])
    _still_allowed(tx, row, columns)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    _special(tx, row, fields, ctx, columns, before, after, warnings)
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
) -> None:
    """Fields that are more than a column: each goes by the rules of its own act."""
    from .assignment import assignment_columns
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
                columns |= assignment_columns(tx, row, text)
            case "follow_up":
                parsed = parse_value(field, text, ctx)
                if parsed["next_follow_up_at"] != row["next_follow_up_at"] or not text:
                    columns |= w.set_follow_up(tx, row, parsed["next_follow_up_at"], parsed["next_follow_up_all_day"])
                    if columns["next_follow_up_at"] == row["next_follow_up_at"] and text:  # one of several at that time
                        before["follow_up"], after["follow_up"] = None, parsed["next_follow_up_at"].isoformat()
                    warnings += _past_warning(tx, columns)
            case "tags":
                had = w.tags_of(tx, row["id"])
                wanted = list(dict.fromkeys(parse_value(field, text, ctx)[TAGS]))
                w.set_tags(tx, row["id"], wanted)
                now = w.tags_of(tx, row["id"])
                if now != had:
                    before["tags"], after["tags"] = had, now


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


# -- intake -------------------------------------------------------------------------------------------------------


def intake(office: Office, source: str | None, values: Mapping[str, str | None], *, note: str | None = None) -> Done:
    """The one door for leads from elsewhere: link to the lead that is there already, else create it (spec §O 124).

    Linking fills only what is blank and leaves a note on the timeline.
    """
    given = {k: v for k, v in values.items() if v is not None and str(v).strip()}
    with office.write() as tx:
        tx.open_batch("intake", f"intake from {source or 'elsewhere'}")
        if source:
            given.setdefault("source", source)
        w.require(tx, "create")
        hit = next((h for h in _duplicates(tx, given, None) if h.key in {"phone", "second phone", "email"}), None)
        if hit is None:
            row, warnings = create_in(tx, given)
            return Done(row, tx.batch_id, tuple(warnings))
        if hit.lead_id is None:
            raise Duplicate(hit.sentence, field="phone", hint="ask its owner, or a supervisor")
        row = _link(tx, hit.lead_id, given, source, note)
    return Done(row, tx.batch_id, (f"linked to {row.number}",))


def _link(tx: WriteTx, lead_id: int, given: Mapping[str, str | None], source: str | None, note: str | None) -> LeadRow:
    row = w.load(tx, lead_id)
    now = lead_detail.field_values(tx, row)
    blanks = {
        k: v
        for k, v in given.items()
        if k not in {"source", "status", "pipeline", "assigned_to"} and now.get(k) in (None, "", False, ())
    }
    if blanks and tx.actor.may_on("edit", assigned_to_id=row["assigned_to_id"], branch_id=row["branch_id"]):
        edit_row(tx, row, blanks, action="intake")
    text = note or "\n".join(f"{k}: {v}" for k, v in given.items() if k != "source")
    w.add_activity(tx, lead_id, "note", f"came in again from {source or 'elsewhere'}"[:255], text)
    tx.update_later(t.lead, lead_id, {"last_activity_at": tx.now})
    tx.audit("log", "lead", lead_id, {"last_activity_at": row["last_activity_at"]}, {"last_activity_at": tx.now})
    return w.row_of(tx, lead_id)


def lead_id_of(office: Office, ref: str | int, *, deleted: bool = False) -> int:
    """The id of the lead (or, with `deleted`, of the deleted lead) that `ref` names. Raises NotFound."""
    with office.read() as tx:
        return w.resolve(tx, ref, deleted=deleted, action="delete" if deleted else "read")


__all__ = [
    "PERSON_NAME",
    "PERSON_PHONE",
    "NotFound",
    "as_filter",
    "change_mark",
    "count",
    "create",
    "create_in",
    "duplicates",
    "edit",
    "edit_row",
    "field_rules",
    "get",
    "intake",
    "lead_id_of",
    "neighbours",
    "position",
    "rows",
    "search",
]
