"""The one way rules write to a lead: a drip's step, a trigger, a status, the best channels (spec AJ27).

`way` finds the channel behind a word and asks whether the lead may be written to; `text_of` renders; `write` makes the
message, which the one engine sends. Where the office has no account for the channel, nothing is sent and nothing is
passed over in silence: `task` gives the text to a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from leadtui.channels import registry
from leadtui.domain import templates as texts
from leadtui.domain.matching import fitting
from leadtui.domain.money import format_money
from leadtui.errors import LeadtuiError
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id

from . import audience, consent, messages
from . import lead_writes as w
from . import templates as kept
from .whom import time_of, who_does

WHATSAPP: Final[tuple[str, ...]] = ("whatsapp_cloud", "whatsapp_web", "manual")
"""What the word `whatsapp` means, the best way first; the first for which the office has an account."""

NO_CHANNEL: Final = "no_channel"

_REASONS: Final = {NO_CHANNEL: "the office has no account for this channel"}


@dataclass(frozen=True, slots=True)
class Way:
    """How a lead is written to. `channel` None: the office has no account for it; `reason`: why not to this lead."""

    word: str
    channel: str | None = None
    address: str | None = None
    reason: str | None = None

    @property
    def words(self) -> str:
        """The reason in words, "" without one."""
        return words_of(self.reason)


@dataclass(frozen=True, slots=True)
class Text:
    """What is written, rendered for one lead. With something in `missing` it must not be sent."""

    subject: str | None
    body: str
    provider: Mapping[str, Any] | None = None
    missing: tuple[str, ...] = ()

    def with_more(self, lines: str) -> Text:
        """The same with these lines behind it."""
        return replace(self, body=f"{self.body}\n\n{lines}".strip()) if lines else self


def words_of(reason: str | None) -> str:
    """A reason's words for a person."""
    return _REASONS.get(reason or "") or consent.words(reason)


# -- the way ----------------------------------------------------------------------------------------------------------
def candidates(word: str) -> tuple[str, ...]:
    """The channels that a word stands for, the best first."""
    return WHATSAPP if word == "whatsapp" else (word,)


def has_account(tx: ReadTx, channel: str, *, chosen: bool = True) -> bool:
    """Whether the office can send on a channel: it is known here, and where it needs an account there is one in use.

    An account that is stopped for now counts: what is written waits for it. `chosen` False: also a channel that needs
    no account counts only where the office set it up.
    """
    try:
        needs = registry.spec(channel).needs_account
    except LeadtuiError:
        return False
    a = t.channel_account.c
    row = tx.conn.execute(select(a.is_active).where(a.channel == channel)).one_or_none()
    if row is None:
        return not needs and chosen
    return bool(row.is_active)


def find(tx: ReadTx, word: str) -> str | None:
    """The channel behind a word: the first one with an account; None where the office has none."""
    found = candidates(word)
    return next((name for name in found if has_account(tx, name, chosen=len(found) == 1)), None)


def way(tx: ReadTx, word: str, row: Mapping[Any, Any], *, purpose: str) -> Way:
    """How this lead (all columns) is written to by the channel that `word` names, and why it may not be."""
    channel = find(tx, word)
    like = channel or candidates(word)[0]  # who wants no messages is not written to by hand either
    found = consent.address_of(row, like)
    address = found[0] if found else None
    reason = consent.judge(tx, row, like, address, purpose=purpose)
    return Way(word, channel, address, reason or (NO_CHANNEL if channel is None else None))


# -- the text ---------------------------------------------------------------------------------------------------------
def text_of(
    tx: ReadTx, row: Mapping[Any, Any], *, body: str | None, subject: str | None, template: str | None = None
) -> Text:
    """The text for this lead: a template's by its name (its own subject goes first), else `body` with its places.

    Raises Invalid for a template that is not there, or a text that cannot be read.
    """
    provider: Mapping[str, Any] | None = None
    if template is not None:
        found = kept.find(tx, template)
        body, subject, provider = found["body"], found["subject"] or subject, found["provider_json"]
    read = audience.Texts.read(body or "", subject, provider)
    values = audience.values_in(tx, row, read.fields)
    missing = tuple(key for key in read.required if not values.get(key))
    said, headed, filled = read.render(values, provider)
    return Text(headed, said, filled, missing)


def products_for(tx: ReadTx, row: Mapping[Any, Any]) -> str:
    """The office's products that fit the lead's budget and wish, a line each; "" when none does."""
    found = fitting(tx.catalog.products, budget_minor=row["budget_minor"], wanted=row["property_type"])
    return "\n".join(f"• {one.name}: {format_money(one.price_minor, tx.catalog.currency)}" for one in found)


def line_of(tx: ReadTx, row: Mapping[Any, Any], text: str) -> str:
    """A text for a colleague: what has no value is left out, a lead without a name is called by its number."""
    read = texts.parse(text)
    values = {key: value or "" for key, value in audience.values_in(tx, row, read.fields).items()}
    for key in ("name", "first_name"):
        values[key] = values.get(key) or row["number"]
    parts = [one if isinstance(one, str) else values.get(one.key) or one.default or "" for one in read.pieces]
    return "\n".join(" ".join(line.split()) for line in "".join(parts).splitlines())


# -- writing ----------------------------------------------------------------------------------------------------------
def write(
    tx: WriteTx,
    row: Mapping[Any, Any],
    by: Way,
    text: Text,
    *,
    purpose: str,
    dedupe_key: str,
    campaign_id: int | None = None,
    enrollment_id: int | None = None,
    step: int = 0,
    next_at: datetime | None = None,
    batch_id: int | None = None,
    is_urgent: bool = False,
) -> int | None:
    """Make the message of a way that is open. Answers its id, None when it was written before."""
    if by.channel is None or by.reason is not None or text.missing:
        raise ValueError("this may not be written")
    has_subject = registry.caps(by.channel).has_subject
    draft = messages.Draft(
        purpose,
        by.channel,
        by.address,
        text.body,
        lead_id=row["id"],
        subject=text.subject if has_subject else None,
        campaign_id=campaign_id,
        enrollment_id=enrollment_id,
        step=step,
        dedupe_key=dedupe_key,
        provider_json=dict(text.provider) if text.provider else None,
        next_at=next_at,
        batch_id=batch_id,
        is_urgent=is_urgent,
        priority=0 if is_urgent else 5,
    )
    return messages.enqueue(tx, draft)


def task(
    tx: WriteTx,
    row: Mapping[Any, Any],
    subject: str,
    details: str | None,
    *,
    because: Mapping[str, Any],
    to: str | None = None,
    delay_minutes: int | None = None,
    context: str | None = None,
    type: str = "task",
    since: datetime | None = None,
) -> int:
    """Something for a person to do with this locked lead; the lead's next date follows. Answers the activity's id.

    `because` goes into its metadata: which rule asked for it.
    """
    who = who_does(tx, row, to)
    at, all_day = time_of(
        tx, row, delay_minutes=delay_minutes, context=context, is_contact=type == "follow_up", since=since or tx.now,
        who=who,
    )  # fmt: skip
    tx.flush()  # the order of the timeline is the order of what was done
    activity_id = insert_id(
        tx.conn, t.activity, lead_id=row["id"], type=type, subject=subject[:255], description=details or None,
        scheduled_at=at, all_day=all_day, priority=row["priority"], context=context, assigned_to_id=who,
        metadata_json=dict(because), created_by_id=tx.actor.user_id, created_at=tx.now, updated_at=tx.now,
        batch_id=tx.batch_id,
    )  # fmt: skip
    fresh = w.load(tx, row["id"])
    due = w.next_follow_up(tx, row["id"])
    if any(fresh[key] != value for key, value in due.items()):
        w.change(tx, fresh, due, "followup", extra_after=dict(because))
        tx.flush()
    return activity_id


def task_instead(
    tx: WriteTx,
    row: Mapping[Any, Any],
    by: Way,
    text: Text,
    *,
    because: Mapping[str, Any],
    to: str | None = None,
    why: str | None = None,
    since: datetime | None = None,
    delay_minutes: int | None = None,
) -> int:
    """The message as a task for a person, with the reason why the program does not send it (spec AJ27)."""
    subject = line_of(tx, row, f"Send {{name}} a message by {texts.literal(by.word.replace('_', ' '))}")
    reason = f"Not sent by itself: {why or by.words or 'it needs a person'}. Send it by hand, then mark it done."
    said = "\n\n".join(part for part in (reason, text.subject, text.body) if part)
    return task(tx, row, subject, said, because=because, to=to, since=since, delay_minutes=delay_minutes)
