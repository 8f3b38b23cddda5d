"""The tree of a filter: what was asked, with values still as text, to be resolved when the query runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Literal

from leadtui.errors import FilterError

Op = Literal["eq", "ne", "in", "lt", "le", "gt", "ge", "between", "contains", "starts", "is_null"]


@dataclass(frozen=True, slots=True)
class And:
    """Every item holds. `And(())` holds for every lead."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one item holds."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The item does not hold. A missing value makes a comparison false, so its negation is true."""

    item: Node


@dataclass(frozen=True, slots=True)
class Text:
    """Every word is found in the name, a phone, the email or the number. A word may hold blanks (it was quoted)."""

    words: tuple[str, ...]
    column: int = attribute(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Term:
    """A field compared with values.

    `eq` `ne` `lt` `le` `gt` `ge` have one value, `in` two or more (any of them), `between` two (both included),
    `contains` and `starts` one or more (any of them, folded), `is_null` none. `ne` is the negation of `eq`: a missing
    value differs. Of a date, `eq` means within its span (`dates.parse_day_range`); relative dates and `me` stay
    relative.

    `column` is where the field was typed and `value_columns` where each value was (1-based; empty when not typed).
    """

    field: str
    op: Op
    values: tuple[str, ...] = ()
    column: int = attribute(default=1, compare=False)
    value_columns: tuple[int, ...] = attribute(default=(), compare=False)

    def error(self, message: str, expected: str, *, index: int = 0) -> FilterError:
        """Return the error for a value that means nothing (an unknown status), pointing at the value number `index`."""
        column = self.value_columns[index] if index < len(self.value_columns) else self.column
        return FilterError(message, column=column, expected=expected)


Node = And | Or | Not | Text | Term

EVERYTHING = And(())
"""The empty filter."""

MAX_DEPTH = 40
"""Levels of nesting; real filters have three. Keeps every walk over a tree within Python's and SQL's own limits."""

MAX_TERMS = 500
"""Terms in one filter; SQLite refuses expressions deeper than 1,000."""

MAX_VALUES = 20_000
"""Values in one filter; SQLite takes 32,766 parameters in a statement."""


def every(items: Iterable[Node]) -> Node:
    """Return the conjunction in its one normal form: flat, neighbouring words together, no conjunction of one."""
    flat: list[Node] = []
    for item in items:
        for part in item.items if isinstance(item, And) else (item,):
            last = flat[-1] if flat else None
            if isinstance(part, Text) and isinstance(last, Text):
                flat[-1] = Text(last.words + part.words, last.column)
            else:
                flat.append(part)
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(items: Iterable[Node]) -> Node:
    """Return the disjunction in its one normal form: flat, no disjunction of one; with everything in it, everything."""
    flat: list[Node] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Or) else (item,))
    if EVERYTHING in flat:
        return EVERYTHING
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def negate(item: Node) -> Node:
    """Return the negation; of a negation, what it negated."""
    return item.item if isinstance(item, Not) else Not(item)


def normal(node: Node) -> Node:
    """Return `node` in the normal form that parsing gives, so that equal filters are equal trees."""
    match node:
        case And(items):
            return every(normal(item) for item in items)
        case Or(items):
            return any_of(normal(item) for item in items)
        case Not(item):
            return negate(normal(item))
        case Term(name, "in", (value,)):
            return Term(name, "eq", (value,), node.column, node.value_columns)
        case Term(name, "eq", values) if len(values) > 1:
            return Term(name, "in", values, node.column, node.value_columns)
        case _:
            return node
