"""The small tables an office configures: settings, pipelines and their stages, sources, products, people."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, UniqueConstraint
from sqlmodel import Field, SQLModel


class Setting(SQLModel, table=True):
    """One value of the office, kept as JSON (spec AH1)."""

    key: str = Field(primary_key=True, max_length=60)
    value_json: Any = Field(default=None, sa_column=Column(JSON))


class Counter(SQLModel, table=True):
    """The last number drawn in a period; the row is the lock that keeps two processes apart (spec §D 45)."""

    key: str = Field(primary_key=True, max_length=60)
    value: int = 0


class Pipeline(SQLModel, table=True):
    """A named way from first contact to customer (spec AH2)."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=40, unique=True)
    name: str = Field(max_length=100)
    is_default: bool = False
    is_active: bool = True
    require_reason_on_regress: bool = False
    conversion_steps_json: Any = Field(default=None, sa_column=Column(JSON))
    field_rules_json: Any = Field(default=None, sa_column=Column(JSON))


class Stage(SQLModel, table=True):
    """A status of a pipeline, with S1's flags and S4's probability (spec AH3)."""

    __table_args__ = (UniqueConstraint("pipeline_id", "key"), UniqueConstraint("rank"))

    id: int | None = Field(default=None, primary_key=True)
    pipeline_id: int = Field(foreign_key="pipeline.id", index=True)
    key: str = Field(max_length=50)
    name: str = Field(max_length=50)
    description: str | None = None
    color: str | None = Field(default=None, max_length=30)
    order: int
    # The place of the stage among all stages of all pipelines; unique, so that a list sorted by status can be
    # read from the index instead of being sorted.
    rank: int
    probability: float = 0.0
    is_default: bool = False
    is_converted: bool = False
    is_lost: bool = False
    is_parked: bool = False
    is_locked: bool = False
    is_active: bool = True
    sla_hours: int | None = None


class Source(SQLModel, table=True):
    """Where a lead came from, with the other spellings people use (spec AH4, AG10)."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=60, unique=True)
    name: str = Field(max_length=100)
    description: str | None = None
    order: int = 0
    is_active: bool = True
    aliases_json: Any = Field(default=None, sa_column=Column(JSON))
    cost_minor: int | None = None


class Product(SQLModel, table=True):
    """A package, policy, unit, property or tour; an internet package carries its router profile (spec AH4)."""

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(default="package", max_length=20)
    name: str = Field(max_length=100, unique=True)
    price_minor: int | None = None
    install_minor: int | None = None
    router_profile: str | None = Field(default=None, max_length=63)
    speed: str | None = Field(default=None, max_length=40)
    # As the customer sees it; on a router the customer's upload comes first (facts/mikrotik, Menus).
    upload_bps: int | None = Field(default=None, sa_column=Column(BigInteger))
    download_bps: int | None = Field(default=None, sa_column=Column(BigInteger))
    pool: str | None = Field(default=None, max_length=63)
    gateway: str | None = Field(default=None, max_length=45)
    # dynamic (by the profile's pool) · fixed (an address of its own) · queue (fixed, its speed by a simple queue)
    addressing: str = Field(default="dynamic", max_length=10, sa_column_kwargs={"server_default": "dynamic"})
    is_active: bool = True


class Branch(SQLModel, table=True):
    """An office of the organisation (spec AG26)."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100, unique=True)
    organization: str | None = Field(default=None, max_length=100)
    is_active: bool = True


class LostReason(SQLModel, table=True):
    """A reason worth counting; free text stands beside it on the lead."""

    __tablename__ = "lost_reason"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100, unique=True)
    is_active: bool = True


class Tag(SQLModel, table=True):
    """A word put on leads."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=50)
    key: str = Field(max_length=50, unique=True)
    is_active: bool = True


class Person(SQLModel, table=True):
    """Somebody around leads who is not a user: who brought them in, a caretaker, a partner (spec AG25)."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=255)
    name_key: str = Field(max_length=300, index=True)
    phone_e164: str | None = Field(default=None, max_length=20, index=True)
    phone_raw: str | None = Field(default=None, max_length=40)
    is_active: bool = True
