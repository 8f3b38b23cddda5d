"""Scores, routing and figures: rules as data, offers of leads, the tally with its triggers."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

from leadtui.store import tally_sql
from leadtui.store.migrations import defaults_0005
from leadtui.store.types import UtcDateTime

revision = "0005"
down_revision = "0004"

_TALLIED = ("assigned_to_id", "branch_id", "source_id", "deleted_at")
_COVERING = {
    "ix_lead_created": (
        "created_at", "id", "stage_id", "furthest_stage_id", "source_id", "assigned_to_id", "branch_id",
        "lost_reason_id", "installation_fee_minor", "monthly_fee_minor", "budget_minor", "converted_at",
        "deleted_at",
    ),
    "ix_lead_stage_changed": ("stage_id", "stage_changed_at", *_TALLIED, "created_at"),
    "ix_lead_due": ("next_follow_up_at", "id", "stage_id", *_TALLIED, "created_at"),
    "ix_lead_converted": ("converted_at", "stage_id", "created_at", *_TALLIED),
}  # fmt: skip
_SETTINGS = {"auto_assign": "off", "service_areas": ""}


def upgrade() -> None:
    op.create_table(
        "tally",
        sa.Column("kind", sa.String(1), nullable=False),
        sa.Column("month", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("second_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("assigned_to_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("branch_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("installation_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("monthly_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("value_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("seconds", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint(
            "kind", "month", "first_id", "second_id", "source_id", "assigned_to_id", "branch_id", name=op.f("pk_tally")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tally_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_month", sa.Integer(), nullable=False),
        sa.Column("converted_month", sa.Integer(), nullable=False),
        sa.Column("router_month", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=False),
        sa.Column("furthest_stage_id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("assigned_to_id", sa.Integer(), nullable=False),
        sa.Column("branch_id", sa.Integer(), nullable=False),
        sa.Column("lost_reason_id", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("installation_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("monthly_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("value_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("seconds", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally_change")),
    )
    op.create_table(
        "tally_month",
        sa.Column("month", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("begins", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_tally_month")),
        sa.UniqueConstraint("begins", name=op.f("uq_tally_month_begins")),
    )
    op.create_table(
        "assignment_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pipeline_id", sa.Integer(), nullable=True),
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("params_json", sa.JSON(), nullable=True),
        sa.Column("condition", sa.Text(), nullable=True),
        sa.Column("only_if_any", sa.Boolean(), nullable=False),
        sa.Column("state_json", sa.JSON(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipeline.id"], name=op.f("fk_assignment_rule_pipeline_id_pipeline")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment_rule")),
        sa.UniqueConstraint("pipeline_id", "key", name=op.f("uq_assignment_rule_pipeline_id_key")),
    )
    op.create_index(op.f("ix_assignment_rule_pipeline_id"), "assignment_rule", ["pipeline_id"], unique=False)
    op.create_table(
        "scoring_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pipeline_id", sa.Integer(), nullable=True),
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("group", sa.String(40), nullable=False),
        sa.Column("mode", sa.String(12), nullable=False),
        sa.Column("condition", sa.Text(), nullable=True),
        sa.Column("field", sa.String(60), nullable=True),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("cap", sa.Integer(), nullable=True),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipeline.id"], name=op.f("fk_scoring_rule_pipeline_id_pipeline")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scoring_rule")),
        sa.UniqueConstraint("pipeline_id", "key", name=op.f("uq_scoring_rule_pipeline_id_key")),
    )
    op.create_index(op.f("ix_scoring_rule_pipeline_id"), "scoring_rule", ["pipeline_id"], unique=False)
    op.create_table(
        "lead_offer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=True),
        sa.Column("user_ids_json", sa.JSON(), nullable=False),
        sa.Column("offered_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("claimed_by_id", sa.Integer(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("result", sa.String(20), nullable=True),
        sa.ForeignKeyConstraint(["claimed_by_id"], ["user.id"], name=op.f("fk_lead_offer_claimed_by_id_user")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_offer_lead_id_lead"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["assignment_rule.id"], name=op.f("fk_lead_offer_rule_id_assignment_rule")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_offer")),
    )
    op.create_index(op.f("ix_lead_offer_lead_id"), "lead_offer", ["lead_id"], unique=False)
    op.create_index(
        "ix_lead_offer_until",
        "lead_offer",
        ["until"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "uq_lead_offer_open",
        "lead_offer",
        ["lead_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.add_column("lead", sa.Column("furthest_stage_id", sa.Integer(), nullable=True))
    op.add_column("lead", sa.Column("score_raw", sa.Integer(), nullable=True))
    op.add_column("lead", sa.Column("score_bonus", sa.Integer(), server_default="0", nullable=False))
    op.add_column("lead", sa.Column("score_version", sa.Integer(), server_default="0", nullable=False))
    op.add_column("lead", sa.Column("router_user_at", UtcDateTime(), nullable=True))
    op.add_column("user", sa.Column("service_areas_json", sa.JSON(), nullable=True))
    op.add_column("user", sa.Column("specializations_json", sa.JSON(), nullable=True))
    op.add_column("user", sa.Column("languages_json", sa.JSON(), nullable=True))
    op.add_column("user", sa.Column("min_price_minor", sa.BigInteger(), nullable=True))
    op.add_column("user", sa.Column("max_price_minor", sa.BigInteger(), nullable=True))
    op.add_column("user", sa.Column("capacity", sa.Integer(), nullable=True))
    conn = op.get_bind()
    for name in _COVERING:
        op.drop_index(op.f(name), table_name="lead")
    again = _without_indexes(conn)
    # until now only triggers gave points: they stay, on top of what rules give
    op.execute("UPDATE lead SET score_bonus = score WHERE score IS NOT NULL")
    zone = _new_settings(conn)
    defaults_0005.rules(conn)
    tally_sql.rebuild(conn, ZoneInfo(zone))
    for statement in again:
        conn.exec_driver_sql(statement)
    # those that figures are read from, without reading the leads
    for name, columns in _COVERING.items():
        op.create_index(
            name,
            "lead",
            list(columns),
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
    op.create_index(
        "ix_lead_stage_due",
        "lead",
        ["stage_id", "next_follow_up_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_furthest",
        "lead",
        ["furthest_stage_id", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_lost_reason",
        "lead",
        ["lost_reason_id"],
        unique=False,
        sqlite_where=sa.text("lost_reason_id IS NOT NULL"),
        postgresql_where=sa.text("lost_reason_id IS NOT NULL"),
    )
    op.create_index(
        "ix_lead_router_user",
        "lead",
        ["router_user_at", "stage_id", "created_at", *_TALLIED],
        unique=False,
        sqlite_where=sa.text("router_user_at IS NOT NULL AND deleted_at IS NULL"),
        postgresql_where=sa.text("router_user_at IS NOT NULL AND deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_score_version",
        "lead",
        ["score_version", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    tally_sql.create_triggers(conn)


def _without_indexes(conn: sa.Connection) -> list[str]:
    """Drop the indexes of lead on PostgreSQL; answers what makes them again. There each lead that is written goes into
    all of them, one by one, which takes many times as long as making them anew.
    """
    if conn.dialect.name == "sqlite":
        return []
    found = conn.exec_driver_sql(
        "SELECT indexname, indexdef FROM pg_indexes i WHERE schemaname = current_schema() AND tablename = 'lead' "
        "AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)"
    ).all()
    for name, _ in found:
        conn.exec_driver_sql(f'DROP INDEX "{name}"')
    return [made for _, made in found]


def _new_settings(conn: sa.Connection) -> str:
    """Settings of a database that is in use; a new one gets its own with its others. Answers the zone."""
    setting = sa.table("setting", sa.column("key"), sa.column("value_json", sa.JSON()))
    known = {row[0]: row[1] for row in conn.execute(sa.select(setting.c.key, setting.c.value_json))}
    if known:
        conn.execute(sa.insert(setting), [{"key": key, "value_json": value} for key, value in _SETTINGS.items()])
    return str(known.get("timezone", "UTC"))
