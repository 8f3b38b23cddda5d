"""How busy the routers are: asked side by side, kept with the moment of asking, shown with their age (issue 3).

One row per router. A router that does not answer keeps the figures of before, with the error beside them. No
transaction is open while a router is talked to. What a poll saw of sessions tells which customers came online.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from leadtui import clock
from leadtui.background import log_exception
from leadtui.errors import LeadtuiError
from leadtui.router.port import (
    ActiveSession,
    CancelToken,
    Load,
    Pool,
    RouterAddress,
    RouterMenuMissing,
    RouterTimeout,
    Service,
)
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import first_online, routers
from .router_records import address, connect, find, may_look
from .side_by_side import side_by_side

if TYPE_CHECKING:
    from .office import Office

POLL_DEADLINE_S = 8.0
"""How long one router may take for all its figures; every router has its own."""
_GRACE_S = 2.0
"""After that a thread that should long have ended is not waited for."""

SOON = timedelta(seconds=60)
"""How often a router is asked that holds a new customer who has not been online."""
NEW = timedelta(minutes=60)
"""How long a customer is new in that sense."""

_STALE_WITHOUT_POLLS = timedelta(minutes=60)
_TIMES_STALE = 3

OnAnswer = Callable[["Capacity"], object]


@dataclass(frozen=True, slots=True)
class PoolLoad:
    """An address pool: `used` is None when the router would not say; `next` is asked when this one is full."""

    name: str
    total: int
    used: int | None = None
    next: str | None = None

    @property
    def free(self) -> int | None:
        """Addresses nobody has."""
        return None if self.used is None else max(0, self.total - self.used)


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a router said of its load, at `answered_at` (None: never). `error` is why it did not answer at `asked_at`.

    `free` and `total_addresses` are of all its pools together. `first_seen`: how many customers this poll saw online
    for the first time.
    """

    router_id: int
    router: str
    asked_at: datetime
    answered_at: datetime | None
    error: str | None
    sessions: int | None
    cpu_percent: int | None
    uptime: str | None
    free: int | None
    total_addresses: int | None
    pools: tuple[PoolLoad, ...]
    is_stale: bool
    first_seen: int = 0

    def as_json(self) -> dict[str, Any]:
        """For the command line."""
        return {key: value for key, value in asdict(self).items() if key not in {"router_id", "first_seen"}}


@dataclass(frozen=True, slots=True)
class _Target:
    """A router to ask: its row, how to reach it, and of which services somebody has never been seen online."""

    row: Any
    where: RouterAddress | LeadtuiError
    services: frozenset[Service]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one conversation brought."""

    load: Load
    sessions: Mapping[Service, tuple[ActiveSession, ...]]


# -- what is known ----------------------------------------------------------------------------------------------------
def latest(office: Office) -> list[Capacity]:
    """What the routers said last, by name; without those that were never asked. Raises NotPermitted."""
    with office.read() as tx:
        may_look(tx)
        return known(tx)


def known(tx: ReadTx) -> list[Capacity]:
    """`latest` inside a transaction, whoever acts."""
    joined = select(t.router_capacity, t.router.c.name).join(t.router, t.router.c.id == t.router_capacity.c.router_id)
    found = [_capacity(tx, row) for row in tx.conn.execute(joined)]
    return sorted(found, key=lambda one: one.router.casefold())


def _capacity(tx: ReadTx, row: Any) -> Capacity:
    return Capacity(
        router_id=row.router_id, router=row.name, asked_at=row.asked_at, answered_at=row.answered_at, error=row.error,
        sessions=row.sessions, cpu_percent=row.cpu_percent, uptime=row.uptime, free=row.free_addresses,
        total_addresses=row.total_addresses, pools=pools_of(row.pools_json), is_stale=is_stale(tx, row.answered_at),
    )  # fmt: skip


def pools_of(stored: Any) -> tuple[PoolLoad, ...]:
    """The pools as the row keeps them."""
    return tuple(PoolLoad(p["name"], p["total"], p.get("used"), p.get("next")) for p in stored or ())


def is_stale(tx: ReadTx, answered_at: datetime | None) -> bool:
    """Whether figures of that moment are too old to be believed: three polls were missed, or there are none."""
    minutes = _poll_minutes(tx)
    limit = timedelta(minutes=_TIMES_STALE * minutes) if minutes else _STALE_WITHOUT_POLLS
    return answered_at is None or tx.now - answered_at > limit


def _poll_minutes(tx: ReadTx) -> int:
    return int(tx.catalog.settings.get("router_poll_minutes") or 0)


# -- who is to be asked ---------------------------------------------------------------------------------------------
def due(office: Office) -> list[str]:
    """The routers to ask now, by name: by the setting `router_poll_minutes`, or sooner for a new customer.

    None when the setting is 0: then routers are asked only when a person asks. Raises NotPermitted.
    """
    with office.read() as tx:
        may_look(tx)
        return [row.name for row in _due(tx)]


def _due(tx: ReadTx) -> list[Any]:
    minutes = _poll_minutes(tx)
    if not minutes:
        return []
    asked = {row.router_id: row.asked_at for row in tx.conn.execute(select(t.router_capacity))}
    eager = _with_new_customers(tx)
    rows = tx.conn.execute(select(t.router).where(t.router.c.is_active.is_(True)).order_by(t.router.c.name)).all()
    found = []
    for row in rows:
        pause = SOON if row.id in eager else timedelta(minutes=minutes)
        last = asked.get(row.id)
        if last is None or not last <= tx.now < last + min(pause, timedelta(minutes=minutes)):
            found.append(row)  # a moment that lies ahead was written before a clock was put back
    return found


def _with_new_customers(tx: ReadTx) -> frozenset[int]:
    user = t.router_user.c
    query = select(user.router_id).where(
        user.first_online_at.is_(None), user.created_at > tx.now - NEW, user.state == "active"
    )
    return frozenset(tx.conn.execute(query.distinct()).scalars())


# -- asking -----------------------------------------------------------------------------------------------------------
def poll(
    office: Office,
    names: Sequence[str] | None = None,
    *,
    cancel: CancelToken | None = None,
    on_answer: OnAnswer | None = None,
) -> list[Capacity]:
    """Ask routers for their load, those in use without `names`; a router that fails is an answer with `error`.

    Each answer is written down and then handed to `on_answer`, in this thread, as it comes. Cancelling ends it at once;
    what has not answered by then is left out. Raises NotPermitted, NotFound.
    """
    with office.read() as tx:
        may_look(tx)
        if names is None:
            rows = list(tx.conn.execute(select(t.router).where(t.router.c.is_active.is_(True))))
        else:
            rows = list({row.id: row for row in (find(tx, name) for name in names)}.values())
        targets = _targets(tx, office, rows)
    return _poll(office, targets, cancel or CancelToken(), on_answer)


def poll_due(office: Office, *, cancel: CancelToken | None = None, on_answer: OnAnswer | None = None) -> list[Capacity]:
    """`poll` of the routers that are due, for the machine: no permission is asked. Reads only when none is due."""
    with office.store.read() as tx:
        targets = _targets(tx, office, _due(tx))
    return _poll(office, targets, cancel or CancelToken(), on_answer) if targets else []


def _targets(tx: ReadTx, office: Office, rows: Sequence[Any]) -> list[_Target]:
    unseen = first_online.unseen_services(tx)
    return [_Target(row, _where(tx, office, row), unseen.get(row.id, frozenset())) for row in rows]


def _where(tx: ReadTx, office: Office, row: Any) -> RouterAddress | LeadtuiError:
    try:
        return address(tx, office, row)
    except LeadtuiError as error:  # a password that cannot be opened stops one router, not all
        return error


def _poll(
    office: Office, targets: Sequence[_Target], cancel: CancelToken, on_answer: OnAnswer | None
) -> list[Capacity]:
    asked_at = clock.now()
    found: list[Capacity] = []

    def ask(target: _Target) -> _Seen:
        return _ask(target, cancel)

    within_s = POLL_DEADLINE_S + _GRACE_S
    for target, came in side_by_side(targets, ask, cancel=cancel, within_s=within_s, name="poll"):
        answer = came if isinstance(came, _Seen) else _failure(target, came)
        if cancel.cancelled and isinstance(answer, LeadtuiError):
            continue  # it was cut off by us, and says nothing of the router
        kept = _keep(office, target, answer, asked_at)
        if kept is not None:
            found.append(kept)
            if on_answer is not None:
                on_answer(kept)
    return sorted(found, key=lambda one: one.router.casefold())


def _failure(target: _Target, error: Exception) -> LeadtuiError:
    """Why there is no answer, in words. A mistake of ours with one router must not cost the others their turn."""
    if isinstance(error, LeadtuiError):
        return error
    if isinstance(error, TimeoutError):
        return RouterTimeout(f"{target.row.name} did not answer within {POLL_DEADLINE_S:g} s.")
    log_exception(error)
    return LeadtuiError(f"the answer of {target.row.name} was not understood; the log has more")


def _ask(target: _Target, cancel: CancelToken) -> _Seen:
    """One conversation, in a thread of its own."""
    if isinstance(target.where, LeadtuiError):
        raise target.where
    with connect(target.where, deadline_s=POLL_DEADLINE_S, cancel=cancel) as port:
        load = port.capacity()
        sessions: dict[Service, tuple[ActiveSession, ...]] = {}
        for service in sorted(target.services):
            try:
                sessions[service] = port.active(service)
            except RouterMenuMissing:
                continue
    return _Seen(load, sessions)


# -- writing down -----------------------------------------------------------------------------------------------------
def _keep(office: Office, target: _Target, answer: _Seen | LeadtuiError, asked_at: datetime) -> Capacity | None:
    """Write one answer down. None when the router was removed, moved, or asked again later than we asked."""
    kept = _write(office, target, answer, asked_at)
    if kept is None or isinstance(answer, LeadtuiError) or kept.error is not None:
        return kept
    count = sum(
        first_online.note_sessions(office, target.row.id, service, sessions, clock.now())
        for service, sessions in answer.sessions.items()
    )
    return replace(kept, first_seen=count)


def _write(office: Office, target: _Target, answer: _Seen | LeadtuiError, asked_at: datetime) -> Capacity | None:
    asked = target.row
    with office.as_system() as tx:
        row = tx.conn.execute(
            select(t.router).where(t.router.c.id == asked.id).with_for_update(key_share=True)
        ).one_or_none()
        if row is None or (row.host, row.port) != (asked.host, asked.port):
            return None
        if not _put(tx, row.id, _columns(tx, row, target, answer) | {"asked_at": asked_at}):
            return None
        joined = select(t.router_capacity, t.router.c.name).join(t.router)
        return _capacity(tx, tx.conn.execute(joined.where(t.router_capacity.c.router_id == row.id)).one())


def _put(tx: WriteTx, router_id: int, columns: Mapping[str, Any]) -> bool:
    """Insert or update the router's figures; False where there are some that were asked for later.

    The router's row is locked: a process that was frozen in the middle of its poll cannot put old figures over new.
    """
    capacity = t.router_capacity
    before = tx.conn.execute(select(capacity.c.asked_at).where(capacity.c.router_id == router_id)).scalar()
    if before is None:
        tx.conn.execute(insert(capacity).values(router_id=router_id, **columns))
        return True
    if columns["asked_at"] < before <= tx.now:
        return False
    tx.conn.execute(update(capacity).where(capacity.c.router_id == router_id).values(**columns))
    return True


def _columns(tx: WriteTx, row: Any, target: _Target, answer: _Seen | LeadtuiError) -> dict[str, Any]:
    """What is to be kept of the answer; the router's own record is kept on the way."""
    if isinstance(answer, LeadtuiError):
        if not isinstance(target.where, LeadtuiError):  # else it was not even asked
            routers.remember_answer(tx, row.id, routers.RouterAnswer(False, error=answer.message))
        return {"error": answer.message}
    probe = answer.load.probe
    routers.remember_answer(tx, row.id, routers.RouterAnswer.of(probe))
    if row.identity is not None and row.identity != probe.identity[:255]:
        return {"error": f"it calls itself {probe.identity} now, and was {row.identity}; its figures were not taken"}
    free, total = _addresses(answer.load.pools)
    return {
        "answered_at": tx.now, "error": None, "sessions": answer.load.sessions, "cpu_percent": probe.cpu_load_percent,
        "uptime": probe.uptime[:40] or None, "free_addresses": free, "total_addresses": total,
        "pools_json": [
            {"name": p.name, "total": p.total, "used": p.used} | ({"next": p.next_pool} if p.next_pool else {})
            for p in answer.load.pools
        ],
    }  # fmt: skip


def _addresses(pools: Sequence[Pool]) -> tuple[int | None, int | None]:
    """Free and total addresses of all pools; unknown where there is no pool, or one does not say how many are taken."""
    if not pools:
        return None, None
    free = None if any(p.used is None for p in pools) else sum(max(0, p.total - (p.used or 0)) for p in pools)
    return free, sum(p.total for p in pools)
