"""Scores: after any act the stored one is what scoring anew would make; rules as data; the job; the golden case."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from leadtui.domain.conditions import read
from leadtui.domain.scoring import Rule, clamped, unit_of, worth
from leadtui.errors import Duplicate, FilterError, Invalid, LeadtuiError, NotFound, NotPermitted
from leadtui.services import (
    activities,
    admin,
    behavior,
    bulk,
    events,
    history,
    intake,
    leads,
    lifecycle,
    score_facts,
    score_rules,
    scoring,
    status,
)  # fmt: skip
from leadtui.services.activities import LogEntry
from leadtui.services.bulk import Act, Target
from leadtui.services.importing import run_import
from leadtui.services.office import Office, open_office
from leadtui.services.settings import set_setting
from leadtui.store import schema as t
from leadtui.store.migrations.defaults_0005_scoring import scoring_rules
from tests.services.lead_help import add, add_users

pytestmark = pytest.mark.usefixtures("frozen_clock")
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def slowly(office: Office) -> dict[int, tuple[int | None, int | None]]:
    """Raw sum and score of every live lead, rule by rule from all facts."""
    with office.store.read() as tx:
        found: dict[int, tuple[int | None, int | None]] = {}
        rows = tx.conn.execute(select(t.lead).where(t.lead.c.deleted_at.is_(None))).mappings().all()
        c = t.scoring_rule.c
        rules = tx.conn.execute(select(t.scoring_rule).where(c.is_active.is_(True)).order_by(c.order, c.id)).mappings()
        every = rules.all()
        facts = score_facts.of(tx, [row["id"] for row in rows])
        for row in rows:
            mine = [one for one in every if one["pipeline_id"] in (None, row["pipeline_id"])]
            raw, groups = row["score_bonus"], set[str]()
            for one in mine:
                condition = read(one["condition"] or "", tx.catalog)
                if not condition.holds(facts[row["id"]]) or (one["mode"] == "first_match" and one["group"] in groups):
                    continue
                if one["mode"] == "first_match":
                    groups.add(one["group"])
                raw += worth(
                    Rule(0, "", "", "", one["mode"], one["points"], field=one["field"], cap=one["cap"],
                         unit=unit_of(one["field"], tx.catalog.currency)), facts[row["id"]],
                )  # fmt: skip
            found[row["id"]] = (raw, clamped(raw)) if mine or row["score_bonus"] else (None, None)
        return found


def stored(office: Office) -> dict[int, tuple[int | None, int | None]]:
    """What stands in the rows of live leads; all of them made by the present rules."""
    lead = t.lead.c
    with office.store.read() as tx:
        now = scoring.version(tx)
        rows = tx.conn.execute(select(t.lead).where(lead.deleted_at.is_(None))).mappings().all()
    assert {row["score_version"] for row in rows} <= {now}
    return {row["id"]: (row["score_raw"], row["score"]) for row in rows}


def agree(office: Office) -> None:
    assert stored(office) == slowly(office)


def test_the_golden_case(make_office: Callable[..., Office]) -> None:
    office = make_office("real-estate")
    set_setting(office, "service_areas", "Springfield")
    values = {
        "name": "Ann", "phone": "+14155552671", "employment_status": "employed", "date_of_birth": "1996-02-03",
        "city": "springfield", "page_views": "12", "property_views": "2", "avg_response_min": "45",
        "communications": "3", "timeline": "3_months", "pre_approved": "yes", "budget": "250000",
    }  # fmt: skip
    done = leads.create(office, values)
    assert done.lead.score == 100
    found = scoring.explain(office, done.lead.number)
    assert (found.raw, found.score, found.hot, found.qualified) == (134, 100, True, True)
    assert [line.points for line in found.given] == [15, 10, 10, 20, 6, 15, 3, 20, 25, 10]
    assert {line.group for line in found.lines} == {"demographics", "behavior", "engagement", "timeline", "financial"}
    assert len(found.lines) == 23
    bare = leads.create(office, {"name": "Bob"})
    assert bare.lead.score == 5, "no response time is no fast one; nothing said of time is the last branch"
    assert leads.create(office, {"name": "Cy", "employment_status": "unemployed"}).lead.score == 5
    detail = leads.get(office, done.lead.id)
    assert detail.scored == found and detail.row.score == 100
    agree(office)


def test_what_an_internet_provider_counts(office: Office) -> None:
    values = {"current_isp": "Zuku", "reason": "slow", "monthly_fee": "2500", "has_router": "yes"}
    lead_id = add(office, source="Caretaker", package="20 Mbps Home", **values)
    assert leads.get(office, lead_id).row.score == 15 + 10 + 10 + 25 + 5 + 10
    status.set_status(office, lead_id, "Site Survey Scheduled")
    assert scoring.explain(office, lead_id).raw == 100
    for outcome, points in (("no_answer", 100), ("positive", 110)):
        activities.log(office, lead_id, LogEntry("call", outcome=outcome))
        assert scoring.explain(office, lead_id).raw == points
    history.undo(office)
    assert scoring.explain(office, lead_id).raw == 100
    agree(office)


RULES: tuple[dict[str, str], ...] = (
    {"name": "vip", "when": "tag:vip", "points": "7"}, {"name": "here", "when": "is:served", "points": "11"},
    {"name": "k", "when": "custom.k:v", "points": "-4"},
    {"name": "views", "per": "page_views", "points": "2", "cap": "9"},
    {"name": "fee", "per": "monthly_fee", "points": "1", "cap": "40"},
    {"name": "nobody", "when": "is:unassigned", "points": "3"},
    {"name": "zoe", "when": "brought_in_by:zoe", "points": "13"}, {"name": "old", "when": "age:>30", "points": "6"},
    {"name": "fresh", "when": "last_activity_at:today", "points": "1"},
    {"name": "lost", "when": "is:lost", "points": "-50"},
    {"name": "a", "when": "name:a", "points": "17", "first_match": "yes", "group": "x"},
    {"name": "b", "points": "5", "first_match": "yes", "group": "x"}, {"name": "all", "points": "2", "pipeline": ""},
)  # fmt: skip
CSV = (
    b"name,phone,tags,city,page_views,brought_in_by,custom.k,date_of_birth\n"
    b"Ann,0722300001,vip,Nairobi,3,Zoe,v,1990-01-02\n"
)


def _acts(rnd: random.Random) -> list[Callable[[Office], Any]]:
    """What people and programs do with leads, by chance."""
    some, who = rnd.choice, lambda: rnd.randint(1, 4)
    fields = lambda: {  # noqa: E731
        key: some(values) for key, values in {
            "name": ["Ann", "Bo"], "city": ["", "Nairobi", "Kisumu"], "tags": ["", "vip", "b,vip"],
            "custom.k": ["", "v"],
            "monthly_fee": ["", "12", "99.99"], "page_views": ["", "1", "9"], "brought_in_by": ["", "Zoe", "Abe"],
            "date_of_birth": ["", "1990-05-17"], "source": ["Referral", "Website"], "package": ["", "20 Mbps Home"],
        }.items() if rnd.random() < 0.4
    }  # fmt: skip
    stages = ["New", "Contacted", "Interested", "Site Survey Scheduled", "Future Prospect"]
    return [
        lambda o: leads.edit(o, who(), fields()),
        lambda o: leads.edit(o, who(), fields()),
        lambda o: leads.create(o, {"phone": f"07441{rnd.randint(0, 99_999):05d}", **fields()}),
        lambda o: status.set_status(o, who(), some(stages)),
        lambda o: status.lose(o, who(), "No answer"),
        lambda o: status.reopen(o, who(), "back"),
        lambda o: lifecycle.tag(o, who(), ["vip"]),
        lambda o: lifecycle.untag(o, who(), ["vip"]),
        lambda o: activities.log(o, who(), LogEntry("call", outcome=some(["positive", "no_answer", None]))),
        lambda o: activities.log(o, who(), LogEntry("note", details="x")),
        lambda o: lifecycle.delete(o, who()),
        lambda o: lifecycle.restore(o, who()),
        lambda o: behavior.record(o, who(), some(["email_open", "page_view", "search_performed"])),
        lambda o: events.handle_open(o, limit=50, may_go_on=lambda: True),
        lambda o: bulk.apply(o, Target(ids=(1, 2, 3)), Act(set=fields(), assign=some(["none", "boss", "jane", None]))),
        lambda o: intake.by_hand(o, "Website", {"phone": "0722000001", "city": some(["Nairobi", "Thika"])}),
        lambda o: run_import(o, CSV, on_duplicate=some(["skip", "update"]), name="x.csv"),
        history.undo,
        history.undo,
    ]


def test_after_any_act_the_score_is_what_scoring_anew_makes(office: Office) -> None:
    add_users(office, "jane:agent")
    set_setting(office, "service_areas", "Nairobi")
    for values in RULES:
        score_rules.add(office, values)
    admin.add(office, "trigger", {"name": "opens", "event": "email_open", "count": "1", "action": "score",
                                  "points": "9", "cooldown": "0h"})  # fmt: skip
    for n in range(4):
        add(office, f"072200000{n + 1}", tags="vip" if n else "", brought_in_by="Zoe" if n == 2 else "")
    agree(office)
    rnd = random.Random(11)
    doings, done = _acts(rnd), 0
    for _ in range(50):
        try:
            rnd.choice(doings)(office)
            done += 1
        except LeadtuiError:  # refused: a lead that is deleted already, nothing to undo
            pass
        agree(office)
    assert done > 20
    assert len({score for score, _ in stored(office).values()}) > 2


def test_a_rule_changed_makes_all_stale_and_the_job_scores_them_anew(office: Office, monkeypatch: Any) -> None:
    monkeypatch.setattr(scoring, "MOST", 2)
    monkeypatch.setattr(scoring, "catch_up", lambda office: 0)
    ids = [add(office, f"072200000{n}", current_isp="Zuku") for n in range(5)]
    before = {i: leads.get(office, i).row for i in ids}
    audits = history.audit(office)[0]
    rule = score_rules.edit(office, "Has another provider", {"points": "-3", "name": "Taken"})
    assert (rule.points, rule.name, rule.key) == (-3, "Taken", "has_another_provider")
    with office.read() as tx:
        assert scoring.waiting(tx) == 5
    assert {leads.get(office, i).row.score for i in ids} == {0}, "what is shown is never stale"
    assert {score for _, score in _raw(office).values()} == {10}
    assert scoring.step(office, limit=3, may_go_on=lambda: True) == 3
    assert scoring.step(office, limit=500, may_go_on=lambda: True) == 2
    assert scoring.step(office, limit=500, may_go_on=lambda: True) == 0
    agree(office)
    after = {i: leads.get(office, i).row for i in ids}
    assert [(before[i].version, before[i].updated_at) for i in ids] == [
        (after[i].version, after[i].updated_at) for i in ids
    ]
    assert history.audit(office)[0] == audits + 1, "scores are no edits: only the rule's own change is noted"
    assert history.undo(office).restored == 1
    scoring.step(office, limit=500, may_go_on=lambda: True)
    assert {score for _, score in stored(office).values()} == {10}


def _raw(office: Office) -> dict[int, tuple[int | None, int | None]]:
    lead = t.lead.c
    with office.store.read() as tx:
        return {r.id: (r.score_raw, r.score) for r in tx.conn.execute(select(lead.id, lead.score_raw, lead.score))}


def test_what_moves_with_the_calendar_is_scored_once_a_day(
    sqlite_office: Office, frozen_clock: Callable[[datetime], None]
) -> None:
    office = sqlite_office
    lead_id = add(office, date_of_birth="1996-11-21")
    score_rules.add(office, {"name": "thirty", "when": "age:>=30", "points": "20"})
    scoring.step(office, limit=500, may_go_on=lambda: True)
    assert _raw(office)[lead_id] == (0, 0)
    frozen_clock(NOW + timedelta(days=1))
    assert scoring.step(office, limit=500, may_go_on=lambda: True) == 1
    assert _raw(office)[lead_id] == (20, 20)
    assert scoring.step(office, limit=500, may_go_on=lambda: True) == 0, "once a day"


def test_rules_are_added_changed_removed_and_put_back(office: Office) -> None:
    made = score_rules.add(office, {"name": "From here", "when": "city:nairobi", "points": "7", "group": "Place it is"})
    assert (made.group, made.mode, made.pipeline, made.words) == ("place_it_is", "flat", "isp", "+7 if city:nairobi")
    assert score_rules.check(office, "city:nairobi") == score_rules.Checked(0, 0)
    edited = score_rules.edit(office, "from here", {"per": "page views", "cap": "6", "when": ""})
    assert (edited.mode, edited.per, edited.cap, edited.when) == ("per_unit", "page_views", 6, None)
    first = score_rules.edit(office, "From here", {"first_match": "yes"}, dry_run=True)
    assert (first.mode, first.per, first.cap) == ("first_match", None, None)
    assert score_rules.get(office, "From here") == edited, "a dry run changes nothing"
    assert not score_rules.set_active(office, made.key, False).is_active
    assert score_rules.remove(office, str(made.id)) not in score_rules.list_all(office)
    for _ in range(4):
        history.undo(office)
    assert "From here" not in [one.name for one in score_rules.list_all(office)]
    with pytest.raises(NotFound):
        score_rules.get(office, "From here")


def test_what_a_rule_may_not_be(sqlite_office: Office) -> None:
    office = sqlite_office
    fine = {"name": "x", "points": "1"}
    for change, kind, field in (
        ({"when": "score:>1"}, FilterError, "filter"), ({"when": "status:nowhere"}, FilterError, "filter"),
        ({"points": "many"}, Invalid, "points"), ({"points": ""}, Invalid, "points"), ({"name": ""}, Invalid, "name"),
        ({"per": "name"}, Invalid, "per"), ({"cap": "3"}, Invalid, "cap"), ({"nonsense": "1"}, Invalid, "nonsense"),
        ({"name": "wants A package"}, Duplicate, "name"), ({"pipeline": "nowhere"}, Invalid, "pipeline"),
        ({"name": "y" * 121}, Invalid, "name"),
    ):  # fmt: skip
        with pytest.raises(kind) as caught:
            score_rules.add(office, {**fine, **change})
        assert caught.value.field == field
    count = len(score_rules.list_all(office))
    add_users(office, "jane:agent")
    jane = open_office(str(office.store.path), as_login="jane")
    for act in (
        lambda: score_rules.add(jane, fine), lambda: score_rules.remove(jane, "1"),
        lambda: score_rules.edit(jane, "1", fine), lambda: score_rules.set_active(jane, "1", False),
    ):  # fmt: skip
        with pytest.raises(NotPermitted):
            act()
    jane.close()
    assert len(score_rules.list_all(office)) == count


def test_what_a_rule_names_may_go_and_come_back(sqlite_office: Office) -> None:
    office = sqlite_office
    lead_id = add(office, source="Referral")
    score_rules.add(office, {"name": "web", "when": 'package:"20 Mbps Home"', "points": "50"})
    leads.edit(office, lead_id, {"package": "20 Mbps Home"})
    assert scoring.explain(office, lead_id).raw == 75
    admin.edit(office, "package", "20 Mbps Home", {"name": "Fast"})
    scoring.step(office, limit=500, may_go_on=lambda: True)
    assert score_rules.get(office, "web").problem == "column 9: there is no package '20 Mbps Home'"
    assert _raw(office)[lead_id] == (25, 25)
    admin.edit(office, "package", "Fast", {"name": "20 Mbps Home"})
    scoring.step(office, limit=500, may_go_on=lambda: True)
    assert _raw(office)[lead_id] == (75, 75)
    assert score_rules.get(office, "web").problem is None


def test_a_role_sees_no_score_and_no_rule_about_what_is_hidden(sqlite_office: Office) -> None:
    office = sqlite_office
    add_users(office, "jane:agent")
    lead_id = add(office, monthly_fee="2500", current_isp="Zuku", assigned_to="jane")
    with office.store.engine.begin() as conn:
        conn.execute(t.role.update().where(t.role.c.key == "agent").values(hidden_fields_json=["monthly_fee"]))
        conn.execute(t.counter.update().where(t.counter.c.key == "catalog_version").values(value=t.counter.c.value + 1))
    jane = open_office(str(office.store.path), as_login="jane")
    found = scoring.explain(jane, lead_id)
    assert found.raw == 35
    assert [(x.name, x.points) for x in found.given] == [
        ("Has another provider", 10),
        ("what your role does not see", 25),
    ]
    counted = [score_rules.check(one, "monthly_fee:*") for one in (jane, office)]
    assert [(one.matching, one.total) for one in counted] == [(None, 1), (1, 1)]
    with office.store.engine.begin() as conn:
        conn.execute(t.role.update().where(t.role.c.key == "agent").values(hidden_fields_json=["score"]))
        conn.execute(t.counter.update().where(t.counter.c.key == "catalog_version").values(value=t.counter.c.value + 1))
    with pytest.raises(NotPermitted):
        scoring.explain(jane, lead_id)
    assert leads.get(jane, lead_id).scored is None
    jane.close()


def test_presets_bring_rules_that_can_be_read(sqlite_office: Office) -> None:
    office = sqlite_office
    for preset in ("insurance", "estate", "travel", "real-estate"):
        admin.add(office, "pipeline", {"preset": preset})
    found = score_rules.list_all(office)
    assert {one.pipeline for one in found} == {"isp", "insurance", "estate", "travel", "real-estate"}
    assert [one.name for one in found if one.problem] == []
    assert len({(one.pipeline, one.key) for one in found}) == len(found)


def test_an_older_database_gets_the_rules_a_new_one_has(sqlite_office: Office) -> None:
    office = sqlite_office
    for preset in ("insurance", "estate", "travel", "real-estate"):
        admin.add(office, "pipeline", {"preset": preset})
    columns = [c for c in t.scoring_rule.c if c.name != "id"]
    with office.store.engine.begin() as conn:
        new = sorted(map(str, conn.execute(select(*columns))))
        conn.execute(t.scoring_rule.delete())
        scoring_rules(conn)
        assert sorted(map(str, conn.execute(select(*columns)))) == new
