"""What other programs tell us: kept as it came and answered at once; applied by the worker (facts/messaging §2.3).

`store` writes one row for each thing told, however often it is told. `apply_open` hands each open one to the service
it is for: what became of a message and what a lead wrote to `inbound`, forms and bookings to `intake`, behaviour to
`behavior`. Each of these may be done twice without harm, so a process that dies in between loses and repeats nothing.
What fails is tried again after a pause that doubles, and then waits for a person on the Jobs screen.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, or_, select, update

from leadtui import clock
from leadtui.background import log_exception
from leadtui.errors import Invalid, LeadtuiError, NotFound, Refused
from leadtui.store import schema as t
from leadtui.store.claims import insert_new, moment
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import clean_line, scrub_all

from . import job_runs
from .job_runs import pause

if TYPE_CHECKING:
    from .office import Office

KINDS: Final = ("status", "inbound", "preference", "form", "event", "booking")
"""What there is: the first three come from channels, the others from forms and programs."""

MOST_BYTES: Final = 256_000
"""The longest payload of one event, as JSON."""

TRIES: Final = 10
"""After so many failures it is not tried again until a person says so."""

KEPT: Final = timedelta(days=90)
"""So long it is known what was told before; providers repeat themselves for seven days at most."""

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=15)
_MANY: Final = 500
_REPORTS: Final = frozenset({"status", "inbound", "preference"})
_LOG = logging.getLogger("leadtui.inbox")


# -- what comes in ----------------------------------------------------------------------------------------------------
def store(office: Office, source: str, key: str, kind: str, payload: Any, *, by: int | None = None) -> bool:
    """Keep one event; False when it was told before. `by` is the user whose token brought it, None nobody's.

    Raises Invalid for a payload that is too long, or no JSON.
    """
    return store_many(office, source, ((key, kind, payload),), by=by) == 1


def store_many(office: Office, source: str, events: Sequence[tuple[str, str, Any]], *, by: int | None = None) -> int:
    """Keep events, given as (key, kind, payload), in one transaction; answers how many were new."""
    rows = [_values(source, key, kind, payload, by) for key, kind, payload in events]
    if not rows:
        return 0
    with office.as_system() as tx:
        kept = [row | {"received_at": tx.now} for row in rows]
        return sum(
            insert_new(tx, t.inbox_event, kept[start : start + _MANY], ("source", "external_key"))
            for start in range(0, len(kept), _MANY)
        )


def _values(source: str, key: str, kind: str, payload: Any, by: int | None) -> dict[str, Any]:
    if kind not in KINDS:
        raise ValueError(f"no kind of event: {kind}")
    try:
        kept = {"by": by, "data": scrub_all(payload)}
        size = len(json.dumps(kept, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise Invalid("this is not what JSON can hold", field="payload") from None
    if size > MOST_BYTES:
        raise Invalid(f"this is longer than {MOST_BYTES // 1000} KB", field="payload", code="too_long")
    return {"source": source[:30], "external_key": _key(key), "kind": kind, "payload_json": kept, "attempts": 0}


def _key(key: str) -> str:
    """A key as kept: one line; what is too long, or not text as databases take it, becomes a hash."""
    clean = clean_line(key, field="key", limit=max(len(key), 1))
    if clean == key and 0 < len(key) <= 255:
        return key
    return "sha256:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


# -- what is done with it ---------------------------------------------------------------------------------------------
def apply_open(office: Office, *, limit: int, may_go_on: Callable[[], bool]) -> Mapping[str, int]:
    """Apply at most `limit` open events, the oldest first; a step of the routine. One that fails hinders no other."""
    _forget_old(office)
    done = failed = 0
    for row in _open_rows(office, limit):
        if not may_go_on():
            break
        try:
            done += _apply(office, row)
        except Exception as error:  # noqa: BLE001 - whatever it is, the event stays and the next one is tried
            done += 1  # it was tried: the next call begins behind it
            failed += not _note_failure(office, row.id, error)
    return {"inbox": done, "errors": failed}


def waiting(tx: ReadTx) -> int:
    """How many are still to be applied, those that failed and are tried again among them."""
    e = t.inbox_event.c
    return int(tx.conn.execute(select(func.count()).where(e.handled_at.is_(None), e.attempts < TRIES)).scalar_one())


def _open_rows(office: Office, limit: int) -> list[Any]:
    e = t.inbox_event.c
    with office.store.read() as tx:
        due = or_(e.retry_at.is_(None), e.retry_at <= moment(tx))
        query = select(t.inbox_event).where(e.handled_at.is_(None), e.attempts < TRIES, due)
        return list(tx.conn.execute(query.order_by(e.id).limit(limit)))


def _apply(office: Office, row: Any) -> int:
    """One event, by its kind; 0 when another process did it meanwhile, or is at it."""
    by, data = row.payload_json.get("by"), row.payload_json["data"]
    if row.kind in _REPORTS:
        return _report(office, row, data)
    actor = office.acting(by) if by is not None else office.by_itself()
    if row.kind == "event":
        return _behaviour(actor, row, data)
    return _intake(office, actor, row, data)


def _report(office: Office, row: Any, data: Mapping[str, Any]) -> int:
    """What a channel told: applied and closed in one transaction."""
    from leadtui.channels import reports

    report = reports.from_payload(row.kind, data)
    from . import inbound

    with office.as_system() as tx:
        if not _take(tx, row.id):
            return 0
        inbound.apply(tx, report, by=f"webhook {row.source}")
    return 1


def _behaviour(actor: Office, row: Any, data: Mapping[str, Any]) -> int:
    """What a lead did elsewhere: written and closed in one transaction, once by the name that the teller gave it."""
    from . import behavior
    from . import lead_writes as w

    at = datetime.fromisoformat(data["at"]) if data.get("at") else row.received_at
    with actor.write() as tx:
        if not _take(tx, row.id):
            return 0
        lead = w.load(tx, _lead_of(tx, data["lead"]))
        w.allow(tx, lead, "log")
        behavior.record_in(
            tx, lead["id"], data["event"], data.get("metadata"), external_ref=data.get("external_ref"), at=at
        )
    return 1


def _lead_of(tx: ReadTx, ref: str | int) -> int:
    """The lead by number, id or phone, or by the email address that a website knows. Raises NotFound."""
    from . import lead_writes as w

    if "@" not in str(ref):
        return w.resolve(tx, ref)
    lead = t.lead.c
    wanted = (lead.email_norm == str(ref).strip().casefold(), lead.deleted_at.is_(None), scope_clause(tx.actor))
    found = list(tx.conn.execute(select(lead.id).where(*wanted).limit(2)).scalars())
    if len(found) != 1:
        words = "several leads have" if found else "no lead has"
        raise NotFound(f"{words} this email address", field="lead", code="ambiguous" if found else "not_found")
    return int(found[0])


def _intake(office: Office, actor: Office, row: Any, data: Mapping[str, Any]) -> int:
    """A form or a booking: `intake` takes it once by its reference, and keeps itself what it cannot place."""
    from . import intake

    try:
        intake.receive(actor, row.kind, data["ref"], data["values"])
    except Refused as error:
        if error.code != "dropped":  # a person gave this one up, before it was told again
            raise
    with office.as_system() as tx:
        return int(_take(tx, row.id))


def _take(tx: WriteTx, event_id: int) -> bool:
    """Close the event in this transaction; False when another was faster, or is at it just now."""
    e = t.inbox_event.c
    query = select(e.id).where(e.id == event_id, e.handled_at.is_(None)).with_for_update(skip_locked=True)
    if tx.conn.execute(query).first() is None:
        return False
    closed = {"handled_at": tx.now, "attempts": e.attempts + 1, "last_error": None, "retry_at": None}
    tx.conn.execute(update(t.inbox_event).where(e.id == event_id).values(**closed))
    return True


def _note_failure(office: Office, event_id: int, error: Exception) -> bool:
    """Keep why it failed, and when it is tried again; True when it is nobody's matter any more.

    A status of a message that is not ours (the same number is used by another program) is no failure: after all tries
    it is closed, its words stay.
    """
    if isinstance(error, LeadtuiError):
        words = error.message
    else:
        log_exception(error)
        words = f"an error of the program ({type(error).__name__}); the log has more"
    foreign = isinstance(error, NotFound) and error.code == "no_such_message"
    if not foreign:
        _LOG.warning("what came in as %s was not applied: %s", event_id, words)
    e = t.inbox_event.c
    try:
        with office.as_system() as tx:
            mine = (e.id == event_id, e.handled_at.is_(None))
            tries = (tx.conn.execute(select(e.attempts).where(*mine).with_for_update()).scalar() or 0) + 1
            again = moment(tx) + pause(tries, _FIRST_PAUSE, _LONGEST_PAUSE) if tries < TRIES else None
            values: dict[str, Any] = {"attempts": tries, "last_error": words[:2000], "retry_at": again}
            if foreign and tries >= TRIES:
                values["handled_at"] = tx.now
            tx.conn.execute(update(t.inbox_event).where(*mine).values(**values))
    except LeadtuiError as second:
        _LOG.warning("nor could that be written down: %s", second.message)
    return foreign


def _forget_old(office: Office) -> None:
    """Once a day: what was applied long ago goes, and with it the addresses of those who filled in forms."""
    day = job_runs.day_of(clock.now(), office.tz, "03:00")
    if day is not None:
        job_runs.once(office, "inbox.forget", day.isoformat(), _forget)


def _forget(tx: WriteTx) -> dict[str, int]:
    from . import forms

    e = t.inbox_event.c
    gone = tx.conn.execute(delete(t.inbox_event).where(e.handled_at < moment(tx) - KEPT)).rowcount
    return {"events": gone, "addresses": forms.forget_addresses(tx)}
