"""Following up: notices, one-key outcomes, loan promises, intakes and bookings, stage actions, milestones, workers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from leadtui.store.migrations import defaults_0003, defaults_0003_stages
from leadtui.store.types import UtcDateTime

revision = "0003"
down_revision = "0002"

_LIVE = sa.text("deleted_at IS NULL")
_OPEN = sa.text("completed_at IS NULL AND cancelled_at IS NULL")
_OPEN_LOAN = sa.text("status IN ('pending', 'overdue')")
_REPLACED = sa.text("replaced_by_id IS NOT NULL")
_UNREMINDED = sa.text(
    "completed_at IS NULL AND cancelled_at IS NULL AND (reminded_for IS NULL OR reminded_for != scheduled_at)"
)
_UNSEEN = sa.text("seen_at IS NULL")

_SETTINGS = {
    "working_hours": "mon-fri 08:00-18:00, sat 09:00-13:00",
    "holidays": "",
    "follow_up_delays": "property_inquiry 2h, showing_followup 24h, offer_response 4h, general_nurturing 72h, "
    "default 24h",
    "escalate_after": "day",
    "alert_after_minutes": 15,
    "digest_at": "07:30",
    "scheduler": "any",
}


def upgrade() -> None:
    _refer_to_replacement()
    op.create_table(
        "job_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job", sa.String(40), nullable=False),
        sa.Column("occurrence", sa.String(60), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(255), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.Column("retry_at", UtcDateTime(), nullable=True),
        sa.Column("result_json", sa.JSON(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_run")),
        sa.UniqueConstraint("job", "occurrence", name=op.f("uq_job_run_job_occurrence")),
    )
    op.create_index(op.f("ix_job_run_state"), "job_run", ["state"], unique=False)
    op.create_table(
        "milestone",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("condition_json", sa.JSON(), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone")),
        sa.UniqueConstraint("key", name=op.f("uq_milestone_key")),
    )
    op.create_table(
        "quick_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pipeline_id", sa.Integer(), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("type", sa.String(50), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=True),
        sa.Column("subject", sa.String(255), nullable=True),
        sa.Column("delay_minutes", sa.Integer(), nullable=True),
        sa.Column("context", sa.String(40), nullable=True),
        sa.Column("next_action", sa.String(255), nullable=True),
        sa.Column("ask", sa.String(10), nullable=True),
        sa.Column("stage_id", sa.Integer(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipeline.id"], name=op.f("fk_quick_log_pipeline_id_pipeline")),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name=op.f("fk_quick_log_stage_id_stage")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quick_log")),
        sa.UniqueConstraint("pipeline_id", "name", name=op.f("uq_quick_log_pipeline_id_name")),
    )
    op.create_index(op.f("ix_quick_log_pipeline_id"), "quick_log", ["pipeline_id"], unique=False)
    op.create_table(
        "stage_action",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("params_json", sa.JSON(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name=op.f("fk_stage_action_stage_id_stage")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_action")),
        sa.UniqueConstraint("stage_id", "name", name=op.f("uq_stage_action_stage_id_name")),
    )
    op.create_index(op.f("ix_stage_action_stage_id"), "stage_action", ["stage_id"], unique=False)
    op.create_table(
        "worker",
        sa.Column("holder", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("host", sa.String(150), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("program", sa.String(40), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("beat_at", UtcDateTime(), nullable=False),
        sa.Column("ticked_at", UtcDateTime(), nullable=True),
        sa.Column("tick_ms", sa.Integer(), nullable=True),
        sa.Column("tally_json", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_worker_user_id_user")),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_worker")),
    )
    op.create_index(op.f("ix_worker_beat_at"), "worker", ["beat_at"], unique=False)
    op.create_table(
        "booking",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("external_ref", sa.String(100), nullable=False),
        sa.Column("payload_json", sa.JSON(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_booking_lead_id_lead"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking")),
        sa.UniqueConstraint("external_ref", name=op.f("uq_booking_external_ref")),
    )
    op.create_index(op.f("ix_booking_batch_id"), "booking", ["batch_id"], unique=False)
    op.create_index(op.f("ix_booking_lead_id"), "booking", ["lead_id"], unique=False)
    op.create_table(
        "intake",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("external_ref", sa.String(100), nullable=False),
        sa.Column("payload_json", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("tried_at", UtcDateTime(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_intake_by_id_user")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_intake_lead_id_lead"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake")),
        sa.UniqueConstraint("kind", "external_ref", name=op.f("uq_intake_kind_external_ref")),
    )
    op.create_index(op.f("ix_intake_batch_id"), "intake", ["batch_id"], unique=False)
    op.create_index(op.f("ix_intake_lead_id"), "intake", ["lead_id"], unique=False)
    op.create_index(op.f("ix_intake_state"), "intake", ["state"], unique=False)
    op.create_table(
        "lead_milestone",
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("milestone_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["lead.id"], name=op.f("fk_lead_milestone_lead_id_lead"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["milestone_id"], ["milestone.id"], name=op.f("fk_lead_milestone_milestone_id_milestone")
        ),
        sa.PrimaryKeyConstraint("lead_id", "milestone_id", name=op.f("pk_lead_milestone")),
    )
    op.create_index(op.f("ix_lead_milestone_milestone_id"), "lead_milestone", ["milestone_id"], unique=False)
    op.create_table(
        "loan_commitment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("promised_clear_date", sa.Date(), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("overdue_at", UtcDateTime(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("settled_by_id", sa.Integer(), nullable=True),
        sa.Column("replaced_by_id", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_loan_commitment_created_by_id_user")),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["lead.id"], name=op.f("fk_loan_commitment_lead_id_lead"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["replaced_by_id"], ["loan_commitment.id"], name=op.f("fk_loan_commitment_replaced_by_id_loan_commitment")
        ),
        sa.ForeignKeyConstraint(["settled_by_id"], ["user.id"], name=op.f("fk_loan_commitment_settled_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_commitment")),
    )
    op.create_index(op.f("ix_loan_commitment_batch_id"), "loan_commitment", ["batch_id"], unique=False)
    op.create_index("ix_loan_commitment_due", "loan_commitment", ["status", "promised_clear_date"], unique=False)
    op.create_index(op.f("ix_loan_commitment_lead_id"), "loan_commitment", ["lead_id"], unique=False)
    op.create_index(op.f("ix_loan_commitment_replaced_by_id"), "loan_commitment", ["replaced_by_id"], unique=False)
    op.create_index(
        "uq_loan_commitment_open",
        "loan_commitment",
        ["lead_id"],
        unique=True,
        sqlite_where=_OPEN_LOAN,
        postgresql_where=_OPEN_LOAN,
    )
    op.create_table(
        "notification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("occurrence", sa.String(120), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=True),
        sa.Column("activity_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(255), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=True),
        sa.Column("snoozes", sa.Integer(), nullable=False),
        sa.Column("alerted_at", UtcDateTime(), nullable=True),
        sa.Column("alert_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_notification_activity_id_activity"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["lead.id"], name=op.f("fk_notification_lead_id_lead"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_notification_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
        sa.UniqueConstraint("user_id", "occurrence", name=op.f("uq_notification_user_id_occurrence")),
    )
    op.create_index(op.f("ix_notification_activity_id"), "notification", ["activity_id"], unique=False)
    op.create_index(op.f("ix_notification_lead_id"), "notification", ["lead_id"], unique=False)
    op.create_index(
        "ix_notification_unseen",
        "notification",
        ["user_id", "due_at"],
        unique=False,
        sqlite_where=_UNSEEN,
        postgresql_where=_UNSEEN,
    )
    op.add_column("activity", sa.Column("context", sa.String(40), nullable=True))
    op.add_column("activity", sa.Column("reminded_for", UtcDateTime(), nullable=True))
    op.add_column("activity", sa.Column("escalated_at", UtcDateTime(), nullable=True))
    op.create_index(
        "ix_activity_replaced",
        "activity",
        ["replaced_by_id"],
        unique=False,
        sqlite_where=_REPLACED,
        postgresql_where=_REPLACED,
    )
    op.add_column("event", sa.Column("retry_at", UtcDateTime(), nullable=True))
    op.add_column("lead", sa.Column("preferred_hour", sa.Integer(), nullable=True))
    op.create_index(
        "ix_lead_stage_changed",
        "lead",
        ["stage_id", "stage_changed_at"],
        unique=False,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )
    op.add_column("user", sa.Column("timezone", sa.String(64), nullable=True))
    op.add_column("user", sa.Column("working_hours", sa.String(255), nullable=True))
    op.add_column("user", sa.Column("alerts_ref", sa.String(60), nullable=True))

    op.drop_index("ix_activity_open", "activity")
    op.create_index(
        "ix_activity_open", "activity", ["scheduled_at", "lead_id"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    _forget_old_reminders()
    op.create_index(
        "ix_activity_unreminded",
        "activity",
        ["scheduled_at"],
        unique=False,
        sqlite_where=_UNREMINDED,
        postgresql_where=_UNREMINDED,
    )
    _new_settings()
    defaults_0003.quick_logs(op.get_bind())
    defaults_0003_stages.sla_hours(op.get_bind())
    defaults_0003_stages.stage_actions(op.get_bind())
    defaults_0003_stages.milestones(op.get_bind())


def _refer_to_replacement() -> None:
    """A nullable foreign key. On SQLite with the column: a copy of the table would empty what refers to it."""
    name = "fk_activity_replaced_by_id_activity"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"ALTER TABLE activity ADD COLUMN replaced_by_id INTEGER CONSTRAINT {name} REFERENCES activity (id)")
        return
    op.add_column("activity", sa.Column("replaced_by_id", sa.Integer(), nullable=True))
    op.create_foreign_key(name, "activity", "activity", ["replaced_by_id"], ["id"])


def _forget_old_reminders() -> None:
    """What was due before yesterday rings nobody's bell on the day of the upgrade: it is late, and shown as that."""
    activity = sa.table(
        "activity",
        *(sa.column(name, UtcDateTime()) for name in ("scheduled_at", "reminded_for", "completed_at", "cancelled_at")),
    )
    still_open = (activity.c.completed_at.is_(None), activity.c.cancelled_at.is_(None))
    long_ago = datetime.now(UTC) - timedelta(days=1)
    op.get_bind().execute(
        sa.update(activity)
        .where(*still_open, activity.c.scheduled_at < long_ago)
        .values(reminded_for=activity.c.scheduled_at)
    )


def _new_settings() -> None:
    """A new database gets its own with its other settings."""
    setting = sa.table("setting", sa.column("key"), sa.column("value_json", sa.JSON()))
    conn = op.get_bind()
    if conn.execute(sa.select(setting.c.key).limit(1)).first():
        conn.execute(sa.insert(setting), [{"key": key, "value_json": value} for key, value in _SETTINGS.items()])
