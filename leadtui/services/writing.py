"""Writing one message to one lead: which channels would take it, how it would read, and into the queue with it.

What a person writes is urgent (quiet hours do not hold it back) and goes before campaigns; everything else that speaks
against a message speaks against this one too: consent, suppression, a channel that is not ready (spec §P, AJ28).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import func, select

from leadtui.channels import registry
from leadtui.domain import templates
from leadtui.domain.records import LeadRow
from leadtui.domain.writing import Preview, Text, Way, read
from leadtui.errors import Invalid, LeadtuiError, NotFound, Refused, UsageError
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import channels, consent, messages
from . import lead_writes as w
from .audience import Texts
from .lead_texts import LeadTexts
from .messages import MessageRow
from .office import Office

__all__ = ["Choices", "Preview", "Text", "Way", "Written", "choices", "read", "values_of", "write_to"]

PURPOSE: Final = "single"
_ALL: Final = 5
"""Every kind of channel there is to a lead, not only the best."""
WINDOW: Final = timedelta(hours=24)
"""So long after a lead's last message WhatsApp takes any text; later only approved templates (facts §2.1)."""

Row = Mapping[Any, Any]
Values = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Choices:
    """What a message to a lead can be: by what, the ready ones first and of those the best; with which text."""

    lead: LeadRow
    ways: tuple[Way, ...]
    texts: tuple[Text, ...]
    values: Values
    """The lead's values of all placeholders, to show a text while it is typed."""

    def way(self, channel: str) -> Way | None:
        """The channel of that name."""
        return next((one for one in self.ways if one.channel == channel), None)


@dataclass(frozen=True, slots=True)
class Written:
    """A message that was queued, or of a rehearsal what it would be (`message` is None then)."""

    lead: LeadRow
    way: Way
    preview: Preview
    message: MessageRow | None


# -- what there is to choose -------------------------------------------------------------------------------------------
def choices(office: Office, ref: str | int) -> Choices:
    """Everything a person chooses from before writing to a lead. Raises NotFound, NotPermitted (action `log`)."""
    liked = _preferences(office, ref)
    with office.read() as tx:
        row = w.load(tx, w.resolve(tx, ref))
        w.allow(tx, row, "log")
        keys = [one.key for one in templates.placeholders(tx.actor.hidden_fields)]
        ways = tuple(_seen(tx, one) for one in _ways(tx, office, row, liked))
        return Choices(w.row_of(tx, row["id"]), ways, _texts(tx), _values(tx, row, keys))


def values_of(office: Office, ref: str | int, text: str) -> Values:
    """The lead's values of the placeholders in a text; a text that cannot be read has none."""
    with office.read() as tx:
        row = w.load(tx, w.resolve(tx, ref))
        w.allow(tx, row, "log")
        return _values(tx, row, _fields(tx, text))


def anybody(office: Office, ref: str | int | None = None) -> tuple[LeadRow, Values] | None:
    """A lead and its values of all placeholders, to show a text with: the one named, else the newest there is."""
    with office.read() as tx:
        lead = t.lead.c
        newest = select(lead.id).where(lead.deleted_at.is_(None), scope_clause(tx.actor)).order_by(lead.id.desc())
        lead_id = w.resolve(tx, ref) if ref is not None else tx.conn.execute(newest.limit(1)).scalar()
        if lead_id is None:
            return None
        keys = [one.key for one in templates.placeholders(tx.actor.hidden_fields)]
        return w.row_of(tx, lead_id), _values(tx, w.load(tx, lead_id), keys)


def _fields(tx: ReadTx, *texts: str | None) -> list[str]:
    keys: dict[str, None] = {}
    for text in texts:
        try:
            keys |= dict.fromkeys(templates.parse(text or "", hidden=tx.actor.hidden_fields).fields)
        except Invalid:
            continue
    return list(keys)


def _values(tx: ReadTx, row: Row, keys: list[str]) -> Values:
    read_from = LeadTexts(tx, keys)
    read_from.load([row])
    return read_from.of(row)


def _preferences(office: Office, ref: str | int) -> dict[str, str]:
    """Channels by how the lead answered before, the best first, with words for it."""
    from . import orchestration

    try:
        steps = orchestration.plan(office, ref, template=None, channels=_ALL).steps
    except LeadtuiError:  # who may not plan may still write; the order is a convenience
        return {}
    ordered = sorted(steps, key=lambda one: one.priority)
    return {
        one.by or one.channel: f"{one.responded} of {one.sent} answered" if one.sent else "" for one in ordered
    }  # fmt: skip


def _ways(tx: ReadTx, office: Office, row: Row, liked: Mapping[str, str]) -> tuple[Way, ...]:
    order = {name: place for place, name in enumerate(liked)}
    ways = [_way(tx, office, row, name, liked.get(name, "")) for name in registry.names()]
    return tuple(
        sorted(ways, key=lambda one: (not one.ready, order.get(one.channel, len(order)), one.channel == "file"))
    )


def _way(tx: ReadTx, office: Office, row: Row, name: str, answered: str = "") -> Way:
    caps = channels.caps(tx, name)
    found = consent.address_of(row, name)
    address = found[0] if found is not None else None
    why = channels.problem(tx, office, name)
    if not why and (reason := consent.judge(tx, row, name, address, purpose=PURPOSE)) is not None:
        why = consent.words(reason)
    return Way(
        name, registry.spec(name).title, address, why, caps.has_subject, caps.segments, caps.max_len,
        caps.needs_template and not _in_window(tx, row["id"], name), caps.warning, answered,
    )  # fmt: skip


def _seen(tx: ReadTx, way: Way) -> Way:
    """The way without an address that the role does not see."""
    field = "email" if "@" in (way.address or "") else "phone"
    return replace(way, address=None) if field in tx.actor.hidden_fields else way


def _in_window(tx: ReadTx, lead_id: int, channel: str) -> bool:
    m = t.message.c
    of_it = (m.lead_id == lead_id, m.channel == channel, m.direction == "in")
    last = tx.conn.execute(select(func.max(m.created_at)).where(*of_it)).scalar()
    return last is not None and tx.now - last < WINDOW


def _texts(tx: ReadTx) -> tuple[Text, ...]:
    c = t.template.c
    found = tx.conn.execute(select(t.template).where(c.is_active.is_(True)).order_by(c.name, c.id))
    return tuple(Text(r.id, r.name, r.channel, r.subject, r.body, bool(r.provider_json)) for r in found)


# -- into the queue ----------------------------------------------------------------------------------------------------
def write_to(
    office: Office,
    ref: str | int,
    *,
    channel: str | None = None,
    template: str | int | None = None,
    body: str | None = None,
    subject: str | None = None,
    dry_run: bool = False,
) -> Written:
    """Queue one message to one lead: a template, or own words (a text with placeholders too).

    Without a channel it goes by the best that is ready. By a channel that hands messages to a person it is handed over
    at once, so that its link stands ready. Raises NotFound, NotPermitted (action `log`), UsageError, Invalid (`text`),
    Refused (`channel_not_ready`: not by this channel to this lead, with the reason).
    """
    if (template is None) == (body is None):
        raise UsageError("a template or a text, one of them", field="text", hint="--template NAME, or --text WORDS")
    liked = _preferences(office, ref) if channel is None else {}
    with office.write() as tx:
        row = w.open_for(tx, ref, "log")
        way = _chosen(_ways(tx, office, row, liked), channel)
        text = _text(tx, template, way) if template is not None else None
        said = text.body if text is not None else body or ""
        head = (subject or (text.subject if text is not None else None)) if way.has_subject else None
        values = _values(tx, row, _fields(tx, said, head))
        approved = text is not None and text.is_approved
        seen = read(way, said, head, values, hidden=tx.actor.hidden_fields, approved=approved)
        if seen.problem:
            raise Invalid(seen.problem, field="text")
        lead = w.row_of(tx, row["id"])
        if dry_run:
            return Written(lead, _seen(tx, way), seen, None)
        caps = channels.caps(tx, way.channel)
        message_id = _enqueue(tx, row, way, seen, text)
        way = _seen(tx, way)
    if caps.by_hand and not caps.is_local:  # nothing is sent: any process can show the link
        from . import sending

        sending.send_now(office, message_id)
    return Written(lead, way, seen, messages.get(office, message_id).row)


def _enqueue(tx: WriteTx, row: Row, way: Way, seen: Preview, text: Text | None) -> int:
    draft = messages.Draft(
        PURPOSE, way.channel, way.address, seen.text, lead_id=row["id"], subject=seen.subject,
        provider_json=_provider(tx, row, text), priority=0, is_urgent=True,
    )  # fmt: skip
    message_id = messages.enqueue(tx, draft)
    if message_id is None:  # without a dedupe_key nothing is known already
        raise Refused("this message is queued already", code="duplicate")
    tx.audit("write", "message", message_id, None, {"lead_id": row["id"], "channel": way.channel, "text": seen.text})
    return message_id


def _provider(tx: ReadTx, row: Row, text: Text | None) -> Any:
    """An approved template with its parameters rendered for this lead."""
    if text is None or not text.is_approved:
        return None
    kept = tx.conn.execute(select(t.template.c.provider_json).where(t.template.c.id == text.id)).scalar_one()
    texts = Texts.read("", None, kept, tx.actor.hidden_fields)
    values = _values(tx, row, list(texts.fields))
    if missing := [key for key in texts.required if not values.get(key)]:
        raise Invalid("the lead has no " + ", ".join(f"{{{key}}}" for key in missing), field="text")
    return texts.render(values, kept)[2]


def _chosen(ways: tuple[Way, ...], channel: str | None) -> Way:
    if channel is None:
        if ways and ways[0].ready:
            return ways[0]
        why = "; ".join(f"{one.title}: {one.why_not}" for one in ways)
        raise Refused("there is no way to write to this lead now", code="channel_not_ready", field="channel", hint=why)
    name = registry.found(channel).name
    way = next(one for one in ways if one.channel == name)
    if not way.ready:
        raise Refused(f"{way.title}: {way.why_not}", code="channel_not_ready", field="channel")
    return way


def _text(tx: ReadTx, template: str | int, way: Way) -> Text:
    wanted, found = str(template).strip(), _texts(tx)
    one = next((one for one in found if wanted == str(one.id) or wanted.casefold() == one.name.casefold()), None)
    if one is None:
        names = ", ".join(one.name for one in found[:8])
        raise NotFound(f"there is no template '{wanted[:80]}'", field="template", hint=names or "there is none yet")
    if one.channel not in (None, way.channel):
        raise Refused(f"the template {one.name} is for {one.channel}", code="other_channel", field="template")
    return one
