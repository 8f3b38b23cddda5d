"""What the tests of conversions share: leads, a training router, and the invariant of router and store."""

from __future__ import annotations

import dataclasses
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


@dataclasses.dataclass(frozen=True)
class Target:
    """The leads of a bulk conversion."""

    ids: tuple[int, ...] = ()
    where: str | None = None


def acting(office: Office, role: str) -> Office:
    """The same database with somebody of that role at work."""
    with office.write() as tx:
        role_id = tx.catalog.find_role(role).id
        values = {"login": f"a-{role}", "name": role, "role_id": role_id, "is_active": True, "is_available": True}
        user_id = tx.conn.execute(t.user.insert().values(**values, created_at=tx.now)).inserted_primary_key[0]
        tx.catalog_changed()
    return Office(office.store, int(user_id), origin="test")


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


_MENUS_WITH_COMMENT = ("/ppp/secret", "/ip/hotspot/user", "/queue/simple")
MENUS = (*_MENUS_WITH_COMMENT, "/ppp/profile", "/ip/hotspot/user/profile", "/ip/pool")


def things_of_ours(simulator: Simulator) -> set[tuple[str, str, str]]:
    """Everything with a mark of ours on the router: menu, name, comment. Twice the same would be an error itself."""
    found = [
        (menu, row["name"], row["comment"])
        for menu in _MENUS_WITH_COMMENT
        for row in simulator.rows(menu)
        if row.get("comment", "").startswith("leadtui:")
    ]
    assert len(found) == len(set(found))
    return set(found)


def foreign_rows(simulator: Simulator) -> dict[str, list[dict[str, str]]]:
    """Everything else on the router, as it stands."""
    return {
        menu: [row for row in simulator.rows(menu) if not row.get("comment", "").startswith("leadtui:")]
        for menu in MENUS
    }


def expected_things(office: Office) -> set[tuple[str, str, str]]:
    """What the store says must stand on routers, for leads that are converted and for no other."""
    menus = {"pppoe": "/ppp/secret", "hotspot": "/ip/hotspot/user"}
    with office.read() as tx:
        rows = tx.conn.execute(select(t.router_user)).all()
        stages = tx.catalog.stage_by_id
        query = select(t.lead.c.id, t.lead.c.stage_id)
        is_converted = {row.id: stages[row.stage_id].is_converted for row in tx.conn.execute(query)}
    assert all(is_converted[row.lead_id] for row in rows)
    wanted = {(menus[row.service], row.username, row.tag) for row in rows}
    return wanted | {("/queue/simple", row.username, row.tag) for row in rows if row.queue_up_bps or row.queue_down_bps}


def check_agreement(office: Office, simulator: Simulator) -> None:
    """Exactly one user on the router for a converted lead with one, none for any other, nothing foreign touched."""
    assert things_of_ours(simulator) == expected_things(office)
    on_router = {row["name"]: row.get("comment", "") for row in simulator.secrets()}
    assert {name: on_router.get(name) for name in FOREIGN} == FOREIGN


def wait_until(is_so: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that nobody announces."""
    never = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if is_so():
            return
        never.wait(0.01)
    raise AssertionError("it did not come about")
