"""What campaigns do by themselves: begin when their time has come, go on after a crash, end when nothing is left.

A campaign is done when none of its messages waits, is being sent, or was handed to a person who has not confirmed it.
One of which nobody knows whether it went does not hold it back: it is never sent by itself, and may be settled later.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import exists, select, update

from leadtui.domain.campaigns import BROADCAST, PAUSE_WORDS, REOPENED, is_missed
from leadtui.domain.message_states import IN_HAND, OPEN, WAITING
from leadtui.errors import LeadtuiError, Refused
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import channels, freezing, rehearsal
from .audience import acting
from .campaign_rows import Row, change, reopen
from .campaign_running import begin, call_off
from .notifying import notify
from .office import Office

MayGoOn = Callable[[], bool]

TAKEN_OVER_AFTER: Final = timedelta(seconds=15)
"""A half-fixed audience that nobody has added to for so long is gone on with: whoever began it is gone."""
_GRACE_MINUTES: Final = 120

_LOG = logging.getLogger("leadtui.campaigns")


def waiting(tx: ReadTx) -> int:
    """How many campaigns have something to be done now."""
    c = t.campaign.c
    due = select(c.id).where(c.kind == BROADCAST, c.deleted_at.is_(None), c.status == "scheduled",
                             c.scheduled_at <= tx.now)  # fmt: skip
    return len(tx.conn.execute(due).all())


def step(office: Office, *, limit: int, may_go_on: MayGoOn) -> Mapping[str, int]:
    """Begin what is due, fix some of an audience (at most `limit` leads), end what is done.

    Any number of processes may do this at once, any number of times: each change asks for the state before it.
    """
    done: Counter[str] = Counter()
    for campaign_id in _due(office):
        if not may_go_on():
            return done
        if came := _begin(office, campaign_id):
            done[came] += 1
    for campaign_id in _taken_up(office):
        with office.as_system() as tx:
            if (row := _locked(tx, campaign_id, REOPENED[0])) is not None:
                reopen(tx, row)
    for campaign_id in _half_fixed(office):
        if not may_go_on():
            return done
        done["audience"] += _fix(office, campaign_id, limit, may_go_on)
    for campaign_id in _finished(office):
        if not may_go_on():
            return done
        done["campaigns_finished"] += _end(office, campaign_id)
    for campaign_id in _called_off(office):
        while may_go_on() and call_off(office, campaign_id):
            pass
    return done


def _taken_up(office: Office) -> list[int]:
    """Completed ones with messages that are tried again: else these would wait for good."""
    c, m = t.campaign.c, t.message.c
    again = exists().where(m.campaign_id == c.id, m.purpose == BROADCAST, m.state.in_(WAITING))
    with office.store.read() as tx:
        return list(tx.conn.execute(select(c.id).where(c.status == REOPENED[0], again, *_live())).scalars())


# -- begin ---------------------------------------------------------------------------------------------------------
def _due(office: Office) -> list[int]:
    """Scheduled ones whose time has come, and those begun here a moment ago."""
    c = t.campaign.c
    with office.store.read() as tx:
        query = select(c.id).where(c.status == "scheduled", c.scheduled_at <= tx.now, *_live())
        return list(tx.conn.execute(query.order_by(c.scheduled_at, c.id)).scalars())


def _live() -> tuple[Any, ...]:
    return t.campaign.c.kind == BROADCAST, t.campaign.c.deleted_at.is_(None)


def _begin(office: Office, campaign_id: int) -> str:
    """Start a scheduled campaign for whoever scheduled it; where it cannot, it stands still and he is told.

    Answers what it counts by; "" when somebody else was first.
    """
    with office.store.read() as tx:
        row = _locked(tx, campaign_id, "scheduled")
        if row is None:
            return ""
        user_id = _acting_id(row)
        missed = is_missed(row["scheduled_at"], tx.now, _grace(tx))
    try:
        if missed:
            raise Refused(PAUSE_WORDS["missed"], code="missed")
        with office.store.read(lambda catalog: acting(catalog, user_id)) as tx:
            told = rehearsal.of_row(tx, office, row)
            if told.problems:
                raise Refused(told.problems[-1], code=_code(tx, office, row, told))
        with office.store.write(lambda catalog: acting(catalog, user_id), _origin(office)) as tx:
            now = _locked(tx, campaign_id, "scheduled")
            if now is None or now["version"] != row["version"]:
                return ""
            begin(tx, now, user_id, skip_missing=told.skip_missing, version=row["version"], by_itself=True)
            text = f"Campaign '{row['name']}' has begun: {told.to_send:,} messages"
            _tell(tx, row, "start", text)
    except LeadtuiError as error:
        _stand_still(office, campaign_id, row, error)
        return "campaigns_held"
    _fix(office, campaign_id, freezing.MOST, lambda: True)
    return "campaigns_started"


def _code(tx: ReadTx, office: Office, row: Row, told: rehearsal.Rehearsal) -> str:
    if told.missing_count and not told.skip_missing:
        return "missing_values"
    return "channel_not_ready" if channels.problem(tx, office, row["channel"]) else "empty_audience"


def _stand_still(office: Office, campaign_id: int, row: Row, error: LeadtuiError) -> None:
    """Pause what could not be begun, and tell its owner why."""
    with office.as_system() as tx:
        now = _locked(tx, campaign_id, "scheduled")
        if now is None or now["version"] != row["version"]:
            return
        columns = {"status": "paused", "pause_reason": error.code[:40], "pause_text": error.message}
        change(tx, now, columns, "pause")
        _tell(tx, row, f"pause:{now['version']}", f"Campaign '{row['name']}' did not begin: {error.message}")
    _LOG.warning("campaign %d did not begin: %s", campaign_id, error.message)


def _grace(tx: ReadTx) -> int:
    try:
        return int(tx.catalog.settings.get("start_grace_minutes", _GRACE_MINUTES))
    except (TypeError, ValueError):
        return _GRACE_MINUTES


def _acting_id(row: Row) -> int:
    return int((row["options_json"] or {}).get("acting") or row["created_by_id"])


def _origin(office: Office) -> str:
    return f"{office.origin}:scheduled"[:100]


# -- go on ---------------------------------------------------------------------------------------------------------
def _half_fixed(office: Office) -> list[int]:
    """Those whose audience is not written down to the end, and nobody else is at it."""
    c = t.campaign.c
    with office.store.read() as tx:
        query = select(c.id, c.updated_at, c.options_json).where(
            c.status == "active", c.started_at.is_not(None), c.frozen_at.is_(None), *_live()
        )
        rows, late = tx.conn.execute(query.order_by(c.started_at, c.id)).all(), tx.now - TAKEN_OVER_AFTER
    found = []
    for row in rows:
        if (row.options_json or {}).get("by_itself"):
            found.append(row.id)
        elif row.updated_at <= late:
            _take_over(office, row.id)
            found.append(row.id)
    return found


def _take_over(office: Office, campaign_id: int) -> None:
    """From now on it is the worker's to fix; whoever began it is gone, or finds out in his next transaction."""
    with office.as_system() as tx:
        row = _locked(tx, campaign_id, "active")
        if row is not None:
            options = {**(row["options_json"] or {}), "by_itself": True}
            tx.conn.execute(update(t.campaign).where(t.campaign.c.id == campaign_id).values(options_json=options))


def _fix(office: Office, campaign_id: int, limit: int, may_go_on: MayGoOn) -> int:
    """Write some more of an audience down; where that cannot be done, the campaign stands still."""
    try:
        return freezing.freeze(office, campaign_id, should_stop=lambda: not may_go_on(), most=limit or None).leads
    except LeadtuiError as error:
        with office.as_system() as tx:
            row = _locked(tx, campaign_id, "active")
            if row is not None and row["frozen_at"] is None:
                columns = {"status": "paused", "pause_reason": error.code[:40], "pause_text": error.message}
                change(tx, row, columns, "pause")
                _tell(tx, row, f"pause:{row['version']}", f"Campaign '{row['name']}' stands still: {error.message}")
        _LOG.warning("the audience of campaign %d: %s", campaign_id, error.message)
        return 0


# -- end -----------------------------------------------------------------------------------------------------------
def _open_messages() -> Any:
    """Messages that still hold a campaign back."""
    m = t.message.c
    return exists().where(m.campaign_id == t.campaign.c.id, m.purpose == BROADCAST, m.state.in_([*OPEN, "handed_off"]))


def _finished(office: Office) -> list[int]:
    c = t.campaign.c
    with office.store.read() as tx:
        query = select(c.id).where(c.status == "active", c.frozen_at.is_not(None), ~_open_messages(), *_live())
        return list(tx.conn.execute(query.order_by(c.id)).scalars())


def _end(office: Office, campaign_id: int) -> int:
    c = t.campaign.c
    with office.as_system() as tx:
        row = _locked(tx, campaign_id, "active")
        if row is None or tx.conn.execute(select(c.id).where(c.id == campaign_id, _open_messages())).first():
            return 0
        change(tx, row, {"status": "completed", "completed_at": tx.now}, "complete")
        _tell(tx, row, f"done:{row['version']}", f"Campaign '{row['name']}' is done: {_outcome(tx, campaign_id)}")
        return 1


def _outcome(tx: ReadTx, campaign_id: int) -> str:
    from . import messages

    counted = messages.counts(tx, [campaign_id])[campaign_id]
    parts = [f"{counted.sent:,} of {counted.total:,} sent"]
    parts += [f"{counted.failed:,} failed"] if counted.failed else []
    parts += [f"{counted.unknown:,} unknown"] if counted.unknown else []
    return ", ".join(parts)


def _called_off(office: Office) -> list[int]:
    """Those that were called off while messages of theirs still wait: the process that did it is gone."""
    c, m = t.campaign.c, t.message.c
    left = exists().where(m.campaign_id == c.id, m.state.in_([*WAITING, *(IN_HAND - {"sending"})]))
    with office.store.read() as tx:
        return list(tx.conn.execute(select(c.id).where(c.status == "cancelled", c.kind == BROADCAST, left)).scalars())


def _locked(tx: ReadTx, campaign_id: int, status: str) -> Row | None:
    """The campaign while it is in this status; locked in a write transaction."""
    query = select(t.campaign).where(t.campaign.c.id == campaign_id, t.campaign.c.status == status, *_live())
    if isinstance(tx, WriteTx):
        query = query.with_for_update()
    return tx.conn.execute(query).mappings().one_or_none()


def _tell(tx: WriteTx, row: Row, what: str, text: str) -> None:
    """Tell its owner, and whoever scheduled it."""
    for user_id in {row["created_by_id"], _acting_id(row)}:
        notify(tx, user_id, "campaign", f"campaign:{row['id']}:{what}", text)
