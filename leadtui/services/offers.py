"""Leads offered to several: whoever claims one first has it, and after a while the rules go on (spec AH11, M11).

A row of `lead_offer` per offer, at most one open per lead. Who makes, claims or ends one holds its lead's row first, so
that of two who claim at once exactly one has it. A notice of an offer names the lead's number, place and interest, and
no more: to whom it is offered may not see it yet.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, select, update

from leadtui.domain.dates import iso_z
from leadtui.domain.records import Done
from leadtui.domain.routing import Choice
from leadtui.errors import LeadtuiError, Refused
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id

from . import lead_writes as w
from . import routing
from .notifying import Notice, notify_many
from .ownership import first_follow_up, hand_to

if TYPE_CHECKING:
    from .office import Office

OFFER: Final = "offer"
"""The kind of a notice about an offer, and the beginning of its occurrence."""
CLAIMED, LAPSED, ASSIGNED, WITHDRAWN = "claimed", "lapsed", "assigned", "withdrawn"
_CHUNK: Final = 5_000
_LOG = logging.getLogger("leadtui.offers")


@dataclass(frozen=True, slots=True)
class OfferRow:
    """An open offer. `lead_name` only where the reader may see the lead; `mine`: it is offered to him."""

    id: int
    lead_id: int
    lead_number: str
    lead_name: str | None
    area: str | None
    package: str | None
    offered_at: datetime
    until: datetime
    logins: tuple[str, ...]
    mine: bool

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "id": self.id, "lead_id": self.lead_id, "lead_number": self.lead_number, "lead_name": self.lead_name,
            "area": self.area, "package": self.package, "offered_at": iso_z(self.offered_at),
            "until": iso_z(self.until), "to": list(self.logins), "mine": self.mine,
        }  # fmt: skip


# -- making one -------------------------------------------------------------------------------------------------------
def make(tx: WriteTx, row: Mapping[Any, Any], choice: Choice) -> tuple[datetime, list[str]]:
    """Offer a locked lead to those chosen; answers until when (in the office's zone), and their logins.

    Raises Refused where it is offered already.
    """
    tz = tx.catalog.tz
    known = open_offer(tx, row["id"])
    if known is not None:
        raise Refused(
            f"it is offered already, until {known['until'].astimezone(tz):%H:%M}", code="offered", field="assigned_to",
            hint="wait for a claim, or name a user",
        )  # fmt: skip
    until = tx.now + timedelta(minutes=choice.minutes)
    users = tx.catalog.user_by_id
    names = [users[i].login for i in choice.offered]
    values = {
        "lead_id": row["id"], "rule_id": choice.rule_id, "user_ids_json": list(choice.offered), "offered_at": tx.now,
        "until": until,
    }  # fmt: skip
    tx.flush()
    offer_id = insert_id(tx.conn, t.lead_offer, **values)
    tx.audit("create", "lead_offer", offer_id, None, values)
    shown = ", ".join(names)
    w.add_activity(
        tx, row["id"], "assignment", f"offered until {until.astimezone(tz):%H:%M}: {shown}"[:255],
        "\n".join(choice.lines)[:4000],
    )  # fmt: skip
    told = routing.about(tx.catalog, row)
    notify_many(tx, [
        Notice(
            user_id, OFFER, f"{OFFER}:{offer_id}",
            f"{row['number']}{told} is offered to you until {until.astimezone(tx.catalog.zone_of(user_id)):%H:%M}:"
            " claim it first",
        )
        for user_id in choice.offered
    ])  # fmt: skip
    return until.astimezone(tz), names


def open_offer(tx: ReadTx, lead_id: int) -> Mapping[Any, Any] | None:
    """The open offer of a lead."""
    o = t.lead_offer.c
    query = select(t.lead_offer).where(o.lead_id == lead_id, o.closed_at.is_(None))
    return tx.conn.execute(query).mappings().one_or_none()


def _close(tx: WriteTx, offer: Mapping[Any, Any], result: str, claimed_by_id: int | None = None) -> None:
    """End an open offer; what nobody has seen yet of it goes away."""
    now = {"closed_at": tx.now, "result": result, "claimed_by_id": claimed_by_id}
    tx.conn.execute(update(t.lead_offer).where(t.lead_offer.c.id == offer["id"]).values(**now))
    tx.audit(result, "lead_offer", offer["id"], {key: offer[key] for key in now}, now)
    forget_notices(tx, [offer["id"]])


def forget_notices(tx: WriteTx, offer_ids: Sequence[int]) -> None:
    """Nobody is told any more that he could claim these."""
    n = t.notification.c
    names = [f"{OFFER}:{one}" for one in offer_ids]
    tx.conn.execute(delete(t.notification).where(n.kind == OFFER, n.seen_at.is_(None), n.occurrence.in_(names)))


def close_assigned(tx: WriteTx, ids: Sequence[int]) -> None:
    """At the end of a transaction: offers of leads that somebody has now are over."""
    o, lead = t.lead_offer.c, t.lead.c
    wanted = sorted(ids)
    for start in range(0, len(wanted), _CHUNK):
        query = (
            select(t.lead_offer)
            .join(t.lead, lead.id == o.lead_id)
            .where(o.lead_id.in_(wanted[start : start + _CHUNK]), o.closed_at.is_(None))
            .where(lead.assigned_to_id.is_not(None))
        )
        for offer in tx.conn.execute(query).mappings().all():
            _close(tx, offer, ASSIGNED)


# -- claiming ---------------------------------------------------------------------------------------------------------
def claim(office: Office, ref: str | int) -> Done:
    """Take a lead that is offered to the acting user; to claim again what is his already changes nothing.

    Raises NotFound where he neither sees it nor was offered it, Refused: `not_offered` where he sees it, `taken` when
    somebody was faster or the offer is over, `no_room` when he has as many leads as he can.
    """
    with office.write() as tx:
        lead_id = _offered_lead(tx, ref)
        row = w.load(tx, lead_id)
        offer = _last_to(tx, lead_id, tx.actor.user_id)
        if row["deleted_at"] is not None:
            raise w.not_found(ref)
        if offer is None:  # one he may read, else it would not have been found
            raise Refused("it is not offered to you", code="not_offered", field="ref", hint="see: leadtui lead offers")
        users = tx.catalog.user_by_id
        if offer["result"] == CLAIMED and row["assigned_to_id"] == offer["claimed_by_id"] == tx.actor.user_id:
            return Done(w.row_of(tx, lead_id), None, ("you have it already",))
        winner = users.get(offer["claimed_by_id"] or row["assigned_to_id"] or 0)
        if winner is not None:
            words = "was faster" if offer["result"] == CLAIMED else "has it"
            raise Refused(f"{winner.login} {words}", code="taken", field="ref", hint="see: leadtui lead offers")
        stage = tx.catalog.stage_by_id[row["stage_id"]]
        if offer["closed_at"] is not None or stage.is_converted or stage.is_lost:
            raise Refused("the offer is over", code="taken", field="ref", hint="see: leadtui lead offers")
        _refuse_full(tx)
        tx.open_batch("assign", f"claimed {row['number']}")
        told = [users[i].login for i in offer["user_ids_json"] if i in users]
        columns = hand_to(tx, row, tx.actor.user_id, how="claimed", lines=[f"it was offered to {', '.join(told)}"])
        columns |= first_follow_up(tx, row, tx.actor.user_id)
        _close(tx, offer, CLAIMED, tx.actor.user_id)
        w.change(tx, row, columns, "claim")
        others = [i for i in offer["user_ids_json"] if i != tx.actor.user_id]
        words = f"{tx.actor.login} was faster: {row['number']} is taken"
        notify_many(tx, [Notice(i, OFFER, f"{OFFER}:{offer['id']}:taken", words) for i in others])
        return Done(w.row_of(tx, lead_id), tx.batch_id, (), ("assigned_to",))


def _offered_lead(tx: ReadTx, ref: str | int) -> int:
    """The lead that `ref` names among those that were offered to the actor; by its phone only where he may read it.

    Raises NotFound, in the same words whether there is such a lead or not.
    """
    text = str(ref).strip()
    lead, o = t.lead.c, t.lead_offer.c
    named = lead.number == text.upper()
    if text.isascii() and text.isdigit() and 0 < int(text) < 2**31:
        named = lead.id == int(text)
    query = select(lead.id, o.user_ids_json).join(t.lead_offer, o.lead_id == lead.id).where(named)
    for row in tx.conn.execute(query):
        if tx.actor.user_id in row.user_ids_json:
            return int(row.id)
    return w.resolve(tx, ref)


def _last_to(tx: ReadTx, lead_id: int, user_id: int) -> Mapping[Any, Any] | None:
    """The last offer of a lead to a user."""
    o = t.lead_offer.c
    query = select(t.lead_offer).where(o.lead_id == lead_id).order_by(o.id.desc())
    found = tx.conn.execute(query).mappings().all()
    return next((one for one in found if user_id in one["user_ids_json"]), None)


def _refuse_full(tx: WriteTx) -> None:
    me = tx.catalog.user_by_id[tx.actor.user_id]
    if me.capacity is None:
        return
    load = routing.load_of(tx, me)
    if load >= me.capacity:
        raise Refused(
            f"you have {load} open leads, of {me.capacity} at most", code="no_room", field="ref",
            hint="finish one first, or ask who manages users for more room",
        )  # fmt: skip


# -- lists ------------------------------------------------------------------------------------------------------------
def mine(office: Office) -> tuple[OfferRow, ...]:
    """The open offers to the acting user, those that end first at the top."""
    with office.read() as tx:
        return tuple(one for one in open_rows(tx) if one.mine)


def list_all(office: Office) -> tuple[OfferRow, ...]:
    """Every open offer that the acting user may see: to him, or of a lead that he may assign."""
    with office.read() as tx:
        seen = select(t.lead_offer.c.id).join(t.lead, t.lead.c.id == t.lead_offer.c.lead_id)
        may = set(tx.conn.execute(seen.where(scope_clause(tx.actor, "assign"))).scalars())
        return tuple(one for one in open_rows(tx) if one.mine or one.id in may)


def open_rows(tx: ReadTx) -> list[OfferRow]:
    o, lead = t.lead_offer.c, t.lead.c
    query = (
        select(
            o.id, o.lead_id, o.offered_at, o.until, o.user_ids_json, lead.number, lead.name, lead.city, lead.location,
            lead.product_id, lead.product_interest, lead.assigned_to_id, lead.branch_id,
        )
        .join(t.lead, lead.id == o.lead_id)
        .where(o.closed_at.is_(None), lead.deleted_at.is_(None))
        .order_by(o.until, o.id)
    )  # fmt: skip
    users, hidden = tx.catalog.user_by_id, tx.actor.hidden_fields
    rows = []
    for r in tx.conn.execute(query):
        reads = tx.actor.may_on("read", assigned_to_id=r.assigned_to_id, branch_id=r.branch_id)
        product = tx.catalog.product_by_id.get(r.product_id or 0)
        rows.append(
            OfferRow(
                id=r.id,
                lead_id=r.lead_id,
                lead_number=r.number,
                lead_name=r.name if reads and "name" not in hidden else None,
                area=r.city or r.location,
                package=product.name if product is not None else r.product_interest,
                offered_at=r.offered_at,
                until=r.until,
                logins=tuple(users[i].login for i in r.user_ids_json if i in users),
                mine=tx.actor.user_id in r.user_ids_json,
            )
        )
    return rows


# -- when nobody claims it: a step of the routine ---------------------------------------------------------------------
def lapse(office: Office, *, limit: int = 100, may_go_on: Callable[[], bool] = lambda: True) -> int:
    """End offers whose time is over: the rules behind the offer choose, else the lead waits with the unassigned.

    Answers how many ended. Each in a transaction of its own; any number of programs may do it at once.
    """
    o = t.lead_offer.c
    with office.store.read() as tx:
        due = (o.closed_at.is_(None), o.until <= tx.now)
        ids = list(tx.conn.execute(select(o.id).where(*due).order_by(o.until, o.id).limit(limit)).scalars())
    done = 0
    for offer_id in ids:
        if not may_go_on():
            break
        try:
            with office.as_system() as tx:
                done += _lapse(tx, offer_id)
        except LeadtuiError as error:
            _LOG.warning("the offer %d did not end: %s", offer_id, error.message)
    return done


def waiting(tx: ReadTx) -> int:
    """How many offers are over and not ended yet."""
    o = t.lead_offer.c
    return int(tx.conn.execute(select(func.count()).where(o.closed_at.is_(None), o.until <= tx.now)).scalar_one())


def _lapse(tx: WriteTx, offer_id: int) -> int:
    from . import unassigned

    routing.lock(tx)
    o = t.lead_offer.c
    lead_id = tx.conn.execute(select(o.lead_id).where(o.id == offer_id)).scalar()
    held = select(t.lead).where(t.lead.c.id == lead_id).with_for_update(skip_locked=True)
    row = tx.conn.execute(held).mappings().one_or_none()
    offer = open_offer(tx, row["id"]) if row is not None else None
    if row is None or offer is None or offer["id"] != offer_id:  # somebody is at it, or was
        return 0
    stage = tx.catalog.stage_by_id[row["stage_id"]]
    if row["assigned_to_id"] is not None:
        _close(tx, offer, ASSIGNED)
    elif row["deleted_at"] is not None or stage.is_converted or stage.is_lost:
        _close(tx, offer, WITHDRAWN)
    else:
        desk = routing.Desk(tx)
        choice = desk.choose(row, may_offer=False)
        tx.open_batch("assign", f"nobody claimed {row['number']}")
        _close(tx, offer, LAPSED if choice.is_nobody else ASSIGNED)
        if choice.is_nobody:
            unassigned.wait(tx, row["id"])
        else:
            columns, _, _ = desk.carry_out(row, choice)
            w.change(tx, row, columns, "assign")
    return 1
