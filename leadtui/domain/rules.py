"""A pipeline's rules for its fields: which are required, hidden, or shown only with another (spec AH2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadtui.errors import Invalid

from .catalog import Pipeline
from .fields import BY_KEY, EDITABLE

_NO = {"", "0", "no", "n", "false", "f", "off", "none"}


@dataclass(frozen=True, slots=True)
class FieldState:
    """How a form shows a field just now."""

    required: bool
    visible: bool


def is_ticked(value: Any) -> bool:
    """Whether a typed or stored yes/no value means yes."""
    return value.strip().casefold() not in _NO if isinstance(value, str) else bool(value)


def field_states(pipeline: Pipeline, values: Mapping[str, Any]) -> dict[str, FieldState]:
    """The state of every editable field, given what is typed so far."""
    states: dict[str, FieldState] = {}
    for f in EDITABLE:
        rule = pipeline.rule(f.key)
        visible = rule.rule != "hidden"
        if visible and rule.visible_if:
            visible = is_ticked(values.get(rule.visible_if) or "")
        states[f.key] = FieldState(required=visible and rule.rule == "required", visible=visible)
    return states


def missing_fields(pipeline: Pipeline, values: Mapping[str, Any]) -> list[str]:
    """The keys of required fields without a value; `source` is never missing, it has a default (spec AG10)."""
    states = field_states(pipeline, values)
    return [k for k, s in states.items() if s.required and k != "source" and values.get(k) in (None, "")]


def require_fields(pipeline: Pipeline, values: Mapping[str, Any]) -> None:
    """Raises Invalid naming the first required field without a value."""
    missing = missing_fields(pipeline, values)
    if missing:
        label = BY_KEY[missing[0]].label.lower()
        raise Invalid(
            f"{label} is required",
            field=missing[0],
            code="required",
            hint=f"the pipeline '{pipeline.name}' asks for it",
        )
    if not any(values.get(k) for k in ("name", "phone", "email")):
        raise Invalid("a lead needs a name, a phone or an email", field="name", code="required")
