"""Work that is to happen once per occurrence (a day, an hour), however many processes try, and after any downtime.

`once` does short work in the transaction that also says "done": exactly once. `in_parts` does many rows in short
transactions of their own and says "done" behind the last: the parts must bear being repeated. What fails is kept with
its words and tried again after a pause that doubles; after `TRIES` a person decides (the Jobs screen, `worker retry`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, update

from leadtui.background import log_exception
from leadtui.domain.dates import local_day
from leadtui.errors import LeadtuiError, Refused
from leadtui.store import schema as t
from leadtui.store.claims import moment
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id

from .provision_jobs import me

if TYPE_CHECKING:
    from .office import Office

TRIES = 10
"""After so many failures it is not tried again until a person says so."""

FORGOTTEN = timedelta(days=120)
"""So old runs are of no interest to anybody."""

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)

_LOG = logging.getLogger("leadtui.job_runs")

Part = Callable[..., int]
"""`(office, *, limit, may_go_on) -> int`: does at most `limit` rows, may be called any number of times."""


def once(office: Office, job: str, occurrence: str, work: Callable[[WriteTx], Any]) -> bool:
    """Do `work` unless it was done for this occurrence; True when it was done now, by us.

    `work` runs as `system`, in one transaction with the row that says "done"; what it answers is kept as the result.
    What it raises is kept as the error, and not raised here. Asking for what is done costs one read.
    """
    if not _is_due(office, job, occurrence):
        return False
    try:
        with office.as_system() as tx:
            run_id = _take(tx, job, occurrence)
            if run_id is None:
                return False
            begun = tx.now
            result = work(tx)
            _finish(tx, run_id, begun, result)
        return True
    except Exception as error:  # noqa: BLE001 - whatever the work does, the others go on and this one is tried again
        note_failure(office, job, occurrence, error)
        return False


def in_parts(
    office: Office, job: str, occurrence: str, part: Part, *, limit: int, may_go_on: Callable[[], bool]
) -> int:
    """Call `part` until it answers less than `limit`, then say "done"; answers how many rows it did.

    Ends early when `may_go_on` says so: then the next call goes on, here or in another process.
    """
    if not _is_due(office, job, occurrence):
        return 0
    total = 0
    try:
        while True:
            did = part(office, limit=limit, may_go_on=may_go_on)
            total += did
            if not may_go_on():
                return total
            if did < limit:
                break
        with office.as_system() as tx:
            run_id = _take(tx, job, occurrence)
            if run_id is not None:
                _finish(tx, run_id, tx.now, {"rows": total})
    except Exception as error:  # noqa: BLE001 - see `once`
        note_failure(office, job, occurrence, error)
    return total


def done_of(office: Office, job: str, prefix: str = "") -> frozenset[str]:
    """The occurrences beginning with `prefix` that need no work now: done, given up, or waiting to be tried again."""
    r = t.job_run.c
    query = select(t.job_run).where(r.job == job, r.occurrence.startswith(prefix, autoescape=True))
    with office.store.read() as tx:
        now = moment(tx)
        return frozenset(row.occurrence for row in tx.conn.execute(query) if not _wants_work(row, now))


def day_of(now: datetime, tz: ZoneInfo, at: str = "00:00", within: timedelta | None = None) -> date | None:
    """The newest local day whose `at` ("07:30") has come: today or yesterday; None when longer ago than `within`.

    Days are counted by the calendar of `tz`: a night with 25 hours has no second morning, and a time that a change of
    clocks leaves out comes when the clock has passed it.
    """
    today, wanted = local_day(now, tz), time.fromisoformat(at)
    day = today if _moment_of(today, wanted, tz) <= now else today - timedelta(days=1)
    if within is not None and now - _moment_of(day, wanted, tz) > within:
        return None
    return day


def _moment_of(day: date, at: time, tz: ZoneInfo) -> datetime:
    return datetime.combine(day, at, tzinfo=tz).astimezone(UTC)


# -- the row ----------------------------------------------------------------------------------------------------------
def _wants_work(row: Any, now: datetime) -> bool:
    if row.state != "failed":  # attempts 0: it was only announced
        return False
    return row.attempts < TRIES and (row.retry_at is None or row.retry_at <= now)


def _find(tx: ReadTx, job: str, occurrence: str) -> Any | None:
    r = t.job_run.c
    return tx.conn.execute(select(t.job_run).where(r.job == job, r.occurrence == occurrence)).one_or_none()


def _is_due(office: Office, job: str, occurrence: str) -> bool:
    """Whether there is work; the row is there afterwards, so that whoever takes it locks it and nobody waits for him.

    (A row inserted in the transaction of the work would make others wait for that transaction's end: minutes, when its
    process is frozen.)
    """
    with office.store.read() as tx:
        row = _find(tx, job, occurrence)
        if row is not None:
            return _wants_work(row, moment(tx))
    try:
        with office.as_system() as tx:
            if _find(tx, job, occurrence) is None:
                now = moment(tx)
                insert_id(
                    tx.conn, t.job_run, job=job, occurrence=occurrence, state="failed", attempts=0, holder=_holder(),
                    started_at=now, ended_at=now,
                )  # fmt: skip
    except Refused as error:  # made by another in the same instant
        if error.code != "conflict":
            raise
    return True


def _take(tx: WriteTx, job: str, occurrence: str) -> int | None:
    """The run's row, ours until this transaction ends; None when another is at it or has done it."""
    r = t.job_run.c
    locked = select(t.job_run).where(r.job == job, r.occurrence == occurrence).with_for_update(skip_locked=True)
    row = tx.conn.execute(locked).one_or_none()
    return int(row.id) if row is not None and _wants_work(row, moment(tx)) else None


def _holder() -> str:
    here = me()
    return f"{here.host[:150]}/{here.pid}"


def _finish(tx: WriteTx, run_id: int, begun: datetime, result: Any) -> None:
    r = t.job_run.c
    tx.conn.execute(
        update(t.job_run)
        .where(r.id == run_id)
        .values(
            state="done", attempts=r.attempts + 1, holder=_holder(), started_at=begun, ended_at=moment(tx),
            retry_at=None, error=None, result_json=_plain(result),
        )
    )  # fmt: skip


def _plain(result: Any) -> Any:
    if result is None or isinstance(result, bool | int | float | str):
        return {} if result is None else {"result": result}
    return dict(result) if isinstance(result, Mapping) else {"result": str(result)}


def note_failure(office: Office, job: str, occurrence: str, error: Exception) -> None:
    """Keep the words of a failure and when it is tried again; a database that cannot be written is only logged."""
    if isinstance(error, LeadtuiError):
        words = error.message
    else:
        log_exception(error)
        words = f"an error of the program ({type(error).__name__}); the log has more"
    _LOG.warning("%s of %s was not done: %s", job, occurrence, words)
    try:
        with office.as_system() as tx:
            run_id = _take(tx, job, occurrence)
            if run_id is None:
                return
            r, now = t.job_run.c, moment(tx)
            tries = tx.conn.execute(select(r.attempts).where(r.id == run_id)).scalar_one() + 1
            tx.conn.execute(
                update(t.job_run)
                .where(r.id == run_id)
                .values(
                    state="failed", attempts=tries, holder=_holder(), ended_at=now, error=words[:2000],
                    retry_at=now + pause(tries, _FIRST_PAUSE, _LONGEST_PAUSE) if tries < TRIES else None,
                )
            )  # fmt: skip
    except LeadtuiError as second:
        _LOG.warning("nor could that be written down: %s", second.message)


def pause(tries: int, first: timedelta, longest: timedelta) -> timedelta:
    """How long to wait after so many failures: `first`, then twice as long each time, at most `longest`."""
    return min(longest, first * (1 << min(max(tries, 1) - 1, 20)))


def forget_old(tx: WriteTx) -> None:
    """Forget runs that ended long ago."""
    tx.conn.execute(delete(t.job_run).where(t.job_run.c.ended_at < moment(tx) - FORGOTTEN))
