"""What must stay true of the office's small tables: names, defaults, what a status means, what a package can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update

from leadtui.domain.milestones import check_condition
from leadtui.domain.packages import check_package
from leadtui.domain.quick_logs import QuickLogItem, check_quick_log
from leadtui.domain.stage_actions import check_stage_action, item_from
from leadtui.errors import Duplicate, Invalid, Refused
from leadtui.store import presets
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import fold

from .catalogue_nouns import OF_PIPELINE, noun_of
from .lead_values import person_key, tag_key
from .trigger_rules import check_template, check_trigger_row


def refuse_needed(tx: ReadTx, noun: str, row: Mapping[Any, Any]) -> None:
    """Refused when the office cannot do without this record: it may not be retired."""
    if noun == "status":
        others = [s for s in tx.catalog.stages_of(row["pipeline_id"]) if s.is_active and s.id != row["id"]]
        if row["is_default"]:
            raise Refused("new leads begin in this status", code="in_use", hint="make another one the default first")
        for flag, word in (("is_converted", "converted"), ("is_lost", "lost")):
            if row[flag] and not any(getattr(s, flag) for s in others):
                raise Refused(f"a pipeline needs a status for {word} leads", code="in_use")
    if noun == "source" and not any(s.is_active and s.id != row["id"] for s in tx.catalog.sources):
        raise Refused("this is the last source, and every lead needs one", code="in_use", hint="add another one first")
    if noun == "pipeline" and row["is_default"]:
        raise Refused("this is the default pipeline", code="in_use", hint="make another one the default first")


def refuse_same_name(tx: ReadTx, noun: str, columns: Mapping[str, Any], row_id: int | None) -> None:
    """Duplicate when another record has the name, in any case; people may share theirs."""
    if noun == "person":
        return
    checked_later = row_id is None and noun in OF_PIPELINE and noun != "stage_action"
    table = noun_of(noun).table
    query = select(table.c.id, table.c.name)
    if noun == "stage_action":
        query = query.where(t.stage_action.c.stage_id == columns.get("stage_id"))
    elif noun in OF_PIPELINE and "pipeline_id" in columns:
        query = query.where(table.c.pipeline_id == columns["pipeline_id"])
    wanted = fold(columns["name"])
    for r in tx.conn.execute(query):
        if fold(r.name) == wanted and r.id != row_id and not checked_later:
            raise Duplicate(f"there is a {noun_of(noun).label} '{r.name}' already", field="name")


def in_pipeline(noun: str, pipeline_id: int) -> Any:
    """The records of a pipeline, as a condition."""
    if noun == "stage_action":
        return t.stage_action.c.stage_id.in_(select(t.stage.c.id).where(t.stage.c.pipeline_id == pipeline_id))
    return noun_of(noun).table.c.pipeline_id == pipeline_id


def pipeline_of(tx: ReadTx, noun: str, row: Mapping[Any, Any]) -> int:
    """The pipeline a record belongs to."""
    if noun == "stage_action":
        return tx.catalog.stage_by_id[row["stage_id"]].pipeline_id
    return int(row["pipeline_id"])


def completed(tx: WriteTx, noun: str, columns: dict[str, Any], values: Mapping[str, str | None]) -> dict[str, Any]:
    """What a new record has beside what was typed. Raises Invalid, Duplicate."""
    columns = {k: v for k, v in columns.items() if v is not None}
    if noun != "team":
        columns["is_active"] = True
    match noun:
        case "source":
            order = tx.conn.execute(select(func.coalesce(func.max(t.source.c.order), 0))).scalar_one()
            columns.setdefault("order", order + 1)
            columns["key"] = _free_key(tx, t.source, presets.slug(columns["name"]))
            columns.setdefault("aliases_json", [])
        case "package":
            columns.setdefault("kind", "package")
            check_package(columns)
        case "tag" | "person":
            columns |= keys_of(noun, columns["name"])
        case "status":
            columns = _new_status(tx, columns, values.get("pipeline"))
        case "quick_log":
            columns = _new_quick_log(tx, columns, values.get("pipeline"))
        case "stage_action":
            columns = _new_stage_action(tx, columns)
        case "trigger":
            order = tx.conn.execute(select(func.coalesce(func.max(t.trigger.c.order), 0))).scalar_one()
            columns = {"order": order + 1, "condition_json": {}, "params_json": {}, "cooldown_hours": 24} | columns
            columns["key"] = _free_key(tx, t.trigger, presets.slug(columns["name"])[:40])
            check_trigger_row(tx, columns)
        case "milestone":
            order = tx.conn.execute(select(func.coalesce(func.max(t.milestone.c.order), 0))).scalar_one()
            columns = {"order": order + 1, "condition_json": {}} | columns
            columns["key"] = _free_key(tx, t.milestone, presets.slug(columns["name"])[:40])
            check_condition(columns["condition_json"])
    return columns


def check_change(tx: ReadTx, noun: str, row: Mapping[Any, Any], columns: dict[str, Any]) -> None:
    """Whether `columns` may replace those of `row`; adds what follows from them. Raises Invalid, Duplicate, Refused."""
    if "name" in columns:
        if not columns["name"]:
            raise Invalid("a name is needed", field="name", code="required")
        refuse_same_name(tx, noun, {**row, **columns}, row["id"])
        if noun in {"tag", "person"}:
            columns |= keys_of(noun, columns["name"])
    if noun == "package":
        check_package({**row, **columns})
    if noun == "quick_log":
        _check_quick_log(tx, {**row, **columns})
    if noun == "stage_action":
        if "stage_id" in columns:
            refuse_same_name(tx, noun, {**row, **columns}, row["id"])
        _check_stage_action(tx, {**row, **columns})
    if noun == "trigger":
        check_trigger_row(tx, {**row, **columns})
    if noun == "milestone":
        check_condition(columns.get("condition_json", row["condition_json"]))
    if noun == "status" and columns.get("sla_hours") is not None and columns["sla_hours"] < 1:
        raise Invalid("hours a lead may stay are 1 or more", field="sla_hours", hint="leave it empty for no limit")
    _check_flags(tx, noun, row, columns)


def keys_of(noun: str, name: str) -> dict[str, str]:
    """The folded name that a tag or a person is found by."""
    return {"key": tag_key(name)} if noun == "tag" else {"name_key": person_key(name)}


def _free_key(tx: ReadTx, table: Any, key: str) -> str:
    taken = set(tx.conn.execute(select(table.c.key)).scalars())
    n = 2
    key = key[:50]
    free = key or "item"
    while free in taken:
        free, n = f"{key}_{n}", n + 1
    return free


def _new_status(tx: WriteTx, columns: dict[str, Any], pipeline: str | None) -> dict[str, Any]:
    found = tx.catalog.find_pipeline(pipeline) if pipeline else tx.catalog.default_pipeline
    stages = tx.catalog.stages_of(found.id)
    key = presets.slug(columns["name"])[:50]
    if any(s.key == key or fold(s.name) == fold(columns["name"]) for s in stages):
        raise Duplicate(f"the pipeline has a status '{columns['name']}' already", field="name")
    rank = tx.conn.execute(select(func.max(t.stage.c.rank))).scalar_one()
    base: dict[str, Any] = {
        "pipeline_id": found.id,
        "key": key,
        "rank": rank + 1,
        "order": max(s.order for s in stages) + 1,
        "probability": 0.0,
        "is_default": False,
        "is_converted": False,
        "is_lost": False,
        "is_parked": False,
    }
    made = base | columns
    if made.get("sla_hours") is not None and made["sla_hours"] < 1:
        raise Invalid("hours a lead may stay are 1 or more", field="sla_hours", hint="leave it out for no limit")
    if made["is_default"]:
        raise Invalid("make it the default once it is there", field="is_default")
    if made["is_converted"] and made["is_lost"]:
        raise Invalid("a status is one of: default, converted, lost", field="is_lost")
    return made | {"is_locked": made["is_converted"]}


def _new_quick_log(tx: WriteTx, columns: dict[str, Any], pipeline: str | None) -> dict[str, Any]:
    found = tx.catalog.find_pipeline(pipeline) if pipeline else tx.catalog.default_pipeline
    q = t.quick_log.c
    others = tx.conn.execute(select(q.name, q.order).where(q.pipeline_id == found.id)).all()
    made = {"pipeline_id": found.id, "type": "call", "order": max((r.order for r in others), default=0) + 1} | columns
    if any(fold(r.name) == fold(str(made["name"])) for r in others):
        raise Duplicate(f"the pipeline has a quick log '{made['name']}' already", field="name")
    _check_quick_log(tx, made)
    return made


def _new_stage_action(tx: WriteTx, columns: dict[str, Any]) -> dict[str, Any]:
    if "stage_id" not in columns:
        raise Invalid("which status does it belong to?", field="status", code="required", hint="the name of a status")
    s = t.stage_action.c
    last = tx.conn.execute(
        select(func.coalesce(func.max(s.order), 0)).where(s.stage_id == columns["stage_id"])
    ).scalar_one()
    made = {"kind": "task", "order": last + 1, "params_json": {}} | columns
    _check_stage_action(tx, made)
    return made


def _check_stage_action(tx: ReadTx, row: Mapping[str, Any]) -> None:
    stage = tx.catalog.stage_by_id.get(row["stage_id"] or 0)
    if stage is None:
        raise Invalid("which status does it belong to?", field="status", code="required", hint="the name of a status")
    if stage.is_lost:
        raise Invalid(f"nothing is done by itself for leads that are '{stage.name}'", field="status")
    item = item_from({"id": 0, "is_active": True, **row})
    check_stage_action(item)
    check_template(tx, item.template, item.channel)


def _check_quick_log(tx: ReadTx, row: Mapping[str, Any]) -> None:
    item = QuickLogItem(
        id=0,
        pipeline_id=row["pipeline_id"],
        order=row["order"],
        name=row["name"],
        type=row["type"],
        delay_minutes=row.get("delay_minutes"),
        context=row.get("context"),
        ask=row.get("ask"),
    )
    check_quick_log(item, tx.catalog.stage_by_id.get(row.get("stage_id") or 0))


def _check_flags(tx: ReadTx, noun: str, row: Mapping[Any, Any], columns: dict[str, Any]) -> None:
    if noun == "pipeline" and columns.get("is_default") and not row["is_active"]:
        raise Refused("this pipeline is retired", code="in_use", field="is_default", hint="bring it back first")
    if noun == "pipeline" and columns.get("is_default") is False:
        raise Refused("one pipeline must be the default", code="in_use", hint="make another one the default instead")
    if noun != "status":
        return
    if columns.get("is_default") is False:
        raise Refused("one status must be the default", code="in_use", hint="make another one the default instead")
    if columns.get("is_default") and not row["is_active"]:
        raise Refused("this status is retired: no lead can begin in it", code="in_use", field="is_default")
    merged = {**row, **columns}
    if sum(bool(merged[f]) for f in ("is_default", "is_converted", "is_lost")) > 1:
        raise Invalid("a status is one of: default, converted, lost", field="is_default")
    others = [s for s in tx.catalog.stages_of(row["pipeline_id"]) if s.id != row["id"] and s.is_active]
    for flag, word in (("is_converted", "converted"), ("is_lost", "lost")):
        if row[flag] and columns.get(flag) is False and not any(getattr(s, flag) for s in others):
            raise Refused(f"a pipeline needs a status for {word} leads", code="in_use")
    if ("is_converted" in columns or "is_lost" in columns) and _used(tx, row["id"]):
        raise Refused(
            "leads have this status: what it means cannot change under them",
            code="in_use",
            hint="add a new status and move the leads",
        )
    if "is_converted" in columns:
        columns["is_locked"] = columns["is_converted"]


def _used(tx: ReadTx, stage_id: int) -> bool:
    return tx.conn.execute(select(t.lead.c.id).where(t.lead.c.stage_id == stage_id).limit(1)).first() is not None


def only_one_default(tx: WriteTx, noun: str, row: Mapping[Any, Any], columns: Mapping[str, Any]) -> None:
    """Where `row` became the default, the one before it no longer is."""
    if not columns.get("is_default"):
        return
    if noun == "status":
        c = t.stage.c
        tx.conn.execute(
            update(t.stage).where(c.pipeline_id == row["pipeline_id"], c.id != row["id"]).values(is_default=False)
        )
    if noun == "pipeline":
        tx.conn.execute(update(t.pipeline).where(t.pipeline.c.id != row["id"]).values(is_default=False))
