"""Values of the office's small tables: what a person types, checked into columns, and columns as JSON shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from leadtui.domain import phones
from leadtui.domain.activity_types import log_type, outcome_of
from leadtui.domain.addresses import check_address, parse_rate, show_rate
from leadtui.domain.follow_up_times import context_of, parse_delay, show_delay
from leadtui.domain.money import parse_money, to_json
from leadtui.domain.packages import ADDRESSING
from leadtui.domain.stage_actions import TO_WORDS
from leadtui.domain.triggers import event_name, show_hours
from leadtui.errors import Invalid
from leadtui.store.unit_of_work import ReadTx
from leadtui.text import clean_block, clean_line, fold

from .catalogue_nouns import OF_PIPELINE, OTHER_WORDS, noun_of
from .lead_values import clean_tag
from .settings import whole_number


def columns_of(
    tx: ReadTx, noun: str, values: Mapping[str, str | None], *, pipeline_id: int | None = None
) -> dict[str, Any]:
    """The columns that the typed values mean; an empty value clears. Raises Invalid with its field.

    `pipeline_id` is the pipeline of the record, where it belongs to one.
    """
    spec = noun_of(noun)
    known = {key: (column, kind) for key, column, kind in spec.columns}
    columns: dict[str, Any] = {}
    for word, text in values.items():
        key = word if word in known else OTHER_WORDS.get(word, word)
        if key == "pipeline" and noun in OF_PIPELINE:
            continue
        if key not in known:
            raise Invalid(f"a {spec.label} has no '{key}'", field=key, hint="one of: " + ", ".join(known))
        column, kind = known[key]
        if kind == "stage":
            where = pipeline_id or tx.catalog.default_pipeline.id
            columns[column] = tx.catalog.find_stage(text, where, field=key).id if text and text.strip() else None
            continue
        if "." in column:
            column, _, inner = column.partition(".")
            columns.setdefault(column, {}).update(_value(tx, key, inner, kind, text, 255))
            continue
        columns |= _value(tx, key, column, kind, text, _length(spec.table, column))
    return columns


def held(row: Mapping[Any, Any], column: str) -> Any:
    """What a record has in a column, also in one inside a JSON column."""
    outer, _, inner = column.partition(".")
    return (row[outer] or {}).get(inner) if inner else row[outer]


def merged(row: Mapping[Any, Any], columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns to write: of a JSON column what it holds already, with what is new; what is cleared goes away."""
    found = dict(columns)
    for column, value in columns.items():
        if isinstance(value, dict):
            whole = {**(row.get(column) or {}), **value}
            found[column] = {k: v for k, v in whole.items() if v is not None and v != []}
    return found


def shown(tx: ReadTx, kind: str, value: Any) -> Any:
    """A column as JSON has it: money in major units, rates as `20M`, lists as lists."""
    match kind:
        case "money":
            return to_json(value, tx.catalog.currency)
        case "rate":
            return None if value is None else show_rate(value)
        case "list" | "activities" | "outcomes":
            return list(value or [])
        case "delay":
            return None if value is None else show_delay(timedelta(minutes=value))
        case "hours":
            return None if value is None else show_hours(value)
        case "stage":
            return tx.catalog.stage_by_id[value].name if value in tx.catalog.stage_by_id else None
        case _:
            return value


def _length(table: Any, column: str) -> int:
    """How long a text of this column may be."""
    return getattr(table.c[column].type, "length", None) or 255


_EMPTY: dict[str, Any] = {"bool": False, "addressing": ADDRESSING[0], "activity": "call"}
"""What an empty value means where it is not simply nothing."""


def _value(tx: ReadTx, key: str, column: str, kind: str, text: str | None, limit: int) -> dict[str, Any]:
    typed = (text or "").strip()
    if kind == "phone":
        found = phones.parse(typed, tx.catalog.country, field=key) if typed else None
        return {"phone_e164": found.e164 if found else None, "phone_raw": found.raw if found else None}
    if kind == "list":
        return {column: [clean_line(x, field=key, limit=100) for x in typed.split(",") if x.strip()]}
    if not typed:
        return {column: "package" if key == "kind" else _EMPTY.get(kind)}
    readers: dict[str, Callable[[], Any]] = {
        "line": lambda: clean_line(typed, field=key, limit=limit),
        "tag": lambda: clean_tag(typed, field=key),
        "word": lambda: clean_line(typed, field=key, limit=limit).lower(),
        "money": lambda: parse_money(typed, tx.catalog.currency, field=key),
        "int": lambda: whole_number(typed, key),
        "ratio": lambda: _ratio(typed, key),
        "bool": lambda: yes_or_no(typed, key),
        "rate": lambda: parse_rate(typed, field=key),
        "address": lambda: check_address(typed, field=key),
        "addressing": lambda: _addressing(typed, key),
        "activity": lambda: log_type(typed, field=key),
        "outcome": lambda: outcome_of(typed, field=key),
        "block": lambda: clean_block(typed, field=key, limit=2000),
        "action": lambda: "_".join(clean_line(typed, field=key, limit=20).lower().replace("-", " ").split()),
        "whom": lambda: whom_of(tx, typed, key),
        "activities": lambda: [_counted(x, key) for x in typed.split(",") if x.strip()],
        "outcomes": lambda: [outcome_of(x, field=key) for x in typed.split(",") if x.strip()],
        "delay": lambda: int(parse_delay(typed, field=key).total_seconds() // 60),
        "hours": lambda: _hours(typed, key),
        "event": lambda: event_name(typed, field=key),
        "context": lambda: context_of(typed),
    }
    return {column: readers[kind]()}


def whom_of(tx: ReadTx, text: str, key: str) -> str:
    """For whom an action is: a word, a role's key, or a login."""
    word = fold(clean_line(text, field=key, limit=50))
    if word in TO_WORDS or word in {role.key for role in tx.catalog.roles}:
        return word
    try:
        return tx.catalog.find_user(word, field=key).login
    except Invalid as error:
        hint = ", ".join((*TO_WORDS, "a role such as technician", "a login"))
        raise Invalid(f"there is nobody '{word}'", field=key, hint=hint) from error


def _hours(text: str, key: str) -> int:
    """Whole hours: `24h`, `7d`, `0h`; minutes count as the hour they lie in."""
    if fold(text) in {"0", "0h", "0m", "0d"}:
        return 0
    return -(-int(parse_delay(text, field=key).total_seconds()) // 3600)


def _counted(text: str, key: str) -> str:
    return "document" if fold(text).strip() == "document" else log_type(text, field=key)


def _ratio(text: str, key: str) -> float:
    try:
        value = float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise Invalid(f"{key} '{text}' is not a probability", field=key, hint="a number from 0 to 1, such as 0.4")
    return value


def yes_or_no(text: str, key: str) -> bool:
    """A choice between two as typed. Raises Invalid."""
    if fold(text) in {"yes", "true", "1", "y", "on"}:
        return True
    if fold(text) in {"no", "false", "0", "n", "off"}:
        return False
    raise Invalid(f"{key} is yes or no, not '{text}'", field=key, hint="yes or no")


def _addressing(text: str, key: str) -> str:
    if (word := fold(text)) in ADDRESSING:
        return word
    raise Invalid(
        f"{key} cannot be '{clean_line(text, field=key, limit=100)}'", field=key,
        hint="dynamic (an address of the pool) · fixed (an address of its own) · queue (fixed, with a simple queue)",
    )  # fmt: skip
