"""Which column of a stranger's file is which field of a lead."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from leadtui.errors import Invalid
from leadtui.text import fold, slug

from .fields import BY_KEY, LEAD_FIELDS, find_field, header_key

REJECT_REASON = "reject_reason"
"""The column of a rejects file that says why; ignored when the mended file is imported."""

HISTORY = frozenset({"created_at", "converted_at", "lost_reason", "conversion_notes"})
"""Fields nobody edits but a file may bring for leads that are new here: what happened before leadtui."""

AGE_STATED = "custom.age_stated"  # spec AG22: a typed age with no birth date

# In this order they make one name.
_NAME_PARTS = {
    "title": 0,
    "salutation": 0,
    "first name": 1,
    "firstname": 1,
    "given name": 1,
    "forename": 1,
    "middle name": 2,
    "middlename": 2,
    "other name": 2,
    "other names": 2,
    "second name": 2,
    "last name": 3,
    "lastname": 3,
    "surname": 3,
    "family name": 3,
}
# Columns of our own exports that are no fields, and what people number their rows with.
_SILENT = frozenset({"id", "version", "router user", "reject reason", "#", "no", "no.", "sn", "s/n", "row"})
_IGNORE_WORDS = frozenset({"", "-", "none", "ignore", "skip"})

_REMARK = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")  # "Agreed Installation Fee (KES)", "Current ISP (if any)"
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")  # "installationFee"
_CUSTOM = re.compile(r"[^\W_][\w-]{0,39}")

Join = Literal["first", "words", "lines"]


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """What becomes of one column: `target` is a field key, `custom.NAME`, or None (left out); `note` says why."""

    index: int
    header: str
    target: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class HeaderMap:
    """The plan for all columns. `unknown` are headers that name nothing and were left out."""

    columns: tuple[ColumnPlan, ...]
    unknown: tuple[str, ...]

    @property
    def targets(self) -> dict[str, tuple[int, ...]]:
        """Field key → the columns that feed it, in order."""
        found: dict[str, list[int]] = {}
        parts = {c.index: _NAME_PARTS.get(header_key(c.header), 9) for c in self.columns}
        for c in self.columns:
            if c.target is not None:
                found.setdefault(c.target, []).append(c.index)
        return {
            target: tuple(sorted(cells, key=lambda i: (parts[i], i)) if target == "name" else cells)
            for target, cells in found.items()
        }

    def join(self, target: str) -> Join:
        """How several columns for one field become one text."""
        headers = [header_key(c.header) for c in self.columns if c.target == target]
        if target == "name" and any(h in _NAME_PARTS for h in headers):
            return "words"
        f = BY_KEY.get(target)
        return "lines" if f is not None and f.kind == "block" else "first"

    def as_json(self) -> dict[str, str | None]:
        """Header → target, as `import_run` remembers it."""
        return {c.header: c.target for c in self.columns}


def header_hash(headers: Sequence[str]) -> str:
    """One short word for a set of headers: the same headers in any spelling and order give the same word."""
    return hashlib.sha256("\x1f".join(sorted(header_key(h) for h in headers)).encode()).hexdigest()[:32]


def map_headers(
    headers: Sequence[str],
    *,
    chosen: Mapping[str, str] | None = None,
    remembered: Mapping[str, str | None] | None = None,
    hidden: Iterable[str] = (),
) -> HeaderMap:
    """Plan the columns: what the person chose (`--map`), else what was chosen for these headers before, else the names.

    Raises:
        Invalid: `chosen` names a column the file has not, or a field that does not exist or cannot be imported.
    """
    wanted = _chosen(headers, chosen or {}, frozenset(hidden))
    known = {header_key(h): t for h, t in (remembered or {}).items()}
    plans: list[ColumnPlan] = []
    unknown: list[str] = []
    for index, header in enumerate(headers):
        key = header_key(header)
        if index in wanted:
            plan = ColumnPlan(index, header, wanted[index], "as you said")
        elif key in known and (known[key] is None or _importable(known[key] or "", hidden)):
            plan = ColumnPlan(index, header, known[key], "as last time")
        else:
            plan = _by_name(index, header, hidden)
            if plan.target is None and not plan.note:
                unknown.append(header or f"column {index + 1}")
                plan = ColumnPlan(index, header, None, "names no field")
        plans.append(plan)
    return HeaderMap(_second_phone(plans), tuple(unknown))


def _by_name(index: int, header: str, hidden: Iterable[str]) -> ColumnPlan:
    key = header_key(header)
    if key in _SILENT:
        return ColumnPlan(index, header, None, "not a field of a lead")
    if key in _NAME_PARTS:
        return ColumnPlan(index, header, "name", "part of the name")
    if header.strip().casefold().startswith("custom."):
        name = _custom(header)
        return ColumnPlan(index, header, f"custom.{name}" if name else None)
    found = find_field(header) or find_field(_CAMEL.sub(" ", _REMARK.sub("", header)))
    if found is None:
        return ColumnPlan(index, header, None)
    if found.key == "age":
        return ColumnPlan(index, header, AGE_STATED, "kept where no birth date is given")
    if not _importable(found.key, hidden):
        return ColumnPlan(index, header, None, "leadtui computes this itself")
    return ColumnPlan(index, header, found.key)


def _importable(target: str, hidden: Iterable[str]) -> bool:
    if target.startswith("custom."):
        return bool(_custom(target))
    f = BY_KEY.get(target)
    return f is not None and (f.editable or target in HISTORY) and target not in frozenset(hidden)


def _custom(text: str) -> str:
    """The name of a custom field as `lead_values.custom_name` takes it: folded, `_` for blanks, at most 40 long."""
    name = "_".join(fold(text.strip()[len("custom.") :]).split())
    return name if _CUSTOM.fullmatch(name) else slug(name).replace("-", "_")[:40]


def _second_phone(plans: list[ColumnPlan]) -> tuple[ColumnPlan, ...]:
    """Of two columns that both mean "phone" the later one is the second phone, if the file has no other."""
    phones = [i for i, p in enumerate(plans) if p.target == "phone" and not p.note]
    if len(phones) > 1 and not any(p.target == "alt_phone" for p in plans):
        later = plans[phones[1]]
        plans[phones[1]] = ColumnPlan(later.index, later.header, "alt_phone", "a second phone")
    return tuple(plans)


def _chosen(headers: Sequence[str], chosen: Mapping[str, str], hidden: frozenset[str]) -> dict[int, str | None]:
    wanted: dict[int, str | None] = {}
    for column, word in chosen.items():
        indexes = [i for i, h in enumerate(headers) if header_key(h) == header_key(column)]
        if not indexes and column.strip().isdigit() and 0 < int(column) <= len(headers):
            indexes = [int(column) - 1]
        if not indexes:
            shown = ", ".join(headers[:15])
            raise Invalid(f"the file has no column '{column}'", field="map", hint=f"its columns: {shown}")
        for index in indexes:
            wanted[index] = _target(word, hidden)
    return wanted


def _target(word: str, hidden: frozenset[str]) -> str | None:
    if header_key(word) in _IGNORE_WORDS:
        return None
    if word.strip().casefold().startswith("custom."):
        name = _custom(word)
        if name:
            return f"custom.{name}"
    found = find_field(word)
    if found is None or not _importable(found.key, hidden):
        names = ", ".join(f.key for f in LEAD_FIELDS if _importable(f.key, hidden))
        problem = "there is no field" if found is None else "an import cannot set the field"
        raise Invalid(f"{problem} '{word}'", field="map", hint=f"one of: {names}, or custom.NAME, or - to leave it out")
    return found.key
