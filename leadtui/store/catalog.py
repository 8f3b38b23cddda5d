"""Reads the small tables into one frozen Catalog, and again only when its version moved."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from leadtui.domain.catalog import Catalog, FieldRule, Item, Pipeline, Product, RoleItem, Stage, UserItem
from leadtui.domain.permissions import Grant

from . import schema as t

VERSION_KEY = "catalog_version"


def version(conn: Connection) -> int:
    """The number that every change of a small table raises."""
    value = conn.execute(select(t.counter.c.value).where(t.counter.c.key == VERSION_KEY)).scalar()
    return int(value or 0)


def touch(conn: Connection) -> None:
    """Says that a small table changed: every process reads the catalogue again at its next transaction."""
    done = conn.execute(
        update(t.counter).where(t.counter.c.key == VERSION_KEY).values(value=t.counter.c.value + 1)
    ).rowcount
    if not done:
        conn.execute(t.counter.insert().values(key=VERSION_KEY, value=1))


def load(conn: Connection, at_version: int | None = None) -> Catalog:
    """The catalogue as this transaction sees it."""
    roles = {r.id: r for r in conn.execute(select(t.role))}
    grants: dict[int, dict[str, Grant]] = {rid: {} for rid in roles}
    for p in conn.execute(select(t.permission)):
        grants[p.role_id][p.action] = Grant(p.scope, tuple(p.stages_json or ()))
    return Catalog(
        version=version(conn) if at_version is None else at_version,
        settings={r.key: r.value_json for r in conn.execute(select(t.setting))},
        pipelines=tuple(_pipeline(r) for r in conn.execute(select(t.pipeline).order_by(t.pipeline.c.id))),
        stages=tuple(_stage(r) for r in conn.execute(select(t.stage).order_by(t.stage.c.rank))),
        sources=tuple(
            Item(
                r.id,
                r.name,
                r.key,
                tuple(r.aliases_json or ()),
                r.is_active,
                {"description": r.description, "order": r.order, "cost_minor": r.cost_minor},
            )
            for r in conn.execute(select(t.source).order_by(t.source.c.order, t.source.c.id))
        ),
        products=tuple(
            Product(
                r.id,
                r.kind,
                r.name,
                r.price_minor,
                r.install_minor,
                r.router_profile,
                r.speed,
                r.is_active,
                r.upload_bps,
                r.download_bps,
                r.pool,
                r.gateway,
                r.addressing,
            )
            for r in conn.execute(select(t.product).order_by(t.product.c.id))
        ),
        branches=tuple(
            Item(r.id, r.name, "", (), r.is_active, {"organization": r.organization})
            for r in conn.execute(select(t.branch).order_by(t.branch.c.id))
        ),
        teams=tuple(Item(r.id, r.name) for r in conn.execute(select(t.team).order_by(t.team.c.id))),
        lost_reasons=tuple(
            Item(r.id, r.name, is_active=r.is_active)
            for r in conn.execute(select(t.lost_reason).order_by(t.lost_reason.c.id))
        ),
        users=tuple(
            UserItem(
                r.id,
                r.login,
                r.name,
                roles[r.role_id].key,
                r.role_id,
                r.branch_id,
                r.team_id,
                r.os_account,
                r.phone_e164,
                r.email,
                r.is_active,
                r.is_available,
                r.timezone,
                r.working_hours,
                tuple(r.service_areas_json or ()),
                tuple(r.specializations_json or ()),
                tuple(r.languages_json or ()),
                r.min_price_minor,
                r.max_price_minor,
                r.capacity,
            )
            for r in conn.execute(select(t.user).order_by(t.user.c.id))
        ),
        roles=tuple(
            RoleItem(r.id, r.key, r.name, grants[r.id], frozenset(r.hidden_fields_json or ())) for r in roles.values()
        ),
    )


def _pipeline(r: Any) -> Pipeline:
    rules = {
        key: FieldRule(rule)
        if isinstance(rule, str)
        else FieldRule(rule.get("rule", "optional"), rule.get("visible_if"))
        for key, rule in (r.field_rules_json or {}).items()
    }
    return Pipeline(
        r.id,
        r.key,
        r.name,
        r.is_default,
        r.is_active,
        r.require_reason_on_regress,
        tuple(r.conversion_steps_json or ()),
        rules,
    )


def _stage(r: Any) -> Stage:
    return Stage(
        r.id,
        r.pipeline_id,
        r.key,
        r.name,
        r.order,
        r.rank,
        r.probability,
        r.color,
        r.description,
        r.is_default,
        r.is_converted,
        r.is_lost,
        r.is_parked,
        r.is_locked,
        r.is_active,
        r.sla_hours,
    )
