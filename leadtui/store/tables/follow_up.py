"""Following up: one-key outcomes, notices to users, loan promises, bookings and intakes, stage actions, milestones."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from .base import UtcDateTime

_OPEN_LOAN = text("status IN ('pending', 'overdue')")
_UNSEEN = text("seen_at IS NULL")


def _lead_id() -> Any:
    return Column(ForeignKey("lead.id", ondelete="CASCADE"), nullable=False, index=True)


class QuickLog(SQLModel, table=True):
    """What one key of work mode does: log a contact, set the next follow-up by rule, move the stage (spec AI18)."""

    __tablename__ = "quick_log"
    __table_args__ = (UniqueConstraint("pipeline_id", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    pipeline_id: int = Field(foreign_key="pipeline.id", index=True)
    order: int
    name: str = Field(max_length=60)
    # an activity's type, outcome and subject
    type: str = Field(max_length=50)
    outcome: str | None = Field(default=None, max_length=20)
    subject: str | None = Field(default=None, max_length=255)
    # the next follow-up: minutes from now; or the smart time of a context; none of both: no follow-up
    delay_minutes: int | None = None
    context: str | None = Field(default=None, max_length=40)
    next_action: str | None = Field(default=None, max_length=255)
    # what is asked before it is written: when, reason, note
    ask: str | None = Field(default=None, max_length=10)
    stage_id: int | None = Field(default=None, foreign_key="stage.id")
    is_active: bool = True


class Notification(SQLModel, table=True):
    """Something a user is told once: `occurrence` names what and when, unique for the user (facts/messaging §4.3)."""

    __table_args__ = (
        UniqueConstraint("user_id", "occurrence"),
        Index("ix_notification_unseen", "user_id", "due_at", sqlite_where=_UNSEEN, postgresql_where=_UNSEEN),
    )

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user.id")
    # reminder, escalation, assignment, loan, digest
    kind: str = Field(max_length=30)
    occurrence: str = Field(max_length=120)
    lead_id: int | None = Field(default=None, sa_column=Column(ForeignKey("lead.id", ondelete="CASCADE"), index=True))
    activity_id: int | None = Field(
        default=None, sa_column=Column(ForeignKey("activity.id", ondelete="CASCADE"), index=True)
    )
    text: str = Field(max_length=255)
    # when it is (again) to be shown: moved by a snooze
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    seen_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    snoozes: int = 0
    # sent to the user's own alert addresses: when, or why not
    alerted_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    alert_error: str | None = Field(default=None, sa_column=Column(Text))


class LoanCommitment(SQLModel, table=True):
    """A promise to clear a loan; at most one open per lead, the old ones are the history (spec AH16, AJ21)."""

    __tablename__ = "loan_commitment"
    __table_args__ = (
        Index("uq_loan_commitment_open", "lead_id", unique=True, sqlite_where=_OPEN_LOAN, postgresql_where=_OPEN_LOAN),
        Index("ix_loan_commitment_due", "status", "promised_clear_date"),
    )

    id: int | None = Field(default=None, primary_key=True)
    lead_id: int = Field(sa_column=_lead_id())
    amount_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    promised_clear_date: date
    # pending, overdue, cleared, cancelled, replaced
    status: str = Field(max_length=10)
    note: str | None = Field(default=None, sa_column=Column(Text))
    overdue_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    settled_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    settled_by_id: int | None = Field(default=None, foreign_key="user.id")
    replaced_by_id: int | None = Field(default=None, foreign_key="loan_commitment.id", index=True)
    created_by_id: int = Field(foreign_key="user.id")
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    updated_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    batch_id: int | None = Field(default=None, index=True)


class Intake(SQLModel, table=True):
    """What came in from outside, as it came, and what became of it; failed ones wait for a retry (spec §O, AJ24)."""

    __table_args__ = (UniqueConstraint("kind", "external_ref"),)

    id: int | None = Field(default=None, primary_key=True)
    # booking, or the name of another door
    kind: str = Field(max_length=30)
    external_ref: str = Field(max_length=100)
    payload_json: Any = Field(sa_column=Column(JSON, nullable=False))
    # created, linked, failed, dropped
    state: str = Field(max_length=10, index=True)
    lead_id: int | None = Field(default=None, sa_column=Column(ForeignKey("lead.id", ondelete="SET NULL"), index=True))
    attempts: int = 0
    last_error: str | None = Field(default=None, sa_column=Column(Text))
    by_id: int = Field(foreign_key="user.id")
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    tried_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    batch_id: int | None = Field(default=None, index=True)


class Booking(SQLModel, table=True):
    """A booking of another program, linked to its lead (spec §O 123, AH16)."""

    id: int | None = Field(default=None, primary_key=True)
    lead_id: int = Field(sa_column=_lead_id())
    external_ref: str = Field(max_length=100, unique=True)
    payload_json: Any = Field(default=None, sa_column=Column(JSON))
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    batch_id: int | None = Field(default=None, index=True)


class StageAction(SQLModel, table=True):
    """What happens by itself when a lead gets to a stage (spec §T)."""

    __tablename__ = "stage_action"
    __table_args__ = (UniqueConstraint("stage_id", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    stage_id: int = Field(foreign_key="stage.id", index=True)
    order: int
    name: str = Field(max_length=100)
    # task, follow_up, notify, message (without a provider: a task for a person, spec AJ27)
    kind: str = Field(max_length=20)
    params_json: Any = Field(default=None, sa_column=Column(JSON))
    is_active: bool = True


class Milestone(SQLModel, table=True):
    """Something worth noting that a lead reaches once, by a condition over its activities and itself (spec §U)."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=40, unique=True)
    name: str = Field(max_length=100)
    condition_json: Any = Field(sa_column=Column(JSON, nullable=False))
    order: int
    is_active: bool = True


class LeadMilestone(SQLModel, table=True):
    """That a lead reached a milestone, and when; once."""

    __tablename__ = "lead_milestone"

    lead_id: int = Field(sa_column=Column(ForeignKey("lead.id", ondelete="CASCADE"), primary_key=True, nullable=False))
    milestone_id: int = Field(
        sa_column=Column(ForeignKey("milestone.id"), primary_key=True, nullable=False, index=True)
    )
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
