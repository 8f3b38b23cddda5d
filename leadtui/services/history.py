"""What was done, by whom: the front of batches, of their undo, and of the audit, which is here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, and_, cast, func, null, or_, select

from leadtui.domain.dates import iso_z, local_day
from leadtui.domain.money import to_json
from leadtui.domain.records import AuditRow
from leadtui.errors import NotFound
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.types import UtcDateTime
from leadtui.store.unit_of_work import ReadTx

from . import lead_writes as w
from .batches import NOT_SHOWN, batch_count, batches, key_of
from .office import Office
from .undoing import done_since, undo

__all__ = ["audit", "batch_count", "batches", "done_since", "entries_of", "undo"]

_NAMED = {"router_id": t.router, "family_group_id": t.family_group}
"""Ids that the audit keeps of what the catalogue does not hold."""


def audit(
    office: Office,
    *,
    lead_ref: str | int | None = None,
    entity: str | None = None,
    user: str | None = None,
    text: str | None = None,
    batch: int | None = None,
    limit: int = 50,
    offset: int = 0,
) -> tuple[int, list[AuditRow]]:
    """The audit, newest first, with its count: of leads in scope; of the office itself where the actor may config."""
    with office.read() as tx:
        a = t.audit.c
        where = [_visible_audit(tx)]
        if lead_ref is not None:
            where += [a.entity == "lead", a.entity_id == _audited_lead(tx, lead_ref)]
        if entity:
            where.append(a.entity == entity)
        if user:
            where.append(a.user_id == tx.catalog.find_user(user, field="user").id)
        if text:
            where.append(_mentions(text))
        if batch is not None:
            where.append(a.batch_id == batch)
        total = int(tx.conn.execute(select(func.count()).select_from(t.audit).where(*where)).scalar_one())
        query = (
            select(t.audit, t.lead.c.number.label("lead_number"))
            .select_from(t.audit.outerjoin(t.lead, and_(a.entity == "lead", t.lead.c.id == a.entity_id)))
            .where(*where)
            .order_by(a.id.desc())
            .limit(limit)
            .offset(offset)
        )
        return total, [_audit_row(tx, r) for r in tx.conn.execute(query)]


def entries_of(tx: ReadTx, of: Mapping[str, Sequence[int]], *, limit: int) -> list[AuditRow]:
    """The audit of some records (entity → ids), newest first. The caller has checked that the actor may see them."""
    a = t.audit.c
    wanted = or_(*(and_(a.entity == entity, a.entity_id.in_(ids)) for entity, ids in of.items() if ids))
    query = select(t.audit, null().label("lead_number")).where(wanted).order_by(a.id.desc()).limit(limit)
    return [_audit_row(tx, r) for r in tx.conn.execute(query)]


def _mentions(text: str) -> Any:
    """The text stands in what was done, from where, or in a value before or after."""
    a = t.audit.c
    wanted = text.lower()
    columns = (a.action, a.origin, cast(a.before_json, Text), cast(a.after_json, Text))
    return or_(*(func.lower(c).contains(wanted, autoescape=True) for c in columns))


def _audited_lead(tx: ReadTx, ref: str | int) -> int:
    try:
        return w.resolve(tx, ref)
    except NotFound:
        return w.resolve(tx, ref, deleted=True)


def _visible_audit(tx: ReadTx) -> Any:
    a = t.audit.c
    of_leads = a.entity.in_(("lead", "activity", "customer", "document", "loan_commitment"))
    if tx.actor.scope("read") == "all":
        leads: Any = of_leads
    else:
        mine = select(t.lead.c.id).where(scope_clause(tx.actor))
        leads = and_(a.entity == "lead", a.entity_id.in_(mine))
    if tx.actor.may("config") or tx.actor.may("users"):
        return or_(leads, ~of_leads)
    return leads


def _audit_row(tx: ReadTx, r: Any) -> AuditRow:
    before, after = r.before_json or {}, r.after_json or {}
    changes: dict[str, tuple[Any, Any]] = {}
    for column in dict.fromkeys((*before, *after)):
        if column in NOT_SHOWN and r.entity in {"lead", "activity"}:
            continue
        key = key_of(column) if r.entity in {"lead", "loan_commitment"} else column
        if key in tx.actor.hidden_fields:
            continue
        pair = _words(tx, column, before.get(column)), _words(tx, column, after.get(column))
        if column == "next_follow_up_at":
            pair = _due(tx, before), _due(tx, after)
        if pair[0] != pair[1]:
            changes[key] = pair
    user = tx.catalog.user_by_id.get(r.user_id)
    return AuditRow(
        r.id,
        r.at,
        user.login if user else "?",
        r.origin,
        r.action,
        r.entity,
        r.entity_id,
        changes,
        r.batch_id,
        r.lead_number,
    )


def _due(tx: ReadTx, values: Mapping[str, Any]) -> str | None:
    """A follow-up as the lead shows it: a day, or a moment when that is what was set (contract answer 8)."""
    text = values.get("next_follow_up_at")
    if not text:
        return None
    at = datetime.fromisoformat(text)
    local = at.astimezone(tx.catalog.tz)
    if values.get("next_follow_up_all_day", local.hour == 0 and local.minute == 0):
        return local_day(at, tx.catalog.tz).isoformat()
    return iso_z(at)


def _words(tx: ReadTx, column: str, value: Any) -> Any:
    """A stored value as a person reads it: names for ids, major units for money."""
    if value is None:
        return None
    cat = tx.catalog
    names: dict[str, Mapping[int, Any]] = {
        "stage_id": cat.stage_by_id,
        "source_id": cat.source_by_id,
        "product_id": cat.product_by_id,
        "branch_id": cat.branch_by_id,
        "pipeline_id": cat.pipeline_by_id,
    }
    if column in names and value in names[column]:
        return names[column][value].name
    if column in {"assigned_to_id", "manager_id", "converted_by_id", "user_id"} and value in cat.user_by_id:
        return cat.user_by_id[value].login
    if column == "referrer_id":
        return tx.conn.execute(select(t.person.c.name).where(t.person.c.id == value)).scalar() or value
    if column in _NAMED:
        table = _NAMED[column]
        return tx.conn.execute(select(table.c.name).where(table.c.id == value)).scalar() or value
    if column.endswith("_minor"):
        return to_json(value, cat.currency)
    if isinstance(value, str) and isinstance(getattr(t.lead.c.get(column), "type", None), UtcDateTime):
        return iso_z(datetime.fromisoformat(value))
    return value
