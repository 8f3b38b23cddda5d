"""Criteria JSON: the shape, the short form of S1, and refusals that say where (spec AH21)."""

from __future__ import annotations

from typing import Any

import pytest

from leadtui.domain.filters import (
    EVERYTHING,
    And,
    Catalogue,
    FilterField,
    Node,
    Not,
    Or,
    Term,
    Text,
    from_criteria,
    parse,
    to_criteria,
)
from leadtui.errors import Invalid

FIELDS = Catalogue(
    [
        FilterField("priority", "choice", choices=("low", "high")),
        FilterField("status", "choice", aliases=("status_id",)),
        FilterField("score", "number"),
        FilterField("created", "datetime"),
        FilterField("name", "name"),
        FilterField("has_router", "bool"),
    ]
)


def test_the_example_of_the_specification() -> None:
    example = {
        "all": [
            {"field": "priority", "op": "eq", "value": "high"},
            {"field": "status_id", "op": "in", "value": [1, 2, 3]},
        ]
    }
    tree = And((Term("priority", "eq", ("high",)), Term("status_id", "in", ("1", "2", "3"))))
    assert from_criteria(example) == tree
    assert from_criteria({"priority": "high", "status_id": [1, 2, 3]}) == tree
    assert to_criteria(tree) == {
        "all": [
            {"field": "priority", "op": "eq", "value": "high"},
            {"field": "status_id", "op": "in", "value": ["1", "2", "3"]},
        ]
    }


@pytest.mark.parametrize(
    ("obj", "tree"),
    [
        ({}, EVERYTHING),
        ({"all": []}, EVERYTHING),
        ({"field": "score", "op": "ge", "value": 50}, Term("score", "ge", ("50",))),
        ({"field": "score", "op": "between", "value": [1, 2.5]}, Term("score", "between", ("1", "2.5"))),
        ({"field": "score", "op": "between", "value": [None, 5]}, Term("score", "le", ("5",))),
        ({"field": "score", "op": "nin", "value": [1, 2]}, Not(Term("score", "in", ("1", "2")))),
        ({"field": "name", "op": "starts", "value": "jo"}, Term("name", "starts", ("jo",))),
        ({"field": "name", "op": "is_null"}, Term("name", "is_null")),
        ({"field": "name", "op": "is_null", "value": False}, Not(Term("name", "is_null"))),
        ({"field": "name", "op": "ne", "value": None}, Not(Term("name", "is_null"))),
        ({"field": "created", "op": "eq", "value": "this_month"}, Term("created", "eq", ("this_month",))),
        ({"has_router": True, "name": None}, And((Term("has_router", "eq", ("true",)), Term("name", "is_null")))),
        ({"status_id": 1}, Term("status", "eq", ("1",))),
        ({"search": "jane doe"}, Text(("jane doe",))),
        (
            {"any": [{"score": 1}, {"not": {"priority": "LOW"}}]},
            Or((Term("score", "eq", ("1",)), Not(Term("priority", "eq", ("low",))))),
        ),
    ],
)  # fmt: skip
def test_reading(obj: dict[str, Any], tree: Node) -> None:
    assert from_criteria(obj, FIELDS) == tree
    assert from_criteria(to_criteria(tree), FIELDS) == tree


@pytest.mark.parametrize(
    ("obj", "where"),
    [
        ([], "criteria"),
        ("status:new", "criteria"),
        (None, "criteria"),
        ({"all": {}}, "all"),
        ({"any": []}, "any"),
        ({"not": {}}, "not"),
        ({"all": [1]}, "all[0]"),
        ({"all": [{"score": 1}, {"field": "score", "op": "like", "value": 1}]}, "all[1].op"),
        ({"field": "score", "op": "eq"}, "value"),
        ({"field": "score", "op": "eq", "value": [1]}, "value"),
        ({"field": "score", "op": "eq", "value": "x"}, "value"),
        ({"field": "score", "op": "eq", "value": float("nan")}, "value"),
        ({"field": "score", "op": "in", "value": []}, "value"),
        ({"field": "score", "op": "between", "value": [2, 1]}, "value"),
        ({"field": "score", "op": "between", "value": [None, None]}, "value"),
        ({"field": "name", "op": "gt", "value": "a"}, "value"),
        ({"field": "score", "op": "contains", "value": "5"}, "value"),
        ({"field": "nam", "op": "eq", "value": "a"}, "nam"),
        ({"field": 5, "op": "eq", "value": "a"}, "field"),
        ({"field": "name", "op": "eq", "value": "a", "also": 1}, "also"),
        ({"priority": "higgh"}, "priority"),
        ({"priority": {"gte": 5}}, "priority"),
        ({5: 5}, "5"),
        ({"created": "soon"}, "created"),
    ],
)
def test_bad_criteria_say_where(obj: object, where: str) -> None:
    with pytest.raises(Invalid) as error:
        from_criteria(obj, FIELDS)
    assert error.value.field == "criteria"
    assert where in error.value.message
    assert error.value.hint


def test_depth_and_size_are_bounded() -> None:
    deep: dict[str, Any] = {"score": 1}
    for _ in range(5_000):
        deep = {"not": deep}
    for obj in (deep, {"all": [{"score": 1}] * 501}, {"score": list(range(20_001))}):
        with pytest.raises(Invalid):
            from_criteria(obj)


def test_words_are_criteria_too() -> None:
    tree = parse("jane doe score:>5", fields=FIELDS)
    assert to_criteria(tree) == {
        "all": [
            {"field": "text", "op": "contains", "value": "jane"},
            {"field": "text", "op": "contains", "value": "doe"},
            {"field": "score", "op": "gt", "value": "5"},
        ]
    }
