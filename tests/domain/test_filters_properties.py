"""What holds of every filter: text, tree and criteria say one thing, and nothing but FilterError is raised."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from leadtui.domain.filters import (
    And,
    Catalogue,
    FilterField,
    Node,
    Not,
    Or,
    Term,
    Text,
    complete,
    from_criteria,
    normal,
    parse,
    to_criteria,
    to_text,
)
from leadtui.errors import FilterError, Invalid
from leadtui.text import clean_line

FIELDS = Catalogue(
    [
        FilterField("name", "name"),
        FilterField("status", "choice"),
        FilterField("priority", "choice", choices=("low", "high")),
        FilterField("assigned_to", "user", aliases=("assigned",)),
        FilterField("due", "datetime"),
        FilterField("score", "number"),
        FilterField("fee", "money"),
        FilterField("has_router", "bool"),
        FilterField("tag", "tag"),
        FilterField("is", "is", choices=("hot", "lost")),
        FilterField("missing", "missing"),
        FilterField("custom", "custom"),
    ]
)

_visible = st.text(min_size=1, max_size=12).map(lambda text: clean_line(text, field="x", limit=100)).filter(bool)
_tricky = st.sampled_from(
    ["or", "AND", "none", "*", "a*", "**", "-x", "a..b", "..", "0722", "000111", "+254", "x:y", "a=b", '"', "'",
     "\\", '\\"', "a,b", "(", ")", "today", "overdue", "me", "^a", "~a", ">=1", "!", "http://a", "٣", "e\u0301",
     "a\u00a0b", "\u200d"]
).map(lambda text: clean_line(text, field="x", limit=100))  # fmt: skip
_words = (_visible | _tricky).filter(bool)
_numbers = st.integers(-999, 999).map(str)
_dates = st.sampled_from(["today", "-7d", "+2w", "this-month", "2026-11-20", "2026-11-20 14:00", "fri", "2026"])


def _terms() -> st.SearchStrategy[Node]:
    def one(name: str, op: str, value: st.SearchStrategy[str]) -> st.SearchStrategy[Node]:
        return st.builds(lambda v: Term(name, op, (v,)), value)  # type: ignore[arg-type]

    def several(name: str, op: str, value: st.SearchStrategy[str]) -> st.SearchStrategy[Node]:
        return st.builds(lambda v: Term(name, op, tuple(v)), st.lists(value, min_size=2, max_size=4))  # type: ignore[arg-type]

    def pair(name: str, low: st.SearchStrategy[str]) -> st.SearchStrategy[Node]:
        return st.builds(lambda v: Term(name, "between", (v, v)), low)

    plain = [
        one(name, op, _words) for name in ("status", "name", "tag", "assigned_to", "custom.x") for op in ("eq", "ne")
    ]
    plain += [several(name, "in", _words) for name in ("status", "name", "custom.x")]
    plain += [several(name, op, _words) for name in ("name", "custom.x") for op in ("contains", "starts")]
    plain += [one(name, op, _words) for name in ("name", "custom.x") for op in ("contains", "starts")]
    ordered = [one("score", op, _numbers) for op in ("eq", "ne", "lt", "le", "gt", "ge")]
    ordered += [one("due", op, _dates) for op in ("eq", "ne", "lt", "le", "gt", "ge")]
    ordered += [several("score", "in", _numbers), pair("score", _numbers), pair("due", _dates)]
    ordered += [one("custom.x", op, _words) for op in ("lt", "ge")] + [pair("custom.x", _words)]
    empty = [st.just(Term(name, "is_null")) for name in ("name", "due", "assigned_to", "custom.x")]
    words = st.builds(lambda w: Text(tuple(w)), st.lists(_words, min_size=1, max_size=4))
    return st.one_of(*plain, *ordered, *empty, words, words)


_nodes: st.SearchStrategy[Node] = st.recursive(
    _terms(),
    lambda inner: st.one_of(
        st.builds(lambda items: And(tuple(items)), st.lists(inner, min_size=1, max_size=4)),
        st.builds(lambda items: Or(tuple(items)), st.lists(inner, min_size=1, max_size=4)),
        st.builds(Not, inner),
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(_nodes)
def test_text_and_criteria_carry_the_whole_tree(node: Node) -> None:
    tree = normal(node)
    assert normal(tree) == tree
    for text in (to_text(node), to_text(node, FIELDS)):
        assert parse(text, fields=FIELDS) == tree, text
    criteria = json.loads(json.dumps(to_criteria(node)))
    assert from_criteria(criteria) == tree
    assert from_criteria(criteria, FIELDS) == tree


_pieces = st.sampled_from(
    ["status:", "name", "due:", "score", ":", ">=", "<", "!=", "~", "^", "..", ",", "(", ")", "-", " ", " or ", " and ",
     '"', "'", "\\", "*", "none", "me", "today", "-7d", "5", "custom.x:", "custom", "is:", "hot", "missing:",
     "0722 000 111", "x", "\x00", "\ud800", "\u202e", "é", "http://", "\ufeff"]
)  # fmt: skip
_texts = st.lists(_pieces, max_size=14).map("".join) | st.text(alphabet=st.characters(), max_size=30)


@settings(max_examples=300, deadline=None)
@given(_texts)
def test_any_text_is_a_filter_or_a_filter_error(text: str) -> None:
    try:
        tree = parse(text, fields=FIELDS)
    except FilterError as error:
        raised = error
    else:
        raised = None
    if raised is not None:
        assert 1 <= raised.column <= len(text) + 1
        assert raised.expected
        return
    assert normal(tree) == tree
    assert parse(to_text(tree), fields=FIELDS) == tree
    assert parse(to_text(tree, FIELDS), fields=FIELDS) == tree
    assert from_criteria(to_criteria(tree), FIELDS) == tree
    json.dumps(to_criteria(tree)).encode()


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["eq", "score", "due", "5"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["all", "any", "not", "field", "op", "value", "status", "score", "text", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(_json, st.booleans())
def test_any_json_is_criteria_or_invalid(obj: Any, known: bool) -> None:
    try:
        tree = from_criteria(obj, FIELDS if known else None)
    except Invalid as error:
        raised = error
    else:
        raised = None
    if raised is not None:
        assert raised.field == "criteria"
        return
    assert from_criteria(to_criteria(tree)) == tree


@settings(max_examples=300, deadline=None)
@given(_texts, st.integers(-2, 40))
def test_completion_never_fails_and_stays_in_the_line(text: str, cursor: int) -> None:
    for offer in complete(text, cursor, FIELDS, lambda field, prefix: ["Field Sales", "x"]):
        assert 0 <= offer.start <= offer.end <= len(text)
        assert offer.text and offer.label
