"""Who works here: users, roles, the permission matrix, and what each user has chosen on screen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from .base import UtcDateTime


class Role(SQLModel, table=True):
    """A row of the permission matrix; `hidden_fields_json` lists what this role never sees (spec §AF 219)."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=40, unique=True)
    name: str = Field(max_length=100)
    hidden_fields_json: Any = Field(default=None, sa_column=Column(JSON))


class Permission(SQLModel, table=True):
    """One cell of the matrix (spec §AI-c). `stages_json` narrows `status` to moves from or to those stages."""

    __table_args__ = (UniqueConstraint("role_id", "action"),)

    id: int | None = Field(default=None, primary_key=True)
    role_id: int = Field(foreign_key="role.id", index=True)
    action: str = Field(max_length=30)
    scope: str = Field(max_length=10)
    stages_json: Any = Field(default=None, sa_column=Column(JSON))


class Team(SQLModel, table=True):
    """A group of users whose leads they share under the scope `team`."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100, unique=True)


class User(SQLModel, table=True):
    """A person (or the machine: `system`) who acts."""

    id: int | None = Field(default=None, primary_key=True)
    login: str = Field(max_length=50, unique=True)
    name: str = Field(max_length=255)
    phone_e164: str | None = Field(default=None, max_length=20)
    email: str | None = Field(default=None, max_length=255)
    role_id: int = Field(foreign_key="role.id")
    branch_id: int | None = Field(default=None, foreign_key="branch.id")
    team_id: int | None = Field(default=None, foreign_key="team.id")
    os_account: str | None = Field(default=None, max_length=100, unique=True)
    is_active: bool = True
    is_available: bool = True
    # the zone of this person's screen and reminders, the office's without one (spec AJ29)
    timezone: str | None = Field(default=None, max_length=64)
    # when this person works, as the setting `working_hours` is written; the office's without it
    working_hours: str | None = Field(default=None, max_length=255)
    # for automatic assignment: what this person serves (lists of words), and how many open leads at most (spec AH10)
    service_areas_json: Any = Field(default=None, sa_column=Column(JSON))
    specializations_json: Any = Field(default=None, sa_column=Column(JSON))
    languages_json: Any = Field(default=None, sa_column=Column(JSON))
    min_price_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    max_price_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    capacity: int | None = None
    # alert addresses (apprise), encrypted in `secret`: they hold tokens
    alerts_ref: str | None = Field(default=None, max_length=60)
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class Preference(SQLModel, table=True):
    """What a user chose on screen: columns, sort, last filter, theme."""

    user_id: int = Field(foreign_key="user.id", primary_key=True)
    key: str = Field(primary_key=True, max_length=60)
    value_json: Any = Field(default=None, sa_column=Column(JSON))
