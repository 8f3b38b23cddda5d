"""What tests of customers share: leads that became customers, and router users in the store (no router is asked)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from leadtui.domain.records import CustomerRow
from leadtui.services import leads
from leadtui.services.conversion import ConvertRequest, convert
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.store.unit_of_work import insert_id


def a_customer(office: Office, name: str, phone: str, *, request: ConvertRequest | None = None, **values: str) -> int:
    """A lead made a customer; the customer's id."""
    lead = leads.create(office, {"name": name, "phone": phone, "source": "Website", **values}).lead
    done = convert(office, lead.id, request or ConvertRequest())
    assert done.customer is not None
    return done.customer.id


def a_router(office: Office, name: str = "R1") -> int:
    """A router of the list, which nobody asks anything."""
    with office.write() as tx:
        return insert_id(
            tx.conn, t.router, name=name, host="127.0.0.1", port=1, tls="plain", username="x", secret_ref="none",
            service="pppoe", is_active=True, created_at=tx.now,
        )  # fmt: skip


def a_user(office: Office, customer_id: int, username: str, router_id: int, **values: Any) -> int:
    """A router user of the customer, for its first lead."""
    with office.write() as tx:
        lead_id = tx.conn.execute(select(t.lead.c.id).where(t.lead.c.customer_id == customer_id).limit(1)).scalar()
        row: dict[str, Any] = {
            "router_id": router_id, "customer_id": customer_id, "lead_id": lead_id, "username": username,
            "service": "pppoe", "profile": "20m", "tag": "x", "state": "active", "created_at": tx.now,
        }  # fmt: skip
        return insert_id(tx.conn, t.router_user, **(row | values))


def set_state(office: Office, customer_id: int, state: str) -> None:
    """Write the state as a suspension does."""
    with office.write() as tx:
        tx.conn.execute(update(t.customer).where(t.customer.c.id == customer_id).values(state=state))


def made_at(office: Office, customer_id: int, at: datetime) -> None:
    """Move the making of a customer."""
    with office.write() as tx:
        tx.conn.execute(update(t.customer).where(t.customer.c.id == customer_id).values(created_at=at))


def names(rows: tuple[CustomerRow, ...]) -> list[str]:
    """Their names in order."""
    return [row.name for row in rows]
