"""What is worth noting that a lead reaches once: conditions over its activities and its status (spec §U, AJ31). Pure.

A condition is data: `{"types": [...], "outcomes": [...], "not_outcomes": [...], "count": 5, "stage": "converted"}`.
Done activities of the types (any when left out), with one of the outcomes, without those others, must be at least
`count` (1); `stage` asks what the lead's status means. All that is given must be true.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from leadtui.errors import Invalid

from .activity_types import LOG_TYPES
from .catalog import Stage

COUNTED: Final = frozenset({*LOG_TYPES, "document"})
"""The kinds of activity that a milestone may count: contacts and what people log, not what the program writes."""

STAGE_WORDS: Final[tuple[str, ...]] = ("converted", "lost", "parked")
"""What a status may mean, as a condition asks for it."""

_ASKED: Final = ("types", "outcomes", "not_outcomes", "count")

MOST: Final = 10_000
"""No milestone asks for more activities."""


@dataclass(frozen=True, slots=True)
class MilestoneItem:
    """One definition."""

    id: int
    key: str
    name: str
    order: int
    condition: Mapping[str, Any]
    is_active: bool = True

    @property
    def counts(self) -> bool:
        """Whether it asks for activities."""
        return any(self.condition.get(key) not in (None, []) for key in _ASKED)

    @property
    def words(self) -> str:
        """The condition, for a list: "5 × call, email", "converted"."""
        c, parts = self.condition, []
        if self.counts:
            count = int(c.get("count") or 1)
            kinds = ", ".join(str(one).replace("_", " ") for one in c.get("types") or ()) or "any activity"
            parts.append((f"{count} × " if count > 1 else "") + kinds)
            if c.get("outcomes"):
                parts.append("with " + " or ".join(str(one).replace("_", " ") for one in c["outcomes"]))
            if c.get("not_outcomes"):
                parts.append("not " + ", ".join(str(one).replace("_", " ") for one in c["not_outcomes"]))
        if c.get("stage"):
            parts.append(str(c["stage"]))
        return " · ".join(parts)


def item_from(row: Mapping[Any, Any]) -> MilestoneItem:
    """A row of the table."""
    return MilestoneItem(
        row["id"], row["key"], row["name"], row["order"], row["condition_json"] or {}, row["is_active"]
    )


def check_condition(condition: Mapping[str, Any]) -> None:
    """Whether a condition asks for anything, and only for what can be. Raises Invalid with its field."""
    item = MilestoneItem(0, "", "", 0, condition)
    if not item.counts and not condition.get("stage"):
        raise Invalid("a milestone needs a condition", field="types", hint="give types, a count, or a stage")
    for kind in condition.get("types") or ():
        if kind not in COUNTED:
            raise Invalid(f"'{kind}' cannot be counted", field="types", hint="of: " + ", ".join(sorted(COUNTED)))
    if condition.get("stage") and condition["stage"] not in STAGE_WORDS:
        raise Invalid(
            f"'{condition['stage']}' is not what a status can mean", field="stage",
            hint="one of: " + ", ".join(STAGE_WORDS),
        )  # fmt: skip
    count = condition.get("count")
    if count is not None and not 1 <= int(count) <= MOST:
        raise Invalid("a count is 1 or more", field="count", hint=f"from 1 to {MOST}")


def is_reached(condition: Mapping[str, Any], done: Iterable[tuple[str, str | None, int]], stage: Stage) -> bool:
    """Whether a lead in `stage` fulfils it. `done` are its done activities as (type, outcome, how many)."""
    meant = condition.get("stage")
    if meant and not {"converted": stage.is_converted, "lost": stage.is_lost, "parked": stage.is_parked}.get(meant):
        return False
    if not any(condition.get(key) not in (None, []) for key in _ASKED):
        return bool(meant)
    types, outcomes = condition.get("types") or COUNTED, condition.get("outcomes")
    without = condition.get("not_outcomes") or ()
    found = sum(
        many
        for kind, outcome, many in done
        if kind in types and (not outcomes or outcome in outcomes) and outcome not in without
    )
    return found >= int(condition.get("count") or 1)
