"""The leads that rules are rehearsed on: those of the last months, with what came of them and when that was decided.

They are read a thousand at a time in the order in which they came, each thousand in a read transaction of its own:
rules, agents and the end of the time are those of the beginning, a lead is as it is when its turn comes.
"""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, func, or_, select

from leadtui.domain.dates import day_start, local_day
from leadtui.errors import Invalid
from leadtui.store import schema as t
from leadtui.store.leads import condition
from leadtui.store.many_rows import among
from leadtui.store.unit_of_work import ReadTx

from . import lead_writes as w
from .office import Office

CHUNK: Final = 1_000
MOST_MONTHS, MOST_DAYS, MOST_SETTLING = 60, 90, 365

YOUNG: Final = "too young: nothing has come of them yet"
AT_ONCE: Final = "decided in the moment they came in"

_INSTANT: Final = timedelta(microseconds=1)

OnProgress = Callable[[int, int], None]
ShouldStop = Callable[[], bool]


class Stopped(Exception):
    """Nobody wants the answer any more."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A lead that came in. `decided_at`: when it first was converted or lost; None: never yet."""

    id: int
    number: str
    name: str | None
    created_at: datetime
    converted: bool
    lost: bool
    decided_at: datetime | None
    outcome_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether something came of it."""
        return self.converted or self.lost

    def seen_at(self, look_ahead: timedelta) -> datetime:
        """When it is looked at: so long after it came, but strictly before anything was decided."""
        at = self.created_at + look_ahead
        return at if self.decided_at is None else min(at, self.decided_at - _INSTANT)


@dataclass
class Replay:
    """One walk through the leads of a pipeline that came since `begins`; counts those left out, by reason."""

    office: Office
    pipeline_id: int
    begins: datetime
    ends: datetime
    settled_by: datetime
    total: int = 0
    done: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    on_progress: OnProgress | None = None
    should_stop: ShouldStop | None = None
    _last_id: int = 0

    @classmethod
    def of(
        cls,
        office: Office,
        tx: ReadTx,
        pipeline_id: int,
        *,
        months: int,
        settle_days: int,
        on_progress: OnProgress | None,
        should_stop: ShouldStop | None,
    ) -> Replay:
        """The walk through the last months. Raises Invalid for a time that makes no sense."""
        between(months, 1, MOST_MONTHS, "months")
        between(settle_days, 1, MOST_SETTLING, "settle_days")
        begins = months_before(tx.now, months, tx.catalog.tz)
        replay = cls(
            office, pipeline_id, begins, tx.now, tx.now - timedelta(days=settle_days),
            on_progress=on_progress, should_stop=should_stop,
        )  # fmt: skip
        c = t.lead.c
        count, last = tx.conn.execute(select(func.count(), func.max(c.id)).where(*replay._mine(tx))).one()
        replay.total, replay._last_id = int(count), int(last or 0)
        return replay

    def _mine(self, tx: ReadTx) -> tuple[Any, ...]:
        c = t.lead.c
        return condition(tx, None), c.pipeline_id == self.pipeline_id, c.created_at >= self.begins

    def chunks(self) -> Iterator[tuple[ReadTx, list[Arrived]]]:
        """The leads in the order they came, some at a time with the transaction they were read in. Raises Stopped."""
        c = t.lead.c
        at, last = self.begins, 0
        while True:
            if self.should_stop is not None and self.should_stop():
                raise Stopped
            with self.office.read() as tx:
                behind = or_(c.created_at > at, and_(c.created_at == at, c.id > last))
                query = (
                    select(
                        c.id, c.number, c.name, c.created_at, c.stage_id, c.stage_changed_at, c.converted_at, c.lost_at
                    )
                    .where(*self._mine(tx), behind, c.created_at <= self.ends, c.id <= self._last_id)
                    .order_by(c.created_at, c.id)
                    .limit(CHUNK)
                )
                rows = tx.conn.execute(query).all()
                if not rows:
                    return
                at, last = rows[-1].created_at, rows[-1].id
                yield tx, arrived(tx, rows)
            self.tell(len(rows))

    def tell(self, count: int) -> None:
        """So many leads more were gone through."""
        self.done += count
        if self.on_progress is not None:
            self.on_progress(min(self.done, self.total), self.total)

    def is_young(self, lead: Arrived) -> bool:
        """Whether it is too early to say that nothing comes of the lead."""
        return not lead.is_over and lead.created_at > self.settled_by

    def leave_out(self, reason: str) -> None:
        """One lead is not looked at."""
        self.left_out[reason] += 1


def arrived(tx: ReadTx, rows: Any) -> list[Arrived]:
    """Leads with what came of them; names only where the actor sees names."""
    stages = tx.catalog.stage_by_id
    final = [s.id for s in tx.catalog.stages if s.is_converted or s.is_lost]
    c = t.stage_change.c
    ids = [row.id for row in rows]
    query = (
        select(c.lead_id, func.min(c.at))
        .where(among(c.lead_id, ids, sqlite=tx.is_sqlite), c.to_stage_id.in_(final))
        .group_by(c.lead_id)
    )
    first = {row[0]: row[1] for row in tx.conn.execute(query)}
    hidden = "name" in tx.actor.hidden_fields
    found = []
    for row in rows:
        stage = stages[row.stage_id]
        over = stage.is_converted or stage.is_lost
        outcome = ((row.converted_at if stage.is_converted else row.lost_at) or row.stage_changed_at) if over else None
        decided = min((at for at in (outcome, first.get(row.id)) if at is not None), default=None)
        found.append(
            Arrived(
                row.id, row.number, None if hidden else row.name, row.created_at, stage.is_converted, stage.is_lost,
                decided, outcome,
            )
        )  # fmt: skip
    return found


def months_before(now: datetime, months: int, tz: Any) -> datetime:
    """The beginning of the same day so many months ago, in the office's zone; of a shorter month its last day."""
    today = local_day(now, tz)
    count = today.year * 12 + today.month - 1 - months
    year, month = count // 12, count % 12 + 1
    return day_start(today.replace(year=year, month=month, day=min(today.day, monthrange(year, month)[1])), tz)


def between(value: int, low: int, high: int, name: str) -> None:
    """Raises Invalid for a number that is not between these."""
    if not low <= value <= high:
        raise Invalid(f"{name.replace('_', ' ')}: {value:,} is not between {low} and {high}", field=name)


def pipeline_of(tx: ReadTx, named: str | None) -> int:
    """The pipeline to rehearse in, the default one unless named; the right to do it checked. Raises NotPermitted."""
    w.require(tx, "config")
    catalog = tx.catalog
    return (catalog.find_pipeline(named) if named else catalog.default_pipeline).id
