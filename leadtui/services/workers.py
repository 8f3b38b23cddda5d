"""The programs that may do the work that goes on by itself: who lives, since when, and what each did last.

Each TUI and each `leadtui worker` keeps one row and renews it every `BEAT_S` seconds: a small write, so that an office
of twenty writes once a second at most. The rows decide nothing (that is the lease); they are for people to look at.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from leadtui import __version__
from leadtui.errors import LeadtuiError, Refused
from leadtui.store import schema as t
from leadtui.store.claims import moment
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import job_runs
from .provision_jobs import state_of

if TYPE_CHECKING:
    from .office import Office

BEAT_S = 20.0
"""Seconds between two signs of life of a program."""

SILENT = timedelta(seconds=3 * BEAT_S)
"""A program that gave no sign for so long counts as dead: killed, frozen, or cut off from the database."""

FORGOTTEN = timedelta(minutes=10)
"""After that its row goes. One that comes back after all writes a new one."""

LEASES: Mapping[str, str] = {"routine": "reminders and events", "network": "routers and alerts", "send": "messages"}
"""The leases by name, with what their holder does."""

_LOG = logging.getLogger("leadtui.jobs")


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life. `ticked_at`, `tick_ms`, `tally`: the last tick under a lease; None: it never held one."""

    holder: str
    kind: str
    started_at: datetime
    ticked_at: datetime | None = None
    tick_ms: int | None = None
    tally: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """A program as its row says. `does` are the leases it holds; `user` is a login."""

    holder: str
    kind: str
    host: str
    pid: int
    user: str | None
    program: str
    started_at: datetime
    beat_at: datetime
    is_alive: bool
    does: tuple[str, ...]
    ticked_at: datetime | None
    tick_ms: int | None
    tally: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """For the command line."""
        return {
            "kind": self.kind, "user": self.user, "host": self.host, "pid": self.pid, "version": self.program,
            "alive": self.is_alive, "does": list(self.does), "started_at": self.started_at, "beat_at": self.beat_at,
            "ticked_at": self.ticked_at, "tick_ms": self.tick_ms, "tally": dict(self.tally),
        }  # fmt: skip


def parts_of(holder: str) -> tuple[str, int, str]:
    """Host, process id and process start of a holder's name `host/pid/start/number`; ("", 0, "") for any other."""
    words = holder.split("/")
    if len(words) < 4 or not words[1].isdigit():
        return "", 0, ""
    return words[0], int(words[1]), "/".join(words[2:-1])


def has_ended(holder: str) -> bool:
    """Whether the holder is a process of this machine that has ended."""
    host, pid, started = parts_of(holder)
    return pid > 0 and state_of(host, pid, started) == "ended"


def cannot_work(holder: str) -> bool:
    """Whether the holder is a process of this machine that has ended, or is stopped (ctrl+z)."""
    host, pid, started = parts_of(holder)
    return pid > 0 and state_of(host, pid, started) in {"ended", "stopped"}


def beat(office: Office, sign: Beat, *, prune: bool = False) -> None:
    """Write a sign of life; with `prune`, forget the programs that are gone, and old runs. Raises LeadtuiError."""
    try:
        with office.as_system() as tx:
            values = {
                "beat_at": moment(tx), "ticked_at": sign.ticked_at, "tick_ms": sign.tick_ms,
                "tally_json": None if sign.tally is None else dict(sign.tally), "user_id": office.user_id,
            }  # fmt: skip
            mine = t.worker.c.holder == sign.holder
            if not tx.conn.execute(update(t.worker).where(mine).values(**values)).rowcount:
                host, pid, _ = parts_of(sign.holder)
                tx.conn.execute(
                    insert(t.worker).values(
                        holder=sign.holder, kind=sign.kind, host=host, pid=pid, program=__version__[:40],
                        started_at=sign.started_at, **values,
                    )
                )  # fmt: skip
            if prune:
                _prune(tx)
    except Refused as error:
        if error.code != "conflict":
            raise


def leave(office: Office, holder: str) -> None:
    """The program ends: its row goes. A database that cannot be written is no obstacle: the row is forgotten later."""
    try:
        with office.as_system() as tx:
            tx.conn.execute(delete(t.worker).where(t.worker.c.holder == holder))
    except LeadtuiError as error:
        _LOG.warning("the end was not written down: %s", error.message)


def _prune(tx: WriteTx) -> None:
    w, oldest = t.worker.c, moment(tx) - FORGOTTEN
    rows = tx.conn.execute(select(w.holder, w.beat_at)).all()
    gone = [row.holder for row in rows if row.beat_at < oldest or has_ended(row.holder)]
    if gone:
        tx.conn.execute(delete(t.worker).where(w.holder.in_(gone)))
    job_runs.forget_old(tx)


def programs(tx: ReadTx) -> tuple[Program, ...]:
    """Everyone who is known, those at work first, then workers before TUIs, the oldest first."""
    now = moment(tx)
    held: dict[str, list[str]] = {}
    for row in tx.conn.execute(select(t.lease).where(t.lease.c.until > now)):
        held.setdefault(row.holder, []).append(LEASES.get(row.name, row.name))
    rows = tx.conn.execute(select(t.worker).order_by(t.worker.c.started_at)).all()
    found = [_program(tx, row, now, held.get(row.holder, ())) for row in rows]
    return tuple(sorted(found, key=lambda one: (not one.is_alive, not one.does, one.kind != "worker")))


def is_anybody_there(office: Office) -> bool:
    """Whether a program lives that does the work, whoever asks."""
    with office.store.read() as tx:
        return any(one.is_alive for one in programs(tx))


def is_nobody_sending(office: Office) -> bool:
    """Whether no message goes out by itself now: only workers may send (`scheduler`), and none does.

    Elsewhere an open screen takes over within seconds.
    """
    with office.store.read() as tx:
        only_workers = tx.catalog.settings.get("scheduler") == "worker-only"
        return only_workers and not any(LEASES["send"] in one.does for one in programs(tx))


def last_tick(tx: ReadTx, lease: str) -> datetime | None:
    """When the holder of a lease last renewed it; None when nobody ever held it."""
    return tx.conn.execute(select(t.lease.c.ticked_at).where(t.lease.c.name == lease)).scalar()


def _program(tx: ReadTx, row: Any, now: datetime, does: Sequence[str]) -> Program:
    user = tx.catalog.user_by_id.get(row.user_id)
    is_alive = row.beat_at > now - SILENT and not cannot_work(row.holder)
    return Program(
        row.holder, row.kind, row.host, row.pid, None if user is None else user.login, row.program, row.started_at,
        row.beat_at, is_alive, tuple(sorted(does)) if is_alive else (), row.ticked_at, row.tick_ms,
        row.tally_json or {},
    )  # fmt: skip
