"""Assignment rules tried on a planted past: the best list comes first, rates and loads are those of then."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadtui.errors import Invalid, NotFound, NotPermitted
from leadtui.services import lifecycle, routing_rules
from leadtui.services.office import Office
from leadtui.services.rule_rehearsal import Candidate, Change, Stopped, assignment
from tests.services.lead_help import ONE_ENGINE, acting_as, add, add_users, everything
from tests.services.rehearsal_help import labels, plant

Move = Callable[[datetime], None]
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
AREAS = {"asha": "Westlands", "juma": "Karen", "wanja": "Kilimani"}


def staff(office: Office) -> dict[str, int]:
    """Three agents, each with an area; no rule is there. Their ids."""
    for login, area in AREAS.items():
        add_users(office, f"{login}:agent", service_areas=area)
    for rule in routing_rules.list_all(office):
        routing_rules.remove(office, str(rule["id"]))
    return {user.login: user.id for user in office.catalog.users if user.login in AREAS}


def columns(ids: dict[str, int]) -> Callable[[random.Random], dict[str, Any]]:
    """A lead comes from anywhere, and went to anybody."""
    logins = list(ids)
    return lambda rng: {"city": rng.choice(list(AREAS.values())), "assigned_to_id": ids[rng.choice(logins)]}


def chance(ids: dict[str, int]) -> Callable[[Any], float]:
    """Whoever knows the area converts best."""
    by_id = {user_id: AREAS[login] for login, user_id in ids.items()}
    return lambda lead: 0.55 if by_id[lead["assigned_to_id"]] == lead["city"] else 0.12


def rule(kind: str, **values: str) -> Change:
    return Change("add", None, {"kind": kind, "name": kind.replace("_", " "), **values})


LISTS = (
    Candidate("in turn", (rule("round_robin"),)), Candidate("by area", (rule("area"), rule("workload"))),
    Candidate("fewest open", (rule("workload"),)), Candidate("who is best", (rule("performance", rate="0.2"),)),
    Candidate("whoever is first", (rule("first_to_claim", minutes="10"), rule("workload"))),
)  # fmt: skip


@ONE_ENGINE
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_the_planted_best_list_comes_first(office: Office, frozen_clock: Move, seed: int) -> None:
    ids = staff(office)
    plant(office, 300, columns(ids), chance(ids), seed=seed)
    before = everything(office)
    found = assignment(office, LISTS)
    assert labels(found.candidates)[0] == "by area"
    assert found.best is not None and found.best.verdict == "better" and (found.best.gain_low or 0) > 0
    matched = found.best.quality.replay.matched
    assert 70 < matched.n < 130 and (matched.rate or 0) > 0.4
    assert (found.best.quality.replay.lift or 0) > 1.5
    assert found.real.n == 300 == found.leads
    assert sum(load.after for load in found.best.quality.load) == 300 == sum(x.before for x in found.before.load)
    example = found.best.examples[0]
    assert example.before != example.after and any(line.startswith("area ") for line in example.why)
    assert everything(office) == before  # it writes nothing at all
    by_label = {one.label: one for one in found.candidates}
    assert sorted(load.after for load in by_label["in turn"].quality.load if load.login in AREAS) == [100] * 3
    first = by_label["whoever is first"].quality
    assert first.offered == 300 and first.replay.others.n == 0  # all are asked, so it was whoever it was


@ONE_ENGINE
def test_rates_are_those_of_then(office: Office, frozen_clock: Move) -> None:
    """Two agents: the one who will be good is not known to be good before his first conversion."""
    ids = staff(office)
    good, bad = ids["wanja"], ids["asha"]
    frozen_clock(NOW - timedelta(days=100))
    leads_ = [add(office, f"07221{n:05d}", assigned_to="asha" if n % 2 else "wanja") for n in range(6)]
    frozen_clock(NOW - timedelta(days=60))
    from leadtui.services.conversion import ConvertRequest, convert

    convert(office, leads_[0], ConvertRequest())
    frozen_clock(NOW - timedelta(days=50))
    late = [add(office, f"07222{n:05d}", assigned_to="asha") for n in range(2)]
    frozen_clock(NOW)
    by_rate = Candidate("rate", (rule("performance", rate="0.2"),))
    found = assignment(office, [by_rate]).candidates[0]
    given = {load.login: load.after for load in found.quality.load}
    assert given["wanja"] >= 2  # the two that came behind her conversion, though she had as many open leads
    assert {moved.lead_id for moved in found.examples if moved.after == "wanja"} >= set(late)
    first = [moved for moved in found.examples if moved.lead_id in leads_]
    assert all(any("nobody, so the order stays" in line for line in moved.why) for moved in first)
    assert good != bad


def test_a_later_owner_is_not_seen(office: Office, frozen_clock: Move) -> None:
    """Who has a lead today is no evidence of who made it a customer. The same on both databases."""
    ids = staff(office)
    frozen_clock(NOW - timedelta(days=100))
    from leadtui.services.conversion import ConvertRequest, convert

    lead_id = add(office, assigned_to="asha", city="Karen")
    other = add(office, "0722000112", assigned_to="juma", city="Karen")
    frozen_clock(NOW - timedelta(days=90))
    convert(office, lead_id, ConvertRequest())
    frozen_clock(NOW - timedelta(days=10))
    from leadtui.services import assignment as assigning

    assigning.assign(office, lead_id, "wanja")
    assigning.assign(office, other, "wanja")
    lifecycle.tag(office, other, ["late"])
    frozen_clock(NOW)
    found = assignment(
        office, [Candidate("area", (rule("area"),)), Candidate("late", (rule("area", where="tag:late"),))]
    )
    assert {load.login: load.before for load in found.before.load if load.before} == {"asha": 1, "juma": 1}
    assert (found.real.n, found.real.hits) == (2, 1)
    area = next(one for one in found.candidates if one.label == "area")
    assert {load.login: load.after for load in area.quality.load if load.after} == {"juma": 2}
    late = next(one for one in found.candidates if one.label == "late")
    assert late.changed == 0 and late.verdict == "same"
    assert set(ids) == set(AREAS)


@ONE_ENGINE
def test_without_changes_every_rule_is_tried_switched_over(office: Office, frozen_clock: Move) -> None:
    ids = staff(office)
    plant(office, 200, columns(ids), chance(ids), seed=4)
    routing_rules.add(office, {"kind": "workload", "name": "evenly"})
    routing_rules.add(office, {"kind": "area", "name": "by area", "order": "1"})
    routing_rules.set_active(office, "by area", False)
    found = assignment(office)
    assert labels(found.candidates)[0] == "with by area"
    assert set(labels(found.candidates)) == {"with by area", "without evenly"}
    assert isinstance(found.as_json()["candidates"], list)


@ONE_ENGINE
def test_nothing_to_rehearse_on_and_what_is_refused(office: Office, frozen_clock: Move) -> None:
    staff(office)
    found = assignment(office, LISTS[:2])
    assert found.leads == 0 and found.best is None and found.candidates[0].gain is None
    assert found.notes == ("There is no lead of that time to rehearse on.",)
    add(office)
    young = assignment(office, LISTS[:2])
    assert young.leads == 0 and young.left_out == {"too young: nothing has come of them yet": 1}
    with acting_as(office, "asha") as asha, pytest.raises(NotPermitted):
        assignment(asha)
    with pytest.raises(Invalid):
        assignment(office, [rule("nonsense")])
    with pytest.raises(NotFound):
        assignment(office, [Change("enable", "nothing such")])
    with pytest.raises(Invalid):
        assignment(office, [Change("paint", "x")])
    with pytest.raises(Stopped):
        assignment(office, should_stop=lambda: True)
