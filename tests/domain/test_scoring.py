"""Points, caps, first matches, sums: rules over facts, without a database."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.domain.conditions import Condition
from leadtui.domain.scoring import (
    NUMBER_FIELDS,
    Rule,
    check_rule,
    clamped,
    combine,
    rule_words,
    score,
    total,
    unit_of,
    worth,
)
from leadtui.errors import Invalid


def rule(mode: str = "flat", points: int = 10, key: str = "", **more: Any) -> Rule:
    """A rule that holds where the fact `key` is true; always without one."""
    condition = Condition(lambda facts: bool(facts.get(key)) or not key, frozenset({key} if key else ()))
    name = more.pop("name", key or mode)
    return Rule(more.pop("id", 1), name, name, more.pop("group", "g"), mode, points, key, condition=condition, **more)


def test_units_are_whole_and_capped_both_ways() -> None:
    views = rule("per_unit", 2, field="page_views", cap=20)
    assert [worth(views, {"page_views": n}) for n in (None, 0, 3, 10, 12)] == [0, 0, 6, 20, 20]
    assert worth(rule("per_unit", -2, field="page_views", cap=20), {"page_views": 12}) == -20
    assert worth(rule("per_unit", 3, field="property_views"), {"property_views": 1000}) == 3000
    assert worth(rule("per_unit", 1, field="budget", unit=100), {"budget": 250_099}) == 2500
    assert worth(rule("per_unit", 2, field="lat"), {"lat": 2.9}) == 4
    assert worth(rule("per_unit", 2, "vip", field="page_views"), {"page_views": 5}) == 0
    assert worth(views, {"page_views": float("nan")}) == worth(views, {}) == 0


def test_of_first_matches_of_a_group_one_counts() -> None:
    rules = (
        rule("first_match", 15, "a", id=1), rule("first_match", 0, "b", id=2), rule("flat", 3, id=3),
        rule("first_match", 5, id=4), rule("first_match", 7, id=5, group="other"),
    )  # fmt: skip
    given_ = {
        frozenset(f): [x.points for x in score(rules, dict.fromkeys(f, True)).lines] for f in ((), ("a",), ("b",))
    }
    assert list(given_.values()) == [[0, 0, 3, 5, 7], [15, 0, 3, 0, 7], [0, 0, 3, 0, 7]]


def test_the_sum_is_kept_within_a_hundred_and_shown_raw() -> None:
    found = score((rule(points=134),), {})
    assert (found.raw, found.score, found.given) == (134, 100, found.lines)
    assert (score((rule(points=-5),), {}).score, score((rule(points=-5),), {}).raw) == (0, -5)
    assert score((), {}).score is None and score((), {}, bonus=10).score == 10
    assert score((rule(points=5),), {}, bonus=-3).raw == 2


some_rules = st.lists(
    st.builds(
        lambda mode, points, key, group, cap: rule(
            mode, points, key, group=group, field="n" if mode == "per_unit" else None, cap=cap
        ),
        st.sampled_from(["flat", "per_unit", "first_match"]), st.integers(-50, 50), st.sampled_from(["", "a", "b"]),
        st.sampled_from(["g", "h"]), st.none() | st.integers(1, 60),
    ),
    max_size=8,
)  # fmt: skip
some_facts = st.fixed_dictionaries({}, optional={"a": st.booleans(), "b": st.booleans(), "n": st.integers(0, 40)})


@given(some_rules, some_facts, st.integers(-200, 200))
def test_the_quick_sum_is_the_explained_one(rules: list[Rule], facts: dict[str, Any], bonus: int) -> None:
    found = score(rules, facts, bonus=bonus)
    assert total(rules, facts, bonus) == (found.raw, found.score)
    assert found.raw == sum(line.points for line in found.lines) + bonus
    if found.score is not None:
        assert found.score == clamped(found.raw) == min(100, max(0, found.raw))
    holds = [one.condition.holds(facts) for one in rules]
    assert combine(rules, [worth(one, facts) for one in rules], bonus=bonus, holds=holds) == found


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"), ({"group": ""}, "group"), ({"mode": "sometimes"}, "mode"), ({"points": None}, "points"),
        ({"points": 1001}, "points"), ({"mode": "per_unit", "field": "name"}, "per"), ({"cap": 5}, "cap"),
        ({"mode": "per_unit", "field": "page_views", "cap": 0}, "cap"), ({"field": "page_views"}, "per"),
        ({"mode": "per_unit", "field": "score"}, "per"),
    ],
)  # fmt: skip
def test_what_no_rule_can_be(change: dict[str, Any], field: str) -> None:
    fine = {"name": "x", "group": "g", "mode": "flat", "points": 5, "field": None, "cap": None, "condition": None}
    check_rule(fine)
    with pytest.raises(Invalid) as caught:
        check_rule({**fine, **change})
    assert caught.value.field == field


def test_words_and_units() -> None:
    row = {"mode": "per_unit", "points": -2, "field": "page_views", "cap": 20, "condition": "city:x", "group": "g"}
    assert rule_words(row) == "-2 for each of page views, at most -20 if city:x"
    assert rule_words({**row, "mode": "first_match", "points": 5, "condition": None}) == "+5, first of g"
    assert unit_of("budget", "KES") == 100 and unit_of("budget", "JPY") == 1 and unit_of("page_views", "KES") == 1
    assert {"page_views", "budget", "age"} <= NUMBER_FIELDS.keys()
