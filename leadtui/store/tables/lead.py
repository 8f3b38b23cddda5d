"""The lead and what hangs on it: history, activities, documents, tags, interests, custom fields (spec AH5–AH9)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Text, text
from sqlmodel import Field, SQLModel

from .base import UtcDateTime, live_index

_TALLIED = ("assigned_to_id", "branch_id", "source_id", "deleted_at")
"""What figures may be narrowed by, with status and creation: an index that has them all is read alone. SQLite looks at
`deleted_at` even where the index is of living leads only."""
_HAD_ROUTER = "router_user_at IS NOT NULL AND deleted_at IS NULL"


def _moment(nullable: bool = True) -> Any:
    return Column(UtcDateTime, nullable=nullable)


def _minor() -> Any:
    """Money in minor units of the office's currency (spec AG23)."""
    return Column(BigInteger, nullable=True)


class Lead(SQLModel, table=True):
    """A potential customer. The total fee is computed, never stored; `version` detects two people editing at once."""

    __table_args__ = (
        # the order of most lists; of the days at the edges of a range, all that figures are made of
        live_index(
            "ix_lead_created",
            "created_at",
            "id",
            "stage_id",
            "furthest_stage_id",
            "source_id",
            "assigned_to_id",
            "branch_id",
            "lost_reason_id",
            "installation_fee_minor",
            "monthly_fee_minor",
            "budget_minor",
            "converted_at",
            "deleted_at",
        ),
        live_index("ix_lead_updated", "updated_at", "id"),
        live_index("ix_lead_name", "name_key", "id"),
        live_index("ix_lead_phone", "phone_e164", "id"),
        live_index("ix_lead_alt_phone", "alt_phone_e164"),
        live_index("ix_lead_email", "email_norm", "id"),
        live_index("ix_lead_stage_created", "stage_id", "created_at", "id"),
        # who has been in a status for too long, counted without reading the leads
        live_index("ix_lead_stage_changed", "stage_id", "stage_changed_at", *_TALLIED, "created_at"),
        # the board: of a status what is due first, what has no date behind it
        live_index("ix_lead_stage_due", "stage_id", "next_follow_up_at", "id"),
        # what figures open: who ever got to a status, why leads are lost, whose router user was made when
        live_index("ix_lead_furthest", "furthest_stage_id", "created_at", "id"),
        Index(
            "ix_lead_lost_reason",
            "lost_reason_id",
            sqlite_where=text("lost_reason_id IS NOT NULL"),
            postgresql_where=text("lost_reason_id IS NOT NULL"),
        ),
        Index(
            "ix_lead_router_user",
            "router_user_at",
            "stage_id",
            "created_at",
            *_TALLIED,
            sqlite_where=text(_HAD_ROUTER),
            postgresql_where=text(_HAD_ROUTER),
        ),
        # whose score was made by rules that have changed since
        live_index("ix_lead_score_version", "score_version", "id"),
        live_index("ix_lead_source_created", "source_id", "created_at", "id"),
        live_index("ix_lead_assigned_created", "assigned_to_id", "created_at", "id"),
        live_index("ix_lead_branch_created", "branch_id", "created_at", "id"),
        live_index("ix_lead_stage_source", "stage_id", "source_id", "created_at", "id"),
        live_index("ix_lead_due", "next_follow_up_at", "id", "stage_id", *_TALLIED, "created_at"),
        live_index("ix_lead_assigned_due", "assigned_to_id", "next_follow_up_at"),
        live_index("ix_lead_priority", "priority", "id"),
        live_index("ix_lead_score", "score", "id"),
        live_index("ix_lead_product", "product_id", "id"),
        live_index("ix_lead_referrer", "referrer_id", "id"),
        live_index("ix_lead_monthly", "monthly_fee_minor", "id"),
        live_index("ix_lead_converted", "converted_at", "stage_id", "created_at", *_TALLIED),
        # A deleted row makes SQLite look for rows that refer to it: without this, each delete reads all leads.
        Index(
            "ix_lead_merged_into",
            "merged_into_id",
            sqlite_where=text("merged_into_id IS NOT NULL"),
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
        # Whose customer a lead is, with all that says who may see it: lists of customers read nothing else of leads.
        Index(
            "ix_lead_customer",
            "customer_id",
            "assigned_to_id",
            "branch_id",
            "deleted_at",
            sqlite_where=text("customer_id IS NOT NULL"),
            postgresql_where=text("customer_id IS NOT NULL"),
        ),
        Index(
            "ix_lead_deleted",
            "deleted_at",
            sqlite_where=text("deleted_at IS NOT NULL"),
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    number: str = Field(max_length=50, unique=True)
    name: str | None = Field(default=None, max_length=255)
    # Folded for sorting and comparing: the same answer from every database (spec AH24).
    name_key: str | None = Field(default=None, max_length=600)
    phone_e164: str | None = Field(default=None, max_length=20)
    phone_raw: str | None = Field(default=None, max_length=40)
    # Equal to phone_e164 where the office's rule is `phone_unique = block` and the lead is not deleted, else empty:
    # the unique index is the rule (spec AG5).
    phone_key: str | None = Field(default=None, max_length=20, unique=True)
    alt_phone_e164: str | None = Field(default=None, max_length=20)
    alt_phone_raw: str | None = Field(default=None, max_length=40)
    email: str | None = Field(default=None, max_length=255)
    email_norm: str | None = Field(default=None, max_length=255)
    # Everything a person may type to find this lead, folded: the only column substring search looks at.
    search_text: str = Field(default="", sa_column=Column(Text, nullable=False, server_default=""))
    date_of_birth: date | None = None
    address: str | None = Field(default=None, max_length=1000)
    unit_number: str | None = Field(default=None, max_length=50)
    location: str | None = Field(default=None, max_length=255)
    city: str | None = Field(default=None, max_length=100)
    state: str | None = Field(default=None, max_length=100)
    pincode: str | None = Field(default=None, max_length=10)
    lat: float | None = None
    lon: float | None = None
    occupation: str | None = Field(default=None, max_length=255)
    employment_status: str | None = Field(default=None, max_length=50)
    passport: str | None = Field(default=None, max_length=50)
    passport_norm: str | None = Field(default=None, max_length=50, index=True)
    national_id: str | None = Field(default=None, max_length=50)
    national_id_norm: str | None = Field(default=None, max_length=50, index=True)
    language: str | None = Field(default=None, max_length=50)

    pipeline_id: int = Field(foreign_key="pipeline.id", index=True)
    stage_id: int = Field(foreign_key="stage.id")
    stage_changed_at: datetime = Field(sa_column=_moment(False))
    # of the statuses it ever had, lost and parked ones aside, the last in order: kept by triggers of the database
    furthest_stage_id: int | None = None
    source_id: int | None = Field(default=None, foreign_key="source.id")
    priority: str | None = Field(default=None, max_length=10)
    # 0 to 100; before the clamp; points that triggers gave on top; which state of the rules made it (0: none yet)
    score: int | None = None
    score_at: datetime | None = Field(default=None, sa_column=_moment())
    score_raw: int | None = None
    score_bonus: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    score_version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    probability: float | None = None

    product_id: int | None = Field(default=None, foreign_key="product.id")
    product_interest: str | None = Field(default=None, max_length=255)
    property_type: str | None = Field(default=None, max_length=50)
    current_isp: str | None = Field(default=None, max_length=100)
    interest_reason: str | None = Field(default=None, sa_column=Column(Text))
    referrer_id: int | None = Field(default=None, foreign_key="person.id")
    has_router: bool = False
    router_type: str | None = Field(default=None, max_length=100)
    installation_fee_minor: int | None = Field(default=None, sa_column=_minor())
    monthly_fee_minor: int | None = Field(default=None, sa_column=_minor())
    budget_minor: int | None = Field(default=None, sa_column=_minor())
    timeline: str | None = Field(default=None, max_length=30)
    pre_approved: bool | None = None
    pre_approval_in_progress: bool | None = None
    down_payment_ready: bool | None = None

    assigned_to_id: int | None = Field(default=None, foreign_key="user.id")
    assigned_at: datetime | None = Field(default=None, sa_column=_moment())
    manager_id: int | None = Field(default=None, foreign_key="user.id")
    branch_id: int | None = Field(default=None, foreign_key="branch.id")
    next_follow_up_at: datetime | None = Field(default=None, sa_column=_moment())
    next_follow_up_all_day: bool = True
    last_activity_at: datetime | None = Field(default=None, sa_column=_moment())
    # hour of day, in the office's zone, at which this lead answers best (spec §I2 85)
    preferred_hour: int | None = None
    remarks: str | None = Field(default=None, sa_column=Column(Text))

    converted_at: datetime | None = Field(default=None, sa_column=_moment())
    converted_by_id: int | None = Field(default=None, foreign_key="user.id")
    customer_id: int | None = Field(default=None, foreign_key="customer.id")
    conversion_notes: str | None = Field(default=None, sa_column=Column(Text))
    # when its first router user was made, of those it has: kept by triggers of the database
    router_user_at: datetime | None = Field(default=None, sa_column=_moment())
    lost_at: datetime | None = Field(default=None, sa_column=_moment())
    lost_reason_id: int | None = Field(default=None, foreign_key="lost_reason.id")
    lost_note: str | None = Field(default=None, sa_column=Column(Text))
    is_protected: bool = False
    protected_reason: str | None = Field(default=None, sa_column=Column(Text))
    consent: str | None = Field(default=None, max_length=20)
    # WhatsApp's own id of this person (BSUID): its webhooks may come without a number since 2026 (facts §2.1)
    wa_user_id: str | None = Field(default=None, max_length=80, index=True)

    # Behaviour counters: absent is unknown, not zero (spec AH6).
    page_views: int | None = None
    property_views: int | None = None
    searches: int | None = None
    email_opens: int | None = None
    email_clicks: int | None = None
    social: int | None = None
    avg_response_min: int | None = None
    communications: int | None = None
    has_appointment: bool | None = None

    created_by_id: int = Field(foreign_key="user.id")
    updated_by_id: int = Field(foreign_key="user.id")
    created_at: datetime = Field(sa_column=_moment(False))
    updated_at: datetime = Field(sa_column=_moment(False))
    deleted_at: datetime | None = Field(default=None, sa_column=_moment())
    merged_into_id: int | None = Field(default=None, foreign_key="lead.id")
    version: int = 1


def _lead_id() -> Any:
    return Column(ForeignKey("lead.id", ondelete="CASCADE"), nullable=False, index=True)


class LeadTag(SQLModel, table=True):
    """A tag on a lead."""

    __tablename__ = "lead_tag"

    lead_id: int = Field(sa_column=Column(ForeignKey("lead.id", ondelete="CASCADE"), primary_key=True))
    tag_id: int = Field(foreign_key="tag.id", primary_key=True, index=True)


class LeadProduct(SQLModel, table=True):
    """A product or unit a lead is interested in, beside the desired package (spec AG24)."""

    __tablename__ = "lead_product"

    lead_id: int = Field(sa_column=Column(ForeignKey("lead.id", ondelete="CASCADE"), primary_key=True))
    product_id: int = Field(foreign_key="product.id", primary_key=True, index=True)
    note: str | None = Field(default=None, max_length=255)


class LeadCustom(SQLModel, table=True):
    """One custom field of one lead; rows rather than JSON, so that both databases filter alike (spec AH24)."""

    __tablename__ = "lead_custom"
    __table_args__ = (Index("ix_lead_custom_key_value_key", "key", "value_key"),)

    lead_id: int = Field(sa_column=Column(ForeignKey("lead.id", ondelete="CASCADE"), primary_key=True))
    key: str = Field(primary_key=True, max_length=40)
    value: str = Field(max_length=1000)
    value_key: str = Field(max_length=2000)


class StageChange(SQLModel, table=True):
    """The status history (spec AH8)."""

    __tablename__ = "stage_change"

    id: int | None = Field(default=None, primary_key=True)
    lead_id: int = Field(sa_column=_lead_id())
    from_stage_id: int | None = Field(default=None, foreign_key="stage.id")
    to_stage_id: int = Field(foreign_key="stage.id")
    reason: str | None = Field(default=None, sa_column=Column(Text))
    by_id: int = Field(foreign_key="user.id")
    at: datetime = Field(sa_column=_moment(False))
    seconds_in_stage: int | None = Field(default=None, sa_column=Column(BigInteger))
    batch_id: int | None = Field(default=None, index=True)


_OPEN = text("completed_at IS NULL AND cancelled_at IS NULL")
_REPLACED = text("replaced_by_id IS NOT NULL")
_UNREMINDED = text(
    "completed_at IS NULL AND cancelled_at IS NULL AND (reminded_for IS NULL OR reminded_for != scheduled_at)"
)


class Activity(SQLModel, table=True):
    """Something done with a lead, or to be done: open ones with `scheduled_at` are the follow-ups (spec AH7, AG12)."""

    __table_args__ = (
        Index(
            "ix_activity_open",
            "scheduled_at",
            "lead_id",
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        # what a reminder is still to be made for: looked at every other second
        Index("ix_activity_unreminded", "scheduled_at", sqlite_where=_UNREMINDED, postgresql_where=_UNREMINDED),
        # deleting an activity asks who was replaced by it
        Index("ix_activity_replaced", "replaced_by_id", sqlite_where=_REPLACED, postgresql_where=_REPLACED),
    )

    id: int | None = Field(default=None, primary_key=True)
    lead_id: int = Field(sa_column=_lead_id())
    type: str = Field(max_length=50, index=True)
    subject: str = Field(max_length=255)
    description: str | None = Field(default=None, sa_column=Column(Text))
    outcome: str | None = Field(default=None, max_length=20)
    outcome_note: str | None = Field(default=None, sa_column=Column(Text))
    next_action: str | None = Field(default=None, max_length=255)
    next_action_at: datetime | None = Field(default=None, sa_column=_moment())
    scheduled_at: datetime | None = Field(default=None, sa_column=_moment())
    all_day: bool = False
    completed_at: datetime | None = Field(default=None, sa_column=_moment())
    cancelled_at: datetime | None = Field(default=None, sa_column=_moment())
    duration_s: int | None = None
    channel: str | None = Field(default=None, max_length=20)
    direction: str | None = Field(default=None, max_length=10)
    priority: str | None = Field(default=None, max_length=10)
    # why it was made: a rule's context (spec §I2), overdue_followup, stage:KEY
    context: str | None = Field(default=None, max_length=40)
    # the `scheduled_at` its reminder was made for: another time is another reminder
    reminded_for: datetime | None = Field(default=None, sa_column=_moment())
    # passed on to a supervisor because it was late, once; then closed in favour of the next one (spec AJ2)
    escalated_at: datetime | None = Field(default=None, sa_column=_moment())
    replaced_by_id: int | None = Field(default=None, foreign_key="activity.id")
    assigned_to_id: int | None = Field(default=None, foreign_key="user.id")
    metadata_json: Any = Field(default=None, sa_column=Column(JSON))
    created_by_id: int = Field(foreign_key="user.id", index=True)
    created_at: datetime = Field(sa_column=_moment(False))
    updated_at: datetime = Field(sa_column=_moment(False))
    batch_id: int | None = Field(default=None, index=True)


class Document(SQLModel, table=True):
    """A file kept for a lead, and for the customer it became (spec AH9)."""

    id: int | None = Field(default=None, primary_key=True)
    lead_id: int | None = Field(default=None, foreign_key="lead.id", ondelete="CASCADE", index=True)
    customer_id: int | None = Field(default=None, foreign_key="customer.id", index=True)
    name: str = Field(max_length=255)
    path: str = Field(max_length=500)
    mime: str = Field(max_length=100)
    bytes: int
    sha256: str = Field(max_length=64)
    uploaded_by_id: int = Field(foreign_key="user.id")
    at: datetime = Field(sa_column=_moment(False))
    batch_id: int | None = Field(default=None, index=True)
