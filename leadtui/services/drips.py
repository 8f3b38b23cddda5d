"""Drips: made, changed, started and stopped; what a person does with them and with the leads in them (spec §Q).

A drip is a campaign of the kind `drip`. A change of its steps makes a new version, for leads enrolled from then on;
those that are in it go on with theirs. `drip_enrolling` puts leads in, `drip_events` does so by rules and takes them
out, `drip_steps` carries out what is due. What was sent is final: stopping calls off only what waits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, func, select, update

from leadtui.domain.drips import STATES, DripDetail, DripRow, DripStep, EnrollmentRow, check_move
from leadtui.errors import NotFound, NotPermitted, Refused, UsageError
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id

from . import lead_writes as w
from . import messages
from .campaign_rows import change, check_version
from .drip_enrolling import end, enroll, move
from .drip_preview import preview
from .drip_rows import (
    KIND,
    OPEN,
    drip_row,
    drip_rows,
    enrollment_rows,
    find,
    joined,
    live,
    locked,
    steps_of,
    versions_of,
    write_steps,
)
from .drip_steps import run_due, waiting
from .drip_values import checked_steps, columns_of
from .office import Office

__all__ = [
    "create", "delete", "edit", "enroll", "enrollments", "enrollments_of_lead", "list_all", "pause", "preview",
    "resume", "run_due", "show", "stop", "waiting",
]  # fmt: skip


# -- reading -----------------------------------------------------------------------------------------------------------
def list_all(office: Office) -> tuple[DripRow, ...]:
    """All drips by name. Needs the action `campaign`."""
    with office.read() as tx:
        w.require(tx, "campaign")
        c = t.campaign.c
        rows = tx.conn.execute(select(t.campaign).where(live()).order_by(func.lower(c.name), c.id)).mappings().all()
        return tuple(drip_rows(tx, rows))


def show(office: Office, ref: str | int, *, version: int | None = None) -> DripDetail:
    """A drip with the steps of its present version, or of another. Raises NotFound."""
    with office.read() as tx:
        w.require(tx, "campaign")
        return _detail(tx, find(tx, ref), version)


def _detail(
    tx: ReadTx, row: Mapping[Any, Any], version: int | None = None, *, warnings: tuple[str, ...] = ()
) -> DripDetail:
    wanted, versions = version or row["current_version"], versions_of(tx, row["id"])
    if wanted not in versions:
        hint = "one of: " + ", ".join(map(str, versions))
        raise NotFound(f"the drip '{row['name']}' has no version {wanted}", field="version", hint=hint)
    e = t.enrollment.c
    query = select(e.version, func.count()).where(e.campaign_id == row["id"], e.state.in_(OPEN)).group_by(e.version)
    counted = {r[0]: r[1] for r in tx.conn.execute(query)}
    return DripDetail(drip_row(tx, row), wanted, steps_of(tx, row["id"], wanted), versions, counted, warnings)


def enrollments(
    office: Office,
    ref: str | int | None = None,
    *,
    lead: str | int | None = None,
    state: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[int, tuple[EnrollmentRow, ...]]:
    """Who is or was in a drip (in all of them without `ref`), or in which drips a lead is; the newest first.

    `state` is one of STATES, or `open`. Of a lead whoever may read it sees them; else the action `campaign` is needed.
    """
    with office.read() as tx:
        e = t.enrollment.c
        wanted = [live(), t.lead.c.deleted_at.is_(None)]
        if lead is not None:
            wanted.append(e.lead_id == w.resolve(tx, lead))
        else:
            w.require(tx, "campaign")
            wanted.append(scope_clause(tx.actor, "campaign"))
        if ref is not None:
            wanted.append(e.campaign_id == find(tx, ref)["id"])
        if state is not None:
            wanted.append(_in_state(state))
        found = and_(*wanted)
        total = int(tx.conn.execute(select(func.count()).select_from(joined()).where(found)).scalar_one())
        return total, tuple(enrollment_rows(tx, found, limit=limit, offset=offset))


def _in_state(state: str) -> Any:
    if state == "open":
        return t.enrollment.c.state.in_(OPEN)
    if state not in STATES:
        hint = "one of: " + ", ".join((*STATES, "open"))
        raise UsageError(f"no enrollment is '{state[:40]}'", field="state", hint=hint)
    return t.enrollment.c.state == state


def enrollments_of_lead(office: Office, ref: str | int) -> tuple[EnrollmentRow, ...]:
    """The drips a lead is or was in, the newest first."""
    return enrollments(office, lead=ref)[1]


# -- making and changing -----------------------------------------------------------------------------------------------
def create(office: Office, values: Mapping[str, Any], steps: Sequence[DripStep]) -> DripDetail:
    """Make a drip and start it, unless `draft` says not to. `values` are those of `drip_values.KEYS`, as typed.

    Raises Invalid naming what is wrong, a step's as `steps[2].body`; Duplicate, NotPermitted.
    """
    with office.write() as tx:
        w.require(tx, "campaign")
        columns = columns_of(tx, values, None)
        templates = checked_steps(tx, steps, channel=columns["channel"], subject=columns["subject"])
        is_draft = str(values.get("draft") or "").strip().lower() in {"yes", "true", "1", "y"}
        drip_id = insert_id(
            tx.conn, t.campaign, kind=KIND, status="draft" if is_draft else "active",
            started_at=None if is_draft else tx.now, current_version=1, created_by_id=tx.actor.user_id,
            created_at=tx.now, updated_at=tx.now, **columns,
        )  # fmt: skip
        write_steps(tx, drip_id, 1, steps, templates)
        tx.audit("create", "drip", drip_id, None, columns | {"steps": [one.text for one in steps]})
        tx.flush()
        return _detail(tx, find(tx, drip_id))


def edit(
    office: Office,
    ref: str | int,
    values: Mapping[str, Any] | None = None,
    steps: Sequence[DripStep] | None = None,
    *,
    version: int | None = None,
) -> DripDetail:
    """Change a drip. Other steps are its next version: leads that are in it keep theirs.

    `version` is the drip's `row_version` as it was read. Raises as `create` does, and EditedElsewhere.
    """
    with office.write() as tx:
        row = _mine(tx, ref)
        check_version(tx, row, version)
        columns = columns_of(tx, dict(values or {}), row)
        channel, subject = columns.get("channel", row["channel"]), columns.get("subject", row["subject"])
        had = steps_of(tx, row["id"], row["current_version"])
        templates = checked_steps(tx, had if steps is None else steps, channel=channel, subject=subject)
        warnings: tuple[str, ...] = ()
        if steps is not None and tuple(steps) != had:
            number = max(versions_of(tx, row["id"])) + 1
            write_steps(tx, row["id"], number, steps, templates)
            columns["current_version"] = number
            before, now = [one.text for one in had], [one.text for one in steps]
            tx.audit("steps", "drip", row["id"], {"steps": before}, {"steps": now, "version": number})
            warnings = _kept(tx, row)
        change(tx, row, columns, "edit")
        return _detail(tx, find(tx, row["id"]), warnings=warnings)


def _kept(tx: ReadTx, row: Mapping[Any, Any]) -> tuple[str, ...]:
    """What is to be said when steps change under leads."""
    e = t.enrollment.c
    query = select(func.count()).select_from(t.enrollment).where(e.campaign_id == row["id"], e.state.in_(OPEN))
    count = tx.conn.execute(query).scalar_one()
    return (f"{count:,} leads that are in it go on with the steps they began with",) if count else ()


def _mine(tx: WriteTx, ref: str | int) -> Mapping[Any, Any]:
    """The drip, if the actor may change it: his own, or with the right to campaigns for all leads."""
    w.require(tx, "campaign")
    row = locked(tx, ref)
    if tx.actor.scope("campaign") != "all" and row["created_by_id"] != tx.actor.user_id:
        raise NotPermitted(f"the drip '{row['name']}' is not yours to change", field="drip")
    return row


def delete(office: Office, ref: str | int) -> DripRow:
    """Put a drip away: its leads come out of it, what waits is called off. What was sent stays where it is."""
    with office.write() as tx:
        row = _mine(tx, ref)
        _end_all(tx, row, "drip_deleted")
        change(tx, row, {"deleted_at": tx.now}, "delete")
        return drip_row(tx, row)


# -- pause, resume, stop -----------------------------------------------------------------------------------------------
def pause(
    office: Office, ref: str | int | None = None, *, leads: Sequence[str | int] = (), enrollment: int | None = None,
    reason: str | None = None,
) -> DripRow | tuple[EnrollmentRow, ...]:  # fmt: skip
    """Hold a whole drip, or only some leads in it, or one enrollment by its id. Nothing is lost: `resume` goes on."""
    if not leads and enrollment is None:
        return _set_status(office, ref, "paused", reason)
    why = w.reason_text(reason)

    def work(tx: WriteTx, row: Mapping[Any, Any]) -> None:
        if row["state"] != "active":
            raise Refused("it is paused already", code="paused", field="enrollment")
        values = {"state": "paused", "reason": "by_hand", "detail": (why or "")[:255] or None}
        move(tx, row, values, "pause")

    return _each(office, ref, leads, enrollment, work)


def resume(
    office: Office, ref: str | int | None = None, *, leads: Sequence[str | int] = (), enrollment: int | None = None
) -> DripRow | tuple[EnrollmentRow, ...]:
    """Start a draft, go on with a paused or stopped drip, or with leads that were held in it.

    A step that was due meanwhile is carried out at once, those after it each after its own delay.
    """
    if not leads and enrollment is None:
        return _set_status(office, ref, "active", None)

    def work(tx: WriteTx, row: Mapping[Any, Any]) -> None:
        if row["state"] != "paused":
            raise Refused("it is not paused", code="not_paused", field="enrollment")
        values = {"state": "active", "reason": None, "detail": None, "next_run_at": row["next_run_at"] or tx.now}
        move(tx, row, values, "resume")

    return _each(office, ref, leads, enrollment, work)


def stop(
    office: Office, ref: str | int | None = None, *, leads: Sequence[str | int] = (), enrollment: int | None = None,
    reason: str | None = None,
) -> DripRow | tuple[EnrollmentRow, ...]:  # fmt: skip
    """End a drip for all its leads, or for some, or one enrollment. What waits to be sent is called off."""
    if not leads and enrollment is None:
        return _set_status(office, ref, "cancelled", reason)
    why = w.reason_text(reason)
    return _each(office, ref, leads, enrollment, lambda tx, row: _ended(tx, row, why))


def _ended(tx: WriteTx, row: Mapping[Any, Any], why: str | None) -> None:
    end(tx, row, "by_hand", detail=(why or "")[:255] or None)


def _set_status(office: Office, ref: str | int | None, to: str, reason: str | None) -> DripRow:
    if ref is None:
        raise UsageError("which drip?", field="drip", hint="its key, such as new_lead_welcome")
    with office.write() as tx:
        row = _mine(tx, ref)
        check_move(row["status"], to, row["name"])
        columns: dict[str, Any] = {"status": to, "pause_text": w.reason_text(reason) if to != "active" else None}
        columns["pause_reason"] = None if to == "active" else "by_hand"
        if to == "active" and row["started_at"] is None:
            columns["started_at"] = tx.now
        if to == "cancelled":
            _end_all(tx, row, "drip_stopped")
        change(tx, row, columns, {"active": "resume", "paused": "pause", "cancelled": "stop"}[to])
        return drip_row(tx, find(tx, row["id"]))


def _end_all(tx: WriteTx, row: Mapping[Any, Any], reason: str) -> None:
    """Every lead comes out of the drip, in one statement: there may be very many."""
    e = t.enrollment.c
    mine = and_(e.campaign_id == row["id"], e.state.in_(OPEN))
    values = {"state": "stopped", "reason": reason, "detail": None, "ended_at": tx.now, "next_run_at": None}
    count = tx.conn.execute(update(t.enrollment).where(mine).values(**values)).rowcount
    called_off = messages.cancel_waiting(tx, "enrollment_ended", campaign_id=row["id"])
    tx.audit("end_all", "drip", row["id"], None, {"leads": count, "messages": called_off, "reason": reason})


def _each(
    office: Office, ref: str | int | None, leads: Sequence[str | int], enrollment: int | None, work: Any
) -> tuple[EnrollmentRow, ...]:
    """Do something with open enrollments, all or none: who may write to the lead may do it."""
    with office.write() as tx:
        rows = _open_ones(tx, ref, leads, enrollment)
        for row in rows:
            w.open_for(tx, int(row["lead_id"]), "log")
            work(tx, row)
        tx.flush()
        ids = [row["id"] for row in rows]
        return tuple(enrollment_rows(tx, t.enrollment.c.id.in_(ids)))


def _open_ones(
    tx: WriteTx, ref: str | int | None, leads: Sequence[str | int], enrollment: int | None
) -> Sequence[Mapping[Any, Any]]:
    e = t.enrollment.c
    if enrollment is not None:
        mine = [e.id == enrollment]
    else:
        ids = {w.resolve(tx, one) for one in leads}
        mine = [e.lead_id.in_(ids)] + ([e.campaign_id == find(tx, ref)["id"]] if ref is not None else [])
    query = select(t.enrollment).where(e.state.in_(OPEN), *mine).order_by(e.lead_id, e.id)
    found = tx.conn.execute(query).mappings().all()
    if enrollment is None and (out := ids - {row["lead_id"] for row in found}):
        number = tx.conn.execute(select(t.lead.c.number).where(t.lead.c.id == min(out))).scalar_one()
        raise NotFound(f"the lead {number} is in no such drip", field="ref", hint="see: leadtui drip show DRIP")
    if not found:
        raise NotFound(f"there is no open enrollment {enrollment}", field="enrollment")
    return found
