"""Scoring rules tried on the past: every lead of the last months, as it stood some days after it came, is scored by the
present rules and by changed ones; what came of the leads says which tell better who becomes a customer.

What is looked at of a lead lies before its outcome, always (`past_facts`). Every rule is asked once per lead, however
many candidates there are; kept are counts, not leads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from heapq import heappush, heappushpop
from typing import Any, Final

from leadtui.domain import lift
from leadtui.domain.lift import Alone, Share
from leadtui.domain.scoring import Rule, combine, rule_words, worth
from leadtui.store.unit_of_work import ReadTx

from . import past_facts, score_rules, scoring
from .office import Office
from .past_facts import PastFacts
from .rehearsal_changes import Kind, Trial, trials
from .rehearsal_leads import (
    AT_ONCE,
    MOST_DAYS,
    YOUNG,
    Arrived,
    OnProgress,
    Replay,
    ShouldStop,
    between,
    pipeline_of,
)
from .rehearsal_notes import notes_of
from .rehearsal_records import Candidate, Change, Load, Mover, Quality, RuleWorth, ScoreCandidate, ScoreRehearsal
from .rule_rows import SCORING

SHOWN: Final = 20
"""So many of the leads that cross a line are named."""
_REMEMBERED: Final = 50_000


@dataclass
class _Tried:
    """What is counted of one list of rules."""

    trial: Trial
    rules: tuple[Rule, ...]
    places: tuple[int, ...]
    """Where its rules are among all rules that are asked."""
    pairs: Counter[tuple[float, float, bool]] = field(default_factory=Counter)
    hot: Counter[int | None] = field(default_factory=Counter)
    moved: dict[str, Share] = field(default_factory=dict)
    movers: list[tuple[bool, int, int, Mover]] = field(default_factory=list)


class _Asked:
    """All rules of all lists, each asked once of a lead; what a lead gets by each list is remembered."""

    def __init__(self, tried: Sequence[_Tried], rules: Sequence[Rule]) -> None:
        self._tried = tried
        self.rules = rules
        self._known: dict[Any, tuple[tuple[int, ...], tuple[int, ...]]] = {}
        # of a rule's points in the first list that has it, so that the others of its group count
        self._of: list[tuple[int, int] | None] = [None] * len(rules)
        for which, one in enumerate(tried):
            for line, place in enumerate(one.places):
                if self._of[place] is None:
                    self._of[place] = which, line

    def ask(
        self, facts: Mapping[str, Any], bonus: int, unknown: frozenset[str]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The score by each list, and the points of each rule; one that looks at what is unknown gives nothing."""
        holds = tuple(rule.condition.test(facts) for rule in self.rules)
        if unknown:
            holds = tuple(
                held and unknown.isdisjoint(rule.keys) for rule, held in zip(self.rules, holds, strict=True)
            )  # fmt: skip
        worths = tuple(
            0 if not held else rule.points if rule.mode != "per_unit" else worth(rule, facts)
            for rule, held in zip(self.rules, holds, strict=True)
        )
        key = holds, worths, bonus
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._make(holds, worths, bonus)
        return found

    def _make(
        self, holds: Sequence[bool], worths: Sequence[int], bonus: int
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        scores = [
            combine(
                one.rules, [worths[i] for i in one.places], bonus=bonus, holds=[holds[i] for i in one.places]
            )
            for one in self._tried
        ]  # fmt: skip
        points = tuple(
            worths[place] if where is None else scores[where[0]].lines[where[1]].points
            for place, where in enumerate(self._of)
        )
        return tuple(one.score or 0 for one in scores), points


def rehearse(
    office: Office,
    changes: Sequence[Change | Candidate] = (),
    *,
    months: int = 6,
    look_ahead_days: int = 3,
    settle_days: int = 30,
    pipeline: str | None = None,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
) -> ScoreRehearsal:
    """Try changes of the scoring rules on the leads of the last months. Writes nothing.

    A lead is looked at `look_ahead_days` after it came, but before anything was decided; one of which nothing has come
    counts as not converted when it is older than `settle_days`. Without changes every rule is tried switched over.
    Raises NotPermitted (needs `config`), NotFound, Invalid, FilterError; Stopped when `should_stop` says so.
    """
    with office.read() as tx:
        pipeline_id = pipeline_of(tx, pipeline)
        replay = Replay.of(
            office, tx, pipeline_id, months=months, settle_days=settle_days, on_progress=on_progress,
            should_stop=should_stop,
        )  # fmt: skip
        between(look_ahead_days, 0, min(MOST_DAYS, settle_days), "look_ahead_days")
        named = tx.catalog.pipeline_by_id[pipeline_id]
        present = SCORING.rows(tx, pipeline_id)
        found = trials(present, changes, Kind.of(tx, SCORING, named.key, score_rules.draft, rule_words))
        run = _Run(tx, Trial("as it is", (), tuple(present)), found)
    for chunk_tx, leads in replay.chunks():
        run.look(chunk_tx, replay, leads, timedelta(days=look_ahead_days))
    notes = notes_of(run.everybody, replay.left_out, len(found), look_ahead_days=look_ahead_days)
    return ScoreRehearsal(
        named.name, replay.begins, replay.ends, months, settle_days, run.everybody.n, run.everybody.hits, run.lost,
        dict(replay.left_out.most_common()), (*notes, *run.unknown_notes()), look_ahead_days, run.quality(run.tried[0]),
        run.candidates(), run.worths(),
    )  # fmt: skip


class _Run:
    """One rehearsal while it goes through the leads."""

    def __init__(self, tx: ReadTx, present: Trial, found: Sequence[Trial]) -> None:
        settings = tx.catalog.settings
        self.hot, self.qualified = int(settings.get("score_hot", 80)), int(settings.get("score_qualified", 50))
        self.users = {user.id: user for user in tx.catalog.users}
        rules: dict[Rule, int] = {}
        self.rows: list[Any] = []
        self.tried: list[_Tried] = []
        for trial in (present, *found):
            made = scoring.compiled(tx, trial.rows)
            for rule, row in zip(made, trial.rows, strict=True):
                if _of(rule) not in rules:
                    rules[_of(rule)] = len(rules)
                    self.rows.append(row)
            active = tuple(rule for rule in made if rule.is_active)
            self.tried.append(_Tried(trial, active, tuple(rules[_of(rule)] for rule in active)))
        self.present = {_of(rule): rule.is_active for rule in scoring.compiled(tx, present.rows)}
        self.asked = _Asked(self.tried, tuple(rules))
        self.keys = frozenset(key for rule in rules for key in rule.keys)
        self.alone: list[Counter[tuple[int, bool]]] = [Counter() for _ in rules]
        self.unknown: Counter[int] = Counter()
        self.everybody, self.lost = Share(), 0

    def look(self, tx: ReadTx, replay: Replay, leads: Sequence[Arrived], look_ahead: timedelta) -> None:
        """Score some leads by all lists."""
        moments = {}
        for lead in leads:
            if replay.is_young(lead):
                replay.leave_out(YOUNG)
            elif (at := lead.seen_at(look_ahead)) < lead.created_at:
                replay.leave_out(AT_ONCE)
            else:
                moments[lead.id] = at
        found, without = past_facts.read(tx, moments, self.keys)
        for lead in leads:
            if lead.id in found:
                self._one(lead, found[lead.id])
            elif lead.id in without:
                replay.leave_out(without[lead.id])

    def _one(self, lead: Arrived, past: PastFacts) -> None:
        scores, points = self.asked.ask(past.facts, past.bonus, past.unknown)
        converted, before = lead.converted, scores[0]
        self.everybody += Share(1, converted)
        self.lost += lead.lost
        for one, after in zip(self.tried, scores, strict=True):
            one.pairs[before, after, converted] += 1
            if after > self.hot:
                one.hot[past.assigned_to_id] += 1
            if before != after:
                self._moved(one, lead, before, after)
        for place, given in enumerate(points):
            self.alone[place][given, converted] += 1
        if past.unknown:
            for place, rule in enumerate(self.asked.rules):
                self.unknown[place] += bool(rule.keys & past.unknown)

    def _moved(self, one: _Tried, lead: Arrived, before: int, after: int) -> None:
        crossed = False
        for name, was, now in (
            ("hot", before > self.hot, after > self.hot),
            ("qualified", before >= self.qualified, after >= self.qualified),
        ):
            if was != now:
                crossed = True
                key = name if now else f"no {name}"
                one.moved[key] = one.moved.get(key, Share()) + Share(1, lead.converted)
        if not crossed:
            return
        mover = Mover(lead.id, lead.number, lead.name, before, after, lead.converted, lead.lost, lead.created_at)
        entry = (before > self.hot) != (after > self.hot), abs(after - before), -lead.id, mover
        if len(one.movers) < SHOWN:
            heappush(one.movers, entry)
        else:
            heappushpop(one.movers, entry)

    # -- what came of it -----------------------------------------------------------------------------------------------
    def quality(self, one: _Tried) -> Quality:
        """How well the scores of one list tell who converts."""
        counts: dict[float, tuple[int, int]] = {}
        for (_, after, converted), n in one.pairs.items():
            many, hits = counts.get(after, (0, 0))
            counts[after] = many + n, hits + n * converted
        compared = lift.compare(one.pairs)
        low, high = compared.interval or (None, None)
        base, top = lift.total(counts).rate, lift.top(counts)
        return Quality(
            base, top, lift.ratio(top, base), compared.after, low, high, lift.at_least(counts, self.hot + 1),
            lift.at_least(counts, self.qualified), lift.bands(counts),
        )  # fmt: skip

    def candidates(self) -> tuple[ScoreCandidate, ...]:
        """Ranked by how often they put a converted lead above another (AUC), then by the lift of the best fifth.

        AUC looks at the whole order and uses every lead, the lift only at its top: so it is the steadier of the two.
        """
        first = self.quality(self.tried[0])
        made = [self._candidate(one, first) for one in self.tried[1:]]
        made.sort(key=lambda one: (-(one.auc_gain or 0.0), -(one.lift_gain or 0.0)))
        return tuple(replace(one, place=place) for place, one in enumerate(made, 1))

    def _candidate(self, one: _Tried, first: Quality) -> ScoreCandidate:
        quality, compared = self.quality(one), lift.compare(one.pairs)
        low, high = compared.gain_interval or (None, None)
        verdict = lift.verdict(compared.gain, compared.gain_interval)
        gain = None if quality.lift is None or first.lift is None else quality.lift - first.lift
        movers = tuple(entry[3] for entry in sorted(one.movers, key=lambda entry: entry[:3], reverse=True))
        return ScoreCandidate(
            0, one.trial.label, one.trial.words, quality, compared.gain, low, high, gain, verdict,
            _says(verdict, first, quality), movers=movers, load=self._load(one),
            **{name: one.moved.get(key, Share()) for name, key in _CROSSINGS.items()},
        )  # fmt: skip

    def _load(self, one: _Tried) -> tuple[Load, ...]:
        before = self.tried[0].hot
        found = []
        for user_id in before.keys() | one.hot.keys():
            user = self.users.get(user_id or 0)
            login, name = (user.login, user.name) if user else (None, "nobody")
            found.append(Load(login, name, before[user_id], one.hot[user_id]))
        return tuple(sorted(found, key=lambda load: (-load.after, load.login or "")))

    def worths(self) -> tuple[RuleWorth, ...]:
        """Every rule by itself, ranked likewise by AUC and then lift."""
        made = []
        for place, (rule, row) in enumerate(zip(self.asked.rules, self.rows, strict=True)):
            having = rest = Share()
            counts: dict[float, tuple[int, int]] = {}
            for (points, converted), n in self.alone[place].items():
                many, hits = counts.get(points, (0, 0))
                counts[points] = many + n, hits + n * converted
                share = Share(n, n * converted)
                having, rest = (having + share, rest) if points else (having, rest + share)
            made.append(
                RuleWorth(
                    0, rule.key, rule.name, rule.group, rule_words(row), self.present.get(rule, rule.is_active),
                    rule not in self.present, Alone(having, rest), lift.auc(counts), self.unknown[place],
                )
            )  # fmt: skip
        made.sort(key=lambda one: (-(one.auc if one.auc is not None else 0.5), -(one.alone.lift or 0.0)))
        return tuple(replace(one, place=place) for place, one in enumerate(made, 1))

    def unknown_notes(self) -> list[str]:
        """The rules that rest on what cannot be told as of then."""
        named = [f"{self.asked.rules[place].name} ({n:,})" for place, n in self.unknown.most_common() if n]
        if not named:
            return []
        return ["Of some leads it cannot be told any more what these rules look at, so they gave nothing there: "
                + ", ".join(named[:8])]  # fmt: skip


_CROSSINGS: Final = {
    "became_hot": "hot", "no_longer_hot": "no hot", "became_qualified": "qualified",
    "no_longer_qualified": "no qualified",
}  # fmt: skip


def _of(rule: Rule) -> Rule:
    """A rule whether it is switched on or not."""
    return rule if rule.is_active else replace(rule, is_active=True)


def _says(verdict: str, before: Quality, after: Quality) -> str:
    if before.auc is None or after.auc is None:
        return "nothing can be said: there must be leads that converted and leads that did not"
    moved = f"AUC {before.auc:.3f} → {after.auc:.3f}"
    return {
        "better": f"tells better who converts: {moved}",
        "worse": f"tells worse who converts: {moved}",
        "same": f"makes no difference to the order of leads: {moved}",
        "unclear": f"may be chance: {moved}",
    }[verdict]
