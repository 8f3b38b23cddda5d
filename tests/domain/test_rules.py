"""Which fields a pipeline's form shows and requires (spec AH2, AG6)."""

from __future__ import annotations

from typing import Any

import pytest

from leadtui.domain.catalog import FieldRule, Pipeline
from leadtui.domain.fields import EDITABLE
from leadtui.domain.rules import field_states, is_ticked, missing_fields, require_fields
from leadtui.errors import Invalid

RULES = {
    "phone": FieldRule("required"),
    "source": FieldRule("required"),
    "router_type": FieldRule("required", visible_if="has_router"),
    "budget": FieldRule("hidden"),
    "passport": FieldRule("hidden", visible_if="has_router"),
}
PIPELINE = Pipeline(1, "x", "X", True, True, False, (), RULES)


@pytest.mark.parametrize("yes", ["yes", "Yes", "y", "true", "1", "on", "x", True, 1])
def test_ticked(yes: Any) -> None:
    assert is_ticked(yes)


@pytest.mark.parametrize("no", ["no", "No", "n", "false", "0", "off", "", "  ", "none", False, 0, None])
def test_not_ticked(no: Any) -> None:
    assert not is_ticked(no)


def test_every_editable_field_has_a_state() -> None:
    states = field_states(PIPELINE, {})
    assert set(states) == {f.key for f in EDITABLE}
    assert (states["phone"].required, states["phone"].visible) == (True, True)
    assert (states["name"].required, states["name"].visible) == (False, True)
    assert (states["budget"].required, states["budget"].visible) == (False, False)


def test_a_field_that_waits_for_another_is_asked_for_only_then() -> None:
    before, after = field_states(PIPELINE, {"has_router": "no"}), field_states(PIPELINE, {"has_router": "yes"})
    assert (before["router_type"].visible, before["router_type"].required) == (False, False)
    assert (after["router_type"].visible, after["router_type"].required) == (True, True)
    assert not after["passport"].visible  # hidden stays hidden


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({}, ["phone"]),
        ({"phone": ""}, ["phone"]),
        ({"phone": None, "has_router": "yes"}, ["phone", "router_type"]),
        ({"phone": "1"}, []),
        ({"phone": "1", "has_router": True, "router_type": "TP"}, []),
    ],
)
def test_what_is_missing_never_the_source(values: dict[str, Any], missing: list[str]) -> None:
    assert missing_fields(PIPELINE, values) == missing
    if missing:
        with pytest.raises(Invalid) as refused:
            require_fields(PIPELINE, values)
        assert (refused.value.field, refused.value.code) == (missing[0], "required")
    else:
        require_fields(PIPELINE, values)


def test_a_lead_needs_something_to_be_called_by() -> None:
    free = Pipeline(1, "x", "X", True, True, False, (), {})
    with pytest.raises(Invalid) as refused:
        require_fields(free, {"city": "Nairobi", "name": "", "phone": None})
    assert refused.value.field == "name"
    for key in ("name", "phone", "email"):
        require_fields(free, {key: "x"})
