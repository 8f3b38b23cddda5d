"""Rules as rows of a list, and in sentences. Data and pure functions, no screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from leadtui.widgets.columns import Column
from leadtui.widgets.text import one_line

SCORE_COLUMNS: Final = (
    Column("pipeline", "Pipeline", 11, min_width=8, drop=2),
    Column("group", "Group", 13, min_width=11),
    Column("name", "Rule", 20, min_width=18, grow=2),
    Column("points", "Points", 13, min_width=13),
    Column("when", "When", 22, min_width=8, grow=2),
    Column("leads", "Leads", 8, min_width=6, align="right"),
    Column("state", "", 4, min_width=4),
)
ASSIGN_COLUMNS: Final = (
    Column("place", "#", 2, min_width=2, align="right"),
    Column("pipeline", "Pipeline", 11, min_width=8, drop=3),
    Column("name", "Rule", 20, min_width=18, grow=1),
    Column("kind", "Kind", 14, min_width=12, drop=4),
    Column("does", "Does", 34, min_width=30, grow=3),
    Column("when", "Only leads", 18, min_width=10, grow=1, drop=2),
    Column("state", "", 4, min_width=4),
)

KINDS: Final[Mapping[str, str]] = {
    "area": "who serves the lead's area",
    "type": "who knows what the lead wants",
    "price": "whose price band holds the lead's budget",
    "source": "who works the lead's source",
    "branch": "who is of the lead's branch",
    "language": "who speaks the lead's language",
    "workload": "fewest open leads first",
    "performance": "those who convert well first",
    "round_robin": "one after the other, in turn",
    "first_to_claim": "offered to all who are left, the first has it",
}
"""What each kind of step does, in a sentence."""
NARROWS: Final = frozenset({"area", "type", "price", "source", "branch", "language"})
"""Kinds that keep some of the agents; the others put them in order, or offer."""

AUTOMATIC: Final[Mapping[str, tuple[str, str]]] = {
    "off": ("leads are assigned by hand", "these rules choose only where somebody says auto"),
    "intake": ("leads from elsewhere are assigned by themselves", "bookings, website forms, the API, webhooks"),
    "all": ("all new leads are assigned by themselves", "also those that are typed in or imported without an owner"),
}
"""The setting `auto_assign`: what it says, and more of it."""

AT_THE_END: Final[Mapping[str, tuple[str, str]]] = {
    "score": ("It is the first of its group", "It is the last of its group"),
    "assign": ("It is the first step", "It is the last step"),
}
"""Why a rule cannot go up, or down."""


def points_words(row: Mapping[str, Any]) -> str:
    """ "+15", "+2 each ≤ 20", "-5"."""
    points = f"{int(row.get('points') or 0):+d}"
    if row.get("mode") != "per_unit":
        return points
    cap = row.get("cap")
    return f"{points} each" + (f" ≤ {abs(int(cap))}" if cap is not None else "")


def cell_text(row: Mapping[str, Any], key: str, counts: Mapping[int, int]) -> str:
    """The text of a cell of either list."""
    match key:
        case "state":
            return "" if row["is_active"] else "off"
        case "points":
            return points_words(row)
        case "leads":
            found = counts.get(int(row["id"]))
            return "…" if found is None else f"{found:,}"
        case "pipeline":
            return one_line(row.get("pipeline") or "every")
        case "when":
            return one_line(row.get("when") or (str(row.get("per") or "") and f"each of {row['per']}") or "always")
        case "kind":
            return str(row.get("kind") or "").replace("_", " ")
        case _:
            value = row.get(key)
            return "" if value is None else one_line(value)


def sentence(row: Mapping[str, Any], counts: Mapping[int, int]) -> str:
    """A rule in words: what it gives, when, for how many leads now, and what is wrong with it."""
    parts: list[str] = []
    if row.get("problem"):
        parts.append(f"does nothing: {row['problem']}")
    if "points" in row:
        parts.append(str(row["words"]))
        if (count := counts.get(int(row["id"]))) is not None:
            parts.append(f"holds for {count:,} lead{'' if count == 1 else 's'}")
    else:
        parts.append(row.get("does") or KINDS.get(str(row.get("kind")), ""))
        if row.get("when"):
            parts.append(f"only for leads of {row['when']}")
    if not row["is_active"]:
        parts.append("switched off")
    return one_line("; ".join(part for part in parts if part))
