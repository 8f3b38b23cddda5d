"""The office's small tables (packages, sources, statuses …): list, find, add, change, retire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update

from leadtui.domain import milestones, stage_actions, triggers
from leadtui.errors import Invalid, NotFound, Refused
from leadtui.store import presets, tallies
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, insert_id
from leadtui.text import fold

from . import addresses, probabilities, scoring
from . import catalogue_rules as rules
from . import lead_writes as w
from .catalogue_nouns import OF_PIPELINE, noun_of
from .catalogue_values import columns_of, held, merged, shown
from .office import Office

# -- reading --------------------------------------------------------------------------------------------------------


def items(
    office: Office,
    noun: str,
    *,
    include_retired: bool = True,
    pipeline: str | None = None,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """The records of a noun as JSON-ready values."""
    with office.read() as tx:
        spec = noun_of(noun)
        query = select(spec.table).order_by(*_order(noun))
        if noun in OF_PIPELINE and pipeline:
            query = query.where(rules.in_pipeline(noun, tx.catalog.find_pipeline(pipeline).id))
        if noun == "person":
            _may_list_people(tx)
        if not include_retired and spec.retires:
            query = query.where(spec.table.c.is_active.is_(True))
        if limit is not None:
            query = query.limit(limit)
        return [_record(tx, noun, r) for r in tx.conn.execute(query).mappings()]


def _may_list_people(tx: ReadTx) -> None:
    if tx.actor.scope("read") == "none" and not tx.actor.may("config"):
        w.require(tx, "config")


def _order(noun: str) -> list[Any]:
    match noun:
        case "status":
            return [t.stage.c.rank]
        case "source":
            return [t.source.c.order, t.source.c.id]
        case "quick_log":
            return [t.quick_log.c.pipeline_id, t.quick_log.c.order, t.quick_log.c.id]
        case "stage_action":
            rank = select(t.stage.c.rank).where(t.stage.c.id == t.stage_action.c.stage_id).scalar_subquery()
            return [rank, t.stage_action.c.order, t.stage_action.c.id]
        case "trigger":
            return [t.trigger.c.order, t.trigger.c.id]
        case "milestone":
            return [t.milestone.c.order, t.milestone.c.id]
        case "tag":
            return [t.tag.c.key]
        case "person":
            return [t.person.c.name_key, t.person.c.id]
        case _:
            return [noun_of(noun).table.c.id]


def _record(tx: ReadTx, noun: str, row: Mapping[Any, Any]) -> dict[str, Any]:
    spec = noun_of(noun)
    record: dict[str, Any] = {"id": row["id"]}
    if noun in {"source", "status", "pipeline", "milestone", "trigger"}:
        record["key"] = row["key"]
    for key, column, kind in spec.columns:
        record[key] = shown(tx, kind, held(row, column))
    if noun in OF_PIPELINE:
        record["pipeline"] = tx.catalog.pipeline_by_id[rules.pipeline_of(tx, noun, row)].key
    if noun == "stage_action":
        record["does"] = stage_actions.item_from(row).words
    if noun == "trigger":
        item = triggers.item_from(row)
        record |= {"when": item.when, "does": item.does}
    if noun == "milestone":
        record["condition"] = milestones.item_from(row).words
    if noun == "status":
        record["is_locked"] = row["is_locked"]
    if noun == "pipeline":
        record["stages"] = [s.name for s in tx.catalog.stages_of(row["id"])]
        record["conversion_steps"] = list(row["conversion_steps_json"] or [])
        record["field_rules"] = dict(row["field_rules_json"] or {})
    record["is_active"] = row["is_active"] if spec.retires else True
    return record


def find(tx: ReadTx, noun: str, ref: str, pipeline: str | None = None) -> Mapping[Any, Any]:
    """The record that `ref` (name, key or id) names. Raises NotFound."""
    spec = noun_of(noun)
    wanted = fold(ref).strip()
    query = select(spec.table)
    if noun in OF_PIPELINE and pipeline:
        query = query.where(rules.in_pipeline(noun, tx.catalog.find_pipeline(pipeline).id))
    if noun == "person":
        query = (
            query.where(t.person.c.name_key == wanted) if not ref.isdigit() else query.where(t.person.c.id == int(ref))
        )
    found = [
        r
        for r in tx.conn.execute(query).mappings()
        if wanted in {fold(str(r["name"])), fold(str(r.get("key", "") or ""))} or ref.strip() == str(r["id"])
    ]
    found = [r for r in found if fold(str(r["name"])) == wanted] or found  # a name goes before another one's key
    if not found:
        raise NotFound(f"there is no {spec.label} '{ref}'", field=noun)
    if len(found) > 1:
        raise Invalid(
            f"several records are named '{ref}'",
            field=noun,
            hint="say which with --pipeline" if noun in OF_PIPELINE else "name it by its id",
        )
    return found[0]


# -- changing -------------------------------------------------------------------------------------------------------


def add(office: Office, noun: str, values: Mapping[str, str | None]) -> dict[str, Any]:
    """Add a record. Raises Invalid (with its field), Duplicate, NotPermitted."""
    with office.write() as tx:
        w.require(tx, "config")
        if noun == "pipeline" and set(values) <= {"preset", "name", "is_default"} and values.get("preset"):
            presets.load_pipeline(tx.conn, str(values["preset"]), tx.catalog.currency, default=False)
            presets.load_writing(tx.conn, str(values["preset"]))
            tx.audit("create", "pipeline", None, None, {"preset": values["preset"]})
            tx.catalog_changed()
            return _record(tx, noun, find(tx, noun, str(values["preset"])))
        if noun == "pipeline":
            raise Invalid(
                "a pipeline is added from a preset", field="preset", hint="one of: " + ", ".join(presets.PRESETS)
            )
        pipeline = values.get("pipeline")
        within = tx.catalog.find_pipeline(pipeline).id if noun in OF_PIPELINE and pipeline else None
        columns = columns_of(tx, noun, values, pipeline_id=within)
        if not columns.get("name"):
            raise Invalid("a name is needed", field="name", code="required")
        rules.refuse_same_name(tx, noun, columns, None)
        columns = rules.completed(tx, noun, merged({}, columns), values)
        row_id = insert_id(tx.conn, noun_of(noun).table, **columns)
        tx.audit("create", noun, row_id, None, columns)
        tx.catalog_changed()
        scoring.named_anew(tx, noun)
        return _record(tx, noun, find(tx, noun, str(row_id)))


def preset_choices(office: Office) -> list[tuple[str, str]]:
    """The presets that are not in this database yet: (key, sentence)."""
    here = {p.key for p in office.catalog.pipelines}
    return [(p.key, p.sentence) for p in presets.preset_infos() if p.key not in here]


def add_preset(office: Office, preset: str) -> dict[str, Any]:
    """Add another preset's pipeline, with its sources and products, beside those that are here."""
    return add(office, "pipeline", {"preset": preset})


def edit(
    office: Office, noun: str, ref: str, values: Mapping[str, str | None], *, pipeline: str | None = None
) -> dict[str, Any]:
    """Change a record. Raises as `add` does, and NotFound.

    A package's new speed is that of its customers' queues too: `queues_behind` says how many, where there are any, for
    their routers have the old one until they are audited.
    """
    behind = 0
    with office.write() as tx:
        w.require(tx, "config")
        row = find(tx, noun, ref, pipeline)
        within = rules.pipeline_of(tx, noun, row) if noun in OF_PIPELINE else None
        typed = merged(row, columns_of(tx, noun, values, pipeline_id=within))
        columns = {k: v for k, v in typed.items() if row.get(k) != v}
        rules.check_change(tx, noun, row, columns)
        if columns:
            table = noun_of(noun).table
            tx.conn.execute(update(table).where(table.c.id == row["id"]).values(**columns))
            tx.audit("edit", noun, row["id"], {k: row[k] for k in columns}, columns)
            rules.only_one_default(tx, noun, row, columns)
            behind = addresses.follow_figures(tx, row["id"]) if noun == "package" else 0
            if behind:
                tx.audit("queues", noun, row["id"], None, {"customers": behind})
            tx.catalog_changed()
            if noun == "status" and columns.keys() & {"order", "is_lost", "is_parked"}:
                tallies.rebuild(tx.conn, tx.catalog.tz)  # which status is further than another
            if columns.keys() & {"name", "aliases_json", "order", "is_converted", "is_lost", "is_parked"}:
                scoring.named_anew(tx, noun)
            if noun == "status" and "probability" in columns:
                probabilities.changed(tx, [row["id"]])
        record = _record(tx, noun, find(tx, noun, str(row["id"])))
        return record | {"queues_behind": behind} if behind else record


def retire(office: Office, noun: str, ref: str, *, pipeline: str | None = None, active: bool = False) -> dict[str, Any]:
    """Hide a record from choice; leads that have it keep it (spec AJ32). `active` brings it back.

    Retiring a package touches no router: its customers keep their profile.
    """
    with office.write() as tx:
        w.require(tx, "config")
        spec = noun_of(noun)
        row = find(tx, noun, ref, pipeline)
        if not spec.retires:
            raise Refused(f"a {spec.label} cannot be retired", code="refused")
        if not active:
            rules.refuse_needed(tx, noun, row)
        if row["is_active"] != active:
            tx.conn.execute(update(spec.table).where(spec.table.c.id == row["id"]).values(is_active=active))
            tx.audit(
                "retire" if not active else "revive", noun, row["id"], {"is_active": not active}, {"is_active": active}
            )
            tx.catalog_changed()
        return _record(tx, noun, find(tx, noun, str(row["id"])))
