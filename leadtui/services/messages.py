"""Messages to leads: making them, what becomes of them, and what a person decides (spec §P2, facts/messaging §4.3).

Whatever writes to a lead makes rows here; `services.sending` sends them. A message is made once: its `dedupe_key`
cannot exist twice. Reading them is in `message_lists`, every change of their state in `message_moves`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, or_, select, update

from leadtui.domain.message_states import ASKS, NOT_RETRYABLE, NOT_SENT, WAITING, after_report
from leadtui.domain.pacing import MARGIN, WINDOW
from leadtui.store import schema as t
from leadtui.store.claims import moment
from leadtui.store.many_rows import insert_new
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import clean_line

from . import message_moves as moves
from . import suppressions
from .consent import address_key
from .message_lists import (
    MessageDetail,
    MessageEventRow,
    MessageRow,
    counts,
    get,
    no_message,
    of_campaign,
    of_lead,
    seen_by,
    unknown_ones,
    unplaced,
    waiting_for_confirmation,
)

if TYPE_CHECKING:
    from .office import Office

__all__ = [
    "Draft", "MessageDetail", "MessageEventRow", "MessageRow", "Resolved", "address_key", "apply_status",
    "cancel_one", "cancel_waiting", "counts", "enqueue", "enqueue_many", "get", "of_campaign", "of_lead", "resolve",
    "retry", "unknown_ones", "unplaced", "waiting_for_confirmation", "withdraw",
]  # fmt: skip

MAY_BE_MENDED = func.coalesce(t.message.c.reason, "").not_in(NOT_RETRYABLE)
"""Of messages that failed: those that trying again may mend."""

_PAGE = 1_000
"""So many rows are inserted by one statement."""

AGAIN_AFTER = WINDOW + MARGIN
"""What has been tried is not tried again before its first try has left the window in which the rate is counted."""

_TOGETHER = 200
"""So many messages are settled in one transaction: others write meanwhile."""


# -- making them -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be made, rendered. `purpose`: broadcast, drip, stage, trigger, single, test.

    `dedupe_key` says what must not be written twice (`c12:+254…`, `d7:2`); a row with `state` "skipped" has a `reason`
    and no key. `priority`: 0 first, 5 a campaign's. `is_urgent`: quiet hours do not hold it back.
    """

    purpose: str
    channel: str
    address: str | None = None
    body: str = ""
    address_key: str | None = None
    lead_id: int | None = None
    subject: str | None = None
    campaign_id: int | None = None
    enrollment_id: int | None = None
    step: int = 0
    dedupe_key: str | None = None
    provider_json: Any = None
    attachment_path: str | None = None
    priority: int = 5
    is_urgent: bool = False
    next_at: datetime | None = None
    state: str = "pending"
    reason: str | None = None
    error: str | None = None
    created_by_id: int | None = None
    batch_id: int | None = None


_COLUMNS: Final = tuple(field.name for field in fields(Draft))


def enqueue(tx: WriteTx, draft: Draft) -> int | None:
    """Make one message; answers its id, None where its `dedupe_key` is known (or the campaign has the lead already)."""
    made = tx.conn.execute(_statement(tx), [_values(tx, draft)]).scalars().all()
    if not made:
        return None
    moves.note(tx, made[0], draft.state, tx.actor.login, draft.reason)
    return int(made[0])


def enqueue_many(tx: WriteTx, drafts: Iterable[Draft]) -> int:
    """Make many messages at once; answers how many were new: repeating it makes the missing ones.

    No history is written: when and by whom they were made stands in the rows themselves.
    """
    made, rest = 0, iter(drafts)
    while some := list(islice(rest, _PAGE)):
        made += insert_new(tx.conn, t.message, [_values(tx, draft) for draft in some])
    return made


def _values(tx: WriteTx, draft: Draft) -> dict[str, Any]:
    values = {name: getattr(draft, name) for name in _COLUMNS}
    if draft.address_key is None and draft.address is not None:
        values["address_key"] = address_key(draft.address)
    if draft.created_by_id is None:
        values["created_by_id"] = tx.actor.user_id
    values["created_at"] = values["updated_at"] = tx.now
    return values


def _statement(tx: WriteTx) -> Any:
    """INSERT that passes over what is there, answering the ids of what was new."""
    made: Any
    if tx.is_sqlite:
        from sqlalchemy.dialects import sqlite

        made = sqlite.insert(t.message)
    else:
        from sqlalchemy.dialects import postgresql

        made = postgresql.insert(t.message)
    return made.on_conflict_do_nothing().returning(t.message.c.id)


def cancel_waiting(
    tx: WriteTx,
    reason: str,
    *,
    campaign_id: int | None = None,
    enrollment_id: int | None = None,
    lead_id: int | None = None,
    purposes: Collection[str] = (),
    limit: int | None = None,
) -> int:
    """Messages that have not been begun are not sent: they become `skipped` with this reason; answers how many.

    At least one of the three must be named. What is being sent at this moment is not touched.
    """
    m = t.message.c
    named = {m.campaign_id: campaign_id, m.enrollment_id: enrollment_id, m.lead_id: lead_id}
    wanted = [column == value for column, value in named.items() if value is not None]
    if not wanted:
        raise ValueError("cancel_waiting: of which campaign, enrollment or lead?")
    wanted += [m.state.in_([*WAITING, "claimed"]), m.direction == "out"]
    if purposes:
        wanted.append(m.purpose.in_(list(purposes)))
    ids = list(tx.conn.execute(select(m.id).where(*wanted).order_by(m.id).limit(limit).with_for_update()).scalars())
    for some in _chunks(ids, _PAGE):
        values = {"claim_token": None, "claimed_by": None, "claimed_until": None, "updated_at": tx.now}
        tx.conn.execute(update(t.message).where(m.id.in_(some)).values(state="skipped", reason=reason, **values))
        tx.conn.execute(insert(t.message_event), [
            {"message_id": one, "at": tx.now, "state": "skipped", "by": tx.actor.login, "detail": reason}
            for one in some
        ])  # fmt: skip
    return len(ids)


def cancel_one(tx: WriteTx, message_id: int, reason: str = "withdrawn") -> bool:
    """Exactly this message is not sent, if it has not been begun; False: it has left, or is not there."""
    before = [*WAITING, "claimed"]
    return moves.move(tx, message_id, before, "skipped", by=tx.actor.login, detail=reason, reason=reason, next_at=None)


def _chunks(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


# -- what is reported --------------------------------------------------------------------------------------------------
def apply_status(
    tx: WriteTx,
    *,
    state: str,
    at: datetime,
    by: str,
    provider_id: str = "",
    message_id: int | None = None,
    channel: str = "",
    detail: str = "",
    code: str = "",
    suppress: str = "",
    cost_minor: int | None = None,
) -> bool:
    """What a provider says became of a message: `sent`, `delivered`, `read` or `failed`. True: something changed.

    Late, repeated and out of order is all the same: nothing is ever taken back (`message_states.after_report`). Named
    by the provider's id, by ours, or both. `suppress`: why the address must not be written to again.
    Raises NotFound (`no_such_message`): perhaps our own answer is not written down yet, so that it is tried later.
    """
    found = _reported(tx, provider_id, message_id, channel)
    row = moves.lock(tx, found) if found is not None else None
    if row is None:
        raise no_message(provider_id or message_id)
    if suppress and row["address"]:
        suppressions.add_tx(tx, row["address"], suppressions.place_of(row["channel"]), suppress, detail or None)
    after = after_report(row["state"], state, row["reason"])
    if after is None:
        return False
    words = " ".join(part for part in (f"[{code}]" if code else "", detail) if part)
    values: dict[str, Any] = {}
    if provider_id and not row["provider_id"]:
        values["provider_id"] = provider_id[:255]
    if cost_minor is not None:
        values["cost_minor"] = cost_minor
    if after == "failed":
        values |= {"reason": "reported", "error": words or "the provider says that it failed"}
        moves.failed_after_all(tx, row, words)
    else:
        values |= {"reason": None, "error": None, "next_at": None} | _reached(row, after, at)
    moves.move(tx, row["id"], row["state"], after, by=by, detail=words, told=True, **values)
    if after != "failed":
        moves.succeeded(tx, row, row["sending_at"] or at)
    return True


def _reported(tx: WriteTx, provider_id: str, message_id: int | None, channel: str) -> int | None:
    m = t.message.c
    outgoing = [m.direction == "out"] + ([m.channel == channel] if channel else [])
    if provider_id:
        found = tx.conn.execute(select(m.id).where(m.provider_id == provider_id, *outgoing).limit(1)).scalar()
        if found is not None:
            return int(found)
    if message_id is None:
        return None
    # Ours came back with another id of the provider: a report of an earlier try of the same message.
    return tx.conn.execute(select(m.id).where(m.id == message_id, *outgoing)).scalar()


def _reached(row: Any, state: str, at: datetime) -> dict[str, datetime]:
    """The moments that a state implies: what was read was delivered and sent, at the latest then."""
    columns = {"sent": ("sent_at",), "delivered": ("sent_at", "delivered_at")}.get(
        state, ("sent_at", "delivered_at", "read_at")
    )
    return {column: at for column in columns if row[column] is None}


# -- what a person decides ---------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Resolved:
    """How many messages were settled; `refused`: those that were not, with the reason, the first fifty."""

    count: int
    refused: tuple[tuple[int, str], ...] = ()


def resolve(office: Office, ids: Iterable[int], went: bool, *, note: str | None = None) -> Resolved:
    """Say of messages that were handed over, or of which nobody knows, whether they went.

    Those that went are `sent`, confirmed by the acting user; the others `failed`, and may be tried again. It needs
    `log` or `campaign` on the lead. Raises NotFound where the only one is not there.
    """
    words = clean_line(note or "", field="note", limit=500) or None

    def settle(tx: WriteTx, row: Any) -> str:
        if row["state"] not in ASKS:
            return f"it is {row['state']}: nothing is to be confirmed"
        by, after = tx.actor.login, "sent" if went else "failed"
        if went:
            at = row["sending_at"] or moment(tx)
            moves.move(
                tx, row["id"], row["state"], after, by=by, detail=words or "a person says that it went",
                sent_at=row["sent_at"] or at, error=None, reason=None, confirmed_by_id=tx.actor.user_id,
            )  # fmt: skip
            moves.succeeded(tx, row, at)
        else:
            told = words or "a person says that it did not go"
            moves.move(tx, row["id"], row["state"], after, by=by, detail=told, reason=NOT_SENT, error=told)
        tx.audit("resolve", "message", row["id"], {"state": row["state"]}, {"state": after})
        return ""

    return _each(office, ids, settle)


def retry(office: Office, ids: Iterable[int] | None = None, *, campaign_id: int | None = None) -> Resolved:
    """Try messages that failed once more: those named, or all of a campaign's; only what trying again may mend.

    It needs `log` or `campaign` on the lead. A campaign that was completed is taken up again by the worker.
    """
    m = t.message.c
    if ids is None:
        with office.read() as tx:
            again = (m.campaign_id == campaign_id, m.state == "failed", MAY_BE_MENDED)
            failed = select(m.id).where(*again, m.purpose != "test").order_by(m.id)
            ids = list(tx.conn.execute(failed).scalars())
            if not ids:
                return Resolved(0)

    def again_(tx: WriteTx, row: Any) -> str:
        if row["state"] != "failed":
            return f"it is {row['state']}, not failed"
        if row["reason"] in NOT_RETRYABLE:
            return f"trying again does not help: {row['error'] or row['reason']}"
        if _is_called_off(tx, row["campaign_id"]):
            return "its campaign was called off"
        now = moment(tx)
        first = max(now, row["sending_at"] + AGAIN_AFTER) if row["sending_at"] else now
        moves.move(
            tx, row["id"], "failed", "pending", by=tx.actor.login, detail="tried again", reason=None, error=None,
            next_at=first, retry_count=row["retry_count"] + 1, last_retry_at=now,
        )  # fmt: skip
        tx.audit("retry", "message", row["id"], {"state": "failed"}, {"state": "pending"})
        return ""

    return _each(office, ids, again_)


def _is_called_off(tx: ReadTx, campaign_id: int | None) -> bool:
    """Whether a campaign is cancelled or put away: nothing of it is sent any more."""
    c = t.campaign.c
    over = or_(c.status == "cancelled", c.deleted_at.is_not(None))
    return (
        campaign_id is not None and tx.conn.execute(select(c.id).where(c.id == campaign_id, over)).first() is not None
    )


def withdraw(office: Office, ids: Iterable[int]) -> Resolved:
    """Take messages back that have not been begun. It needs `log` or `campaign` on the lead."""

    def back(tx: WriteTx, row: Any) -> str:
        if not cancel_one(tx, row["id"]):
            return f"it is {row['state']} already"
        tx.audit("withdraw", "message", row["id"], {"state": row["state"]}, {"state": "skipped"})
        return ""

    return _each(office, ids, back)


def _each(office: Office, ids: Iterable[int], act: Callable[[WriteTx, Any], str]) -> Resolved:
    """Do `act` with each message that the actor may decide upon, in short transactions; it answers why not, or "".

    Raises NotFound where only one is named and it is not there.
    """
    wanted = list(dict.fromkeys(ids))
    done, refused = 0, list[tuple[int, str]]()
    for some in _chunks(wanted, _TOGETHER):
        with office.write() as tx:
            may = _permitted(tx, some)
            for message_id in some:
                row = moves.lock(tx, message_id) if message_id in may else None
                if row is None and len(wanted) == 1:
                    raise no_message(message_id)
                why = "there is no such message" if row is None else act(tx, row)
                if why:
                    refused.append((message_id, why))
                done += not why
    return Resolved(done, tuple(refused[:50]))


def _permitted(tx: WriteTx, ids: Sequence[int]) -> set[int]:
    """Those of the messages on whose lead the actor may log a contact or run campaigns."""
    m = t.message.c
    joined = t.message.outerjoin(t.lead, t.lead.c.id == m.lead_id)
    may = or_(seen_by(tx, "log"), seen_by(tx, "campaign"))
    return set(tx.conn.execute(select(m.id).select_from(joined).where(m.id.in_(ids), may)).scalars())
