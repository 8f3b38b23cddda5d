"""Which messages go next, and whose they are: claimed by one process, judged again, and marked before they go.

A claim takes a few messages of one group (a channel's of one campaign, or those without one), with the campaign's
status in its WHERE, so that a pause acts within one claim. `begin` then looks at each once more, in the transaction
that marks it `sending` for good: after that nobody sends it again, whatever happens to this process.
"""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, or_, select

from leadtui.channels.port import Attachment, Outgoing, ProviderTemplate
from leadtui.domain.message_states import RECEIVED
from leadtui.store import schema as t
from leadtui.store.claims import claim, moment
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import consent, throttles
from . import message_moves as moves
from .channel_accounts import is_open, limits
from .provision_jobs import me

if TYPE_CHECKING:
    from .office import Office

BATCH = 10
"""So many messages a process claims at once: what a pause, or its death, may hold up."""
CLAIM = timedelta(seconds=60)
"""How long a claimed message belongs to its process before it goes back to waiting: nothing has left us."""
GRACE = timedelta(seconds=30)
"""How much longer than its deadline a call may take before its message counts as unknown."""
PAUSED_AGAIN = timedelta(minutes=10)
"""When a message of a paused enrollment is looked at again."""
_WINDOW = timedelta(hours=24)
_IDLE_MS = 3_000


_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def elapsed_s() -> float:
    """A clock that goes on while the process is stopped and, on Linux, while the machine sleeps."""
    return time.clock_gettime(_CLOCK)


def holder() -> str:
    """This process, as `workers.parts_of` reads it."""
    here = me()
    return f"{here.host[:150]}/{here.pid}/{here.started}/0"


def short(name: str) -> str:
    """A holder as people read it: "host/pid"."""
    return "/".join(name.split("/")[:2])


def briefly(tx: WriteTx) -> None:
    """This transaction ends at once, or by itself: a program that is stopped in it must not hold its locks for long.

    (On SQLite whoever is stopped while he writes keeps all others from writing; nothing can be done about that.)
    """
    if not tx.is_sqlite:
        tx.conn.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {_IDLE_MS}")


# -- what waits --------------------------------------------------------------------------------------------------------
def waiting_groups(tx: ReadTx, channel: str) -> list[throttles.Group]:
    """The groups of a channel with messages whose time has come and that may be sent."""
    m, c = t.message.c, t.campaign.c
    found: list[throttles.Group] = []
    due = _due(tx, channel)
    if tx.conn.execute(select(m.id).where(*due, m.campaign_id.is_(None)).limit(1)).first() is not None:
        found.append(throttles.group_of(tx, channel, None))
    # campaign by campaign, each by its own part of the index; there are few that run
    some = exists().where(and_(*due, m.campaign_id == c.id))
    for row in tx.conn.execute(select(t.campaign).where(*_running(), some).order_by(c.id)).mappings():
        found.append(throttles.group_of(tx, channel, row))
    return found


def _due(tx: ReadTx, channel: str) -> list[Any]:
    m = t.message.c
    return [moves.IS_WAITING, m.channel == channel, or_(m.next_at.is_(None), m.next_at <= moment(tx))]


def _running() -> list[Any]:
    """A broadcast is sent once it is frozen, to the last row."""
    c = t.campaign.c
    return [c.status == "active", c.deleted_at.is_(None), or_(c.kind != "broadcast", c.frozen_at.is_not(None))]


def claim_some(office: Office, group: throttles.Group, most: int) -> tuple[list[int], str]:
    """Claim at most so many messages of a group: their ids, and the token that proves them ours."""
    m, token = t.message.c, token_hex(12)
    with office.as_system() as tx:
        wanted = _due(tx, group.channel)
        if group.campaign_id is None:
            wanted.append(m.campaign_id.is_(None))
        else:
            running = select(t.campaign.c.id).where(t.campaign.c.id == group.campaign_id, *_running())
            wanted += [m.campaign_id == group.campaign_id, m.campaign_id.in_(running)]
        values = _claimed(tx, token)
        return claim(tx, t.message, wanted, order=(m.priority, m.id), limit=min(most, BATCH), values=values), token


def claim_one(office: Office, message_id: int) -> str | None:
    """Claim exactly this message if it waits, whenever its time is: the token; None when it does not wait."""
    m, token = t.message.c, token_hex(12)
    with office.as_system() as tx:
        wanted = [m.id == message_id, moves.IS_WAITING]
        return token if claim(tx, t.message, wanted, order=m.id, limit=1, values=_claimed(tx, token)) else None


def _claimed(tx: WriteTx, token: str) -> dict[str, Any]:
    return {"state": "claimed", "claim_token": token, "claimed_by": holder(), "claimed_until": moment(tx) + CLAIM}


def release(office: Office, ids: Sequence[int], token: str) -> None:
    """Give claimed messages back that were not begun."""
    if ids:
        with office.as_system() as tx:
            for message_id in ids:
                row = _mine(tx, message_id, token)
                if row is not None:
                    _back(tx, row, token)


def _mine(tx: WriteTx, message_id: int, token: str) -> Mapping[Any, Any] | None:
    m = t.message.c
    mine = select(t.message).where(m.id == message_id, m.claim_token == token, m.state == "claimed")
    return tx.conn.execute(mine.with_for_update()).mappings().one_or_none()


def _back(tx: WriteTx, row: Mapping[Any, Any], token: str, **values: Any) -> None:
    """Back to waiting, as what it was; no line of history, for nothing happened."""
    state = "pending" if row["last_retry_at"] is None else "retry"
    moves.back(tx, row["id"], "claimed", state, token, **values)


# -- the mark ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Begun:
    """A message that is marked `sending`, and what the channel is given. `at_s`: when, by `elapsed_s`."""

    id: int
    token: str
    outgoing: Outgoing
    at_s: float
    campaign_id: int | None


@dataclass(frozen=True, slots=True)
class Held:
    """A message that does not go now. `group`: nor does the rest of its group; `skipped`: it never will."""

    group: bool = False
    skipped: bool = False


def begin(office: Office, message_id: int, token: str, deadline_s: float) -> Begun | Held:
    """Look at a claimed message once more and mark it `sending`, on the disk, or say why it does not go now."""
    with office.as_system(durable=True) as tx:
        briefly(tx)
        channel, campaign, is_test = _about(tx, message_id)
        if not channel:  # its lead was purged
            return Held()
        group = throttles.group_of(tx, channel, None if is_test else campaign)
        is_ours = throttles.lock(tx, group)
        row = _mine(tx, message_id, token)
        if row is None:
            return Held()
        if not is_ours:
            _back(tx, row, token)
            return Held(group=True)
        if campaign is not None and not is_test and not _runs(campaign):
            _back(tx, row, token)
            return Held(group=True)
        if not is_open(tx, channel):
            _back(tx, row, token)
            return Held(group=True)
        lead = _lead_of(tx, row)
        if held := _judged(tx, row, lead, token):
            return held
        at, all_of_it = throttles.next_for(tx, row, group, limits(tx, channel))
        if at is not None:
            _back(tx, row, token, **({} if all_of_it else {"next_at": at}))
            return Held(group=all_of_it)
        now, at_s = moment(tx), elapsed_s()
        until = now + timedelta(seconds=deadline_s) + GRACE
        moves.move(
            tx, message_id, "claimed", "sending", token=token, by=short(holder()), sending_at=now, next_at=None,
            claimed_until=until,
        )  # fmt: skip
        return Begun(message_id, token, _outgoing(tx, office, row, campaign), at_s, row["campaign_id"])


def _about(tx: WriteTx, message_id: int) -> tuple[str, Mapping[Any, Any] | None, bool]:
    """A message's channel, its campaign, and whether it is a test; read before anything is locked."""
    m = t.message.c
    row = tx.conn.execute(select(m.channel, m.campaign_id, m.purpose).where(m.id == message_id)).one_or_none()
    if row is None:
        return "", None, False
    query = select(t.campaign).where(t.campaign.c.id == row.campaign_id)
    campaign = None if row.campaign_id is None else tx.conn.execute(query).mappings().one_or_none()
    return row.channel, campaign, row.purpose == "test"


def _runs(campaign: Mapping[Any, Any]) -> bool:
    frozen = campaign["kind"] != "broadcast" or campaign["frozen_at"] is not None
    return bool(campaign["status"] == "active" and campaign["deleted_at"] is None and frozen)


def _lead_of(tx: ReadTx, row: Mapping[Any, Any]) -> Mapping[Any, Any] | None:
    if row["lead_id"] is None:
        return None
    columns = [t.lead.c[name] for name in consent.COLUMNS]
    return tx.conn.execute(select(*columns).where(t.lead.c.id == row["lead_id"])).mappings().one_or_none()


def _judged(tx: WriteTx, row: Mapping[Any, Any], lead: Mapping[Any, Any] | None, token: str) -> Held | None:
    """Skip what must not be written any more, hold back what waits for its drip; None: it may go."""
    if row["purpose"] == "test":
        return None
    reason = consent.judge(tx, lead, row["channel"], row["address"], purpose=row["purpose"])
    if reason is None and row["enrollment_id"] is not None:
        e = t.enrollment.c
        state = tx.conn.execute(select(e.state).where(e.id == row["enrollment_id"])).scalar()
        if state == "paused":
            _back(tx, row, token, next_at=moment(tx) + PAUSED_AGAIN)
            return Held()
        reason = "enrollment_ended" if state == "stopped" else None
    if reason is None:
        return None
    moves.move(
        tx, row["id"], "claimed", "skipped", token=token, by=short(holder()), detail=consent.words(reason),
        reason=reason, next_at=None,
    )  # fmt: skip
    return Held(skipped=True)


def _outgoing(tx: ReadTx, office: Office, row: Mapping[Any, Any], campaign: Mapping[Any, Any] | None) -> Outgoing:
    return Outgoing(
        message_id=row["id"], address=row["address"] or "", text=row["body"], at=moment(tx), subject=row["subject"],
        campaign_id=row["campaign_id"], campaign=None if campaign is None else campaign["name"],
        attachment=_attachment(office, row, campaign), template=ProviderTemplate.of(row["provider_json"]),
        options={} if campaign is None else dict(campaign["options_json"] or {}), in_window=_in_window(tx, row),
        attempt=row["retry_count"],
    )  # fmt: skip


def _attachment(office: Office, row: Mapping[Any, Any], campaign: Mapping[Any, Any] | None) -> Attachment | None:
    if not row["attachment_path"]:
        return None
    path = Path(row["attachment_path"])
    path = path if path.is_absolute() else office.store.files / path
    is_campaigns = campaign is not None and campaign["attachment_path"] == row["attachment_path"]
    name = (campaign["attachment_name"] if campaign is not None and is_campaigns else None) or path.name
    kind = campaign["attachment_type"] if campaign is not None and is_campaigns else None
    return Attachment(path, name, kind or mimetypes.guess_type(name)[0] or "application/octet-stream")


def _in_window(tx: ReadTx, row: Mapping[Any, Any]) -> bool:
    """Whether this address wrote to us on the channel within a day."""
    if row["address_key"] is None:
        return False
    m, since = t.message.c, moment(tx) - _WINDOW
    came = select(m.id).where(m.address_key == row["address_key"], m.channel == row["channel"], m.state == RECEIVED)
    return tx.conn.execute(came.where(m.created_at > since).limit(1)).first() is not None


def put_back(office: Office, begun: Begun) -> bool:
    """Nothing left us, though it was marked: back to waiting, also when others believed it unknown meanwhile."""
    with office.as_system() as tx:
        words = "nothing was sent: the program stood still"
        return moves.move(
            tx, begun.id, ("sending", "unknown"), "pending", token=begun.token, by=short(holder()), detail=words,
            sending_at=None, error=None, reason=None,
        )  # fmt: skip
