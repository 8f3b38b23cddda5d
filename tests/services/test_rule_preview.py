"""What rules would do, told before they are saved; and their order."""

from __future__ import annotations

import pytest

from leadtui.errors import FilterError, Invalid, NotFound, NotPermitted
from leadtui.services import admin, history, leads, routing_rules, rule_order, rule_preview, score_rules
from leadtui.services.office import Office
from tests.services.lead_help import ONE_ENGINE, acting_as, add, add_users, everything


@ONE_ENGINE
def test_what_a_rule_of_scores_would_do(office: Office) -> None:
    one = add(office, "0722000001", location="Karen", has_router="yes")
    other = add(office, "0722000002", location="Westlands")
    before = everything(office)
    values = {"name": "Karen", "group": "place", "points": "95", "when": "location:Karen", "pipeline": "isp"}
    found = rule_preview.scored(office, values, rule_id=None, lead_id=None)
    assert found is not None and found.lead.id == one, "the newest it is about"
    assert (found.before.score, found.after.score, found.after.raw, found.points) == (5, 100, 100, 95)
    unlike = rule_preview.scored(office, values, rule_id=None, lead_id=other)
    assert unlike is not None and (unlike.points, unlike.after.score) == (0, 0)
    router = next(one for one in score_rules.list_all(office) if one.when == "has_router:yes")
    changed = rule_preview.scored(office, {"points": "7"}, rule_id=router.id, lead_id=one)
    assert changed is not None and (changed.before.score, changed.after.score, changed.points) == (5, 7, 7)
    assert rule_preview.matching(office, "score", values) == (1, 2)
    assert rule_preview.matching(office, "score", {"when": "", "per": "page_views"}) == (0, 2)
    with pytest.raises(FilterError):
        rule_preview.matching(office, "score", {"when": "score:>5"})
    with pytest.raises(Invalid):
        rule_preview.scored(office, {**values, "points": "many"}, rule_id=None, lead_id=one)
    assert everything(office) == before, "nothing is written"
    counts = rule_preview.counts(office, rule_preview.rules(office, "score"))
    assert counts[router.id] == 1 and rule_preview.waiting(office) == 0


def test_first_matches_are_asked_in_their_order(office: Office) -> None:
    one = add(office, "0722000001", location="Karen")
    for name, points in (("First", "10"), ("Second", "20")):
        score_rules.add(office, {"name": name, "group": "turns", "points": points, "first_match": "yes"})
    second = score_rules.get(office, "Second")
    assert leads.get(office, one).row.score == 10
    assert rule_order.move(office, "score", second.id, -1) and not rule_order.move(office, "score", second.id, -1)
    assert rule_preview.waiting(office) == 0 and leads.get(office, one).row.score == 20, "the few are scored at once"
    history.undo(office)
    assert [one.name for one in score_rules.list_all(office) if one.group == "turns"] == ["First", "Second"]


@ONE_ENGINE
def test_whom_a_step_would_choose(office: Office) -> None:
    add_users(office, "asha:agent", service_areas="Karen")
    add_users(office, "juma:agent", service_areas="Westlands")
    ids = [add(office, f"072200000{place}", location="Nowhere") for place in range(4)]
    before = everything(office)
    found = rule_preview.chosen(office, ids)
    assert [one.login for one in found] == ["asha", "juma", "asha", "juma"], "each counts for the next"
    assert rule_preview.first_unassigned(office) == ids[-1]
    values = {"name": "All to juma", "kind": "source", "users": "juma", "pipeline": "isp"}
    moved = rule_preview.rerouted(office, values, rule_id=None, lead_id=ids[0])
    assert moved is not None and (moved.before.words, moved.after.words) == ("asha", "juma")
    assert any("juma" in line for line in moved.after.lines)
    offered = rule_preview.rerouted(office, {"name": "Who", "kind": "first_to_claim"}, rule_id=None, lead_id=None)
    assert offered is not None and offered.after.words == "offered to asha, juma"
    assert everything(office) == before, "nothing is written"


@ONE_ENGINE
def test_steps_are_moved_where_they_are_seen(office: Office) -> None:
    admin.add_preset(office, "travel")
    routing_rules.add(office, {"name": "For all", "kind": "round_robin", "pipeline": "", "order": "2"})

    def names(pipeline: str) -> list[str]:
        return [one["name"] for one in routing_rules.list_all(office, pipeline=pipeline)]

    rule = next(one for one in routing_rules.list_all(office) if one["name"] == "For all")
    isp, travel = names("isp"), names("travel")
    at = isp.index("For all")
    assert rule_order.move(office, "assign", rule["id"], 1, pipeline="isp")
    assert names("isp") == [*isp[:at], isp[at + 1], "For all", *isp[at + 2 :]]
    assert [one for one in names("travel") if one != "For all"] == [one for one in travel if one != "For all"]
    history.undo(office)
    assert names("isp") == isp
    with pytest.raises(NotFound):
        rule_order.move(office, "assign", 9999, 1)
    add_users(office, "asha:agent")
    with acting_as(office, "asha") as other, pytest.raises(NotPermitted):
        rule_order.move(other, "assign", rule["id"], 1)


@ONE_ENGINE
def test_a_name_that_several_pipelines_have_means_the_default_one(office: Office) -> None:
    admin.add_preset(office, "travel")
    for pipeline in ("", "isp", "travel"):
        score_rules.add(office, {"name": "Same", "points": "1", "when": "city:x", "pipeline": pipeline})
        routing_rules.add(office, {"name": "Same", "kind": "area", "pipeline": pipeline})
    assert [score_rules.get(office, "same", pipeline=one).pipeline for one in (None, "travel")] == ["isp", "travel"]
    assert [routing_rules.get(office, "same", pipeline=one)["pipeline"] for one in (None, "travel")] == [
        "isp",
        "travel",
    ]
    for service in (score_rules, routing_rules):
        with pytest.raises(NotFound) as unknown:
            service.get(office, "nothing such")
        assert unknown.value.field == "rule"
