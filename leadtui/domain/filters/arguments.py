"""Filter words of a command line: a shell takes the quotes of `source:"Field Sales"` away, here they come back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from leadtui.domain.filters.catalogue import ORDERED, Catalogue, FilterField
from leadtui.domain.filters.writer import in_quotes

_TERM = re.compile(r"(-*([^\W\d][\w.-]*)(?::(?:>=|<=|!=|[=<>~^])?|>=|<=|!=|[=<>]))(.*)", re.DOTALL)
_NEW_TERM = re.compile(r"-?[^\W\d][\w.-]*(?::|[<>=!])|-\S|(?:or|and)$", re.IGNORECASE)


def join_arguments(arguments: Iterable[str], *, fields: Mapping[str, FilterField]) -> str:
    """Return the arguments of a command as one filter text.

    An argument `field:several words` is one value with blanks, for the shell has already removed the quotes around
    them; where another term begins in the same argument (`status:new due:today`, `a or b`) it is filter text as it
    stands.
    """
    catalogue = Catalogue.of(fields)
    return " ".join(_argument(argument, catalogue) for argument in arguments)


def _argument(argument: str, fields: Catalogue) -> str:
    found = _TERM.fullmatch(argument)
    entry = fields.find(found[2]) if found else None
    if found is None or entry is None:
        return argument
    first, *others = found[3].split() or [""]
    if not others or first == "" or found[3][0].isspace() or re.search(r"[\"()]", found[3]) or first[0] == "'":
        return argument
    if any(_NEW_TERM.match(word) for word in others):
        return argument
    separator = re.compile(r"(,|\.\.)" if entry.kind in ORDERED else "(,)")
    parts = separator.split(found[3])
    return found[1] + "".join(in_quotes(part.strip()) if " " in part.strip() else part.strip() for part in parts)
