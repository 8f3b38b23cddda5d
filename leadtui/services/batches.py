"""Batches: what was done in one act, the newest first; and which kinds of them nothing takes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, func, or_, select, true

from leadtui.domain.fields import BY_COLUMN
from leadtui.domain.records import BatchRow
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx

from .office import Office

# What cannot be taken back by `undo`, and what does it instead.
FINAL = {
    "convert": "a conversion made a customer (and perhaps a router user): reopen the lead instead",
    "customer": "a change of a customer is not undone: edit it again, its history tells what stood there before",
    "suspend": "the router was told too: leadtui customer resume",
    "resume": "the router was told too: leadtui customer suspend",
    "package": "the router was told too: leadtui customer change-package, with the package of before",
    "purge": "a purge removes for good",
    "undo": "an undo is not undone: repeat the act",
}
NOT_SHOWN = {
    "name_key",
    "search_text",
    "phone_key",
    "email_norm",
    "passport_norm",
    "national_id_norm",
    "updated_at",
    "updated_by_id",
    "probability",
    "created_by_id",
    "assigned_at",
    "stage_changed_at",
    "next_follow_up_all_day",
    "version",
    "phone_raw",
    "alt_phone_raw",
}
"""Columns of a lead that people are not shown as changed."""


def batches(office: Office, limit: int = 50, offset: int = 0, *, words: Sequence[str] = ()) -> list[BatchRow]:
    """The batches the actor may see, newest first: his own, or everybody's where he may change many leads anywhere.

    Each of `words` must stand in what was done, its kind, or the login of who did it, in any case.
    """
    with office.read() as tx:
        b = t.batch.c
        wanted = (visible_batch(tx), *_about(tx, words))
        query = select(t.batch).where(*wanted).order_by(b.id.desc()).limit(limit).offset(offset)
        users = tx.catalog.user_by_id
        return [
            BatchRow(
                r["id"],
                r["kind"],
                r["label"],
                users[r["by_id"]].login,
                r["at"],
                r["count"],
                r["undone_at"],
                r["undone_at"] is None and r["kind"] not in FINAL,
            )
            for r in tx.conn.execute(query).mappings()
        ]


def batch_count(office: Office, *, words: Sequence[str] = ()) -> int:
    """How many batches `batches` has in all."""
    with office.read() as tx:
        query = select(func.count()).select_from(t.batch).where(visible_batch(tx), *_about(tx, words))
        return int(tx.conn.execute(query).scalar_one())


def _about(tx: ReadTx, words: Sequence[str]) -> list[Any]:
    b = t.batch.c
    found = []
    for word in map(str.lower, words):
        by = [u.id for u in tx.catalog.users if word in u.login.lower()]
        texts = (func.lower(c).contains(word, autoescape=True) for c in (b.label, b.kind))
        found.append(or_(*texts, b.by_id.in_(by)))
    return found


def visible_batch(tx: ReadTx) -> Any:
    """Which batches the actor may see."""
    mine = t.batch.c.by_id == tx.actor.user_id
    visible = true() if tx.actor.scope("bulk") == "all" else mine
    return and_(visible, t.batch.c["count"] > 0)


def key_of(column: str) -> str:
    """A lead's column as people name it: its field."""
    return BY_COLUMN[column].key if column in BY_COLUMN else column.removesuffix("_id").removesuffix("_minor")
