"""Tree to filter text, so that what a screen shows, a view stores and a person types are the same words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from leadtui.domain.filters.catalogue import PARTIAL, Catalogue, FilterField, typed_name
from leadtui.domain.filters.nodes import EVERYTHING, And, Node, Not, Op, Or, Term, Text
from leadtui.text import fold

_COMPARED: dict[Op, str] = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "ne": "!="}
# Narrow on purpose: a quote too many does no harm, one too few changes the meaning.
_PLAIN_WORD = re.compile(r"[\w+@.#&%/*][\w+@.#&%/*'-]*")
_PLAIN_VALUE = re.compile(r"[\w+@.#&%/-][\w+@.#&%/:'-]*")
_DIGITS = re.compile(r"\+?\d+")


def to_text(node: Node, fields: Mapping[str, FilterField] | None = None) -> str:
    """Return the text that `parse` reads as `node` (in normal form).

    With `fields` the spelling is the one people use (`status:new`, `name:john`); without them it is explicit where the
    meaning depends on the field (`status=new`, `name:~john`). Both read the same.

    Raises:
        ValueError: the tree holds a disjunction of nothing or the negation of everything; no text says that.
    """
    catalogue = None if fields is None else Catalogue.of(fields)
    return "" if node == EVERYTHING else _text(node, catalogue)


def _text(node: Node, fields: Catalogue | None) -> str:
    match node:
        case Text(words):
            return " ".join(_word(word, words) for word in words)
        case Term():
            return _term(node, fields)
        case And(items) if items:
            return " ".join(
                f"({_text(item, fields)})" if isinstance(item, Or | And) else _text(item, fields) for item in items
            )
        case Or(items) if items:
            return " or ".join(
                f"({_text(item, fields)})" if isinstance(item, Or) else _text(item, fields) for item in items
            )
        case Not(item) if item != EVERYTHING:
            several = isinstance(item, And | Or) or (isinstance(item, Text) and len(item.words) > 1)
            written = _text(item, fields)
            return f"-({written})" if several else f"-{written}"
        case _:
            raise ValueError("no text finds nothing")


def in_quotes(text: str) -> str:
    """Return `text` as a quoted word or value of filter text."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _word(word: str, words: tuple[str, ...]) -> str:
    # Plain groups of digits beside each other would be read as one phone number.
    grouped = len(words) > 1 and _DIGITS.fullmatch(word)
    plain = _PLAIN_WORD.fullmatch(word) and fold(word) not in ("or", "and") and not grouped
    return word if plain else in_quotes(word)


def _value(value: str) -> str:
    plain = _PLAIN_VALUE.fullmatch(value) and ".." not in value and fold(value) != "none"
    return value if plain else in_quotes(value)


def _term(term: Term, fields: Catalogue | None) -> str:
    name, op, values = typed_name(term.field), term.op, ",".join(map(_value, term.values))
    entry = fields.find(term.field) if fields is not None else None
    if op == "is_null":
        return f"{name}:none"
    if op == "between":
        low, high = term.values
        return f"{name}:{_value(low)}..{_value(high)}"
    if op in _COMPARED:
        return f"{name}:{_COMPARED[op]}{values}"
    if op == "starts":
        return f"{name}:" + ",".join(f"^{_value(value)}" for value in term.values)
    usual: tuple[Op, ...] = ("contains",) if entry is not None and entry.kind in PARTIAL else ("eq", "in")
    if entry is not None and op in usual:
        return f"{name}:{values}"
    return f"{name}={values}" if op in ("eq", "in") else f"{name}:" + ",".join(f"~{_value(v)}" for v in term.values)
