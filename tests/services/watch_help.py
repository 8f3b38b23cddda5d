"""What the tests of polls, first online and the worker share: routers, users on them, sessions, rows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from leadtui import clock
from leadtui.router.simulator import Simulator
from leadtui.services import leads, routers
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.store.unit_of_work import insert_id

_numbers = itertools.count(722_500_100)


def router(office: Office, name: str, simulator: Simulator | None = None, **values: str) -> int:
    """A router on the list (nobody answers at its address without a simulator); its id."""
    host, port = (simulator.host, simulator.port) if simulator else ("127.0.0.1", 1)
    given = {"host": host, "port": str(port), "username": "admin", "password": "admin"}
    return int(routers.add(office, {"name": name} | given | values)["id"])


def lead(office: Office, **values: str) -> int:
    """A lead; its id."""
    given = {"name": "Achieng Odhiambo", "phone": f"0{next(_numbers)}", "source": "Caretaker"}
    return leads.create(office, given | values).lead.id


def customer_user(
    office: Office, router_id: int, username: str, *, service: str = "pppoe", state: str = "active",
    made: datetime | None = None, assign: str = "", lead_id: int | None = None,
) -> int:  # fmt: skip
    """The rows of a converted lead with a router user, as a conversion leaves them; the user's id."""
    lead_id = lead_id or lead(office, name=username, **({"assigned_to": assign} if assign else {}))
    at = made or clock.now()
    with office.as_system() as tx:
        customer_id = insert_id(
            tx.conn, t.customer, name=username, type="Retail", state="active", search_text="",
            created_by_id=tx.actor.user_id, created_at=at,
        )  # fmt: skip
        tx.conn.execute(update(t.lead).where(t.lead.c.id == lead_id).values(converted_at=at, customer_id=customer_id))
        return insert_id(
            tx.conn, t.router_user, router_id=router_id, customer_id=customer_id, lead_id=lead_id, username=username,
            service=service, profile="20M", tag=f"leadtui:{username}", state=state, created_at=at,
        )  # fmt: skip


def online(simulator: Simulator, username: str, *, address: str = "10.20.0.77", uptime: str = "4m10s") -> None:
    """A PPP session on the training router."""
    row = {"name": username, "service": "pppoe", "caller-id": "4C:5E:0C:00:00:01", "address": address, "uptime": uptime}
    simulator.state.put("/ppp/active", row)


def user_row(office: Office, user_id: int) -> Any:
    """The user as it stands."""
    with office.store.read() as tx:
        return tx.conn.execute(select(t.router_user).where(t.router_user.c.id == user_id)).one()


def rows(office: Office, table: Any, *where: Any) -> Sequence[Any]:
    """Rows of a table, in the order they were made."""
    with office.store.read() as tx:
        return tx.conn.execute(select(table).where(*where).order_by(*table.primary_key.columns)).all()


def figures(
    office: Office, router_id: int, pools: Sequence[dict[str, Any]], *, at: datetime | None = None,
    error: str | None = None,
) -> None:  # fmt: skip
    """What a router said of its pools, without asking one."""
    when = at or clock.now()
    with office.as_system() as tx:
        tx.conn.execute(t.router_capacity.delete().where(t.router_capacity.c.router_id == router_id))
        tx.conn.execute(
            t.router_capacity.insert().values(
                router_id=router_id, asked_at=when, answered_at=when, error=error, sessions=7, cpu_percent=12,
                uptime="1d", pools_json=list(pools), free_addresses=sum(p["total"] - (p["used"] or 0) for p in pools),
                total_addresses=sum(p["total"] for p in pools),
            )
        )  # fmt: skip
