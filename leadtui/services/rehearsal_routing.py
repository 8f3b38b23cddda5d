"""Rules for who gets a lead tried on the past: the leads of the last months come in once more, in their order, and are
given away by the present rules and by changed ones.

Agents are as they are now (areas, prices, capacity), and there; their open leads are those that the list itself gave
them and that were not decided yet, beside those that are not replayed; their conversion rates are of outcomes before
each lead came. What came of a lead is known only where a list gives it to whom it really went: those are compared
(`lift.Replayed`). A lead that is offered goes to whom it really went if he is among those asked, else to whom the rules
behind the offer choose.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from typing import Any, Final

from leadtui.domain import lift
from leadtui.domain.lift import Replayed, Share
from leadtui.domain.routing import Choice, LeadFacts, RuleStep, choose
from leadtui.store.unit_of_work import ReadTx

from . import past_facts, rehearsal_owners, routing, routing_rules
from .office import Office
from .rehearsal_changes import Kind, Trial, trials
from .rehearsal_leads import YOUNG, Arrived, OnProgress, Replay, ShouldStop, pipeline_of
from .rehearsal_notes import notes_of
from .rehearsal_owners import Owners, owners_of
from .rehearsal_records import AssignmentRehearsal, Candidate, Change, Load, Moved, RoutingCandidate, RoutingQuality
from .rule_rows import ASSIGNMENT, Row

SHOWN: Final = 20
"""So many of the leads that would have gone to another are named: the newest."""
NOBODYS: Final = "nobody had them"
STRANGERS: Final = "whoever had them gets no leads now"


@dataclass
class _Tried:
    """One list of rules while leads come in."""

    trial: Trial
    rules: tuple[RuleStep, ...]
    loads: Counter[int] = field(default_factory=Counter)
    given: Counter[int] = field(default_factory=Counter)
    turns: dict[int, int] = field(default_factory=dict)
    closing: list[tuple[datetime, int]] = field(default_factory=list)
    replayed: Replayed = field(default_factory=lambda: Replayed(Share(), Share()))
    nobody: int = 0
    offered: int = 0
    changed: int = 0
    examples: deque[Moved] = field(default_factory=lambda: deque(maxlen=SHOWN))


def rehearse(
    office: Office,
    changes: Sequence[Change | Candidate] = (),
    *,
    months: int = 6,
    settle_days: int = 30,
    pipeline: str | None = None,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
) -> AssignmentRehearsal:
    """Try changes of the assignment rules on the leads of the last months. Writes nothing.

    Without changes every rule is tried switched over. Raises as `rehearsal_scores.rehearse` does.
    """
    settle = timedelta(days=settle_days)
    with office.read() as tx:
        pipeline_id = pipeline_of(tx, pipeline)
        replay = Replay.of(
            office, tx, pipeline_id, months=months, settle_days=settle_days, on_progress=on_progress,
            should_stop=should_stop,
        )  # fmt: skip
        named = tx.catalog.pipeline_by_id[pipeline_id]
        present = ASSIGNMENT.rows(tx, pipeline_id)
        found = trials(present, changes, _kind(tx, named.key))
        run = _Run(tx, Trial("as it is", (), tuple(present)), found)
        replay.total += rehearsal_owners.count(tx)
    run.owners = rehearsal_owners.read(
        office, lambda row: row["pipeline_id"] == pipeline_id and _since(row) >= replay.begins, settle,
        on_read=replay.tell, should_stop=should_stop,
    )  # fmt: skip
    for chunk_tx, leads in replay.chunks():
        run.look(chunk_tx, replay, leads, settle)
    return AssignmentRehearsal(
        named.name, replay.begins, replay.ends, months, settle_days, run.real.n, run.real.hits, run.lost,
        dict(replay.left_out.most_common()), (*notes_of(run.real, replay.left_out, len(found)), *run.notes()),
        run.real, run.quality(run.tried[0]), run.candidates(),
    )  # fmt: skip


def _since(row: Mapping[str, Any]) -> datetime:
    created: datetime = row["created_at"]
    return created


def _kind(tx: ReadTx, pipeline: str) -> Kind:
    def words(row: Row) -> str:
        told = routing_rules.record(tx, row)
        return str(told["does"]) + (f" if {row['condition']}" if row["condition"] else "")

    return Kind.of(tx, ASSIGNMENT, pipeline, routing_rules.draft, words)


class _Run:
    """One rehearsal while leads come in."""

    owners: Owners

    def __init__(self, tx: ReadTx, present: Trial, found: Sequence[Trial]) -> None:
        self.users = {user.id: user for user in tx.catalog.users}
        self.agents = tuple(replace(one, is_available=True, load=0) for one in routing.agents(tx))
        self.ids = frozenset(agent.id for agent in self.agents)
        self.away = sorted(one.login for one in routing.agents(tx) if not one.is_available)
        self.tried = [
            _Tried(trial, tuple(replace(routing.step_of(row), last_id=None) for row in trial.active))
            for trial in (present, *found)
        ]
        steps = [step for one in self.tried for step in one.rules]
        self.conditions = routing.Conditions(tx, steps)
        self.keys = frozenset(routing.BASIC) | self.conditions.keys
        self.money = partial(routing.shown_money, currency=tx.catalog.currency)
        self.real, self.lost = Share(), 0
        self.really: Counter[int] = Counter()

    def look(self, tx: ReadTx, replay: Replay, leads: Sequence[Arrived], settle: timedelta) -> None:
        """Give some leads away by all lists."""
        found, without = past_facts.read(tx, {lead.id: lead.created_at for lead in leads}, self.keys)
        owners = owners_of(tx, leads, settle)
        for lead in leads:
            if lead.id not in found:
                replay.leave_out(without.get(lead.id, past_facts.NO_RECORD))
                continue
            owner = owners[lead.id].user_id if lead.id in owners else None
            if owner is not None:
                self.really[owner] += 1
            reason = self._why_not(replay, lead, owner)
            if reason is not None:
                replay.leave_out(reason)
            else:
                self.real += Share(1, lead.converted)
                self.lost += lead.lost
            facts = {**found[lead.id].facts, "assigned_to": None}
            self._come(lead, routing.lead_facts(tx.catalog, facts), owner, counts=reason is None)

    def _why_not(self, replay: Replay, lead: Arrived, owner: int | None) -> str | None:
        """Why what came of a lead says nothing of who should have it."""
        if replay.is_young(lead):
            return YOUNG
        if owner is None:
            return NOBODYS
        return None if owner in self.ids else STRANGERS

    def _come(self, lead: Arrived, facts: LeadFacts, owner: int | None, *, counts: bool) -> None:
        """A lead comes in: what happened until then counts, then every list gives it to somebody."""
        for user_id, step in self.owners.until(lead.created_at):
            for one in self.tried:
                one.loads[user_id] += step
        rates = {agent.id: self.owners.rate(agent.id) for agent in self.agents}
        chosen: list[int | None] = []
        for one in self.tried:
            while one.closing and one.closing[0][0] < lead.created_at:
                one.loads[heappop(one.closing)[1]] -= 1
            choice = self._choose(one, facts, rates, may_offer=True)
            agent_id = choice.agent_id
            if choice.offered:
                one.offered += 1
                if owner in choice.offered:
                    agent_id = owner
                else:
                    choice = self._choose(one, facts, rates, may_offer=False)
                    agent_id = choice.agent_id
            one.turns |= choice.turns
            chosen.append(agent_id)
            self._give(one, lead, agent_id)
            if counts:
                share = Share(1, lead.converted)
                had = one.replayed
                one.replayed = (
                    Replayed(had.matched + share, had.others)
                    if agent_id == owner
                    else Replayed(had.matched, had.others + share)
                )
            if agent_id != chosen[0]:
                one.changed += 1
                one.examples.append(self._moved(lead, owner, chosen[0], agent_id, choice))

    def _choose(self, one: _Tried, facts: LeadFacts, rates: Mapping[int, float], *, may_offer: bool) -> Choice:
        return choose(
            one.rules, facts, self.agents, loads=one.loads, rates=rates, turns=one.turns,
            holds=self.conditions.holds, may_offer=may_offer, show_money=self.money,
        )  # fmt: skip

    def _give(self, one: _Tried, lead: Arrived, agent_id: int | None) -> None:
        if agent_id is None:
            one.nobody += 1
            return
        one.given[agent_id] += 1
        one.loads[agent_id] += 1
        if lead.outcome_at is not None:
            heappush(one.closing, (lead.outcome_at, agent_id))

    def _moved(self, lead: Arrived, owner: int | None, before: int | None, after: int | None, choice: Choice) -> Moved:
        return Moved(
            lead.id, lead.number, lead.name, lead.created_at, self._login(owner), self._login(before),
            self._login(after), choice.lines, lead.converted,
        )  # fmt: skip

    def _login(self, user_id: int | None) -> str | None:
        user = self.users.get(user_id or 0)
        return user.login if user else None

    # -- what came of it -----------------------------------------------------------------------------------------------
    def quality(self, one: _Tried) -> RoutingQuality:
        """One list, replayed."""
        load = []
        for user_id in self.ids | self.really.keys():
            user = self.users.get(user_id)
            if user is not None:
                load.append(Load(user.login, user.name, self.really[user_id], one.given[user_id]))
        load.sort(key=lambda load: (-load.after, -load.before, load.login or ""))
        spread = lift.spread(one.given[agent.id] for agent in self.agents)
        return RoutingQuality(one.replayed, one.nobody, one.offered, tuple(load), spread)

    def candidates(self) -> tuple[RoutingCandidate, ...]:
        """Ranked by what their choices convert at least (the lower end of the interval of those that really happened):
        a list that agrees with the past three times, by luck, is no good list."""
        first = self.tried[0].replayed
        made = [self._candidate(one, first) for one in self.tried[1:]]
        made.sort(key=lambda one: (-one.quality.replay.at_least, -(one.gain or 0.0), one.quality.spread or 0.0))
        return tuple(replace(one, place=place) for place, one in enumerate(made, 1))

    def _candidate(self, one: _Tried, first: Replayed) -> RoutingCandidate:
        found = lift.difference(first.matched, one.replayed.matched)
        gain, low, high = found if found is not None else (None, None, None)
        verdict = "same"
        if one.changed:
            verdict = lift.verdict(gain, None if low is None or high is None else (low, high))
        return RoutingCandidate(
            0, one.trial.label, one.trial.words, self.quality(one), gain, low, high, verdict,
            _says(verdict, first, one), one.changed, tuple(reversed(one.examples)),
        )  # fmt: skip

    def notes(self) -> list[str]:
        """What is uncertain in replaying decisions."""
        if not self.real.n:
            return []
        found = [
            "What came of a lead is known only where a list gives it to whom it really went: the others say nothing."
        ]
        few = [one.trial.label for one in self.tried if one.replayed.matched.n < lift.FEW]
        if few:
            found.append(f"Too few leads agree with what happened to say much of: {', '.join(few[:5])}.")
        if self.away:
            found.append(f"As if they were there: {', '.join(self.away[:8])} (away now).")
        offered = sum(one.offered for one in self.tried)
        if offered:
            found.append("An offered lead is counted as claimed by whoever really had it, if he was asked.")
        return found


def _says(verdict: str, first: Replayed, one: _Tried) -> str:
    before, after = first.matched, one.replayed.matched
    if before.rate is None or after.rate is None:
        return "nothing can be said: no lead went to whom this list would have given it"
    moved = f"{100 * before.rate:.1f} % of {before.n:,} → {100 * after.rate:.1f} % of {after.n:,} converted"
    return {
        "better": f"its choices convert better: {moved}",
        "worse": f"its choices convert worse: {moved}",
        "same": f"chooses alike: {moved}",
        "unclear": f"may be chance: {moved}",
    }[verdict]
