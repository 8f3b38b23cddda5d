"""Points for what is known of a lead: rules as data, and a score that says which rule gave how much. Pure (spec §K).

    points of a rule      flat: once · per_unit: for each whole unit of a number, at most `cap` in all · first_match: of
                          such rules of one group only the first that holds counts
    raw                   all points, and those that triggers gave on top (`bonus`)
    score                 raw within 0 to 100; None where there is no rule and no bonus

What is unknown of a lead gives no points, whatever the rule (AH6, AJ6): no condition holds for it, no unit is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from math import floor, isfinite
from typing import Any, Final

from leadtui.errors import Invalid

from .conditions import ALWAYS, Condition
from .fact_tests import Facts
from .fields import LEAD_FIELDS
from .money import exponent

MODES: Final = ("flat", "per_unit", "first_match")
LOWEST, HIGHEST = 0, 100
MOST_POINTS: Final = 1_000
"""So many a rule gives or takes for one unit."""
MOST_CAP: Final = 10_000
BONUS: Final = "given by triggers"
"""How the points that triggers gave are called among those of rules."""
_MOST: Final = 1_000_000_000
"""Beyond it nothing is counted: a counter that ran away must still fit into the database."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A scoring rule. `when` is the text of `condition`; `field` and `unit` are of mode per_unit: a fact, and how many
    of what it holds make one (100 minor units one unit of money).
    """

    id: int
    key: str
    name: str
    group: str
    mode: str
    points: int
    when: str = ""
    field: str | None = None
    cap: int | None = None
    order: int = 0
    is_active: bool = True
    unit: int = 1
    condition: Condition = attribute(default=ALWAYS, compare=False, repr=False)

    @property
    def keys(self) -> frozenset[str]:
        """The facts it looks at."""
        return self.condition.keys | ({self.field} if self.field else frozenset())


@dataclass(frozen=True, slots=True)
class Line:
    """What one rule gave."""

    rule_id: int
    key: str
    name: str
    group: str
    points: int


@dataclass(frozen=True, slots=True)
class Score:
    """A lead's score with its reasons: a line per rule in their order, those that gave nothing among them."""

    lines: tuple[Line, ...]
    bonus: int
    raw: int
    score: int | None

    @property
    def given(self) -> tuple[Line, ...]:
        """The lines that gave or took points."""
        return tuple(line for line in self.lines if line.points)


def worth(rule: Rule, facts: Facts) -> int:
    """The points this rule alone gives; first matches of its group are `combine`'s affair."""
    if not rule.condition.holds(facts):
        return 0
    if rule.mode != "per_unit":
        return rule.points
    units = _units(rule, facts)
    points = rule.points * units
    if rule.cap is not None:
        points = max(-rule.cap, min(rule.cap, points))
    return max(-_MOST, min(_MOST, points))


def _units(rule: Rule, facts: Facts) -> int:
    value = facts.get(rule.field or "")
    if value is None or isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return 0
    return floor(value / rule.unit) if isinstance(value, float) else value // rule.unit


def combine(rules: Sequence[Rule], worths: Sequence[int], *, bonus: int = 0, holds: Sequence[bool] = ()) -> Score:
    """A score of what each rule is worth alone. `holds` says which conditions hold, where a rule may hold for nothing:
    a first match of 0 points closes its group too; without it a rule holds that is worth something.
    """
    taken: set[str] = set()
    lines = []
    total = bonus
    for place, rule in enumerate(rules):
        points = worths[place]
        if rule.mode == "first_match":
            points = 0 if rule.group in taken else points
            if holds[place] if holds else points:
                taken.add(rule.group)
        total += points
        lines.append(Line(rule.id, rule.key, rule.name, rule.group, points))
    raw = max(-_MOST, min(_MOST, total))
    return Score(tuple(lines), bonus, raw, clamped(raw) if rules or bonus else None)


def clamped(raw: int) -> int:
    """A raw sum as the score it is shown as."""
    return max(LOWEST, min(HIGHEST, raw))


def score(rules: Sequence[Rule], facts: Facts, *, bonus: int = 0) -> Score:
    """The score of a lead of these facts, by active rules in their order."""
    holds = [rule.condition.holds(facts) for rule in rules]
    worths = [worth(rule, facts) if held else 0 for rule, held in zip(rules, holds, strict=True)]
    return combine(rules, worths, bonus=bonus, holds=holds)


def total(rules: Sequence[Rule], facts: Facts, bonus: int = 0) -> tuple[int, int | None]:
    """`score` as raw and clamped number only: what is asked for of very many leads."""
    taken: set[str] = set()
    raw = bonus
    for rule in rules:
        if rule.mode == "first_match":
            if rule.group in taken or not rule.condition.test(facts):
                continue
            taken.add(rule.group)
            raw += rule.points
        else:
            raw += worth(rule, facts)
    raw = max(-_MOST, min(_MOST, raw))
    return raw, clamped(raw) if rules or bonus else None


@dataclass(frozen=True, slots=True)
class Explained:
    """A lead's score with its reasons, as the rules stand now."""

    lead_id: int
    lead_number: str
    score: int | None
    raw: int | None
    bonus: int
    hot: bool
    qualified: bool
    lines: tuple[Line, ...]
    """A line per rule in their order, those without points too."""

    @property
    def given(self) -> tuple[Line, ...]:
        """The lines that gave or took points."""
        return tuple(line for line in self.lines if line.points)

    def reasons(self) -> list[tuple[str, int]]:
        """What gave or took points, with how many; what counts most first."""
        given = [(line.name, line.points) for line in self.given] + ([(BONUS, self.bonus)] if self.bonus else [])
        return sorted(given, key=lambda one: -abs(one[1]))

    def breakdown(self) -> list[dict[str, Any]]:
        """`score_breakdown` of the contract: what gave or took points, what triggers gave at the end."""
        found: list[dict[str, Any]] = [{"rule": x.name, "group": x.group, "points": x.points} for x in self.given]
        return found + ([{"rule": BONUS, "group": "triggers", "points": self.bonus}] if self.bonus else [])

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "lead_id": self.lead_id, "lead_number": self.lead_number, "score": self.score, "raw_score": self.raw,
            "bonus": self.bonus, "hot": self.hot, "qualified": self.qualified, "score_breakdown": self.breakdown(),
        }  # fmt: skip


# -- what a rule may be ------------------------------------------------------------------------------------------------
_COUNTED: Final = ("int", "number", "money")
_NO_UNIT: Final = frozenset({"lat", "lon", "score", "customer_id", "preferred_hour"})

NUMBER_FIELDS: Final[Mapping[str, str]] = {
    **{one.key: one.label for one in LEAD_FIELDS if one.kind in _COUNTED and one.key not in _NO_UNIT},
    "age": "Age",
}
"""The fields a rule may count units of, with their labels."""


def unit_of(key: str | None, currency: str) -> int:
    """How many of what a fact holds make one unit."""
    money = any(one.key == key and one.kind == "money" for one in LEAD_FIELDS)
    return int(10 ** exponent(currency)) if money else 1


def check_rule(row: Mapping[str, Any]) -> None:
    """Whether a rule can be (columns of `scoring_rule`), its condition aside. Raises Invalid with its field."""
    if not row.get("name"):
        raise Invalid("a name is needed", field="name", code="required")
    if not row.get("group"):
        raise Invalid("a group is needed", field="group", code="required", hint="such as engagement")
    mode, points, cap, per = row["mode"], row.get("points"), row.get("cap"), row.get("field")
    if mode not in MODES:
        raise Invalid(f"'{mode}' is no way to count points", field="mode", hint="one of: " + ", ".join(MODES))
    if points is None:
        raise Invalid("how many points?", field="points", code="required", hint="such as 10 or -5")
    if abs(points) > MOST_POINTS:
        raise Invalid(
            f"{points:,} points are too many", field="points", hint=f"at most {MOST_POINTS:,}, or -{MOST_POINTS:,}"
        )
    if mode == "per_unit":
        if per not in NUMBER_FIELDS:
            known = ", ".join(NUMBER_FIELDS)
            raise Invalid(f"'{per or ''}' is nothing to count", field="per", hint=f"one of: {known}")
    elif per:
        raise Invalid("a first match counts nothing: it gives its points once", field="per", hint="one or the other")
    if cap is not None:
        if mode != "per_unit":
            raise Invalid("only points per unit need a cap", field="cap", hint="--per FIELD --cap N")
        if not 0 < cap <= MOST_CAP:
            raise Invalid(
                f"a cap of {cap:,} makes no sense", field="cap", hint=f"from 1 to {MOST_CAP:,}, without a sign"
            )


def rule_words(row: Mapping[str, Any]) -> str:
    """What a rule gives, in words: "+2 for each Page views, at most 20", "+15 if city:Nairobi"."""
    points = int(row["points"])
    words = f"{points:+d}"
    if row["mode"] == "per_unit":
        words += f" for each of {NUMBER_FIELDS.get(row['field'] or '', row['field'] or '?').lower()}"
        if row.get("cap") is not None:
            words += f", at most {'-' if points < 0 else ''}{row['cap']}"
    if row.get("condition"):
        words += f" if {row['condition']}"
    if row["mode"] == "first_match":
        words += f", first of {row['group']}"
    return words
