"""What happened, written where it happened, and handled once afterwards (spec AC 194, AH23).

`emit` writes an event in the transaction that made it happen. `handle_open` hands each open one to its handlers, in a
transaction of its own together with what they write: a process that dies in between leaves it open, and nothing of it
is written twice. Handlers are plain functions, registered in `HANDLERS`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select, update

from leadtui.domain.dates import day_bounds, local_day
from leadtui.errors import LeadtuiError
from leadtui.store import schema as t
from leadtui.store.claims import moment
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id, plain

from . import lead_writes as w
from . import stage_actions
from .job_runs import pause

if TYPE_CHECKING:
    from .office import Office

Handler = Callable[[WriteTx, Any], None]
"""Gets the transaction and the event's row (`kind`, `lead_id`, `payload_json`, `by_id`, `at`); raises to try later."""

CONVERTED = "lead.converted"
FIRST_ONLINE = "customer.first_online"
CAME_IN = "intake.received"

TRIES = 10
"""An event that failed so often stays open with its error, for a person to look at, and is not tried again."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=15)
"""How long an event that failed is left alone; each pause is twice as long as the one before."""

_LOG = logging.getLogger("leadtui.events")


def emit(tx: WriteTx, kind: str, *, lead_id: int | None, payload: Mapping[str, Any] | None = None) -> int:
    """Write down that something happened; answers the event's id. No secrets in the payload."""
    return insert_id(
        tx.conn, t.event, kind=kind, lead_id=lead_id, payload_json=plain(dict(payload or {})),
        by_id=tx.actor.user_id, at=tx.now, attempts=0,
    )  # fmt: skip


def handle_open(office: Office, limit: int = 100, may_go_on: Callable[[], bool] | None = None) -> int:
    """Hand at most `limit` open events to their handlers, oldest first; answers how many were handled.

    One that fails does not hinder the others: it is tried again after a pause. Any number of processes may do this at
    once.
    """
    handled = 0
    for place, event_id in enumerate(_open_events(office, limit)):
        if may_go_on is not None and place % 10 == 9 and not may_go_on():
            break
        try:
            with office.as_system() as tx:
                row = _take(tx, event_id)
                if row is None:
                    continue
                for handler in HANDLERS[row.kind]:
                    handler(tx, row)
            handled += 1
        except Exception as error:  # noqa: BLE001 - whatever a handler does, the event stays and the next one is tried
            _note_failure(office, event_id, error)
    return handled


def _open_events(office: Office, limit: int) -> list[int]:
    e = t.event.c
    open_ones = (e.handled_at.is_(None), e.kind.in_(HANDLERS), e.attempts < TRIES)
    with office.store.read() as tx:
        due = or_(e.retry_at.is_(None), e.retry_at <= moment(tx))
        return list(tx.conn.execute(select(e.id).where(*open_ones, due).order_by(e.id).limit(limit)).scalars())


def waiting(tx: ReadTx) -> int:
    """How many events are still to be handled, those that failed and are tried again among them."""
    e = t.event.c
    query = select(func.count()).where(e.handled_at.is_(None), e.kind.in_(HANDLERS), e.attempts < TRIES)
    return int(tx.conn.execute(query).scalar_one())


def _take(tx: WriteTx, event_id: int) -> Any | None:
    """Mark the event as handled in this transaction and answer its row; None when another was faster."""
    e = t.event.c
    query = select(t.event).where(e.id == event_id, e.handled_at.is_(None)).with_for_update(skip_locked=True)
    row = tx.conn.execute(query).one_or_none()
    if row is not None:
        values = {"handled_at": tx.now, "attempts": e.attempts + 1, "last_error": None, "retry_at": None}
        tx.conn.execute(update(t.event).where(e.id == event_id).values(**values))
    return row


def _note_failure(office: Office, event_id: int, error: Exception) -> None:
    words = error.message if isinstance(error, LeadtuiError) else f"an error of the program ({type(error).__name__})"
    _LOG.warning("event %s was not handled: %s", event_id, words)
    e = t.event.c
    try:
        with office.as_system() as tx:
            mine = (e.id == event_id, e.handled_at.is_(None))
            tries = (tx.conn.execute(select(e.attempts).where(*mine).with_for_update()).scalar() or 0) + 1
            again = moment(tx) + pause(tries, FIRST_PAUSE, LONGEST_PAUSE) if tries < TRIES else None
            tx.conn.execute(
                update(t.event).where(*mine).values(attempts=tries, last_error=words[:2000], retry_at=again)
            )
    except LeadtuiError as second:
        _LOG.warning("nor could that be written down: %s", second.message)


# -- handlers ----------------------------------------------------------------------------------------------------------
def greet_the_customer(tx: WriteTx, event: Any) -> None:
    """Who works a lead, or manages it, learns that somebody else made it a customer: a task, due today.

    Nothing for the person who converted it, nor when the lead was reopened or deleted meanwhile.
    """
    lead = tx.conn.execute(select(t.lead).where(t.lead.c.id == event.lead_id).with_for_update()).one_or_none()
    if lead is None or lead.deleted_at is not None or lead.converted_at is None:
        return
    if not tx.catalog.stage_by_id[lead.stage_id].is_converted:
        return
    users = tx.catalog.user_by_id
    people = {user_id for user_id in (lead.assigned_to_id, lead.manager_id) if user_id is not None}
    told = [i for i in sorted(people - {event.by_id}) if i in users and users[i].is_active]
    if not told:
        return
    who = users[event.by_id].name if event.by_id in users else "somebody"
    today, _ = day_bounds(local_day(tx.now, tx.catalog.tz), tx.catalog.tz)
    for user_id in told:
        w.add_activity(
            tx, lead.id, "task", f"Greet the new customer: {who} converted your lead", scheduled_at=today,
            all_day=True, completed_at=None, assigned_to_id=user_id, metadata_json={"event": event.id},
        )  # fmt: skip
    tx.flush()
    w.change(tx, lead._mapping, w.next_follow_up(tx, lead.id), "followup", extra_after={"told": told})


def _handler(where: str) -> Handler:
    """A handler by `module:function`, imported when it is first needed: it may itself emit events."""

    def handle(tx: WriteTx, event: Any) -> None:
        module, _, function = where.partition(":")
        getattr(import_module(f"leadtui.services.{module}"), function)(tx, event)

    return handle


HANDLERS: Mapping[str, Sequence[Handler]] = {
    CONVERTED: (greet_the_customer, _handler("drip_events:on_converted")),
    FIRST_ONLINE: (),
    CAME_IN: (),
    w.CREATED: (_handler("drip_events:on_created"),),
    w.DELETED: (_handler("drip_events:on_deleted"),),
    w.STAGE_CHANGED: (stage_actions.run, _handler("drip_events:on_stage")),
    "message.replied": (_handler("drip_events:on_reply"), _handler("orchestration:on_reply")),
    "lead.opted_out": (_handler("drip_events:on_opt_out"),),
    "behavior.recorded": (_handler("triggers:evaluate"),),
    "stage.probability": (_handler("probabilities:keep_in_step"),),
}
"""Which handlers an event of a kind goes to; none: it is only closed, for what it says stands on the timeline already.

A kind that is not here is left open: a newer program knows what to do with it.
"""
