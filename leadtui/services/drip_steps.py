"""The steps of drips, carried out when they are due (spec §Q 142–144, AJ8; facts/messaging §5.7).

One step of one lead is one transaction: the message row, the task, the move of `current_step` by comparing and setting
and the time of the next one, all or nothing. So a process that dies leaves the step undone, and no step runs twice,
however many try. Each delay counts from when the step before was carried out: after a downtime a lead gets one step,
and the next one only after its own delay.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, select

from leadtui.background import log_exception
from leadtui.domain.drip_steps import ALERT
from leadtui.domain.drips import REASONS, DripStep, Until
from leadtui.domain.working_hours import QuietHours
from leadtui.errors import LeadtuiError, Refused, UsageError
from leadtui.store import schema as t
from leadtui.store.claims import claim
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import automatic
from . import lead_writes as w
from .drip_enrolling import end, ended_reason, move
from .drip_events import locked, matches
from .drip_rows import live, steps_of
from .office import Office

LOOK_AGAIN: Final = timedelta(minutes=15)
"""How often a status or a filter that is waited for is looked at."""

_LOG = logging.getLogger("leadtui.drips")

LOOK__LOG = logging.getLogger("leadtui.drips")


@dataclass(frozen=True, slots=True)
class _Done:
    """What carrying out a step came to: done, not before `again`, or the enrollment waits or ends with a reason.

    `base` is when the delay of the next step counts from.
    """

    base: datetime | None = None
    again: datetime | None = None
    pause: str | None = None
    stop: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    """One step of one lead."""

    drip: Mapping[Any, Any]
    enrollment: Mapping[Any, Any]
    lead: Mapping[Any, Any]
    step: DripStep
    because: Mapping[str, Any] = field(default_factory=dict)


# -- what is due -------------------------------------------------------------------------------------------------------
def _due(now: datetime) -> ColumnElement[bool]:
    e, c = t.enrollment.c, t.campaign.c
    running = select(c.id).where(live(), c.status == "active")
    return and_(e.state == "active", e.next_run_at <= now, e.campaign_id.in_(running))


def waiting(tx: ReadTx) -> int:
    """How many steps are due now."""
    query = select(func.count()).select_from(t.enrollment).where(_due(tx.now))
    return int(tx.conn.execute(query).scalar_one())


def run_due(office: Office, *, limit: int, may_go_on: Callable[[], bool]) -> int:
    """Carry out at most `limit` steps that are due, the longest waiting first. Answers how many were looked at.

    May be called any number of times by any number of processes: what one carries out, another finds done.
    """
    e = t.enrollment.c
    with office.store.read() as tx:
        query = select(e.id, e.lead_id).where(_due(tx.now)).order_by(e.next_run_at, e.id).limit(limit)
        found = tx.conn.execute(query).all()
    done = 0
    known: dict[tuple[int, int], tuple[DripStep, ...]] = {}
    for place, (enrollment_id, lead_id) in enumerate(found):
        if place % 10 == 9 and not may_go_on():
            break
        try:
            with office.as_system() as tx:
                done += run_one(tx, enrollment_id, lead_id, known)
        except (Refused, UsageError) as error:  # a text that cannot be read, a template that was retired
            done += _give_up(office, enrollment_id, lead_id, error.message)
        except LeadtuiError:  # the database is out of reach
            raise
        except Exception as error:  # noqa: BLE001 - one lead must not stop the others
            log_exception(error)
            words = f"an error of the program ({type(error).__name__}); the log has more"
            done += _give_up(office, enrollment_id, lead_id, words)
    return done


def run_one(tx: WriteTx, enrollment_id: int, lead_id: int, known: dict[tuple[int, int], tuple[DripStep, ...]]) -> bool:
    """Carry out the due step of one enrollment. False: another does or did it, or it is not due any more.

    `known` remembers steps by drip and version: a version never changes.
    """
    lead = locked(tx, lead_id)
    e = t.enrollment.c
    if lead is None or not claim(tx, t.enrollment, [e.id == enrollment_id, _due(tx.now)], order=e.id, limit=1):
        return False
    row = tx.conn.execute(select(t.enrollment).where(e.id == enrollment_id)).mappings().one()
    drip = tx.conn.execute(select(t.campaign).where(t.campaign.c.id == row["campaign_id"])).mappings().one()
    over = ended_reason(tx, lead) or ("reply" if _answered(tx, row) else None)
    if over is not None:
        return end(tx, row, over)
    version = (drip["id"], row["version"])
    steps = known[version] = known.get(version) or steps_of(tx, *version)
    at = row["current_step"]
    if at >= len(steps):
        return _complete(tx, drip, row, at)
    because = {"drip": drip["key"], "enrollment": row["id"], "step": at}
    result = _carry_out(tx, _Case(drip, row, lead, steps[at], because))
    if result.stop is not None:
        return end(tx, row, result.stop, detail=result.detail)
    if result.pause is not None:
        return pause(tx, row, result.pause, result.detail)
    if result.again is not None:
        return move(tx, row, {"next_run_at": result.again}, "step")
    return _advance(tx, drip, row, steps, result.base or tx.now)


def _advance(
    tx: WriteTx, drip: Mapping[Any, Any], row: Mapping[Any, Any], steps: Sequence[DripStep], base: datetime
) -> bool:
    """The step is carried out: `current_step` + 1, last executed now, the next one after its delay (spec §Q 144)."""
    following = row["current_step"] + 1
    if following >= len(steps):
        return _complete(tx, drip, row, following)
    at = base + timedelta(minutes=steps[following].delay_minutes)
    values = {"current_step": following, "last_executed_at": tx.now, "next_run_at": at, "reason": None, "detail": None}
    return _moved(tx, row, values)


def _complete(tx: WriteTx, drip: Mapping[Any, Any], row: Mapping[Any, Any], step: int) -> bool:
    values = {
        "state": "completed", "current_step": step, "last_executed_at": tx.now, "next_run_at": None, "reason": None,
        "detail": None, "ended_at": tx.now,
    }  # fmt: skip
    w.add_activity(tx, row["lead_id"], "campaign", f"{drip['name']} completed", metadata_json={"drip": drip["key"]})
    return _moved(tx, row, values)


def _moved(tx: WriteTx, row: Mapping[Any, Any], values: Mapping[str, Any]) -> bool:
    if not move(tx, row, values, "step"):
        raise Refused("the lead was moved on by another process", code="conflict")  # takes back what was written
    return True


def pause(tx: WriteTx, row: Mapping[Any, Any], reason: str, detail: str | None) -> bool:
    """Let an enrollment wait for a person, and say so on the lead's timeline. The step stays to be done."""
    values = {"state": "paused", "reason": reason, "detail": (detail or "")[:255] or None}
    if not move(tx, row, values, "pause"):
        return False
    name = tx.conn.execute(select(t.campaign.c.name).where(t.campaign.c.id == row["campaign_id"])).scalar_one()
    words = f"{name} waits: {REASONS.get(reason, reason)}"
    w.add_activity(tx, row["lead_id"], "campaign", words, detail)
    return True


def _give_up(office: Office, enrollment_id: int, lead_id: int, words: str) -> bool:
    """A step that cannot be carried out waits for a person, with the words; the others are not held up."""
    _LOG.warning("a step of a drip was not carried out (enrollment %d): %s", enrollment_id, words)
    with office.as_system() as tx:
        e = t.enrollment.c
        if locked(tx, lead_id) is None:
            return False
        if not claim(tx, t.enrollment, [e.id == enrollment_id, _due(tx.now)], order=e.id, limit=1):
            return False
        row = tx.conn.execute(select(t.enrollment).where(e.id == enrollment_id)).mappings().one()
        return pause(tx, row, "failed", words)


def _answered(tx: ReadTx, row: Mapping[Any, Any]) -> bool:
    """Whether the lead wrote since it was enrolled: its event may not have been handled yet."""
    m = t.message.c
    query = select(m.id).where(m.lead_id == row["lead_id"], m.direction == "in", m.created_at > row["enrolled_at"])
    return tx.conn.execute(query.limit(1)).first() is not None


# -- carrying out ------------------------------------------------------------------------------------------------------
def _carry_out(tx: WriteTx, case: _Case) -> _Done:
    match case.step.type:
        case "message":
            return _message(tx, case)
        case "wait_until":
            return _wait(tx, case)
        case kind:
            return _task(tx, case, kind)


def _message(tx: WriteTx, case: _Case) -> _Done:
    """Write to the lead: rendered now, refused when a value is missing; not in quiet hours."""
    step, drip, row = case.step, case.drip, case.enrollment
    opens = quiet_of(tx, drip).next_open(tx.now, tx.catalog.tz)
    if opens is not None and opens > tx.now:
        return _Done(again=opens)
    by = automatic.way(tx, step.channel or drip["channel"], case.lead, purpose="drip")
    if by.reason is not None and by.reason != automatic.NO_CHANNEL:
        stops = {"refused": "opt_out"}
        if by.reason in stops:
            return _Done(stop=stops[by.reason])
        return _Done(pause="lead_not_eligible", detail=by.words)
    text = text_for(tx, drip, case.lead, step)
    if text.missing:
        names = ", ".join(f"{{{one}}}" for one in text.missing)
        return _Done(pause="missing_value", detail=names)
    if by.channel is None:
        automatic.task_instead(tx, case.lead, by, text, because=case.because, to=step.to)
        return _Done()
    automatic.write(
        tx, case.lead, by, text, purpose="drip", dedupe_key=f"d{row['id']}:{row['current_step']}",
        campaign_id=drip["id"], enrollment_id=row["id"], step=row["current_step"],
    )  # fmt: skip
    return _Done()


def text_for(tx: ReadTx, drip: Mapping[Any, Any], lead: Mapping[Any, Any], step: DripStep) -> automatic.Text:
    """What a message step says to this lead now. Raises Invalid."""
    text = automatic.text_of(
        tx, lead, body=step.body, subject=step.subject or drip["subject"], template=step.template
    )  # fmt: skip
    if step.word != ALERT:
        return text
    return text.with_more(automatic.products_for(tx, lead))  # such an alert names what fits the lead


def quiet_of(tx: ReadTx, drip: Mapping[Any, Any]) -> QuietHours:
    """The quiet hours of a drip: its own, else the office's."""
    own = drip["quiet_hours"]
    return QuietHours.parse(str(tx.catalog.settings.get("quiet_hours") or "") if own is None else own)


def _task(tx: WriteTx, case: _Case, kind: str) -> _Done:
    step = case.step
    subject = automatic.line_of(tx, case.lead, step.subject or "")
    details = automatic.line_of(tx, case.lead, step.body) if step.body else None
    automatic.task(
        tx, case.lead, subject, details, because=case.because, to=step.to, context=step.context, type=kind
    )  # fmt: skip
    return _Done()


def _wait(tx: WriteTx, case: _Case) -> _Done:
    """Go on at a time of day, or when the lead is in a status or found by a filter; not longer than the timeout."""
    until = case.step.until
    if until is None:
        return _Done()
    if until.kind == "time":
        return _Done(base=until.next_moment(_minute_of(tx.now), tx.catalog.tz) or tx.now)
    if _has_come(tx, case.lead, until):
        return _Done()
    begun = case.enrollment["last_executed_at"] or case.enrollment["enrolled_at"]
    ends = begun + timedelta(minutes=case.step.delay_minutes) + until.timeout
    if tx.now < ends:
        return _Done(again=min(tx.now + LOOK_AGAIN, ends))
    if until.on_timeout == "stop":
        return _Done(stop="timeout", detail=until.text)
    return _Done()


def _minute_of(at: datetime) -> datetime:
    """The minute that runs, so that 09:00:30 is still 09:00."""
    return at.replace(second=0, microsecond=0)


def _has_come(tx: ReadTx, lead: Mapping[Any, Any], until: Until) -> bool:
    if until.kind == "where":
        return matches(tx, lead["id"], until.value)
    found = tx.catalog.find_stages(until.value or "")
    return lead["stage_id"] in {stage.id for stage in found}
