"""The office's own tables: packages, sources, statuses, pipelines, tags, branches, people, settings, preferences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update

from leadtui.domain import phones
from leadtui.domain.money import parse_money, to_json
from leadtui.errors import Duplicate, Invalid, NotFound, Refused, UsageError
from leadtui.store import presets
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id
from leadtui.text import clean_line, fold

from . import lead_writes as w
from .lead_values import clean_tag, person_key, tag_key
from .office import Office, clean_login
from .settings import SETTINGS, preference, set_preference, set_setting, settings, whole_number
from .users import add_user, edit_user, role, roles, set_role, set_user_active, users

NOUNS: tuple[str, ...] = ("package", "source", "status", "pipeline", "tag", "branch", "person", "team", "lost_reason")


@dataclass(frozen=True, slots=True)
class _Noun:
    """A small table: its columns as (typed key, column, how to read it), and what refers to it."""

    table: Any
    label: str
    columns: tuple[tuple[str, str, str], ...]
    retires: bool = True


_NOUNS: dict[str, _Noun] = {
    "package": _Noun(
        t.product,
        "package",
        (
            ("name", "name", "line"),
            ("kind", "kind", "word"),
            ("monthly", "price_minor", "money"),
            ("installation", "install_minor", "money"),
            ("profile", "router_profile", "line"),
            ("speed", "speed", "line"),
        ),
    ),
    "source": _Noun(
        t.source,
        "source",
        (
            ("name", "name", "line"),
            ("description", "description", "line"),
            ("aliases", "aliases_json", "list"),
            ("order", "order", "int"),
            ("cost", "cost_minor", "money"),
        ),
    ),
    "status": _Noun(
        t.stage,
        "status",
        (
            ("name", "name", "line"),
            ("description", "description", "line"),
            ("color", "color", "line"),
            ("order", "order", "int"),
            ("probability", "probability", "ratio"),
            ("sla_hours", "sla_hours", "int"),
            ("is_default", "is_default", "bool"),
            ("is_converted", "is_converted", "bool"),
            ("is_lost", "is_lost", "bool"),
            ("is_parked", "is_parked", "bool"),
        ),
    ),
    "pipeline": _Noun(
        t.pipeline,
        "pipeline",
        (
            ("name", "name", "line"),
            ("is_default", "is_default", "bool"),
            ("require_reason_on_regress", "require_reason_on_regress", "bool"),
        ),
    ),
    "tag": _Noun(t.tag, "tag", (("name", "name", "tag"),)),
    "branch": _Noun(t.branch, "branch", (("name", "name", "line"), ("organization", "organization", "line"))),
    "person": _Noun(t.person, "person", (("name", "name", "line"), ("phone", "phone_e164", "phone"))),
    "team": _Noun(t.team, "team", (("name", "name", "line"),), retires=False),
    "lost_reason": _Noun(t.lost_reason, "lost reason", (("name", "name", "line"),)),
}


# The command line's words for the same values.
_OTHER_WORDS = {
    "default": "is_default",
    "converted": "is_converted",
    "lost": "is_lost",
    "parked": "is_parked",
    "alias": "aliases",
    "require_reason": "require_reason_on_regress",
    "sla": "sla_hours",
}


def fields_of(noun: str) -> tuple[str, ...]:
    """The names of the values that `add` and `edit` take for a noun."""
    return tuple(key for key, _, _ in _noun(noun).columns) + (("pipeline",) if noun == "status" else ())


def _noun(noun: str) -> _Noun:
    if noun not in _NOUNS:
        raise UsageError(f"there is no '{noun}' to manage", hint="one of: " + ", ".join(NOUNS))
    return _NOUNS[noun]


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
        spec = _noun(noun)
        query = select(spec.table).order_by(*_order(noun))
        if noun == "status" and pipeline:
            query = query.where(t.stage.c.pipeline_id == tx.catalog.find_pipeline(pipeline).id)
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
        case "tag":
            return [t.tag.c.key]
        case "person":
            return [t.person.c.name_key, t.person.c.id]
        case _:
            return [_noun(noun).table.c.id]


def _record(tx: ReadTx, noun: str, row: Mapping[Any, Any]) -> dict[str, Any]:
    spec = _noun(noun)
    record: dict[str, Any] = {"id": row["id"]}
    if noun in {"source", "status", "pipeline"}:
        record["key"] = row["key"]
    for key, column, kind in spec.columns:
        value = row[column]
        record[key] = (
            to_json(value, tx.catalog.currency) if kind == "money" else list(value or []) if kind == "list" else value
        )
    if noun == "status":
        record["pipeline"] = tx.catalog.pipeline_by_id[row["pipeline_id"]].key
        record["is_locked"] = row["is_locked"]
    if noun == "pipeline":
        record["stages"] = [s.name for s in tx.catalog.stages_of(row["id"])]
        record["conversion_steps"] = list(row["conversion_steps_json"] or [])
        record["field_rules"] = dict(row["field_rules_json"] or {})
    record["is_active"] = row["is_active"] if spec.retires else True
    return record


def find(tx: ReadTx, noun: str, ref: str, pipeline: str | None = None) -> Mapping[Any, Any]:
    """The record that `ref` (name, key or id) names. Raises NotFound."""
    spec = _noun(noun)
    wanted = fold(ref).strip()
    query = select(spec.table)
    if noun == "status" and pipeline:
        query = query.where(t.stage.c.pipeline_id == tx.catalog.find_pipeline(pipeline).id)
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
            hint="say which with --pipeline" if noun == "status" else "name it by its id",
        )
    return found[0]


# -- changing -------------------------------------------------------------------------------------------------------


def add(office: Office, noun: str, values: Mapping[str, str | None]) -> dict[str, Any]:
    """Add a record. Raises Invalid (with its field), Duplicate, NotPermitted."""
    with office.write() as tx:
        w.require(tx, "config")
        if noun == "pipeline" and set(values) <= {"preset", "name", "is_default"} and values.get("preset"):
            presets.load_pipeline(tx.conn, str(values["preset"]), tx.catalog.currency, default=False)
            tx.audit("create", "pipeline", None, None, {"preset": values["preset"]})
            tx.catalog_changed()
            return _record(tx, noun, find(tx, noun, str(values["preset"])))
        if noun == "pipeline":
            raise Invalid(
                "a pipeline is added from a preset", field="preset", hint="one of: " + ", ".join(presets.PRESETS)
            )
        columns = _read(tx, noun, values)
        if not columns.get("name"):
            raise Invalid("a name is needed", field="name", code="required")
        _refuse_same_name(tx, noun, columns, None)
        columns = _completed(tx, noun, columns, values)
        row_id = insert_id(tx.conn, _noun(noun).table, **columns)
        tx.audit("create", noun, row_id, None, columns)
        tx.catalog_changed()
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
    """Change a record. Raises as `add` does, and NotFound."""
    with office.write() as tx:
        w.require(tx, "config")
        row = find(tx, noun, ref, pipeline)
        columns = {k: v for k, v in _read(tx, noun, values).items() if row.get(k) != v}
        if "name" in columns:
            if not columns["name"]:
                raise Invalid("a name is needed", field="name", code="required")
            _refuse_same_name(tx, noun, {**row, **columns}, row["id"])
            if noun in {"tag", "person"}:
                columns |= _keys(noun, columns["name"])
        _check_flags(tx, noun, row, columns)
        if columns:
            table = _noun(noun).table
            tx.conn.execute(update(table).where(table.c.id == row["id"]).values(**columns))
            tx.audit("edit", noun, row["id"], {k: row[k] for k in columns}, columns)
            _only_one_default(tx, noun, row, columns)
            tx.catalog_changed()
        return _record(tx, noun, find(tx, noun, str(row["id"])))


def retire(office: Office, noun: str, ref: str, *, pipeline: str | None = None, active: bool = False) -> dict[str, Any]:
    """Hide a record from choice; leads that have it keep it (spec AJ32). `active` brings it back."""
    with office.write() as tx:
        w.require(tx, "config")
        spec = _noun(noun)
        row = find(tx, noun, ref, pipeline)
        if not spec.retires:
            raise Refused(f"a {spec.label} cannot be retired", code="refused")
        if not active:
            _refuse_needed(tx, noun, row)
        if row["is_active"] != active:
            tx.conn.execute(update(spec.table).where(spec.table.c.id == row["id"]).values(is_active=active))
            tx.audit(
                "retire" if not active else "revive", noun, row["id"], {"is_active": not active}, {"is_active": active}
            )
            tx.catalog_changed()
        return _record(tx, noun, find(tx, noun, str(row["id"])))


def _refuse_needed(tx: ReadTx, noun: str, row: Mapping[Any, Any]) -> None:
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


def _read(tx: ReadTx, noun: str, values: Mapping[str, str | None]) -> dict[str, Any]:
    spec = _noun(noun)
    known = {key: (column, kind) for key, column, kind in spec.columns}
    columns: dict[str, Any] = {}
    for word, text in values.items():
        key = word if word in known else _OTHER_WORDS.get(word, word)
        if key == "pipeline" and noun == "status":
            continue
        if key not in known:
            raise Invalid(f"a {spec.label} has no '{key}'", field=key, hint="one of: " + ", ".join(known))
        column, kind = known[key]
        columns |= _value(tx, key, column, kind, text, _length(spec.table, column))
    return columns


def _length(table: Any, column: str) -> int:
    """How long a text of this column may be."""
    return getattr(table.c[column].type, "length", None) or 255


def _value(tx: ReadTx, key: str, column: str, kind: str, text: str | None, limit: int) -> dict[str, Any]:
    typed = (text or "").strip()
    if kind == "phone":
        found = phones.parse(typed, tx.catalog.country, field=key) if typed else None
        return {"phone_e164": found.e164 if found else None, "phone_raw": found.raw if found else None}
    if kind == "list":
        return {column: [clean_line(x, field=key, limit=100) for x in typed.split(",") if x.strip()]}
    if not typed:
        return {column: None if kind != "bool" else False}
    readers: dict[str, Callable[[], Any]] = {
        "line": lambda: clean_line(typed, field=key, limit=limit),
        "tag": lambda: clean_tag(typed, field=key),
        "word": lambda: clean_line(typed, field=key, limit=limit).lower(),
        "money": lambda: parse_money(typed, tx.catalog.currency, field=key),
        "int": lambda: whole_number(typed, key),
        "ratio": lambda: _ratio(typed, key),
        "bool": lambda: _bool(typed, key),
    }
    return {column: readers[kind]()}


def _ratio(text: str, key: str) -> float:
    try:
        value = float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise Invalid(f"{key} '{text}' is not a probability", field=key, hint="a number from 0 to 1, such as 0.4")
    return value


def _bool(text: str, key: str) -> bool:
    if fold(text) in {"yes", "true", "1", "y", "on"}:
        return True
    if fold(text) in {"no", "false", "0", "n", "off"}:
        return False
    raise Invalid(f"{key} is yes or no, not '{text}'", field=key, hint="yes or no")


def _refuse_same_name(tx: ReadTx, noun: str, columns: Mapping[str, Any], row_id: int | None) -> None:
    if noun == "person":
        return
    table = _noun(noun).table
    query = select(table.c.id, table.c.name)
    if noun == "status" and "pipeline_id" in columns:
        query = query.where(t.stage.c.pipeline_id == columns["pipeline_id"])
    wanted = fold(columns["name"])
    for r in tx.conn.execute(query):
        if fold(r.name) == wanted and r.id != row_id and not (noun == "status" and row_id is None):
            raise Duplicate(f"there is a {_noun(noun).label} '{r.name}' already", field="name")


def _completed(tx: WriteTx, noun: str, columns: dict[str, Any], values: Mapping[str, str | None]) -> dict[str, Any]:
    """What a new record has beside what was typed."""
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
        case "tag" | "person":
            columns |= _keys(noun, columns["name"])
        case "status":
            columns = _new_status(tx, columns, values.get("pipeline"))
    return columns


def _keys(noun: str, name: str) -> dict[str, str]:
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
    if made["is_default"]:
        raise Invalid("make it the default once it is there", field="is_default")
    if made["is_converted"] and made["is_lost"]:
        raise Invalid("a status is one of: default, converted, lost", field="is_lost")
    return made | {"is_locked": made["is_converted"]}


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


def _only_one_default(tx: WriteTx, noun: str, row: Mapping[Any, Any], columns: Mapping[str, Any]) -> None:
    if not columns.get("is_default"):
        return
    if noun == "status":
        c = t.stage.c
        others = _both(c.pipeline_id == row["pipeline_id"], c.id != row["id"])
        tx.conn.execute(update(t.stage).where(*others).values(is_default=False))
    if noun == "pipeline":
        tx.conn.execute(update(t.pipeline).where(t.pipeline.c.id != row["id"]).values(is_default=False))


def _both(*clauses: Any) -> tuple[Any, ...]:
    """Several conditions, for `where(*…)`."""
    return clauses


__all__ = [
    "NOUNS",
    "SETTINGS",
    "add",
    "add_preset",
    "add_user",
    "clean_login",
    "edit",
    "edit_user",
    "fields_of",
    "items",
    "preference",
    "preset_choices",
    "retire",
    "role",
    "roles",
    "set_preference",
    "set_role",
    "set_setting",
    "set_user_active",
    "settings",
    "users",
]
