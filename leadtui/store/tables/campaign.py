"""Writing to leads: templates, channels, campaigns, drips, the messages themselves, who wants none (spec §P–§S)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from .base import UtcDateTime

_WAITING = text("state IN ('pending', 'retry')")
_IN_HAND = text("state IN ('claimed', 'sending')")
_SENT = text("sending_at IS NOT NULL")
_ASKS = text("state IN ('handed_off', 'unknown')")
_RECIPIENT = text("purpose = 'broadcast'")
_ENROLLED = text("state IN ('active', 'paused')")
_OPEN = text("handled_at IS NULL")


def _where_set(column: str) -> Index:
    """Only the rows that have the column: most of a broadcast's do not, and are inserted by the hundred thousand."""
    set_ = text(f"{column} IS NOT NULL")
    return Index(f"ix_message_{column}", column, sqlite_where=set_, postgresql_where=set_)


def _lead_id(nullable: bool = False) -> Any:
    return Column(ForeignKey("lead.id", ondelete="CASCADE"), nullable=nullable, index=True)


def _moment(nullable: bool = True) -> Any:
    return Column(UtcDateTime, nullable=nullable)


class Template(SQLModel, table=True):
    """A text that is sent again and again, with places for a lead's fields: `{name|there}` (issue 5)."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100, unique=True)
    # None: for any channel
    channel: str | None = Field(default=None, max_length=20)
    subject: str | None = Field(default=None, max_length=255)
    body: str = Field(sa_column=Column(Text, nullable=False))
    # an approved template of the Cloud API: {"name", "language", "category", "params": ["{name|there}", …]}
    provider_json: Any = Field(default=None, sa_column=Column(JSON))
    is_active: bool = True
    created_by_id: int = Field(foreign_key="user.id")
    created_at: datetime = Field(sa_column=_moment(False))
    updated_at: datetime = Field(sa_column=_moment(False))


class ChannelAccount(SQLModel, table=True):
    """How the office sends on one channel; what is secret lies encrypted in `secret`."""

    __tablename__ = "channel_account"

    channel: str = Field(primary_key=True, max_length=20)
    is_active: bool = True
    config_json: Any = Field(default=None, sa_column=Column(JSON))
    secret_ref: str | None = Field(default=None, max_length=60)
    # what the channel remembers between processes, each with its end: ids of uploaded files, approved templates
    kept_json: Any = Field(default=None, sa_column=Column(JSON))
    # what one message costs, in major units; by segment for SMS
    price: str | None = Field(default=None, max_length=20)
    # limits of the account, shared by all processes; None: the channel's own default
    per_minute: int | None = None
    daily_unique: int | None = None
    gap_s: int | None = None
    # why nothing may be sent for now (a token ran out), set by the engine, taken away by a person or a good probe
    stopped_code: str | None = Field(default=None, max_length=60)
    stopped_text: str | None = Field(default=None, sa_column=Column(Text))
    stopped_at: datetime | None = Field(default=None, sa_column=_moment())
    probed_at: datetime | None = Field(default=None, sa_column=_moment())
    probe_code: str | None = Field(default=None, max_length=60)
    probe_text: str | None = Field(default=None, sa_column=Column(Text))
    updated_at: datetime = Field(sa_column=_moment(False))


class Throttle(SQLModel, table=True):
    """The row that whoever sends on an account, or for a campaign, locks first: it counts for all processes."""

    name: str = Field(primary_key=True, max_length=60)
    # not before, on this account (a provider said so)
    not_before: datetime | None = Field(default=None, sa_column=_moment())
    last_at: datetime | None = Field(default=None, sa_column=_moment())


class Campaign(SQLModel, table=True):
    """A broadcast to many leads, or a drip of steps over time (spec §P, §Q, AG29, AH17)."""

    __table_args__ = (Index("ix_campaign_due", "status", "scheduled_at"),)

    id: int | None = Field(default=None, primary_key=True)
    # broadcast, drip
    kind: str = Field(max_length=10)
    # drips are named by it in commands and presets: new_lead_welcome
    key: str | None = Field(default=None, max_length=60, unique=True)
    name: str = Field(max_length=255)
    description: str | None = Field(default=None, sa_column=Column(Text))
    channel: str = Field(max_length=20)
    subject: str | None = Field(default=None, max_length=255)
    template: str | None = Field(default=None, sa_column=Column(Text))
    template_id: int | None = Field(default=None, foreign_key="template.id")
    provider_json: Any = Field(default=None, sa_column=Column(JSON))
    attachment_path: str | None = Field(default=None, max_length=500)
    attachment_name: str | None = Field(default=None, max_length=255)
    attachment_type: str | None = Field(default=None, max_length=100)
    # draft, scheduled, active, paused, completed, cancelled
    status: str = Field(max_length=10, index=True)
    pause_reason: str | None = Field(default=None, max_length=40)
    pause_text: str | None = Field(default=None, sa_column=Column(Text))
    # the audience: criteria JSON (spec AH21) is the truth, the typed filter is kept as it was typed
    where_text: str | None = Field(default=None, sa_column=Column(Text))
    criteria_json: Any = Field(default=None, sa_column=Column(JSON))
    scheduled_at: datetime | None = Field(default=None, sa_column=_moment())
    started_at: datetime | None = Field(default=None, sa_column=_moment())
    completed_at: datetime | None = Field(default=None, sa_column=_moment())
    frozen_at: datetime | None = Field(default=None, sa_column=_moment())
    per_minute: int = 60
    auto_retry: bool = True
    max_retries: int = 3
    # so many different leads a day; None: the account's own
    daily_unique: int | None = None
    # "21:00-08:00", "" never quiet; None: the office's
    quiet_hours: str | None = Field(default=None, max_length=60)
    # where channel `file` appends, and further things a channel wants to know
    options_json: Any = Field(default=None, sa_column=Column(JSON))
    # one after another, reset by a success: the campaign pauses itself
    failure_streak: int = 0
    # drips: the version new enrollments begin with
    current_version: int = 1
    created_by_id: int = Field(foreign_key="user.id", index=True)
    created_at: datetime = Field(sa_column=_moment(False))
    updated_at: datetime = Field(sa_column=_moment(False))
    deleted_at: datetime | None = Field(default=None, sa_column=_moment())
    version: int = 1


class CampaignStep(SQLModel, table=True):
    """One step of a drip; a change of the steps makes a new version, for new enrollments only (facts §5.7)."""

    __tablename__ = "campaign_step"
    __table_args__ = (UniqueConstraint("campaign_id", "version", "order"),)

    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(sa_column=Column(ForeignKey("campaign.id", ondelete="CASCADE"), nullable=False))
    version: int = 1
    # from 0, as the source counts them
    order: int
    # minutes after the step before was carried out (the first: after the enrollment)
    delay_minutes: int = 0
    # message, task, follow_up, wait_until
    type: str = Field(max_length=20)
    channel: str | None = Field(default=None, max_length=20)
    subject: str | None = Field(default=None, max_length=255)
    body: str | None = Field(default=None, sa_column=Column(Text))
    template_id: int | None = Field(default=None, foreign_key="template.id")
    params_json: Any = Field(default=None, sa_column=Column(JSON))


class Enrollment(SQLModel, table=True):
    """A lead in a drip; moved on by comparing and setting `current_step` (spec §Q, AJ8)."""

    __table_args__ = (
        Index("uq_enrollment_open", "campaign_id", "lead_id", unique=True, sqlite_where=_ENROLLED,
              postgresql_where=_ENROLLED),
        Index("ix_enrollment_due", "state", "next_run_at"),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(
        sa_column=Column(ForeignKey("campaign.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    version: int
    lead_id: int = Field(sa_column=_lead_id())
    # active, paused, completed, stopped
    state: str = Field(max_length=10)
    # lead_not_eligible, reply, converted, lost, opt_out, deleted, by_hand …
    reason: str | None = Field(default=None, max_length=40)
    # the same in words: which placeholder has no value, why the address may not be written to
    detail: str | None = Field(default=None, max_length=255)
    current_step: int = 0
    next_run_at: datetime | None = Field(default=None, sa_column=_moment())
    last_executed_at: datetime | None = Field(default=None, sa_column=_moment())
    enrolled_by_id: int = Field(foreign_key="user.id")
    enrolled_at: datetime = Field(sa_column=_moment(False))
    ended_at: datetime | None = Field(default=None, sa_column=_moment())
    batch_id: int | None = Field(default=None, index=True)


class Message(SQLModel, table=True):
    """One message to one lead, or from one: the outbox, and the recipients of a campaign (spec §P2, AH18).

    Every way of writing to a lead makes these rows (a broadcast, a drip's step, a stage, a trigger, a person), and one
    engine sends them. `state` only moves by comparing and setting (facts/messaging §4.3).
    """

    __table_args__ = (
        # a broadcast has a lead once; a drip may have it again, each time under another enrollment
        Index("uq_message_recipient", "campaign_id", "lead_id", unique=True, sqlite_where=_RECIPIENT,
              postgresql_where=_RECIPIENT),
        # the order in which they are claimed, campaign by campaign
        Index("ix_message_waiting", "channel", "campaign_id", "priority", "id", sqlite_where=_WAITING,
              postgresql_where=_WAITING),
        Index("ix_message_in_hand", "claimed_until", sqlite_where=_IN_HAND, postgresql_where=_IN_HAND),
        Index("ix_message_sent", "channel", "sending_at", sqlite_where=_SENT, postgresql_where=_SENT),
        Index("ix_message_campaign_state", "campaign_id", "state"),
        Index("ix_message_address", "address_key", "sending_at"),
        # what a person must say: whether it went
        Index("ix_message_asks", "state", "campaign_id", sqlite_where=_ASKS, postgresql_where=_ASKS),
        *(_where_set(column) for column in ("provider_id", "enrollment_id", "activity_id", "batch_id")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    # broadcast, drip, stage, trigger, single, test, inbound
    purpose: str = Field(max_length=12)
    direction: str = Field(default="out", max_length=3)
    campaign_id: int | None = Field(default=None, sa_column=Column(ForeignKey("campaign.id", ondelete="CASCADE")))
    enrollment_id: int | None = Field(default=None, foreign_key="enrollment.id", ondelete="SET NULL")
    step: int = 0
    # None: a test to oneself, or a message from somebody unknown
    lead_id: int | None = Field(default=None, sa_column=_lead_id(nullable=True))
    channel: str = Field(max_length=20)
    # as sent: +254722000111, a@b.example; and its key for suppression and once-per-address
    address: str | None = Field(default=None, max_length=255)
    address_key: str | None = Field(default=None, max_length=255)
    # unique: what must not be written twice (c12:+254722000111); None where that was skipped
    dedupe_key: str | None = Field(default=None, max_length=120, unique=True)
    subject: str | None = Field(default=None, max_length=255)
    # rendered when it was made: what was previewed is what is sent
    body: str = Field(default="", sa_column=Column(Text, nullable=False))
    provider_json: Any = Field(default=None, sa_column=Column(JSON))
    attachment_path: str | None = Field(default=None, max_length=500)
    # pending, claimed, sending, accepted, handed_off, sent, delivered, read, retry, failed, skipped, unknown;
    # received for one that came in
    state: str = Field(max_length=12)
    # why it was skipped or failed: a code, and words
    reason: str | None = Field(default=None, max_length=60)
    error: str | None = Field(default=None, sa_column=Column(Text))
    # 0 first: a person's own message before a campaign's
    priority: int = 5
    # explicitly sent by a person: quiet hours do not hold it back (facts §5.6)
    is_urgent: bool = False
    next_at: datetime | None = Field(default=None, sa_column=_moment())
    claim_token: str | None = Field(default=None, max_length=40)
    claimed_by: str | None = Field(default=None, max_length=255)
    claimed_until: datetime | None = Field(default=None, sa_column=_moment())
    retry_count: int = 0
    last_retry_at: datetime | None = Field(default=None, sa_column=_moment())
    provider_id: str | None = Field(default=None, max_length=255)
    cost_minor: int | None = None
    sending_at: datetime | None = Field(default=None, sa_column=_moment())
    accepted_at: datetime | None = Field(default=None, sa_column=_moment())
    sent_at: datetime | None = Field(default=None, sa_column=_moment())
    delivered_at: datetime | None = Field(default=None, sa_column=_moment())
    read_at: datetime | None = Field(default=None, sa_column=_moment())
    polled_at: datetime | None = Field(default=None, sa_column=_moment())
    confirmed_by_id: int | None = Field(default=None, foreign_key="user.id")
    activity_id: int | None = Field(default=None, foreign_key="activity.id", ondelete="SET NULL")
    created_by_id: int = Field(foreign_key="user.id")
    created_at: datetime = Field(sa_column=_moment(False))
    updated_at: datetime = Field(sa_column=_moment(False))
    batch_id: int | None = None


class MessageEvent(SQLModel, table=True):
    """What happened to a message, in order; only ever added to (facts §5)."""

    __tablename__ = "message_event"

    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(sa_column=Column(ForeignKey("message.id", ondelete="CASCADE"), nullable=False, index=True))
    at: datetime = Field(sa_column=_moment(False))
    state: str = Field(max_length=12)
    # who or what said so: a holder, webhook, poll, a login
    by: str = Field(max_length=255)
    detail: str | None = Field(default=None, sa_column=Column(Text))


class Suppression(SQLModel, table=True):
    """An address that wants no messages; it outlives its lead, and every import (facts §5.9, AJ28)."""

    __table_args__ = (UniqueConstraint("address_key", "channel"),)

    id: int | None = Field(default=None, primary_key=True)
    address: str = Field(max_length=255)
    address_key: str = Field(max_length=255)
    # "" every channel
    channel: str = Field(default="", max_length=20)
    # stop_word, provider, by_hand, bounced, stopped_marketing, import
    reason: str = Field(max_length=40)
    note: str | None = Field(default=None, sa_column=Column(Text))
    by_id: int = Field(foreign_key="user.id")
    at: datetime = Field(sa_column=_moment(False))
    batch_id: int | None = Field(default=None, index=True)


class Trigger(SQLModel, table=True):
    """What happens when leads behave in a way: a rule for all of them (spec §S, AJ5)."""

    id: int | None = Field(default=None, primary_key=True)
    order: int
    key: str = Field(max_length=60, unique=True)
    name: str = Field(max_length=100)
    event: str = Field(max_length=40, index=True)
    # {"count": 3, "within_hours": 24} · {"consecutive": 3} · {"daily_for_days": 7} · {"same": "criteria", "count": 5}
    condition_json: Any = Field(sa_column=Column(JSON, nullable=False))
    # message, task, score, enroll, notify, tag
    action: str = Field(max_length=20)
    params_json: Any = Field(default=None, sa_column=Column(JSON))
    # not again for the same lead before so many hours
    cooldown_hours: int = 24
    is_active: bool = True


class TriggerExclusion(SQLModel, table=True):
    """A lead for which a trigger does nothing (spec AJ5)."""

    __tablename__ = "trigger_exclusion"

    trigger_id: int = Field(foreign_key="trigger.id", primary_key=True, ondelete="CASCADE")
    lead_id: int = Field(sa_column=Column(ForeignKey("lead.id", ondelete="CASCADE"), primary_key=True, index=True))


class BehaviorEvent(SQLModel, table=True):
    """Something a lead did elsewhere: looked at a page, opened a mail, searched (spec §S, AH19)."""

    __tablename__ = "behavior_event"
    __table_args__ = (Index("ix_behavior_event_lead_event_at", "lead_id", "event", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    lead_id: int = Field(sa_column=Column(ForeignKey("lead.id", ondelete="CASCADE"), nullable=False))
    event: str = Field(max_length=40)
    metadata_json: Any = Field(default=None, sa_column=Column(JSON))
    # unique where the other program names its events: told twice is one event
    external_ref: str | None = Field(default=None, max_length=120, unique=True)
    at: datetime = Field(sa_column=_moment(False))


class TriggerRun(SQLModel, table=True):
    """That a trigger went off for a lead, and what came of it; once per event (spec §S 152)."""

    __tablename__ = "trigger_run"
    __table_args__ = (
        UniqueConstraint("trigger_id", "event_id"),
        Index("ix_trigger_run_trigger_lead_at", "trigger_id", "lead_id", "at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    trigger_id: int = Field(foreign_key="trigger.id", ondelete="CASCADE")
    lead_id: int = Field(sa_column=_lead_id())
    event_id: int = Field(foreign_key="behavior_event.id", ondelete="CASCADE")
    at: datetime = Field(sa_column=_moment(False))
    result: str = Field(max_length=255)


class InboxEvent(SQLModel, table=True):
    """What another program told us, as it came: answered at once, applied by the worker (facts §2.3)."""

    __tablename__ = "inbox_event"
    __table_args__ = (
        UniqueConstraint("source", "external_key"),
        Index("ix_inbox_event_open", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: int | None = Field(default=None, primary_key=True)
    # whatsapp_cloud, africastalking, twilio, form, behaviour …
    source: str = Field(max_length=30)
    # the same thing told twice has the same key: wamid:status
    external_key: str = Field(max_length=255)
    # status, inbound, preference, form, event
    kind: str = Field(max_length=20)
    payload_json: Any = Field(sa_column=Column(JSON, nullable=False))
    received_at: datetime = Field(sa_column=_moment(False))
    handled_at: datetime | None = Field(default=None, sa_column=_moment())
    attempts: int = 0
    retry_at: datetime | None = Field(default=None, sa_column=_moment())
    last_error: str | None = Field(default=None, sa_column=Column(Text))


class ApiToken(SQLModel, table=True):
    """A bearer token of a user for the HTTP face; only its hash is kept, it is shown once."""

    __tablename__ = "api_token"

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user.id", index=True)
    name: str = Field(max_length=100)
    # the first letters, to tell tokens apart
    prefix: str = Field(max_length=12)
    token_hash: str = Field(max_length=64, unique=True)
    created_at: datetime = Field(sa_column=_moment(False))
    expires_at: datetime | None = Field(default=None, sa_column=_moment())
    last_used_at: datetime | None = Field(default=None, sa_column=_moment())
    revoked_at: datetime | None = Field(default=None, sa_column=_moment())
