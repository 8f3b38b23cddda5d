"""Customers that are served: figures of packages, load of routers, kinds of jobs, first online, events, leases."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

from leadtui.domain.phones import digits_for_search, national_digits
from leadtui.store.types import UtcDateTime
from leadtui.text import fold

revision = "0002"
down_revision = "0001"

_UNSEEN = sa.text("first_online_at IS NULL")
_OPEN = sa.text("handled_at IS NULL")
_GROUPED = sa.text("family_group_id IS NOT NULL")
_LINKED = sa.text("customer_id IS NOT NULL")


def upgrade() -> None:
    for column in (
        sa.Column("upload_bps", sa.BigInteger(), nullable=True),
        sa.Column("download_bps", sa.BigInteger(), nullable=True),
        sa.Column("pool", sa.String(63), nullable=True),
        sa.Column("gateway", sa.String(45), nullable=True),
        sa.Column("addressing", sa.String(10), nullable=False, server_default="dynamic"),
    ):
        op.add_column("product", column)
    op.add_column("customer", sa.Column("search_text", sa.Text(), nullable=False, server_default=""))
    op.create_index(op.f("ix_customer_created_at"), "customer", ["created_at"], unique=False)
    _fill_search()
    _index_customers()
    _add_reference("router", "branch_id", "branch")
    op.add_column("router", sa.Column("areas_json", sa.JSON(), nullable=True))
    _add_reference("router_user", "product_id", "product")
    for column in (
        sa.Column("queue_up_bps", sa.BigInteger(), nullable=True),
        sa.Column("queue_down_bps", sa.BigInteger(), nullable=True),
        sa.Column("first_online_at", UtcDateTime(), nullable=True),
        sa.Column("first_online_ip", sa.String(45), nullable=True),
    ):
        op.add_column("router_user", column)
    op.create_index("uq_router_user_address", "router_user", ["router_id", "ip"], unique=True)
    op.create_index(
        "ix_router_user_unseen", "router_user", ["created_at"], sqlite_where=_UNSEEN, postgresql_where=_UNSEEN
    )
    op.add_column("provision_job", sa.Column("kind", sa.String(20), nullable=False, server_default="convert"))
    op.create_table(
        "router_capacity",
        sa.Column("router_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("sessions", sa.Integer(), nullable=True),
        sa.Column("cpu_percent", sa.Integer(), nullable=True),
        sa.Column("uptime", sa.String(40), nullable=True),
        sa.Column("free_addresses", sa.BigInteger(), nullable=True),
        sa.Column("total_addresses", sa.BigInteger(), nullable=True),
        sa.Column("pools_json", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["router_id"], ["router.id"], name=op.f("fk_router_capacity_router_id_router")),
        sa.PrimaryKeyConstraint("router_id", name=op.f("pk_router_capacity")),
    )
    op.create_table(
        "router_profile",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("router_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("service", sa.String(10), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("sent_json", sa.JSON(), nullable=True),
        sa.Column("pushed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_router_profile_product_id_product")),
        sa.ForeignKeyConstraint(["router_id"], ["router.id"], name=op.f("fk_router_profile_router_id_router")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_router_profile")),
        sa.UniqueConstraint(
            "router_id", "service", "product_id", name=op.f("uq_router_profile_router_id_service_product_id")
        ),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=True),
        sa.Column("payload_json", sa.JSON(), nullable=True),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_event_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_kind"), "event", ["kind"], unique=False)
    op.create_index(op.f("ix_event_lead_id"), "event", ["lead_id"], unique=False)
    op.create_index("ix_event_open", "event", ["id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_table(
        "lease",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("holder", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("ticked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    _new_settings()


def _add_reference(table: str, column: str, target: str) -> None:
    """A nullable foreign key. On SQLite with the column: a copy of the table would empty what refers to it."""
    name = f"fk_{table}_{column}_{target}"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER CONSTRAINT {name} REFERENCES {target} (id)")
        return
    op.add_column(table, sa.Column(column, sa.Integer(), nullable=True))
    op.create_foreign_key(name, table, target, [column], ["id"])


def _index_customers() -> None:
    """By name, byte by byte on both databases; by trigram where PostgreSQL can; by lead with who may see it."""
    conn = op.get_bind()
    if conn.dialect.name == "sqlite":
        op.create_index("ix_customer_search", "customer", ["search_text", "id"])
    else:
        op.execute('CREATE INDEX ix_customer_search ON customer (search_text COLLATE "C", id)')
        if conn.execute(sa.text("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")).first():
            op.execute("CREATE INDEX ix_customer_trigrams ON customer USING gin (search_text gin_trgm_ops)")
    op.create_index(
        "ix_customer_family", "customer", ["family_group_id"], sqlite_where=_GROUPED, postgresql_where=_GROUPED
    )
    op.drop_index("ix_lead_customer_id", "lead")
    op.create_index(
        "ix_lead_customer", "lead", ["customer_id", "assigned_to_id", "branch_id", "deleted_at"],
        sqlite_where=_LINKED, postgresql_where=_LINKED,
    )  # fmt: skip


def _fill_search() -> None:
    conn = op.get_bind()
    customer = sa.table(
        "customer", sa.column("id"), sa.column("name"), sa.column("email"), sa.column("phone_e164"),
        sa.column("search_text"),
    )  # fmt: skip
    rows = conn.execute(sa.select(customer.c.id, customer.c.name, customer.c.email, customer.c.phone_e164)).all()
    filled = [{"key": r.id, "words": _words(r.name, r.email, r.phone_e164)} for r in rows]
    if filled:
        change = sa.update(customer).where(customer.c.id == sa.bindparam("key"))
        conn.execute(change.values(search_text=sa.bindparam("words")), filled)


def _words(name: str, email: str | None, phone: str | None) -> str:
    digits = digits_for_search(phone, national_digits(phone)) if phone else ""
    return "\n".join((fold(name)[:255], fold(email or "")[:255], digits))


def _new_settings() -> None:
    """`office_id`: random letters that tell this office's users on a router from those of another database."""
    setting = sa.table("setting", sa.column("key"), sa.column("value_json", sa.JSON()))
    conn = op.get_bind()
    if conn.execute(sa.select(setting.c.key).limit(1)).first():  # a new database gets its own with its other settings
        given = {"office_id": secrets.token_hex(4), "never_online_days": 3, "router_poll_minutes": 5}
        conn.execute(sa.insert(setting), [{"key": key, "value_json": value} for key, value in given.items()])
