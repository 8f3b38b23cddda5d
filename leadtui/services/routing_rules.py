"""The rules of who gets leads: list, add, change, switch, remove (spec AH11). `u` takes each change back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import update

from leadtui.domain.conditions import read
from leadtui.domain.routing import KINDS, NARROWING, OFFER, does
from leadtui.errors import Invalid
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import clean_line, fold

from . import lead_writes as w
from . import routing, unassigned
from .catalogue_values import yes_or_no
from .office import Office
from .rule_rows import ASSIGNMENT, Row, changing, pipeline_key, problem_of
from .settings import whole_number

VALUES: Final = ("name", "kind", "where", "users", "sources", "rate", "minutes", "only_if_any", "order", "pipeline")
"""What `add` and `edit` take, as text; `pipeline` empty: of every pipeline; `users`, `sources`: between commas."""
PARAMS: Final[Mapping[str, tuple[str, ...]]] = {
    "source": ("sources", "users"), "performance": ("rate",), OFFER: ("minutes",),
}  # fmt: skip
"""What a kind is told beside its name."""


# -- reading ----------------------------------------------------------------------------------------------------------
def list_all(office: Office, *, pipeline: str | None = None) -> tuple[dict[str, Any], ...]:
    """The rules in their order, pipeline by pipeline; of one pipeline those for every one, too."""
    with office.read() as tx:
        wanted = tx.catalog.find_pipeline(pipeline).id if pipeline else None
        return tuple(record(tx, row) for row in ASSIGNMENT.rows(tx, wanted))


def get(office: Office, ref: str, *, pipeline: str | None = None) -> dict[str, Any]:
    """One rule by name, key or id. Raises NotFound, Invalid where several are named so."""
    with office.read() as tx:
        return record(tx, ASSIGNMENT.find(tx, ref, pipeline))


def record(tx: ReadTx, row: Row) -> dict[str, Any]:
    """A rule as JSON shows it. `problem` says why it counts for no lead: its condition cannot be read any more."""
    step = routing.step_of(row)
    users, sources = tx.catalog.user_by_id, tx.catalog.source_by_id
    logins = [users[i].login for i in step.params.get("users") or () if i in users]
    names = [sources[i].name for i in step.params.get("sources") or () if i in sources]
    return {
        "id": row["id"], "key": row["key"], "name": row["name"], "pipeline": pipeline_key(tx, row),
        "order": row["order"], "kind": row["kind"], "users": logins, "sources": names, "rate": step.params.get("rate"),
        "minutes": step.params.get("minutes"), "condition": row["condition"], "only_if_any": row["only_if_any"],
        "is_active": row["is_active"], "does": does(step, logins, names),
        "problem": problem_of(tx, row),
    }  # fmt: skip


# -- changing ---------------------------------------------------------------------------------------------------------
def add(office: Office, values: Mapping[str, str | None], *, dry_run: bool = False) -> dict[str, Any]:
    """A new rule from texts (see VALUES). Raises Invalid with its field, FilterError, Duplicate, NotPermitted."""
    with changing(office, dry_run) as tx:
        w.require(tx, "config")
        columns = draft(tx, values)
        if dry_run:
            return record(tx, columns)
        return _changed(tx, ASSIGNMENT.insert(tx, columns))


def edit(
    office: Office, ref: str, values: Mapping[str, str | None], *, pipeline: str | None = None, dry_run: bool = False
) -> dict[str, Any]:
    """Change a rule; an empty text clears. `values["pipeline"]` moves it. Raises as `add` does, and NotFound."""
    with changing(office, dry_run) as tx:
        w.require(tx, "config")
        row = ASSIGNMENT.find(tx, ref, pipeline)
        columns = draft(tx, values, row)
        if dry_run:
            return record(tx, columns)
        ASSIGNMENT.change(tx, row, columns)
        return _changed(tx, row["id"])


def set_active(office: Office, ref: str, active: bool, *, pipeline: str | None = None) -> dict[str, Any]:
    """Let a rule count again, or rest. Raises NotFound, NotPermitted."""
    with office.write() as tx:
        w.require(tx, "config")
        row = ASSIGNMENT.find(tx, ref, pipeline)
        ASSIGNMENT.switch(tx, row, active)
        return _changed(tx, row["id"])


def remove(office: Office, ref: str, *, pipeline: str | None = None) -> dict[str, Any]:
    """Take a rule away for good (undo brings it back). What it offered stays offered. Raises NotFound, NotPermitted."""
    with office.write() as tx:
        w.require(tx, "config")
        row = ASSIGNMENT.find(tx, ref, pipeline)
        gone = record(tx, row)
        o = t.lead_offer.c
        tx.conn.execute(update(t.lead_offer).where(o.rule_id == row["id"]).values(rule_id=None))
        ASSIGNMENT.delete(tx, row)
        unassigned.retry_soon(tx)
        return gone


def _changed(tx: WriteTx, row_id: int) -> dict[str, Any]:
    unassigned.retry_soon(tx)  # leads that wait may find somebody by the new rules
    return record(tx, ASSIGNMENT.row(tx, row_id))


# -- a rule from texts ------------------------------------------------------------------------------------------------
def draft(tx: ReadTx, values: Mapping[str, str | None], base: Row | int | None = None) -> dict[str, Any]:
    """The row that a rule would be: checked, not written. `base` is the row (or id) that the texts change; without it
    a new one of the default pipeline, with the id 0.

    Raises Invalid with its field, FilterError (condition), Duplicate.
    """
    if isinstance(base, int):
        base = ASSIGNMENT.find(tx, str(base))
    strange = [key for key in values if key not in VALUES]
    if strange:
        raise Invalid(f"a rule has no '{strange[0]}'", field=strange[0], hint="one of: " + ", ".join(VALUES))
    had = dict(base) if base is not None else _new(tx)
    row: dict[str, Any] = {**had, **_columns(tx, values, had)}
    if row["kind"] not in KINDS:
        words = f"'{row['kind']}' is no kind of rule" if row["kind"] else "which kind of rule?"
        raise Invalid(words, field="kind", code="required" if not row["kind"] else "invalid", hint=", ".join(KINDS))
    row["name"] = row["name"] or row["kind"].replace("_", " ").capitalize()
    row["params_json"] = _params(tx, values, row)
    if row["kind"] not in NARROWING:
        row["only_if_any"] = True
    if row["condition"] != had["condition"]:
        read(row["condition"] or "", tx.catalog)
    beside = ASSIGNMENT.others(tx, row)
    if row["order"] is None:
        row["order"] = max((r["order"] for r in beside), default=0) + 1
    row["key"] = row["key"] or ASSIGNMENT.free_key(tx, row["name"])
    return row


def _new(tx: ReadTx) -> dict[str, Any]:
    return {
        "id": 0, "pipeline_id": tx.catalog.default_pipeline.id, "key": "", "name": "", "order": None, "kind": "",
        "params_json": {}, "condition": None, "only_if_any": True, "state_json": None, "is_active": True,
    }  # fmt: skip


def _columns(tx: ReadTx, values: Mapping[str, str | None], had: Row) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, text in values.items():
        typed = (text or "").strip()
        match key:
            case "name":
                found["name"] = clean_line(typed, field=key, limit=120)
            case "kind":
                found["kind"] = "_".join(fold(clean_line(typed, field=key, limit=40)).replace("-", " ").split())
            case "where":
                found["condition"] = clean_line(typed, field=key, limit=4_000) or None
            case "only_if_any":
                found["only_if_any"] = not typed or yes_or_no(typed, key)
            case "order":
                found["order"] = whole_number(typed, key) if typed else had["order"]
            case "pipeline":
                found["pipeline_id"] = tx.catalog.find_pipeline(typed).id if typed else None
    return found


def _params(tx: ReadTx, values: Mapping[str, str | None], row: Row) -> dict[str, Any]:
    """What its kind is told; what belongs to another kind is refused where it says something, else dropped."""
    kept = dict(row["params_json"] or {})
    mine = PARAMS.get(row["kind"], ())
    for key in ("users", "sources", "rate", "minutes"):
        typed = (values.get(key) or "").strip()
        if key not in mine:
            if typed:
                kinds = " or ".join(kind for kind, keys in PARAMS.items() if key in keys)
                raise Invalid(f"a rule of the kind {row['kind']} has no {key}", field=key, hint=f"only {kinds} has")
            kept.pop(key, None)
        elif key in values:
            kept[key] = _param(tx, key, typed)
    if row["kind"] == "source" and not kept.get("users"):
        raise Invalid("to whom do they go?", field="users", code="required", hint="logins, with commas between them")
    return {key: value for key, value in kept.items() if value not in (None, [])}


def _param(tx: ReadTx, key: str, typed: str) -> Any:
    words: Sequence[str] = [one.strip() for one in typed.split(",") if one.strip()]
    match key:
        case "users":
            return list(dict.fromkeys(tx.catalog.find_user(one, field=key).id for one in words))
        case "sources":
            return list(dict.fromkeys(tx.catalog.find_source(one, field=key).id for one in words))
        case "rate":
            return _rate(typed) if typed else None
        case _:
            minutes = whole_number(typed, key) if typed else None
            if minutes is not None and not 1 <= minutes <= 10_080:
                raise Invalid(f"a lead cannot be offered for {minutes} minutes", field=key, hint="1 to 10080")
            return minutes


def _rate(text: str) -> float:
    """A share: 0.15, or 15%."""
    try:
        rate = float(text.rstrip("% ").replace(",", ".")) / (100 if text.endswith("%") else 1)
    except ValueError:
        rate = -1.0
    if not 0 < rate <= 1:
        raise Invalid(f"'{text}' is not a share", field="rate", hint="such as 0.15 or 15%")
    return round(rate, 6)
