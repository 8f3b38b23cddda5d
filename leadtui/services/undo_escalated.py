"""Taking back an act whose follow-ups were passed on since (spec AJ2): a date that was typed wrong is overdue at once.

What the machine planned in their place goes with them; where a person has dealt with it, his act hinders the undo.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, select, update

from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from .escalation import ESCALATED, ESCALATION

_CHUNK = 5_000


@dataclass
class Escalated:
    """Follow-ups that a batch made or changed and that were passed on since, and those made in their place."""

    changed: frozenset[int] = frozenset()
    made: set[int] = field(default_factory=set)
    instead: set[int] = field(default_factory=set)

    def is_of(self, entry: Any) -> bool:
        """Whether an entry of the audit only says that one of them was passed on."""
        one = (entry.after_json or {}).get(ESCALATED)
        return one is not None and (one in self.changed or one in self.made or one in self.instead)

    def take_back(self, tx: WriteTx, lead_ids: Collection[int]) -> None:
        """Remove what took their place on these leads, and open again what the batch only changed."""
        a, n = t.activity.c, t.notification.c
        for chunk in _chunks(self.instead):
            gone = _of(tx, lead_ids, a.id.in_(chunk))
            tx.conn.execute(update(t.activity).where(a.replaced_by_id.in_(gone)).values(replaced_by_id=None))
            tx.conn.execute(delete(t.activity).where(a.id.in_(gone)))
        for chunk in _chunks(self.changed):
            again = _of(tx, lead_ids, a.id.in_(chunk), a.escalated_at.is_not(None))
            tx.conn.execute(update(t.activity).where(a.id.in_(again)).values(cancelled_at=None, escalated_at=None))
            told = (n.kind == ESCALATION, n.activity_id.in_(again))
            tx.conn.execute(delete(t.notification).where(*told))


def find(tx: ReadTx, batch_id: int, changed: Collection[int]) -> Escalated:
    """Those of a batch that changed these activities."""
    a = t.activity.c
    made = select(a.id).where(a.batch_id == batch_id, a.escalated_at.is_not(None))
    found = Escalated(frozenset(changed), set(tx.conn.execute(made).scalars()))
    ahead = {*found.changed, *found.made}
    while ahead:
        after: set[int] = set()
        for chunk in _chunks(ahead):
            query = select(a.replaced_by_id).where(a.id.in_(chunk), a.replaced_by_id.is_not(None))
            after |= set(tx.conn.execute(query).scalars())
        ahead = after - found.instead
        found.instead |= ahead
    return found


def _of(tx: ReadTx, lead_ids: Collection[int], *where: Any) -> list[int]:
    a = t.activity.c
    return [r.id for r in tx.conn.execute(select(a.id, a.lead_id).where(*where)) if r.lead_id in lead_ids]


def _chunks(ids: Collection[int]) -> list[list[int]]:
    ordered = sorted(ids)
    return [ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK)]
