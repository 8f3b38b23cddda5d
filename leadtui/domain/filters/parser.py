"""Filter text to tree: a scanner and a recursive descent of bounded depth; every error names its column.

    filter   = either
    either   = all { "or" all }
    all      = { ["and"] ["-"] ( "(" either ")" | field | word | quoted ) }      a blank is and
    field    = NAME ( ":" [ operator ] | operator ) value { "," value }         operator: >= <= > < = != ~ ^
    value    = ( text | quoted | [value] ".." [value] ) | "none" | "*" | text "*"

`-` negates only in front of a term: in `-7d` after a colon it belongs to the value. Words that look like times,
addresses of machines or links (`12:30`, `http://…`, a MAC address) are words although they hold a colon; any other
`name:` must be a field, so that a slip of the keys is told instead of silently finding nothing. Digits in groups that
make one phone number together (`0722 000 111`) are one word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, ParamSpec, TypeVar

from leadtui.domain.filters.catalogue import (
    DATES,
    NEVER_MISSING,
    ORDERED,
    PARTIAL,
    TEXTUAL,
    Catalogue,
    FilterField,
    quoted,
)
from leadtui.domain.filters.nodes import (
    EVERYTHING,
    MAX_DEPTH,
    MAX_TERMS,
    MAX_VALUES,
    Node,
    Not,
    Op,
    Term,
    Text,
    any_of,
    every,
    negate,
)
from leadtui.domain.filters.values import ValueRefusedError, check, check_op, check_order
from leadtui.errors import FilterError
from leadtui.text import clean_line, fold

_P = ParamSpec("_P")
_T = TypeVar("_T")

MAX_LENGTH: Final = 200_000
"""Characters of a filter text; thousands of ids fit."""

DATE_WORDS: Final[dict[str, Op]] = {"overdue": "lt", "due": "le", "upcoming": "gt"}
"""Words for a date that compare it with today: overdue is before today (contract answer 2)."""

_SYMBOLS: Final[dict[str, Op]] = {
    ">=": "ge", "<=": "le", ">": "gt", "<": "lt", "!=": "ne", "=": "eq", "~": "contains", "^": "starts",
}  # fmt: skip
_COMPARING = frozenset({"ge", "le", "gt", "lt", "ne"})
_BLANKS = re.compile(r"[\s\ufeff]*")
_KEYWORD = re.compile(r"(or|and)(?=[\s()]|$)", re.IGNORECASE)
_FIELD = re.compile(r"([^\W\d][\w.-]*)(:|>=|<=|!=|=|>|<)")
_SYMBOL = re.compile(r">=|<=|!=|[=<>~^]")
_STRAY = re.compile(r">=|<=|!=|[=<>:]")
_WORD = re.compile(r"[^\s()]+")
_NOT_A_FIELD = re.compile(r"[a-z][a-z0-9+.-]*://|[0-9a-f]{2}(?::[0-9a-f]{2}){5}(?=[\s()]|$)", re.IGNORECASE)
_PHONE = re.compile(r"\+?\d+(?: \d+){1,7}(?=[\s()]|$)", re.ASCII)
_VALUE = re.compile(r"[^\s,()]+")
_BOUND = re.compile(r"(?:(?!\.\.)[^\s,()])*")
_ESCAPE = re.compile(r"""\\([\\"'])""")
_QUOTED = {quote: re.compile(rf"{quote}((?:[^\\{quote}]|\\.)*){quote}", re.DOTALL) for quote in "\"'"}
_PHONE_DIGITS = range(7, 16)
_A_TERM = "a word, field:value or (…)"


def parse(text: str, *, fields: Mapping[str, FilterField]) -> Node:
    """Read a filter. `fields` are those it may name; give a `Catalogue` where filters are read often.

    The tree is in normal form (`nodes.normal`). Blank text is `EVERYTHING`.

    Raises:
        FilterError: not a filter; names the column (1-based) and what was expected there. Nothing else is ever raised.
    """
    if len(text) > MAX_LENGTH:
        raise FilterError(
            f"the filter is longer than {MAX_LENGTH:,} characters",
            column=MAX_LENGTH,
            expected="a shorter filter",
            text=text,
        )
    return _Parser(text, Catalogue.of(fields)).filter()


class _Parser:
    """One reading of one text. `at` is the position of the next character."""

    def __init__(self, text: str, fields: Catalogue) -> None:
        self.text = text
        self.fields = fields
        self.at = 0
        self.depth = 0
        self.terms = 0
        self.values = 0

    def error(self, at: int, message: str, expected: str) -> FilterError:
        return FilterError(message, column=at + 1, expected=expected, text=self.text)

    def filter(self) -> Node:
        self._skip_blanks()
        if self.at == len(self.text):
            return EVERYTHING
        node = self._either()
        if self.at < len(self.text):
            raise self.error(self.at, "this ) closes nothing", "a ( before it")
        return node

    def _skip_blanks(self) -> None:
        found = _BLANKS.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _either(self) -> Node:
        items = [self._all()]
        while (found := _KEYWORD.match(self.text, self.at)) and found[1].lower() == "or":
            self.at = found.end()
            items.append(self._all())
        return any_of(items)

    def _all(self) -> Node:
        items: list[Node] = []
        wanting = True  # at the start and after "and" a term must follow
        while True:
            self._skip_blanks()
            keyword = _KEYWORD.match(self.text, self.at)
            if self._peek() in ("", ")") or keyword:
                if wanting:
                    found = f'"{keyword[1]}"' if keyword else "a )" if self._peek() else "the end"
                    raise self.error(self.at, f"a term is missing before {found}", _A_TERM)
                if not keyword or keyword[1].lower() == "or":
                    return every(items)
                self.at, wanting = keyword.end(), True
                continue
            items.append(self._signed())
            wanting = False

    def _signed(self) -> Node:
        start = self.at
        while self._peek() == "-":
            self.at += 1
        if self.at > start and (self._peek() in ("", ")") or self._peek().isspace()):
            raise self.error(start, "- stands before nothing", "a term right after the -")
        negative = (self.at - start) % 2 == 1
        node = self._term()
        return negate(node) if negative else node

    def _term(self) -> Node:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise self.error(self.at, f"a filter has at most {MAX_TERMS} terms", "fewer terms")
        start = self.at
        if self._peek() == "(":
            return self._group()
        if self._peek() in ('"', "'"):
            return Text((self._quoted(),), start + 1)
        found = _FIELD.match(self.text, start)
        if found and not _NOT_A_FIELD.match(self.text, start):
            return self._field(found)
        if symbol := _STRAY.match(self.text, start):
            raise self.error(start, f"a field is missing before {symbol[0]}", "field:value")
        return Text((self._word(),), start + 1)

    def _group(self) -> Node:
        opened = self.at
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(opened, f"parentheses are nested deeper than {MAX_DEPTH}", "fewer parentheses")
        self.at += 1
        node = self._either()
        if self._peek() != ")":
            raise self.error(opened, "this ( is never closed", "a ) after it")
        self.at += 1
        self.depth -= 1
        return node

    def _quoted(self) -> str:
        start = self.at
        found = _QUOTED[self.text[start]].match(self.text, start)
        if not found:
            raise self.error(start, "this quote is never closed", f"a closing {self.text[start]}")
        self.at = found.end()
        value = _visible(_ESCAPE.sub(r"\1", found[1]))
        if not value:
            raise self.error(start, "there is nothing between the quotes", "text, or none for a missing value")
        return value

    def _word(self) -> str:
        start = self.at
        if (phone := _PHONE.match(self.text, start)) and sum(map(str.isdigit, phone[0])) in _PHONE_DIGITS:
            self.at = phone.end()
            return phone[0]
        found = _WORD.match(self.text, start)
        word = _visible(found[0]) if found else ""
        if not found or not word:
            raise self.error(start, "this character cannot be searched for", _A_TERM)
        self.at = found.end()
        return word

    # -- field:value -------------------------------------------------------------------------------------------------

    def _field(self, found: re.Match[str]) -> Node:
        entry = self.fields.find(found[1])
        if entry is None:
            raise self.error(
                found.start(),
                f"{quoted(found[1])} is not a field",
                f"{self.fields.suggestions(found[1])}, or quotes around a text",
            )
        if entry.key == "custom":
            raise self.error(found.start(), "custom needs the name of a field", "custom.FIELD:value")
        self.at = found.start(2)
        node = any_of(self._values(entry, found.start()))
        if self._peek() in ('"', "'"):
            raise self.error(self.at, "a quote in the middle of a value", "a blank or a comma before it")
        if self._peek() == "(":
            raise self.error(
                self.at, "a ( in the middle of a value", "quotes around the value, or a blank before the ("
            )
        return node

    def _values(self, entry: FilterField, field_at: int) -> list[Node]:
        """The values after a field, each with its meaning; the plain ones of one operator are one term."""
        colon = self._peek() == ":"
        op: Op | None = None
        symbol = ":"
        self.at += colon
        nodes: list[Node] = []
        plain: dict[Op, tuple[int, list[Term]]] = {}  # where in `nodes` the term of an operator stands, and its parts
        while True:
            # `=`, `~` and `^` hold on for the values after a comma; `score:<10,>90` says each its own.
            if found := _SYMBOL.match(self.text, self.at) if colon or not nodes else None:
                op, symbol = _SYMBOLS[found[0]], found[0]
                self._refusable(found.start(), check_op, entry, op)
                self.at = found.end()
            elif op in _COMPARING and nodes:
                raise self.error(
                    self.at - 1, f"{symbol} compares with one value", "a blank; amounts are written without commas"
                )
            self._expect_value(entry, symbol)
            node = self._value(entry, op, field_at)
            if isinstance(node, Term) and node.op in ("eq", "contains", "starts"):
                place, parts = plain.setdefault(node.op, (len(nodes), []))
                if not parts:
                    nodes.append(node)
                parts.append(node)
            else:
                nodes.append(node)
            if self._peek() != ",":
                break
            self.at += 1
        for plain_op, (place, parts) in plain.items():
            texts = tuple(part.values[0] for part in parts)
            columns = tuple(part.value_columns[0] for part in parts)
            together: Op = "in" if plain_op == "eq" and len(parts) > 1 else plain_op
            nodes[place] = Term(entry.key, together, texts, field_at + 1, columns)
        return nodes

    def _refusable(self, at: int, rule: Callable[_P, _T], *args: _P.args, **more: _P.kwargs) -> _T:
        """What `rule` returns; its refusal of a value becomes an error at position `at`."""
        try:
            return rule(*args, **more)
        except ValueRefusedError as refused:
            raise self.error(at, refused.message, refused.expected) from None

    def _expect_value(self, entry: FilterField, symbol: str) -> None:
        self.values += 1
        if self.values > MAX_VALUES:
            raise self.error(self.at, f"a filter has at most {MAX_VALUES:,} values", "fewer values")
        char = self._peek()
        if char == "(":
            raise self.error(self.at, "a value cannot be a group", "values with commas (a,b), or quotes")
        if char in ("", ")", ",") or char.isspace():
            after = "the comma" if self.text[self.at - 1 : self.at] == "," else symbol
            raise self.error(self.at, f"a value is missing after {after}", f"a value of {entry.key}")

    def _value(self, entry: FilterField, op: Op | None, field_at: int) -> Node:
        """One value with what its spelling means: plain, a range, `none`, `*`, a part, or a word like overdue."""
        start, column = self.at, field_at + 1
        ranged = entry.kind in ORDERED and op in (None, "eq", "ne")
        in_quotes = self._peek() in ('"', "'")
        if in_quotes:
            value = self._quoted()
        else:
            found = (_BOUND if ranged else _VALUE).match(self.text, start)
            self.at = found.end() if found else start
            value = _visible(self.text[start : self.at])
        if ranged and self.text.startswith("..", self.at):
            return self._range(entry, op, value, start, column)
        if not value:
            raise self.error(start, "this character cannot be a value", f"a value of {entry.key}")
        if not in_quotes and fold(value) == "none" and op in (None, "eq", "ne") and entry.kind not in NEVER_MISSING:
            return self._negated(op, Term(entry.key, "is_null", (), column, (start + 1,)))
        if not in_quotes and value == "*" and op in (None, "eq") and entry.kind not in NEVER_MISSING:
            return Not(Term(entry.key, "is_null", (), column, (start + 1,)))
        if entry.kind == "missing":
            return self._missing(value, start, column)
        if entry.kind in DATES and op in (None, "eq") and (compared := DATE_WORDS.get(fold(value))):
            return Term(entry.key, compared, ("today",), column, (start + 1,))
        if not in_quotes and op is None and entry.kind in TEXTUAL and value.endswith("*"):
            value, op = value[:-1], "starts"
        elif op is None:
            op = "contains" if entry.kind in PARTIAL else "eq"
        return Term(entry.key, op, (self._refusable(start, check, entry, op, value),), column, (start + 1,))

    @staticmethod
    def _negated(op: Op | None, node: Node) -> Node:
        return negate(node) if op == "ne" else node

    def _range(self, entry: FilterField, op: Op | None, low: str, low_at: int, column: int) -> Node:
        dots_at = self.at
        self.at += 2
        high_at = self.at
        if self._peek() in ('"', "'"):
            high = self._quoted()
        else:
            found = _VALUE.match(self.text, high_at)
            self.at = found.end() if found else high_at
            high = _visible(self.text[high_at : self.at])
        if not low and not high:
            raise self.error(dots_at, "the range has no ends", f"{entry.key}:a..b, a.. or ..b")
        bounds = [(value, at) for value, at in ((low, low_at), (high, high_at)) if value]
        range_op: Op = "between" if len(bounds) == 2 else "ge" if low else "le"
        values = tuple(self._refusable(at, check, entry, range_op, value) for value, at in bounds)
        if range_op == "between":
            self._refusable(low_at, check_order, entry, *values)
        term = Term(entry.key, range_op, values, column, tuple(at + 1 for _, at in bounds))
        return self._negated(op, term)

    def _missing(self, name: str, at: int, column: int) -> Node:
        entry = self.fields.find(name)
        if entry is None or entry.kind in NEVER_MISSING or entry.key == "custom":
            raise self.error(at, f"{quoted(name)} is not a field", self.fields.suggestions(name))
        return Term(entry.key, "is_null", (), column, (at + 1,))


def _visible(text: str) -> str:
    """`text` without what no field can hold (contract answer 11), so that no control reaches a database or a screen."""
    return text.strip() if text.isprintable() else clean_line(text, field="filter", limit=MAX_LENGTH)
