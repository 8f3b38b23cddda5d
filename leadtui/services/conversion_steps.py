"""What a conversion writes when all is done: the customer, the lead's new status, its router user, tasks (spec §L)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from leadtui.domain.dates import day_bounds, local_day
from leadtui.router.port import Secret
from leadtui.store import customers as stored_customers
from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx, insert_id

from . import addresses, customers, events, secrets
from . import lead_writes as w
from .conversion_order import Order, UserOrder

if TYPE_CHECKING:
    from .office import Office


_ADDRESS_TAKEN = ("uq_router_user_address", "router_user.router_id, router_user.ip")
"""How PostgreSQL and SQLite name the index that keeps two users from one address."""


@dataclass(frozen=True)
class Finished:
    """What the last transaction wrote."""

    customer_id: int | None
    batch: int


def finish(tx: WriteTx, order: Order, *, secret_ref: str | None = None) -> Finished:
    """Make the lead a customer: everything the store holds of a conversion, in the caller's one transaction."""
    lead, user = order.lead, order.user
    batch = tx.open_batch("convert", f"convert {lead.number}")
    customer_id = order.link_to
    product_id = user.product.id if user else lead.product_id
    if customer_id is not None:
        customers.fill(tx, customer_id, ids=order.ids, group_id=order.group_id, product_id=product_id)
    elif "customer" in order.pipeline.conversion_steps:
        customer_id = customers.create(
            tx, lead, kind=order.kind, ids=order.ids, group_id=order.group_id, product_id=product_id
        )
    if customer_id is not None:
        customers.copy_documents(tx, lead.id, customer_id)
    row = lead._mapping
    columns = w.stage_columns(tx, order.target) | {
        "converted_at": lead.converted_at or tx.now, "converted_by_id": tx.actor.user_id, "customer_id": customer_id,
        "conversion_notes": order.notes, "last_activity_at": tx.now,
    }  # fmt: skip
    w.note_status(tx, row, order.target, None, notes=order.notes)
    if _add_tasks(tx, order):
        columns |= w.next_follow_up(tx, lead.id)
    w.change(tx, row, columns, "convert")
    if user is not None:
        _keep_user(tx, order, user, customer_id, secret_ref)
        if customer_id is not None:
            stored_customers.keep_state(tx, customer_id)
            customers.keep_package(tx, customer_id, user.product.id)
    made = f"customer {customer_id}" if customer_id is not None else "no customer record"
    on = f", router user {user.username} on {user.router.name}" if user else ""
    booked = f", booking {', '.join(order.bookings)}" if order.bookings else ""
    told = {"result": "converted", "customer_id": customer_id, **_told(user)}
    if order.bookings:
        told["bookings"] = list(order.bookings)
    w.add_activity(tx, lead.id, "conversion", f"Converted: {made}{on}{booked}", order.notes, metadata_json=told)
    events.emit(tx, events.CONVERTED, lead_id=lead.id, payload={"customer_id": customer_id, **_told(user)})
    return Finished(customer_id, batch)


def _add_tasks(tx: WriteTx, order: Order) -> bool:
    """What only a person can do, as tasks due today: they stand in the list of what is due until they are done."""
    today, _ = day_bounds(local_day(tx.now, tx.catalog.tz), tx.catalog.tz)
    words = order.left_to_people.values()
    for subject in words:
        w.add_activity(
            tx, order.lead.id, "task", subject, scheduled_at=today, all_day=True, completed_at=None,
            assigned_to_id=order.lead.assigned_to_id or tx.actor.user_id,
        )  # fmt: skip
    tx.flush()
    return bool(words)


def _told(user: UserOrder | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"router": user.router.name, "username": user.username, "service": user.service, "profile": user.profile}


def _keep_user(tx: WriteTx, order: Order, user: UserOrder, customer_id: int | None, secret_ref: str | None) -> None:
    """The row that says what must stand on the router. Raises Duplicate when another has the address meanwhile."""
    up, down = addresses.rates_now(tx, user.product.id, user.queue) or (None, None)
    values = {
        "router_id": user.router.id, "customer_id": customer_id, "lead_id": order.lead.id, "username": user.username,
        "service": user.service, "profile": user.profile, "ip": user.ip, "tag": user.tag, "state": "active",
        "product_id": user.product.id, "queue_up_bps": up, "queue_down_bps": down,
    }  # fmt: skip
    try:
        if user.prior is None:
            user_id = insert_id(tx.conn, t.router_user, **values, secret_ref=secret_ref, created_at=tx.now)
            tx.audit("create", "router_user", user_id, None, values)
            return
        mine = t.router_user.c.id == user.prior.id
        tx.conn.execute(update(t.router_user).where(mine).values(**values, secret_ref=secret_ref))
    except IntegrityError as error:
        if user.ip is not None and any(word in str(error.orig) for word in _ADDRESS_TAKEN):
            raise addresses.taken_error(user.ip, "somebody else", user.router.name) from error
        raise
    before = {key: getattr(user.prior, key) for key in values}
    secrets.drop(tx, user.prior.secret_ref)
    changed = {key: value for key, value in values.items() if value != before[key]}
    tx.audit("edit", "router_user", user.prior.id, {key: before[key] for key in changed}, changed)


def batch_of_conversion(lead_id: int) -> Any:
    """The query for the batch of a lead's last conversion."""
    a = t.audit.c
    where = (a.entity == "lead", a.entity_id == lead_id, a.action == "convert")
    return select(a.batch_id).where(*where).order_by(a.id.desc()).limit(1)


def store_secret(tx: WriteTx, office: Office, password: Secret) -> str:
    """Keep a router user's password encrypted; answers where."""
    ref = secrets.new_ref("router-user")
    secrets.put(tx, office, ref, password)
    return ref
