"""Leads in drips: enrolled once, by a person or by a rule, and out of them again (spec §Q; facts/messaging §5.7).

A lead has at most one open enrollment in a drip; having been in it, it comes back only where a person says so. What
ends them for a lead (an answer, a conversion, a loss, an opt-out, a deletion) comes as an event, and is looked at again
before each step (`drip_steps`). With an enrollment end its messages that wait to be sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, update

from leadtui.domain.drips import REASONS, DripStep, EnrollResult
from leadtui.errors import Refused, UsageError
from leadtui.store import leads as lead_queries
from leadtui.store import schema as t
from leadtui.store.leads import Order
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import automatic, consent, messages
from . import lead_writes as w
from .drip_rows import KIND, OPEN, find, steps_of
from .leads import as_filter
from .office import Office

CHUNK: Final = 500
CAUSE: Final = "cause_batch"
"""In the audit of an enrollment that ended: the act that ended it."""
_NOTED: Final = ("id", "number", "assigned_to_id", *consent.COLUMNS)


# -- by a person -------------------------------------------------------------------------------------------------------
def enroll(
    office: Office,
    ref: str | int,
    refs: Sequence[str | int] = (),
    *,
    where: str | None = None,
    again: bool = False,
    dry_run: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> EnrollResult:
    """Put leads into a drip: those named, or all that a filter finds; one batch, one undo.

    A lead that is in it, or was, is refused unless `again` (then only while it is in it). `should_stop` ends it before
    the next hundreds: then nothing is kept. Raises NotFound, NotPermitted, UsageError, FilterError.
    """
    if bool(refs) == (where is not None):
        raise UsageError("name the leads, or give a filter", field="ref", hint="such as --where 'status:new'")
    node = as_filter(office, where)
    work = office.read if dry_run else office.write
    with work() as tx:
        w.require(tx, "campaign")
        drip = find(tx, ref)
        if drip["status"] == "cancelled":
            raise Refused(
                f"the drip '{drip['name']}' was stopped", code="stopped", field="drip", hint="resume it first"
            )
        if where is not None:
            ids = lead_queries.page_ids(tx, node, Order("id", descending=False), limit=None, action="campaign")
        else:
            ids = list(dict.fromkeys(w.resolve(tx, one, action="campaign") for one in refs))
        if isinstance(tx, WriteTx):
            tx.open_batch("enroll", f"{len(ids):,} into {drip['name']}"[:255])
        steps = steps_of(tx, drip["id"], drip["current_version"])
        enrolled, refused = 0, []
        for start in range(0, len(ids), CHUNK):
            if should_stop is not None and should_stop():
                raise Refused("stopped: nobody was enrolled", code="stopped")
            fit, no = judged(tx, drip, steps, ids[start : start + CHUNK], again=again)
            refused += no
            enrolled += (
                len(fit)
                if not isinstance(tx, WriteTx)
                else len(insert(tx, drip, steps, fit, batch_id=tx.batch_id, by_hand=True))
            )
            if on_progress is not None:
                on_progress(min(start + CHUNK, len(ids)), len(ids))
        batch = tx.batch_id if isinstance(tx, WriteTx) else None
    return EnrollResult(drip["key"], len(ids), enrolled, refused, batch, dry_run, _warnings(drip, enrolled))


def _warnings(drip: Mapping[Any, Any], enrolled: int) -> tuple[str, ...]:
    if not enrolled or drip["status"] == "active":
        return ()
    what = "is a draft" if drip["status"] == "draft" else "is paused"
    return (f"the drip '{drip['name']}' {what}: nothing is sent until it is resumed",)


def judged(
    tx: ReadTx, drip: Mapping[Any, Any], steps: Sequence[DripStep], ids: Sequence[int], *, again: bool
) -> tuple[Sequence[Mapping[Any, Any]], list[dict[str, Any]]]:
    """Which of these leads may be enrolled, and the others each with the reason."""
    e, lead = t.enrollment.c, t.lead.c
    query = select(*(lead[name] for name in dict.fromkeys(_NOTED))).where(
        lead.id.in_(ids), lead.deleted_at.is_(None), scope_clause(tx.actor, "campaign")
    )
    rows = tx.conn.execute(query.order_by(lead.id)).mappings().all()
    had: dict[int, bool] = {}
    known = select(e.lead_id, e.state).where(e.campaign_id == drip["id"], e.lead_id.in_(ids))
    for lead_id, state in tx.conn.execute(known):
        had[lead_id] = had.get(lead_id, False) or state in OPEN
    why = _ineligible(tx, drip, steps, rows)
    fit, refused = [], []
    for row in rows:
        reason = why.get(row["id"])
        if row["id"] in had and (had[row["id"]] or not again):
            reason = "is in this drip" if had[row["id"]] else "was in this drip before: enroll it again explicitly"
        if reason is None:
            fit.append(row)
        else:
            refused.append({"lead_id": row["id"], "lead_number": row["number"], "error": reason})
    return fit, refused


def _ineligible(
    tx: ReadTx, drip: Mapping[Any, Any], steps: Sequence[DripStep], rows: Sequence[Mapping[Any, Any]]
) -> dict[int, str]:
    """The leads that are out of the question now, with the words: lost, converted, or by the judge of the channel of
    the first message.
    """
    found: dict[int, str] = {}
    for row in rows:
        reason = ended_reason(tx, row)
        if reason is not None:
            found[row["id"]] = REASONS[reason]
    word = next((one.channel or drip["channel"] for one in steps if one.type == "message"), None)
    channel = automatic.find(tx, word) if word else None
    if channel is None:  # then its messages become tasks, or there are none
        return found
    judge = consent.Judge(tx, channel, KIND)
    addresses = {row["id"]: judge.address(row) for row in rows}
    judge.load(address[1] for address in addresses.values() if address)
    for row in rows:
        address = addresses[row["id"]]
        code = judge.reason(row, *(address or (None, None)))
        if code is not None:
            found.setdefault(row["id"], consent.words(code))
    return found


def insert(
    tx: WriteTx,
    drip: Mapping[Any, Any],
    steps: Sequence[DripStep],
    rows: Sequence[Mapping[Any, Any]],
    *,
    batch_id: int | None,
    by_hand: bool,
) -> list[int]:
    """Enroll these leads, but for those that somebody else enrolled in the same instant. Answers their ids.

    `batch_id` is the act whose undo takes it back.
    """
    if not rows:
        return []
    first = tx.now + timedelta(minutes=steps[0].delay_minutes if steps else 0)
    values = [
        {
            "campaign_id": drip["id"], "version": drip["current_version"], "lead_id": row["id"], "state": "active",
            "current_step": 0, "next_run_at": first, "enrolled_by_id": tx.actor.user_id, "enrolled_at": tx.now,
            "batch_id": batch_id,
        }
        for row in rows
    ]  # fmt: skip
    statement: Any
    if tx.is_sqlite:
        from sqlalchemy.dialects import sqlite

        statement = sqlite.insert(t.enrollment)
    else:
        from sqlalchemy.dialects import postgresql

        statement = postgresql.insert(t.enrollment)
    e = t.enrollment.c
    made = tx.conn.execute(statement.on_conflict_do_nothing().returning(e.id, e.lead_id), values).all()
    for enrollment_id, lead_id in made:
        w.add_activity(
            tx,
            lead_id,
            "campaign",
            f"enrolled in {drip['name']}",
            metadata_json={"drip": drip["key"]},
            batch_id=batch_id,
        )
        told = {"drip": drip["key"], "version": drip["current_version"]}
        if by_hand:  # of the lead: an undo goes by it
            tx.audit("enroll", "lead", lead_id, {}, {"drip": drip["key"]})
        else:
            tx.audit("enroll", "enrollment", enrollment_id, None, told | {"lead_id": lead_id})
    return [lead_id for _, lead_id in made]


# -- the end -----------------------------------------------------------------------------------------------------------
def ended_reason(tx: ReadTx, lead: Mapping[Any, Any]) -> str | None:
    """What has ended all drips of a lead (its id, stage_id, deleted_at, consent): a code of REASONS; None: nothing."""
    if lead["deleted_at"] is not None:
        return "deleted"
    stage = tx.catalog.stage_by_id[lead["stage_id"]]
    if stage.is_lost:
        return "lost"
    if stage.is_converted:
        return "converted"
    return "opt_out" if lead["consent"] == consent.REFUSED else None


def stop_all(
    tx: WriteTx, lead_id: int, reason: str, *, before: datetime | None = None, cause: int | None = None
) -> int:
    """End every open enrollment of a locked lead; with `before` only those that began until then.

    `cause` is the act that ended them: its undo lets them go on.
    """
    e = t.enrollment.c
    query = select(t.enrollment).where(e.lead_id == lead_id, e.state.in_(OPEN)).order_by(e.id)
    if before is not None:
        query = query.where(e.enrolled_at <= before)
    found = tx.conn.execute(query).mappings().all()
    return sum(end(tx, one, reason, cause=cause) for one in found)


def end(
    tx: WriteTx,
    row: Mapping[Any, Any],
    reason: str,
    *,
    detail: str | None = None,
    quiet: bool = False,
    cause: int | None = None,
) -> bool:
    """Stop an open enrollment of a locked lead, with its messages that wait. False: it has ended already."""
    values = {"state": "stopped", "reason": reason, "detail": detail, "ended_at": tx.now, "next_run_at": None}
    if not move(tx, row, values, "stop", cause=cause):
        return False
    messages.cancel_waiting(tx, "enrollment_ended", enrollment_id=row["id"])
    if not quiet:
        name = tx.conn.execute(select(t.campaign.c.name).where(t.campaign.c.id == row["campaign_id"])).scalar_one()
        w.add_activity(tx, row["lead_id"], "campaign", f"{name} ended: {REASONS.get(reason, reason)}", detail)
    return True


def move(
    tx: WriteTx, row: Mapping[Any, Any], values: Mapping[str, Any], action: str, *, cause: int | None = None
) -> bool:
    """Change an enrollment by comparing and setting: only if its state and step are those of `row`."""
    e = t.enrollment.c
    same = (e.id == row["id"], e.state == row["state"], e.current_step == row["current_step"])
    done = tx.conn.execute(update(t.enrollment).where(*same).values(**values)).rowcount == 1
    if done and action != "step":
        before = {key: row[key] for key in values}
        because = {} if cause is None else {CAUSE: cause}
        tx.audit(action, "enrollment", row["id"], before, dict(values) | {"lead_id": row["lead_id"]} | because)
    return done
