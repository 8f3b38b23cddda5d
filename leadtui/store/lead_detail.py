"""Everything about one lead, read for the detail screen and `lead show`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from leadtui.domain.fields import BY_COLUMN, LEAD_FIELDS
from leadtui.domain.money import total
from leadtui.domain.permissions import ACTIONS
from leadtui.domain.records import ActivityRow, BookingRow, DocumentRow, LeadDetail, MilestoneRow, StatusEntry

from . import leads as queries
from . import loans
from . import schema as t
from .unit_of_work import ReadTx


def detail(tx: ReadTx, lead_id: int) -> LeadDetail:
    """The lead with all that hangs on it. The caller has checked that the actor may see it."""
    row = tx.conn.execute(select(t.lead).where(t.lead.c.id == lead_id)).mappings().one()
    found = activities(tx, t.activity.c.lead_id == lead_id)
    allowed = frozenset(
        a for a in ACTIONS if tx.actor.may_on(a, assigned_to_id=row["assigned_to_id"], branch_id=row["branch_id"])
    )
    return LeadDetail(
        row=queries.rows_unscoped(tx, [lead_id])[0],
        fields=field_values(tx, row),
        status_history=tuple(_history(tx, lead_id)),
        activities=tuple(found),
        follow_ups=tuple(sorted((a for a in found if a.is_open), key=lambda a: (a.scheduled_at, a.id))),
        documents=tuple(documents(tx, lead_id)),
        interests=tuple(_interests(tx, lead_id)),
        custom=_custom(tx, lead_id),
        pending_job=_pending_job(tx, lead_id),
        allowed=allowed,
        loans=loans.of_lead(tx, lead_id) if "loans" in allowed else (),
        bookings=tuple(bookings(tx, lead_id)),
        milestones=tuple(_milestones(tx, lead_id)),
    )


def field_values(tx: ReadTx, row: Mapping[Any, Any]) -> dict[str, Any]:
    """The typed value of every field of the catalogue by key: names for lookups, minor units, aware times.

    Fields hidden from the acting role are left out.
    """
    cat = tx.catalog
    names: dict[str, Mapping[int, Any]] = {
        "stage": cat.stage_by_id,
        "source": cat.source_by_id,
        "product": cat.product_by_id,
        "branch": cat.branch_by_id,
        "pipeline": cat.pipeline_by_id,
        "user": cat.user_by_id,
    }
    person = None
    if row["referrer_id"] is not None:
        person = tx.conn.execute(select(t.person).where(t.person.c.id == row["referrer_id"])).one_or_none()
    stage = cat.stage_by_id[row["stage_id"]]
    special: dict[str, Any] = {
        "brought_in_by": person.name if person else None,
        "brought_in_by_contact": person.phone_e164 if person else None,
        "total_amount": total(row["installation_fee_minor"], row["monthly_fee_minor"]),
        "age": _age(row["date_of_birth"], tx.now),
        "is_converted": stage.is_converted,
        "is_lost": stage.is_lost,
        "lost_reason": row["lost_note"],
        "tags": queries.tags_by_lead(tx, [row["id"]]).get(row["id"], ()),
    }
    values: dict[str, Any] = {}
    for f in LEAD_FIELDS:
        if f.key in tx.actor.hidden_fields:
            continue
        if f.key in special:
            values[f.key] = special[f.key]
        elif f.lookup:
            item = names[f.lookup].get(row[f.column or ""])
            values[f.key] = None if item is None else _name_of(f.lookup, item)
        else:
            values[f.key] = row[f.column or f.key]
    users = cat.user_by_id
    values |= {
        "created_by": users[row["created_by_id"]].login,
        "updated_by": users[row["updated_by_id"]].login,
        "follow_up_all_day": row["next_follow_up_all_day"],
        "phone_raw": row["phone_raw"],
        "protected_reason": row["protected_reason"],
        "lost_at": row["lost_at"],
    }
    values |= _customer(tx, row["customer_id"])
    return values


def _name_of(lookup: str, item: Any) -> str:
    if lookup == "user":
        return str(item.login)
    return str(item.key if lookup == "pipeline" else item.name)


def _customer(tx: ReadTx, customer_id: int | None) -> dict[str, Any]:
    if customer_id is None:
        return {"customer_name": None, "customer_type": None}
    c = t.customer.c
    found = tx.conn.execute(select(c.name, c.type).where(c.id == customer_id)).one_or_none()
    return {"customer_name": found.name if found else None, "customer_type": found.type if found else None}


def _age(born: Any, now: datetime) -> int | None:
    if born is None:
        return None
    today = now.astimezone(UTC).date()
    return int(today.year - born.year - ((today.month, today.day) < (born.month, born.day)))


def _history(tx: ReadTx, lead_id: int) -> list[StatusEntry]:
    c = t.stage_change.c
    stages, users = tx.catalog.stage_by_id, tx.catalog.user_by_id
    query = select(t.stage_change).where(c.lead_id == lead_id).order_by(c.id)
    return [
        StatusEntry(
            status=stages[r.to_stage_id].name,
            previous=stages[r.from_stage_id].name if r.from_stage_id else None,
            changed_by=users[r.by_id].login,
            changed_at=r.at,
            reason=r.reason,
            seconds_in_stage=r.seconds_in_stage,
        )
        for r in tx.conn.execute(query)
    ]


def activities(
    tx: ReadTx, where: Any, *, order: Sequence[Any] = (), limit: int | None = None, offset: int = 0
) -> list[ActivityRow]:
    """Activities, newest first (spec §G 70) unless another order is given."""
    a = t.activity.c
    query = (
        select(t.activity, t.lead.c.number, t.lead.c.name.label("lead_name"))
        .join(t.lead, t.lead.c.id == a.lead_id)
        .where(where)
        .order_by(*(order or (a.created_at.desc(), a.id.desc())))
    )
    if limit is not None:
        query = query.limit(limit).offset(offset)
    hides_name = "name" in tx.actor.hidden_fields
    users = tx.catalog.user_by_id
    return [
        ActivityRow(
            id=r.id,
            lead_id=r.lead_id,
            lead_number=r.number,
            type=r.type,
            subject=r.subject,
            details=r.description,
            outcome=r.outcome,
            outcome_note=r.outcome_note,
            next_action=r.next_action,
            scheduled_at=r.scheduled_at,
            all_day=r.all_day,
            completed_at=r.completed_at,
            cancelled_at=r.cancelled_at,
            assigned_to=users[r.assigned_to_id].login if r.assigned_to_id in users else None,
            created_by=users[r.created_by_id].login,
            created_by_name=users[r.created_by_id].name,
            created_at=r.created_at,
            metadata=r.metadata_json or {},
            lead_name=None if hides_name else r.lead_name,
            context=r.context,
            priority=r.priority,
            escalated_at=r.escalated_at,
            replaced_by_id=r.replaced_by_id,
        )
        for r in tx.conn.execute(query)
    ]


def documents(tx: ReadTx, lead_id: int) -> list[DocumentRow]:
    """A lead's documents, newest first."""
    d = t.document.c
    users = tx.catalog.user_by_id
    query = select(t.document).where(d.lead_id == lead_id).order_by(d.at.desc(), d.id.desc())
    return [
        DocumentRow(r.id, r.name, r.mime, r.bytes, r.sha256, users[r.uploaded_by_id].login, r.at, r.path)
        for r in tx.conn.execute(query)
    ]


def bookings(tx: ReadTx, lead_id: int) -> list[BookingRow]:
    """A lead's bookings, newest first; without what the role does not see of leads."""
    b, hidden = t.booking.c, tx.actor.hidden_fields
    query = select(t.booking).where(b.lead_id == lead_id).order_by(b.at.desc(), b.id.desc())
    return [
        BookingRow(
            r.id, r.lead_id, r.external_ref, {k: str(v) for k, v in (r.payload_json or {}).items() if k not in hidden},
            r.at,
        )
        for r in tx.conn.execute(query)
    ]  # fmt: skip


def _milestones(tx: ReadTx, lead_id: int) -> list[MilestoneRow]:
    """What a lead reached, the first first."""
    m, has = t.milestone.c, t.lead_milestone.c
    query = (
        select(m.key, m.name, has.at)
        .join(t.lead_milestone, has.milestone_id == m.id)
        .where(has.lead_id == lead_id)
        .order_by(has.at, m.order, m.id)
    )
    return [MilestoneRow(r.key, r.name, r.at) for r in tx.conn.execute(query)]


def _interests(tx: ReadTx, lead_id: int) -> list[str]:
    link = t.lead_product.c
    ids = tx.conn.execute(select(link.product_id).where(link.lead_id == lead_id)).scalars()
    return sorted(tx.catalog.product_by_id[i].name for i in ids)


def _custom(tx: ReadTx, lead_id: int) -> dict[str, str]:
    c = t.lead_custom.c
    return {r.key: r.value for r in tx.conn.execute(select(c.key, c.value).where(c.lead_id == lead_id).order_by(c.key))}


def _pending_job(tx: ReadTx, lead_id: int) -> str | None:
    """The state of a conversion that is under way or was interrupted."""
    j = t.provision_job.c
    query = select(j.state).where(j.lead_id == lead_id, j.state.in_(("planned", "applying", "unknown")))
    return tx.conn.execute(query).scalar()


def last_changes(tx: ReadTx, lead_id: int, since_version: int) -> dict[str, tuple[str, datetime]]:
    """Who last changed each field of a lead, and when: from the newest audit rows, at most one a version."""
    a = t.audit.c
    current = tx.conn.execute(select(t.lead.c.version).where(t.lead.c.id == lead_id)).scalar_one()
    query = (
        select(a.user_id, a.at, a.after_json)
        .where(a.entity == "lead", a.entity_id == lead_id)
        .order_by(a.id.desc())
        .limit(max(1, current - since_version))
    )
    found: dict[str, tuple[str, datetime]] = {}
    for r in tx.conn.execute(query):
        for column in r.after_json or {}:
            key = BY_COLUMN[column].key if column in BY_COLUMN else column
            if key not in {"updated_at", "updated_by_id"}:
                found.setdefault(key, (tx.catalog.user_by_id[r.user_id].login, r.at))
    return found
