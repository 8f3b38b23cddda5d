"""Who gets a lead: a golden case for each kind of rule, nobody, ties; and what holds for all rules and agents (AK8)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadtui.domain.areas import area_keys
from leadtui.domain.routing import KINDS, NARROWING, Agent, Choice, LeadFacts, RuleStep, choose, does, word_keys


def agent(id_: int, login: str = "", **more: object) -> Agent:
    words = {"areas": area_keys, "types": word_keys, "languages": word_keys}
    made = {key: words[key](value) if key in words else value for key, value in more.items()}  # type: ignore[arg-type]
    return Agent(id_, login or f"a{id_}", **made)  # type: ignore[arg-type]


def step(kind: str, id_: int = 1, **more: object) -> RuleStep:
    return RuleStep(id_, kind, **more)  # type: ignore[arg-type]


LEAD = LeadFacts(
    area="westlands", types=("Villa",), budget_minor=25_000_000, source_id=4, source="Referral", branch_id=2,
    branch="North", language="swahili",
)  # fmt: skip
WANJIKU = agent(1, "wanjiku", load=4)
PETER = agent(2, "peter", load=6, conversion_rate=0.18)
AMINA = agent(3, "amina", load=4, conversion_rate=0.1)
THREE = (WANJIKU, PETER, AMINA)


def with_one(**more: object) -> tuple[Agent, ...]:
    """Of the three, peter alone fits."""
    return (WANJIKU, replace(agent(2, "peter", **more), load=6), AMINA)


@pytest.mark.parametrize(
    ("rule", "agents", "line"),
    [
        (step("area"), with_one(areas=["Karen", "WESTLANDS"]), "area westlands: 1 of 3 serve it: peter"),
        (step("type"), with_one(types=["villa"]), "type Villa: 1 of 3 know it: peter"),
        (step("price"), with_one(min_price_minor=20_000_000, max_price_minor=25_000_000),
         "price: 1 of 3 work in this band: peter"),
        (step("price"), with_one(max_price_minor=30_000_000), "price: 1 of 3 work in this band: peter"),
        (step("language"), with_one(languages=["Swahili"]), "language swahili: 1 of 3 speak it: peter"),
        (step("branch"), with_one(branch_id=2), "branch North: 1 of 3 work there: peter"),
        (step("source", params={"sources": [4], "users": [2]}), THREE, "source Referral: 1 of 3 are for it: peter"),
    ],
    ids=lambda value: value.kind if isinstance(value, RuleStep) else None,
)  # fmt: skip
def test_each_narrowing_rule_keeps_who_fits(rule: RuleStep, agents: tuple[Agent, ...], line: str) -> None:
    found = choose([rule], LEAD, agents)
    assert (found.agent_id, found.lines) == (2, (line, "so peter gets it"))


@pytest.mark.parametrize("kind", [kind for kind in NARROWING if kind != "source"])
def test_where_nobody_fits_all_stay_or_nobody_gets_it(kind: str) -> None:
    lenient = choose([step(kind)], LEAD, THREE)
    assert lenient.agent_id == 1
    assert lenient.lines[0].endswith(": nobody, so all 3 stay")
    strict = choose([step(kind, only_if_any=False)], LEAD, THREE)
    assert strict.is_nobody
    assert strict.lines[-1] == "nobody gets it"
    silent = choose([step(kind, only_if_any=False)], LeadFacts(), THREE)
    assert silent.agent_id == 1  # a lead that says nothing narrows nothing
    assert silent.lines[0] == f"{kind}: the lead does not say, so all 3 stay"


def test_a_place_with_commas_is_in_each_of_its_parts() -> None:
    lead = replace(LEAD, area="Delta Towers, Westlands , Nairobi")
    for word, is_in in (
        ("westlands", True),
        ("NAIROBI", True),
        ("Delta Towers, Westlands , Nairobi", True),
        ("Delta", False),
    ):
        found = choose([step("area", only_if_any=False)], lead, with_one(areas=[word]))
        assert found.agent_id == (2 if is_in else None), word


def test_a_rule_of_a_source_is_silent_about_others() -> None:
    found = choose([step("source", params={"sources": [9], "users": [2]})], LEAD, THREE)
    assert (found.agent_id, found.lines) == (1, ("so wanjiku gets it",))


def test_workload_and_the_tie() -> None:
    found = choose([step("workload")], LEAD, THREE)
    assert (found.agent_id, found.left) == (1, (1, 3, 2))
    assert found.lines[0] == "workload: wanjiku 4, amina 4, peter 6"


def test_performance_goes_first_and_keeps_the_order() -> None:
    found = choose([step("workload"), step("performance")], LEAD, THREE)
    assert (found.agent_id, found.left) == (2, (2, 1, 3))
    assert found.lines[1] == "performance ≥ 15 %: peter 18 %"
    nobody = choose([step("performance", params={"rate": 0.5})], LEAD, THREE)
    assert (nobody.agent_id, nobody.lines[0]) == (1, "performance ≥ 50 %: nobody, so the order stays")


def test_round_robin_remembers_whose_turn_it_was() -> None:
    rule, seen = step("round_robin", id_=7), []
    turns: dict[int, int] = {}
    for _ in range(4):
        found = choose([rule], LEAD, THREE, turns=turns)
        seen.append(found.agent_id)
        turns = {**turns, **found.turns}
    assert seen == [1, 2, 3, 1]
    assert choose([replace(rule, last_id=2)], LEAD, THREE).agent_id == 3


def test_first_to_claim_offers_to_all_that_are_left_then_the_rules_behind_it_choose() -> None:
    rules = [step("area"), step("first_to_claim", id_=5, params={"minutes": 20}), step("workload")]
    agents = (replace(WANJIKU, areas=area_keys(["Westlands"])), replace(PETER, areas=area_keys(["Westlands"])), AMINA)
    found = choose(rules, LEAD, agents)
    assert (found.agent_id, found.offered, found.minutes, found.rule_id) == (None, (1, 2), 20, 5)
    after = choose(rules, LEAD, agents, may_offer=False)
    assert (after.agent_id, after.offered) == (1, ())
    assert "first to claim: nobody claimed it" in after.lines
    held = choose(rules, replace(LEAD, is_assigned=True), agents)
    assert held.agent_id == 1


def test_who_is_away_full_or_gone_gets_nothing() -> None:
    agents = (
        agent(1, "away", is_available=False), agent(2, "full", capacity=3, load=3), agent(3, "gone", is_active=False),
    )  # fmt: skip
    found = choose([step("workload")], LEAD, agents)
    assert found == Choice(lines=("away: away", "no room: full 3 of 3", "nobody is available", "nobody gets it"))
    assert choose([], LEAD, ()).lines == ("nobody works leads", "nobody gets it")
    assert choose([], LEAD, (*agents, agent(4))).agent_id == 4


def test_a_rule_counts_only_for_its_leads() -> None:
    strict = step("area", only_if_any=False, condition="city:Nairobi")
    assert choose([strict], LEAD, THREE, holds=lambda _rule, _lead: False).agent_id == 1
    assert choose([strict], LEAD, THREE, holds=lambda _rule, _lead: True).is_nobody
    assert choose([replace(strict, is_active=False)], LEAD, THREE).agent_id == 1


def test_every_kind_says_what_it_does() -> None:
    assert all(does(step(kind)) for kind in KINDS)
    assert does(step("area", only_if_any=False)).endswith(", or nobody")


# -- for all of them --------------------------------------------------------------------------------------------------
WORDS = st.frozensets(st.sampled_from(["westlands", "karen", "villa", "swahili"]), max_size=3)
AGENTS = st.lists(
    st.builds(
        Agent, id=st.integers(1, 60), login=st.just("x"), branch_id=st.sampled_from([None, 1, 2]), areas=WORDS,
        types=WORDS, languages=WORDS, min_price_minor=st.sampled_from([None, 0, 50]),
        max_price_minor=st.sampled_from([None, 60, 100]), capacity=st.sampled_from([None, 0, 2, 5]),
        is_available=st.booleans(), is_active=st.booleans(), load=st.integers(0, 6),
        conversion_rate=st.floats(0, 1),
    ),
    max_size=8, unique_by=lambda a: a.id,
)  # fmt: skip
RULES = st.lists(
    st.builds(
        RuleStep, id=st.integers(1, 9), kind=st.sampled_from(KINDS), only_if_any=st.booleans(),
        params=st.sampled_from([{}, {"users": [1, 2, 3]}]), last_id=st.sampled_from([None, 3]),
    ),
    max_size=6,
)  # fmt: skip
LEADS = st.builds(
    LeadFacts, area=st.sampled_from([None, "Karen"]), types=st.sampled_from([(), ("villa",)]),
    budget_minor=st.sampled_from([None, 55]), source_id=st.sampled_from([None, 1]),
    branch_id=st.sampled_from([None, 1]), language=st.sampled_from([None, "swahili"]),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(RULES, LEADS, AGENTS, st.booleans())
def test_a_chosen_agent_is_there_has_room_and_fits(
    rules: list[RuleStep], lead: LeadFacts, agents: list[Agent], may_offer: bool
) -> None:
    found = choose(rules, lead, agents, may_offer=may_offer)
    free = {a.id for a in agents if a.is_active and a.is_available and (a.capacity is None or a.load < a.capacity)}
    assert {i for i in (found.agent_id, *found.offered) if i is not None} <= free
    assert found.agent_id is None or not found.offered
    if may_offer and any(one.kind == "first_to_claim" for one in rules):
        assert found.agent_id is None
    if all(one.only_if_any or one.kind not in NARROWING for one in rules):
        assert found.is_nobody == (not free)
    by_id = {a.id: a for a in agents}
    strict_area = any(one.kind == "area" and not one.only_if_any for one in rules)
    if found.agent_id is not None and strict_area and lead.area is not None:
        assert "karen" in by_id[found.agent_id].areas
    assert found == choose(rules, lead, list(reversed(agents)), may_offer=may_offer)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(0, 40), st.sampled_from(["workload", "round_robin", ""]))
def test_equal_agents_get_equally_many(count: int, leads: int, kind: str) -> None:
    agents = [agent(i) for i in range(1, count + 1)]
    loads = dict.fromkeys(range(1, count + 1), 0)
    turns: dict[int, int] = {}
    rules = [step(kind)] if kind else []
    for _ in range(leads):
        found = choose(rules, LEAD, agents, loads=loads, turns=turns)
        assert found.agent_id is not None
        loads[found.agent_id] += 1
        turns |= found.turns
    assert sum(loads.values()) == leads
    assert max(Counter(loads).values()) - min(loads.values()) <= 1
