"""What leads write to us, and what providers tell of them: found by address, kept, obeyed (facts/messaging §5.9).

A message belongs to every lead that shares the address. It stands on their timelines, and they are left in peace: drips
stop by the event `message.replied`. Who writes STOP is written to no more, on any channel. A message of somebody
unknown is kept and shown, and its STOP counts too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, or_, select, update

from leadtui.channels.reports import Inbound, Preference, Report, StatusUpdate
from leadtui.domain import stop_words
from leadtui.domain.activity_types import SUBJECTS
from leadtui.domain.message_states import RECEIVED
from leadtui.errors import NotFound
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import clean_block, shorten, strip_controls

from . import consent, events, messages, suppressions
from . import lead_writes as w
from .message_moves import touched
from .notifying import notify

REPLIED: Final = "message.replied"
OPTED_OUT: Final = "lead.opted_out"
"""Events of a lead; their payload names the `channel`, and the `message` where there is one."""

_MOST_LEADS = 20
_TEXT_LIMIT = 20_000
_WORDS = {"image": "a picture", "document": "a document", "audio": "a voice message", "video": "a video",
          "location": "a place", "contact": "a contact", "reaction": "a reaction"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Received:
    """What a message that came in became: one row for each lead of its address. Not `is_new`: it was known."""

    message_ids: tuple[int, ...]
    lead_ids: tuple[int, ...]
    is_stop: bool
    is_new: bool


def apply(tx: WriteTx, report: Report, by: str) -> bool:
    """Apply whatever was told; True when something changed. Raises NotFound for a message that is not there (yet)."""
    match report:
        case Inbound():
            return receive(tx, report).is_new
        case Preference():
            return preference(tx, report) > 0
        case StatusUpdate():
            return status(tx, report, by)


def status(tx: WriteTx, told: StatusUpdate, by: str) -> bool:
    """What became of a message of ours. Raises NotFound (`no_such_message`)."""
    return messages.apply_status(
        tx, state=told.state, at=told.at, by=by, provider_id=told.provider_id, message_id=told.message_id,
        detail=told.text, code=told.code, suppress=told.suppress, cost_minor=told.cost_minor,
    )  # fmt: skip


# -- a message ---------------------------------------------------------------------------------------------------------
def receive(tx: WriteTx, came: Inbound) -> Received:
    """Keep a message, once however often it is told, and do what follows from it."""
    address = came.address.strip()
    leads = _leads_of(tx, address, came.user_id)
    text = _text_of(came)
    whose: list[Mapping[Any, Any] | None] = [*leads] or [None]
    made = [(lead, _keep(tx, came, lead, address, text)) for lead in whose]
    new = [(lead, message_id) for lead, message_id in made if message_id is not None]
    is_stop = came.type in {"text", "button"} and stop_words.is_stop(text, _words(tx))
    lead_ids = tuple(lead["id"] for lead, _ in new if lead is not None)
    if not new:
        return Received((), (), is_stop, False)
    if came.reply_to:
        with suppress(NotFound):  # what was answered was read
            messages.apply_status(tx, state="read", at=came.at, by="reply", provider_id=came.reply_to)
    if is_stop:
        for one in _addresses(address, leads):
            suppressions.add_tx(tx, one, "", "stop_word", shorten(text, 200))
    for lead, message_id in new:
        if lead is not None:
            _on_timeline(tx, came, lead, message_id or 0, text)
            payload = {"message": message_id, "channel": came.channel}
            if is_stop:
                _refuse(tx, lead, payload)
            else:
                events.emit(tx, REPLIED, lead_id=lead["id"], payload=payload)
                _tell(tx, came, lead, message_id or 0, text)
    return Received(tuple(one for _, one in new if one is not None), lead_ids, is_stop, True)


def _leads_of(tx: WriteTx, address: str, user_id: str) -> list[Mapping[Any, Any]]:
    """The live leads of an address or of a provider's own name of a person, locked, the newest first."""
    c, found = t.lead.c, list[Any]()
    if "@" in address:
        found.append(c.email_norm == consent.address_key(address))
    elif address:
        found += [c.phone_e164 == address, c.alt_phone_e164 == address]
    if user_id:
        found.append(c.wa_user_id == user_id)
    if not found:
        return []
    query = select(c.id).where(or_(*found), c.deleted_at.is_(None)).order_by(c.id.desc()).limit(_MOST_LEADS)
    return w.load_many(tx, tx.conn.execute(query).scalars().all())


def _addresses(told: str, leads: Sequence[Mapping[Any, Any]]) -> tuple[str, ...]:
    """What a wish is about: the address told, else (the provider hides it) the phones of the leads it belongs to."""
    return (told,) if told else tuple(dict.fromkeys(lead["phone_e164"] for lead in leads if lead["phone_e164"]))


def _text_of(came: Inbound) -> str:
    text = clean_block(came.text[:_TEXT_LIMIT], field="text", limit=_TEXT_LIMIT)
    return text or f"({_WORDS.get(came.type, 'something without words')})"


def _words(tx: ReadTx) -> str:
    return str(tx.catalog.settings.get("stop_words") or "")


def _keep(tx: WriteTx, came: Inbound, lead: Mapping[Any, Any] | None, address: str, text: str) -> int | None:
    """The message's row of one lead; None when it is there."""
    lead_id = None if lead is None else int(lead["id"])
    draft = messages.Draft(
        "inbound", came.channel, address or None, text, lead_id=lead_id, state=RECEIVED,
        dedupe_key=_key(came, lead_id or 0),
        provider_json={"name": _line(came.name), "user_id": came.user_id[:80] or None, "type": came.type},
    )  # fmt: skip
    made = messages.enqueue(tx, draft)
    if made is not None:
        values = {"direction": "in", "provider_id": came.provider_id[:255] or None, "sent_at": _past(tx, came.at)}
        tx.conn.execute(update(t.message).where(t.message.c.id == made).values(**values))
        if lead is not None and came.user_id and not lead["wa_user_id"] and consent.family(came.channel) == "whatsapp":
            values = {"wa_user_id": came.user_id[:80]}
            tx.conn.execute(update(t.lead).where(t.lead.c.id == lead_id).values(**values))
    return made


def _key(came: Inbound, lead_id: int) -> str:
    """Unique by the provider's name of the message; hashed where that is long."""
    import hashlib

    name = came.provider_id or f"{came.address}:{came.user_id}:{came.at.isoformat()}:{came.text}"
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:40]
    return f"in:{came.channel}:{lead_id}:{digest}"


def _past(tx: ReadTx, at: datetime) -> datetime:
    """A moment that a provider tells; its clock may be ahead of ours."""
    return min(at, tx.now)


def _line(text: str) -> str:
    return shorten(" ".join(strip_controls(text).split()), 100)


def _on_timeline(tx: WriteTx, came: Inbound, lead: Mapping[Any, Any], message_id: int, text: str) -> None:
    kind, at = consent.family(came.channel), _past(tx, came.at)
    kind = kind if kind in SUBJECTS else "other"
    activity_id = w.insert_activity(
        tx, lead["id"], kind, f"{SUBJECTS[kind]}: answered", text, scheduled_at=at, completed_at=at,
        channel=came.channel, direction="inbound", metadata_json={"message": message_id}, batch_id=None,
    )  # fmt: skip
    tx.conn.execute(update(t.message).where(t.message.c.id == message_id).values(activity_id=activity_id))
    touched(tx, lead["id"], at)


def _tell(tx: WriteTx, came: Inbound, lead: Mapping[Any, Any], message_id: int, text: str) -> None:
    """Who works the lead learns that it answered."""
    if lead["assigned_to_id"] is not None:
        words = f"answered on {came.channel}: {shorten(_line(text), 120)}"
        notify(tx, lead["assigned_to_id"], "reply", f"reply:{message_id}", words, lead_id=lead["id"])


# -- who wants no more -------------------------------------------------------------------------------------------------
def _refuse(tx: WriteTx, lead: Mapping[Any, Any], payload: Mapping[str, Any]) -> None:
    w.change(tx, lead, {"consent": consent.REFUSED}, "opt_out")
    events.emit(tx, OPTED_OUT, lead_id=lead["id"], payload=payload)


def preference(tx: WriteTx, wish: Preference) -> int:
    """Somebody told the provider that no messages of this kind of channel are wanted, or that they are again.

    It holds for the channel and its kind; what the lead told us otherwise stays. Answers how many leads it concerns.
    """
    leads = _leads_of(tx, wish.address.strip(), wish.user_id)
    place = suppressions.place_of(wish.channel)
    for address in _addresses(wish.address.strip(), leads):
        if wish.wants:
            _wants_again(tx, address, place, wish)
        else:
            suppressions.add_tx(tx, address, place, "stopped_marketing", _line(wish.detail) or None)
    if not wish.wants:
        for lead in leads:
            events.emit(tx, OPTED_OUT, lead_id=lead["id"], payload={"channel": wish.channel})
    return len(leads)


def _wants_again(tx: WriteTx, address: str, place: str, wish: Preference) -> None:
    """Only what the same wish had stopped is lifted, and only by a later word."""
    s = t.suppression.c
    mine = (s.address_key == consent.address_key(address), s.channel == place, s.reason == "stopped_marketing")
    for row in tx.conn.execute(select(t.suppression).where(*mine, s.at <= wish.at)).all():
        tx.conn.execute(delete(t.suppression).where(s.id == row.id))
        before = {"address": row.address, "channel": row.channel, "reason": row.reason}
        tx.audit("lift", "suppression", row.id, before, {"lifted": "told the provider so"})
