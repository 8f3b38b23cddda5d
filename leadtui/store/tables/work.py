"""Work that goes on by itself: what happened and is to be handled once, and who does it (spec AC 194, AH23)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from .base import UtcDateTime


class Event(SQLModel, table=True):
    """Something that happened, written in the transaction that made it happen, and handled once afterwards."""

    __table_args__ = (
        Index(
            "ix_event_open", "id", sqlite_where=text("handled_at IS NULL"), postgresql_where=text("handled_at IS NULL")
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=40, index=True)
    lead_id: int | None = Field(default=None, index=True)
    payload_json: Any = Field(default=None, sa_column=Column(JSON))
    by_id: int = Field(foreign_key="user.id")
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    handled_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    attempts: int = 0
    last_error: str | None = Field(default=None, sa_column=Column(Text))
    # not tried again before; each pause is longer than the last
    retry_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class Lease(SQLModel, table=True):
    """Who does a kind of work at the moment: the holder renews it, another takes it when it ran out.

    `token` rises with every change of hands; a holder that was frozen finds its token passed by and writes nothing.
    """

    name: str = Field(primary_key=True, max_length=40)
    holder: str = Field(max_length=255)
    # worker before tui: a program without a screen does the work where one runs
    kind: str = Field(max_length=10)
    token: int = 0
    until: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ticked_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class Worker(SQLModel, table=True):
    """A program that may do the work that goes on by itself: a TUI or a worker, with its last sign of life."""

    holder: str = Field(primary_key=True, max_length=255)
    kind: str = Field(max_length=10)
    host: str = Field(max_length=150)
    pid: int
    user_id: int | None = Field(default=None, foreign_key="user.id")
    program: str = Field(max_length=40)
    started_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    beat_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    # what its last tick under the lease did, and how long it took
    ticked_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    tick_ms: int | None = None
    tally_json: Any = Field(default=None, sa_column=Column(JSON))


class JobRun(SQLModel, table=True):
    """One run of a job that is to happen once per occurrence: a day, an hour. Failed ones are tried again."""

    __tablename__ = "job_run"
    __table_args__ = (UniqueConstraint("job", "occurrence"),)

    id: int | None = Field(default=None, primary_key=True)
    job: str = Field(max_length=40)
    occurrence: str = Field(max_length=60)
    # done, failed, dropped (a person gave it up)
    state: str = Field(max_length=10, index=True)
    attempts: int = 0
    holder: str = Field(max_length=255)
    started_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ended_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    retry_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    result_json: Any = Field(default=None, sa_column=Column(JSON))
    error: str | None = Field(default=None, sa_column=Column(Text))
