"""Telling a user something once: a row in `notification`, unique for the user by its occurrence (facts/messaging §4.3).

Whatever happens by itself and concerns a person goes through `notify`; every TUI of that user then shows it once. The
text never holds a lead's name: that is put beside it when it is read, by what the reader may see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from leadtui.domain.catalog import Catalog
from leadtui.domain.permissions import Actor
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import strip_controls

_MANY = 200
"""So many rows go in one statement."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What one user is told. `occurrence` names what and when (at most 120 characters), such as `loan:12:2026-11-20`.

    `due_at` is when it is shown, now when left out. `kind`: reminder, escalation, assignment, loan, stage, digest.
    """

    user_id: int
    kind: str
    occurrence: str
    text: str
    lead_id: int | None = None
    activity_id: int | None = None
    due_at: datetime | None = None


def notify(
    tx: WriteTx,
    user_id: int,
    kind: str,
    occurrence: str,
    text: str,
    *,
    lead_id: int | None = None,
    activity_id: int | None = None,
    due_at: datetime | None = None,
) -> bool:
    """Tell a user something, once per occurrence. False: he was told already, or is not active here."""
    return bool(notify_many(tx, [Notice(user_id, kind, occurrence, text, lead_id, activity_id, due_at)]))


def notify_many(tx: WriteTx, notices: Iterable[Notice]) -> int:
    """Tell several at once; answers how many were new. Who is not active is told nothing."""
    users = tx.catalog.user_by_id
    rows = [
        {
            "user_id": one.user_id,
            "kind": one.kind[:30],
            "occurrence": one.occurrence[:120],
            "lead_id": one.lead_id,
            "activity_id": one.activity_id,
            "text": " ".join(strip_controls(one.text).split())[:255],
            "due_at": one.due_at or tx.now,
            "created_at": tx.now,
            "snoozes": 0,
        }
        for one in notices
        if one.user_id in users and users[one.user_id].is_active
    ]
    if rows:
        tx.flush()  # what they refer to is written before
    return sum(_insert(tx, rows[start : start + _MANY]) for start in range(0, len(rows), _MANY))


def _insert(tx: WriteTx, rows: list[dict[str, Any]]) -> int:
    """Those that are not there yet; two processes that write the same one both go on."""
    statement: Any
    if tx.is_sqlite:
        from sqlalchemy.dialects import sqlite

        statement = sqlite.insert(t.notification)
    else:
        from sqlalchemy.dialects import postgresql

        statement = postgresql.insert(t.notification)
    new = statement.values(rows).on_conflict_do_nothing(index_elements=["user_id", "occurrence"])
    return len(tx.conn.execute(new.returning(t.notification.c.id)).all())


def may_see(catalog: Catalog, user_id: int | None, lead: Mapping[Any, Any]) -> bool:
    """Whether an active user may read this lead (its row: assignee and branch)."""
    user = catalog.user_by_id.get(user_id or 0)
    return user is not None and user.is_active and _may(catalog, user_id or 0, "read", lead)


def supervisors_of(tx: ReadTx, lead: Mapping[Any, Any]) -> tuple[int, ...]:
    """Who is told of trouble with a lead: its manager, else all who may assign it; not its assignee, if others are."""
    catalog, assignee = tx.catalog, lead["assigned_to_id"]
    if lead["manager_id"] != assignee and may_see(catalog, lead["manager_id"], lead):
        return (int(lead["manager_id"]),)
    found = [
        user.id
        for user in catalog.users
        if user.is_active and _may(catalog, user.id, "assign", lead) and _may(catalog, user.id, "read", lead)
    ]
    return tuple(one for one in found if one != assignee) or tuple(found)


def _may(catalog: Catalog, user_id: int, action: str, lead: Mapping[Any, Any]) -> bool:
    actor = _actors_of(catalog)(user_id)
    return actor.may_on(action, assigned_to_id=lead["assigned_to_id"], branch_id=lead["branch_id"])


_known: list[tuple[Catalog, Callable[[int], Actor]]] = []


def _actors_of(catalog: Catalog) -> Callable[[int], Actor]:
    """The actors of a catalogue, each made once: many leads in a row ask for the same few."""
    for known, actors in _known:
        if known is catalog:
            return actors
    actors = cache(lambda user_id: catalog.actor_for(catalog.user_by_id[user_id]))
    _known[:] = [(catalog, actors)]
    return actors
