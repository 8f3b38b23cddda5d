"""The one engine that sends messages: sweep, claim, judge, mark, call, write down (facts/messaging §4.3).

Any number of processes may run it at once. What a dead one leaves is swept up: `claimed` goes back to waiting, and
`sending` becomes `unknown`, which is never sent again by itself. Each channel is served in a thread of its own, so that
a slow one holds up none of the others.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import and_, func, or_, select

from leadtui.channels import registry
from leadtui.domain.message_states import WAITING
from leadtui.errors import Invalid, LeadtuiError, NotPermitted, Refused
from leadtui.store import schema as t
from leadtui.store.claims import claim, moment
from leadtui.store.unit_of_work import ReadTx
from leadtui.text import clean_block, clean_line

from . import message_moves as moves
from . import messages, suppressions, throttles
from . import sending_claims as claims
from . import sending_outcomes as outcomes
from .channel_accounts import caps as caps_of
from .channel_accounts import is_open, limits, problem
from .message_lists import MessageRow, detail, no_message, seen_by
from .sending_calls import Call, MayGoOn, deadline_of, opened
from .workers import has_ended

if TYPE_CHECKING:
    from leadtui.channels.port import Channel

    from .office import Office

Exclusive = Callable[[str], AbstractContextManager[bool]]
"""By the name of a lease: whether it is ours, for as long as the context lasts."""

TEST = "TEST: "
LIMIT = 200
"""So many messages of a channel in one call: then the lane looks around."""

POLLED_AGAIN = ((timedelta(minutes=10), timedelta(seconds=30)), (timedelta(hours=2), timedelta(minutes=10)))
"""Up to this age of a message, it is asked for again after so long; later every two hours, for three days."""
_POLL_LATE, _POLL_LONGEST, _POLL_AT_ONCE = timedelta(hours=2), timedelta(days=3), 100

_LOG = logging.getLogger("leadtui.sending")


# -- a round -----------------------------------------------------------------------------------------------------------
def send_due(
    office: Office, *, limit: int = LIMIT, may_go_on: MayGoOn, exclusive: Exclusive | None = None
) -> Mapping[str, int]:
    """Send what is due and permitted now, at most `limit` messages of each channel; what was counted, by name.

    `exclusive` takes the lease that some channels need; without it those are left alone. Returns at once when
    `may_go_on` says no: a message in flight then ends in its own thread, or becomes unknown.
    """
    done: Counter[str] = Counter({"messages_unknown": sweep(office)})
    with office.store.read() as tx:
        if tx.conn.execute(select(t.message.c.id).where(moves.IS_WAITING).limit(1)).first() is None:
            return +done
        channels = [name for name in registry.names() if is_open(tx, name) and claims.waiting_groups(tx, name)]
    stop = threading.Event()
    lanes = [_Lane(office, name, limit, stop, exclusive, may_go_on) for name in channels]
    if len(lanes) == 1:
        lanes[0].work()
    else:
        _side_by_side(lanes, stop, may_go_on)
    for lane in lanes:
        done += lane.done
    for lane in lanes:
        if lane.error is not None:
            raise lane.error
    return +done


def _side_by_side(lanes: list[_Lane], stop: threading.Event, may_go_on: MayGoOn) -> None:
    """Each channel in a thread of its own; this one asks whether to go on, for all of them."""
    threads = [threading.Thread(target=lane.work, daemon=True, name=f"leadtui-{lane.name}") for lane in lanes]
    for lane, thread in zip(lanes, threads, strict=True):
        lane.may_go_on = lambda: not stop.is_set()
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            thread.join(0.1)
        if not stop.is_set() and not may_go_on():
            stop.set()


class _Lane:
    """One channel in one round."""

    def __init__(
        self, office: Office, name: str, limit: int, stop: threading.Event, exclusive: Exclusive | None,
        may_go_on: MayGoOn,
    ) -> None:  # fmt: skip
        self.office, self.name, self.limit = office, name, limit
        self.may_go_on = may_go_on
        self.done: Counter[str] = Counter()
        self.error: Exception | None = None
        self._stop, self._exclusive = stop, exclusive

    def work(self) -> None:
        """Send what may go; an error of the program is kept for the caller."""
        try:
            channel = opened(self.office, self.name)
            if channel is None:
                return
            try:
                with self._alone(channel) as ours:
                    if ours:
                        self._rounds(channel)
            finally:
                channel.close()
        except Exception as error:  # noqa: BLE001 - the other channels go on; raised again by the caller
            self.error = error

    def _alone(self, channel: Channel) -> AbstractContextManager[bool]:
        lease = channel.caps().lease
        if lease is None:
            return nullcontext(True)
        return nullcontext(False) if self._exclusive is None else self._exclusive(lease)

    def _rounds(self, channel: Channel) -> None:
        """A few messages of each group in turn, until nothing moves."""
        moved = True
        while moved and self.done.total() < self.limit and self.may_go_on():
            with self.office.store.read() as tx:
                of = limits(tx, self.name)
                rooms = [(group, throttles.room(tx, group, of)[0]) for group in claims.waiting_groups(tx, self.name)]
            moved = False
            for group, free in rooms:
                most = min(free, 1 if channel.caps().is_local else claims.BATCH, self.limit - self.done.total())
                if most > 0 and self.may_go_on():
                    moved |= self._some(channel, group, most)

    def _some(self, channel: Channel, group: throttles.Group, most: int) -> bool:
        """Claim a few messages of a group and send them; whether any moved on."""
        ids, token = claims.claim_some(self.office, group, most)
        before = self.done.total()
        while ids and self.may_go_on():
            counted, then = one(self.office, channel, ids.pop(0), token, self.may_go_on)
            self.done[counted] += counted != "held"
            if then == "leave":
                self.may_go_on = lambda: False
            if then != "on":
                break
        claims.release(self.office, ids, token)
        self.done += Counter()
        return self.done.total() > before


Then = Literal["on", "group", "leave"]
"""What comes after a message: the next one, another group's, or nothing more on this channel: it hangs."""


def one(office: Office, channel: Channel, message_id: int, token: str, may_go_on: MayGoOn) -> tuple[str, Then]:
    """Send one claimed message: the name it counts by ("held": it waits), and what comes after it."""
    deadline = deadline_of(channel.caps())
    begun = claims.begin(office, message_id, token, deadline)
    if isinstance(begun, claims.Held):
        return "skipped" if begun.skipped else "held", "group" if begun.group else "on"
    call = Call(office, channel, begun, deadline)
    state = call.run(may_go_on)
    if not call.is_over:
        return "held" if state is None else outcomes.COUNTS.get(state, "sent"), "leave"
    if state is None or state == "held":
        return "held", "on"
    is_stopped = state in WAITING and _is_stopped(office, channel.name)
    return outcomes.COUNTS.get(state, "sent"), "group" if is_stopped else "on"


def _is_stopped(office: Office, channel: str) -> bool:
    with office.store.read() as tx:
        return not is_open(tx, channel)


# -- what others left --------------------------------------------------------------------------------------------------
def sweep(office: Office) -> int:
    """Take up what processes left behind that are gone: nobody sends it again by itself; answers how many are unknown.

    A process of this machine that ended is known at once, any other by the time it had.
    """
    m = t.message.c
    with office.store.read() as tx:
        now = moment(tx)
        held = tx.conn.execute(select(m.claimed_by, func.min(m.claimed_until)).where(moves.IS_IN_HAND).group_by(
            m.claimed_by)).all()  # fmt: skip
        gone = [by for by, _ in held if by is not None and has_ended(by)]
        if not gone and all(until is not None and _aware(until) > now for _, until in held):
            return 0
    swept = 0
    with office.as_system() as tx:
        now = moment(tx)
        left = or_(m.claimed_until.is_(None), m.claimed_until <= now, m.claimed_by.in_(gone))
        found = select(t.message).where(moves.IS_IN_HAND, left).order_by(m.id).with_for_update(skip_locked=True)
        for row in tx.conn.execute(found).mappings().all():
            by = claims.short(claims.holder())
            if row["state"] == "claimed":
                moves.back(
                    tx, row["id"], "claimed", "pending" if row["last_retry_at"] is None else "retry",
                    row["claim_token"],
                )  # fmt: skip
                continue
            words = f"the program that sent it ({claims.short(row['claimed_by'] or '?')}) ended before it could say"
            moves.move(tx, row["id"], "sending", "unknown", by=by, detail=words, sending_at=now, error=words)
            swept += 1
    if swept:
        _LOG.warning("%d messages were in flight when their program ended: nobody knows whether they went", swept)
    return swept


def _aware(at: Any) -> datetime:
    return throttles.as_utc(at)


# -- asking the provider -----------------------------------------------------------------------------------------------
def poll_due(office: Office, *, limit: int = _POLL_AT_ONCE, may_go_on: MayGoOn) -> int:
    """Ask the providers that can be asked what became of messages; answers how many changed."""
    with office.store.read() as tx:
        names = [name for name in registry.names() if caps_of(tx, name).can_poll and is_open(tx, name)]
        names = [name for name in names if tx.conn.execute(_to_poll(tx, name).limit(1)).first() is not None]
    changed = 0
    for name in names:
        if may_go_on() and (channel := opened(office, name)) is not None:
            try:
                changed += _poll(office, channel, limit)
            finally:
                channel.close()
    return changed


def _to_poll(tx: ReadTx, name: str) -> Any:
    return select(t.message.c.id).where(*_polled(tx, name))


def _polled(tx: ReadTx, name: str) -> list[Any]:
    m, now = t.message.c, moment(tx)
    again = [m.polled_at.is_(None), m.polled_at < now - _POLL_LATE]
    again += [and_(m.sending_at > now - age, m.polled_at < now - wait) for age, wait in POLLED_AGAIN]
    open_ones = m.state.in_(["accepted", "sent", "unknown"])
    return [m.channel == name, m.sending_at > now - _POLL_LONGEST, open_ones, m.provider_id.is_not(None), or_(*again)]


def _poll(office: Office, channel: Channel, limit: int) -> int:
    m = t.message.c
    with office.as_system() as tx:
        values = {"polled_at": moment(tx)}
        ids = claim(tx, t.message, _polled(tx, channel.name), order=m.id, limit=limit, values=values)
        asked = list(tx.conn.execute(select(m.provider_id).where(m.id.in_(ids))).scalars()) if ids else []
    if not asked:
        return 0
    try:
        told = channel.poll(asked)
    except LeadtuiError as error:
        _LOG.warning("%s was not asked: %s", channel.name, error.message)
        return 0
    changed = 0
    for update_ in told:
        with office.as_system() as tx:
            try:
                changed += messages.apply_status(
                    tx, state=update_.state, at=update_.at, by="poll", provider_id=update_.provider_id,
                    message_id=update_.message_id, channel=channel.name, detail=update_.text, code=update_.code,
                    suppress=update_.suppress, cost_minor=update_.cost_minor,
                )  # fmt: skip
            except LeadtuiError as error:
                _LOG.warning("a poll of %s told of what is not there: %s", channel.name, error.message)
    return changed


# -- what is shown -----------------------------------------------------------------------------------------------------
def waiting(tx: ReadTx) -> int:
    """How many messages wait and are not held up by a campaign that does not run."""
    m, c = t.message.c, t.campaign.c
    running = select(c.id).where(c.status == "active", c.deleted_at.is_(None))
    wanted = or_(m.campaign_id.is_(None), m.campaign_id.in_(running))
    return int(tx.conn.execute(select(func.count()).where(moves.IS_WAITING, wanted)).scalar_one())


def unknown_count(tx: ReadTx) -> int:
    """Of how many messages nobody knows whether they went."""
    return int(
        tx.conn.execute(select(func.count()).where(moves.IS_ASKING, t.message.c.state == "unknown")).scalar_one()
    )


# -- one message -------------------------------------------------------------------------------------------------------
def send_now(office: Office, message_id: int) -> MessageRow:
    """Send exactly this message here and now, by all the rules but its turn; what became of it stands in the answer.

    One that may not go yet stays waiting, and goes with the others. Raises NotFound.
    """
    with office.read() as tx:
        may = or_(seen_by(tx, "log"), seen_by(tx, "campaign"))
        joined = t.message.outerjoin(t.lead, t.lead.c.id == t.message.c.lead_id)
        query = select(t.message.c.channel).select_from(joined).where(t.message.c.id == message_id, may)
        name = tx.conn.execute(query).scalar()
        if name is None:
            raise no_message(message_id)
    channel = opened(office, name)
    if channel is not None:
        try:
            if channel.caps().lease is None and (token := claims.claim_one(office, message_id)):
                one(office, channel, message_id, token, lambda: True)
        finally:
            channel.close()
    with office.read() as tx:
        return detail(tx, message_id).row


def send_test(
    office: Office,
    channel: str,
    to: str,
    text: str,
    *,
    subject: str | None = None,
    campaign_id: int | None = None,
    attachment: Path | None = None,
    template: Mapping[str, Any] | None = None,
) -> MessageRow:
    """Send a text to oneself, marked TEST: not counted, whoever wants no messages, but by the rate.

    Needs `campaign` or `config`. Raises Invalid (the address), NotPermitted, NotFound, Refused where the channel cannot
    be served here, or the rate wants a pause.
    """
    name = registry.found(channel).name
    with office.write() as tx:
        if not (tx.actor.may("campaign") or tx.actor.may("config")):
            raise NotPermitted("you may not send a test", hint="it needs the right to run campaigns")
        if why := problem(tx, office, name):
            raise Refused(f"channel {name}: {why}", code="channel_not_ready", field="channel")
        address = suppressions.typed_address(tx, to, field="to")
        if caps_of(tx, name).address not in {"any", "email" if "@" in address else "phone"}:
            raise Invalid(f"channel {name} does not write to '{address}'", field="to")
        at = throttles.may_send(tx, name)
        if at is not None:
            raise Refused(
                f"the rate of {name} allows the next message at {at.astimezone(tx.catalog.tz):%H:%M:%S}",
                code="not_yet", field="channel", hint="try again then",
            )  # fmt: skip
        body = clean_block(text, field="text", limit=20_000)
        draft = messages.Draft(
            "test", name, address, TEST + body, subject=TEST + clean_line(subject, field="subject", limit=240)
            if subject else None, campaign_id=campaign_id, provider_json=dict(template) if template else None,
            attachment_path=str(attachment) if attachment else None, priority=0, is_urgent=True,
        )  # fmt: skip
        made = messages.enqueue(tx, draft)
    if made is None:
        raise RuntimeError("a test was known already")
    row = send_now(office, made)
    if row.state in WAITING:
        with office.write() as tx:
            messages.cancel_one(tx, made)
        raise Refused(
            f"the test was not sent: {row.error or 'the channel cannot be served here now'}", code="not_sent",
            field="channel",
        )  # fmt: skip
    return row


__all__ = ["poll_due", "send_due", "send_now", "send_test", "sweep", "unknown_count", "waiting"]
