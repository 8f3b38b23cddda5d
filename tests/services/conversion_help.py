"""What the tests of conversions share: leads, a training router, and the invariant of router and store."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from leadtui.domain.records import LeadRow
from leadtui.router.simulator import Simulator
from leadtui.services import leads, routers
from leadtui.services.conversion import ConvertRequest, RouterRequest
from leadtui.services.office import Office
from leadtui.store import schema as t

ROUTER = "WL-RTR-1"
FOREIGN = {"office.backup": "NOC", "jane.w": "moved 2023", "tower7.cam": ""}
_phones = itertools.count(722_000_100)


def new_lead(office: Office, name: str = "Achieng Odhiambo", **values: str) -> LeadRow:
    """A lead that wants 20 Mbps and is interested."""
    wanted = {
        "name": name, "phone": f"0{next(_phones)}", "source": "Caretaker", "package": "20 Mbps Home",
        "status": "Interested",
    }  # fmt: skip
    return leads.create(office, wanted | values).lead


def add_router(office: Office, simulator: Simulator, name: str = ROUTER, **values: str) -> None:
    """Put the training router on the list."""
    address = {"host": simulator.host, "port": str(simulator.port), "username": "admin", "password": "admin"}
    routers.add(office, {"name": name} | address | values)


def wanting(router: str = ROUTER, **values: Any) -> ConvertRequest:
    """The request for a router user; `values` are of the router request."""
    return ConvertRequest(router=RouterRequest(router, **values))


def status_of(office: Office, lead_id: int) -> str:
    """The lead's status as it stands."""
    return leads.get(office, lead_id).row.status


def jobs(office: Office) -> list[Any]:
    """All rows of the journal."""
    with office.read() as tx:
        return list(tx.conn.execute(select(t.provision_job).order_by(t.provision_job.c.id)))


def secrets_stored(office: Office) -> set[str]:
    """The names of the stored secrets, without those of routers."""
    with office.read() as tx:
        return {ref for ref in tx.conn.execute(select(t.secret.c.ref)).scalars() if not ref.startswith("router:")}


def check_agreement(office: Office, simulator: Simulator) -> None:
    """Exactly one user on the router for a converted lead with one, none for any other, nothing foreign touched."""
    with office.read() as tx:
        lead, user = t.lead.c, t.router_user.c
        stages = tx.catalog.stage_by_id
        found = {row.id: row for row in tx.conn.execute(select(lead.id, lead.number, lead.stage_id))}
        expected = {
            row.username: f"leadtui:{found[row.lead_id].number}"
            for row in tx.conn.execute(select(user.lead_id, user.username))
        }
        for row in tx.conn.execute(select(user.lead_id)):
            assert stages[found[row.lead_id].stage_id].is_converted
    on_router = {row["name"]: row.get("comment", "") for row in simulator.secrets()}
    assert {name: on_router.pop(name, None) for name in FOREIGN} == FOREIGN
    assert on_router == expected


def wait_until(is_so: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that nobody announces."""
    never = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if is_so():
            return
        never.wait(0.01)
    raise AssertionError("it did not come about")
