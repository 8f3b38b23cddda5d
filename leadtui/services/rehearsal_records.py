"""What a rehearsal of rules answers: for the command line, the screens and tests alike. Rates are shares, 0 to 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leadtui.domain.dates import iso_z
from leadtui.domain.lift import Alone, Band, Replayed, Share, percent, rounded


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the rules that is tried: `act` add, edit, enable, disable, switch (over) or remove of
    `rule` (its id, key or name).

    `values` are texts as they are typed in the form: those of `score_rules.add` or `routing_rules.add`.
    """

    act: str
    rule: str | int | None = None
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Changes that are made together, under a name."""

    label: str
    changes: tuple[Change, ...]


# -- scores ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Quality:
    """How well scores tell who converts. `lift`: the best fifth by score against all; `auc`: 0.5 is worth nothing."""

    base_rate: float | None
    top_rate: float | None
    lift: float | None
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    hot: Share
    qualified: Share
    bands: tuple[Band, ...]

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "base_rate": percent(self.base_rate), "top_rate": percent(self.top_rate), "lift": rounded(self.lift),
            "auc": rounded(self.auc), "auc_low": rounded(self.auc_low), "auc_high": rounded(self.auc_high),
            "hot": self.hot.as_json(), "qualified": self.qualified.as_json(),
            "bands": [one.as_json() for one in self.bands],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mover:
    """A lead that crosses a line: what its score would have been before and after, and what came of it."""

    lead_id: int
    lead_number: str
    name: str | None
    before: int
    after: int
    converted: bool
    lost: bool
    at: datetime

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "lead_id": self.lead_id, "lead_number": self.lead_number, "name": self.name, "before": self.before,
            "after": self.after, "converted": self.converted, "lost": self.lost, "at": iso_z(self.at),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Load:
    """How much falls to one agent, before and after; `login` None: to nobody."""

    login: str | None
    name: str
    before: int
    after: int

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"login": self.login, "name": self.name, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class ScoreCandidate:
    """Scores after some changes, against those of the present rules over the same leads.

    `verdict`: better, worse, same, or unclear where the gain may be chance. `load`: hot leads by who had them then.
    """

    place: int
    label: str
    words: tuple[str, ...]
    quality: Quality
    auc_gain: float | None
    gain_low: float | None
    gain_high: float | None
    lift_gain: float | None
    verdict: str
    says: str
    became_hot: Share
    no_longer_hot: Share
    became_qualified: Share
    no_longer_qualified: Share
    movers: tuple[Mover, ...]
    load: tuple[Load, ...]

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "place": self.place, "label": self.label, "changes": list(self.words), "quality": self.quality.as_json(),
            "auc_gain": rounded(self.auc_gain, 4), "gain_low": rounded(self.gain_low, 4),
            "gain_high": rounded(self.gain_high, 4), "lift_gain": rounded(self.lift_gain), "verdict": self.verdict,
            "says": self.says, "became_hot": self.became_hot.as_json(),
            "no_longer_hot": self.no_longer_hot.as_json(), "became_qualified": self.became_qualified.as_json(),
            "no_longer_qualified": self.no_longer_qualified.as_json(),
            "movers": [one.as_json() for one in self.movers], "load": [one.as_json() for one in self.load],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleWorth:
    """What one rule tells by itself. `auc`: of its points alone · `unknown`: leads of whom it is not known what the
    rule looks at.
    """

    place: int
    key: str
    name: str
    group: str
    gives: str
    is_active: bool
    is_new: bool
    alone: Alone
    auc: float | None
    unknown: int

    @property
    def certainty(self) -> str:
        """none, few, unsure or sure."""
        return self.alone.certainty

    @property
    def says(self) -> str:
        """One sentence for a person."""
        unknown = f"; unknown of {self.unknown:,} as of then" if self.unknown else ""
        return self.alone.says + unknown

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "place": self.place, "key": self.key, "name": self.name, "group": self.group, "gives": self.gives,
            "is_active": self.is_active, "is_new": self.is_new, "having": self.alone.having.as_json(),
            "others": self.alone.rest.as_json(), "lift": rounded(self.alone.lift), "auc": rounded(self.auc),
            "certainty": self.certainty, "unknown": self.unknown, "says": self.says,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rehearsed:
    """What both kinds of rehearsal say of the leads they went through."""

    pipeline: str
    date_from: datetime
    date_to: datetime
    months: int
    settle_days: int
    leads: int
    converted: int
    lost: int
    left_out: Mapping[str, int]
    notes: tuple[str, ...]

    def _told(self) -> dict[str, Any]:
        return {
            "pipeline": self.pipeline, "from": iso_z(self.date_from), "to": iso_z(self.date_to), "months": self.months,
            "settle_days": self.settle_days, "leads": self.leads, "converted": self.converted, "lost": self.lost,
            "left_out": dict(self.left_out), "notes": list(self.notes),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScoreRehearsal(_Rehearsed):
    """Rules of scores, tried on the past. `candidates` and `rules` are ranked, the best first."""

    look_ahead_days: int
    before: Quality
    candidates: tuple[ScoreCandidate, ...]
    rules: tuple[RuleWorth, ...]

    @property
    def best(self) -> ScoreCandidate | None:
        """The first, if it is better than the rules that are there."""
        first = self.candidates[0] if self.candidates else None
        return first if first is not None and first.verdict == "better" else None

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return self._told() | {
            "look_ahead_days": self.look_ahead_days, "before": self.before.as_json(),
            "best": self.best.label if self.best else None,
            "candidates": [one.as_json() for one in self.candidates], "rules": [one.as_json() for one in self.rules],
        }  # fmt: skip


# -- assignment --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RoutingQuality:
    """A list of rules replayed. `replay`: where it agrees with what happened, and where not · `load`: leads each agent
    really had (before) and would have had (after) · `spread`: the largest load against the mean, 1.0 is even.
    """

    replay: Replayed
    nobody: int
    offered: int
    load: tuple[Load, ...]
    spread: float | None

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "matched": self.replay.matched.as_json(), "others": self.replay.others.as_json(),
            "lift": rounded(self.replay.lift), "at_least": percent(self.replay.at_least), "nobody": self.nobody,
            "offered": self.offered, "spread": rounded(self.spread), "load": [one.as_json() for one in self.load],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moved:
    """A lead that would have gone to another: who had it, who by the present list, who by the changed one and why."""

    lead_id: int
    lead_number: str
    name: str | None
    at: datetime
    really: str | None
    before: str | None
    after: str | None
    why: tuple[str, ...]
    converted: bool

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "lead_id": self.lead_id, "lead_number": self.lead_number, "name": self.name, "at": iso_z(self.at),
            "really": self.really, "before": self.before, "after": self.after, "why": list(self.why),
            "converted": self.converted,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class RoutingCandidate:
    """The rules after some changes. `changed`: leads that go to another than by the present list."""

    place: int
    label: str
    words: tuple[str, ...]
    quality: RoutingQuality
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    verdict: str
    says: str
    changed: int
    examples: tuple[Moved, ...]

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "place": self.place, "label": self.label, "changes": list(self.words), "quality": self.quality.as_json(),
            "gain": percent(self.gain), "gain_low": percent(self.gain_low), "gain_high": percent(self.gain_high),
            "verdict": self.verdict, "says": self.says, "changed": self.changed,
            "examples": [one.as_json() for one in self.examples],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class AssignmentRehearsal(_Rehearsed):
    """Lists of rules for who gets a lead, tried on the past; `real`: what became of those that somebody had."""

    real: Share
    before: RoutingQuality
    candidates: tuple[RoutingCandidate, ...]

    @property
    def best(self) -> RoutingCandidate | None:
        """The first, if it is better than the rules that are there."""
        first = self.candidates[0] if self.candidates else None
        return first if first is not None and first.verdict == "better" else None

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return self._told() | {
            "real": self.real.as_json(), "before": self.before.as_json(),
            "best": self.best.label if self.best else None, "candidates": [one.as_json() for one in self.candidates],
        }  # fmt: skip
