"""An office with many customers, as months of work would leave it: for measuring, made straight in the tables.

`python -m bench.customers DATABASE COUNT ON_ROUTER` prints what reading it costs, and what auditing and polling the
one router that is there costs, as JSON. The first router is a training router; it holds `ON_ROUTER` of the users.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bench.import_export import FIRST, LAST
from bench.table import Table, ms

if TYPE_CHECKING:
    from leadtui.router.simulator import Simulator
    from leadtui.services.office import Office

ROUTER = "AUDIT-RTR"
OTHERS = 9
"""Routers that are only rows: nobody answers there."""

DRIFTED, MISSING, FOREIGN = 0.01, 0.01, 0.05
"""Shares of the users of the training router that are otherwise, are not there, and stand there of somebody else."""

_AT_ONCE = 5_000
_PROFILE = "HOME-20M"


# -- making -----------------------------------------------------------------------------------------------------------
def fill(office: Office, count: int, on_router: int = 0, address: Mapping[str, str] | None = None) -> None:
    """`count` leads with a customer each, nine of ten with a router user; the first `on_router` on the first router.

    Only those have a password. One of thirty was never online, one of twenty is suspended.
    """
    from leadtui.services import routers
    from leadtui.store import catalog

    told = address or {"host": "192.0.2.1", "port": "8728", "username": "admin", "password": "admin"}
    routers.add(office, {"name": ROUTER, "areas": "Westlands, Kilimani"} | told)
    for n in range(OTHERS):
        routers.add(office, {"name": f"SITE-{n}", "host": f"192.0.2.{n + 2}", "username": "admin", "password": "x"})
    with office.write() as tx:
        people = _people(tx)
        for some in _batches(office, tx, people, count, on_router):
            for table, rows in some.items():
                if rows:
                    tx.conn.execute(table.insert(), rows)
        if not tx.is_sqlite:
            for name in ("customer", "lead", "router_user"):
                top = f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
                tx.conn.exec_driver_sql(top)
        catalog.touch(tx.conn)
    if office.store.path is None:
        with office.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("ANALYZE")


def _people(tx: Any) -> tuple[list[int], list[int], list[int]]:
    """Twenty agents, one who sees a branch, five branches, two hundred families: their ids."""
    from sqlalchemy import select

    from leadtui.store import schema as t
    from leadtui.store.unit_of_work import insert_id

    role = {row.key: row.id for row in tx.conn.execute(select(t.role.c.key, t.role.c.id))}
    base = {"is_active": True, "is_available": True, "created_at": tx.now}
    agents = [
        insert_id(tx.conn, t.user, login=f"agent{n}", name=f"Agent {n}", role_id=role["agent"], **base)
        for n in range(20)
    ]
    branches = [insert_id(tx.conn, t.branch, name=f"Branch {n}", is_active=True) for n in range(5)]
    families = [insert_id(tx.conn, t.family_group, name=f"Family {n}") for n in range(200)]
    return agents, branches, families


def _batches(
    office: Office, tx: Any, people: tuple[list[int], list[int], list[int]], count: int, on_router: int
) -> Iterator[dict[Any, list[dict[str, Any]]]]:
    from sqlalchemy import select

    from leadtui.domain.customers import search_text
    from leadtui.router.port import tag_for
    from leadtui.services import secrets
    from leadtui.store import schema as t
    from leadtui.text import fold

    rnd = random.Random(7)
    agents, branches, families = people
    cat = tx.catalog
    stage = next(one.id for one in cat.stages if one.is_converted)
    products = [one.id for one in cat.products]
    by_name = {row.name: row.id for row in tx.conn.execute(select(t.router.c.name, t.router.c.id))}
    others = [by_name[f"SITE-{n}"] for n in range(OTHERS)]
    lock = secrets._fernet(office, may_create=False)
    boss, source, pipeline = tx.actor.user_id, cat.sources[0].id, cat.pipelines[0].id
    made: dict[Any, list[dict[str, Any]]] = {t.customer: [], t.lead: [], t.secret: [], t.router_user: []}
    for i in range(1, count + 1):
        name = f"{rnd.choice(FIRST)} {rnd.choice(LAST)}"
        e164 = f"+2547{i:08d}"
        email = f"{fold(name).replace(' ', '.')}{i}@example.ke" if rnd.random() < 0.7 else None
        at = tx.now - timedelta(minutes=rnd.randrange(1, 2_000_000))
        state = "suspended" if rnd.random() < 0.05 else "active"
        product, branch = rnd.choice(products), rnd.choice(branches)
        number = f"LD-202601-{i:06d}"
        made[t.customer].append({
            "id": i, "name": name, "type": "Corporate" if rnd.random() < 0.1 else "Retail", "phone_e164": e164,
            "email": email, "email_norm": email, "product_id": product, "branch_id": branch, "state": state,
            "family_group_id": rnd.choice(families) if rnd.random() < 0.1 else None, "created_by_id": boss,
            "created_at": at, "search_text": search_text(name, email, e164),
        })  # fmt: skip
        made[t.lead].append({
            "id": i, "number": number, "name": name, "name_key": fold(name), "phone_e164": e164, "phone_raw": e164,
            "email": email, "email_norm": email, "search_text": fold(name), "pipeline_id": pipeline, "stage_id": stage,
            "stage_changed_at": at, "source_id": source, "assigned_to_id": rnd.choice(agents), "branch_id": branch,
            "product_id": product, "customer_id": i, "has_router": False, "is_protected": False, "version": 1,
            "location": rnd.choice(("Westlands", "Kilimani", "Ruaka", None)), "next_follow_up_all_day": True,
            "created_by_id": boss, "updated_by_id": boss, "created_at": at, "updated_at": at, "converted_at": at,
        })  # fmt: skip
        if i <= on_router or rnd.random() < 0.9:
            ref = f"user:{i}" if i <= on_router else None
            if ref:
                token = lock.encrypt(f"pass-{i}".encode()).decode("ascii")
                made[t.secret].append({"ref": ref, "token": token})
            made[t.router_user].append({
                "router_id": by_name[ROUTER] if i <= on_router else rnd.choice(others), "customer_id": i, "lead_id": i,
                "product_id": product, "username": f"user.{i}", "service": "pppoe", "profile": _PROFILE,
                "tag": tag_for(number, cat.office_id), "secret_ref": ref, "state": state, "created_at": at,
                "first_online_at": None if rnd.random() < 1 / 30 else at + timedelta(hours=2),
            })  # fmt: skip
        if i % _AT_ONCE == 0 or i == count:
            yield made
            made = {table: [] for table in made}


def stand_on(office: Office, simulator: Simulator, *, online: bool = True) -> None:
    """Put the users of the store on the training router, some otherwise, some not; and those of somebody else."""
    from sqlalchemy import select

    from leadtui.store import schema as t

    user = t.router_user.c
    with office.read() as tx:
        query = select(user.id, user.username, user.tag, user.state, user.lead_id).join(t.router)
        rows = tx.conn.execute(query.where(t.router.c.name == ROUTER).order_by(user.id)).all()
    state = simulator.state
    with state.lock:  # `add` looks through all rows for the name each time
        state._seed("/ppp/profile", {"name": _PROFILE, "rate-limit": "5M/20M"})
        for n, row in enumerate(rows):
            if n < len(rows) * MISSING:
                continue
            password = "other" if n < len(rows) * (MISSING + DRIFTED) else f"pass-{row.lead_id}"
            values = {"name": row.username, "password": password, "service": "pppoe", "profile": _PROFILE}
            off = "yes" if row.state == "suspended" else "no"
            state._seed("/ppp/secret", values | {"comment": row.tag, "disabled": off})
            if online and row.state != "suspended":
                session = {"name": row.username, "service": "pppoe", "caller-id": "4C:5E:0C:77:88:99", "uptime": "5m"}
                state._seed("/ppp/active", session | {"address": f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"})
        for n in range(int(len(rows) * FOREIGN)):
            state._seed("/ppp/secret", {"name": f"theirs.{n}", "password": "x", "profile": "default"})


# -- measuring --------------------------------------------------------------------------------------------------------
def _best(work: Callable[[], Any], rounds: int = 7) -> float:
    """The median of the seconds it takes; once before, unmeasured."""
    work()
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def reads(office: Office, *, rounds: int = 7) -> dict[str, float]:
    """Seconds of what the rooms of customers ask the services."""
    from leadtui.domain.customers import CustomerFilter
    from leadtui.services import customers, first_online, serving

    package = office.catalog.products[0].name

    def page(**how: Any) -> Callable[[], object]:
        return lambda: customers.find(office, limit=50, total=False, **how)  # as the screen asks

    found: dict[str, Callable[[], Any]] = {
        "first page, by name": page(),
        "a page in the middle": page(offset=customers.find(office, limit=1).total // 2),  # type: ignore[operator]
        "newest first": page(sort="-created_at"),
        "by package": page(sort="package"),
        "by state": page(sort="state"),
        "search: part of a name": page(search="kamau"),
        "search: two words": page(search="peter kamau"),
        "search: a phone": page(search="0700 050 123"),
        "search: nothing found": page(search="zzzz"),
        "state suspended": page(state="suspended"),
        "one package": page(package=package),
        "one router": page(router="SITE-3"),
        "one branch": page(branch="Branch 2"),
        "never online": page(never_online=-1),
        "never online, by state": page(never_online=-1, sort="state"),
        "search and state": page(state="active", search="kamau"),
        "the list of those never online": lambda: first_online.never_online(office),
    }
    some = next(row for row in customers.find(office, limit=50).rows if row.router_users)
    kamau = CustomerFilter(search="kamau")
    found |= {
        "where one stands in the list": lambda: customers.position(office, CustomerFilter(), "name", some.id),
        "where one stands in a search": lambda: customers.position(office, kamau, "-name", some.id),
        "one in full": lambda: customers.detail(office, some.id),
        "one by the router user's name": lambda: customers.detail(office, some.router_users[0].username),
        "can we serve this lead": lambda: serving.can_serve(office, some.leads[0]),
    }
    return {what: _best(work, rounds) for what, work in found.items()}


def router_work(office: Office) -> dict[str, Any]:
    """Seconds of audit, list of users, and two polls: one that sees people online for the first time, one after it."""
    from leadtui.services import capacity, router_audit, routers

    timed: dict[str, Any] = {}

    def run(what: str, work: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        answer = work()
        timed[what] = time.perf_counter() - begun
        return answer

    report = run("audit", lambda: router_audit.audit(office, ROUTER))
    run("users", lambda: routers.users(office, ROUTER))
    first = run("poll", lambda: capacity.poll(office, [ROUTER]))[0]
    run("poll again", lambda: capacity.poll(office, [ROUTER]))
    return timed | {
        "matched": report.matched, "missing": len(report.missing), "drifted": len(report.drifted),
        "foreign": report.foreign_count, "error": report.error or first.error, "first_seen": first.first_seen,
    }  # fmt: skip


def customers_and_routers(table: Table, env: Mapping[str, str], count: int = 100_000, on_router: int = 20_000) -> None:
    """Run it in a process of its own, on a database of its own, and put it into the table."""
    path = env["LEADTUI_DB"] + "-customers.db"
    command = [sys.executable, "-m", "bench.customers", path, str(count), str(on_router)]
    ran = subprocess.run(command, env=dict(env), check=True, capture_output=True, text=True)
    found = json.loads(ran.stdout)
    for login, times in found["reads"].items():
        table.head(f"Customers: 50 of {count:,}, as {login}, median of 7")
        for what, seconds in times.items():
            table.row(what, ms(seconds), "", None, "≤ 50 ms", seconds <= 0.050)
    work = found["router"]
    table.head(f"A router with {on_router:,} users of ours")
    for what, words, most_s in (
        ("audit", f"audit: {work['matched']:,} right, {work['missing']:,} missing, {work['drifted']:,} drifted", 10.0),
        ("users", "the list of its users", 10.0),
        ("poll", f"poll: {work['first_seen']:,} online for the first time", 10.0),
        ("poll again", "poll: nobody new", 4.0),
    ):
        table.row(words, ms(work[what]), "", None, f"≤ {most_s:g} s", work[what] <= most_s and not work["error"])


def main(argv: Sequence[str]) -> int:
    """Make it, measure it, print the figures."""
    import logging

    from leadtui.router.simulator import Simulator
    from leadtui.services.office import create_office, open_office

    logging.disable(logging.CRITICAL)
    url, count, on_router = argv[0], int(argv[1]), int(argv[2])
    office = create_office(url, preset="isp", admin="boss")
    with Simulator() as simulator:
        told = {"host": simulator.host, "port": str(simulator.port), "username": "admin", "password": "admin"}
        fill(office, count, on_router, told)
        stand_on(office, simulator)
        agent = open_office(url, as_login="agent3")
        found = {"reads": {"boss": reads(office), "an agent": reads(agent)}, "router": router_work(office)}
        agent.close()
    office.close()
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
