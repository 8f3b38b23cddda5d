"""Loads preset data files (pipelines, sources, products, roles) into rows (spec §AI)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from leadtui import clock
from leadtui.domain.addresses import parse_rate
from leadtui.domain.drip_reading import parse_step
from leadtui.domain.drips import EnrollRule
from leadtui.domain.follow_up_times import parse_delay
from leadtui.domain.money import parse_money
from leadtui.domain.permissions import ACTIONS
from leadtui.errors import Invalid, Refused
from leadtui.text import fold

from . import schema as t
from .unit_of_work import insert_id

PRESETS: tuple[str, ...] = ("isp", "insurance", "real-estate", "estate", "travel")


@dataclass(frozen=True, slots=True)
class PresetInfo:
    """What a person chooses from: the name, a sentence, and the office it suggests."""

    key: str
    name: str
    sentence: str
    country: str
    currency: str
    timezone: str


def read_preset(key: str) -> dict[str, Any]:
    """The data of a preset. Raises Invalid naming the choices."""
    if key not in PRESETS:
        raise Invalid(f"there is no preset '{key}'", field="preset", hint=f"one of: {', '.join(PRESETS)}")
    return _read(f"{key}.toml")


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("leadtui.presets").joinpath(name).read_text(encoding="utf-8"))


def preset_infos() -> list[PresetInfo]:
    """All presets, for the first-run screen and help."""
    found = []
    for key in PRESETS:
        p = read_preset(key)
        found.append(PresetInfo(key, p["name"], p["sentence"], p["country"], p["currency"], p["timezone"]))
    return found


def slug(name: str) -> str:
    """The key of a name: folded, blanks and signs as `_`."""
    return "_".join("".join(c if c.isalnum() else " " for c in fold(name)).split())


def load_roles(conn: Connection) -> None:
    """The roles and the permission matrix."""
    for key, data in _read("roles.toml").items():
        role_id = insert_id(conn, t.role, key=key, name=data["name"], hidden_fields_json=data.get("hidden_fields", []))
        scopes: dict[str, str] = {}
        for scope in ("all", "branch", "team", "own"):
            actions = data.get(scope, [])
            for action in ACTIONS if actions == "*" else actions:
                scopes[action] = scope
        conn.execute(
            t.permission.insert(),
            [
                {
                    "role_id": role_id,
                    "action": action,
                    "scope": scopes.get(action, "none"),
                    "stages_json": data.get("status_stages") if action == "status" else None,
                }
                for action in ACTIONS
            ],
        )


def load_pipeline(conn: Connection, key: str, currency: str, *, default: bool) -> int:
    """Add the pipeline of a preset with its stages, sources and products; what exists by name is kept.

    Returns the pipeline's id. Raises Refused when the pipeline is there already.
    """
    preset = read_preset(key)
    if conn.execute(select(t.pipeline.c.id).where(t.pipeline.c.key == key)).first():
        raise Refused(f"the pipeline '{key}' is in this database already", field="preset", code="duplicate")
    pipeline_id = insert_id(
        conn,
        t.pipeline,
        key=key,
        name=preset["name"],
        is_default=default,
        is_active=True,
        require_reason_on_regress=preset["require_reason_on_regress"],
        conversion_steps_json=preset["conversion_steps"],
        field_rules_json=preset.get("fields", {}),
    )
    rank = int(conn.execute(select(func.coalesce(func.max(t.stage.c.rank), 0))).scalar_one())
    for order, s in enumerate(preset["stages"], 1):
        conn.execute(
            t.stage.insert().values(
                pipeline_id=pipeline_id,
                key=slug(s["name"]),
                name=s["name"],
                description=s.get("description"),
                order=order,
                rank=rank + order,
                probability=s["probability"],
                is_default=s.get("default", False),
                is_converted=s.get("converted", False),
                is_lost=s.get("lost", False),
                is_parked=s.get("parked", False),
                is_locked=s.get("locked", False),
                sla_hours=s.get("sla_hours"),
                is_active=True,
            )
        )
    _load_sources(conn, preset)
    _load_lost_reasons(conn, preset)
    _load_products(conn, preset, currency)
    _load_quick_logs(conn, preset, pipeline_id)
    _load_stage_actions(conn, preset, pipeline_id)
    _load_scoring(conn, preset, pipeline_id)
    _load_assignment(conn, preset, pipeline_id)
    return pipeline_id


def load_milestones(conn: Connection) -> None:
    """What is noted when a lead reaches it, for every pipeline (spec AJ31)."""
    rows = [
        {
            "key": m.pop("key"), "name": m.pop("name"), "order": order, "is_active": True, "condition_json": m,
        }
        for order, m in enumerate(_read("milestones.toml")["milestones"], 1)
    ]  # fmt: skip
    conn.execute(t.milestone.insert(), rows)


def _load_sources(conn: Connection, preset: dict[str, Any]) -> None:
    known = {
        fold(word)
        for row in conn.execute(select(t.source.c.name, t.source.c.aliases_json))
        for word in (row.name, *(row.aliases_json or ()))
    }
    order = int(conn.execute(select(func.coalesce(func.max(t.source.c.order), 0))).scalar_one())
    for s in preset["sources"]:
        if fold(s["name"]) in known:
            continue
        order += 1
        conn.execute(
            t.source.insert().values(
                key=slug(s["name"]),
                name=s["name"],
                description=s.get("description"),
                order=order,
                is_active=True,
                aliases_json=s.get("aliases", []),
            )
        )


def _load_lost_reasons(conn: Connection, preset: dict[str, Any]) -> None:
    known = {fold(name) for name in conn.execute(select(t.lost_reason.c.name)).scalars()}
    for name in preset.get("lost_reasons", []):
        if fold(name) not in known:
            conn.execute(t.lost_reason.insert().values(name=name, is_active=True))


def _load_products(conn: Connection, preset: dict[str, Any], currency: str) -> None:
    known = {fold(name) for name in conn.execute(select(t.product.c.name)).scalars()}
    for p in preset.get("products", []):
        if fold(p["name"]) in known:
            continue
        conn.execute(
            t.product.insert().values(
                kind=p["kind"],
                name=p["name"],
                router_profile=p.get("profile"),
                speed=p.get("speed"),
                upload_bps=parse_rate(p["upload"], field="upload") if "upload" in p else None,
                download_bps=parse_rate(p["download"], field="download") if "download" in p else None,
                pool=p.get("pool"),
                gateway=p.get("gateway"),
                addressing=p.get("addressing", "dynamic"),
                is_active=True,
                price_minor=parse_money(p["monthly"], currency, field="monthly"),
                install_minor=parse_money(p["installation"], currency, field="installation"),
            )
        )


def _load_quick_logs(conn: Connection, preset: dict[str, Any], pipeline_id: int) -> None:
    """The outcomes that one key of work mode logs (spec AI18)."""
    stages = {
        r.name: r.id
        for r in conn.execute(select(t.stage.c.name, t.stage.c.id).where(t.stage.c.pipeline_id == pipeline_id))
    }
    for order, q in enumerate(preset.get("quick_logs", []), 1):
        conn.execute(
            t.quick_log.insert().values(
                pipeline_id=pipeline_id,
                order=order,
                name=q["name"],
                type=q["type"],
                outcome=q.get("outcome"),
                subject=q.get("subject"),
                delay_minutes=int(parse_delay(q["delay"], field="delay").total_seconds() // 60)
                if "delay" in q
                else None,
                context=q.get("context"),
                next_action=q.get("next_action"),
                ask=q.get("ask"),
                stage_id=stages[q["stage"]] if "stage" in q else None,
                is_active=True,
            )
        )


def _load_stage_actions(conn: Connection, preset: dict[str, Any], pipeline_id: int) -> None:
    """What happens by itself when a lead gets to a status (spec §T)."""
    stages = {
        r.name: r.id
        for r in conn.execute(select(t.stage.c.name, t.stage.c.id).where(t.stage.c.pipeline_id == pipeline_id))
    }
    for order, a in enumerate(preset.get("stage_actions", []), 1):
        params = {key: a[key] for key in ("text", "body", "context", "to", "channel") if key in a}
        if "delay" in a:
            params["delay"] = int(parse_delay(a["delay"], field="delay").total_seconds() // 60)
        conn.execute(
            t.stage_action.insert().values(
                stage_id=stages[a["stage"]], order=order, name=a["name"], kind=a["kind"], params_json=params,
                is_active=True,
            )
        )  # fmt: skip


def _load_scoring(conn: Connection, preset: dict[str, Any], pipeline_id: int) -> None:
    """What leads are worth (spec §K, AI16)."""
    rows = [
        {
            "pipeline_id": pipeline_id, "key": slug(r["name"]), "name": r["name"], "group": r["group"],
            "mode": "per_unit" if "per" in r else "first_match" if r.get("first_match") else "flat",
            "condition": r.get("when"), "field": r.get("per"), "points": r["points"], "cap": r.get("cap"),
            "order": order, "is_active": True,
        }
        for order, r in enumerate(preset.get("scoring", []), 1)
    ]  # fmt: skip
    if rows:
        conn.execute(t.scoring_rule.insert(), rows)


def _load_assignment(conn: Connection, preset: dict[str, Any], pipeline_id: int) -> None:
    """Who gets leads (spec §J 92–96)."""
    rows = [
        {
            "pipeline_id": pipeline_id, "key": slug(r["name"]), "name": r["name"], "order": order, "kind": r["kind"],
            "params_json": {key: r[key] for key in ("rate", "minutes") if key in r}, "condition": r.get("where"),
            "only_if_any": r.get("only_if_any", True), "state_json": None, "is_active": r.get("active", True),
        }
        for order, r in enumerate(preset.get("assignment", []), 1)
    ]  # fmt: skip
    if rows:
        conn.execute(t.assignment_rule.insert(), rows)


def load_writing(conn: Connection, key: str) -> None:
    """The drips and the rules about behaviour of a preset; what exists by its key is kept (spec AI16, AI17).

    Drips are drafts: a person starts them. They belong to the user `system`, who must be there.
    """
    preset = read_preset(key)
    system = conn.execute(select(t.user.c.id).where(t.user.c.login == "system")).scalar_one()
    now = clock.now()
    known = set(conn.execute(select(t.campaign.c.key)).scalars())
    for d in preset.get("drips", []):
        if d["key"] in known:
            continue
        rule = EnrollRule.parse(d.get("enroll"))
        if rule.status:
            rule = replace(rule, status=slug(rule.status), pipeline=key)
        drip_id = insert_id(
            conn, t.campaign, kind="drip", key=d["key"], name=d["name"], description=d.get("description"),
            channel=d["channel"], subject=d.get("subject"), status="draft", created_by_id=system, created_at=now,
            updated_at=now, options_json={"enroll": option} if (option := rule.as_option()) else {}, per_minute=60,
            current_version=1,
        )  # fmt: skip
        conn.execute(t.campaign_step.insert(), [
            {
                "campaign_id": drip_id, "version": 1, "order": order, "delay_minutes": one.delay_minutes,
                "type": one.type, "channel": one.channel, "subject": one.subject, "body": one.body,
            }
            for order, one in enumerate(map(parse_step, d["steps"]))
        ])  # fmt: skip
    _load_triggers(conn, preset)


_CONDITIONS = ("count", "same", "consecutive", "daily_for_days")
_PARAMS = ("text", "body", "channel", "points", "products", "to", "context")


def _load_triggers(conn: Connection, preset: dict[str, Any]) -> None:
    """What is done when leads behave in a way (spec §S)."""
    known = set(conn.execute(select(t.trigger.c.key)).scalars())
    last = int(conn.execute(select(func.coalesce(func.max(t.trigger.c.order), 0))).scalar_one())
    for order, one in enumerate((x for x in preset.get("triggers", []) if x["key"] not in known), last + 1):
        condition = {key: one[key] for key in _CONDITIONS if key in one}
        if "within" in one:
            condition["within_hours"] = int(parse_delay(one["within"], field="within").total_seconds() // 3600)
        params = {key: one[key].strip() if key == "body" else one[key] for key in _PARAMS if key in one}
        conn.execute(
            t.trigger.insert().values(
                order=order, key=one["key"], name=one["name"], event=one["event"], condition_json=condition,
                action=one["action"], params_json=params, cooldown_hours=24, is_active=True,
            )
        )  # fmt: skip
