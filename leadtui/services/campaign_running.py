"""Running a campaign: start, pause, go on, call off; trying failures again, settling what is unknown (spec §P 130–136).

A start is: rehearse, compare with the count that was confirmed, mark it active, fix its audience. From then on the
engine sends what waits, as long as the campaign is active; a pause is seen by the next claim.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select

from leadtui.domain.campaigns import BROADCAST, REOPENED, CampaignDone, check_move
from leadtui.errors import Invalid, Refused
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import clean_line

from . import audience, channels, freezing, messages, rehearsal, sending
from . import lead_writes as w
from .audience import Look, Texts
from .campaign_rows import Row, change, check_version, found, reopen, row_of
from .freezing import Progress, ShouldStop, subject_of
from .messages import MessageRow, Resolved
from .office import Office
from .rehearsal import Rehearsal

_CANCELLED_AT_ONCE: Final = 1_000


# -- start ---------------------------------------------------------------------------------------------------------
def start(
    office: Office,
    ref: str | int,
    *,
    confirm: int | None = None,
    skip_missing: bool = False,
    version: int | None = None,
    dry_run: bool = False,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> CampaignDone:
    """Begin a draft, a scheduled campaign, or one whose time was missed; one that stood still goes on (no rehearsal).

    `confirm` is the count of the rehearsal that somebody typed. Stopped in the middle of fixing its audience, it stays
    active, and the worker goes on with that. Raises Refused: `count_differs` (data: count), `missing_values` (data:
    count, by_field, examples), `empty_audience`, `channel_not_ready`; IllegalMove; EditedElsewhere.
    """
    with office.read() as tx:
        row = found(tx, ref)
        check_version(tx, row, version)
        check_move(row["status"], "active")
        goes_on = row["started_at"] is not None
        told = (
            None if goes_on else rehearsal.of_row(tx, office, row, skip_missing=skip_missing, should_stop=should_stop)
        )
        now = row_of(tx, row["id"])
    if told is None:
        return CampaignDone(now, dry_run=True) if dry_run else resume(office, row["id"])
    _refuse(told, confirm)
    if dry_run:
        return CampaignDone(now, warnings=told.warnings, dry_run=True)
    with office.write() as tx:
        begin(tx, found(tx, row["id"]), tx.actor.user_id, skip_missing=told.skip_missing, version=row["version"])
    freezing.freeze(office, row["id"], on_progress, should_stop)
    with office.read() as tx:
        return CampaignDone(row_of(tx, row["id"]), warnings=told.warnings)


def begin(tx: WriteTx, row: Row, user_id: int, *, skip_missing: bool, version: int, by_itself: bool = False) -> None:
    """Mark a locked campaign active; its audience is that of this moment, as far as new leads go.

    `by_itself`: the worker goes on with fixing it at once; else it leaves that to whoever started it.

    Raises IllegalMove where somebody was quicker, EditedElsewhere where it was changed since it was rehearsed.
    """
    check_move(row["status"], "active")
    check_version(tx, row, version)
    newest = tx.conn.execute(select(func.max(t.lead.c.id))).scalar() or 0
    options = {**(row["options_json"] or {}), "acting": user_id, "upto": int(newest), "by_itself": by_itself}
    if skip_missing:
        options["skip_missing"] = True
    columns = {
        "status": "active", "started_at": tx.now, "frozen_at": None, "completed_at": None, "pause_reason": None,
        "pause_text": None, "failure_streak": 0, "options_json": options,
    }  # fmt: skip
    change(tx, row, columns, "start")


def _refuse(told: Rehearsal, confirm: int | None) -> None:
    """Raises Refused for what stands against a start, the most telling first."""
    if told.missing_count and not told.skip_missing:
        examples = ", ".join(told.missing_leads)
        raise Refused(
            told.problems[-1], code="missing_values", field="template",
            hint=f"such as {examples}: give a default ({{name|there}}), fill the values in, or leave them out"
            " with --skip-missing",
            data={"count": told.missing_count, "by_field": dict(told.missing), "examples": list(told.missing_leads)},
        )  # fmt: skip
    if not told.to_send:
        why = ", ".join(f"{count:,} {audience.REASONS.get(code, code)}" for code, count in told.by_reason.items())
        raise Refused(
            "there is nobody to send to", code="empty_audience", field="where",
            hint=f"of {told.found:,} leads: {why}" if why else "the filter finds no active lead",
        )  # fmt: skip
    if told.problems:
        raise Refused(
            told.problems[0], code="channel_not_ready", field="channel",
            hint=f"leadtui channel probe {told.channel}",
        )  # fmt: skip
    if confirm is not None and confirm != told.to_send:
        raise Refused(
            f"it would go to {told.to_send:,} leads, not {confirm:,}", code="count_differs", field="confirm",
            hint=f"look at the preview, then confirm {told.to_send}", data={"count": told.to_send},
        )  # fmt: skip


# -- pause, go on, call off ----------------------------------------------------------------------------------------
def pause(office: Office, ref: str | int, reason: str | None = None) -> CampaignDone:
    """Let it stand still: nothing more is begun from the next claim on. Raises IllegalMove unless it is active."""
    words = clean_line(reason or "", field="reason", limit=255) or None
    with office.write() as tx:
        row = found(tx, ref)
        check_move(row["status"], "paused")
        change(tx, row, {"status": "paused", "pause_reason": "by_hand", "pause_text": words}, "pause")
        return CampaignDone(row_of(tx, row["id"]))


def resume(office: Office, ref: str | int) -> CampaignDone:
    """Go on where it stood still. Raises IllegalMove; Refused for one that was never begun: that one is started."""
    with office.write() as tx:
        row = found(tx, ref)
        if row["status"] != "paused":
            check_move(row["status"], "active")
            raise Refused(f"'{row['name']}' is {row['status']}, not paused", code="not_paused", field="status",
                          hint="start it instead")  # fmt: skip
        if row["started_at"] is None:
            hint = f"leadtui campaign start {row['id']}"
            raise Refused(f"'{row['name']}' was never begun: start it", code="not_begun", field="status", hint=hint)
        columns = {"status": "active", "pause_reason": None, "pause_text": None, "failure_streak": 0}
        change(tx, row, columns, "resume")
        reason = channels.problem(tx, office, row["channel"])
        warnings = (f"the channel {row['channel']} is not ready: {reason}",) if reason else ()
        return CampaignDone(row_of(tx, row["id"]), warnings=warnings)


def cancel(office: Office, ref: str | int, *, dry_run: bool = False) -> CampaignDone:
    """Call it off for good: what was sent stays as it is, what waits is never sent. Raises IllegalMove."""
    if dry_run:
        with office.read() as tx:
            row = found(tx, ref)
            check_move(row["status"], "cancelled")
            return CampaignDone(row_of(tx, row["id"]), dry_run=True)
    with office.write() as tx:
        row = found(tx, ref)
        check_move(row["status"], "cancelled")
        change(tx, row, {"status": "cancelled", "scheduled_at": None, "completed_at": tx.now}, "cancel")
    while call_off(office, row["id"]):
        pass
    with office.read() as tx:
        return CampaignDone(row_of(tx, row["id"]))


def call_off(office: Office, campaign_id: int) -> int:
    """Skip some of the messages that still wait, in a transaction of their own; answers how many."""
    with office.as_system() as tx:
        return messages.cancel_waiting(tx, "cancelled", campaign_id=campaign_id, limit=_CANCELLED_AT_ONCE)


# -- what failed, what nobody knows --------------------------------------------------------------------------------
def retry_failed(
    office: Office, ref: str | int, ids: Iterable[int] | None = None, *, dry_run: bool = False
) -> Resolved:
    """Send failures again, all or the messages named; only what trying again may mend. One that was completed runs on.

    `dry_run` answers how many would be. Raises IllegalMove for a campaign that was called off.
    """
    with office.read() as tx:
        row = found(tx, ref)
        if (row["status"], "active") != REOPENED and row["status"] not in {"active", "paused"}:
            check_move(row["status"], "active")
        chosen = _own(tx, row, "failed", ids, *([messages.MAY_BE_MENDED] if ids is None else []))
    if dry_run:
        return Resolved(len(chosen))
    done = messages.retry(office, chosen)
    if done.count and row["status"] == REOPENED[0]:  # the worker would, too: a program may end here
        with office.write() as tx:
            reopen(tx, found(tx, row["id"]))
    return done


def resolve(
    office: Office,
    ref: str | int,
    ids: Iterable[int] | None,
    went: bool,
    *,
    note: str | None = None,
    dry_run: bool = False,
) -> Resolved:
    """Say of its messages of which nobody knows (all, or those named) whether they went; `dry_run` counts them."""
    with office.read() as tx:
        chosen = _own(tx, found(tx, ref), "unknown", ids)
    return Resolved(len(chosen)) if dry_run else messages.resolve(office, chosen, went, note=note)


def _own(tx: ReadTx, row: Row, state: str, ids: Iterable[int] | None, *wanted_too: ColumnElement[bool]) -> list[int]:
    """Its messages in a state; of those named, the ones that are its own. Raises Invalid for others."""
    m = t.message.c
    query = select(m.id).where(m.campaign_id == row["id"], m.purpose == BROADCAST).order_by(m.id)
    if ids is None:
        return list(tx.conn.execute(query.where(m.state == state, *wanted_too)).scalars())
    wanted = list(dict.fromkeys(ids))
    own = set(tx.conn.execute(query.where(m.id.in_(wanted))).scalars())
    for one in wanted:
        if one not in own:
            raise Invalid(f"message {one} is none of this campaign's", field="ids")
    return wanted


# -- a test to oneself ---------------------------------------------------------------------------------------------
def test(office: Office, ref: str | int, to: str | None = None, lead: str | int | None = None) -> MessageRow:  # noqa: PT028
    """Send its text, as one lead would get it, to an address of one's own: marked TEST, and not counted.

    `to` is the acting user's own phone or email when left out; `lead` the first of the audience.
    """
    with office.read() as tx:
        row = found(tx, ref)
        caps = channels.caps(tx, row["channel"])
        texts = Texts.read(row["template"], subject_of(row), row["provider_json"], tx.actor.hidden_fields)
        look = Look(tx, audience.stored_node(row["criteria_json"], tx.actor), row["channel"], texts)
        one = look.of_lead(_first(tx, look) if lead is None else w.resolve(tx, lead))
        text, subject, provider = texts.render(one.values, row["provider_json"])
        address = (to or "").strip() or _own_address(tx, caps.address)
    file = Path(row["attachment_path"]) if row["attachment_path"] else None
    return sending.send_test(
        office, row["channel"], address, text, subject=subject, campaign_id=row["id"], attachment=file,
        template=provider,
    )  # fmt: skip


def _first(tx: ReadTx, look: Look) -> int:
    """The first lead of an audience who would get a message; the first at all where none would."""
    first: int | None = None
    for chunk in look.chunks():
        for one in chunk:
            if one.reason is None:
                return int(one.row["id"])
            first = first or one.row["id"]
    if first is None:
        raise Refused("the filter finds no lead to show the text with", code="empty_audience", field="where",
                      hint="name one with --lead")  # fmt: skip
    return first


def _own_address(tx: ReadTx, kind: str) -> str:
    user: Any = tx.catalog.user_by_id.get(tx.actor.user_id)
    address = (
        (user.email if kind == "email" else user.phone or (user.email if kind == "any" else None)) if user else None
    )
    if not address:
        what = "email" if kind == "email" else "phone"
        raise Invalid(f"you have no {what} here", field="to", hint="name the address to send the test to")
    return str(address)
