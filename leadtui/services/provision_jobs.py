"""The journal of what is asked of routers: who holds a job, how it moves on, and whose process is gone (spec AH15).

A job is of one kind (a conversion, a suspension …) and of one lead; a lead has at most one open job, of whatever kind.

A job is held by one process (host, process id, process start) under a lease that is renewed before every talk with a
router. Every move compares and sets, so that a process that was believed dead and comes back can change nothing.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import func, or_, select, update

from leadtui.domain.conversion import JobKind
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id

OPEN_STATES = ("planned", "applying", "unknown")
"""States of a job that is not settled; a lead has at most one such job (unique index)."""

LEASE = timedelta(seconds=15)
"""How long a job is left alone after its holder last moved (contract answer 10). A talk with a router is shorter."""

STUCK = timedelta(seconds=60)
"""A process of this machine that runs but has not moved for so long beyond its lease has given the job up."""

RECHECK = timedelta(minutes=10)
"""How long a late answer of a router is expected (contract answer 10)."""

NOBODY = 0
"""The process id of a job that nobody holds."""

_held_here: set[int] = set()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Holder:
    """A process on some machine. `started` tells boot, process namespace and start time: ids are used again."""

    host: str
    pid: int
    started: str

    @property
    def place(self) -> str:
        """Boot and namespace: only within one place a process id says anything."""
        return self.started.rpartition("/")[0]


def me() -> Holder:
    """This process."""
    return _holder(os.getpid())


@lru_cache(maxsize=4)
def _holder(pid: int) -> Holder:
    return Holder(socket.gethostname()[:255], pid, f"{_place()}/{_start_of(pid) or ''}"[:40])


def _place() -> str:
    """The machine's boot and the process namespace; empty where the system does not tell."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
        return f"{boot}/{os.readlink('/proc/self/ns/pid').strip('pid:[]')}"
    return ""


def _start_of(pid: int) -> str | None:
    """When a process of this machine started, in the kernel's ticks; None when there is none (or no /proc)."""
    with suppress(OSError, IndexError):
        # The name, in parentheses, may hold blanks: fields are counted from behind it.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    return None


def _runs(job: Any, here: Holder) -> bool:
    """Whether the holder of `job`, of this machine, still runs."""
    if job.pid == here.pid and job.process_started == here.started:
        with _lock:
            return job.id in _held_here
    if here.place:
        return bool(_start_of(job.pid) == job.process_started.rpartition("/")[2])
    try:  # no /proc: the process id alone must do
        os.kill(job.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def state_of(host: str, pid: int, started: str) -> Literal["runs", "stopped", "ended", "unknown"]:
    """What became of a process, as far as it can be known from here: only one of this machine is looked at.

    Stopped: by ctrl+z, a debugger, SIGSTOP; it will not go on before somebody lets it.
    """
    here = me()
    if not here.place or host not in (here.host, here.host[:150]) or started.rpartition("/")[0] != here.place:
        return "unknown"
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        # One that has ended and was not yet fetched by its parent still has an entry.
        if fields[19] != started.rpartition("/")[2] or fields[0] in {"Z", "X"}:
            return "ended"
        return "stopped" if fields[0] in {"T", "t"} else "runs"
    try:  # no entry: it has ended, or entries of other accounts are hidden here
        os.kill(pid, 0)
    except ProcessLookupError:
        return "ended"
    except OSError:
        return "unknown"
    return "unknown"


def is_held(job: Any, now: datetime) -> bool:
    """Whether somebody is still at work on this job. Same machine: does the process run; elsewhere: the lease."""
    if job.pid == NOBODY:
        return False
    here = me()
    if job.host == here.host and job.process_started.rpartition("/")[0] == here.place:
        return _runs(job, here) and now < job.lease_until + STUCK
    return bool(now < job.lease_until)


def hold(job_id: int) -> None:
    """From now on this process counts as at work on the job, until `let_go`."""
    with _lock:
        _held_here.add(job_id)


def let_go(job_id: int) -> None:
    """This process is done with the job."""
    with _lock:
        _held_here.discard(job_id)


@contextmanager
def holding(job_id: int) -> Iterator[None]:
    """While inside, this process counts as at work on the job."""
    hold(job_id)
    try:
        yield
    finally:
        let_go(job_id)


# -- reading ----------------------------------------------------------------------------------------------------------
def read(tx: ReadTx, job_id: int) -> Any | None:
    """The job's row."""
    return tx.conn.execute(select(t.provision_job).where(t.provision_job.c.id == job_id)).one_or_none()


def open_job_of(tx: ReadTx, lead_id: int) -> Any | None:
    """The unsettled job of a lead, or None."""
    job = t.provision_job
    query = select(job).where(job.c.lead_id == lead_id, job.c.state.in_(OPEN_STATES))
    return tx.conn.execute(query).one_or_none()


def unsettled(tx: ReadTx) -> list[Any]:
    """Every open job, and those that are looked at once more because a late answer may come."""
    job = t.provision_job
    query = select(job).where(or_(job.c.state.in_(OPEN_STATES), job.c.recheck_until.is_not(None))).order_by(job.c.id)
    return list(tx.conn.execute(query).all())


def waiting(tx: ReadTx) -> int:
    """How many jobs are not settled."""
    query = select(func.count()).where(t.provision_job.c.state.in_(OPEN_STATES))
    return int(tx.conn.execute(query).scalar_one())


# -- moving -----------------------------------------------------------------------------------------------------------
def begin(
    tx: WriteTx, *, kind: JobKind = "convert", lead_id: int, router_id: int, tag: str, username: str,
    request_json: Mapping[str, Any], secret_ref: str | None = None,
) -> int:  # fmt: skip
    """The intent: a job `planned`, held by this process; answers its id.

    `request_json` says what was asked for, without secrets: `service` always; `queue` true when a simple queue belongs
    to it; `ip` the fixed address. Lock the lead before, and look for its open job: a second one is refused.
    """
    here = me()
    return insert_id(
        tx.conn, t.provision_job, kind=kind, lead_id=lead_id, router_id=router_id, tag=tag, username=username,
        request_json=dict(request_json), secret_ref=secret_ref, state="planned", step="intent", attempts=1,
        host=here.host, pid=here.pid, process_started=here.started, lease_until=tx.now + LEASE,
        created_by_id=tx.actor.user_id, created_at=tx.now, updated_at=tx.now,
    )  # fmt: skip


def move(tx: WriteTx, job_id: int, state: str, *, release: bool = False, **values: Any) -> bool:
    """Move our open job to `state` and renew the lease; False when it is not ours any more."""
    here, job = me(), t.provision_job.c
    if release:
        values |= {"pid": NOBODY, "lease_until": tx.now}
    else:
        values |= {"lease_until": tx.now + LEASE}
    done = tx.conn.execute(
        update(t.provision_job)
        .where(
            job.id == job_id, job.state.in_(OPEN_STATES), job.host == here.host, job.pid == here.pid,
            job.process_started == here.started,
        )
        .values(state=state, updated_at=tx.now, **values)
    ).rowcount  # fmt: skip
    return bool(done)


def claim(tx: WriteTx, job: Any) -> bool:
    """Take a job that nobody holds, exactly as it was read, in order to settle it; False when another was faster."""
    # Conversions hold the lead's row too while they begin: no new job can slip in between the look and the claim.
    tx.conn.execute(select(t.lead.c.id).where(t.lead.c.id == job.lead_id).with_for_update())
    if job.state not in OPEN_STATES and open_job_of(tx, job.lead_id) is not None:
        return False  # the lead is being converted anew; that job's end will be looked at, and this one later
    here, c = me(), t.provision_job.c
    done = tx.conn.execute(
        update(t.provision_job)
        .where(c.id == job.id, c.state == job.state, c.pid == job.pid, c.updated_at == job.updated_at)
        .values(
            state="unknown", host=here.host, pid=here.pid, process_started=here.started, attempts=c.attempts + 1,
            lease_until=tx.now + LEASE, updated_at=tx.now,
        )
    ).rowcount  # fmt: skip
    return bool(done)


def look_again(tx: WriteTx, job_id: int) -> None:
    """Another process settled the job while its holder, believed dead, was still writing to the router."""
    job = t.provision_job.c
    mine = (job.id == job_id, job.state != "verified")
    tx.conn.execute(update(t.provision_job).where(*mine).values(recheck_until=tx.now + RECHECK))


def forget_recheck(tx: WriteTx, job_id: int) -> None:
    """Nothing was ever sent for this job: no late answer can come."""
    tx.conn.execute(update(t.provision_job).where(t.provision_job.c.id == job_id).values(recheck_until=None))
