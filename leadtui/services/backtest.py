"""The probabilities of statuses tried on the office's own past, and the measured ones taken over (spec §J, AJ30).

Everything is counted from the status history. That is read by ranges of lead ids, each in a short transaction of its
own, so that a million leads hold nobody up, it can be stopped between two of them, and it says how far it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, and_, case, extract, func, literal, select, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.types import BigInteger

from leadtui.domain.backtests import (
    AGE_DAYS,
    CONVERTED,
    LOST,
    MIN_CASES,
    OLD,
    YOUNG,
    Asked,
    BackTest,
    Count,
    back_test,
    is_fixed,
)  # fmt: skip
from leadtui.domain.catalog import Pipeline
from leadtui.domain.dates import parse_day_range
from leadtui.errors import Invalid, NotPermitted, Refused, UsageError
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx

from . import lead_writes as w
from . import probabilities

if TYPE_CHECKING:
    from .office import Office

CHUNK: Final = 20_000
"""So many lead ids are read in one transaction."""
_DAY_S: Final = 86_400

_Window = tuple[datetime | None, datetime | None]
Progress = Callable[[int, int], None]
"""Told how many leads were looked at, and of how many."""


@dataclass(frozen=True, slots=True)
class Change:
    """A status that is given another probability."""

    stage_id: int
    status: str
    before: float
    after: float

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"status": self.status, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Used:
    """What taking over did, or with `dry_run` would do; `batch` is what undo takes back."""

    pipeline: str
    changes: tuple[Change, ...]
    batch: int | None
    dry_run: bool

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "pipeline": self.pipeline, "changes": [one.as_json() for one in self.changes], "batch": self.batch,
            "dry_run": self.dry_run,
        }  # fmt: skip


def measure(
    office: Office,
    pipeline: str | None = None,
    *,
    date_from: str | None = None,
    date_to: str | None = None,
    age_days: int = AGE_DAYS,
    min_cases: int = MIN_CASES,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> BackTest:
    """Try the probabilities of a pipeline (the default one) on the leads that came into its statuses.

    `date_from` to `date_to` are days as typed, both included, of coming into a status. Within the scope of the action
    `stats`. Raises NotPermitted, Invalid (with its field), UsageError (`stopped`).
    """
    check(office, date_from=date_from, date_to=date_to, age_days=age_days, min_cases=min_cases)
    with office.read() as tx:
        w.require(tx, "stats")
        chosen = tx.catalog.find_pipeline(pipeline) if pipeline else tx.catalog.default_pipeline
        window = _window(tx, date_from, date_to)
        last = int(tx.conn.execute(select(func.max(t.lead.c.id))).scalar() or 0)
        begun = tx.now
    counts: Counter[tuple[int, int, str]] = Counter()
    seconds: dict[int, list[int]] = {}
    for start in range(1, last + 1, CHUNK):
        if should_stop is not None and should_stop():
            raise UsageError("stopped: nothing was measured", code="stopped")
        with office.read() as tx:
            query = _query(tx, chosen, window, (start, start + CHUNK - 1), begun - timedelta(days=age_days))
            for stage_id, day, outcome, lasted, n in tx.conn.execute(query):
                counts[int(stage_id), int(day), outcome] += n
                if lasted is not None and lasted >= 0:
                    seconds.setdefault(int(stage_id), []).extend([int(lasted)] * n)
        if on_progress is not None:
            on_progress(min(start + CHUNK - 1, last), last)
    for found in seconds.values():
        found.sort()
    asked = Asked(chosen.id, chosen.key, date_from, date_to, age_days, min_cases)
    stages = office.catalog.stages_of(chosen.id)
    return back_test(asked, stages, (Count(*key, n) for key, n in counts.items()), seconds)


def check(
    office: Office, *, date_from: str | None = None, date_to: str | None = None, age_days: int = AGE_DAYS,
    min_cases: int = MIN_CASES,
) -> None:  # fmt: skip
    """Whether `measure` may be asked this. Raises Invalid with its field: from, to, age, min_cases."""
    if not 1 <= age_days <= 3_650:
        raise Invalid(f"{age_days} days is no age to wait for", field="age", hint="from 1 to 3650")
    if not 1 <= min_cases <= 1_000_000:
        raise Invalid(f"{min_cases} is no number of cases", field="min_cases", hint="20, say")
    with office.read() as tx:
        _window(tx, date_from, date_to)


def _window(tx: ReadTx, date_from: str | None, date_to: str | None) -> _Window:
    tz = tx.catalog.tz
    begin = parse_day_range(date_from, tz=tz, now=tx.now, field="from")[0] if date_from else None
    end = parse_day_range(date_to, tz=tz, now=tx.now, field="to")[1] if date_to else None
    if begin is not None and end is not None and end <= begin:
        raise Invalid("the end lies before the beginning", field="to", hint="the first day, then the last")
    return begin, end


def _query(tx: ReadTx, pipeline: Pipeline, window: _Window, ids: tuple[int, int], old: datetime) -> Any:
    """Counts by status, day of creation, outcome and seconds to the conversion, of a range of leads.

    The first time a lead came into a status is looked for before anything else is asked of it: one that came in before
    the window did not come in within it, though it came back.
    """
    c, lead, stages = t.stage_change.c, t.lead.c, tx.catalog.stages
    mine = [one.id for one in tx.catalog.stages_of(pipeline.id)]
    first = _first_times(c.lead_id.between(*ids), c.to_stage_id.in_(mine))
    at = first.c.at
    converted = lead.stage_id.in_([one.id for one in stages if one.is_converted])
    lost = lead.stage_id.in_([one.id for one in stages if one.is_lost and not one.is_converted])
    outcome = case(
        (converted, literal(CONVERTED)), (lost, literal(LOST)), (at <= old, literal(OLD)), else_=literal(YOUNG)
    )
    lasted = case((converted, epoch(tx, lead.converted_at) - epoch(tx, at)), else_=None)
    inner = (
        select(
            first.c.to_stage_id.label("stage_id"),
            (epoch(tx, lead.created_at) // literal(_DAY_S, BigInteger)).label("day"),
            outcome.label("outcome"),
            lasted.label("lasted"),
        )
        .join(t.lead, lead.id == first.c.lead_id)
        # the range once more: PostgreSQL would read all leads for each
        .where(lead.id.between(*ids), *_counts(tx, at, window))
        .subquery("what_became")
    )
    keys = (inner.c.stage_id, inner.c.day, inner.c.outcome, inner.c.lasted)
    return select(*keys, func.count()).group_by(*keys)


def _first_times(*where: ColumnElement[bool]) -> Any:
    """When each lead came into each status for the first time."""
    c = t.stage_change.c
    at = func.min(c.at, type_=c.at.type).label("at")
    query = select(c.lead_id, c.to_stage_id, at).where(*where).group_by(c.lead_id, c.to_stage_id)
    return query.subquery("first_time")


def _counts(tx: ReadTx, at: ColumnElement[Any], window: _Window) -> tuple[ColumnElement[bool], ...]:
    """Which of them count: live leads within the scope of the action `stats` that came in within the window."""
    return (t.lead.c.deleted_at.is_(None), scope_clause(tx.actor, "stats"), *_within(at, window))


def came_in(office: Office, found: BackTest, stage_id: int, *, limit: int) -> tuple[int, ...]:
    """The ids of the leads behind a status of a back-test, those left out among them, the newest first."""
    with office.read() as tx:
        w.require(tx, "stats")
        first = _first_times(t.stage_change.c.to_stage_id == stage_id)
        some = _counts(tx, first.c.at, _window(tx, found.date_from, found.date_to))
        query = select(first.c.lead_id).join(t.lead, t.lead.c.id == first.c.lead_id).where(*some)
        return tuple(tx.conn.execute(query.order_by(first.c.at.desc(), first.c.lead_id.desc()).limit(limit)).scalars())


def _within(at: ColumnElement[Any], window: _Window) -> Iterator[ColumnElement[bool]]:
    begin, end = window
    if begin is not None:
        yield at >= begin
    if end is not None:
        yield at < end


def epoch(tx: ReadTx, moment: ColumnElement[Any]) -> ColumnElement[int]:
    """A moment as whole seconds since 1970."""
    if tx.is_sqlite:
        return sql_cast(func.strftime("%s", moment), BigInteger)
    return sql_cast(func.floor(extract("epoch", moment)), BigInteger)


# -- taking over -------------------------------------------------------------------------------------------------------
def use(office: Office, found: BackTest, *, dry_run: bool = False) -> Used:
    """Give the statuses the probabilities that were measured, where there were cases enough: one batch, one undo.

    What is written is what `found` says, as it was shown: a status whose probability is another one by now is refused
    (`edited_elsewhere`). Open leads follow soon after. Needs `config`, and figures of the whole office. Raises
    NotPermitted, Refused (`nothing_to_use`).
    """
    context = office.read() if dry_run else office.write()
    with context as tx:
        _require_use(tx)
        changes = tuple(_changes(tx, found))
        if not changes:
            raise Refused(
                "there is nothing to take over", code="nothing_to_use",
                hint=f"a status needs {found.min_cases:,} cases, and a share other than the probability it has",
            )  # fmt: skip
        if dry_run:
            return Used(found.pipeline, changes, None, True)
        batch = _write(tx, found, changes)
    return Used(found.pipeline, changes, batch, False)


def may_use(office: Office) -> None:
    """Whether the actor may take measured probabilities over, before anything is measured. Raises NotPermitted."""
    with office.read() as tx:
        _require_use(tx)


def _require_use(tx: ReadTx) -> None:
    w.require(tx, "config")
    if tx.actor.scope("stats") != "all":
        raise NotPermitted(
            "you may not measure with the leads of the whole office",
            hint="probabilities are everybody's: a part of the leads must not decide them",
        )


def _changes(tx: ReadTx, found: BackTest) -> Iterator[Change]:
    stages = tx.catalog.stage_by_id
    for one in found.changes:
        now = stages.get(one.stage.id)
        if now is None or is_fixed(now) or now.probability != one.stage.probability:
            raise Refused(
                f"the status '{one.stage.name}' was changed since it was measured", code="edited_elsewhere",
                field="status", hint="measure once more",
            )  # fmt: skip
        if one.new is not None:
            yield Change(now.id, now.name, now.probability, one.new)


def _write(tx: Any, found: BackTest, changes: tuple[Change, ...]) -> int:
    """The changed statuses, as an edit of each would write it."""
    batch: int = tx.open_batch("probabilities", f"measured probabilities of {found.pipeline}")
    c = t.stage.c
    for one in changes:
        mine = and_(c.id == one.stage_id, c.probability == one.before)
        if not tx.conn.execute(update(t.stage).where(mine).values(probability=one.after)).rowcount:
            raise Refused("somebody changed a status just now", code="edited_elsewhere", hint="measure once more")
        tx.audit("edit", "status", one.stage_id, {"probability": one.before}, {"probability": one.after})
    probabilities.changed(tx, [one.stage_id for one in changes])
    tx.catalog_changed()
    return batch
