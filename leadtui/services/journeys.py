"""The journey of a lead, read from its history, its activities, its customer and its router users (spec §Z 176)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from leadtui.domain.journeys import TOUCHES, Event, Journey, Move, Past, Touch, journey
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx

from . import lead_writes as w

if TYPE_CHECKING:
    from .office import Office

_INBOUND = frozenset({"in", "inbound"})


def of(office: Office, ref: str | int) -> Journey:
    """The journey of the lead that `ref` names, seen from now. Needs `read` on it; raises NotFound."""
    with office.read() as tx:
        row = w.load(tx, w.resolve(tx, ref))
        users, hidden = tx.catalog.user_by_id, tx.actor.hidden_fields
        shown = (row["name"] if "name" not in hidden else None, row["phone_e164"] if "phone" not in hidden else None)
        past = Past(
            lead_id=row["id"], number=row["number"], title=next((one for one in shown if one), row["number"]),
            created_at=row["created_at"], stage=tx.catalog.stage_by_id[row["stage_id"]],
            stage_since=row["stage_changed_at"], moves=tuple(_moves(tx, row["id"])),
            touches=tuple(_touches(tx, row["id"])), made=tuple(_made(tx, row)),
            lost_reason=None if "lost_reason" in hidden else _lost_reason(tx, row),
            created_by=users[row["created_by_id"]].login,
        )  # fmt: skip
        return journey(past, tx.now)


def _moves(tx: ReadTx, lead_id: int) -> Iterable[Move]:
    c = t.stage_change.c
    stages, users = tx.catalog.stage_by_id, tx.catalog.user_by_id
    query = select(t.stage_change).where(c.lead_id == lead_id).order_by(c.at, c.id)
    hides_reason = "lost_reason" in tx.actor.hidden_fields
    for r in tx.conn.execute(query):
        to = stages[r.to_stage_id]
        reason = None if hides_reason and to.is_lost else r.reason
        yield Move(r.at, stages.get(r.from_stage_id or 0), to, users[r.by_id].login, reason)


def _touches(tx: ReadTx, lead_id: int) -> Iterable[Touch]:
    """Communications that took place. A message that was sent or came in has its activity, which stands for it."""
    a = t.activity.c
    done = (a.lead_id == lead_id, a.type.in_(TOUCHES), a.completed_at.is_not(None), a.cancelled_at.is_(None))
    query = select(a.completed_at, a.type, a.direction, a.created_by_id, a.outcome).where(*done)
    users = tx.catalog.user_by_id
    for r in tx.conn.execute(query.order_by(a.completed_at, a.id)):
        yield Touch(r.completed_at, r.type, r.direction in _INBOUND, users[r.created_by_id].login, r.outcome)


def _made(tx: ReadTx, row: Mapping[Any, Any]) -> Iterable[Event]:
    """Customer, router users and the first time one of them was online."""
    if row["customer_id"] is not None:
        c = t.customer.c
        found = tx.conn.execute(select(c.name, c.created_at).where(c.id == row["customer_id"])).one()
        name = "" if "name" in tx.actor.hidden_fields else found.name
        converted = row["converted_at"] or found.created_at
        if found.created_at >= converted:
            yield Event("customer_made", found.created_at, name)
        else:  # it was there before: the lead was joined to it
            yield Event("customer_linked", converted, name)
    u, r = t.router_user.c, t.router.c
    query = (
        select(u.username, u.created_at, u.first_online_at, r.name)
        .join(t.router, r.id == u.router_id)
        .where(u.lead_id == row["id"])
        .order_by(u.created_at, u.id)
    )
    users = tx.conn.execute(query).all()
    for one in users:
        yield Event("router_user_made", one.created_at, f"{one.username} on {one.name}")
    online = [(one.first_online_at, one.username) for one in users if one.first_online_at is not None]
    if online:
        yield Event("first_online", *min(online))


def _lost_reason(tx: ReadTx, row: Mapping[Any, Any]) -> str | None:
    """The counted reason's name, else the words that were typed."""
    if row["lost_reason_id"] is not None:
        found = next((one for one in tx.catalog.lost_reasons if one.id == row["lost_reason_id"]), None)
        if found is not None:
            return found.name
    note: str | None = row["lost_note"]
    return note
