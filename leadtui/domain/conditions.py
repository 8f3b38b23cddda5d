"""Filters over facts: what a rule asks of a lead, answered in Python exactly as `store/where.py` does in SQL. Pure.

Facts are a mapping, key of a field → value as the store has it: ids for what is looked up (`status`, `source` …),
minor units, whole numbers, booleans, days, aware moments, texts as typed. None, or no key at all, is unknown: nothing
that compares it holds. Beside fields there are `now` (the moment the facts are of; relative dates count from it), `age`
(whole years), `last_call` (an outcome), `reached` (the id of the furthest status), `lost_reason` (an id), `tags` (a set
of folded names), `is_protected`, and `custom.NAME` (text). `services/score_facts.make` makes them.

A rule is nobody's own and is asked when something about its lead changes, and once a day: so it knows no `me`, no
score, no follow-up, no promise, and counts in days. `read` refuses the rest, naming the column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from leadtui.errors import FilterError, Invalid, LeadtuiError
from leadtui.text import fold

from . import dates, phones
from .areas import is_in, office_areas
from .catalog import Catalog
from .fact_tests import (
    Facts,
    Test,
    compared,
    comparison,
    folded,
    in_text,
    is_empty,
    is_none,
    number,
    one_of,
    squeezed,
    within,
)
from .fields import BY_KEY, LeadField
from .filters import And, FilterField, Node, Not, Or, Term, Text, parse
from .filters import Catalogue as Fields
from .keys import ascii_lower, custom_key, squeeze
from .lead_filters import filter_fields
from .lead_names import ids_of, reasons_of, steps_from
from .money import parse_money

_UNKNOWN: Final[Mapping[str, str]] = {
    "score": "a score cannot rest on itself",
    "id": "a rule is about what leads are like",
    "number": "a rule is about what leads are like",
    "deleted_at": "deleted leads have no score",
    "follow_up": "a follow-up comes and goes by the minute",
    "updated_at": "every change moves it",
    "customer_id": "ask for is:converted",
    "router_user_at": "ask for is:converted",
    "loan": "promises are not seen by everybody",
}
"""Fields of the filter language that rules do not know, with the reason."""
_UNKNOWN_WORDS: Final[Mapping[str, str]] = {
    "hot": "a score cannot rest on itself",
    "qualified": "a score cannot rest on itself",
    "mine": "a rule is nobody's own",
    "overdue": "a follow-up comes and goes by the minute",
    "rotting": "it begins at any minute",
    "offered": "an offer comes and goes by the minute",
    "deleted": "deleted leads have no score",
}
"""Words after `is:` likewise."""
_FACT_OF: Final[Mapping[str, str]] = {
    "active": "status", "converted": "status", "lost": "status", "parked": "status", "unassigned": "assigned_to",
    "protected": "is_protected",
}  # fmt: skip
_SQUEEZED: Final = frozenset({"passport", "national_id"})
_FOLDED: Final = frozenset({"name", "email"})
_CUSTOM: Final = "custom."


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter ready to be asked. `keys` are the facts it looks at; `by_time`: its answer may move from day to day."""

    test: Test
    keys: frozenset[str]
    by_time: bool = False

    def holds(self, facts: Facts) -> bool:
        """Whether the filter finds a lead of these facts."""
        return self.test(facts)


ALWAYS: Final = Condition(lambda facts: True, frozenset())


@lru_cache(maxsize=1)
def fields() -> Fields:
    """The fields a rule may name: for completion, and to say which there are."""
    known = [entry for entry in filter_fields().values() if entry.key not in _UNKNOWN]
    words = tuple(word for word in filter_fields()["is"].choices or () if word not in _UNKNOWN_WORDS)
    missing = tuple(one for one in filter_fields()["missing"].choices or () if one not in _UNKNOWN)
    swapped = {
        "is": FilterField("is", "is", choices=words, help="what the lead is"),
        "missing": FilterField("missing", "missing", choices=missing, help="leads without a value"),
    }
    return Fields([swapped.get(entry.key, entry) for entry in known])


def read(text: str, catalog: Catalog) -> Condition:
    """A rule's condition from its text; blank text holds for every lead.

    Raises FilterError naming the column: no filter, a name that is not there, or a word that rules cannot know.
    """
    if not text.strip():
        return ALWAYS
    node = parse(text, fields=filter_fields())
    try:
        return compile_node(node, catalog)
    except FilterError as error:
        error.text = text
        raise


def compile_node(node: Node, catalog: Catalog) -> Condition:
    """`read` for a filter that is a tree already."""
    return _Compiler(catalog).node(node)


class _Compiler:
    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def node(self, node: Node) -> Condition:
        match node:
            case And(items):
                parts = [self.node(one) for one in items]
                tests = tuple(one.test for one in parts)
                return _joined(lambda facts: all(test(facts) for test in tests), parts)
            case Or(items):
                parts = [self.node(one) for one in items]
                tests = tuple(one.test for one in parts)
                return _joined(lambda facts: any(test(facts) for test in tests), parts)
            case Not(item):
                part = self.node(item)
                test = part.test
                return _joined(lambda facts: not test(facts), (part,))
            case Text():
                raise FilterError(
                    "a rule asks for fields, not for words",
                    column=node.column,
                    expected="field:value, such as city:Nairobi",
                )
            case Term():
                return self._term(node)

    def _term(self, term: Term) -> Condition:
        _refuse_unknown(term)
        if term.op == "ne":
            equal = self._term(Term(term.field, "eq", term.values, term.column, term.value_columns))
            test = equal.test
            return _joined(lambda facts: not test(facts), (equal,))
        if term.field == "is":
            parts = [self._is(word) for word in term.values]
            tests = tuple(one.test for one in parts)
            return _joined(lambda facts: any(test(facts) for test in tests), parts)
        if term.field.startswith(_CUSTOM):
            return self._custom(term)
        try:
            return self._field(term)
        except FilterError:
            raise
        except Invalid as error:
            raise term.error(error.message, error.hint or "another value") from error

    def _field(self, term: Term) -> Condition:
        key = term.field
        match key:
            case "tags":
                return self._tags(term)
            case "phone" | "alt_phone":
                return self._phone(term)
            case "age":
                return Condition(compared(key, term, [number(v) for v in term.values]), frozenset({key}), by_time=True)
            case "last_call":
                return _known(key, one_of(key, frozenset(term.values)) if term.op != "is_null" else is_none(key))
            case "reached" | "lost_reason":
                return self._followed(term)
            case "brought_in_by":
                return _known(key, is_none(key) if term.op == "is_null" else in_text(key, term, fold, fold))
        return self._plain(BY_KEY[key], term)

    def _plain(self, field: LeadField, term: Term) -> Condition:
        key = field.key
        if term.op == "is_null":
            return _known(key, is_empty(key))
        match field.kind:
            case "lookup":
                named = (
                    ids_of(field.lookup, value, n, term, self.catalog, me=None) for n, value in enumerate(term.values)
                )
                return _known(key, one_of(key, frozenset[int]().union(*named)))
            case "money":
                minor = [parse_money(v, self.catalog.currency, field=key) for v in term.values]
                return _known(key, compared(key, term, minor))
            case "int" | "number":
                return _known(key, compared(key, term, [number(v) for v in term.values]))
            case "bool" | "tribool":
                wanted = frozenset(value == "true" for value in term.values)
                return _known(key, lambda facts: facts.get(key) is not None and bool(facts[key]) in wanted)
            case "when" | "date":
                return self._dated(term, is_day=field.kind == "date")
            case "choice":
                return _known(key, one_of(key, frozenset(fold(v) for v in term.values)))
            case _ if key in _SQUEEZED:
                return _known(key, in_text(key, term, squeeze, squeezed))
            case _ if key in _FOLDED:
                return _known(key, in_text(key, term, fold, folded))
            case _:
                return _known(key, in_text(key, term, ascii_lower, ascii_lower))

    def _followed(self, term: Term) -> Condition:
        """How far the lead ever got, and the counted reason for which it was lost."""
        key, catalog = term.field, self.catalog
        if term.op == "is_null":
            return _known(key, is_none(key))
        if key == "lost_reason":
            return _known(key, one_of(key, frozenset(reasons_of(term, catalog))))
        ids = (steps_from(value, catalog, term, index) for index, value in enumerate(term.values))
        return _known(key, one_of(key, frozenset[int]().union(*ids)))

    def _is(self, word: str) -> Condition:
        stages = self.catalog.stages
        match word:
            case "converted":
                ids = frozenset(s.id for s in stages if s.is_converted)
            case "lost":
                ids = frozenset(s.id for s in stages if s.is_lost)
            case "parked":
                ids = frozenset(s.id for s in stages if s.is_parked)
            case "active":
                ids = frozenset(s.id for s in stages if not s.is_converted and not s.is_lost)
            case "served":
                keys = office_areas(self.catalog.settings, self.catalog.users)
                return Condition(
                    lambda facts: is_in(facts.get("city"), facts.get("location"), keys), frozenset({"city", "location"})
                )
            case "unassigned":
                return _known("assigned_to", is_none("assigned_to"))
            case _:
                return _known(_FACT_OF[word], lambda facts: facts.get("is_protected") is True)
        return _known("status", one_of("status", ids))

    # -- values ----------------------------------------------------------------------------------------------------
    def _tags(self, term: Term) -> Condition:
        if term.op == "is_null":
            return _known("tags", lambda facts: not facts.get("tags"))
        wanted = frozenset(fold(value) for value in term.values)
        return _known("tags", lambda facts: not wanted.isdisjoint(facts.get("tags") or ()))

    def _phone(self, term: Term) -> Condition:
        keys = ("phone", "alt_phone") if term.field == "phone" else ("alt_phone",)
        if term.op == "is_null":
            return _known(term.field, is_empty(term.field))
        exact: set[str] = set()
        parts: list[str] = []
        for value in term.values:
            try:
                exact.add(phones.parse(value, self.catalog.country).e164)
            except LeadtuiError:
                digits = (phones.search_digits(value) or "".join(c for c in value if c.isdigit())).lstrip("0")
                parts.append(digits or value)

        def test(facts: Facts) -> bool:
            had = [facts[key] for key in keys if facts.get(key) is not None]
            return any(one in exact for one in had) or any(part in one for part in parts for one in had)

        return Condition(test, frozenset(keys))

    def _custom(self, term: Term) -> Condition:
        key = _CUSTOM + fold(term.field.removeprefix(_CUSTOM))
        if term.op == "is_null":
            return _known(key, is_none(key))
        if term.op in ("contains", "starts"):
            return _known(key, in_text(key, term, fold, custom_key))
        compare = comparison(term, [custom_key(v) for v in term.values])
        return _known(key, lambda facts: facts.get(key) is not None and compare(custom_key(facts[key])))

    def _dated(self, term: Term, *, is_day: bool) -> Condition:
        """A moment against days of the office, or a calendar date."""
        key, tz = term.field, self.catalog.tz

        def spans(now: datetime) -> list[tuple[Any, Any]]:
            found: list[tuple[Any, Any]] = [
                dates.parse_day_range(value, tz=tz, now=now, field=key) for value in term.values
            ]
            if is_day:
                found = [(dates.local_day(start, tz), dates.local_day(end, tz)) for start, end in found]
            return found

        some = datetime(2025, 1, 15, 12, tzinfo=tz)
        moves = spans(some) != spans(some + timedelta(days=400))
        for index, value in enumerate(term.values):
            start, end = dates.parse_day_range(value, tz=tz, now=some, field=key)
            if start == end:
                raise term.error(
                    f"'{value}' counts in hours, and rules are asked once a day", "a day, such as -7d", index=index
                )
        by_day: dict[date | None, Callable[[Any], bool]] = {}

        def test(facts: Facts) -> bool:
            value = facts.get(key)
            if value is None:
                return False
            day = dates.local_day(facts["now"], tz) if moves else None
            lies = by_day.get(day)
            if lies is None:
                lies = by_day[day] = within(term, spans(facts["now"] if moves else some))
            return lies(value)

        return Condition(test, frozenset({key}), by_time=moves)


def furthest(catalog: Catalog, stage_ids: Iterable[int]) -> int | None:
    """Of the statuses a lead ever had, lost and parked ones aside, the last in order: the fact `reached`."""
    stages = [catalog.stage_by_id[i] for i in set(stage_ids) if i in catalog.stage_by_id]
    ranked = sorted((-s.order, s.id) for s in stages if s.is_step)
    return ranked[0][1] if ranked else None


def _refuse_unknown(term: Term) -> None:
    why = _UNKNOWN.get(term.field)
    if why is not None:
        raise term_error(term, f"rules do not know {term.field}: {why}")
    if term.field == "is":
        for index, word in enumerate(term.values):
            if word in _UNKNOWN_WORDS:
                raise term.error(f"rules do not know is:{word}: {_UNKNOWN_WORDS[word]}", "another word", index=index)


def term_error(term: Term, message: str) -> FilterError:
    """An error that points at the field of a term."""
    return FilterError(message, column=term.column, expected="another field")


# -- parts -------------------------------------------------------------------------------------------------------------
def _joined(test: Test, parts: Iterable[Condition]) -> Condition:
    parts = tuple(parts)
    keys = frozenset(key for one in parts for key in one.keys)
    return Condition(test, keys, any(one.by_time for one in parts))


def _known(key: str, test: Test) -> Condition:
    return Condition(test, frozenset({key}))
