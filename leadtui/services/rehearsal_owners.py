"""What each agent had and made of it at any moment of the past: leads, conversions, open leads, in the order of time.

Of a lead counts who had it when it was decided (else when it was old enough to say), from when it was given to him.
Both lie before the moment they are asked about, so that a rate of last March knows nothing of April.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select

from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx

from . import past_rows
from .office import Office
from .rehearsal_leads import CHUNK, Arrived, ShouldStop, Stopped, arrived

_GIVEN, _CONVERTED, _CLOSED = range(3)

_COLUMNS: Final = ("assigned_to_id", "assigned_at")


@dataclass(frozen=True, slots=True)
class Owner:
    """Who had a lead, and since when."""

    user_id: int
    since: datetime


def owners_of(tx: ReadTx, leads: Sequence[Arrived], settle: timedelta) -> dict[int, Owner]:
    """Who had each of these leads when it was decided, else when it had been there for so long; nobody is not there."""
    moments = {
        lead.id: min(lead.outcome_at or lead.created_at + settle, tx.now)
        for lead in leads
        if (lead.outcome_at or lead.created_at) >= lead.created_at
    }
    found: dict[int, Owner] = {}
    created = {lead.id: lead.created_at for lead in leads}
    for lead_id, past in past_rows.read(tx, moments, _COLUMNS, beside=False).leads.items():
        user_id = past.row["assigned_to_id"]
        if user_id is not None:
            found[lead_id] = Owner(user_id, max(past.row["assigned_at"] or created[lead_id], created[lead_id]))
    return found


@dataclass
class Owners:
    """Leads and conversions by user up to a moment that only goes on, and how many leads that are not replayed are
    open with each."""

    had: Counter[int] = field(default_factory=Counter)
    converted: Counter[int] = field(default_factory=Counter)
    _coming: list[tuple[datetime, int, int, bool]] = field(default_factory=list)
    _next: int = 0

    def note(self, lead: Arrived, owner: Owner, *, replayed: bool) -> None:
        """A lead somebody had."""
        self._coming.append((owner.since, _GIVEN, owner.user_id, replayed))
        if lead.outcome_at is not None:
            self._coming.append((lead.outcome_at, _CLOSED, owner.user_id, replayed))
            if lead.converted:
                self._coming.append((lead.outcome_at, _CONVERTED, owner.user_id, replayed))

    def begin(self) -> None:
        """All are noted."""
        self._coming.sort()

    def until(self, moment: datetime) -> Iterator[tuple[int, int]]:
        """Go on to just before a moment; what that does to the open leads that are not replayed: (user, +1 or -1)."""
        while self._next < len(self._coming) and self._coming[self._next][0] < moment:
            _, what, user_id, replayed = self._coming[self._next]
            self._next += 1
            if what == _CONVERTED:
                self.converted[user_id] += 1
                continue
            if what == _GIVEN:
                self.had[user_id] += 1
            if not replayed:
                yield user_id, 1 if what == _GIVEN else -1

    def rate(self, user_id: int) -> float:
        """What a user made of all his leads until then."""
        had = self.had[user_id]
        return self.converted[user_id] / had if had else 0.0


def count(tx: ReadTx) -> int:
    """How many leads `read` goes through."""
    return int(tx.conn.execute(select(func.count()).where(t.lead.c.deleted_at.is_(None))).scalar_one())


def read(
    office: Office,
    is_replayed: Callable[[Mapping[Any, Any]], bool],
    settle: timedelta,
    *,
    on_read: Callable[[int], None],
    should_stop: ShouldStop | None = None,
) -> Owners:
    """Everybody's leads of all time, some thousand at once. `is_replayed`: whether a lead (pipeline_id, created_at) is
    one that is given away anew; `on_read` is told how many were read. Raises Stopped."""
    c = t.lead.c
    owners, last = Owners(), 0
    columns = (
        c.id, c.number, c.name, c.created_at, c.stage_id, c.stage_changed_at, c.converted_at, c.lost_at, c.pipeline_id,
    )  # fmt: skip
    while True:
        if should_stop is not None and should_stop():
            raise Stopped
        with office.read() as tx:
            query = select(*columns).where(c.id > last, c.deleted_at.is_(None)).order_by(c.id).limit(CHUNK)
            rows = tx.conn.execute(query).all()
            if not rows:
                break
            last = rows[-1].id
            leads = arrived(tx, rows)
            found = owners_of(tx, leads, settle)
            for row, lead in zip(rows, leads, strict=True):
                if lead.id in found:
                    owners.note(lead, found[lead.id], replayed=is_replayed(row._mapping))
        on_read(len(rows))
    owners.begin()
    return owners
