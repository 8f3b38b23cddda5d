"""A filter tree as SQL over leads. The only translation there is; SQLite and PostgreSQL give the same answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import and_, case, exists, false, func, literal, literal_column, not_, or_, select, true
from sqlalchemy import text as sql_text

from leadtui.domain import dates, phones
from leadtui.domain.catalog import Catalog
from leadtui.domain.fields import BY_KEY, LeadField
from leadtui.domain.filters import And, Node, Not, Or, Term, Text
from leadtui.domain.keys import ascii_lower, custom_key, squeeze
from leadtui.domain.lead_names import ids_of
from leadtui.domain.loans import OPEN
from leadtui.domain.money import parse_money
from leadtui.domain.permissions import Actor
from leadtui.domain.slas import has_limit
from leadtui.errors import Invalid, LeadtuiError
from leadtui.text import fold

from . import schema as t
from .lead_words import WORDS, offered, served
from .loans import with_loan
from .search_index import FTS
from .types import UtcDateTime

# A condition over leads. SQLAlchemy types comparisons of untyped columns as Any.
Clause = Any
# Leads whose text has fewer than three characters to look for cannot use a trigram index.
_TRIGRAM = 3
_OPS: dict[str, Callable[[Any, Any], Any]] = {
    "lt": lambda c, v: c < v,
    "le": lambda c, v: c <= v,
    "gt": lambda c, v: c > v,
    "ge": lambda c, v: c >= v,
}
_FOLDED = {"name": "name_key", "email": "email_norm"}
_SQUEEZED = {"passport": "passport_norm", "national_id": "national_id_norm"}


@dataclass(frozen=True)
class Lookup:
    """What resolving a filter needs: names, the acting user (`me`), the moment relative dates count from.

    `search` says how substring search reads: by the trigram `index`, or by a `scan` of the rows.
    """

    catalog: Catalog
    actor: Actor
    now: datetime
    sqlite: bool
    search: Literal["index", "scan"] = "index"


def mentions_deleted(node: Node | None) -> bool:
    """Whether the filter asks for deleted leads, which every other list leaves out."""
    match node:
        case And(items) | Or(items):
            return any(mentions_deleted(i) for i in items)
        case Term("is", _, values):
            return "deleted" in values
        case Term("deleted_at", op, _):
            return op != "is_null"
        case _:
            return False


def text_words(node: Node | None) -> list[str]:
    """The bare words that must all be found: those of the topmost conjunction."""
    match node:
        case Text(words):
            return list(words)
        case And(items):
            return [w for i in items if isinstance(i, Text) for w in i.words]
        case _:
            return []


def where(node: Node | None, lookup: Lookup) -> Clause:
    """The filter as a condition over `lead`. Raises FilterError pointing at a value that names nothing."""
    match node:
        case None:
            return true()
        case And(items):
            return and_(true(), *(where(i, lookup) for i in items))
        case Or(items):
            return or_(false(), *(where(i, lookup) for i in items))
        case Not(item):
            # A missing value makes a comparison unknown, not false: its negation must still be true.
            return not_(func.coalesce(where(item, lookup), false()))
        case Text(words):
            return and_(*(_word(w, lookup) for w in words))
        case Term():
            return _term(node, lookup)


# -- bare words ---------------------------------------------------------------------------------------------------


def needles(word: str) -> list[str]:
    """What to look for in `search_text` for a typed word: the folded text, and its digits if it looks like a phone."""
    found = [fold(word).strip().replace("\x00", "")]
    digits = phones.search_digits(word)
    if digits and digits not in found:
        found.append(digits)
    return [f for f in found if f]


def _word(word: str, lookup: Lookup) -> Clause:
    looked_for = needles(word)
    if not looked_for:
        return true()
    if _is_number(word, lookup):
        start = word.strip().upper()
        return t.lead.c.number.between(start, start + "\uffff")
    if lookup.sqlite and lookup.search == "index" and all(len(n) >= _TRIGRAM for n in looked_for):
        return _by_trigram(looked_for)
    return or_(*(contains(t.lead.c.search_text, n, lookup.sqlite) for n in looked_for))


def _is_number(word: str, lookup: Lookup) -> bool:
    """Whether the word begins like a lead number with some digits: found by the numbers' own index."""
    prefix = fold(str(lookup.catalog.settings.get("number_prefix", "LD"))) + "-"
    typed = fold(word).strip()
    return (
        typed.startswith(prefix)
        and sum(c.isdigit() for c in typed) >= 6
        and all(c.isdigit() or c == "-" for c in typed[len(prefix) :])
    )


def match_any(looked_for: list[str]) -> str:
    """The full-text expression that finds any of these parts."""
    return " OR ".join('"' + n.replace('"', '""') + '"' for n in looked_for)


def _by_trigram(looked_for: list[str]) -> Clause:
    found: Any = (
        select(literal_column("rowid"))
        .select_from(sql_text(FTS))
        .where(literal_column(FTS).op("MATCH")(match_any(looked_for)))
    )
    return t.lead.c.id.in_(found)


def trigrams(node: Node | None, lookup: Lookup) -> str:
    """The full-text expression that all leads of the filter match, from its topmost conjunction, else ""."""
    items = node.items if isinstance(node, And) else (node,)
    parts: list[list[str]] = []
    for item in items:
        match item:
            case Text(words):
                parts += [needles(word) for word in words if not _is_number(word, lookup)]
            case Term("name" | "email", "contains" | "eq", (value,)):
                parts.append([fold(value)])
            case Term("phone", _, (value,)):
                digits = phones.search_digits(value)
                parts.append([digits.lstrip("0")] if digits else [])
    usable = [p for p in parts if p and all(len(n) >= _TRIGRAM for n in p)]
    return " AND ".join(f"({match_any(p)})" for p in usable)


def _narrowed(looked_for: list[str], found: Clause, lookup: Lookup) -> Clause:
    """`found`, reached through the trigram index: names, phones and emails are all part of the searched text."""
    if lookup.sqlite and all(len(n) >= _TRIGRAM for n in looked_for):
        return and_(_by_trigram(looked_for), found)
    return found


def contains(column: Any, needle: str, sqlite: bool) -> Clause:
    """`needle` is a part of `column`, exactly as written; both are folded already."""
    if sqlite:
        return func.instr(column, needle) > 0
    return column.contains(needle, autoescape=True)


def _ascii_lower(column: Any, sqlite: bool) -> Any:
    """The column with A–Z lowered and nothing else, the same on both databases (spec AH24)."""
    return func.lower(column) if sqlite else func.lower(column.collate("C"))


# -- field:value --------------------------------------------------------------------------------------------------


def _term(term: Term, lookup: Lookup) -> Clause:
    if term.op == "ne":
        return not_(
            func.coalesce(_term(Term(term.field, "eq", term.values, term.column, term.value_columns), lookup), false())
        )
    if term.field == "is":
        return or_(*(_is(word, lookup) for word in term.values))
    if term.field.startswith("custom."):
        return _custom(term, lookup)
    if term.field == "loan":
        return _loan(term, lookup)
    if term.field == "id":
        return _compare(t.lead.c.id, term, [int(float(v)) for v in term.values])
    if term.field == "deleted_at":
        return _moment(t.lead.c.deleted_at, term, lookup)
    if (word := WORDS.get(term.field)) is not None:
        return word(term, lookup)
    if term.field == "router_user_at":
        return _moment(t.lead.c.router_user_at, term, lookup)
    field = BY_KEY[term.field]
    try:
        return _field(field, term, lookup)
    except Invalid as error:
        raise term.error(error.message, error.hint or "another value") from error


def _field(field: LeadField, term: Term, lookup: Lookup) -> Clause:
    if field.key == "tags":
        return _tags(term)
    if field.key == "brought_in_by":
        return _person(term, lookup)
    column = t.lead.c[field.column or field.key]
    if term.op == "is_null":
        return _absent(column)
    match field.kind:
        case "lookup":
            catalog, me = lookup.catalog, lookup.actor.user_id
            named = (ids_of(field.lookup, v, n, term, catalog, me=me) for n, v in enumerate(term.values))
            return column.in_([i for ids in named for i in ids])
        case "money":
            minor = [parse_money(v, lookup.catalog.currency, field=field.key) for v in term.values]
            return _compare(column, term, minor)
        case "int" | "number":
            return _compare(column, term, [float(v) if "." in v else int(v) for v in term.values])
        case "bool" | "tribool":
            return or_(*(column.is_(v == "true") for v in term.values))
        case "when":
            return _moment(column, term, lookup)
        case "date":
            return _day(column, term, lookup)
        case "phone":
            return _phone(term, lookup)
        case "choice":
            return column.in_([fold(v) for v in term.values])
        case _:
            return _text(field, column, term, lookup)


def _absent(column: Any) -> Clause:
    from sqlalchemy import String

    return or_(column.is_(None), column == "") if isinstance(column.type, String) else column.is_(None)


def _compare(column: Any, term: Term, values: list[Any]) -> Clause:
    match term.op:
        case "is_null":
            return column.is_(None)
        case "eq" | "in":
            return column.in_(values)
        case "between":
            return column.between(values[0], values[1])
        case op if op in _OPS:
            return _OPS[op](column, values[0])
        case _:
            return column.in_(values)


def _moment(column: Any, term: Term, lookup: Lookup) -> Clause:
    """A stored moment against days of the office: `eq` is within the day (contract: due:today is that day only)."""
    if term.op == "is_null":
        return column.is_(None)
    spans = [dates.parse_day_range(v, tz=lookup.catalog.tz, now=lookup.now, field=term.field) for v in term.values]
    start, end = spans[0]
    match term.op:
        case "lt":
            return column < start
        case "le":
            return column < end
        case "gt":
            return column >= end
        case "ge":
            return column >= start
        case "between":
            return and_(column >= start, column < spans[1][1])
        case _:
            return or_(*(and_(column >= s, column < e) for s, e in spans))


def _day(column: Any, term: Term, lookup: Lookup) -> Clause:
    """A stored calendar date (a birthday)."""
    tz = lookup.catalog.tz
    spans: list[tuple[date, date]] = []
    for v in term.values:
        start, end = dates.parse_day_range(v, tz=tz, now=lookup.now, field=term.field)
        spans.append((dates.local_day(start, tz), dates.local_day(end, tz)))
    start_day, end_day = spans[0]
    match term.op:
        case "lt":
            return column < start_day
        case "le":
            return column < end_day
        case "gt":
            return column >= end_day
        case "ge":
            return column >= start_day
        case "between":
            return and_(column >= start_day, column < spans[1][1])
        case _:
            return or_(*(and_(column >= s, column < e) for s, e in spans))


def _phone(term: Term, lookup: Lookup) -> Clause:
    c = t.lead.c
    pair = (c.phone_e164, c.alt_phone_e164) if term.field == "phone" else (c.alt_phone_e164,)
    found: list[Clause] = []
    for value in term.values:
        try:
            e164 = phones.parse(value, lookup.catalog.country).e164
        except LeadtuiError:
            digits = (phones.search_digits(value) or "".join(ch for ch in value if ch.isdigit())).lstrip("0")
            needle = digits or value
            found.append(_narrowed([needle], or_(*(contains(col, needle, lookup.sqlite) for col in pair)), lookup))
        else:
            found.append(_narrowed([e164[1:]], or_(*(col == e164 for col in pair)), lookup))
    return or_(*found)


def _text(field: LeadField, column: Any, term: Term, lookup: Lookup) -> Clause:
    """Text finds a part of it, in any case; `field:jo*` finds a beginning."""
    sqlite = lookup.sqlite
    if field.key in _SQUEEZED:
        column, values = t.lead.c[_SQUEEZED[field.key]], [squeeze(v) for v in term.values]
    elif field.key in _FOLDED:
        column, values = t.lead.c[_FOLDED[field.key]], [fold(v) for v in term.values]
    else:
        column, values = _ascii_lower(column, sqlite), [ascii_lower(v) for v in term.values]
    if term.op == "starts":
        return or_(*(column.startswith(v, autoescape=True) for v in values))
    found = or_(*(contains(column, v, sqlite) for v in values))
    return _narrowed(values, found, lookup) if field.key in _FOLDED else found


def _tags(term: Term) -> Clause:
    linked = select(literal(1)).where(t.lead_tag.c.lead_id == t.lead.c.id)
    if term.op == "is_null":
        return ~linked.exists()
    keys = [fold(v) for v in term.values]
    ids = select(t.lead_tag.c.lead_id).join(t.tag, t.tag.c.id == t.lead_tag.c.tag_id).where(t.tag.c.key.in_(keys))
    return t.lead.c.id.in_(ids)


def _loan(term: Term, lookup: Lookup) -> Clause:
    """Leads by their promises; `none` are those without an open one."""
    words = {fold(v) for v in term.values}
    found = [with_loan(lookup.actor, *(OPEN if word == "open" else (word,))) for word in sorted(words)]
    if term.op == "is_null":
        return ~with_loan(lookup.actor, *OPEN)
    return or_(false(), *found)


def _person(term: Term, lookup: Lookup) -> Clause:
    if term.op == "is_null":
        return t.lead.c.referrer_id.is_(None)
    key = t.person.c.name_key
    values = [fold(v) for v in term.values]
    if term.op == "starts":
        found = or_(*(key.startswith(v, autoescape=True) for v in values))
    else:
        found = or_(*(contains(key, v, lookup.sqlite) for v in values))
    return t.lead.c.referrer_id.in_(select(t.person.c.id).where(found))


def _custom(term: Term, lookup: Lookup) -> Clause:
    """Custom values compare as numbers where both sides are numbers of the same form, else as folded text."""
    c = t.lead_custom.c
    mine = and_(c.lead_id == t.lead.c.id, c.key == fold(term.field.removeprefix("custom.")))
    if term.op == "is_null":
        return ~exists().where(mine)
    values = [custom_key(v) for v in term.values]
    match term.op:
        case "contains":
            found = or_(*(contains(c.value_key, fold(v), lookup.sqlite) for v in term.values))
        case "starts":
            found = or_(*(c.value_key.startswith(fold(v), autoescape=True) for v in term.values))
        case _:
            found = _compare(c.value_key if lookup.sqlite else c.value_key.collate("C"), term, values)
    return exists().where(and_(mine, found))


def _is(word: str, lookup: Lookup) -> Clause:
    c, catalog = t.lead.c, lookup.catalog
    match word:
        case "converted" | "lost" | "active" | "parked":
            return c.stage_id.in_(catalog.stage_ids_that_are(word))
        case "hot":
            return c.score > int(catalog.settings.get("score_hot", 80))
        case "qualified":
            return c.score >= int(catalog.settings.get("score_qualified", 50))
        case "unassigned":
            return c.assigned_to_id.is_(None)
        case "mine":
            return c.assigned_to_id == lookup.actor.user_id
        case "overdue":
            start, _ = dates.parse_day_range("today", tz=catalog.tz, now=lookup.now, field="follow_up")
            return c.next_follow_up_at < start
        case "rotting":
            return _rotting(lookup)
        case "served":
            return served(catalog, lookup.sqlite)
        case "offered":
            return offered()
        case "protected":
            return c.is_protected.is_(True)
        case "deleted":
            return c.deleted_at.is_not(None)
        case _:
            raise Invalid(f"'{word}' is not something a lead can be")


def _rotting(lookup: Lookup) -> Clause:
    """Leads longer in their status than it allows. Written so that both databases walk one small index for it."""
    c = t.lead.c
    since = {s.id: lookup.now - timedelta(hours=s.sla_hours or 0) for s in lookup.catalog.stages if has_limit(s)}
    if not since:
        return false()
    limits = [(c.stage_id == stage_id, literal(at, UtcDateTime())) for stage_id, at in since.items()]
    return and_(c.stage_id.in_(since), c.stage_changed_at < case(*limits))
