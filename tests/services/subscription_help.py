"""What the tests of suspending, resuming and changing packages share: customers with router users, agreement."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import func, select

from leadtui.domain.records import LeadRow
from leadtui.router.port import is_marked
from leadtui.router.simulator import Simulator
from leadtui.services.conversion import ConvertRequest, RouterRequest, convert
from leadtui.services.office import Office
from leadtui.services.subscriptions import Act, carry_out
from leadtui.store import schema as t

from .conversion_help import FOREIGN, ROUTER, add_router, new_lead

QUEUES = "/queue/simple"
SECRETS = "/ppp/secret"
HOTSPOT = "/ip/hotspot/user"
ACTIVE = {"pppoe": "/ppp/active", "hotspot": "/ip/hotspot/active"}


class Customer:
    """A customer with a user on the training router."""

    def __init__(self, lead: LeadRow, customer_id: int, username: str) -> None:
        self.lead, self.id, self.username = lead, customer_id, username


def new_customer(office: Office, name: str = "Achieng Odhiambo", **values: Any) -> Customer:
    """A lead converted with a router user (20 Mbps); `values` are of the router request, `link` a customer's id."""
    lead = new_lead(office, name)
    link = values.pop("link", None)
    done = convert(office, lead.id, ConvertRequest(customer_id=link, router=RouterRequest(ROUTER, **values)))
    assert done.customer is not None
    assert done.router_user is not None
    return Customer(done.lead, done.customer.id, done.router_user.username)


def ready(office: Office, simulator: Simulator, **values: Any) -> Customer:
    """The router on the list, and a customer on it who is online."""
    add_router(office, simulator)
    made = new_customer(office, **values)
    if values.get("service") != "hotspot":
        simulator.dial_in(made.username)
    return made


def set_package(office: Office, name: str, **columns: Any) -> None:
    """Give a package other columns."""
    with office.write() as tx:
        tx.conn.execute(t.product.update().where(t.product.c.name == name).values(**columns))
        tx.catalog_changed()


def stored(office: Office, username: str) -> Any:
    """The row of `router_user`."""
    with office.read() as tx:
        return tx.conn.execute(select(t.router_user).where(t.router_user.c.username == username)).one()


def state_of(office: Office, customer_id: int) -> str:
    """The customer's state in its record."""
    with office.read() as tx:
        query = select(t.customer.c.state).where(t.customer.c.id == customer_id)
        return str(tx.conn.execute(query).scalar_one())


def written(office: Office) -> dict[str, int]:
    """How many rows there are of everything an act writes."""
    tables = (t.provision_job, t.audit, t.batch, t.activity, t.event)
    with office.read() as tx:
        return {x.name: tx.conn.execute(select(func.count()).select_from(x)).scalar_one() for x in tables}


def on_router(simulator: Simulator, username: str, menu: str = SECRETS) -> dict[str, str]:
    """The user's row on the router."""
    return next(row for row in simulator.rows(menu) if row["name"] == username)


def sessions(simulator: Simulator, username: str) -> int:
    """How many sessions run."""
    rows = [*simulator.rows(ACTIVE["pppoe"]), *simulator.rows(ACTIVE["hotspot"])]
    return sum(username in (row.get("name"), row.get("user")) for row in rows)


def check_service(office: Office, simulator: Simulator) -> None:
    """Router and store agree: every user and queue as the store says, nothing else of ours, nothing foreign touched."""
    with office.read() as tx:
        users = tx.conn.execute(select(t.router_user)).all()
        numbers = dict(tx.conn.execute(select(t.lead.c.id, t.lead.c.number)).all())
    for menu, address in ((SECRETS, "remote-address"), (HOTSPOT, "address")):
        rows = {row["name"]: row for row in simulator.rows(menu)}
        if menu == SECRETS:
            assert {name: rows.pop(name).get("comment", "") for name in FOREIGN} == FOREIGN
        rows.pop("default-trial", None)
        ours = {user.username: user for user in users if (user.service == "pppoe") == (menu == SECRETS)}
        assert rows.keys() == ours.keys()
        for name, user in ours.items():
            row = rows[name]
            assert is_marked(row["comment"], user.tag)
            assert f"leadtui:{numbers[user.lead_id]}" in row["comment"]
            assert (row["disabled"] == "true") == (user.state == "suspended"), name
            assert (row["profile"], row.get(address)) == (user.profile, user.ip), name
            assert user.state == "active" or not sessions(simulator, name)
    queues = {
        row["name"]: (row["target"].removesuffix("/32"), row["max-limit"]) for row in simulator.rows(QUEUES)
    }  # fmt: skip
    assert queues == {
        user.username: (user.ip, f"{user.queue_up_bps}/{user.queue_down_bps}")
        for user in users
        if user.queue_up_bps is not None
    }


class Held:
    """An act that waits, in its own thread, at the first step whose words begin so."""

    def __init__(self, office: Office, customer_id: int, act: Act, words: str) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        self.failed: list[str] = []

        def step(event: object) -> None:
            if str(getattr(event, "text", "")).startswith(words) and not self.reached.is_set():
                self.reached.set()
                self.go.wait(10)

        def run() -> None:
            self.failed += [user.error.message for user in carry_out(office, customer_id, act, on_step=step).failed]

        self.thread = threading.Thread(target=run)
        self.thread.start()
        assert self.reached.wait(10)

    def finish(self) -> None:
        self.go.set()
        self.thread.join(10)
        assert not self.thread.is_alive()
