"""Criteria JSON with ids of small tables, as the source keeps them (`{"status_id": [1, 2]}`), rewritten to names (spec
AH21, P 127). Pure.

The one filter parser knows fields by their names and values as people call them; an id is looked up once, when the
criteria come in, and what is kept is the written-out form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from leadtui.errors import Invalid

from .catalog import Catalog
from .filters.nodes import MAX_DEPTH

_TABLES: Final[Mapping[str, tuple[str, str]]] = {
    "status_id": ("status", "stages"),
    "stage_id": ("status", "stages"),
    "source_id": ("source", "sources"),
    "package_id": ("package", "products"),
    "product_id": ("package", "products"),
    "branch_id": ("branch", "branches"),
    "pipeline_id": ("pipeline", "pipelines"),
    "assigned_to": ("assigned_to", "users"),
    "assigned_to_id": ("assigned_to", "users"),
    "relationship_manager_id": ("manager", "users"),
    "manager_id": ("manager", "users"),
}
"""By the field an id may be given for: the field of ours, and where the ids are."""


def without_ids(obj: Any, catalog: Catalog, depth: int = 0) -> Any:
    """The criteria with names for ids; what is no id of such a field stays as it is, for the parser to judge.

    Raises Invalid (field `criteria`) for an id that nothing has.
    """
    if depth > MAX_DEPTH + 1 or not isinstance(obj, Mapping):
        return obj
    if "field" in obj:
        field = obj["field"]
        if not isinstance(field, str) or field not in _TABLES or "value" not in obj:
            return _renamed(obj, field)
        return _named(field, str(obj.get("op", "eq")), obj["value"], catalog)
    parts: list[Any] = []
    for key, value in obj.items():
        if key in ("all", "any") and isinstance(value, Sequence) and not isinstance(value, str | bytes):
            parts.append({key: [without_ids(one, catalog, depth + 1) for one in value]})
        elif key == "not":
            parts.append({"not": without_ids(value, catalog, depth + 1)})
        elif isinstance(key, str) and key in _TABLES and value is not None:
            several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
            parts.append(_named(key, "in" if several else "eq", value, catalog))
        else:
            parts.append({_TABLES.get(key, (key,))[0]: value})
    if len(parts) == 1:
        return parts[0]
    return {"all": parts} if parts else obj


def _renamed(obj: Mapping[Any, Any], field: Any) -> Any:
    return {**obj, "field": _TABLES[field][0]} if isinstance(field, str) and field in _TABLES else obj


def _named(field: str, op: str, value: Any, catalog: Catalog) -> Any:
    """One condition with the names of its ids."""
    ours, table = _TABLES[field]
    values = list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else [value]
    if not any(_is_id(one) for one in values):
        return {"field": ours, "op": op, "value": value}
    if op not in ("eq", "ne", "in", "nin"):
        raise Invalid(f"criteria {field}: {op} does not go with ids", field="criteria", hint="eq, ne, in or nin")
    found = [_one(field, table, one, catalog) if _is_id(one) else {ours: one} for one in values]
    if all(ours in one for one in found):
        return {
            "field": ours,
            "op": op,
            "value": [one[ours] for one in found] if op in ("in", "nin") else found[0][ours],
        }
    either = found[0] if len(found) == 1 else {"any": found}
    return {"not": either} if op in ("ne", "nin") else either


def _is_id(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, str) and value.isascii() and value.isdigit())


def _one(field: str, table: str, value: Any, catalog: Catalog) -> dict[str, Any]:
    ours = _TABLES[field][0]
    item: Any = next((one for one in getattr(catalog, table) if one.id == int(value)), None)
    if item is None:
        raise Invalid(f"criteria {field}: there is no {ours.replace('_', ' ')} {value}", field="criteria")
    if table == "users":
        return {ours: item.login}
    if table == "pipelines":
        return {ours: item.key}
    if table == "stages" and len(catalog.find_stages(item.name)) > 1:  # the name stands in another pipeline, too
        return {"all": [{ours: item.name}, {"pipeline": catalog.pipeline_by_id[item.pipeline_id].key}]}
    return {ours: item.name}
