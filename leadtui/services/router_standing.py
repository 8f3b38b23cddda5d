"""What the store says must stand on a router, and what stands there: each read in one way, for audits and for lists.

The store's side is read in one transaction, the router's in one conversation; no transaction is open meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from leadtui.router.port import (
    SERVICES,
    CancelToken,
    Comparison,
    Probe,
    Queue,
    RouterAddress,
    RouterMenuMissing,
    RouterPort,
    RouterUser,
    Secret,
    Service,
    WantedQueue,
    WantedUser,
    is_marked,
    is_of_office,
    number_of,
)
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx

from . import agreement, provision_jobs, secrets
from .router_records import address, connect, find, may_look
from .saga import refuse_other_box

if TYPE_CHECKING:
    from .office import Office

READ_DEADLINE_S = 15.0
"""How long reading everything of one router may take altogether, in seconds."""

_MANY = 500
_NO_SECRET = Secret("")


@dataclass(frozen=True, slots=True)
class Held:
    """A user of ours as the store has it. `number` is its lead's, None where the actor may not see that lead."""

    row: Any
    secret: Secret | None
    number: str | None

    @property
    def is_seen(self) -> bool:
        """Whether its lead is within the actor's scope; a user without a lead is anybody's to see."""
        return self.number is not None or self.row.lead_id is None

    @property
    def customer_id(self) -> int | None:
        """Its customer, where the actor may see the lead."""
        return self.row.customer_id if self.is_seen else None

    @property
    def wanted(self) -> WantedUser:
        """As the router must hold it. Where the password is lost it is empty: do not compare or write that one."""
        return agreement.wanted_of(self.row, self.secret or _NO_SECRET)

    @property
    def queue(self) -> WantedQueue | None:
        """The simple queue that must stand beside it."""
        return agreement.queue_of(self.row)


@dataclass(frozen=True, slots=True)
class LeadSeen:
    """Whom the number of a mark names. `number` is None where the actor may not see the lead."""

    lead_id: int
    number: str | None
    customer_id: int | None


@dataclass(frozen=True)
class StoreSide:
    """The store's side of a router. `busy` are the lead numbers somebody was at work on, `newest_job` the last job."""

    router: Any
    where: RouterAddress
    office_id: str
    users: Mapping[tuple[str, str], Held]
    busy: frozenset[str]
    newest_job: int

    @property
    def services(self) -> frozenset[str]:
        """The services in use there: of the others not even what is foreign counts."""
        return frozenset({self.router.service, *(service for service, _ in self.users)})


@dataclass(frozen=True)
class RouterSide:
    """The router's side."""

    probe: Probe
    compared: Mapping[Service, Comparison]
    queues: tuple[Queue, ...]


# -- the store --------------------------------------------------------------------------------------------------------
def read_store(tx: ReadTx, office: Office, router: Any) -> StoreSide:
    """What must stand on a router, passwords opened where they can be. Raises SecretKeyError for the router's own."""
    jobs = _jobs(tx, router.id)
    return StoreSide(
        router=router, where=address(tx, office, router), office_id=tx.catalog.office_id,
        users=_users(tx, office, router.id), busy=frozenset(number_of(job.tag) for job in jobs),
        newest_job=int(tx.conn.execute(select(func.max(t.provision_job.c.id))).scalar() or 0),
    )  # fmt: skip


def _users(tx: ReadTx, office: Office, router_id: int, *, with_secrets: bool = True) -> dict[tuple[str, str], Held]:
    user = t.router_user
    seen = select(t.lead.c.id, t.lead.c.number).where(scope_clause(tx.actor, "read")).subquery()
    query = (
        select(user, seen.c.number.label("lead_number"))
        .outerjoin(seen, seen.c.id == user.c.lead_id)
        .where(user.c.router_id == router_id)
        .order_by(user.c.username, user.c.service)
    )
    rows = tx.conn.execute(query).all()
    opened = secrets.get_many(tx, office, (row.secret_ref for row in rows if row.secret_ref)) if with_secrets else {}
    return {
        (row.service, row.username): Held(row, opened.get(row.secret_ref) if row.secret_ref else None, row.lead_number)
        for row in rows
    }


def _jobs(tx: ReadTx, router_id: int) -> list[Any]:
    """The jobs on a router that somebody is at work on now."""
    return [
        job
        for job in provision_jobs.unsettled(tx)
        if job.router_id == router_id and provision_jobs.is_held(job, tx.now)
    ]


def busy_since(tx: ReadTx, side: StoreSide) -> frozenset[str]:
    """The numbers of leads that somebody was or is at work on since `side` was read: what the router was seen to hold
    of them may be old or half done already.
    """
    job = t.provision_job.c
    query = select(job.tag).where(job.router_id == side.router.id, job.id > side.newest_job)
    new = tx.conn.execute(query).scalars()
    held = (job.tag for job in _jobs(tx, side.router.id))
    return side.busy | {number_of(tag) for tag in (*new, *held)}


def leads_named(tx: ReadTx, numbers: Collection[str]) -> dict[str, LeadSeen]:
    """The leads that marks name, as far as this database has them: by number."""
    lead = t.lead.c
    wanted = sorted(numbers)
    found: dict[str, LeadSeen] = {}
    for start in range(0, len(wanted), _MANY):
        some = lead.number.in_(wanted[start : start + _MANY])
        visible = set(tx.conn.execute(select(lead.id).where(some, scope_clause(tx.actor, "read"))).scalars())
        for row in tx.conn.execute(select(lead.id, lead.number, lead.customer_id).where(some)):
            is_seen = row.id in visible
            found[row.number] = LeadSeen(row.id, row.number if is_seen else None, row.customer_id if is_seen else None)
    return found


# -- the router -------------------------------------------------------------------------------------------------------
def read_router(side: StoreSide, *, cancel: CancelToken | None = None) -> RouterSide:
    """What stands on the router, against what must: one conversation, nothing written. Raises a RouterFault.

    Another box under the address is refused: nothing of it is judged.
    """
    with connect(side.where, deadline_s=READ_DEADLINE_S, cancel=cancel) as port:
        probe = port.probe()
        refuse_other_box(side.router, probe)
        compared = {service: _compare(port, service, side) for service in SERVICES}
        return RouterSide(probe, compared, _queues(port, side))


def _compare(port: RouterPort, service: Service, side: StoreSide) -> Comparison:
    wanted = [held.wanted for held in side.users.values() if held.row.service == service]
    try:
        return port.compare(service, wanted, side.office_id)
    except RouterMenuMissing:
        if wanted:
            raise
        return Comparison(0, (), (), (), 0)  # this version or its packages lack the service, and we hold nobody there


def _queues(port: RouterPort, side: StoreSide) -> tuple[Queue, ...]:
    try:
        return port.queues()
    except RouterMenuMissing:
        if any(held.queue for held in side.users.values()):
            raise
        return ()


# -- a list of the users ----------------------------------------------------------------------------------------------
def users(office: Office, name: str, *, cancel: CancelToken | None = None) -> dict[str, Any]:
    """The users this program made on a router, as they stand there now: `{"total", "users", "foreign_count",
    "hidden_count"}`.

    `state` is active, disabled, orphaned (on the router, unknown here), missing (here, not on the router), renamed (its
    mark is on a user of another name) or unmarked (a user of its name stands there without its mark). What other people
    and other databases made is only counted. Users of leads outside the actor's scope are counted as hidden: their
    names are made from the leads' names. Who configures the routers sees all users, still without the leads' numbers.
    Raises a RouterFault.
    """
    with office.read() as tx:
        may_look(tx)
        sees_all = tx.actor.may("config")
        row = find(tx, name)
        where = address(tx, office, row)
        office_id = tx.catalog.office_id
        known = _users(tx, office, row.id, with_secrets=False)
    listed: list[dict[str, Any]] = []
    foreign = hidden = 0
    with connect(where, deadline_s=READ_DEADLINE_S, cancel=cancel) as port:
        for service in SERVICES:
            mine = {held.row.username: held for held in known.values() if held.row.service == service}
            is_used = row.service == service or bool(mine)
            found, others = _sorted_out(_listing(port, service, is_used), mine, office_id)
            shown = [one for one in found if sees_all or one[0] is None or one[0].is_seen]
            listed += [_user(held, there, service, state) for held, there, state in shown]
            hidden += len(found) - len(shown)
            foreign += others if is_used or found else 0
    listed.sort(key=lambda user: (str(user["username"]), str(user["service"])))
    return {"total": len(listed), "users": listed, "foreign_count": foreign, "hidden_count": hidden}


def _listing(port: RouterPort, service: Service, is_used: bool) -> tuple[RouterUser, ...]:
    try:
        return port.users(service)
    except RouterMenuMissing:
        if is_used:
            raise
        return ()


def _sorted_out(
    standing: Iterable[RouterUser], mine: Mapping[str, Held], office_id: str
) -> tuple[list[tuple[Held | None, RouterUser | None, str]], int]:
    """(the store's user, the router's, the state) of everything that is ours, and how many others there are."""
    by_number = {number_of(held.row.tag): held for held in mine.values()}
    left = dict(mine)
    found: list[tuple[Held | None, RouterUser | None, str]] = []
    strays: list[RouterUser] = []
    unmarked: list[RouterUser] = []
    foreign = 0
    for there in standing:
        held = left.get(there.username)
        if held is not None and is_marked(there.comment, held.row.tag):
            found.append((left.pop(there.username), there, "disabled" if there.disabled else "active"))
        elif is_of_office(there.tag, office_id):
            strays.append(there)
        else:
            foreign += 1
            unmarked += [there] if there.username in mine else []
    for there in strays:
        owner = by_number.get(number_of(there.tag))
        if owner is not None and left.pop(owner.row.username, None) is not None:
            found.append((owner, there, "renamed"))
        else:
            found.append((None, there, "orphaned"))
    for there in unmarked:
        if (held := left.pop(there.username, None)) is not None:
            found.append((held, None, "unmarked"))
            foreign -= 1
    return found + [(held, None, "missing") for held in left.values()], foreign


def _user(held: Held | None, there: RouterUser | None, service: str, state: str) -> dict[str, Any]:
    shown: Any = there or (held.row if held is not None else None)
    return {
        "username": shown.username, "service": service, "profile": shown.profile, "ip": shown.ip, "state": state,
        "lead_number": held.number if held is not None else None,
        "customer_id": held.customer_id if held is not None else None,
    }  # fmt: skip
