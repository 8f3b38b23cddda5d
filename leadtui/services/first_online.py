"""When a customer was online for the first time, and who never was (issue 3).

What a poll saw of a router's sessions is compared with the users that were never seen. The moment is set once, where
nothing was set, so two pollers write it once; with it, in the same transaction, the line on the lead's timeline, the
audit row and the event `customer.first_online`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, or_, select, true, update

from leadtui.router.port import ActiveSession, Service
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import events
from . import lead_writes as w

if TYPE_CHECKING:
    from .office import Office

ACTIVITY = "milestone"

_UPTIME = re.compile(
    "(?:(?P<w>[0-9]{1,4})w)?(?:(?P<d>[0-9]{1,4})d)?(?:(?P<h>[0-9]{1,5})h)?(?:(?P<m>[0-9]{1,5})m(?!s))?"
    "(?:(?P<s>[0-9]{1,5})s)?(?:[0-9]{1,3}ms)?"
)
_CLOCK = re.compile("(?:(?:(?P<w>[0-9]{1,4})w)?(?P<d>[0-9]{1,4})d)? ?(?P<h>[0-9]{1,5}):(?P<m>[0-9]{2}):(?P<s>[0-9]{2})")
_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class NeverOnline:
    """A customer's router user that was never seen online; `since` when it was made, `days` how many ago."""

    customer_id: int | None
    customer: str
    lead_id: int | None
    lead_number: str | None
    router: str
    service: str
    username: str
    since: datetime
    days: int
    assigned_to: str | None

    def as_json(self) -> dict[str, Any]:
        """For the command line."""
        return asdict(self)


# -- seen -------------------------------------------------------------------------------------------------------------
def unseen_services(tx: ReadTx) -> dict[int, frozenset[Service]]:
    """Router id → the services of which some user was never seen online: whose sessions are worth asking for."""
    user = t.router_user.c
    found: defaultdict[int, set[Service]] = defaultdict(set)
    for row in tx.conn.execute(select(user.router_id, user.service).where(user.first_online_at.is_(None)).distinct()):
        found[row.router_id].add(row.service)
    return {router_id: frozenset(services) for router_id, services in found.items()}


def note_sessions(
    office: Office, router_id: int, service: Service, sessions: Sequence[ActiveSession], at: datetime
) -> int:
    """Write down who of the sessions was never seen online before; how many. `at` is when the router said so.

    For the machine: no permission is asked. Nothing is written when nobody is new.
    """
    user = t.router_user.c
    by_name = {one.username: one for one in sessions}
    with office.store.read() as tx:
        query = select(user.id, user.username).where(
            user.router_id == router_id, user.service == service, user.first_online_at.is_(None)
        )
        new = {row.id: by_name[row.username] for row in tx.conn.execute(query) if row.username in by_name}
    count = 0
    for user_id in sorted(new):  # each in its own transaction, as it holds the lead: a bulk act may hold others
        with office.as_system() as tx:
            count += _note(tx, user_id, new[user_id], at)
    return count


def _note(tx: WriteTx, user_id: int, session: ActiveSession, at: datetime) -> bool:
    """Set it where nothing is set; False when somebody was faster. The lead is locked first, as by every act on it."""
    user = t.router_user.c
    owner = select(user.lead_id).where(user.id == user_id).scalar_subquery()
    tx.conn.execute(select(t.lead.c.id).where(t.lead.c.id == owner).with_for_update())
    joined = select(t.router_user, t.router.c.name.label("router_name")).join(t.router)
    row = tx.conn.execute(joined.where(user.id == user_id).with_for_update(of=t.router_user)).one_or_none()
    if row is None or row.first_online_at is not None or row.username != session.username:
        return False
    began = began_at(session.uptime, at, row.created_at)
    address = (session.address or "")[:45] or None
    values = {"first_online_at": began, "first_online_ip": address}
    unset = (user.id == user_id, user.first_online_at.is_(None))
    if not tx.conn.execute(update(t.router_user).where(*unset).values(**values)).rowcount:
        return False
    tx.audit("first_online", "router_user", user_id, dict.fromkeys(values), values)
    told = {
        "router": row.router_name, "username": row.username, "service": row.service, "ip": address,
        "uptime": session.uptime[:40], "at": began.isoformat(),
    }  # fmt: skip
    if row.lead_id is not None:
        shown = began.astimezone(tx.catalog.tz).strftime("%Y-%m-%d %H:%M")
        where = f" with {address}" if address else ""
        details = f"{row.username} on {row.router_name}{where}; up {session.uptime[:40] or 'just now'} when seen"
        w.add_activity(
            tx, row.lead_id, ACTIVITY, f"First online at {shown}", details, completed_at=began,
            metadata_json={"result": "first_online", **told},
        )  # fmt: skip
    events.emit(tx, events.FIRST_ONLINE, lead_id=row.lead_id, payload={"customer_id": row.customer_id, **told})
    return True


def began_at(uptime: str, at: datetime, not_before: datetime) -> datetime:
    """When a session began that a router called `uptime` old at `at`; never before the user was made.

    A text that cannot be read counts as no time at all.
    """
    found = _UPTIME.fullmatch(uptime) or _CLOCK.fullmatch(uptime)
    parts = {} if found is None else found.groupdict()
    seconds = sum(_UNITS[unit] * int(count) for unit, count in parts.items() if count)
    return max(at - timedelta(seconds=seconds), min(not_before, at))


# -- never ------------------------------------------------------------------------------------------------------------
def unseen_clause(tx: ReadTx, days: int | None = None) -> ColumnElement[bool]:
    """Which router users (outer-joined to `lead`) count as never online: active, `days` old, their lead a customer's.

    `days` None: the setting `never_online_days`. Suspended users and those of leads that were reopened do not count.
    """
    user, lead = t.router_user.c, t.lead.c
    age = timedelta(days=int(tx.catalog.settings.get("never_online_days") or 0) if days is None else days)
    return and_(
        user.first_online_at.is_(None),
        user.created_at <= tx.now - age,
        user.state == "active",
        or_(user.lead_id.is_(None), lead.converted_at.is_not(None)),
    )


def never_online(office: Office, days: int | None = None) -> tuple[NeverOnline, ...]:
    """Customers whose router user was never seen online for `days` (default: the setting), the longest waiting first.

    Within the actor's scope. Raises NotPermitted.
    """
    user, lead, customer = t.router_user.c, t.lead.c, t.customer.c
    with office.read() as tx:
        w.require(tx, "read")
        everything = tx.actor.scope("read") == "all"
        mine = and_(user.lead_id.is_not(None), scope_clause(tx.actor, "read"))
        joined = (
            select(
                user.id, user.customer_id, user.lead_id, user.service, user.username, user.created_at,
                customer.name.label("customer"), lead.number, lead.name.label("lead_name"), lead.assigned_to_id,
                t.router.c.name.label("router"),
            )
            .join(t.router, t.router.c.id == user.router_id)
            .outerjoin(t.lead, lead.id == user.lead_id)
            .outerjoin(t.customer, customer.id == user.customer_id)
            .where(unseen_clause(tx, days), true() if everything else mine)
            .order_by(user.created_at, user.id)
        )  # fmt: skip
        users = tx.catalog.user_by_id
        return tuple(
            NeverOnline(
                customer_id=row.customer_id, customer=row.customer or row.lead_name or row.username,
                lead_id=row.lead_id, lead_number=row.number, router=row.router, service=row.service,
                username=row.username, since=row.created_at, days=(tx.now - row.created_at).days,
                assigned_to=users[row.assigned_to_id].login if row.assigned_to_id in users else None,
            )
            for row in tx.conn.execute(joined)
        )  # fmt: skip
