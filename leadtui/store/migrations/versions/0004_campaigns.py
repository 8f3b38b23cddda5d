"""Writing to leads: templates, channels, campaigns, drips, messages, suppression, triggers, the HTTP face."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from leadtui.store.migrations import defaults_0004, defaults_0004_triggers
from leadtui.store.types import UtcDateTime

revision = "0004"
down_revision = "0003"

_WAITING = sa.text("state IN ('pending', 'retry')")
_IN_HAND = sa.text("state IN ('claimed', 'sending')")
_SENT = sa.text("sending_at IS NOT NULL")
_ASKS = sa.text("state IN ('handed_off', 'unknown')")
_RECIPIENT = sa.text("purpose = 'broadcast'")
_ENROLLED = sa.text("state IN ('active', 'paused')")
_OPEN = sa.text("handled_at IS NULL")

_SETTINGS = {
    "frequency_cap": 1,
    "stop_words": "STOP, STOPALL, UNSUBSCRIBE, END, QUIT, CANCEL, ACHA, BAND, SITISHA, TOKA",
    "start_grace_minutes": 120,
    "max_failures": 10,
    "orchestration": "channels 2, delay 24h",
}


def upgrade() -> None:
    op.create_table(
        "channel_account",
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("config_json", sa.JSON(), nullable=True),
        sa.Column("secret_ref", sa.String(60), nullable=True),
        sa.Column("kept_json", sa.JSON(), nullable=True),
        sa.Column("price", sa.String(20), nullable=True),
        sa.Column("per_minute", sa.Integer(), nullable=True),
        sa.Column("daily_unique", sa.Integer(), nullable=True),
        sa.Column("gap_s", sa.Integer(), nullable=True),
        sa.Column("stopped_code", sa.String(60), nullable=True),
        sa.Column("stopped_text", sa.Text(), nullable=True),
        sa.Column("stopped_at", UtcDateTime(), nullable=True),
        sa.Column("probed_at", UtcDateTime(), nullable=True),
        sa.Column("probe_code", sa.String(60), nullable=True),
        sa.Column("probe_text", sa.Text(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_channel_account")),
    )
    op.create_table(
        "inbox_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(30), nullable=False),
        sa.Column("external_key", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("payload_json", sa.JSON(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", UtcDateTime(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_event")),
        sa.UniqueConstraint("source", "external_key", name=op.f("uq_inbox_event_source_external_key")),
    )
    op.create_index(
        "ix_inbox_event_open", "inbox_event", ["id"], unique=False, sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_table(
        "throttle",
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("last_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_throttle")),
    )
    op.create_table(
        "trigger",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("condition_json", sa.JSON(), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("params_json", sa.JSON(), nullable=True),
        sa.Column("cooldown_hours", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trigger")),
        sa.UniqueConstraint("key", name=op.f("uq_trigger_key")),
    )
    op.create_index(op.f("ix_trigger_event"), "trigger", ["event"], unique=False)
    op.create_table(
        "api_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("prefix", sa.String(12), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_api_token_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_index(op.f("ix_api_token_user_id"), "api_token", ["user_id"], unique=False)
    op.create_table(
        "suppression",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(255), nullable=False),
        sa.Column("address_key", sa.String(255), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_suppression_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
        sa.UniqueConstraint("address_key", "channel", name=op.f("uq_suppression_address_key_channel")),
    )
    op.create_index(op.f("ix_suppression_batch_id"), "suppression", ["batch_id"], unique=False)
    op.create_table(
        "template",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("channel", sa.String(20), nullable=True),
        sa.Column("subject", sa.String(255), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("provider_json", sa.JSON(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_template_created_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template")),
        sa.UniqueConstraint("name", name=op.f("uq_template_name")),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("key", sa.String(60), nullable=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(255), nullable=True),
        sa.Column("template", sa.Text(), nullable=True),
        sa.Column("template_id", sa.Integer(), nullable=True),
        sa.Column("provider_json", sa.JSON(), nullable=True),
        sa.Column("attachment_path", sa.String(500), nullable=True),
        sa.Column("attachment_name", sa.String(255), nullable=True),
        sa.Column("attachment_type", sa.String(100), nullable=True),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("pause_reason", sa.String(40), nullable=True),
        sa.Column("pause_text", sa.Text(), nullable=True),
        sa.Column("where_text", sa.Text(), nullable=True),
        sa.Column("criteria_json", sa.JSON(), nullable=True),
        sa.Column("scheduled_at", UtcDateTime(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.Column("frozen_at", UtcDateTime(), nullable=True),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("auto_retry", sa.Boolean(), nullable=False),
        sa.Column("max_retries", sa.Integer(), nullable=False),
        sa.Column("daily_unique", sa.Integer(), nullable=True),
        sa.Column("quiet_hours", sa.String(60), nullable=True),
        sa.Column("options_json", sa.JSON(), nullable=True),
        sa.Column("failure_streak", sa.Integer(), nullable=False),
        sa.Column("current_version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_campaign_created_by_id_user")),
        sa.ForeignKeyConstraint(["template_id"], ["template.id"], name=op.f("fk_campaign_template_id_template")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("key", name=op.f("uq_campaign_key")),
    )
    op.create_index(op.f("ix_campaign_created_by_id"), "campaign", ["created_by_id"], unique=False)
    op.create_index("ix_campaign_due", "campaign", ["status", "scheduled_at"], unique=False)
    op.create_index(op.f("ix_campaign_status"), "campaign", ["status"], unique=False)
    op.create_table(
        "behavior_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("metadata_json", sa.JSON(), nullable=True),
        sa.Column("external_ref", sa.String(120), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["lead.id"], name=op.f("fk_behavior_event_lead_id_lead"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_behavior_event")),
        sa.UniqueConstraint("external_ref", name=op.f("uq_behavior_event_external_ref")),
    )
    op.create_index("ix_behavior_event_lead_event_at", "behavior_event", ["lead_id", "event", "at"], unique=False)
    op.create_table(
        "campaign_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("delay_minutes", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(20), nullable=False),
        sa.Column("channel", sa.String(20), nullable=True),
        sa.Column("subject", sa.String(255), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("template_id", sa.Integer(), nullable=True),
        sa.Column("params_json", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_step_campaign_id_campaign"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["template_id"], ["template.id"], name=op.f("fk_campaign_step_template_id_template")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_step")),
        sa.UniqueConstraint("campaign_id", "version", "order", name=op.f("uq_campaign_step_campaign_id_version_order")),
    )
    op.create_table(
        "enrollment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(40), nullable=True),
        sa.Column("detail", sa.String(255), nullable=True),
        sa.Column("current_step", sa.Integer(), nullable=False),
        sa.Column("next_run_at", UtcDateTime(), nullable=True),
        sa.Column("last_executed_at", UtcDateTime(), nullable=True),
        sa.Column("enrolled_by_id", sa.Integer(), nullable=False),
        sa.Column("enrolled_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_enrollment_campaign_id_campaign"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["enrolled_by_id"], ["user.id"], name=op.f("fk_enrollment_enrolled_by_id_user")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_enrollment_lead_id_lead"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollment")),
    )
    op.create_index(op.f("ix_enrollment_batch_id"), "enrollment", ["batch_id"], unique=False)
    op.create_index(op.f("ix_enrollment_campaign_id"), "enrollment", ["campaign_id"], unique=False)
    op.create_index("ix_enrollment_due", "enrollment", ["state", "next_run_at"], unique=False)
    op.create_index(op.f("ix_enrollment_lead_id"), "enrollment", ["lead_id"], unique=False)
    op.create_index(
        "uq_enrollment_open",
        "enrollment",
        ["campaign_id", "lead_id"],
        unique=True,
        sqlite_where=_ENROLLED,
        postgresql_where=_ENROLLED,
    )
    op.create_table(
        "trigger_exclusion",
        sa.Column("trigger_id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["lead.id"], name=op.f("fk_trigger_exclusion_lead_id_lead"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["trigger_id"], ["trigger.id"], name=op.f("fk_trigger_exclusion_trigger_id_trigger"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("trigger_id", "lead_id", name=op.f("pk_trigger_exclusion")),
    )
    op.create_index(op.f("ix_trigger_exclusion_lead_id"), "trigger_exclusion", ["lead_id"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(12), nullable=False),
        sa.Column("direction", sa.String(3), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("enrollment_id", sa.Integer(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=True),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("address", sa.String(255), nullable=True),
        sa.Column("address_key", sa.String(255), nullable=True),
        sa.Column("dedupe_key", sa.String(120), nullable=True),
        sa.Column("subject", sa.String(255), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("provider_json", sa.JSON(), nullable=True),
        sa.Column("attachment_path", sa.String(500), nullable=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(60), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("is_urgent", sa.Boolean(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("claim_token", sa.String(40), nullable=True),
        sa.Column("claimed_by", sa.String(255), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.Column("retry_count", sa.Integer(), nullable=False),
        sa.Column("last_retry_at", UtcDateTime(), nullable=True),
        sa.Column("provider_id", sa.String(255), nullable=True),
        sa.Column("cost_minor", sa.Integer(), nullable=True),
        sa.Column("sending_at", UtcDateTime(), nullable=True),
        sa.Column("accepted_at", UtcDateTime(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.Column("polled_at", UtcDateTime(), nullable=True),
        sa.Column("confirmed_by_id", sa.Integer(), nullable=True),
        sa.Column("activity_id", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_message_activity_id_activity"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_message_campaign_id_campaign"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["confirmed_by_id"], ["user.id"], name=op.f("fk_message_confirmed_by_id_user")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_message_created_by_id_user")),
        sa.ForeignKeyConstraint(
            ["enrollment_id"], ["enrollment.id"], name=op.f("fk_message_enrollment_id_enrollment"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_message_lead_id_lead"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_message_dedupe_key")),
    )
    op.create_index("ix_message_address", "message", ["address_key", "sending_at"], unique=False)
    for column in ("activity_id", "batch_id", "enrollment_id", "provider_id"):
        is_set = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_message_{column}", "message", [column], unique=False, sqlite_where=is_set, postgresql_where=is_set
        )
    op.create_index(
        "ix_message_asks",
        "message",
        ["state", "campaign_id"],
        unique=False,
        sqlite_where=_ASKS,
        postgresql_where=_ASKS,
    )
    op.create_index(
        "uq_message_recipient",
        "message",
        ["campaign_id", "lead_id"],
        unique=True,
        sqlite_where=_RECIPIENT,
        postgresql_where=_RECIPIENT,
    )
    op.create_index("ix_message_campaign_state", "message", ["campaign_id", "state"], unique=False)
    op.create_index(
        "ix_message_in_hand",
        "message",
        ["claimed_until"],
        unique=False,
        sqlite_where=_IN_HAND,
        postgresql_where=_IN_HAND,
    )
    op.create_index(op.f("ix_message_lead_id"), "message", ["lead_id"], unique=False)
    op.create_index(
        "ix_message_sent",
        "message",
        ["channel", "sending_at"],
        unique=False,
        sqlite_where=_SENT,
        postgresql_where=_SENT,
    )
    op.create_index(
        "ix_message_waiting",
        "message",
        ["channel", "campaign_id", "priority", "id"],
        unique=False,
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_table(
        "trigger_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trigger_id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("result", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["behavior_event.id"], name=op.f("fk_trigger_run_event_id_behavior_event"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_trigger_run_lead_id_lead"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["trigger_id"], ["trigger.id"], name=op.f("fk_trigger_run_trigger_id_trigger"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trigger_run")),
        sa.UniqueConstraint("trigger_id", "event_id", name=op.f("uq_trigger_run_trigger_id_event_id")),
    )
    op.create_index(op.f("ix_trigger_run_lead_id"), "trigger_run", ["lead_id"], unique=False)
    op.create_index("ix_trigger_run_trigger_lead_at", "trigger_run", ["trigger_id", "lead_id", "at"], unique=False)
    op.create_table(
        "message_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_message_event_message_id_message"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_event")),
    )
    op.create_index(op.f("ix_message_event_message_id"), "message_event", ["message_id"], unique=False)
    op.add_column("lead", sa.Column("wa_user_id", sa.String(80), nullable=True))
    op.create_index(op.f("ix_lead_wa_user_id"), "lead", ["wa_user_id"], unique=False)
    _new_settings()
    defaults_0004.drips(op.get_bind(), datetime.now(UTC))
    defaults_0004_triggers.triggers(op.get_bind())
    _consent_words()


def _consent_words() -> None:
    """What a lead said about messages was a free word before, that nothing obeyed."""
    lead = sa.table("lead", sa.column("consent", sa.String(20)))
    for old, new in (("yes", "given"), ("no", "refused"), ("unknown", None)):
        op.execute(sa.update(lead).where(lead.c.consent == old).values(consent=new))


def _new_settings() -> None:
    """A new database gets its own with its other settings."""
    setting = sa.table("setting", sa.column("key"), sa.column("value_json", sa.JSON()))
    conn = op.get_bind()
    if conn.execute(sa.select(setting.c.key).limit(1)).first():
        conn.execute(sa.insert(setting), [{"key": key, "value_json": value} for key, value in _SETTINGS.items()])
