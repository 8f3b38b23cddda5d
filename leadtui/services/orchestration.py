"""Reaching a lead: the channels it answers on, one after another, until it answers (spec §R; setting `orchestration`).

What the office can send is a message, queued for its time; a call, a social network, a channel without an account are
tasks for a person (AJ27). An answer calls off what has not been sent yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import and_, or_, select

from leadtui.domain.orchestration import (
    BY_HAND,
    CHANNELS,
    DEFAULT,
    LAST,
    Preference,
    ReachPlan,
    ReachStep,
    Strategy,
    Talk,
    channels_of,
    delay_of,
    preferences,
    ranked,
)
from leadtui.errors import Invalid, Refused
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import automatic, consent, drip_events, messages
from . import lead_writes as w
from . import templates as kept
from .office import Office

PURPOSE: Final = "single"
KIND: Final = "reach"
"""The kind of the batch; its messages' keys begin so."""

_TYPES: Final = {"call": "phone", "email": "email", "sms": "sms", "whatsapp": "whatsapp"}
_ANSWERED: Final = frozenset({"positive", "neutral", "negative", "follow_up"})
_INBOUND: Final = frozenset({"in", "inbound"})
_SOCIAL: Final = frozenset({"social", "facebook", "instagram", "linkedin", "telegram", "tiktok", "twitter", "x"})
"""Custom fields that say where a lead is found on social networks."""


def strategy_of(tx: ReadTx) -> Strategy:
    """The office's setting."""
    return Strategy.parse(str(tx.catalog.settings.get("orchestration") or DEFAULT))


def plan(
    office: Office, ref: str | int, *, template: str | None = None, channels: int | str | None = None,
    delay: str | None = None,
) -> ReachPlan:  # fmt: skip
    """How the lead would be reached: the best `channels` of those it has, `delay` apart. Changes nothing.

    `template`: its text goes by every channel; where there is one named `TEMPLATE/sms`, that goes by this channel.
    Without it only the channels are shown. Raises NotFound, NotPermitted (`log`), Invalid.
    """
    with office.read() as tx:
        row = w.load(tx, w.resolve(tx, ref))
        w.allow(tx, row, "log")
        return _seen(tx, _plan(tx, row, template, channels, delay))


def _seen(tx: ReadTx, found: ReachPlan) -> ReachPlan:
    """The plan without the addresses that the actor's role does not see."""
    if not {"phone", "email"} & tx.actor.hidden_fields:
        return found
    return replace(found, steps=tuple(replace(one, address=None) for one in found.steps))


def reach(
    office: Office, ref: str | int, *, template: str, channels: int | str | None = None, delay: str | None = None
) -> tuple[ReachPlan, int | None]:
    """Do as planned: one batch, which undo takes back as far as nothing was sent. Answers the plan and the batch.

    Raises as `plan` does, and Refused when there is no way to this lead, or a value of the text is missing.
    """
    with office.write() as tx:
        row = w.open_for(tx, ref, "log")
        found = _plan(tx, row, template, channels, delay)
        if not found.steps:
            why = "; ".join(f"{channel}: {reason}" for channel, reason in found.left_out)
            raise Refused(f"there is no way to reach this lead ({why})", code="no_channel", field="ref")
        missing = sorted({name for one in found.steps for name in one.missing})
        if missing:
            names = ", ".join(f"{{{one}}}" for one in missing)
            raise Refused(f"the text needs {names}, and this lead has none", code="missing_value", field="template",
                          hint="fill it in, or give a default: {name|there}")  # fmt: skip
        batch = tx.open_batch(KIND, f"reach by {', '.join(one.channel for one in found.steps)}"[:255])
        tx.audit(KIND, "lead", row["id"], {}, {KIND: [one.channel for one in found.steps]})
        for one in found.steps:
            _do(tx, row, one, template, batch)
        return _seen(tx, found), batch


def _plan(
    tx: ReadTx, row: Mapping[Any, Any], template: str | None, channels: int | str | None, delay: str | None
) -> ReachPlan:
    strategy = strategy_of(tx)
    many = strategy.channels if channels is None else channels_of(channels)
    apart = strategy.delay if delay is None else delay_of(delay)
    ways = {channel: _way(tx, row, channel) for channel in CHANNELS}
    known = preferences(_talks(tx, row["id"]))
    usable = {channel: way for channel, way in ways.items() if way.reason in (None, automatic.NO_CHANNEL)}
    order = ranked(known, {channel: way.channel is not None for channel, way in usable.items()})
    names = _names(tx, template)
    steps = [
        _step(tx, row, usable[channel], known[channel], place, place * apart, names)
        for place, channel in enumerate(order[:many])
    ]
    left_out = [(channel, way.words) for channel, way in ways.items() if channel not in usable]
    left_out += [(channel, "others go first") for channel in order[many:]]
    return ReachPlan(row["id"], row["number"], template, tuple(steps), tuple(left_out))


def _way(tx: ReadTx, row: Mapping[Any, Any], channel: str) -> automatic.Way:
    """How the lead is found on a channel; those for people need only the person and the number."""
    if channel not in BY_HAND:
        return automatic.way(tx, channel, row, purpose=PURPOSE)
    if row["consent"] == consent.REFUSED:
        return automatic.Way(channel, reason="refused")
    if channel == "phone":
        reason = automatic.NO_CHANNEL if row["phone_e164"] else "no_address"
        return automatic.Way(channel, None, row["phone_e164"], reason)
    has = next(
        (value for key, value in w.custom_of(tx, row["id"]).items() if key.casefold() in _SOCIAL and value), None
    )
    return automatic.Way(channel, None, has, automatic.NO_CHANNEL if has else "no_address")


def _talks(tx: ReadTx, lead_id: int) -> list[Talk]:
    """The last communications with a lead, the newest first. What the program sent stands there, too."""
    a = t.activity.c
    query = (
        select(a.type, a.direction, a.channel, a.outcome)
        .where(
            a.lead_id == lead_id, a.completed_at.is_not(None), a.cancelled_at.is_(None),
            or_(a.type.in_(list(_TYPES)), and_(a.type == "other", a.channel == "social")),
        )
        .order_by(a.completed_at.desc(), a.id.desc())
        .limit(LAST)
    )  # fmt: skip
    return [
        Talk(_TYPES.get(r.type, "social"), r.direction in _INBOUND, r.outcome in _ANSWERED)
        for r in tx.conn.execute(query)
    ]


# -- the words ---------------------------------------------------------------------------------------------------------
def _names(tx: ReadTx, template: str | None) -> dict[str, str]:
    """Which template goes by which channel: `NAME/sms` where there is one, else `NAME` (raises Invalid without it)."""
    if template is None:
        return {}
    c = t.template.c
    own = {f"{template}/{channel}": channel for channel in CHANNELS}
    query = select(c.name).where(c.name.in_(list(own)), c.is_active.is_(True))
    found = {own[name]: name for name in tx.conn.execute(query).scalars()}
    if len(found) < len(CHANNELS):
        kept.find(tx, template)
    return {channel: found.get(channel, template) for channel in CHANNELS}


def _step(
    tx: ReadTx, row: Mapping[Any, Any], by: automatic.Way, known: Preference, place: int, after: timedelta,
    names: Mapping[str, str],
) -> ReachStep:  # fmt: skip
    name = names.get(by.word)
    text = automatic.Text(None, "")
    if name is not None:
        text = automatic.text_of(tx, row, body=None, subject=None, template=name)
        made_for = kept.find(tx, name)["channel"]
        if made_for is not None and by.channel is not None and made_for not in (by.word, by.channel):
            raise Invalid(f"the template '{name}' is for {made_for}, not for {by.word}", field="template",
                          hint=f"keep one named '{name}/{by.word}'")  # fmt: skip
    is_task = by.channel is None
    return ReachStep(
        channel=by.word, by=by.channel, address=by.address, priority=place + 1, at=tx.now + after, preference=known,
        kind="task" if is_task else "message", subject=text.subject, text=text.body,
        missing=text.missing, reason=_why_by_hand(by) if is_task else None,
    )  # fmt: skip


def _why_by_hand(by: automatic.Way) -> str:
    return "a person does this" if by.word in BY_HAND else by.words


def _do(tx: WriteTx, row: Mapping[Any, Any], one: ReachStep, template: str | None, batch: int) -> None:
    by = automatic.Way(one.channel, one.by, one.address, None if one.by else automatic.NO_CHANNEL)
    minutes = int((one.at - tx.now).total_seconds() // 60)
    because = {KIND: batch, "channel": one.channel}
    if one.kind == "message":
        text = automatic.text_of(tx, row, body=None, subject=None, template=_names(tx, template)[one.channel])
        automatic.write(
            tx, row, by, text, purpose=PURPOSE, dedupe_key=f"{KIND}{batch}:{one.priority}",
            next_at=one.at if minutes else None, batch_id=batch, is_urgent=not minutes,
        )  # fmt: skip
        return
    what = {"phone": "Call {name}", "social": "Write to {name} on a social network"}
    subject = automatic.line_of(tx, row, what.get(one.channel, f"Send {{name}} a message by {one.channel}"))
    parts = [f"Not sent by itself: {one.reason}." if one.channel not in BY_HAND else "", one.address or "", one.text]
    details = "\n\n".join(part for part in parts if part)
    automatic.task(tx, row, subject, details, because=because, delay_minutes=minutes)


def on_reply(tx: WriteTx, event: Any) -> None:
    """Handler: the lead answered; what was to be tried next is not sent."""
    if event.lead_id is None or drip_events.locked(tx, event.lead_id) is None:
        return
    m = t.message.c
    mine = (m.lead_id == event.lead_id, m.purpose == PURPOSE, m.dedupe_key.like(f"{KIND}%"), m.created_at <= event.at)
    for message_id in tx.conn.execute(select(m.id).where(*mine).order_by(m.id)).scalars().all():
        messages.cancel_one(tx, message_id)
