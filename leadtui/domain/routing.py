"""Who gets a lead (spec §J 91–97, AH11): rules narrow and order the agents, one after the other. Pure.

Those who may get it at all are active, available and have room. A rule of area, type, price, source, branch or
language keeps the agents that fit (where none does, all stay if it counts `only_if_any`, else nobody does); a lead that
does not say what the rule asks for narrows nothing. Workload, performance and round robin order those who are left, a
later rule over an earlier one; without any the fewest open leads come first. `first_to_claim` offers the lead to all
that are left. Every rule adds a line that says what it did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from leadtui.text import fold

from .areas import place_parts

NARROWING: Final = ("area", "type", "price", "source", "branch", "language")
ORDERING: Final = ("workload", "performance", "round_robin")
OFFER: Final = "first_to_claim"
KINDS: Final = (*NARROWING, *ORDERING, OFFER)

RATE: Final = 0.15
"""The conversion rate that counts as good where a rule names none (spec §J 96)."""
MINUTES: Final = 15
"""How long a lead is offered where a rule says nothing else."""

_NAMED: Final = 8
"""So many agents are named in a line."""


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who works leads. Areas are keys (`areas.area_keys`), other words too (`word_keys`), money minor units.

    `load`: open leads · `conversion_rate`: converted of all his live leads, 0 to 1 · `capacity`: open leads at most.
    """

    id: int
    login: str
    branch_id: int | None = None
    areas: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    min_price_minor: int | None = None
    max_price_minor: int | None = None
    capacity: int | None = None
    is_available: bool = True
    is_active: bool = True
    load: int = 0
    conversion_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """What rules ask of a lead. `area` and `language` as the lead has them; `types` the words for what it wants.

    `facts` are all that is known of it (services/score_facts), for the conditions of rules.
    """

    area: str | None = None
    types: tuple[str, ...] = ()
    budget_minor: int | None = None
    source_id: int | None = None
    source: str | None = None
    branch_id: int | None = None
    branch: str | None = None
    language: str | None = None
    is_assigned: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleStep:
    """One rule. `params`: users, sources (ids) of `source` · rate of `performance` · minutes of `first_to_claim`.

    `last_id` is the agent a round robin chose last.
    """

    id: int
    kind: str
    key: str = ""
    name: str = ""
    order: int = 0
    pipeline_id: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    condition: str | None = None
    only_if_any: bool = True
    last_id: int | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """What came of it: the agent, or those it is offered to, or neither. `lines` explain it, in the rules' order.

    `turns`: what round robins remember now, by the rule's id. `left`: who was left, in order.
    """

    agent_id: int | None = None
    offered: tuple[int, ...] = ()
    minutes: int = 0
    rule_id: int | None = None
    lines: tuple[str, ...] = ()
    turns: Mapping[int, int] = field(default_factory=dict)
    left: tuple[int, ...] = ()

    @property
    def is_nobody(self) -> bool:
        """Whether nobody gets it, nor is it offered."""
        return self.agent_id is None and not self.offered


Holds = Callable[[RuleStep, LeadFacts], bool]


def word_key(word: str) -> str:
    """A word as compared: folded, with single blanks."""
    return " ".join(fold(word).split())


def word_keys(words: Iterable[str] | None) -> frozenset[str]:
    """Words as an agent has them."""
    return frozenset(key for key in map(word_key, words or ()) if key)


def choose(
    rules: Sequence[RuleStep],
    lead: LeadFacts,
    agents: Sequence[Agent],
    *,
    loads: Mapping[int, int] | None = None,
    rates: Mapping[int, float] | None = None,
    turns: Mapping[int, int] | None = None,
    holds: Holds | None = None,
    may_offer: bool = True,
    show_money: Callable[[int], str] | None = None,
) -> Choice:
    """Who gets the lead by these rules, which are in their order. Changes nothing.

    `loads`, `rates`, `turns` stand in the place of what agents and rules say of themselves. `holds` says whether a rule
    counts for the lead, else all do. Without `may_offer` an offer is passed over: what lies behind it decides.
    `show_money` writes the budget into its line; without it no line holds an amount, which not everybody may see.
    """
    loads = {a.id: a.load for a in agents} if loads is None else loads
    run = _Run(lead, loads, {a.id: a.conversion_rate for a in agents} if rates is None else rates, turns or {})
    run.begin(agents)
    for rule in rules:
        if not run.left:
            break
        if not rule.is_active or (rule.condition and holds is not None and not holds(rule, lead)):
            continue
        if rule.kind == OFFER:
            minutes = int(rule.params.get("minutes") or MINUTES)
            if lead.is_assigned:
                run.say("first to claim: somebody has the lead, so it is not offered")
            elif not may_offer:
                run.say("first to claim: nobody claimed it")
            else:
                run.say(f"first to claim: offered to {run.names(run.left)} for {minutes} min")
                left = tuple(a.id for a in run.left)
                return Choice(None, left, minutes, rule.id, tuple(run.lines), run.turned, left)
        elif rule.kind in ORDERING:
            run.order(rule)
        else:
            run.narrow(rule, show_money)
    if not run.left:
        return Choice(None, lines=(*run.lines, "nobody gets it"))
    chosen = run.left[0]
    turned = dict.fromkeys(run.turned, chosen.id)
    lines = (*run.lines, f"so {chosen.login} gets it")
    return Choice(chosen.id, lines=lines, turns=turned, left=tuple(a.id for a in run.left))


class _Run:
    """One choice in the making."""

    def __init__(
        self, lead: LeadFacts, loads: Mapping[int, int], rates: Mapping[int, float], turns: Mapping[int, int]
    ) -> None:
        self.lead, self.loads, self.rates, self.turns = lead, loads, rates, turns
        self.lines: list[str] = []
        self.left: list[Agent] = []
        self.turned: dict[int, int] = {}

    def say(self, line: str) -> None:
        self.lines.append(line)

    def names(self, agents: Sequence[Agent], note: Callable[[Agent], str] | None = None) -> str:
        shown = [a.login if note is None else f"{a.login} {note(a)}" for a in agents[:_NAMED]]
        more = len(agents) - _NAMED
        return ", ".join(shown) + (f" and {more} more" if more > 0 else "")

    def _all(self) -> str:
        return f"all {len(self.left)} stay" if len(self.left) > 1 else f"{self.left[0].login} stays"

    def load(self, agent: Agent) -> int:
        return self.loads.get(agent.id, 0)

    def begin(self, agents: Sequence[Agent]) -> None:
        """Those who may get anything, the fewest open leads first."""
        agents = sorted(agents, key=lambda a: a.id)
        away = [a for a in agents if a.is_active and not a.is_available]
        here = [a for a in agents if a.is_active and a.is_available]
        full = [a for a in here if a.capacity is not None and self.load(a) >= a.capacity]
        busy = {a.id for a in full}
        self.left = sorted((a for a in here if a.id not in busy), key=lambda a: (self.load(a), a.id))
        if away:
            self.say(f"away: {self.names(away)}")
        if full:
            self.say("no room: " + self.names(full, lambda a: f"{self.load(a)} of {a.capacity}"))
        if not self.left:
            self.say("nobody is available" if agents else "nobody works leads")

    # -- narrowing ----------------------------------------------------------------------------------------------------
    def narrow(self, rule: RuleStep, show_money: Callable[[int], str] | None) -> None:
        what, verb, fits = self._question(rule, show_money)
        if fits is None:
            if rule.kind == "source":  # it is for leads of other sources
                return
            self.say(f"{rule.kind}: the lead does not say, so {self._all()}")
            return
        found = [a for a in self.left if fits(a)]
        if found:
            self.say(f"{what}: {len(found)} of {len(self.left)} {verb}: {self.names(found)}")
            self.left = found
        elif rule.only_if_any:
            self.say(f"{what}: nobody, so {self._all()}")
        else:
            self.say(f"{what}: none of {len(self.left)}")
            self.left = []

    def _question(
        self, rule: RuleStep, show_money: Callable[[int], str] | None
    ) -> tuple[str, str, Callable[[Agent], bool] | None]:
        """The rule in words, what those do who fit, and whether an agent does; None: the lead does not say."""
        lead = self.lead
        match rule.kind:
            case "area":
                places = place_parts(lead.area)
                fits = (lambda a: not places.isdisjoint(a.areas)) if places else None
                return f"area {lead.area}", "serve it", fits
            case "type":
                types = word_keys(lead.types)
                shown = ", ".join(dict.fromkeys(lead.types))
                return f"type {shown}", "know it", (lambda a: not types.isdisjoint(a.types)) if types else None
            case "language":
                spoken = word_key(lead.language or "")
                return f"language {lead.language}", "speak it", (lambda a: spoken in a.languages) if spoken else None
            case "branch":
                branch = lead.branch_id
                return (
                    f"branch {lead.branch or branch}", "work there",
                    (lambda a: a.branch_id == branch) if branch is not None else None,
                )  # fmt: skip
            case "price":
                budget = lead.budget_minor
                if budget is None:
                    return "price", "", None
                words = f"price {show_money(budget)}" if show_money is not None else "price"
                return words, "work in this band", lambda a: in_band(a, budget)
            case _:  # source
                sources, users = set(rule.params.get("sources") or ()), set(rule.params.get("users") or ())
                applies = lead.source_id is not None and (not sources or lead.source_id in sources)
                return f"source {lead.source}", "are for it", (lambda a: a.id in users) if applies else None

    # -- ordering -----------------------------------------------------------------------------------------------------
    def order(self, rule: RuleStep) -> None:
        match rule.kind:
            case "workload":
                self.left.sort(key=lambda a: (self.load(a), a.id))
                self.say("workload: " + self.names(self.left, lambda a: str(self.load(a))))
            case "performance":
                least = float(rule.params.get("rate") or RATE)
                good = [a for a in self.left if self.rates.get(a.id, 0.0) >= least]
                words = f"performance ≥ {percent(least)}"
                if good:
                    self.left = [*good, *(a for a in self.left if self.rates.get(a.id, 0.0) < least)]
                    self.say(f"{words}: " + self.names(good, lambda a: percent(self.rates.get(a.id, 0.0))))
                else:
                    self.say(f"{words}: nobody, so the order stays")
            case _:  # round robin
                last = self.turns.get(rule.id, rule.last_id)
                self.left.sort(key=lambda a: (last is not None and a.id <= last, a.id))
                self.turned[rule.id] = self.left[0].id
                self.say(f"round robin: {self.left[0].login} is next")


def in_band(agent: Agent, amount_minor: int) -> bool:
    """Whether an amount lies in the price band of an agent; who has none is for no price in particular."""
    low, high = agent.min_price_minor, agent.max_price_minor
    if low is None and high is None:
        return False
    return (low is None or low <= amount_minor) and (high is None or amount_minor <= high)


def percent(rate: float) -> str:
    """A share in percent, with one decimal where it has one."""
    return f"{round(rate * 100, 1):g} %"


def does(rule: RuleStep, users: Sequence[str] = (), sources: Sequence[str] = ()) -> str:
    """What a rule does, in a few words, for lists; `users` and `sources` are the names behind its ids."""
    words = {
        "area": "keeps those who serve the lead's city or location",
        "type": "keeps those who know the lead's property type or package",
        "price": "keeps those whose prices fit the budget",
        "source": f"for {', '.join(sources) or 'any source'}: keeps {', '.join(users) or 'nobody'}",
        "branch": "keeps those of the lead's branch",
        "language": "keeps those who speak the lead's language",
        "workload": "fewest open leads first",
        "performance": f"those who convert {percent(float(rule.params.get('rate') or RATE))} or more first",
        "round_robin": "one after the other",
        OFFER: f"offers it to all that are left for {rule.params.get('minutes') or MINUTES} min",
    }[rule.kind]
    strict = rule.kind in NARROWING and not rule.only_if_any
    return words + (", or nobody" if strict else "")
