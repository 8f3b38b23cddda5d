"""What names in a filter mean: the ids of statuses, sources, users …, for SQL and for rules alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadtui.errors import Invalid
from leadtui.text import fold

from .catalog import Catalog
from .filters import Term


def by_id(value: str, known: Mapping[int, Any]) -> int | None:
    """The id that `#12` says, if there is one: how a filter names what no name tells from another."""
    digits = value.strip().removeprefix("#")
    if not value.strip().startswith("#") or not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        return None
    return int(digits) if int(digits) in known else None


def ids_of(noun: str | None, value: str, index: int, term: Term, catalog: Catalog, *, me: int | None) -> list[int]:
    """The ids that `value` names in the small table of a lookup field; `me` is the acting user, where there is one.

    Raises FilterError pointing at the value number `index` of the term.
    """
    if (one := by_id(value, _known(catalog, noun))) is not None:
        return [one]
    try:
        match noun:
            case "stage":
                stages = catalog.find_stages(value)
                if not stages:
                    names = dict.fromkeys(s.name for s in catalog.stages)
                    raise Invalid(f"there is no status '{value}'", hint="one of: " + ", ".join(names))
                return [s.id for s in stages]
            case "source":
                return [catalog.find_source(value).id]
            case "product":
                return [catalog.find_product(value).id]
            case "branch":
                return [catalog.find_branch(value).id]
            case "pipeline":
                return [catalog.find_pipeline(value).id]
        if fold(value) == "me":
            if me is None:
                raise Invalid("a rule is nobody's own: 'me' means nobody here", hint="a login")
            return [me]
        return [catalog.find_user(value).id]
    except Invalid as error:
        raise term.error(error.message, error.hint or "a name that exists", index=index) from error


def _known(catalog: Catalog, noun: str | None) -> Mapping[int, Any]:
    known: Mapping[str | None, Mapping[int, Any]] = {
        "stage": catalog.stage_by_id, "source": catalog.source_by_id, "product": catalog.product_by_id,
        "branch": catalog.branch_by_id, "pipeline": catalog.pipeline_by_id, "user": catalog.user_by_id,
    }  # fmt: skip
    return known.get(noun, {})


def steps_from(value: str, catalog: Catalog, term: Term, index: int = 0) -> set[int]:
    """The statuses that mean that a lead reached the status `value`. Raises FilterError where it names no step."""
    one = by_id(value, catalog.stage_by_id)
    stages = [catalog.stage_by_id[one]] if one is not None else catalog.find_stages(value)
    steps = [s for s in stages if s.is_step]
    if not steps:
        names = ", ".join(dict.fromkeys(s.name for s in catalog.stages if s.is_step and s.is_active))
        what = "is no step on the way: leads are lost or parked in it" if stages else "is no status"
        raise term.error(f"'{value}' {what}", "one of: " + names, index=index)
    return {
        s.id for first in steps for s in catalog.stages_of(first.pipeline_id) if s.is_step and s.order >= first.order
    }


def reasons_of(term: Term, catalog: Catalog) -> list[int]:
    """The counted lost reasons that a term names. Raises FilterError."""
    known = {r.id: r for r in catalog.lost_reasons}
    ids = []
    for index, value in enumerate(term.values):
        named = catalog.find_lost_reason(value)
        found = by_id(value, known) or (named.id if named else None)
        if found is None:
            names = ", ".join(r.name for r in catalog.lost_reasons if r.is_active)
            raise term.error(f"there is no lost reason '{value}'", "one of: " + names, index=index)
        ids.append(found)
    return ids
