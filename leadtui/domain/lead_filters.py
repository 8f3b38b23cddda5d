"""The filterable fields of leads, made from the field catalogue for the one filter parser."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from .activity_types import OUTCOMES
from .fields import LEAD_FIELDS, LeadField
from .filters import Catalogue, FilterField, Node, join_arguments, parse
from .loans import STATUSES

IS_WORDS = (
    "active", "converted", "deleted", "hot", "lost", "mine", "offered", "overdue", "parked", "protected", "qualified",
    "rotting", "served", "unassigned",
)  # fmt: skip

_KINDS = {
    "line": "text", "block": "text", "email": "text", "phone": "phone", "money": "money", "int": "number",
    "number": "number", "date": "date", "when": "datetime", "bool": "bool", "tribool": "bool", "choice": "choice",
    "person": "name", "tags": "tag",
}  # fmt: skip

_SEEN_WITH = {"reached": "status", "age": "date_of_birth"}
"""Words that tell of another field: hidden with it."""
_WORDS = (
    FilterField("reached", "choice", help="a status it ever got to, or one behind it"),
    FilterField("lost_reason", "choice", help="why it was lost, of the reasons that are counted"),
    FilterField("age", "number", help="whole years since birth: 25..45"),
    FilterField("last_call", "choice", choices=OUTCOMES, help="what came of the last call"),
    FilterField("router_user_at", "datetime", aliases=("activated",), help="when its first router user was made"),
)
"""Words for what is no field of a form: they follow from what happened."""


def _kind(f: LeadField) -> str:
    if f.kind == "lookup":
        return "user" if f.lookup == "user" else "choice"
    return _KINDS[f.kind]


def _words(f: LeadField) -> tuple[str, ...]:
    """The aliases a person may type before the colon: single words only."""
    return tuple(dict.fromkeys(a.replace(" ", "_") for a in f.aliases if "(" not in a and "/" not in a))


@lru_cache(maxsize=16)
def filter_fields(hidden: frozenset[str] = frozenset()) -> Catalogue:
    """The fields a filter may name, without those hidden from the acting role."""
    fields = [
        FilterField(f.key, _kind(f), aliases=_words(f), choices=f.choices or None, help=f.label)  # type: ignore[arg-type]
        for f in LEAD_FIELDS
        if f.filterable and f.kind != "computed" and f.key not in hidden
    ]
    fields += [one for one in _WORDS if not {one.key, _SEEN_WITH.get(one.key, one.key)} & hidden]
    fields += [
        FilterField("id", "number", help="the lead's id"),
        FilterField("is", "is", choices=IS_WORDS, help="what the lead is"),
        FilterField("missing", "missing", choices=tuple(f.key for f in fields), help="leads without a value"),
        FilterField(
            "loan", "choice", aliases=("promise",), choices=("open", *STATUSES), help="its promise to clear a loan"
        ),
        FilterField("custom", "custom", help="a custom field: custom.NAME:value"),
        FilterField("deleted_at", "datetime", aliases=("deleted",), help="when it was deleted"),
    ]
    return Catalogue(fields)


def parse_lead_filter(text: str | Iterable[str], hidden: frozenset[str] = frozenset()) -> Node | None:
    """The filter typed by a person; None for an empty one. Raises FilterError naming the column."""
    fields = filter_fields(hidden)
    joined = text if isinstance(text, str) else join_arguments(list(text), fields=fields)
    if not joined.strip():
        return None
    return parse(joined, fields=fields)
