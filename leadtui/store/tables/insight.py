"""Scores, routing and figures: rules as data, offers of leads, and the tally that statistics are read from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from .base import UtcDateTime

_OPEN_OFFER = text("closed_at IS NULL")


def _moment(nullable: bool = True) -> Any:
    return Column(UtcDateTime, nullable=nullable)


def _sum() -> Any:
    return Column(BigInteger, nullable=False, server_default="0")


def _part() -> Any:
    """A part of the tally's key: an id, 0 where there is none."""
    return Column(BigInteger, primary_key=True, autoincrement=False)


class ScoringRule(SQLModel, table=True):
    """Points a lead gets (spec AH12). `condition` is of the filter language; `mode` says how the points count.

    flat: once, if the condition holds · per_unit: for each unit of `field`, at most `cap` points in all · first_match:
    of the rules of one `group` only the first that holds.
    """

    __tablename__ = "scoring_rule"
    __table_args__ = (UniqueConstraint("pipeline_id", "key"),)

    id: int | None = Field(default=None, primary_key=True)
    # empty: of every pipeline
    pipeline_id: int | None = Field(default=None, foreign_key="pipeline.id", index=True)
    key: str = Field(max_length=60)
    name: str = Field(max_length=120)
    group: str = Field(max_length=40)
    mode: str = Field(max_length=12)
    condition: str | None = Field(default=None, sa_column=Column(Text))
    field: str | None = Field(default=None, max_length=60)
    points: int
    cap: int | None = None
    order: int
    is_active: bool = True


class AssignmentRule(SQLModel, table=True):
    """One step in finding who gets a lead (spec AH11): it narrows or orders those who may.

    kinds: area, type, price, source, branch, language (narrow) · workload, performance, round_robin (order) ·
    first_to_claim (offers it). `condition` says for which leads the step counts; empty: for all. `state_json` is what
    a round robin remembers.
    """

    __tablename__ = "assignment_rule"
    __table_args__ = (UniqueConstraint("pipeline_id", "key"),)

    id: int | None = Field(default=None, primary_key=True)
    pipeline_id: int | None = Field(default=None, foreign_key="pipeline.id", index=True)
    key: str = Field(max_length=60)
    name: str = Field(max_length=120)
    order: int
    kind: str = Field(max_length=20)
    params_json: Any = Field(default=None, sa_column=Column(JSON))
    condition: str | None = Field(default=None, sa_column=Column(Text))
    only_if_any: bool = True
    state_json: Any = Field(default=None, sa_column=Column(JSON))
    is_active: bool = True


class LeadOffer(SQLModel, table=True):
    """A lead offered to several: whoever claims it first has it; after `until` the rules go on without the offer."""

    __tablename__ = "lead_offer"
    __table_args__ = (
        Index("uq_lead_offer_open", "lead_id", unique=True, sqlite_where=_OPEN_OFFER, postgresql_where=_OPEN_OFFER),
        Index("ix_lead_offer_until", "until", sqlite_where=_OPEN_OFFER, postgresql_where=_OPEN_OFFER),
    )

    id: int | None = Field(default=None, primary_key=True)
    lead_id: int = Field(sa_column=Column(ForeignKey("lead.id", ondelete="CASCADE"), nullable=False, index=True))
    rule_id: int | None = Field(default=None, foreign_key="assignment_rule.id")
    user_ids_json: Any = Field(sa_column=Column(JSON, nullable=False))
    offered_at: datetime = Field(sa_column=_moment(False))
    until: datetime = Field(sa_column=_moment(False))
    claimed_by_id: int | None = Field(default=None, foreign_key="user.id")
    closed_at: datetime | None = Field(default=None, sa_column=_moment())
    # claimed, lapsed, assigned, withdrawn
    result: str | None = Field(default=None, max_length=20)


class Tally(SQLModel, table=True):
    """How many leads there are of a kind, summed up: what statistics of many leads are read from (docs/dev-insight.md).

    kinds: `c` by the month they were created in, status (first) and furthest status (second) · `l` lost ones likewise,
    by lost reason (first) and status (second) · `w` by the month of their conversion and status (first) · `r` by the
    month their router user was made in and status (first). Months are YYYYMM in the office's zone. Sums in minor units
    and seconds (from creation to conversion). Together with `tally_change` it is exact at any moment.
    """

    __table_args__ = ({"sqlite_with_rowid": False},)

    kind: str = Field(primary_key=True, max_length=1)
    month: int = Field(sa_column=_part())
    first_id: int = Field(sa_column=_part())
    second_id: int = Field(sa_column=_part())
    source_id: int = Field(sa_column=_part())
    assigned_to_id: int = Field(sa_column=_part())
    branch_id: int = Field(sa_column=_part())
    n: int = Field(sa_column=_sum())
    installation_minor: int = Field(sa_column=_sum())
    monthly_minor: int = Field(sa_column=_sum())
    value_minor: int = Field(sa_column=_sum())
    seconds: int = Field(sa_column=_sum())


class TallyChange(SQLModel, table=True):
    """What triggers of the database noted of changed leads and is not summed up in `tally` yet: -n before, +n after."""

    __tablename__ = "tally_change"

    id: int | None = Field(default=None, primary_key=True)
    created_month: int
    converted_month: int
    router_month: int
    stage_id: int
    furthest_stage_id: int
    source_id: int
    assigned_to_id: int
    branch_id: int
    lost_reason_id: int
    n: int
    installation_minor: int = Field(sa_column=_sum())
    monthly_minor: int = Field(sa_column=_sum())
    value_minor: int = Field(sa_column=_sum())
    seconds: int = Field(sa_column=_sum())


class TallyMonth(SQLModel, table=True):
    """When each month begins in the office's zone: databases know no zones alike."""

    __tablename__ = "tally_month"

    month: int = Field(sa_column=_part())
    begins: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, unique=True))
