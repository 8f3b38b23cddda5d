"""What migration 0005 gives to databases made before it, frozen as plain data: the rules of who gets leads.

A rule as (name, kind, what its kind is told).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

_Rule = tuple[str, str, dict[str, Any]]
_RULES: dict[str, tuple[_Rule, ...]] = {
    "isp": (
        ("Area", "area", {}),
        ("Fewest open leads", "workload", {}),
        ("Best converters", "performance", {"rate": 0.15}),
    ),
    "insurance": (
        ("Language", "language", {}),
        ("What is insured", "type", {}),
        ("Fewest open leads", "workload", {}),
        ("Best converters", "performance", {"rate": 0.15}),
    ),
    "real-estate": (
        ("Area", "area", {}),
        ("Property type", "type", {}),
        ("Price range", "price", {}),
        ("Fewest open leads", "workload", {}),
        ("Best converters", "performance", {"rate": 0.15}),
    ),
    "estate": (
        ("Branch", "branch", {}),
        ("Area", "area", {}),
        ("Property type", "type", {}),
        ("Fewest open leads", "workload", {}),
    ),
    "travel": (
        ("Language", "language", {}),
        ("Tour", "type", {}),
        ("Fewest open leads", "workload", {}),
    ),
}


def assignment_rules(conn: sa.Connection) -> None:
    """The rules of the presets whose pipelines the database has."""
    pipeline = sa.table("pipeline", sa.column("id"), sa.column("key"))
    rule = sa.table(
        "assignment_rule", sa.column("pipeline_id"), sa.column("key"), sa.column("name"), sa.column("order"),
        sa.column("kind"), sa.column("params_json", sa.JSON()), sa.column("only_if_any", sa.Boolean()),
        sa.column("is_active", sa.Boolean()),
    )  # fmt: skip
    for pipeline_id, key in conn.execute(sa.select(pipeline.c.id, pipeline.c.key)).all():
        rows = [
            {
                "pipeline_id": pipeline_id, "key": name.lower().replace(" ", "_"), "name": name, "order": order,
                "kind": kind, "params_json": params, "only_if_any": True, "is_active": True,
            }
            for order, (name, kind, params) in enumerate(_RULES.get(key, ()), 1)
        ]  # fmt: skip
        if rows:
            conn.execute(sa.insert(rule), rows)
