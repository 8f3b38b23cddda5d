"""Filter words about what happened to a lead rather than what a field holds, as SQL over `lead` (see `where`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import and_, case, exists, false, func, literal, or_, select

from leadtui.domain.ages import AGE_STATED, MAX_STATED
from leadtui.domain.areas import BETWEEN_WORDS, office_areas
from leadtui.domain.catalog import Catalog
from leadtui.domain.dates import local_day
from leadtui.domain.filters import Term
from leadtui.domain.keys import custom_key
from leadtui.domain.lead_names import reasons_of, steps_from
from leadtui.text import fold

from . import schema as t

Clause = Any
"""A condition over leads. SQLAlchemy types comparisons of untyped columns as Any."""


def reached(term: Term, catalog: Catalog) -> Clause:
    """Leads whose furthest status is the one named or behind it in the order of its pipeline."""
    c = t.lead.c.furthest_stage_id
    if term.op == "is_null":
        return c.is_(None)
    found: set[int] = set()
    for index, value in enumerate(term.values):
        found |= steps_from(value, catalog, term, index)
    return c.in_(found)


def lost_reason(term: Term, catalog: Catalog) -> Clause:
    """Leads by the counted reason they were lost for; none of those: lost with other words, or not at all."""
    c = t.lead.c.lost_reason_id
    if term.op == "is_null":
        return c.is_(None)
    return c.in_(reasons_of(term, catalog))


# -- age --------------------------------------------------------------------------------------------------------------
def age(term: Term, today: date, sqlite: bool) -> Clause:
    """Leads by whole years since birth on the office's day, else by the age they stated (spec AG22).

    Nobody is of a part of a year: `age:25.5` finds nobody.
    """
    born = t.lead.c.date_of_birth
    if term.op == "is_null":
        return and_(born.is_(None), ~_stated(0, MAX_STATED, sqlite))
    found: list[Clause] = []
    for low, high in _years(term):
        by_birth = [born <= _born_by(low, today)] if low is not None else []
        by_birth += [born > _born_by(high + 1, today)] if high is not None else []
        first, last = max(low or 0, 0), min(MAX_STATED if high is None else high, MAX_STATED)
        found += [and_(*by_birth), and_(born.is_(None), _stated(first, last, sqlite))]
    return or_(false(), *found)


def _stated(first: int, last: int, sqlite: bool) -> Clause:
    """Leads whose stated age is a plain whole number from `first` to `last`."""
    if first > last:
        return false()
    c = t.lead_custom.c
    key: Any = c.value_key if sqlite else c.value_key.collate("C")
    low, high = custom_key(str(first)), custom_key(str(last))
    plain = func.length(c.value_key) == len(low)
    return exists().where(c.lead_id == t.lead.c.id, c.key == AGE_STATED, plain, key.between(low, high))


def _years(term: Term) -> list[tuple[int | None, int | None]]:
    """The ages a term asks for, as first and last whole years."""
    values = [float(v) for v in term.values]
    match term.op:
        case "ge":
            return [(math.ceil(values[0]), None)]
        case "gt":
            return [(math.floor(values[0]) + 1, None)]
        case "lt":
            return [(None, math.ceil(values[0]) - 1)]
        case "le":
            return [(None, math.floor(values[0]))]
        case "between":
            return [(math.ceil(values[0]), math.floor(values[1]))]
        case _:
            return [(int(v), int(v)) for v in values if v == math.floor(v)]


def _born_by(years: int, today: date) -> date:
    """The last day of birth of those who are that old today."""
    year = today.year - years
    if year < 1:
        return date.min
    if year > date.max.year:
        return date.max
    try:
        return today.replace(year=year)
    except ValueError:  # a 29th of February
        return date(year, 2, 28)


# -- calls, areas, offers ---------------------------------------------------------------------------------------------
def last_call(term: Term) -> Clause:
    """Leads by the outcome of their last finished call; `none`: no call, or one of which nothing came."""
    a = t.activity.c
    last = (
        select(a.outcome)
        .where(a.lead_id == t.lead.c.id, a.type == "call", a.completed_at.is_not(None), a.cancelled_at.is_(None))
        .order_by(a.completed_at.desc(), a.id.desc())
        .limit(1)
        .correlate(t.lead)
        .scalar_subquery()
    )
    return last.is_(None) if term.op == "is_null" else last.in_([fold(v) for v in term.values])


def served(catalog: Catalog, sqlite: bool) -> Clause:
    """Leads whose city, else location, is a service area: the rule of `domain.areas.is_in`."""
    keys = office_areas(catalog.settings, catalog.users)
    if not keys:
        return false()
    c = t.lead.c
    place: Any = func.coalesce(func.nullif(c.city, ""), c.location, "")
    place = func.lower(place) if sqlite else func.lower(place.collate("C"))
    # What stands between commas is looked for between marks, in the few places that have commas.
    marked = literal("\x03 ") + _words_apart(func.replace(place, ",", " \x03 ")) + " \x03"
    find = func.instr if sqlite else func.strpos
    wanted = [find(marked, f"\x03 {key} \x03") > 0 for key in sorted(keys)]
    # In handfuls: SQLite refuses expressions that are 1,000 deep.
    in_part = or_(*(case((or_(*wanted[n : n + 200]), 1), else_=0) == 1 for n in range(0, len(wanted), 200)))
    return or_(_words_apart(place).in_(keys), and_(find(place, ",") > 0, in_part))


def _words_apart(place: Any) -> Any:
    """A lowered place with its words apart by one blank, as `domain.areas.place_key` makes it."""
    for sign in BETWEEN_WORDS:
        place = func.replace(place, sign, " ")
    # Of a run of blanks one is left: each becomes a pair of signs, and what meets between two pairs vanishes.
    place = func.replace(func.replace(func.replace(place, " ", "\x01\x02"), "\x02\x01", ""), "\x01\x02", " ")
    return func.trim(place)


def offered() -> Clause:
    """Leads that are offered to several and claimed by nobody yet."""
    o = t.lead_offer.c
    return exists().where(o.lead_id == t.lead.c.id, o.closed_at.is_(None))


# By the key of the filter field. `lookup` is `where.Lookup`; named so late because `where` imports this.
WORDS: Final[Mapping[str, Callable[[Term, Any], Clause]]] = {
    "reached": lambda term, lookup: reached(term, lookup.catalog),
    "lost_reason": lambda term, lookup: lost_reason(term, lookup.catalog),
    "age": lambda term, lookup: age(term, local_day(lookup.now, lookup.catalog.tz), lookup.sqlite),
    "last_call": lambda term, lookup: last_call(term),
}
