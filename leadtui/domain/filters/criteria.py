"""Tree to criteria JSON and back, the shape campaigns, rules and team scopes keep (spec AH21)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from leadtui.domain.filters.catalogue import NAME, NEVER_MISSING, RESERVED, Catalogue, FilterField, quoted
from leadtui.domain.filters.nodes import (
    EVERYTHING,
    MAX_DEPTH,
    MAX_TERMS,
    MAX_VALUES,
    And,
    Node,
    Not,
    Op,
    Or,
    Term,
    Text,
    any_of,
    every,
    negate,
    normal,
)
from leadtui.domain.filters.values import ValueRefusedError, check, check_op, check_order
from leadtui.errors import Invalid
from leadtui.text import clean_line

_ONE_VALUE = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
_SEVERAL = frozenset({"in", "nin", "contains", "starts"})
_OPS = (*sorted(_ONE_VALUE), *sorted(_SEVERAL), "between", "is_null")
_SHAPE = '{"all": [{"field": "status", "op": "eq", "value": "New"}]}'


def to_criteria(node: Node) -> dict[str, Any]:
    """Return `node` as criteria JSON: `{"all": […]}`, `{"any": […]}` or `{"not": …}` with values as strings.

    A bare word is `{"field": "text", "op": "contains", "value": word}`; `is_null` carries `true`.
    """
    written = _written(normal(node))
    return written if "field" not in written else {"all": [written]}


def _written(node: Node) -> dict[str, Any]:
    match node:
        case And(items):
            parts: list[dict[str, Any]] = []
            for item in items:
                parts.extend(_words(item) if isinstance(item, Text) else [_written(item)])
            return {"all": parts}
        case Or(items):
            return {"any": [_written(item) for item in items]}
        case Not(item):
            return {"not": _written(item)}
        case Text(words):
            return _words(node)[0] if len(words) == 1 else {"all": _words(node)}
        case Term(name, op, values):
            value: Any = list(values) if op in ("in", "between") or len(values) > 1 else values[0] if values else True
            return {"field": name, "op": op, "value": value}


def _words(node: Text) -> list[dict[str, Any]]:
    return [{"field": "text", "op": "contains", "value": word} for word in node.words]


def from_criteria(obj: object, fields: Mapping[str, FilterField] | None = None) -> Node:
    """Read criteria JSON, also the short form `{"priority": "high", "status_id": [1, 2, 3]}` (a list is any of, `null`
    is missing, all must hold), and return the tree in normal form.

    With `fields`, names are resolved (aliases become keys) and values checked as in filter text; without them both pass
    as they are.

    Raises:
        Invalid: not criteria; field `criteria`, the message says where ("all[1].value").
    """
    return _Reader(None if fields is None else Catalogue.of(fields)).read(obj, "", 0)


def _refusal(path: str, message: str, expected: str) -> Invalid:
    where = f"criteria {path.lstrip('.')}" if path else "criteria"
    return Invalid(f"{where}: {message}", field="criteria", hint=f"expected {expected}")


class _Reader:
    def __init__(self, fields: Catalogue | None) -> None:
        self.fields = fields
        self.terms = 0
        self.values = 0

    def read(self, obj: object, path: str, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise _refusal("", f"nested deeper than {MAX_DEPTH}", "fewer levels")
        if not isinstance(obj, Mapping):
            raise _refusal(path, "not an object", _SHAPE)
        if "field" in obj:
            return self._leaf(obj, path)
        return (
            every(self._entry(key, value, f"{path}.{key}", depth) for key, value in obj.items()) if obj else EVERYTHING
        )

    def _entry(self, key: object, value: object, path: str, depth: int) -> Node:
        if key == "not":
            item = self.read(value, path, depth + 1)
            if item == EVERYTHING:
                raise _refusal(path, "the negation of everything finds nothing", "a condition")
            return negate(item)
        if key in ("all", "any"):
            if not isinstance(value, Sequence) or isinstance(value, str | bytes):
                raise _refusal(path, "not a list", "a list of conditions")
            items = [self.read(item, f"{path}[{number}]", depth + 1) for number, item in enumerate(value)]
            if key == "all":
                return every(items)
            if not items:
                raise _refusal(path, "an empty list finds nothing", "at least one condition")
            return any_of(items)
        if not isinstance(key, str):
            raise _refusal(path, "a name is not text", _SHAPE)
        if key in RESERVED:
            return self._words(value, path)
        return self._short(key, value, path)

    def _short(self, key: str, value: object, path: str) -> Node:
        if value is None:
            return self._term(key, "is_null", None, path)
        several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        return self._term(key, "in" if several else "eq", value, path)

    def _leaf(self, obj: Mapping[Any, Any], path: str) -> Node:
        name, op = obj["field"], obj.get("op", "eq")
        if extra := [str(key) for key in obj if key not in ("field", "op", "value")]:
            raise _refusal(path, f"{quoted(extra[0])} does not belong here", "field, op and value")
        if not isinstance(name, str) or not name.strip():
            raise _refusal(f"{path}.field", "not the name of a field", _SHAPE)
        if not isinstance(op, str) or op not in _OPS:
            raise _refusal(f"{path}.op", f"{quoted(str(op))} is not an operator", ", ".join(_OPS))
        if "value" not in obj and op != "is_null":
            raise _refusal(path, "the value is missing", f"a value for {op}")
        value = obj.get("value", True)
        if name in RESERVED:
            if op not in ("contains", "eq"):
                raise _refusal(f"{path}.op", "words can only be looked for", "contains")
            return self._words(value, f"{path}.value")
        if value is None and op in ("eq", "ne"):
            missing = self._term(name, "is_null", None, path)
            return missing if op == "eq" else negate(missing)
        return self._term(name, op, value, f"{path}.value")

    def _words(self, value: object, path: str) -> Node:
        self._count(path)
        return Text(tuple(self._texts(value, path)))

    def _count(self, path: str) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise _refusal(path, f"more than {MAX_TERMS} conditions", "fewer conditions")

    def _term(self, name: str, op: str, value: object, path: str) -> Node:
        self._count(path)
        entry = self._entry_of(name, path)
        key = entry.key if entry else name
        if op == "is_null":
            if entry is not None and entry.kind in NEVER_MISSING:
                raise _refusal(path, f"{entry.key} always has a value", "eq or in")
            if value is None or value is True:
                return Term(key, "is_null")
            if value is False:
                return Not(Term(key, "is_null"))
            raise _refusal(path, "is_null is true or false", "true or false")
        if op == "between":
            return self._between(key, entry, value, path)
        if op in _ONE_VALUE and isinstance(value, Sequence) and not isinstance(value, str):
            raise _refusal(path, f"{op} compares with one value", "one value, or the operator in")
        real_op = cast("Op", "in" if op == "nin" else op)
        texts = tuple(self._checked(entry, real_op, text, path) for text in self._texts(value, path))
        term = normal(Term(key, real_op, texts))
        return negate(term) if op == "nin" else term

    def _between(self, key: str, entry: FilterField | None, value: object, path: str) -> Node:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes) or len(value) != 2:
            raise _refusal(path, "between needs two values", "[low, high]")
        low, high = (
            None if bound is None else self._checked(entry, "between", self._scalar(bound, path), path)
            for bound in value
        )
        if low is not None and high is not None:
            if entry is not None:
                try:
                    check_order(entry, low, high)
                except ValueRefusedError as bad:
                    raise _refusal(path, bad.message, bad.expected) from None
            return Term(key, "between", (low, high))
        if low is not None:
            return Term(key, "ge", (low,))
        if high is not None:
            return Term(key, "le", (high,))
        raise _refusal(path, "the range has no ends", "[low, high]")

    def _entry_of(self, name: str, path: str) -> FilterField | None:
        if self.fields is None:
            if not NAME.fullmatch(name) or len(name) > 200:
                raise _refusal(path, f"{quoted(name)} is not the name of a field", _SHAPE)
            return None
        entry = self.fields.find(name)
        if entry is None or entry.key in ("custom", "missing"):
            raise _refusal(path, f"{quoted(name)} is not a field", self.fields.suggestions(name))
        return entry

    def _checked(self, entry: FilterField | None, op: Op, text: str, path: str) -> str:
        if entry is None:
            return text
        try:
            check_op(entry, op)
            return check(entry, op, text)
        except ValueRefusedError as bad:
            raise _refusal(path, bad.message, bad.expected) from None

    def _texts(self, value: object, path: str) -> list[str]:
        several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        found = [self._scalar(one, path) for one in (cast("Sequence[object]", value) if several else [value])]
        if not found:
            raise _refusal(path, "an empty list finds nothing", "at least one value")
        return found

    def _scalar(self, value: object, path: str) -> str:
        self.values += 1
        if self.values > MAX_VALUES:
            raise _refusal(path, f"more than {MAX_VALUES:,} values", "fewer values")
        if isinstance(value, bool):
            return "true" if value else "false"
        text = ""
        if isinstance(value, str):
            text = clean_line(value, field="criteria", limit=1000)
        elif isinstance(value, int | float | Decimal):
            text = str(value)
        if not text:
            raise _refusal(path, "not a text or a number", "a text, a number, true or false")
        return text
