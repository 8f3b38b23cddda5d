"""The small questions that conditions over facts are made of (see `conditions`). Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from leadtui.text import fold

from .filters import Term
from .keys import squeeze

Facts = Mapping[str, Any]
Test = Callable[[Facts], bool]


def is_none(key: str) -> Test:
    """Nothing is known."""
    return lambda facts: facts.get(key) is None


def is_empty(key: str) -> Test:
    """Nothing is known, or a text is empty."""
    return lambda facts: facts.get(key) is None or facts[key] == ""


def one_of(key: str, wanted: frozenset[Any]) -> Test:
    """It is one of some values."""
    return lambda facts: facts.get(key) in wanted and facts.get(key) is not None


def number(value: str) -> float | int:
    """A number as typed."""
    return float(value) if "." in value else int(value)


def compared(key: str, term: Term, values: list[Any]) -> Test:
    """It compares as the term says; what is unknown compares with nothing."""
    if term.op == "is_null":
        return is_none(key)
    compare = comparison(term, values)
    return lambda facts: facts.get(key) is not None and compare(facts[key])


def comparison(term: Term, values: list[Any]) -> Callable[[Any], bool]:
    """How a value compares with those of a term."""
    first = values[0]
    match term.op:
        case "lt":
            return lambda value: bool(value < first)
        case "le":
            return lambda value: bool(value <= first)
        case "gt":
            return lambda value: bool(value > first)
        case "ge":
            return lambda value: bool(value >= first)
        case "between":
            return lambda value: bool(first <= value <= values[1])
        case _:
            return lambda value: value in values


def within(term: Term, spans: list[tuple[Any, Any]]) -> Callable[[Any], bool]:
    """How a moment or a day lies to spans of time, half-open."""
    start, end = spans[0]
    match term.op:
        case "lt":
            return lambda value: bool(value < start)
        case "le":
            return lambda value: bool(value < end)
        case "gt":
            return lambda value: bool(value >= end)
        case "ge":
            return lambda value: bool(value >= start)
        case "between":
            last = spans[1][1]
            return lambda value: bool(start <= value < last)
        case _:
            return lambda value: any(s <= value < e for s, e in spans)


def in_text(key: str, term: Term, typed: Callable[[str], str], held: Callable[[str], str]) -> Test:
    """Text finds a part of it in any case; `field:jo*` its beginning."""
    wanted = tuple(typed(value) for value in term.values)
    if term.op == "starts":
        return lambda facts: facts.get(key) is not None and held(facts[key]).startswith(wanted)

    def test(facts: Facts) -> bool:
        value = facts.get(key)
        if value is None:
            return False
        text = held(value)
        return any(one in text for one in wanted)

    return test


def folded(value: str) -> str:
    """A name or a mail address as the store compares it."""
    return fold(value)[:600]


def squeezed(value: str) -> str:
    """An identity paper's number as the store compares it."""
    return squeeze(value)[:50]
