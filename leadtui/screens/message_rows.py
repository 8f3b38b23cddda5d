"""Messages as lists and a lead show them: the sign and word of a state, how much of a text fits, who and when. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leadtui import clock
from leadtui.domain.channel_words import channel_word
from leadtui.domain.message_reasons import words
from leadtui.domain.message_states import mark
from leadtui.domain.phones import format_phone
from leadtui.widgets.lead_cells import moment, short_day
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.catalog import Catalog
    from leadtui.services.messages import MessageDetail, MessageRow

SURE: Final = "What is said here is final: one that went is never sent again, one that did not can be tried again."
"""Asked before a person's word on a message is written down."""
PURPOSES: Final = {
    "broadcast": "campaign", "drip": "drip", "stage": "status", "trigger": "trigger", "single": "", "test": "test",
    "inbound": "",
}  # fmt: skip


def state_words(row: MessageRow) -> str:
    """The state with its sign, and why where that matters: "× failed: number not on WhatsApp"."""
    sign, word, _ = mark(row.state)
    return f"{sign} {word}{not_sent_words(row)}"


def not_sent_words(row: MessageRow) -> str:
    """Why it was not sent, or nobody knows: ": number not on WhatsApp"; "" for one that went."""
    if row.state not in ("failed", "skipped", "unknown"):
        return ""
    why = row.error or words(row.reason)
    return f": {one_line(why)}" if why else ""


def address_words(address: str | None, catalog: Catalog) -> str:
    """An address as a person reads it."""
    if not address:
        return ""
    return format_phone(address, catalog.country) if address.startswith("+") else address


def why_words(row: MessageRow) -> str:
    """What the message belongs to: "campaign November offer"."""
    kind = PURPOSES.get(row.purpose, row.purpose)
    return " ".join(one for one in (kind, one_line(row.campaign_name or "")) if one)


def describe(found: MessageDetail, catalog: Catalog) -> tuple[str, list[tuple[str, str]], list[str]]:
    """A message whole: heading, facts as (label, words), the lines of what happened to it."""
    row, now, tz = found.row, clock.now(), catalog.tz
    came_in = row.direction == "in"
    facts = [
        ("from" if came_in else "to", " · ".join(one for one in (row.lead_name or "", row.lead_number or "",
                                                                 address_words(row.address, catalog)) if one)),
        ("state", state_words(row)),
        ("belongs to", why_words(row)),
        ("subject", row.subject or ""),
        ("not before", moment(row.next_at, now, tz).strip() if row.next_at is not None and row.next_at > now else ""),
        ("tried again", f"{row.retry_count} times" if row.retry_count else ""),
        ("written", f"{moment(row.created_at, now, tz).strip()} by {row.created_by}"),
        ("confirmed", f"by {row.confirmed_by}" if row.confirmed_by else ""),
        ("id there", row.provider_id or ""),
    ]  # fmt: skip
    events = [
        f"{moment(one.at, now, tz)}  {' '.join(mark(one.state)[:2])}" + (f"  {one.detail}" if one.detail else "")
        + f"  ({one.by})"
        for one in found.events
    ]  # fmt: skip
    word = channel_word(row.channel)
    heading = (
        f"Came in by {word}" if came_in else f"Message {word}" if row.channel == "manual" else f"Message by {word}"
    )
    return heading, [(label, one_line(words)) for label, words in facts if words], [one_line(one) for one in events]


def when_words(row: MessageRow, catalog: Catalog) -> str:
    """When it began to be sent, or was written, in a few cells."""
    return short_day(row.sending_at or row.created_at, clock.now(), catalog.tz)
