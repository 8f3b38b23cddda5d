"""Campaigns of the demo, one in each of the usual states: done weeks ago, stopped half way, to come, being written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any, Final

from sqlalchemy import insert, select, update

from leadtui.domain.campaigns import BROADCAST
from leadtui.domain.filters import to_criteria
from leadtui.domain.lead_filters import parse_lead_filter
from leadtui.domain.templates import parse
from leadtui.services.lead_texts import LeadTexts
from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx, insert_id

_MOST: Final = 120
"""So many leads are written to by one campaign."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A campaign to tell: `days` from now it began, or will; `shares` are its messages by state, in percent."""

    name: str
    channel: str
    text: str
    where: str
    status: str
    days: float
    shares: tuple[tuple[str, int], ...] = ()
    subject: str | None = None
    reason: str | None = None
    words: str | None = None


_TEXTS: Final = (
    ("welcome", "sms", None, "Karibu {first_name|there}! This is {agent|our office}. Reply STOP for no more messages."),
    ("visit reminder", None, None, "Hi {first_name|there}, we come by {follow_up|soon}. Does it still suit you?"),
    ("offer", "email", "An offer for {first_name|you}",
     "Dear {name|customer},\n\n{package|our best package} is ready for you.\n\nWarm regards,\n{agent|the team}"),
)  # fmt: skip

_CAMPAIGNS: Final = (
    _Told("Month-end reminder", "sms", "Hi {first_name|there}, our offer ends on Friday. Shall I keep one for you?",
          "is:active", "completed", -24,
          (("read", 18), ("delivered", 48), ("sent", 22), ("failed", 7), ("unknown", 2), ("skipped", 3))),
    _Told("News by email", "email", "Dear {name|customer},\n\nhere is what is new.", "is:active", "completed", -9,
          (("read", 35), ("delivered", 50), ("failed", 6), ("skipped", 9)), subject="What is new this month"),
    _Told("Those who wait", "sms", "Hi {first_name|there}, are you still looking? Reply YES and we call you today.",
          "is:active", "paused", -2, (("delivered", 30), ("sent", 20), ("failed", 6), ("pending", 44)),
          reason="by_hand", words="the price changes on Monday"),
    _Told("Monday's offer", "file", "Hi {first_name|there}, from Monday on it costs less. Ask {agent|us}!",
          "is:active priority:high", "scheduled", 3),
    _Told("Holiday greetings", "file", "Season's greetings, {first_name|dear friend}!", "is:active", "draft", 0),
)  # fmt: skip

_SENT: Final = frozenset({"sent", "delivered", "read"})
_FAILURES: Final = (("final", "the number does not exist"), ("network", "the provider did not answer"))


def write_campaigns(tx: WriteTx, seed: int) -> int:
    """Templates and campaigns with their messages; answers how many messages were written."""
    random = Random(f"campaigns-{seed}")
    user_id = next((u.id for u in tx.catalog.users if u.role == "principal" and u.is_active), tx.actor.user_id)
    stamp = {"created_by_id": user_id, "created_at": tx.now - timedelta(days=40)}
    for name, channel, subject, body in _TEXTS:
        kept = {"name": name, "channel": channel, "subject": subject, "body": body, "is_active": True}
        insert_id(tx.conn, t.template, **kept, **stamp, updated_at=stamp["created_at"])
    return sum(_tell(tx, told, user_id, random) for told in _CAMPAIGNS)


def _tell(tx: WriteTx, told: _Told, user_id: int, random: Random) -> int:
    begun = tx.now + timedelta(days=told.days)
    over = told.status in {"completed", "paused"}
    node = parse_lead_filter(told.where)
    made = begun - timedelta(days=1) if over else tx.now - timedelta(hours=3)
    campaign_id = insert_id(
        tx.conn, t.campaign, kind=BROADCAST, name=told.name, channel=told.channel, subject=told.subject,
        template=told.text, status=told.status, pause_reason=told.reason, pause_text=told.words,
        where_text=told.where, criteria_json=to_criteria(node) if node is not None else None,
        scheduled_at=begun if told.status == "scheduled" else None, started_at=begun if over else None,
        frozen_at=begun if over else None,
        completed_at=begun + timedelta(hours=3) if told.status == "completed" else None, per_minute=60,
        auto_retry=True, max_retries=3, failure_streak=0, current_version=1, created_by_id=user_id, created_at=made,
        updated_at=made, version=2,
    )  # fmt: skip
    tx.conn.execute(update(t.campaign).where(t.campaign.c.id == campaign_id).values(options_json={"acting": user_id}))
    if not told.shares:
        return 0
    rows = _messages(tx, told, campaign_id, user_id, begun, random)
    if not rows:
        return 0
    tx.conn.execute(insert(t.message), rows)
    return len(rows)


def _leads(tx: WriteTx, told: _Told, random: Random) -> Sequence[Any]:
    """Leads that were there when it began, in open statuses, whom its channel can reach."""
    open_stages = [s.id for s in tx.catalog.stages if not s.is_converted and not s.is_lost]
    c = t.lead.c
    address = c.email if told.channel == "email" else c.phone_e164
    query = select(t.lead).where(
        c.stage_id.in_(open_stages), c.deleted_at.is_(None), address.is_not(None),
        c.created_at < tx.now + timedelta(days=told.days),
    )  # fmt: skip
    found = tx.conn.execute(query.order_by(c.id)).mappings().all()
    return sorted(random.sample(list(found), min(_MOST, len(found))), key=lambda row: row["id"])


def _messages(
    tx: WriteTx, told: _Told, campaign_id: int, user_id: int, begun: Any, random: Random
) -> list[dict[str, Any]]:
    template = parse(told.text)
    values = LeadTexts(tx, template.fields)
    states = [state for state, share in told.shares for _ in range(share)]
    random.shuffle(states)
    rows, seen = list[dict[str, Any]](), set[str]()
    for place, lead in enumerate(_leads(tx, told, random)):
        address = lead["email"] if told.channel == "email" else lead["phone_e164"]
        if address in seen:
            continue
        seen.add(address)
        state = states[place % len(states)]
        at = begun + timedelta(seconds=2 * place)
        went, skipped, waits = state in _SENT, state == "skipped", state == "pending"
        reason, error = random.choice(_FAILURES) if state == "failed" else (None, None)
        if state == "unknown":
            error = "the connection broke after it was handed over"
        values.load([lead])
        rows.append({
            "purpose": BROADCAST, "direction": "out", "campaign_id": campaign_id, "step": 0, "lead_id": lead["id"],
            "channel": told.channel, "address": address, "address_key": address.casefold(),
            "dedupe_key": None if skipped else f"c{campaign_id}:{address.casefold()}", "subject": told.subject,
            "body": "" if skipped else template.render(values.of(lead)).text, "state": state,
            "reason": "suppressed" if skipped else reason, "error": error, "priority": 5, "is_urgent": False,
            "retry_count": 3 if reason == "network" else 0, "sending_at": None if skipped or waits else at,
            "sent_at": at + timedelta(seconds=1) if went else None,
            "delivered_at": at + timedelta(seconds=4) if state in {"delivered", "read"} else None,
            "read_at": at + timedelta(minutes=random.randint(2, 400)) if state == "read" else None,
            "created_by_id": user_id, "created_at": begun, "updated_at": begun,
        })  # fmt: skip
    return rows
