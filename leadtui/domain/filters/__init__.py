"""The filter language, one for lists, exports, assignment, campaigns, views, rules and permissions (contract, spec
AH22).

    status:interested,contacted source:"Field Sales" due:<=today assigned:me fee>=2000 -tag:vip

Text becomes a tree (`parse`), a tree becomes text (`to_text`) or criteria JSON (`to_criteria`, `from_criteria`) and
back; `complete` helps while typing. Values stay as typed: the store resolves names, relative dates and `me` when the
query runs.
"""

from leadtui.domain.filters.arguments import join_arguments
from leadtui.domain.filters.catalogue import IS_WORDS, Catalogue, FilterField, Kind
from leadtui.domain.filters.completion import Completion, complete
from leadtui.domain.filters.criteria import from_criteria, to_criteria
from leadtui.domain.filters.nodes import EVERYTHING, And, Node, Not, Op, Or, Term, Text, any_of, every, negate, normal
from leadtui.domain.filters.parser import parse
from leadtui.domain.filters.writer import to_text

__all__ = [
    "EVERYTHING",
    "IS_WORDS",
    "And",
    "Catalogue",
    "Completion",
    "FilterField",
    "Kind",
    "Node",
    "Not",
    "Op",
    "Or",
    "Term",
    "Text",
    "any_of",
    "complete",
    "every",
    "from_criteria",
    "join_arguments",
    "negate",
    "normal",
    "parse",
    "to_criteria",
    "to_text",
]
