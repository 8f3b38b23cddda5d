"""Which fields a filter may name, what kind of value each takes, and what to suggest for a name that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from leadtui.text import fold

Kind = Literal[
    "text",
    "name",
    "money",
    "number",
    "date",
    "datetime",
    "bool",
    "choice",
    "user",
    "tag",
    "phone",
    "is",
    "missing",
    "custom",
]

ORDERED = frozenset({"money", "number", "date", "datetime", "custom"})
"""Kinds that have before and after: they take `< <= > >=` and ranges."""

TEXTUAL = frozenset({"text", "name", "phone", "custom"})
"""Kinds whose values can be found by a part of them (`~`, a trailing `*`)."""

PARTIAL = frozenset({"text", "name", "phone"})
"""Kinds where `field:value` finds a part; everywhere else it means equal."""

DATES = frozenset({"date", "datetime"})

NEVER_MISSING = frozenset({"is", "missing"})
"""Kinds that are questions about the lead, not values it may lack."""

IS_WORDS = ("active", "converted", "deleted", "hot", "lost", "parked", "protected", "unassigned")
"""What `is:` takes when the catalogue says nothing else."""

BOOL_WORDS = {
    "yes": "true",
    "true": "true",
    "y": "true",
    "1": "true",
    "no": "false",
    "false": "false",
    "n": "false",
    "0": "false",
}

RESERVED = frozenset({"text", "search"})
"""Names that mean bare words in criteria JSON (spec §W 164)."""


@dataclass(frozen=True, slots=True)
class FilterField:
    """One field a filter may name.

    `key` is what the tree carries; `aliases` are other spellings people may type; `choices` the only values it takes
    (`None`: the database decides, at query time); `help` one line for completion. The entry of kind `custom` stands for
    every `custom.NAME`, its `choices` are the names there are; an entry keyed `custom.NAME` gives one of them its own
    kind.
    """

    key: str
    kind: Kind
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] | None = None
    help: str = ""


_NOT_NAME = re.compile(r"[^\w.]+")
NAME = re.compile(r"[^\W\d][\w.-]*")
"""What a field's name looks like in filter text."""


def _name(text: str) -> str:
    """A name as compared: `Move-in date` of a custom field is typed `move_in_date`."""
    return _NOT_NAME.sub("_", fold(text))


def typed_name(key: str) -> str:
    """Return `key` as filter text can spell it: a custom field's blanks and signs become `_`, which finds it again."""
    return key if NAME.fullmatch(key) else _NOT_NAME.sub("_", key)


class Catalogue(Mapping[str, FilterField]):
    """The fields of a filter by key. Built once and kept: it also holds every spelling of every name."""

    def __init__(self, fields: Mapping[str, FilterField] | Iterable[FilterField]) -> None:
        found = fields.values() if isinstance(fields, Mapping) else fields
        self._fields = {entry.key: entry for entry in found}
        self._names: dict[str, FilterField] = {}
        for entry in self._fields.values():
            for alias in entry.aliases:
                self._names.setdefault(_name(alias), entry)
        # Keys last, over the aliases: a field always answers to its own name.
        self._names |= {_name(key): entry for key, entry in self._fields.items()}

    def __getitem__(self, key: str) -> FilterField:
        return self._fields[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    @classmethod
    def of(cls, fields: Mapping[str, FilterField]) -> Catalogue:
        """Return `fields` as a catalogue, itself when it is one."""
        return fields if isinstance(fields, Catalogue) else cls(fields)

    def find(self, name: str) -> FilterField | None:
        """Return the field that `name` spells: key or alias, any case, `-` as `_`; `custom.NAME` too."""
        found = self._names.get(_name(name))
        if found is not None:
            return found
        head, dot, tail = name.partition(".")
        family = self._names.get("custom")
        if not dot or _name(head) != "custom" or family is None:
            return None
        if family.choices is None:
            return FilterField(f"custom.{tail}", "custom") if re.fullmatch(r"[\w.-]+", tail) else None
        own = {_name(choice): choice for choice in family.choices}.get(_name(tail))
        return FilterField(f"custom.{own}", "custom") if own else None

    def suggestions(self, name: str) -> str:
        """Return what could stand where `name` stands: the nearest names, or a few examples."""
        family = self._names.get("custom")
        names = list(self._names)
        if family is not None and family.choices:
            names += [typed_name(f"custom.{choice}") for choice in family.choices]
        return nearest(_name(name), names) or "a field such as " + ", ".join(list(self._fields)[:6])


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the words most like `word` as "a, b or c", or "" when none is near."""
    import difflib

    spelled = {fold(one): one for one in words}
    near = [spelled[one] for one in difflib.get_close_matches(fold(word)[:60], spelled, n=3, cutoff=0.6)]
    return listing(near)


def listing(words: Iterable[str]) -> str:
    """Return words as a sentence has them: "a, b or c"."""
    *head, last = list(words) or [""]
    return f"{', '.join(head)} or {last}" if head else last


def quoted(text: str) -> str:
    """Return `text` in quotes for a message, its tail left out when it is long."""
    return f'"{text}"' if len(text) <= 60 else f'"{text[:59]}…"'
