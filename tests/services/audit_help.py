"""What the tests of audits share: users of ours put on both sides without converting, and what both sides hold."""

from __future__ import annotations

import itertools
from typing import Any

from sqlalchemy import insert, select

from leadtui.domain.records import LeadRow
from leadtui.router.port import tag_for
from leadtui.router.simulator import Simulator
from leadtui.services import router_audit, secrets
from leadtui.services.office import Office
from leadtui.services.router_audit import AuditReport, Mended
from leadtui.services.router_records import find
from leadtui.store import schema as t

from .conversion_help import ROUTER, new_lead

_phones = itertools.count(733_100_000)
PASSWORD = "Kept-secret-{}"
MENUS = {"pppoe": "/ppp/secret", "hotspot": "/ip/hotspot/user"}
_ADDRESS = {"pppoe": "remote_address", "hotspot": "address"}


def place(
    office: Office, simulator: Simulator, username: str, *, router: str = ROUTER, service: str = "pppoe",
    profile: str = "20M", ip: str | None = None, rates: tuple[int, int] | None = None, state: str = "active",
    with_secret: bool = True, lead: LeadRow | None = None,
) -> LeadRow:  # fmt: skip
    """A lead with a router user, in the store and on the router, as a conversion leaves them."""
    lead = lead or new_lead(office, username.replace(".", " ").title(), phone=f"0{next(_phones)}")
    with office.write() as tx:
        row = find(tx, router)
        ref = secrets.new_ref("router-user") if with_secret else None
        if ref is not None:
            secrets.put(tx, office, ref, PASSWORD.format(username))
        tag = tag_for(lead.number, tx.catalog.office_id)
        tx.conn.execute(
            insert(t.router_user).values(
                router_id=row.id, lead_id=lead.id, username=username, service=service, profile=profile, ip=ip,
                queue_up_bps=rates[0] if rates else None, queue_down_bps=rates[1] if rates else None, tag=tag,
                secret_ref=ref, state=state, created_at=tx.now,
            )
        )  # fmt: skip
    words = {"name": username, "password": PASSWORD.format(username), "profile": profile, "comment": tag}
    words |= {"service": "pppoe"} if service == "pppoe" else {}
    words |= {_ADDRESS[service]: ip} if ip else {}
    words |= {"disabled": "yes"} if state == "suspended" else {}
    simulator.add(MENUS[service], **words)
    if ip and rates:
        simulator.add(
            "/queue/simple", name=username, target=f"{ip}/32", max_limit=f"{rates[0]}/{rates[1]}", comment=tag
        )
    return lead


def mark(office: Office, number: str) -> str:
    """The mark of a lead of this office."""
    return tag_for(number, office.catalog.office_id)


def fix_all(office: Office, name: str = ROUTER, **options: Any) -> tuple[AuditReport, list[Mended]]:
    """Audit, mend everything, audit again: the second report, and what was done."""
    first = router_audit.audit(office, name)
    mended = router_audit.mend_all(office, router_audit.fixes(office, first), **options)
    return router_audit.audit(office, name), mended


def rows(simulator: Simulator, *menus: str) -> list[dict[str, str]]:
    """All rows of these menus (of all that hold users or queues), without ids, which change when a row is made anew."""
    found = [row for menu in menus or (*MENUS.values(), "/queue/simple") for row in simulator.rows(menu)]
    return sorted(({k: v for k, v in row.items() if k != ".id"} for row in found), key=lambda row: sorted(row.items()))


def audit_entries(office: Office, *actions: str) -> list[Any]:
    """Rows of the office's audit with these actions, oldest first."""
    query = select(t.audit).where(t.audit.c.action.in_(actions)).order_by(t.audit.c.id)
    with office.read() as tx:
        return list(tx.conn.execute(query))
