"""Messages to look at: of a lead, of a campaign, those that ask for a person; one with all that happened to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select, true

from leadtui.domain.message_states import LEFT, RECEIVED, WAITING, Counters, counters
from leadtui.errors import NotFound
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx

from . import lead_writes as w
from .message_moves import IS_ASKING

if TYPE_CHECKING:
    from .office import Office


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message as lists show it. `confirmed_by` and `created_by` are logins; `link` is what was handed to a person.

    `reason` is a code (`consent.REASONS`, or how it failed), `error` the words of the channel.
    """

    id: int
    purpose: str
    direction: str
    campaign_id: int | None
    campaign_name: str | None
    enrollment_id: int | None
    step: int
    lead_id: int | None
    lead_number: str | None
    lead_name: str | None
    channel: str
    address: str | None
    subject: str | None
    body: str
    state: str
    reason: str | None
    error: str | None
    is_urgent: bool
    next_at: datetime | None
    retry_count: int
    last_retry_at: datetime | None
    provider_id: str | None
    sending_at: datetime | None
    accepted_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    confirmed_by: str | None
    created_by: str | None
    created_at: datetime
    link: str | None

    def as_json(self) -> dict[str, Any]:
        """For the command line."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class MessageEventRow:
    """What happened to a message: `by` is a program ("host/pid"), a webhook, a poll or a login."""

    at: datetime
    state: str
    by: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class MessageDetail:
    """A message and all that happened to it, the oldest first."""

    row: MessageRow
    events: tuple[MessageEventRow, ...]

    def as_json(self) -> dict[str, Any]:
        """For the command line."""
        return self.row.as_json() | {"events": [asdict(event) for event in self.events]}


_JOINED = t.message.outerjoin(t.lead, t.lead.c.id == t.message.c.lead_id).outerjoin(
    t.campaign, t.campaign.c.id == t.message.c.campaign_id
)


def seen_by(tx: ReadTx, action: str = "read") -> ColumnElement[bool]:
    """Which messages the acting user may do `action` on: those of leads in scope; without a lead those who may write
    campaigns, and his own tests.
    """
    m = t.message.c
    nobodys: ColumnElement[bool] = m.lead_id.is_(None)
    if not tx.actor.may("campaign"):
        nobodys = and_(nobodys, m.created_by_id == tx.actor.user_id, m.direction == "out")
    mine = and_(m.lead_id.is_not(None), scope_clause(tx.actor, action), scope_clause(tx.actor, "read"))
    return or_(mine, nobodys)


def of_lead(office: Office, ref: str | int, *, limit: int | None = 50, offset: int = 0) -> tuple[MessageRow, ...]:
    """Messages to and from a lead, the newest first. Raises NotFound."""
    with office.read() as tx:
        lead_id = w.resolve(tx, ref)
        return rows(tx, t.message.c.lead_id == lead_id, limit=limit, offset=offset)


def get(office: Office, message_id: int) -> MessageDetail:
    """One message and its history. Raises NotFound, also out of scope."""
    with office.read() as tx:
        return detail(tx, message_id)


def detail(tx: ReadTx, message_id: int) -> MessageDetail:
    """`get` in an open transaction."""
    found = rows(tx, and_(t.message.c.id == message_id, seen_by(tx)))
    if not found:
        raise no_message(message_id)
    e = t.message_event.c
    query = select(e.at, e.state, e.by, e.detail).where(e.message_id == message_id).order_by(e.id)
    return MessageDetail(found[0], tuple(MessageEventRow(*event) for event in tx.conn.execute(query)))


def of_campaign(
    office: Office, campaign_id: int, *, state: str | None = None, limit: int | None = 50, offset: int = 0
) -> tuple[int, tuple[MessageRow, ...]]:
    """A campaign's messages in the order they were made, with their count; `state` is one, or `waiting`, or `left`."""
    with office.read() as tx:
        wanted = and_(t.message.c.campaign_id == campaign_id, in_state(state), seen_by(tx))
        return page(tx, wanted, limit=limit, offset=offset, order=(t.message.c.id,))


def in_state(state: str | None) -> ColumnElement[bool]:
    """The messages in a state; `waiting` and `left` (counted as sent) are several; None: all."""
    if state is None:
        return true()
    some = {"waiting": WAITING, "left": LEFT}.get(state)
    return t.message.c.state.in_(some) if some is not None else t.message.c.state == state


def unknown_ones(
    office: Office, *, campaign_id: int | None = None, limit: int | None = 50, offset: int = 0
) -> tuple[int, tuple[MessageRow, ...]]:
    """Messages of which nobody knows whether they went, the oldest first: a person says it (`messages.resolve`)."""
    return _asking(office, "unknown", "read", campaign_id, limit, offset)


def waiting_for_confirmation(
    office: Office, *, campaign_id: int | None = None, limit: int | None = 50, offset: int = 0
) -> tuple[int, tuple[MessageRow, ...]]:
    """Messages handed to a person or a browser that nobody has confirmed, on leads one may log on; one's own first."""
    return _asking(office, "handed_off", "log", campaign_id, limit, offset)


def _asking(
    office: Office, state: str, action: str, campaign_id: int | None, limit: int | None, offset: int
) -> tuple[int, tuple[MessageRow, ...]]:
    m = t.message.c
    with office.read() as tx:
        wanted = [asking(tx, state, action)]
        if campaign_id is not None:
            wanted.append(m.campaign_id == campaign_id)
        mine = or_(m.created_by_id == tx.actor.user_id, t.lead.c.assigned_to_id == tx.actor.user_id)
        return page(tx, and_(*wanted), limit=limit, offset=offset, order=(case((mine, 0), else_=1), m.id))


def asking(tx: ReadTx, state: str, action: str) -> ColumnElement[bool]:
    """Messages that are `handed_off` or `unknown` on leads one may do `action` on, over `message` and `lead`."""
    return and_(IS_ASKING, t.message.c.state == state, seen_by(tx, action))


def unplaced(office: Office, *, limit: int | None = 50, offset: int = 0) -> tuple[int, tuple[MessageRow, ...]]:
    """Messages that came in from somebody unknown, the newest first; for those who may run campaigns."""
    m = t.message.c
    with office.read() as tx:
        w.require(tx, "campaign")
        wanted = and_(m.direction == "in", m.lead_id.is_(None), m.state == RECEIVED)
        return page(tx, wanted, limit=limit, offset=offset)


# -- the query ---------------------------------------------------------------------------------------------------------
def page(
    tx: ReadTx, where: ColumnElement[bool], *, limit: int | None, offset: int = 0, order: Sequence[Any] = ()
) -> tuple[int, tuple[MessageRow, ...]]:
    """How many there are, and one page of them."""
    total = int(tx.conn.execute(select(func.count()).select_from(_JOINED).where(where)).scalar_one())
    return total, rows(tx, where, limit=limit, offset=offset, order=order) if total else ()


def rows(
    tx: ReadTx,
    where: ColumnElement[bool],
    *,
    limit: int | None = None,
    offset: int = 0,
    order: Sequence[Any] = (),
) -> tuple[MessageRow, ...]:
    """Messages as they are, the newest first unless `order` says otherwise. The caller has put the scope in `where`."""
    lead, m = t.lead.c, t.message.c
    query = (
        select(t.message, lead.number.label("lead_number"), lead.name.label("lead_name"),
               t.campaign.c.name.label("campaign_name"))
        .select_from(_JOINED).where(where).order_by(*(order or (m.id.desc(),))).limit(limit).offset(offset)
    )  # fmt: skip
    return tuple(_row(tx, row) for row in tx.conn.execute(query).mappings())


def _row(tx: ReadTx, row: Mapping[Any, Any]) -> MessageRow:
    users = tx.catalog.user_by_id

    def login(user_id: int | None) -> str | None:
        return users[user_id].login if user_id in users else None

    hidden = tx.actor.hidden_fields
    return MessageRow(
        row["id"], row["purpose"], row["direction"], row["campaign_id"], row["campaign_name"], row["enrollment_id"],
        row["step"], row["lead_id"], row["lead_number"], None if "name" in hidden else row["lead_name"],
        row["channel"], None if _is_hidden(row["address"], hidden) else row["address"], row["subject"], row["body"],
        row["state"], row["reason"], row["error"], row["is_urgent"], row["next_at"], row["retry_count"],
        row["last_retry_at"], row["provider_id"], row["sending_at"], row["accepted_at"], row["sent_at"],
        row["delivered_at"], row["read_at"], login(row["confirmed_by_id"]), login(row["created_by_id"]),
        row["created_at"], (row["provider_json"] or {}).get("link"),
    )  # fmt: skip


def _is_hidden(address: str | None, hidden: frozenset[str]) -> bool:
    return ("email" if "@" in (address or "") else "phone") in hidden


def counts(tx: ReadTx, campaign_ids: Iterable[int]) -> dict[int, Counters]:
    """The counters of campaigns, from their messages without tests (AJ9): one grouped query for all of them."""
    wanted, m = list(campaign_ids), t.message.c
    found: dict[int, dict[str, int]] = {one: {} for one in wanted}
    for start in range(0, len(wanted), 500):
        some = m.campaign_id.in_(wanted[start : start + 500])
        query = select(m.campaign_id, m.state, func.count()).where(some, m.purpose != "test")
        query = query.group_by(m.campaign_id, m.state)
        for campaign_id, state, count in tx.conn.execute(query):
            found[campaign_id][state] = count
    return {one: counters(states) for one, states in found.items()}


def no_message(message_id: object) -> NotFound:
    """The same words for a message that is not there and one out of scope."""
    return NotFound(f"there is no message {message_id}", field="id", code="no_such_message")
