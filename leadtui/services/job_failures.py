"""What goes on by itself and failed: events, what came in, jobs, alerts; trying again, and giving up."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import ColumnElement, and_, func, select, update

from leadtui.errors import NotFound, NotPermitted, Refused
from leadtui.store import schema as t
from leadtui.store.claims import moment
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import events, inbox, job_runs
from .alerts import SENDING

if TYPE_CHECKING:
    from .office import Office

FailureKind = Literal["event", "inbox", "run", "alert", "step"]

MOST = 500
"""So many failures of a kind are shown; the count says how many there are."""

NOUNS: dict[str, str] = {
    "event": "event",
    "inbox": "message from outside",
    "run": "job",
    "alert": "alert",
    "step": "step",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that could not be done. `id` is what `retry` takes ("event:12"); empty for what tries itself again.

    `retry_at` None and `is_stuck`: it is not tried again until a person says so.
    """

    id: str
    kind: FailureKind
    what: str
    error: str
    attempts: int
    since: datetime
    retry_at: datetime | None
    is_stuck: bool

    def as_json(self) -> dict[str, Any]:
        """For the command line."""
        return asdict(self)


def failed(tx: ReadTx) -> tuple[int, list[Failure]]:
    """How many there are, and the first of them: those that a person must decide first, then the oldest.

    All of them with the right to `config`; without, one's own alerts.
    """
    everybody = tx.actor.may("config")
    found = [*_events(tx), *_inbox(tx), *_runs(tx)] if everybody else []
    found += _alerts(tx, everybody=everybody)
    count = len(found)
    if count >= MOST:
        count = sum(_count(tx, kind, where) for kind, where in _failed(tx, everybody=everybody).items())
    return count, sorted(found, key=lambda one: (not one.is_stuck, one.since))[:MOST]


# -- what failed ------------------------------------------------------------------------------------------------------
def _failed(tx: ReadTx, *, everybody: bool) -> dict[str, ColumnElement[bool]]:
    """By kind, which rows count as failed and may be seen."""
    e, i, r, n = t.event.c, t.inbox_event.c, t.job_run.c, t.notification.c
    own: tuple[ColumnElement[bool], ...] = () if everybody else (n.user_id == tx.actor.user_id,)
    alerts = and_(n.alert_error.is_not(None), n.alerted_at.is_(None), *own)
    if not everybody:
        return {"alert": alerts}
    return {
        "event": and_(e.handled_at.is_(None), e.last_error.is_not(None)),
        "inbox": and_(i.handled_at.is_(None), i.last_error.is_not(None)),
        "run": and_(r.state == "failed", r.attempts > 0),
        "alert": alerts,
    }


_TABLES = {"event": t.event, "inbox": t.inbox_event, "run": t.job_run, "alert": t.notification}


def _count(tx: ReadTx, kind: str, where: ColumnElement[bool]) -> int:
    return int(tx.conn.execute(select(func.count()).select_from(_TABLES[kind]).where(where)).scalar_one())


def _events(tx: ReadTx) -> list[Failure]:
    query = (
        select(t.event, t.lead.c.number)
        .outerjoin(t.lead, t.lead.c.id == t.event.c.lead_id)
        .where(_failed(tx, everybody=True)["event"])
        .order_by(t.event.c.id)
        .limit(MOST)
    )
    return [
        Failure(
            f"event:{row.id}", "event", f"{row.kind} of {row.number}" if row.number else row.kind, row.last_error,
            row.attempts, row.at, row.retry_at, row.attempts >= events.TRIES,
        )
        for row in tx.conn.execute(query)
    ]  # fmt: skip


def _inbox(tx: ReadTx) -> list[Failure]:
    i = t.inbox_event.c
    query = select(t.inbox_event).where(_failed(tx, everybody=True)["inbox"]).order_by(i.id).limit(MOST)
    return [
        Failure(
            f"inbox:{row.id}", "inbox", f"{row.kind} from {row.source}", row.last_error, row.attempts, row.received_at,
            row.retry_at, row.attempts >= inbox.TRIES,
        )
        for row in tx.conn.execute(query)
    ]  # fmt: skip


def _runs(tx: ReadTx) -> list[Failure]:
    query = select(t.job_run).where(_failed(tx, everybody=True)["run"]).order_by(t.job_run.c.id).limit(MOST)
    return [
        Failure(
            f"run:{row.id}", "run", f"{row.job} of {row.occurrence}", row.error or "", row.attempts, row.started_at,
            row.retry_at, row.attempts >= job_runs.TRIES,
        )
        for row in tx.conn.execute(query)
    ]  # fmt: skip


def _alerts(tx: ReadTx, *, everybody: bool) -> list[Failure]:
    n = t.notification.c
    query = select(t.notification).where(_failed(tx, everybody=everybody)["alert"]).order_by(n.id).limit(MOST)
    names = tx.catalog.user_by_id
    return [
        Failure(
            f"alert:{row.id}", "alert",
            f"{row.kind} to {names[row.user_id].login if row.user_id in names else 'a user'}", row.alert_error, 1,
            row.due_at, None, True,
        )
        for row in tx.conn.execute(query)
    ]  # fmt: skip


# -- trying again, giving up ------------------------------------------------------------------------------------------
def retry(office: Office, wanted: str = "all") -> int:
    """Let what failed be tried again with the next tick: one by its id, or "all"; answers how many.

    "all" leaves out alerts of which nobody knows whether they arrived. Raises NotFound for an id of nothing that
    failed, NotPermitted.
    """
    return _act(office, wanted, "retry")


def give_up(office: Office, wanted: str) -> int:
    """Let something that failed rest: it is not tried again, and its error stays. Raises NotFound, NotPermitted."""
    if wanted == "all":
        raise Refused("giving up is done one by one", field="id", hint="such as: event:12")
    return _act(office, wanted, "give_up")


def _act(office: Office, wanted: str, action: Literal["retry", "give_up"]) -> int:
    with office.write() as tx:
        everybody = tx.actor.may("config")
        failed = _failed(tx, everybody=everybody)
        kind, _, number = wanted.strip().partition(":")
        if wanted == "all":
            if not everybody and not _count(tx, "alert", failed["alert"]):
                raise NotPermitted("you may not repeat what failed", hint="it needs the right to configure the office")
            # What is under way, or broke off while it was sent, may have arrived: that is decided one by one.
            failed["alert"] = and_(failed["alert"], t.notification.c.alert_error != SENDING)
            return sum(_change(tx, one, where, action) for one, where in failed.items())
        if kind not in _TABLES or not number.isdigit() or int(number) >= 2**31:
            raise NotFound(f"nothing that failed has the id '{wanted}'", field="id", hint="such as event:12, or all")
        if kind not in failed:
            raise NotPermitted("you may not decide that", hint="it needs the right to configure the office")
        done = _change(tx, kind, and_(failed[kind], _TABLES[kind].c.id == int(number)), action)
        if not done:
            raise NotFound(f"nothing that failed has the id '{wanted}'", field="id", hint="it may have been done since")
        return done


def _change(tx: WriteTx, kind: str, where: ColumnElement[bool], action: Literal["retry", "give_up"]) -> int:
    table = _TABLES[kind]
    now = moment(tx)
    values: dict[tuple[str, str], dict[str, Any]] = {
        ("event", "retry"): {"attempts": 0, "retry_at": None},
        ("event", "give_up"): {"handled_at": now, "retry_at": None},
        ("inbox", "retry"): {"attempts": 0, "retry_at": None},
        ("inbox", "give_up"): {"handled_at": now, "retry_at": None},
        ("run", "retry"): {"attempts": 1, "retry_at": None},
        ("run", "give_up"): {"state": "dropped", "retry_at": None},
        ("alert", "retry"): {"alert_error": None},
        ("alert", "give_up"): {"alerted_at": now},
    }
    new = values[kind, action]
    rows = tx.conn.execute(select(table).where(where).with_for_update(skip_locked=True)).all()
    if rows:
        tx.conn.execute(update(table).where(table.c.id.in_([row.id for row in rows])).values(**new))
    for row in rows:
        tx.audit(action, table.name, row.id, {name: row._mapping[name] for name in new}, new)
    return len(rows)
