"""What a lead becomes: the customer, its router user, and the journal of what was asked of routers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from .base import UtcDateTime


class FamilyGroup(SQLModel, table=True):
    """Customers who belong together (spec §L 105)."""

    __tablename__ = "family_group"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100, unique=True)


class Customer(SQLModel, table=True):
    """A converted lead's customer record (spec AH13)."""

    # The list by name, and what a search reads from end to end.
    __table_args__ = (
        Index("ix_customer_search", "search_text", "id"),
        # Who belongs together.
        Index(
            "ix_customer_family",
            "family_group_id",
            sqlite_where=text("family_group_id IS NOT NULL"),
            postgresql_where=text("family_group_id IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=255)
    type: str = Field(default="Retail", max_length=20)
    phone_e164: str | None = Field(default=None, max_length=20, index=True)
    email: str | None = Field(default=None, max_length=255)
    email_norm: str | None = Field(default=None, max_length=255, index=True)
    pan: str | None = Field(default=None, max_length=10)
    aadhar: str | None = Field(default=None, max_length=12)
    gst: str | None = Field(default=None, max_length=15)
    family_group_id: int | None = Field(default=None, foreign_key="family_group.id")
    product_id: int | None = Field(default=None, foreign_key="product.id")
    branch_id: int | None = Field(default=None, foreign_key="branch.id")
    state: str = Field(default="active", max_length=20)
    # Name, email and phone as they are searched: folded, a line each (`domain.customers.search_text`).
    search_text: str = Field(default="", sa_column=Column(Text, nullable=False, server_default=""))
    created_by_id: int = Field(foreign_key="user.id")
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))


class Secret(SQLModel, table=True):
    """An encrypted secret; the key lies outside the database (spec AH14, AJ19)."""

    ref: str = Field(primary_key=True, max_length=60)
    token: str = Field(sa_column=Column(Text, nullable=False))


class Router(SQLModel, table=True):
    """A MikroTik router we may write to (spec AH14)."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=63, unique=True)
    host: str = Field(max_length=255)
    port: int
    tls: str = Field(default="plain", max_length=12)
    tls_pin: str | None = Field(default=None, max_length=100)
    tls_ca: str | None = Field(default=None, max_length=500)
    username: str = Field(max_length=63)
    secret_ref: str = Field(max_length=60)
    service: str = Field(default="pppoe", max_length=10)
    # Which doors it serves: the leads of a branch, and places named in a lead's address.
    branch_id: int | None = Field(default=None, foreign_key="branch.id")
    areas_json: Any = Field(default=None, sa_column=Column(JSON))
    is_active: bool = True
    identity: str | None = Field(default=None, max_length=255)
    version: str | None = Field(default=None, max_length=60)
    board: str | None = Field(default=None, max_length=60)
    last_ok_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    last_error: str | None = Field(default=None, sa_column=Column(Text))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class RouterUser(SQLModel, table=True):
    """A PPPoE secret or Hotspot user that we made, by name: ids may change on reboot (facts/mikrotik §b)."""

    __tablename__ = "router_user"
    __table_args__ = (
        UniqueConstraint("router_id", "service", "username"),
        # No two users of one router with one fixed address, whoever is faster.
        Index("uq_router_user_address", "router_id", "ip", unique=True),
        # Who was never online.
        Index(
            "ix_router_user_unseen",
            "created_at",
            sqlite_where=text("first_online_at IS NULL"),
            postgresql_where=text("first_online_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    router_id: int = Field(foreign_key="router.id", index=True)
    customer_id: int | None = Field(default=None, foreign_key="customer.id", index=True)
    lead_id: int | None = Field(default=None, foreign_key="lead.id", index=True)
    product_id: int | None = Field(default=None, foreign_key="product.id")
    username: str = Field(max_length=63)
    service: str = Field(max_length=10)
    profile: str | None = Field(default=None, max_length=63)
    ip: str | None = Field(default=None, max_length=45)
    # The simple queue that must stand beside it: the customer's upload and download; both empty: none.
    queue_up_bps: int | None = Field(default=None, sa_column=Column(BigInteger))
    queue_down_bps: int | None = Field(default=None, sa_column=Column(BigInteger))
    tag: str = Field(max_length=80)
    secret_ref: str | None = Field(default=None, max_length=60)
    state: str = Field(default="active", max_length=20)
    first_online_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    first_online_ip: str | None = Field(default=None, max_length=45)
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class RouterCapacity(SQLModel, table=True):
    """What a router said of its load when it was asked last; an error stands beside the figures of before."""

    __tablename__ = "router_capacity"

    router_id: int = Field(primary_key=True, foreign_key="router.id")
    asked_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    answered_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    error: str | None = Field(default=None, sa_column=Column(Text))
    sessions: int | None = None
    cpu_percent: int | None = None
    uptime: str | None = Field(default=None, max_length=40)
    free_addresses: int | None = Field(default=None, sa_column=Column(BigInteger))
    total_addresses: int | None = Field(default=None, sa_column=Column(BigInteger))
    # [{"name", "total", "used"}]
    pools_json: Any = Field(default=None, sa_column=Column(JSON))


class RouterProfile(SQLModel, table=True):
    """A package as it was pushed to a router: the name of its profile there, and the figures sent.

    Hotspot profiles have no comment (facts/mikrotik §0.7): this row is how ours are known again.
    """

    __tablename__ = "router_profile"
    __table_args__ = (UniqueConstraint("router_id", "service", "product_id"),)

    id: int | None = Field(default=None, primary_key=True)
    router_id: int = Field(foreign_key="router.id")
    product_id: int = Field(foreign_key="product.id")
    service: str = Field(max_length=10)
    name: str = Field(max_length=63)
    sent_json: Any = Field(default=None, sa_column=Column(JSON))
    pushed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class ProvisionJob(SQLModel, table=True):
    """The intent, written before the first call to a router, and what became of it (spec AH15).

    States: planned (nothing sent yet) · applying (a call may have reached the router) · verified (read back, the
    lead is converted) · failed (nothing of ours is there) · unknown (look at the router before anything else).
    """

    __tablename__ = "provision_job"
    __table_args__ = (
        # One open job a lead: two people converting at once cannot both reach the router.
        Index(
            "uq_provision_job_open",
            "lead_id",
            unique=True,
            sqlite_where=text("state IN ('planned', 'applying', 'unknown')"),
            postgresql_where=text("state IN ('planned', 'applying', 'unknown')"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    # convert · suspend · resume · package (change of package) · mend (by an audit)
    kind: str = Field(default="convert", max_length=20, sa_column_kwargs={"server_default": "convert"})
    lead_id: int = Field(foreign_key="lead.id", index=True)
    router_id: int = Field(foreign_key="router.id")
    tag: str = Field(max_length=80)
    username: str = Field(max_length=63)
    request_json: Any = Field(default=None, sa_column=Column(JSON))
    secret_ref: str | None = Field(default=None, max_length=60)
    state: str = Field(default="planned", max_length=12, index=True)
    step: str | None = Field(default=None, max_length=40)
    attempts: int = 0
    last_error: str | None = Field(default=None, sa_column=Column(Text))
    host: str = Field(max_length=255)
    pid: int
    process_started: str = Field(default="", max_length=40)
    lease_until: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    # A late answer may still make the user: until a look after this moment found nothing, the job is looked at again
    # by every settling, although it is `failed` (contract answer 10).
    recheck_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime, index=True))
    created_by_id: int = Field(foreign_key="user.id")
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    updated_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
