"""A drip as one lead would get it, were it enrolled now. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from leadtui.domain import templates as texts
from leadtui.domain.drips import DripStep, StepPreview
from leadtui.errors import Invalid
from leadtui.store.unit_of_work import ReadTx

from . import automatic
from . import lead_writes as w
from .drip_rows import KIND, find, steps_of
from .drip_steps import quiet_of, text_for
from .office import Office


def preview(
    office: Office,
    what: str | int | Sequence[DripStep],
    ref: str | int,
    *,
    channel: str | None = None,
    subject: str | None = None,
    quiet_hours: str | None = None,
) -> tuple[StepPreview, ...]:
    """Each step as this lead would get it, were it enrolled now: when, by which way, in which words. Changes nothing.

    `what` is a drip, or steps that are being written (`channel`, `subject`: the drip's). Raises NotFound, Invalid.
    """
    with office.read() as tx:
        if isinstance(what, str | int):
            drip = dict(find(tx, what))
            steps = steps_of(tx, drip["id"], drip["current_version"])
        else:
            drip = {"channel": channel or "whatsapp", "subject": subject, "quiet_hours": quiet_hours}
            steps = tuple(what)
        lead = w.load(tx, w.resolve(tx, ref))
        found, at = [], tx.now
        for order, one in enumerate(steps):
            at += timedelta(minutes=one.delay_minutes)
            if one.type == "message":
                at = quiet_of(tx, drip).next_open(at, tx.catalog.tz) or at
            elif one.until is not None:
                at = one.until.next_moment(at, tx.catalog.tz) or at
            found.append(_step_preview(tx, drip, lead, order, one, at))
        return tuple(found)


def _step_preview(
    tx: ReadTx, drip: Mapping[str, Any], lead: Mapping[Any, Any], order: int, one: DripStep, at: datetime
) -> StepPreview:
    if one.type == "wait_until":
        return StepPreview(order, one, at, text=one.until.text if one.until else "")
    if one.type != "message":
        details = automatic.line_of(tx, lead, one.body) if one.body else ""
        return StepPreview(order, one, at, subject=automatic.line_of(tx, lead, one.subject or ""), text=details)
    by = automatic.way(tx, one.channel or drip["channel"], lead, purpose=KIND)
    hidden = tx.actor.hidden_fields
    address = None if {"phone", "email"} & hidden else by.address
    try:
        for said in (one.body, one.subject or drip["subject"]):  # what the role does not see, it is not shown here
            texts.parse(said or "", hidden=hidden)
        text = text_for(tx, drip, lead, one)
    except Invalid as error:
        return StepPreview(order, one, at, by.channel, address, reason=error.message)
    return StepPreview(order, one, at, by.channel, address, text.subject, text.body, text.missing, by.words or None)
