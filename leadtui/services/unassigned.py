"""Leads that were to be assigned by themselves and wait for somebody to be available (spec AJ4).

Each is an open event of the kind WAITS; the step `assigned` tries again, and closes it when the lead has somebody, is
offered, or is done with. A supervisor is told once when the first lead waits, and again only after none did; while he
has not seen the notice, its number follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, literal, or_, select, update

from leadtui.domain.catalog import Catalog
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.types import UtcDateTime
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id

from . import lead_writes as w
from . import routing
from .notifying import Notice, notify_many
from .office import SYSTEM

if TYPE_CHECKING:
    from .office import Office

WAITS: Final = "lead.unassigned"
UNASSIGNED: Final = "unassigned"
"""The kind of a supervisor's notice."""
WHERE: Final = "is:active is:unassigned"
"""The filter that finds the leads nobody has."""
_FIRST, _LONGEST = timedelta(seconds=30), timedelta(minutes=5)
_BUSY = timedelta(seconds=5)
_AT_ONCE: Final = 200


def count(tx: ReadTx) -> int:
    """How many open leads nobody has, of those the actor may assign."""
    query = select(func.count()).select_from(t.lead).where(*_nobodys(tx.catalog), scope_clause(tx.actor, "assign"))
    return int(tx.conn.execute(query).scalar_one())


def _nobodys(catalog: Catalog) -> tuple[Any, ...]:
    lead = t.lead.c
    closed = [s.id for s in catalog.stages if s.is_converted or s.is_lost or s.is_parked]
    return lead.deleted_at.is_(None), lead.assigned_to_id.is_(None), lead.stage_id.not_in(closed)


# -- into the queue ---------------------------------------------------------------------------------------------------
def wait(tx: WriteTx, lead_id: int) -> None:
    """A lead that nobody could get now waits; its supervisors are told."""
    insert_id(
        tx.conn, t.event, kind=WAITS, lead_id=lead_id, payload_json={"batch": tx.batch_id}, by_id=tx.actor.user_id,
        at=tx.now, attempts=1, retry_at=tx.now + _FIRST,
    )  # fmt: skip
    tx.at_end(_alert, lead_id)


def enqueue_import(tx: WriteTx) -> int:
    """Let the step assign the leads that this batch imported for nobody; answers how many."""
    a, lead = t.activity.c, t.lead.c
    mine = select(a.lead_id).where(a.batch_id == tx.batch_id, a.type == "import")
    found = select(
        literal(WAITS), lead.id, literal(tx.actor.user_id), literal(tx.now, UtcDateTime()), literal(0)
    ).where(lead.id.in_(mine), *_nobodys(tx.catalog))
    names = ["kind", "lead_id", "by_id", "at", "attempts"]
    return int(tx.conn.execute(insert(t.event).from_select(names, found.order_by(lead.id))).rowcount)


def retry_soon(tx: WriteTx) -> None:
    """Somebody is available again, or the rules are others: try all that wait at the next tick."""
    e = t.event.c
    tx.conn.execute(update(t.event).where(*_open(), e.retry_at.is_not(None)).values(retry_at=None))


def _open() -> tuple[Any, ...]:
    e = t.event.c
    return e.kind == WAITS, e.handled_at.is_(None)


# -- out of it: a step of the routine ---------------------------------------------------------------------------------
def step(office: Office, *, limit: int = 500, may_go_on: Callable[[], bool] = lambda: True) -> int:
    """Assign leads that wait, the oldest first; answers how many somebody has now, or are offered.

    Does nothing while leads are not assigned by themselves (setting `auto_assign`).
    """
    e = t.event.c
    with office.store.read() as tx:
        if str(tx.catalog.settings.get("auto_assign", "off")) == "off":
            return 0
        due = or_(e.retry_at.is_(None), e.retry_at <= tx.now)
        ids = list(tx.conn.execute(select(e.id).where(*_open(), due).order_by(e.id).limit(limit)).scalars())
    done = 0
    for start in range(0, len(ids), _AT_ONCE):
        if not may_go_on():
            break
        with office.as_system() as tx:
            done += _assign(tx, ids[start : start + _AT_ONCE])
    return done


def waiting(tx: ReadTx) -> int:
    """How many leads wait to be assigned."""
    return int(tx.conn.execute(select(func.count()).select_from(t.event).where(*_open())).scalar_one())


def _assign(tx: WriteTx, ids: Sequence[int]) -> int:
    e, lead = t.event.c, t.lead.c
    routing.lock(tx)
    events = select(e.id, e.lead_id, e.attempts).where(e.id.in_(ids), *_open()).order_by(e.id)
    waits = {r.lead_id: r for r in tx.conn.execute(events.with_for_update(skip_locked=True))}
    if not waits:
        return 0
    rows = select(t.lead).where(lead.id.in_(waits)).order_by(lead.id).with_for_update(skip_locked=True)
    held = {row["id"]: row for row in tx.conn.execute(rows).mappings()}
    here = set(tx.conn.execute(select(lead.id).where(lead.id.in_(waits))).scalars())
    offered = set(tx.conn.execute(_offered(list(waits))).scalars())
    desk = routing.Desk(tx, sorted(held))
    over = [one.id for lead_id, one in waits.items() if lead_id not in here]
    done = 0
    for lead_id, one in waits.items():
        row = held.get(lead_id)
        if row is None:
            if lead_id in here:  # somebody is at it
                _put_off(tx, one.id, one.attempts, _BUSY)
            continue
        if lead_id in offered or not _is_nobodys(tx.catalog, row):
            over.append(one.id)
            continue
        choice = desk.choose(row)
        if choice.is_nobody:
            pause = min(_FIRST * 2 ** min(one.attempts, 10), _LONGEST)
            _put_off(tx, one.id, one.attempts + 1, pause)
            if one.attempts == 0:
                tx.at_end(_alert, lead_id)
            continue
        tx.open_batch("assign", "assigned automatically")
        columns, extra, _ = desk.carry_out(row, choice)
        w.change(tx, row, columns, "assign", extra_after=extra)
        over.append(one.id)
        done += 1
    tx.conn.execute(update(t.event).where(e.id.in_(over)).values(handled_at=tx.now, retry_at=None))
    return done


def _offered(ids: Sequence[int]) -> Any:
    o = t.lead_offer.c
    return select(o.lead_id).where(o.lead_id.in_(ids), o.closed_at.is_(None))


def _is_nobodys(catalog: Catalog, row: Mapping[Any, Any]) -> bool:
    stage = catalog.stage_by_id[row["stage_id"]]
    is_open = not (stage.is_converted or stage.is_lost or stage.is_parked)
    return row["deleted_at"] is None and row["assigned_to_id"] is None and is_open


def _put_off(tx: WriteTx, event_id: int, attempts: int, pause: timedelta) -> None:
    again = tx.now + pause
    tx.conn.execute(update(t.event).where(t.event.c.id == event_id).values(attempts=attempts, retry_at=again))


# -- telling supervisors ----------------------------------------------------------------------------------------------
def _alert(tx: WriteTx, new: Sequence[int]) -> None:
    """Tell those who may assign leads that these wait now: one notice, until none waits; else its number follows."""
    e, lead, n = t.event.c, t.lead.c, t.notification.c
    tx.flush()
    is_new = lead.id.in_(sorted(new))
    query = (
        select(lead.branch_id, is_new.label("is_new"), func.count(), func.max(e.id))
        .select_from(t.event.join(t.lead, lead.id == e.lead_id))
        .where(*_open(), e.attempts > 0, *_nobodys(tx.catalog))
        .group_by(lead.branch_id, is_new)
    )
    found = [(r[0], bool(r[1]), int(r[2]), int(r[3])) for r in tx.conn.execute(query)]
    for user in tx.catalog.users:
        if not user.is_active or user.login == SYSTEM:
            continue
        actor = tx.catalog.actor_for(user)
        mine = [one for one in found if actor.may_on("assign", assigned_to_id=None, branch_id=one[0])]
        fresh = [one for one in mine if one[1]]
        if not fresh:
            continue
        total = sum(one[2] for one in mine)
        words = "1 lead waits" if total == 1 else f"{total:,} leads wait"
        words += " unassigned: nobody is available to get them"
        if len(fresh) == len(mine):
            occurrence = f"{UNASSIGNED}:{max(one[3] for one in fresh)}"
            notify_many(tx, [Notice(user.id, UNASSIGNED, occurrence, words)])
        else:
            unseen = (n.user_id == user.id, n.kind == UNASSIGNED, n.seen_at.is_(None))
            tx.conn.execute(update(t.notification).where(*unseen).values(text=words))
