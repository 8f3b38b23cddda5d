"""A filter over the tally instead of over leads, where it asks for nothing but what the tally tells leads apart by."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import and_, false, not_, or_, true

from leadtui.domain.filters import And, Node, Not, Or, Term
from leadtui.domain.lead_names import ids_of

from . import schema as t
from .where import Lookup

_COLUMNS: Final = {
    "source": "source_id", "assigned_to": "assigned_to_id", "branch": "branch_id", "status": "", "pipeline": "",
}  # fmt: skip
"""Fields of the filter that the tally knows; statuses stand in another column by kind."""
_WORDS: Final = frozenset({"converted", "lost", "active", "parked", "unassigned", "mine"})


def knows(node: Node | None) -> bool:
    """Whether the tally can answer the filter."""
    match node:
        case None:
            return True
        case And(items) | Or(items):
            return all(knows(item) for item in items)
        case Not(item):
            return knows(item)
        case Term("is", _, values):
            return set(values) <= _WORDS
        case Term(field, op, _):
            return field in _COLUMNS and op in ("eq", "ne", "in", "is_null")
        case _:
            return False


def tally_where(node: Node | None, lookup: Lookup, kind: str) -> Any:
    """The filter as a condition over `tally` for cells of `kind`. Only for what it `knows`. Raises FilterError."""
    match node:
        case And(items):
            return and_(true(), *(tally_where(item, lookup, kind) for item in items))
        case Or(items):
            return or_(false(), *(tally_where(item, lookup, kind) for item in items))
        case Not(item):
            return not_(tally_where(item, lookup, kind))
        case Term("is", _, values):
            return or_(*(_is(word, lookup, kind) for word in values))
        case Term(field, op, values):
            wanted = _wanted(field, node, lookup)
            column = t.tally.c[_COLUMNS[field]] if _COLUMNS[field] else stage_column(kind)
            # A status is never missing, and neither is a pipeline: nothing has the id 0.
            found = column == 0 if op == "is_null" else column.in_(wanted)
            return not_(found) if op == "ne" else found
        case _:
            return true()


def _wanted(field: str, term: Term, lookup: Lookup) -> list[int]:
    noun = {"status": "stage", "assigned_to": "user"}.get(field, field)
    catalog, me = lookup.catalog, lookup.actor.user_id
    ids = [i for n, v in enumerate(term.values) for i in ids_of(noun, v, n, term, catalog, me=me)]
    return [s.id for s in catalog.stages if s.pipeline_id in ids] if field == "pipeline" else ids


def _is(word: str, lookup: Lookup, kind: str) -> Any:
    mine = t.tally.c.assigned_to_id
    if word in ("unassigned", "mine"):
        return mine == (0 if word == "unassigned" else lookup.actor.user_id)
    return stage_column(kind).in_(lookup.catalog.stage_ids_that_are(word))


def stage_column(kind: str) -> Any:
    """Where cells of a kind have the status of their leads."""
    return t.tally.c.second_id if kind == "l" else t.tally.c.first_id
