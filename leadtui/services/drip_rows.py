"""Drips as they lie in the database: found by what a person types, read as records, their steps by version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from leadtui.domain.drips import STATES, DripRow, DripStep, EnrollmentRow, EnrollRule, parse_until
from leadtui.errors import NotFound
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import fold

KIND = "drip"
"""The kind of campaign that a drip is."""

OPEN = ("active", "paused")
"""The states of an enrollment that goes on."""


def live() -> ColumnElement[bool]:
    """The drips that are not deleted, as a condition over `campaign`."""
    c = t.campaign.c
    return and_(c.kind == KIND, c.deleted_at.is_(None))


def find(tx: ReadTx, ref: str | int) -> Mapping[Any, Any]:
    """The drip that `ref` names, by its key, name or id. Raises NotFound."""
    wanted = fold(str(ref)).strip()
    query = select(t.campaign).where(live()).order_by(t.campaign.c.id)
    found = tx.conn.execute(query).mappings().all()
    by = (
        lambda row: row["key"] == wanted.replace("-", "_"),
        lambda row: fold(row["name"]) == wanted,
        lambda row: str(row["id"]) == wanted,
    )
    for same in by:
        for row in found:
            if same(row):
                return row
    names = ", ".join(row["key"] or row["name"] for row in found[:8])
    hint = f"one of: {names}" if names else "make one: leadtui drip create"
    raise NotFound(f"there is no drip '{str(ref)[:60]}'", field="drip", hint=hint)


def locked(tx: WriteTx, ref: str | int) -> Mapping[Any, Any]:
    """`find`, and nobody else changes the drip meanwhile. Its steps are carried out all the same: their messages only
    refer to it.
    """
    query = select(t.campaign).where(live(), t.campaign.c.id == find(tx, ref)["id"]).with_for_update(key_share=True)
    row = tx.conn.execute(query).mappings().one_or_none()
    return find(tx, ref) if row is None else row


def wants_new_leads(tx: ReadTx) -> bool:
    """Whether a drip takes new leads by itself: then adding one is an event."""
    c = t.campaign.c
    query = select(c.options_json).where(live(), c.status == "active")
    return any(EnrollRule.of(options).on == "created" for options in tx.conn.execute(query).scalars())


# -- steps -------------------------------------------------------------------------------------------------------------
def steps_of(tx: ReadTx, drip_id: int, version: int) -> tuple[DripStep, ...]:
    """The steps of one version, in their order."""
    return many_steps(tx, [(drip_id, version)]).get((drip_id, version), ())


def many_steps(tx: ReadTx, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], tuple[DripStep, ...]]:
    """The steps of several drips' versions, by (drip's id, version)."""
    s = t.campaign_step.c
    pairs = set(wanted)
    if not pairs:
        return {}
    query = (
        select(t.campaign_step, t.template.c.name.label("template"))
        .select_from(t.campaign_step.outerjoin(t.template, t.template.c.id == s.template_id))
        .where(s.campaign_id.in_({drip_id for drip_id, _ in pairs}))
        .order_by(s.campaign_id, s.version, s.order)
    )
    found: dict[tuple[int, int], list[DripStep]] = {}
    for row in tx.conn.execute(query).mappings():
        if (row["campaign_id"], row["version"]) in pairs:
            found.setdefault((row["campaign_id"], row["version"]), []).append(_step(row))
    return {pair: tuple(steps) for pair, steps in found.items()}


def _step(row: Mapping[Any, Any]) -> DripStep:
    params: Mapping[str, Any] = row["params_json"] or {}
    until = params.get("until")
    return DripStep(
        delay_minutes=row["delay_minutes"], type=row["type"], channel=row["channel"], subject=row["subject"],
        body=row["body"], template=row["template"], context=params.get("context"), to=params.get("to"),
        until=parse_until(until) if until else None, word=params.get("word"),
    )  # fmt: skip


def write_steps(
    tx: WriteTx, drip_id: int, version: int, steps: Sequence[DripStep], templates: Mapping[str, int]
) -> None:
    """Write the steps of a new version; `templates` are the ids of those they name."""
    rows = []
    for order, one in enumerate(steps):
        params = {
            "context": one.context,
            "to": one.to,
            "until": one.until.text if one.until else None,
            "word": one.word,
        }
        rows.append({
            "campaign_id": drip_id, "version": version, "order": order, "delay_minutes": one.delay_minutes,
            "type": one.type, "channel": one.channel, "subject": one.subject, "body": one.body,
            "template_id": templates[one.template] if one.template else None,
            "params_json": {key: value for key, value in params.items() if value} or None,
        })  # fmt: skip
    tx.conn.execute(t.campaign_step.insert(), rows)


def versions_of(tx: ReadTx, drip_id: int) -> tuple[int, ...]:
    """The versions a drip has had, the oldest first."""
    s = t.campaign_step.c
    query = select(s.version).where(s.campaign_id == drip_id).distinct().order_by(s.version)
    return tuple(tx.conn.execute(query).scalars())


# -- records -----------------------------------------------------------------------------------------------------------
def drip_rows(tx: ReadTx, rows: Sequence[Mapping[Any, Any]]) -> list[DripRow]:
    """Rows of drips as records, with the numbers of their enrollments in one grouped query."""
    e, s = t.enrollment.c, t.campaign_step.c
    ids = [row["id"] for row in rows]
    counted: dict[int, dict[str, int]] = {}
    query = select(e.campaign_id, e.state, func.count()).where(e.campaign_id.in_(ids)).group_by(e.campaign_id, e.state)
    for drip_id, state, count in tx.conn.execute(query):
        counted.setdefault(drip_id, {})[state] = count
    per_version = select(s.campaign_id, s.version, func.count()).where(s.campaign_id.in_(ids))
    steps = {(r[0], r[1]): r[2] for r in tx.conn.execute(per_version.group_by(s.campaign_id, s.version))}
    users = tx.catalog.user_by_id
    return [
        DripRow(
            id=row["id"], key=row["key"] or str(row["id"]), name=row["name"], description=row["description"],
            channel=row["channel"], subject=row["subject"], status=row["status"], version=row["current_version"],
            step_count=steps.get((row["id"], row["current_version"]), 0), enroll=_rule(tx, row["options_json"]),
            quiet_hours=row["quiet_hours"], per_minute=row["per_minute"], out=(row["options_json"] or {}).get("out"),
            enrolled=sum(counted.get(row["id"], {}).values()),
            **{state: counted.get(row["id"], {}).get(state, 0) for state in STATES},
            created_by=users[row["created_by_id"]].login, created_at=row["created_at"], updated_at=row["updated_at"],
            started_at=row["started_at"], row_version=row["version"],
        )
        for row in rows
    ]  # fmt: skip


def _rule(tx: ReadTx, options: Mapping[str, Any] | None) -> EnrollRule:
    """Who comes in by itself, with the status as people call it."""
    rule = EnrollRule.of(options)
    stages = tx.catalog.find_stages(rule.status) if rule.status else []
    return replace(rule, status=stages[0].name) if stages else rule


def drip_row(tx: ReadTx, row: Mapping[Any, Any]) -> DripRow:
    """One drip as a record."""
    return drip_rows(tx, [row])[0]


def enrollment_rows(
    tx: ReadTx, where: ColumnElement[bool], *, limit: int | None = None, offset: int = 0
) -> list[EnrollmentRow]:
    """Enrollments by a condition over `enrollment`, `campaign` and `lead`, the newest first. The scope is the caller's
    to put in.
    """
    e, c, lead = t.enrollment.c, t.campaign.c, t.lead.c
    query = (
        select(
            t.enrollment, c.key, c.name.label("drip_name"), c.status, lead.number, lead.name.label("lead_name"),
            lead.phone_e164, lead.phone_raw,
        )
        .select_from(joined())
        .where(where)
        .order_by(e.id.desc())
        .offset(offset)
    )  # fmt: skip
    if limit is not None:
        query = query.limit(limit)
    found = tx.conn.execute(query).mappings().all()
    steps = many_steps(tx, {(r["campaign_id"], r["version"]) for r in found})
    return [_enrollment(tx, r, steps.get((r["campaign_id"], r["version"]), ())) for r in found]


def joined() -> Any:
    """Enrollments with their drip and lead."""
    e = t.enrollment.c
    return t.enrollment.join(t.campaign, t.campaign.c.id == e.campaign_id).join(t.lead, t.lead.c.id == e.lead_id)


def _enrollment(tx: ReadTx, r: Mapping[Any, Any], steps: Sequence[DripStep]) -> EnrollmentRow:
    hidden, users = tx.actor.hidden_fields, tx.catalog.user_by_id
    at = r["current_step"]
    return EnrollmentRow(
        id=r["id"], drip_id=r["campaign_id"], drip_key=r["key"] or str(r["campaign_id"]), drip_name=r["drip_name"],
        drip_status=r["status"], version=r["version"], lead_id=r["lead_id"], lead_number=r["number"],
        lead_name=None if "name" in hidden else r["lead_name"],
        phone=None if "phone" in hidden else r["phone_e164"] or r["phone_raw"], state=r["state"], reason=r["reason"],
        detail=r["detail"], current_step=at, step_count=len(steps),
        next_step=steps[at].words if r["state"] in OPEN and at < len(steps) else None, next_run_at=r["next_run_at"],
        last_executed_at=r["last_executed_at"], enrolled_by=users[r["enrolled_by_id"]].login,
        enrolled_at=r["enrolled_at"], ended_at=r["ended_at"],
    )  # fmt: skip
