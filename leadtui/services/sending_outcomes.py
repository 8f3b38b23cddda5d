"""What came of a call, written down: the message's state, what stands on the timeline, and what has to stop.

One transaction each, with its locks in the order lead, campaign, message. A process that was believed dead may come
with its answer after its message became `unknown`: its token shows that it is the one, and the answer settles it. The
moment of writing becomes `sending_at`: the message was on the wire at some moment between the mark and now.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, update

from leadtui.channels.port import Accepted, HandedOff, Pause, Result, Retry, Sent, Unknown
from leadtui.channels.port import Final as Final_
from leadtui.domain.message_states import LEFT, after_report
from leadtui.domain.pacing import MARGIN, WINDOW
from leadtui.store import schema as t
from leadtui.store.claims import moment
from leadtui.store.unit_of_work import WriteTx

from . import message_moves as moves
from . import suppressions, throttles
from .channel_accounts import stop
from .notifying import Notice, notify_many
from .sending_claims import Begun, briefly, holder, short

if TYPE_CHECKING:
    from .office import Office

FIRST_PAUSE, LONGEST_PAUSE = WINDOW + MARGIN, timedelta(hours=1)
"""How long a message waits that could not be sent: twice as long each time. Never less than the window of the rate."""
_JITTER = 0.2
_RETRIES = 3
"""How often one is tried again that belongs to no campaign."""
_IN_FLIGHT: Final = ("sending", "unknown")

COUNTS: Final = {
    "accepted": "sent", "sent": "sent", "handed_off": "handed_off", "retry": "retried", "pending": "held_back",
    "failed": "messages_failed", "unknown": "messages_unknown",
}  # fmt: skip
"""State → the name under which a tick counts it."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a result makes of a message. `is_failure` counts for the campaign's streak; None: says nothing about it."""

    state: str
    values: Mapping[str, Any]
    detail: str | None = None
    is_failure: bool | None = None


def write(office: Office, begun: Begun, result: Result) -> str:
    """Write down what came of a message; answers its state. Raises DatabaseUnreachable: then it becomes unknown."""
    with office.as_system() as tx:
        briefly(tx)
        campaign = _lock(tx, begun, result)
        m = t.message.c
        mine = select(t.message).where(m.id == begun.id, m.claim_token == begun.token)
        row = tx.conn.execute(mine.with_for_update()).mappings().one_or_none()
        if row is None or row["state"] not in _IN_FLIGHT:
            return _told_already(tx, begun, result)
        now = moment(tx)
        out = _outcome(row, campaign, result, now)
        moves.move(
            tx, begun.id, _IN_FLIGHT, out.state, token=begun.token, by=short(holder()), detail=out.detail,
            **{"sending_at": now, "reason": None, "error": None, **out.values},
        )  # fmt: skip
        if out.state in LEFT:
            moves.succeeded(tx, row, now)
        _follow(tx, row, campaign, result, out)
        return out.state


def _lock(tx: WriteTx, begun: Begun, result: Result) -> Mapping[Any, Any] | None:
    """Lock the message's lead, and its campaign if that changes; answers the campaign.

    A success changes nothing of it but a streak of failures: those who send for it do not wait for each other.
    """
    m, c = t.message.c, t.campaign.c
    if not tx.is_sqlite:
        lead_id = tx.conn.execute(select(m.lead_id).where(m.id == begun.id)).scalar()
        if lead_id is not None:
            tx.conn.execute(select(t.lead.c.id).where(t.lead.c.id == lead_id).with_for_update(key_share=True))
    if begun.campaign_id is None:
        return None
    wanted = select(t.campaign).where(c.id == begun.campaign_id)
    found = tx.conn.execute(wanted).mappings().one_or_none()
    if found is None or (isinstance(result, Accepted | Sent | HandedOff) and not found["failure_streak"]):
        return found
    return tx.conn.execute(wanted.with_for_update(key_share=True)).mappings().one_or_none()


def _told_already(tx: WriteTx, begun: Begun, result: Result) -> str:
    """It was settled without us: a report was faster, or a person decided. That it went is still worth knowing."""
    m, by = t.message.c, short(holder())
    row = tx.conn.execute(select(t.message).where(m.id == begun.id).with_for_update()).mappings().one_or_none()
    if row is None:
        return "gone"
    detail = f"answered {type(result).__name__.lower()}, late"
    if not isinstance(result, Accepted | Sent):
        moves.note(tx, begun.id, row["state"], by, detail)
        return str(row["state"])
    known = {"provider_id": row["provider_id"] or result.id[:255] or None}
    if after_report(row["state"], "sent", row["reason"]) is None or row["state"] == "accepted":
        tx.conn.execute(update(t.message).where(m.id == begun.id).values(**known))
        moves.note(tx, begun.id, row["state"], by, detail)
        return str(row["state"])
    now, after = moment(tx), "accepted" if isinstance(result, Accepted) else "sent"
    known |= {"accepted_at": now, "sending_at": now, "next_at": None, "reason": None, "error": None}
    if after == "sent":
        known["sent_at"] = now
    moves.move(tx, begun.id, row["state"], after, by=by, detail=detail, told=True, **known)
    moves.succeeded(tx, row, now)
    return after


def _outcome(row: Mapping[Any, Any], campaign: Mapping[Any, Any] | None, result: Result, now: datetime) -> _Outcome:
    match result:
        case Accepted(id_, text, cost):
            known = {"provider_id": id_[:255], "accepted_at": now, "cost_minor": cost}
            return _Outcome("accepted", known, text, False)
        case Sent(id_, text, cost):
            known = {"provider_id": id_[:255] or None, "accepted_at": now, "sent_at": now, "cost_minor": cost}
            return _Outcome("sent", known, text, False)
        case HandedOff(link, text):
            kept = {**(row["provider_json"] or {}), "link": link} if link else row["provider_json"]
            return _Outcome("handed_off", {"provider_json": kept}, text, False)
        case Unknown(code, text, id_):
            words = _words(code, text)
            return _Outcome("unknown", {"provider_id": id_[:255] or row["provider_id"], "error": words}, words, True)
        case Final_(code, text, _):
            words = _words(code, text)
            return _Outcome("failed", {"reason": "final", "error": words}, words, True)
        case Pause(code, text, _):
            words = _words(code, text)
            state = "pending" if row["last_retry_at"] is None else "retry"
            return _Outcome(state, {"error": words, "next_at": None}, words)
        case Retry():
            return _retry(row, campaign, result, now)


def _retry(row: Mapping[Any, Any], campaign: Mapping[Any, Any] | None, result: Retry, now: datetime) -> _Outcome:
    """Tried again later, unless it was tried often enough. That the whole account must wait is nobody's failure."""
    words = _words(result.code, result.text)
    after = timedelta(seconds=max(0.0, result.after_s))
    if result.scope == "account":
        return _Outcome(
            "retry", {"error": words, "next_at": now + max(after, FIRST_PAUSE), "last_retry_at": now}, words
        )
    most = _RETRIES if campaign is None else campaign["max_retries"] if campaign["auto_retry"] else 0
    most = most if result.most is None else min(most, result.most)
    tries = row["retry_count"] + 1
    if tries > most or row["purpose"] == "test":
        return _Outcome("failed", {"reason": "retries", "error": words}, words, True)
    known = {"error": words, "retry_count": tries, "last_retry_at": now, "next_at": now + max(after, pause(tries))}
    return _Outcome("retry", known, words, True)


def pause(tries: int) -> timedelta:
    """How long to wait before a message is tried again for the `tries`-th time."""
    doubled = min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(max(tries, 1) - 1, 20)))
    return doubled * random.uniform(1, 1 + _JITTER)


def _words(code: str, text: str) -> str:
    return f"[{code}] {text}"[:2000] if code and code not in text else (text or code)[:2000]


# -- what follows ------------------------------------------------------------------------------------------------------
def _follow(
    tx: WriteTx, row: Mapping[Any, Any], campaign: Mapping[Any, Any] | None, result: Result, out: _Outcome
) -> None:
    if isinstance(result, Final_) and result.suppress and row["address"]:
        suppressions.add_tx(tx, row["address"], suppressions.place_of(row["channel"]), result.suppress, result.text)
    if isinstance(result, Retry) and result.scope == "account":
        throttles.hold_back(tx, row["channel"], moment(tx) + timedelta(seconds=max(1.0, result.after_s)))
    if isinstance(result, Pause) and row["purpose"] != "test":
        words = _words(result.code, result.text)
        if result.scope == "campaign" and campaign is not None:
            pause_campaign(tx, campaign, result.code, words)
        else:
            stop_account(tx, row["channel"], result.code, words)
    if campaign is not None and out.is_failure is not None and row["purpose"] != "test":
        _streak(tx, campaign, out)


def _streak(tx: WriteTx, campaign: Mapping[Any, Any], out: _Outcome) -> None:
    """Failures one after another stop a campaign: something is wrong that more of them will not mend."""
    streak = campaign["failure_streak"] + 1 if out.is_failure else 0
    if streak == campaign["failure_streak"]:
        return
    tx.conn.execute(update(t.campaign).where(t.campaign.c.id == campaign["id"]).values(failure_streak=streak))
    most = int(tx.catalog.settings.get("max_failures") or 0)
    if most and streak >= most:
        told = f"{streak} messages failed one after another, the last: {out.detail or 'no reason given'}"
        pause_campaign(tx, campaign, "failures", told)


def pause_campaign(tx: WriteTx, campaign: Mapping[Any, Any], reason: str, words: str) -> None:
    """Pause a campaign that runs, and tell its owner why."""
    c, now = t.campaign.c, moment(tx)
    values = {
        "status": "paused", "pause_reason": reason[:40], "pause_text": words[:2000], "failure_streak": 0,
        "updated_at": now, "version": c.version + 1,
    }  # fmt: skip
    running = (c.id == campaign["id"], c.status == "active")
    if not tx.conn.execute(update(t.campaign).where(*running).values(**values)).rowcount:
        return
    tx.audit("pause", "campaign", campaign["id"], {"status": "active"}, {"status": "paused", "pause_reason": reason})
    occurrence = f"campaign:{campaign['id']}:paused:{now.isoformat()}"
    text = f"campaign “{campaign['name']}” was paused: {words}"
    notify_many(tx, [Notice(campaign["created_by_id"], "campaign", occurrence, text)])


def stop_account(tx: WriteTx, channel: str, code: str, words: str) -> None:
    """Let nothing more go out on an account: its broadcasts pause, drips wait; who may mend it is told, and owners."""
    stopped = stop(tx, channel, code, words)
    c = t.campaign.c
    running = select(t.campaign).where(c.channel == channel, c.status == "active", c.kind == "broadcast")
    for campaign in tx.conn.execute(running.order_by(c.id)).mappings().all():
        pause_campaign(tx, campaign, "account", words)
    if stopped:
        who = [user.id for user in tx.catalog.users if user.is_active and tx.catalog.actor_for(user).may("config")]
        occurrence = f"channel:{channel}:stopped:{moment(tx).isoformat()}"
        notify_many(tx, [Notice(one, "campaign", occurrence, f"channel {channel} was stopped: {words}") for one in who])
