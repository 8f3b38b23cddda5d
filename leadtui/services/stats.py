"""How many leads there are, and how many became customers (spec §Z 171–174, contract "stats").

Deleted leads, and those merged away, are in no figure (spec AG34). Everything is within the scope of the action
`stats`. Months and days are those of the office's zone (AG33): leads count in the month in which they were created,
conversions in the month in which they were made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, case, func, select, text

from leadtui.domain.catalog import Catalog
from leadtui.domain.dates import local_day, month_bounds, parse_day_range
from leadtui.errors import Invalid
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx
from leadtui.text import fold

from . import lead_writes as w

if TYPE_CHECKING:
    from .office import Office

_DAY_S = 86_400
Counts = Mapping[tuple[int | None, int | None, int], int]
"""Source, assignee, stage → how many leads."""
NOBODY = "Unassigned"
"""What leads without an assignee are counted under."""
NOWHERE = "No source"


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many leads have a status; one of several pipelines' of the same name counts once."""

    status: str
    count: int


@dataclass(frozen=True, slots=True)
class MonthCount:
    """A month (`YYYY-MM`): leads created in it, and conversions made in it."""

    month: str
    created: int
    converted: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """The cards and the chart of a year. `years` are those there is anything to show of, without gaps (spec AJ20)."""

    total_leads: int
    new_this_month: int
    total_converted: int
    by_status: tuple[StatusCount, ...]
    by_month: tuple[MonthCount, ...]
    year: int
    years: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """The object of the contract."""
        found = asdict(self)
        del found["years"]
        return found | {"by_status": list(found["by_status"]), "by_month": list(found["by_month"])}


@dataclass(frozen=True, slots=True)
class Share:
    """Of `total` leads of a source or a user, how many are converted; `rate` in percent."""

    name: str
    total: int
    converted: int
    login: str | None = None

    @property
    def rate(self) -> float:
        """Percent with one decimal."""
        return percent(self.converted, self.total)


@dataclass(frozen=True, slots=True)
class ConversionStats:
    """What became of the leads created in a time. Rates in percent, the average in days, each with one decimal."""

    total_leads: int
    converted_count: int
    lost_count: int
    average_conversion_time_days: float | None
    by_source: tuple[Share, ...]
    by_user: tuple[Share, ...]

    @property
    def active_count(self) -> int:
        """Neither converted nor lost."""
        return self.total_leads - self.converted_count - self.lost_count

    def as_json(self) -> dict[str, Any]:
        """The object of the contract."""
        return {
            "total_leads": self.total_leads, "converted_count": self.converted_count, "lost_count": self.lost_count,
            "active_count": self.active_count,
            "conversion_rate": percent(self.converted_count, self.total_leads),
            "lost_rate": percent(self.lost_count, self.total_leads),
            "average_conversion_time_days": self.average_conversion_time_days,
            "by_source": [
                {"source_name": one.name, "total": one.total, "converted": one.converted, "rate": one.rate}
                for one in self.by_source
            ],
            "by_user": [
                {"user_name": one.name, "login": one.login, "total": one.total, "converted": one.converted,
                 "rate": one.rate}
                for one in self.by_user
            ],
        }  # fmt: skip


def percent(part: int, whole: int) -> float:
    """`part` of `whole` in percent, one decimal; 0.0 of nothing."""
    return round(part * 100 / whole, 1) if whole else 0.0


def overview(office: Office, *, year: int | None = None) -> Statistics:
    """The office in figures, and the months of `year` (this one when not given). Raises NotPermitted, Invalid."""
    with office.read() as tx:
        w.require(tx, "stats")
        today = local_day(tx.now, tx.catalog.tz)
        shown = today.year if year is None else _year(year)
        counted = _by_stage(tx)
        stages = tx.catalog.stage_by_id
        c = t.lead.c
        created = _by_month(tx, shown, c.created_at, _mine(tx))
        converted = _by_month(tx, shown, c.converted_at, and_(_mine(tx), c.stage_id.in_(_converted_ids(tx.catalog))))
        present = _within(c.created_at, *month_bounds(today.year, today.month, tx.catalog.tz))
        new = tx.conn.execute(select(func.count()).select_from(t.lead).where(_mine(tx), present)).scalar_one()
        edges = select(func.min(c.created_at), func.max(c.created_at), func.max(c.converted_at)).where(_mine(tx))
        return Statistics(
            total_leads=sum(counted.values()),
            new_this_month=int(new),
            total_converted=sum(n for stage_id, n in counted.items() if stages[stage_id].is_converted),
            by_status=_statuses(tx.catalog, counted),
            by_month=tuple(
                MonthCount(f"{shown:04d}-{month:02d}", created.get(month, 0), converted.get(month, 0))
                for month in range(1, 13)
            ),
            year=shown,
            years=_years(tx, tx.conn.execute(edges).one(), today.year),
        )


def conversion(
    office: Office,
    *,
    date_from: str | None = None,
    date_to: str | None = None,
    source: str | None = None,
    assigned_to: str | None = None,
) -> ConversionStats:
    """What became of the leads created from `date_from` to `date_to` (both included; days, months or years as typed).

    `assigned_to` is a login, "me" or "none". Raises Invalid for a name or a date that means nothing, NotPermitted.
    """
    with office.read() as tx:
        w.require(tx, "stats")
        catalog, c = tx.catalog, t.lead.c
        where = [_mine(tx), *_from_to(tx, date_from, date_to)]
        if source:
            where.append(c.source_id == catalog.find_source(source).id)
        if assigned_to:
            where.append(_owner(tx, assigned_to))
        counts: Counts = {
            (row[0], row[1], row[2]): int(row[3])
            for row in tx.conn.execute(
                select(c.source_id, c.assigned_to_id, c.stage_id, func.count())
                .where(*where)
                .group_by(c.source_id, c.assigned_to_id, c.stage_id)
            )
        }
        won = c.stage_id.in_(_converted_ids(catalog))
        pairs = tx.conn.execute(
            select(c.created_at, c.converted_at).where(*where, won, c.converted_at.is_not(None))
        ).all()
        stages = catalog.stage_by_id
        converted = _sums(counts, lambda key: stages[key[2]].is_converted)
        lost = _sums(counts, lambda key: stages[key[2]].is_lost and not stages[key[2]].is_converted)
        return ConversionStats(
            total_leads=sum(counts.values()),
            converted_count=converted,
            lost_count=lost,
            average_conversion_time_days=_average((row[0], row[1]) for row in pairs),
            by_source=_by_source(catalog, counts),
            by_user=_by_user(catalog, counts),
        )


# -- parts ------------------------------------------------------------------------------------------------------------
def _mine(tx: ReadTx) -> ColumnElement[bool]:
    return and_(t.lead.c.deleted_at.is_(None), scope_clause(tx.actor, "stats"))


def _within(column: Any, begin: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(column >= begin, column < end)


def _by_month(tx: ReadTx, year: int, column: Any, where: ColumnElement[bool]) -> dict[int, int]:
    """How many rows have `column` in each month of the office's year."""
    months = [month_bounds(year, month, tx.catalog.tz) for month in range(1, 13)]
    month = case(*((column < end, number) for number, (_, end) in enumerate(months[:-1], 1)), else_=12)
    within = _within(column, months[0][0], months[-1][1])
    # Named and grouped by the name: PostgreSQL does not see that two CASEs with other parameters are one.
    labelled = month.label("month")
    query = select(labelled, func.count()).where(where, within).group_by(text("month"))
    return {int(row[0]): int(row[1]) for row in tx.conn.execute(query)}


def _converted_ids(catalog: Catalog) -> list[int]:
    return [stage.id for stage in catalog.stages if stage.is_converted]


def _by_stage(tx: ReadTx) -> dict[int, int]:
    c = t.lead.c
    query = select(c.stage_id, func.count()).where(_mine(tx)).group_by(c.stage_id)
    return {row[0]: int(row[1]) for row in tx.conn.execute(query)}


def _statuses(catalog: Catalog, counted: Mapping[int, int]) -> tuple[StatusCount, ...]:
    """The statuses in the order of their pipelines: those in use, and the others that leads there may still reach."""
    used = {catalog.stage_by_id[stage_id].pipeline_id for stage_id in counted} | {catalog.default_pipeline.id}
    found: dict[str, tuple[str, int]] = {}
    for pipeline in sorted(catalog.pipelines, key=lambda one: (not one.is_default, one.id)):
        for stage in catalog.stages_of(pipeline.id):
            count = counted.get(stage.id, 0)
            if count or (stage.is_active and pipeline.id in used):
                name, before = found.get(fold(stage.name), (stage.name, 0))
                found[fold(stage.name)] = (name, before + count)
    return tuple(StatusCount(name, count) for name, count in found.values())


def _years(tx: ReadTx, edges: Iterable[datetime | None], present: int) -> tuple[int, ...]:
    known = [local_day(at, tx.catalog.tz).year for at in edges if at is not None]
    return tuple(range(min([*known, present]), max([*known, present]) + 1))


def _year(year: int) -> int:
    if not 1900 <= year <= 2200:
        raise Invalid(f"{year} is not a year there can be leads of", field="year", hint="such as 2026")
    return year


def _from_to(tx: ReadTx, date_from: str | None, date_to: str | None) -> list[ColumnElement[bool]]:
    c = t.lead.c.created_at
    where: list[ColumnElement[bool]] = []
    begin = end = None
    if date_from:
        begin = parse_day_range(date_from, tz=tx.catalog.tz, now=tx.now, field="from")[0]
        where.append(c >= begin)
    if date_to:
        end = parse_day_range(date_to, tz=tx.catalog.tz, now=tx.now, field="to")[1]
        where.append(c < end)
    if begin is not None and end is not None and end <= begin:
        raise Invalid("the end lies before the beginning", field="to", hint="the first day, then the last")
    return where


def _owner(tx: ReadTx, typed: str) -> ColumnElement[bool]:
    c, word = t.lead.c.assigned_to_id, fold(typed).strip()
    if word == "none":
        return c.is_(None)
    return c == (tx.actor.user_id if word == "me" else tx.catalog.find_user(typed).id)


def _sums(counts: Counts, wanted: Callable[[tuple[int | None, int | None, int]], bool]) -> int:
    return sum(count for key, count in counts.items() if wanted(key))


def _average(pairs: Iterable[tuple[datetime, datetime]]) -> float | None:
    """The mean time from creation to conversion in days; None where nothing was converted."""
    days = [(won - made).total_seconds() / _DAY_S for made, won in pairs]
    return round(sum(days) / len(days), 1) if days else None


def _by_source(catalog: Catalog, counts: Counts) -> tuple[Share, ...]:
    names: dict[int | None, str] = {one.id: one.name for one in catalog.sources}
    shares = [
        Share(names.get(source_id, NOWHERE), *_share(catalog, counts, 0, source_id))
        for source_id in dict.fromkeys(key[0] for key in counts)
    ]
    return tuple(sorted(shares, key=lambda one: (-one.total, fold(one.name))))


def _by_user(catalog: Catalog, counts: Counts) -> tuple[Share, ...]:
    shares = []
    for user_id in dict.fromkeys(key[1] for key in counts):
        user = catalog.user_by_id.get(user_id or 0)
        name, login = (user.name, user.login) if user is not None else (NOBODY, None)
        shares.append(Share(name, *_share(catalog, counts, 1, user_id), login))
    return tuple(sorted(shares, key=lambda one: (one.login is None, -one.total, fold(one.name))))


def _share(catalog: Catalog, counts: Counts, place: int, value: int | None) -> tuple[int, int]:
    some = {key: count for key, count in counts.items() if key[place] == value}
    return sum(some.values()), _sums(some, lambda key: catalog.stage_by_id[key[2]].is_converted)
