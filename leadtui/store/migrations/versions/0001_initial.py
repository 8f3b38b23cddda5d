"""The first schema: everything of an agent's day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from leadtui.store.search_index import create_search_index
from leadtui.store.types import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "branch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("organization", sa.String(100), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_branch")),
        sa.UniqueConstraint("name", name=op.f("uq_branch_name")),
    )
    op.create_table(
        "counter",
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_counter")),
    )
    op.create_table(
        "family_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family_group")),
        sa.UniqueConstraint("name", name=op.f("uq_family_group_name")),
    )
    op.create_table(
        "lost_reason",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lost_reason")),
        sa.UniqueConstraint("name", name=op.f("uq_lost_reason_name")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("name_key", sa.String(300), nullable=False),
        sa.Column("phone_e164", sa.String(20), nullable=True),
        sa.Column("phone_raw", sa.String(40), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_index(op.f("ix_person_name_key"), "person", ["name_key"], unique=False)
    op.create_index(op.f("ix_person_phone_e164"), "person", ["phone_e164"], unique=False)
    op.create_table(
        "pipeline",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("require_reason_on_regress", sa.Boolean(), nullable=False),
        sa.Column("conversion_steps_json", sa.JSON(), nullable=True),
        sa.Column("field_rules_json", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipeline")),
        sa.UniqueConstraint("key", name=op.f("uq_pipeline_key")),
    )
    op.create_table(
        "product",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("price_minor", sa.Integer(), nullable=True),
        sa.Column("install_minor", sa.Integer(), nullable=True),
        sa.Column("router_profile", sa.String(63), nullable=True),
        sa.Column("speed", sa.String(40), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("name", name=op.f("uq_product_name")),
    )
    op.create_table(
        "role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("hidden_fields_json", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
        sa.UniqueConstraint("key", name=op.f("uq_role_key")),
    )
    op.create_table(
        "router",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("tls", sa.String(12), nullable=False),
        sa.Column("tls_pin", sa.String(100), nullable=True),
        sa.Column("tls_ca", sa.String(500), nullable=True),
        sa.Column("username", sa.String(63), nullable=False),
        sa.Column("secret_ref", sa.String(60), nullable=False),
        sa.Column("service", sa.String(10), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("identity", sa.String(255), nullable=True),
        sa.Column("version", sa.String(60), nullable=True),
        sa.Column("board", sa.String(60), nullable=True),
        sa.Column("last_ok_at", UtcDateTime(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_router")),
        sa.UniqueConstraint("name", name=op.f("uq_router_name")),
    )
    op.create_table(
        "secret",
        sa.Column("ref", sa.String(60), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_secret")),
    )
    op.create_table(
        "setting",
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("value_json", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_setting")),
    )
    op.create_table(
        "source",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("aliases_json", sa.JSON(), nullable=True),
        sa.Column("cost_minor", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("key", name=op.f("uq_source_key")),
    )
    op.create_table(
        "tag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("key", sa.String(50), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("key", name=op.f("uq_tag_key")),
    )
    op.create_table(
        "team",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
        sa.UniqueConstraint("name", name=op.f("uq_team_name")),
    )
    op.create_table(
        "permission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(30), nullable=False),
        sa.Column("scope", sa.String(10), nullable=False),
        sa.Column("stages_json", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_permission_role_id_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permission")),
        sa.UniqueConstraint("role_id", "action", name=op.f("uq_permission_role_id_action")),
    )
    op.create_index(op.f("ix_permission_role_id"), "permission", ["role_id"], unique=False)
    op.create_table(
        "stage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pipeline_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(50), nullable=False),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("color", sa.String(30), nullable=True),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("is_converted", sa.Boolean(), nullable=False),
        sa.Column("is_lost", sa.Boolean(), nullable=False),
        sa.Column("is_parked", sa.Boolean(), nullable=False),
        sa.Column("is_locked", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("sla_hours", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipeline.id"], name=op.f("fk_stage_pipeline_id_pipeline")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage")),
        sa.UniqueConstraint("pipeline_id", "key", name=op.f("uq_stage_pipeline_id_key")),
        sa.UniqueConstraint("rank", name=op.f("uq_stage_rank")),
    )
    op.create_index(op.f("ix_stage_pipeline_id"), "stage", ["pipeline_id"], unique=False)
    op.create_table(
        "user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(50), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("phone_e164", sa.String(20), nullable=True),
        sa.Column("email", sa.String(255), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.Column("branch_id", sa.Integer(), nullable=True),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("os_account", sa.String(100), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_available", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["branch_id"], ["branch.id"], name=op.f("fk_user_branch_id_branch")),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_user_role_id_role")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_user_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("login", name=op.f("uq_user_login")),
        sa.UniqueConstraint("os_account", name=op.f("uq_user_os_account")),
    )
    op.create_table(
        "batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("label", sa.String(255), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("undoes_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_batch_by_id_user")),
        sa.ForeignKeyConstraint(["undoes_id"], ["batch.id"], name=op.f("fk_batch_undoes_id_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )
    op.create_index(op.f("ix_batch_by_id"), "batch", ["by_id"], unique=False)
    op.create_index(op.f("ix_batch_kind"), "batch", ["kind"], unique=False)
    op.create_table(
        "customer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("type", sa.String(20), nullable=False),
        sa.Column("phone_e164", sa.String(20), nullable=True),
        sa.Column("email", sa.String(255), nullable=True),
        sa.Column("email_norm", sa.String(255), nullable=True),
        sa.Column("pan", sa.String(10), nullable=True),
        sa.Column("aadhar", sa.String(12), nullable=True),
        sa.Column("gst", sa.String(15), nullable=True),
        sa.Column("family_group_id", sa.Integer(), nullable=True),
        sa.Column("product_id", sa.Integer(), nullable=True),
        sa.Column("branch_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["branch_id"], ["branch.id"], name=op.f("fk_customer_branch_id_branch")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_customer_created_by_id_user")),
        sa.ForeignKeyConstraint(
            ["family_group_id"], ["family_group.id"], name=op.f("fk_customer_family_group_id_family_group")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_customer_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
    )
    op.create_index(op.f("ix_customer_email_norm"), "customer", ["email_norm"], unique=False)
    op.create_index(op.f("ix_customer_phone_e164"), "customer", ["phone_e164"], unique=False)
    op.create_table(
        "preference",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("value_json", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_preference_user_id_user")),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_preference")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(100), nullable=False),
        sa.Column("action", sa.String(30), nullable=False),
        sa.Column("entity", sa.String(30), nullable=False),
        sa.Column("entity_id", sa.Integer(), nullable=True),
        sa.Column("before_json", sa.JSON(), nullable=True),
        sa.Column("after_json", sa.JSON(), nullable=True),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_audit_batch_id_batch")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_audit_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_index(op.f("ix_audit_batch_id"), "audit", ["batch_id"], unique=False)
    op.create_index("ix_audit_entity_entity_id", "audit", ["entity", "entity_id"], unique=False)
    op.create_index(op.f("ix_audit_user_id"), "audit", ["user_id"], unique=False)
    op.create_table(
        "import_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("file_sha256", sa.String(64), nullable=False),
        sa.Column("mapping_json", sa.JSON(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("report_path", sa.Text(), nullable=True),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_import_run_batch_id_batch")),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_import_run_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
    )
    op.create_index(op.f("ix_import_run_file_sha256"), "import_run", ["file_sha256"], unique=False)
    op.create_table(
        "lead",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(50), nullable=False),
        sa.Column("name", sa.String(255), nullable=True),
        sa.Column("name_key", sa.String(600), nullable=True),
        sa.Column("phone_e164", sa.String(20), nullable=True),
        sa.Column("phone_raw", sa.String(40), nullable=True),
        sa.Column("phone_key", sa.String(20), nullable=True),
        sa.Column("alt_phone_e164", sa.String(20), nullable=True),
        sa.Column("alt_phone_raw", sa.String(40), nullable=True),
        sa.Column("email", sa.String(255), nullable=True),
        sa.Column("email_norm", sa.String(255), nullable=True),
        sa.Column("search_text", sa.Text(), server_default="", nullable=False),
        sa.Column("date_of_birth", sa.Date(), nullable=True),
        sa.Column("address", sa.String(1000), nullable=True),
        sa.Column("unit_number", sa.String(50), nullable=True),
        sa.Column("location", sa.String(255), nullable=True),
        sa.Column("city", sa.String(100), nullable=True),
        sa.Column("state", sa.String(100), nullable=True),
        sa.Column("pincode", sa.String(10), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("occupation", sa.String(255), nullable=True),
        sa.Column("employment_status", sa.String(50), nullable=True),
        sa.Column("passport", sa.String(50), nullable=True),
        sa.Column("passport_norm", sa.String(50), nullable=True),
        sa.Column("national_id", sa.String(50), nullable=True),
        sa.Column("national_id_norm", sa.String(50), nullable=True),
        sa.Column("language", sa.String(50), nullable=True),
        sa.Column("pipeline_id", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=False),
        sa.Column("stage_changed_at", UtcDateTime(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.Column("priority", sa.String(10), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("score_at", UtcDateTime(), nullable=True),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("product_id", sa.Integer(), nullable=True),
        sa.Column("product_interest", sa.String(255), nullable=True),
        sa.Column("property_type", sa.String(50), nullable=True),
        sa.Column("current_isp", sa.String(100), nullable=True),
        sa.Column("interest_reason", sa.Text(), nullable=True),
        sa.Column("referrer_id", sa.Integer(), nullable=True),
        sa.Column("has_router", sa.Boolean(), nullable=False),
        sa.Column("router_type", sa.String(100), nullable=True),
        sa.Column("installation_fee_minor", sa.BigInteger(), nullable=True),
        sa.Column("monthly_fee_minor", sa.BigInteger(), nullable=True),
        sa.Column("budget_minor", sa.BigInteger(), nullable=True),
        sa.Column("timeline", sa.String(30), nullable=True),
        sa.Column("pre_approved", sa.Boolean(), nullable=True),
        sa.Column("pre_approval_in_progress", sa.Boolean(), nullable=True),
        sa.Column("down_payment_ready", sa.Boolean(), nullable=True),
        sa.Column("assigned_to_id", sa.Integer(), nullable=True),
        sa.Column("assigned_at", UtcDateTime(), nullable=True),
        sa.Column("manager_id", sa.Integer(), nullable=True),
        sa.Column("branch_id", sa.Integer(), nullable=True),
        sa.Column("next_follow_up_at", UtcDateTime(), nullable=True),
        sa.Column("next_follow_up_all_day", sa.Boolean(), nullable=False),
        sa.Column("last_activity_at", UtcDateTime(), nullable=True),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.Column("converted_at", UtcDateTime(), nullable=True),
        sa.Column("converted_by_id", sa.Integer(), nullable=True),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("conversion_notes", sa.Text(), nullable=True),
        sa.Column("lost_at", UtcDateTime(), nullable=True),
        sa.Column("lost_reason_id", sa.Integer(), nullable=True),
        sa.Column("lost_note", sa.Text(), nullable=True),
        sa.Column("is_protected", sa.Boolean(), nullable=False),
        sa.Column("protected_reason", sa.Text(), nullable=True),
        sa.Column("consent", sa.String(20), nullable=True),
        sa.Column("page_views", sa.Integer(), nullable=True),
        sa.Column("property_views", sa.Integer(), nullable=True),
        sa.Column("searches", sa.Integer(), nullable=True),
        sa.Column("email_opens", sa.Integer(), nullable=True),
        sa.Column("email_clicks", sa.Integer(), nullable=True),
        sa.Column("social", sa.Integer(), nullable=True),
        sa.Column("avg_response_min", sa.Integer(), nullable=True),
        sa.Column("communications", sa.Integer(), nullable=True),
        sa.Column("has_appointment", sa.Boolean(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("updated_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("merged_into_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["assigned_to_id"], ["user.id"], name=op.f("fk_lead_assigned_to_id_user")),
        sa.ForeignKeyConstraint(["branch_id"], ["branch.id"], name=op.f("fk_lead_branch_id_branch")),
        sa.ForeignKeyConstraint(["converted_by_id"], ["user.id"], name=op.f("fk_lead_converted_by_id_user")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_lead_created_by_id_user")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_lead_customer_id_customer")),
        sa.ForeignKeyConstraint(
            ["lost_reason_id"], ["lost_reason.id"], name=op.f("fk_lead_lost_reason_id_lost_reason")
        ),
        sa.ForeignKeyConstraint(["manager_id"], ["user.id"], name=op.f("fk_lead_manager_id_user")),
        sa.ForeignKeyConstraint(["merged_into_id"], ["lead.id"], name=op.f("fk_lead_merged_into_id_lead")),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipeline.id"], name=op.f("fk_lead_pipeline_id_pipeline")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_lead_product_id_product")),
        sa.ForeignKeyConstraint(["referrer_id"], ["person.id"], name=op.f("fk_lead_referrer_id_person")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_lead_source_id_source")),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name=op.f("fk_lead_stage_id_stage")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_lead_updated_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead")),
        sa.UniqueConstraint("number", name=op.f("uq_lead_number")),
        sa.UniqueConstraint("phone_key", name=op.f("uq_lead_phone_key")),
    )
    op.create_index(
        "ix_lead_alt_phone",
        "lead",
        ["alt_phone_e164"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_assigned_created",
        "lead",
        ["assigned_to_id", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_assigned_due",
        "lead",
        ["assigned_to_id", "next_follow_up_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_branch_created",
        "lead",
        ["branch_id", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_converted",
        "lead",
        ["converted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_created",
        "lead",
        ["created_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(op.f("ix_lead_customer_id"), "lead", ["customer_id"], unique=False)
    op.create_index(
        "ix_lead_deleted",
        "lead",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_lead_due",
        "lead",
        ["next_follow_up_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_email",
        "lead",
        ["email_norm", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_merged_into",
        "lead",
        ["merged_into_id"],
        unique=False,
        sqlite_where=sa.text("merged_into_id IS NOT NULL"),
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.create_index(
        "ix_lead_monthly",
        "lead",
        ["monthly_fee_minor", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_name",
        "lead",
        ["name_key", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(op.f("ix_lead_national_id_norm"), "lead", ["national_id_norm"], unique=False)
    op.create_index(op.f("ix_lead_passport_norm"), "lead", ["passport_norm"], unique=False)
    op.create_index(
        "ix_lead_phone",
        "lead",
        ["phone_e164", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(op.f("ix_lead_pipeline_id"), "lead", ["pipeline_id"], unique=False)
    op.create_index(
        "ix_lead_priority",
        "lead",
        ["priority", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_product",
        "lead",
        ["product_id", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_referrer",
        "lead",
        ["referrer_id", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_score",
        "lead",
        ["score", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_source_created",
        "lead",
        ["source_id", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_stage_created",
        "lead",
        ["stage_id", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_stage_source",
        "lead",
        ["stage_id", "source_id", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_lead_updated",
        "lead",
        ["updated_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "activity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(50), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("outcome", sa.String(20), nullable=True),
        sa.Column("outcome_note", sa.Text(), nullable=True),
        sa.Column("next_action", sa.String(255), nullable=True),
        sa.Column("next_action_at", UtcDateTime(), nullable=True),
        sa.Column("scheduled_at", UtcDateTime(), nullable=True),
        sa.Column("all_day", sa.Boolean(), nullable=False),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.Column("cancelled_at", UtcDateTime(), nullable=True),
        sa.Column("duration_s", sa.Integer(), nullable=True),
        sa.Column("channel", sa.String(20), nullable=True),
        sa.Column("direction", sa.String(10), nullable=True),
        sa.Column("priority", sa.String(10), nullable=True),
        sa.Column("assigned_to_id", sa.Integer(), nullable=True),
        sa.Column("metadata_json", sa.JSON(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["assigned_to_id"], ["user.id"], name=op.f("fk_activity_assigned_to_id_user")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_activity_created_by_id_user")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_activity_lead_id_lead"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
    )
    op.create_index(op.f("ix_activity_batch_id"), "activity", ["batch_id"], unique=False)
    op.create_index(op.f("ix_activity_created_by_id"), "activity", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_activity_lead_id"), "activity", ["lead_id"], unique=False)
    op.create_index(
        "ix_activity_open",
        "activity",
        ["scheduled_at", "lead_id"],
        unique=False,
        sqlite_where=sa.text("completed_at IS NULL"),
        postgresql_where=sa.text("completed_at IS NULL"),
    )
    op.create_index(op.f("ix_activity_type"), "activity", ["type"], unique=False)
    op.create_table(
        "document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=True),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("path", sa.String(500), nullable=False),
        sa.Column("mime", sa.String(100), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("uploaded_by_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_document_customer_id_customer")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_document_lead_id_lead"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["uploaded_by_id"], ["user.id"], name=op.f("fk_document_uploaded_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    op.create_index(op.f("ix_document_batch_id"), "document", ["batch_id"], unique=False)
    op.create_index(op.f("ix_document_customer_id"), "document", ["customer_id"], unique=False)
    op.create_index(op.f("ix_document_lead_id"), "document", ["lead_id"], unique=False)
    op.create_table(
        "lead_custom",
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("value", sa.String(1000), nullable=False),
        sa.Column("value_key", sa.String(2000), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_custom_lead_id_lead"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("lead_id", "key", name=op.f("pk_lead_custom")),
    )
    op.create_index("ix_lead_custom_key_value_key", "lead_custom", ["key", "value_key"], unique=False)
    op.create_table(
        "lead_product",
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(255), nullable=True),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["lead.id"], name=op.f("fk_lead_product_lead_id_lead"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_lead_product_product_id_product")),
        sa.PrimaryKeyConstraint("lead_id", "product_id", name=op.f("pk_lead_product")),
    )
    op.create_index(op.f("ix_lead_product_product_id"), "lead_product", ["product_id"], unique=False)
    op.create_table(
        "lead_tag",
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_tag_lead_id_lead"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_lead_tag_tag_id_tag")),
        sa.PrimaryKeyConstraint("lead_id", "tag_id", name=op.f("pk_lead_tag")),
    )
    op.create_index(op.f("ix_lead_tag_tag_id"), "lead_tag", ["tag_id"], unique=False)
    op.create_table(
        "provision_job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("router_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(80), nullable=False),
        sa.Column("username", sa.String(63), nullable=False),
        sa.Column("request_json", sa.JSON(), nullable=True),
        sa.Column("secret_ref", sa.String(60), nullable=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("step", sa.String(40), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("process_started", sa.String(40), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=False),
        sa.Column("recheck_until", UtcDateTime(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_provision_job_created_by_id_user")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_provision_job_lead_id_lead")),
        sa.ForeignKeyConstraint(["router_id"], ["router.id"], name=op.f("fk_provision_job_router_id_router")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provision_job")),
    )
    op.create_index(op.f("ix_provision_job_lead_id"), "provision_job", ["lead_id"], unique=False)
    op.create_index(op.f("ix_provision_job_recheck_until"), "provision_job", ["recheck_until"], unique=False)
    op.create_index(op.f("ix_provision_job_state"), "provision_job", ["state"], unique=False)
    op.create_index(
        "uq_provision_job_open",
        "provision_job",
        ["lead_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('planned', 'applying', 'unknown')"),
        postgresql_where=sa.text("state IN ('planned', 'applying', 'unknown')"),
    )
    op.create_table(
        "router_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("router_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("lead_id", sa.Integer(), nullable=True),
        sa.Column("username", sa.String(63), nullable=False),
        sa.Column("service", sa.String(10), nullable=False),
        sa.Column("profile", sa.String(63), nullable=True),
        sa.Column("ip", sa.String(45), nullable=True),
        sa.Column("tag", sa.String(80), nullable=False),
        sa.Column("secret_ref", sa.String(60), nullable=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_router_user_customer_id_customer")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_router_user_lead_id_lead")),
        sa.ForeignKeyConstraint(["router_id"], ["router.id"], name=op.f("fk_router_user_router_id_router")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_router_user")),
        sa.UniqueConstraint("router_id", "service", "username", name=op.f("uq_router_user_router_id_service_username")),
    )
    op.create_index(op.f("ix_router_user_customer_id"), "router_user", ["customer_id"], unique=False)
    op.create_index(op.f("ix_router_user_lead_id"), "router_user", ["lead_id"], unique=False)
    op.create_index(op.f("ix_router_user_router_id"), "router_user", ["router_id"], unique=False)
    op.create_table(
        "stage_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("from_stage_id", sa.Integer(), nullable=True),
        sa.Column("to_stage_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("seconds_in_stage", sa.BigInteger(), nullable=True),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_stage_change_by_id_user")),
        sa.ForeignKeyConstraint(["from_stage_id"], ["stage.id"], name=op.f("fk_stage_change_from_stage_id_stage")),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["lead.id"], name=op.f("fk_stage_change_lead_id_lead"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["to_stage_id"], ["stage.id"], name=op.f("fk_stage_change_to_stage_id_stage")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_change")),
    )
    op.create_index(op.f("ix_stage_change_batch_id"), "stage_change", ["batch_id"], unique=False)
    op.create_index(op.f("ix_stage_change_lead_id"), "stage_change", ["lead_id"], unique=False)
    # ### end Alembic commands ###
    create_search_index(op.get_bind())
