"""What was changed, by whom, in which batch; the base of undo (spec AH20, AH23)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, Text
from sqlmodel import Field, SQLModel

from .base import UtcDateTime


class Batch(SQLModel, table=True):
    """One act of one person, however many rows it touched: the unit of undo."""

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=20, index=True)
    label: str = Field(default="", max_length=255)
    by_id: int = Field(foreign_key="user.id", index=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    count: int = 0
    undone_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    undoes_id: int | None = Field(default=None, foreign_key="batch.id")


class Audit(SQLModel, table=True):
    """One changed row: the columns before and after, never a secret."""

    __table_args__ = (Index("ix_audit_entity_entity_id", "entity", "entity_id"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    user_id: int = Field(foreign_key="user.id", index=True)
    origin: str = Field(max_length=100)
    action: str = Field(max_length=30)
    entity: str = Field(max_length=30)
    entity_id: int | None = None
    before_json: Any = Field(default=None, sa_column=Column(JSON))
    after_json: Any = Field(default=None, sa_column=Column(JSON))
    batch_id: int | None = Field(default=None, foreign_key="batch.id", index=True)


class ImportRun(SQLModel, table=True):
    """One imported file and what became of its rows."""

    __tablename__ = "import_run"

    id: int | None = Field(default=None, primary_key=True)
    file_name: str = Field(max_length=255)
    file_sha256: str = Field(max_length=64, index=True)
    mapping_json: Any = Field(default=None, sa_column=Column(JSON))
    rows: int = 0
    created: int = 0
    updated: int = 0
    skipped: int = 0
    failed: int = 0
    report_path: str | None = Field(default=None, sa_column=Column(Text))
    batch_id: int | None = Field(default=None, foreign_key="batch.id")
    by_id: int = Field(foreign_key="user.id")
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
