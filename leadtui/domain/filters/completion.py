"""What could be typed next in a filter line: names of fields, values, words for dates, while the text is incomplete."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from leadtui.domain.filters.catalogue import DATES, IS_WORDS, NEVER_MISSING, Catalogue, FilterField, typed_name
from leadtui.domain.filters.writer import in_quotes
from leadtui.text import fold

LIMIT = 50
"""Completions returned at most; nobody reads more."""

Offers = Callable[[str, str], list[str]]
"""Gives the values of a field (its key) that begin with a text, from where only the database knows them."""

_OPENED = re.compile(r"-*\(*")
_FIELD = re.compile(r"([^\W\d][\w.-]*)(?::(?:>=|<=|!=|[=<>~^])?|>=|<=|!=|[=<>])")
_PLAIN = re.compile(r"[\w+@.#&%/-][\w+@.#&%/:'-]*")
_SYMBOLS = re.compile(r"(?:>=|<=|!=|[=<>~^])?")
_DATE_WORDS = {
    "today": "", "yesterday": "", "tomorrow": "", "overdue": "before today", "due": "up to and including today",
    "upcoming": "after today", "this-week": "", "last-week": "", "next-week": "", "this-month": "", "last-month": "",
    "this-year": "", "-7d": "seven days ago", "+7d": "in seven days", "none": "no date",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Completion:
    """Replace `[start:end]` of the line by `text`; show `label` with `help` beside it. Positions are 0-based."""

    start: int
    end: int
    text: str
    label: str
    help: str


def complete(
    text: str, cursor: int, fields: Mapping[str, FilterField], values: Offers | None = None
) -> list[Completion]:
    """Return what could stand at `cursor` (0-based, between characters), best first, at most `LIMIT`.

    `values(field, prefix)` gives values only the database knows (statuses, logins, tags); it is asked for fields
    without choices of their own and may be slow: call this from a worker when it is. Text that no filter could continue
    gives an empty list; nothing is raised.
    """
    catalogue = Catalogue.of(fields)
    cursor = max(0, min(cursor, len(text)))
    start = _token_start(text[:cursor])
    opened = _OPENED.match(text, start, cursor)
    start = opened.end() if opened else start
    typed = text[start:cursor]
    found = _FIELD.match(typed)
    if found is None:
        return _names(catalogue, typed, start, cursor) if re.fullmatch(r"[\w.-]*", typed) else []
    entry = catalogue.find(found[1])
    if entry is None:
        return []
    value_at = start + _last_value(typed, found.end())
    return _values(catalogue, entry, text, (value_at, cursor), values)


def _token_start(before: str) -> int:
    """Where the term under the cursor begins: after the last blank that is not inside quotes."""
    start, quote, escaped = 0, "", False
    for position, char in enumerate(before):
        if quote:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == quote:
                quote = ""
        elif char in "\"'" and (position == start or before[position - 1] in ":,=<>~^.(-"):
            quote = char
        elif char.isspace() or char == ")":
            start = position + 1
        elif char == "(" and position > start and before[position - 1] not in "-(":
            start = position
    return start


def _last_value(typed: str, at: int) -> int:
    """Where the last value of `field:a,b` or of `field:a..b` begins in `typed`, quotes respected."""
    start, quote, position = at, "", at
    while position < len(typed):
        char = typed[position]
        if quote:
            if char == "\\":
                position += 1
            elif char == quote:
                quote = ""
        elif char in "\"'" and position == start:
            quote = char
        elif char == ",":
            symbol = _SYMBOLS.match(typed, position + 1)
            start = symbol.end() if symbol else position + 1
            position = start - 1
        elif typed.startswith("..", position):
            start = position + 2
            position += 1
        position += 1
    return start


def _names(catalogue: Catalogue, typed: str, start: int, end: int) -> list[Completion]:
    wanted = fold(typed).replace("-", "_")
    found: list[tuple[int, Completion]] = []
    for entry in catalogue.values():
        spellings = [entry.key, *entry.aliases]
        if entry.key == "custom":
            spellings = [typed_name(f"custom.{choice}") for choice in entry.choices or ()] or ["custom."]
        for rank, spelling in enumerate(spellings):
            if fold(spelling).replace("-", "_").startswith(wanted):
                text = spelling if spelling.endswith(".") else f"{spelling}:"
                found.append((rank, Completion(start, end, text, text, entry.help)))
                if entry.key != "custom":
                    break  # one spelling of a field is enough
    # The whole spelling of a key first, then the order of the catalogue.
    found.sort(key=lambda one: one[0])
    return [completion for _, completion in found[:LIMIT]]


def _values(
    catalogue: Catalogue, entry: FilterField, text: str, span: tuple[int, int], values: Offers | None
) -> list[Completion]:
    start, end = span
    wanted = text[start:end].strip("\"'").replace('\\"', '"').replace("\\\\", "\\")
    offered = _offers(catalogue, entry)
    if offered is None:
        own = {"me": "you", "none": "nobody"} if entry.kind == "user" else {}
        from_store = values(entry.key, wanted) if values is not None else []
        offered = {**own, **dict.fromkeys(from_store, ""), **({} if own else {"none": "no value"})}
    folded = fold(wanted)
    starting = [word for word in offered if fold(word).startswith(folded)]
    within = [word for word in offered if folded in fold(word) and word not in starting]
    return [Completion(start, end, _written(word), word, offered[word]) for word in [*starting, *within][:LIMIT]]


def _offers(catalogue: Catalogue, entry: FilterField) -> dict[str, str] | None:
    """Words the kind itself knows, with their help, or `None` where only the database does."""
    if entry.kind in DATES:
        return _DATE_WORDS
    if entry.kind == "is":
        return dict.fromkeys(entry.choices or IS_WORDS, "")
    if entry.kind == "missing":
        return {
            one.key: one.help for one in catalogue.values() if one.kind not in NEVER_MISSING and one.key != "custom"
        }
    if entry.kind == "bool":
        return {"yes": "", "no": ""}
    if entry.kind in ("number", "money"):
        return {"none": "no value"}
    return dict.fromkeys((*entry.choices, "none"), "") if entry.choices is not None else None


def _written(word: str) -> str:
    return word if _PLAIN.fullmatch(word) and ".." not in word else in_quotes(word)
