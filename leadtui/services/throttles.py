"""When the next message may go: so many a minute, so many people a day, a pause between two to one (facts §4.3).

All processes count the same rows under the same lock, so that five workers together keep the rate that one would. What
counts is the span from the mark `sending` to the moment its outcome is written: whenever in it the message touched the
wire, no window of 60 seconds holds more than `per_minute`. A message in flight counts for as long as it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select, update

from leadtui.domain import pacing
from leadtui.domain.pacing import DAY, MARGIN, NEVER_QUIET, WINDOW, Eta, Pace
from leadtui.domain.working_hours import QuietHours
from leadtui.store import schema as t
from leadtui.store.claims import moment
from leadtui.store.unit_of_work import ReadTx, WriteTx

from .channel_accounts import Limits, limits
from .message_moves import IS_IN_HAND

AUTOMATIC = frozenset({"drip", "stage", "trigger"})
"""Purposes of messages that no person wrote: held back by `frequency_cap`."""
_COUNTED = (*sorted(AUTOMATIC), "broadcast")
"""What counts for `frequency_cap`; a person's own message does not."""

_SPAN = WINDOW + MARGIN
_SOON = timedelta(seconds=1)
"""What waits for messages in flight looks again so much later."""
_MANY = 1_000_000
_LOOKS, _LOOK_S = 30, 0.01
"""How often, and how far apart, a lock is tried."""


@dataclass(frozen=True, slots=True)
class Group:
    """Messages that are held back together: a channel's of one campaign, or those without one (None).

    `quiet` are the campaign's own hours; messages without a campaign have the office's, each for itself.
    """

    channel: str
    campaign_id: int | None = None
    per_minute: int | None = None
    daily: int | None = None
    quiet: QuietHours = NEVER_QUIET


def group_of(tx: ReadTx, channel: str, campaign: Mapping[Any, Any] | None) -> Group:
    """The group of a channel's messages of a campaign (its row), or of those without one."""
    if campaign is None:
        return Group(channel)
    return Group(
        channel, campaign["id"], campaign["per_minute"] or None, campaign["daily_unique"],
        hours_of(tx, campaign["quiet_hours"]),
    )  # fmt: skip


def hours_of(tx: ReadTx, own: str | None = None) -> QuietHours:
    """A campaign's quiet hours: its own, "" never, None the office's."""
    return QuietHours.parse(str(tx.catalog.settings.get("quiet_hours") or "") if own is None else own)


# -- the question ------------------------------------------------------------------------------------------------------
def may_send(tx: ReadTx, channel: str, campaign_id: int | None = None) -> datetime | None:
    """When the next message of a campaign (or of none) may go on a channel; None: now."""
    campaign = None
    if campaign_id is not None:
        found = tx.conn.execute(select(t.campaign).where(t.campaign.c.id == campaign_id))
        campaign = found.mappings().one_or_none()
    return room(tx, group_of(tx, channel, campaign), limits(tx, channel))[1]


def room(tx: ReadTx, group: Group, of: Limits) -> tuple[int, datetime | None]:
    """How many of a group may begin now; when it is none, when the next may. Without the lock it is a good guess."""
    now = moment(tx)
    waits = [_not_before(tx, group.channel)]
    account = Group(group.channel)
    if group.campaign_id is not None:
        waits.append(group.quiet.next_open(now, tx.catalog.tz) or now + DAY)
        waits += [_daily(tx, group, group.daily), _daily(tx, account, of.daily_unique)]
    free = _MANY
    for some, rate in ((group, group.per_minute), (account, of.per_minute)):
        if rate is not None:
            left = rate - _used(tx, some, now)
            free = min(free, left)
            waits.append(_when_free(tx, some, rate, now) if left <= 0 else None)
    if of.spaced and of.per_minute:
        free = min(free, 1)
        last = _last(tx, t.message.c.channel == group.channel)
        waits.append(last + WINDOW / of.per_minute if last else None)
    at = _latest(waits, now)
    return (0, at) if at is not None else (free, None) if free > 0 else (0, now + _SOON)


def next_for(tx: WriteTx, row: Mapping[Any, Any], group: Group, of: Limits) -> tuple[datetime | None, bool]:
    """When this message (its row) may go, None: now; and whether all of its group waits with it. Under `lock`."""
    _, at = room(tx, group, of)
    if at is not None:
        return at, True
    now = moment(tx)
    waits = [_gap(tx, row, of), _frequency(tx, row)]
    if group.campaign_id is None:
        waits.append(_daily(tx, group, of.daily_unique, but=row["address_key"]))
        if not row["is_urgent"]:
            waits.append(hours_of(tx).next_open(now, tx.catalog.tz) or now + DAY)
    return _latest(waits, now), False


def _latest(waits: Iterable[datetime | None], now: datetime) -> datetime | None:
    return max((at for at in waits if at is not None and at > now), default=None)


def eta(
    tx: ReadTx,
    channel: str,
    count: int,
    *,
    per_minute: int | None = None,
    daily_unique: int | None = None,
    quiet_hours: str | None = None,
    start: datetime | None = None,
    campaign_id: int | None = None,
) -> Eta:
    """When so many messages of a campaign with these limits are through, beside those of its account.

    `ends_at` is None when it never ends. `quiet_hours`: as a campaign keeps them. Other campaigns on the same account
    are not foreseen. `campaign_id`: of one that runs, whose rate may be used up for now.
    """
    of = limits(tx, channel)
    daily = _least(daily_unique, of.daily_unique)
    pace = Pace(_least(per_minute, of.per_minute), daily, hours_of(tx, quiet_hours), of.spaced)
    used = _people(tx, Group(channel)) if of.daily_unique else 0
    now = moment(tx)
    begin = max(start or now, now, _not_before(tx, channel) or now)
    if campaign_id is not None:
        begin = max(begin, may_send(tx, channel, campaign_id) or now)
    return pacing.eta(pace, count, begin, tx.catalog.tz, used=used)


def _least(*limits_: int | None) -> int | None:
    return min((one for one in limits_ if one is not None), default=None)


# -- the lock ----------------------------------------------------------------------------------------------------------
def lock(tx: WriteTx, group: Group) -> bool:
    """Let nobody else mark a message of this group until this transaction ends; the account's row always first.

    False: somebody holds it for long. Nobody queues for it: a program that was stopped in the queue would be given the
    lock, and keep it from all others for as long as it stands still.
    """
    if tx.is_sqlite:  # one writer at a time anyway
        return True
    names = [_name(Group(group.channel))] + ([_name(group)] if group.campaign_id is not None else [])
    return all(_take(tx, name) for name in names)


def _take(tx: WriteTx, name: str) -> bool:
    s = t.throttle.c
    free = select(s.name).where(s.name == name).with_for_update(skip_locked=True)
    for _ in range(_LOOKS):
        if tx.conn.execute(free).first() is not None:
            return True
        if tx.conn.execute(select(s.name).where(s.name == name)).first() is None:
            _make(tx, name)
        else:
            time.sleep(_LOOK_S)
    return False


def hold_back(tx: WriteTx, channel: str, until: datetime) -> None:
    """The provider wants nothing on this account before `until`."""
    name, s = _name(Group(channel)), t.throttle.c
    _make(tx, name)
    later = or_(s.not_before.is_(None), s.not_before < until)
    tx.conn.execute(update(t.throttle).where(s.name == name, later).values(not_before=until))


def _make(tx: WriteTx, name: str) -> None:
    statement: Any
    if tx.is_sqlite:
        from sqlalchemy.dialects import sqlite

        statement = sqlite.insert(t.throttle)
    else:
        from sqlalchemy.dialects import postgresql

        statement = postgresql.insert(t.throttle)
    tx.conn.execute(statement.values(name=name).on_conflict_do_nothing())


def _name(group: Group) -> str:
    return f"account:{group.channel}" if group.campaign_id is None else f"campaign:{group.campaign_id}"


# -- what is counted ---------------------------------------------------------------------------------------------------
def _of(group: Group) -> list[ColumnElement[bool]]:
    """The messages that count for a group: without a campaign, all of the account."""
    m = t.message.c
    wanted: list[ColumnElement[bool]] = [m.channel == group.channel, m.direction == "out"]
    return wanted if group.campaign_id is None else [*wanted, m.campaign_id == group.campaign_id]


def _used(tx: ReadTx, group: Group, now: datetime) -> int:
    """How many of the group's messages may touch the wire in a window that a message beginning now would be in.

    In one statement: a message whose outcome is written meanwhile is seen in flight or as just ended.
    """
    m = t.message.c
    recent = select(func.count()).where(*_of(group), m.sending_at > now - _SPAN)
    # in such words that the index of what is in hand is looked at, not that of everything ever sent
    late = case((m.sending_at <= now - _SPAN, 1), else_=0)
    flying = select(func.coalesce(func.sum(late), 0)).where(*_of(group), IS_IN_HAND, m.state == "sending")
    return int(tx.conn.execute(select(recent.scalar_subquery() + flying.scalar_subquery())).scalar_one())


def _when_free(tx: ReadTx, group: Group, rate: int, now: datetime) -> datetime | None:
    """When there is room for one more; None: there is."""
    if rate <= 0:
        return now + DAY
    m = t.message.c
    newest = select(m.sending_at).where(*_of(group), m.sending_at > now - _SPAN).order_by(m.sending_at.desc())
    last = tx.conn.execute(newest.limit(1).offset(rate - 1)).scalar()
    return None if last is None else last + _SPAN


def _last(tx: ReadTx, *wanted: ColumnElement[bool]) -> datetime | None:
    m = t.message.c
    query = select(m.sending_at).where(*wanted, m.sending_at.is_not(None), m.direction == "out")
    found: datetime | None = tx.conn.execute(query.order_by(m.sending_at.desc()).limit(1)).scalar()
    return found


def _not_before(tx: ReadTx, channel: str) -> datetime | None:
    s = t.throttle.c
    found: datetime | None = tx.conn.execute(select(s.not_before).where(s.name == _name(Group(channel)))).scalar()
    return found


def _gap(tx: ReadTx, row: Mapping[Any, Any], of: Limits) -> datetime | None:
    """When the address may have another one: some providers want seconds between two to the same person."""
    if not of.gap_s or row["address_key"] is None:
        return None
    m = t.message.c
    last = _last(tx, m.address_key == row["address_key"], m.channel == row["channel"], m.id != row["id"])
    return None if last is None else last + timedelta(seconds=of.gap_s)


def _people_written_to(tx: ReadTx, group: Group) -> Any:
    """By address, when it was last written to within 24 hours."""
    m = t.message.c
    recent = m.sending_at > moment(tx) - DAY
    return (
        select(m.address_key, func.max(m.sending_at).label("last")).where(*_of(group), recent).group_by(m.address_key)
    )


def _people(tx: ReadTx, group: Group) -> int:
    found = _people_written_to(tx, group).subquery()
    return int(tx.conn.execute(select(func.count()).select_from(found)).scalar_one())


def _daily(tx: ReadTx, group: Group, most: int | None, *, but: str | None = None) -> datetime | None:
    """When one more person may be written to, of at most so many in 24 hours; None: now.

    `but`: this address, if it is one of them already, is no new one.
    """
    if most is None:
        return None
    if most <= 0:
        return moment(tx) + DAY
    found = _people_written_to(tx, group).subquery()
    newest = select(found.c.last).order_by(found.c.last.desc()).limit(1).offset(most - 1)
    last = tx.conn.execute(newest).scalar()
    if last is None:
        return None
    if but is not None and tx.conn.execute(select(found.c.last).where(found.c.address_key == but)).first():
        return None
    return as_utc(last) + DAY


def as_utc(at: datetime | str) -> datetime:
    """A moment that an aggregate answered."""
    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _frequency(tx: ReadTx, row: Mapping[Any, Any]) -> datetime | None:
    """When this lead may have another message that no person wrote (setting `frequency_cap`, 0: no limit)."""
    most = int(tx.catalog.settings.get("frequency_cap") or 0)
    if row["purpose"] not in AUTOMATIC or row["lead_id"] is None or most <= 0:
        return None
    m = t.message.c
    query = (
        select(m.sending_at)
        .where(m.lead_id == row["lead_id"], m.direction == "out", m.purpose.in_(_COUNTED), m.id != row["id"],
               m.sending_at > moment(tx) - DAY)
        .order_by(m.sending_at.desc()).limit(1).offset(most - 1)
    )  # fmt: skip
    last = tx.conn.execute(query).scalar()
    return None if last is None else last + DAY
