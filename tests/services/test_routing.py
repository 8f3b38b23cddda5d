"""Who gets leads: by hand and by itself, spread, explained, taken back; offers, and leads that wait for somebody."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from leadtui.errors import Invalid, NotFound, NotPermitted, Refused
from leadtui.services import (
    admin,
    bookings,
    bulk,
    history,
    importing,
    leads,
    lifecycle,
    offers,
    reminders,
    routing,
    routing_rules,
    unassigned,
)
from leadtui.services.bulk import Act, Target
from leadtui.services.office import Office, open_office
from leadtui.services.rule_rows import ASSIGNMENT
from leadtui.store import schema as t
from leadtui.store.migrations.defaults_0005_assignment import assignment_rules

from .lead_help import LEAD_TABLES, ONE_ENGINE, acting_as, add, add_users, dump

NOON = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
Clock = Callable[[datetime], None]


def owner(office: Office, lead_id: int) -> str | None:
    return leads.get(office, lead_id).row.assigned_to


def lines(office: Office, lead_id: int) -> list[str]:
    """What the last assignment on the timeline says."""
    found = [one for one in leads.get(office, lead_id).activities if one.type == "assignment"]
    return [found[0].subject, *(found[0].details or "").splitlines()]


def told(office: Office, login: str, kind: str = "assignment") -> list[str]:
    with acting_as(office, login) as theirs:
        return [one.text for one in reminders.mine(theirs) if one.kind == kind]


def team(office: Office) -> None:
    """wanjiku serves Westlands, peter everything else; dora supervises."""
    add_users(office, "wanjiku:agent", "peter:agent", "dora:director")
    admin.edit_user(office, "wanjiku", {"service_areas": "Westlands, Karen"})


# -- by the rules -----------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("frozen_clock")
def test_auto_explains_itself_tells_the_agent_and_plans_the_first_contact(office: Office) -> None:
    team(office)
    lead_id = add(office, name="Zuri", city="westlands")
    before = dump(office, LEAD_TABLES)
    assert routing.preview(office, lead_id).lines[-1] == "so wanjiku gets it"
    done = lifecycle.assign(office, lead_id, "auto")
    assert done.changed == ("assigned_to",)
    assert lines(office, lead_id) == [
        "nobody → wanjiku (automatically)", "area westlands: 1 of 2 serve it: wanjiku", "workload: wanjiku 0",
        "performance ≥ 15 %: nobody, so the order stays", "so wanjiku gets it",
    ]  # fmt: skip
    assert told(office, "wanjiku") == ["LD-202611-0001 was assigned to you (westlands)"]
    detail = leads.get(office, lead_id)
    (plan,) = [one for one in detail.activities if one.scheduled_at is not None]
    assert (plan.subject, plan.assigned_to, plan.scheduled_at) == (
        "answer the inquiry",
        "wanjiku",
        NOON + timedelta(hours=2),
    )
    assert detail.row.next_follow_up == plan.scheduled_at
    undone = history.undo(office)
    assert (undone.restored, undone.refused) == (1, ())
    assert dump(office, LEAD_TABLES) == before
    assert told(office, "wanjiku") == []


@ONE_ENGINE
def test_a_lead_with_a_follow_up_keeps_it(office: Office) -> None:
    team(office)
    lead_id = add(office, follow_up="+3d", assigned_to="auto")
    planned = [one for one in leads.get(office, lead_id).activities if one.scheduled_at is not None]
    assert [one.subject for one in planned] == ["follow up"]
    assert leads.get(office, lead_id).row.version == 1
    both = add(office, "0722000112")
    leads.edit(office, both, {"assigned_to": "auto", "follow_up": "+5d"})
    assert len([one for one in leads.get(office, both).activities if one.scheduled_at is not None]) == 1


@pytest.mark.usefixtures("frozen_clock")
def test_many_at_once_are_spread_and_told_in_one_notice(office: Office) -> None:
    add_users(office, "ann:agent", "ben:agent", "eve:agent")
    ids = [add(office, f"07220001{n:02d}") for n in range(8)]
    seen = bulk.preview(office, Target(ids=tuple(ids)), Act(assign="auto"))
    assert seen.changed == 8
    done = bulk.apply(office, Target(where="is:unassigned"), Act(assign="auto"))
    assert (done.changed, done.refused) == (8, ())
    counted = Counter(owner(office, i) for i in ids)
    assert counted == {"ann": 3, "ben": 3, "eve": 2}
    assert bulk.preview(office, Target(ids=tuple(ids)), Act(assign="auto")).changed == 0  # who has one keeps it
    assert told(office, "ben") == ["3 leads were assigned to you, the last is LD-202611-0008"]
    assert history.undo(office).restored == 8
    assert {owner(office, i) for i in ids} == {None}
    assert told(office, "ben") == []


@ONE_ENGINE
def test_capacity_availability_and_conversion_count(office: Office) -> None:
    add_users(office, "ann:agent", "ben:agent", "dora:director")
    admin.edit_user(office, "ann", {"capacity": "1"})
    assert [owner(office, add(office, f"07220001{n:02d}", assigned_to="auto")) for n in range(3)] == [
        "ann",
        "ben",
        "ben",
    ]
    lifecycle_id = add(office, "0722000200", assigned_to="ben")
    with office.write() as tx:
        converted = next(s for s in tx.catalog.stages if s.is_converted)
        tx.conn.execute(t.lead.update().where(t.lead.c.id == lifecycle_id).values(stage_id=converted.id))
    found = {one.login: one for one in _agents(office)}
    assert (found["ben"].load, round(found["ben"].conversion_rate, 2), found["ann"].load) == (2, 0.33, 1)
    admin.edit_user(office, "ben", {"available": "no"})
    lead_id = add(office, "0722000300")
    with pytest.raises(Refused) as refused:
        lifecycle.assign(office, lead_id, "auto")
    assert refused.value.code == "no_agent"
    assert refused.value.hint == "away: ben; no room: ann 1 of 1; nobody is available"
    many = bulk.apply(office, Target(ids=(lead_id,)), Act(assign="auto"))
    assert [(one.lead_id, one.code) for one in many.refused] == [(lead_id, "no_agent")]
    kept = leads.create(office, {"phone": "0722000301", "assigned_to": "auto"})
    assert (kept.lead.assigned_to, len(kept.warnings)) == (None, 1)
    assert told(office, "dora", unassigned.UNASSIGNED) == ["1 lead waits unassigned: nobody is available to get them"]


def _agents(office: Office) -> tuple[Any, ...]:
    with office.read() as tx:
        return routing.agents(tx)


def test_conditions_round_robin_and_strict_rules(office: Office) -> None:
    add_users(office, "ann:agent", "ben:agent", "eve:agent")
    for rule in routing_rules.list_all(office):
        routing_rules.set_active(office, str(rule["id"]), False)
    routing_rules.add(office, {"kind": "source", "name": "Walkers", "sources": "Referral", "users": "eve"})
    routing_rules.add(office, {"kind": "area", "name": "Vips", "where": "tag:vip", "only_if_any": "no"})
    routing_rules.add(office, {"kind": "round_robin"})
    assert [owner(office, add(office, f"07220001{n:02d}", assigned_to="auto")) for n in range(4)] == [
        "ann", "ben", "eve", "ann",
    ]  # fmt: skip
    referred = leads.create(office, {"phone": "0722000200", "source": "Referral", "assigned_to": "auto"})
    assert referred.lead.assigned_to == "eve"
    strange = leads.create(office, {"phone": "0722000201", "city": "Karen", "assigned_to": "auto"}, tags=["vip"])
    assert strange.lead.assigned_to is None  # nobody serves it, and the rule is strict for tagged ones
    assert (
        leads.create(office, {"phone": "0722000202", "city": "Karen", "assigned_to": "auto"}).lead.assigned_to == "ann"
    )


# -- rules as data ----------------------------------------------------------------------------------------------------
@ONE_ENGINE
def test_rules_are_checked_changed_and_taken_back(office: Office) -> None:
    assert [one["kind"] for one in routing_rules.list_all(office)] == ["area", "workload", "performance"]
    made = routing_rules.add(office, {"kind": "performance", "name": "Stars", "rate": "30%", "where": "budget:>=1000"})
    assert (made["rate"], made["order"], made["does"]) == (0.3, 4, "those who convert 30 % or more first")
    with office.read() as tx:
        before = [dict(row) for row in ASSIGNMENT.rows(tx)]
    routing_rules.edit(office, "stars", {"rate": "", "where": "", "order": "1"})
    routing_rules.remove(office, "Area")
    assert routing_rules.list_all(office)[0]["name"] == "Stars"
    history.undo(office)
    history.undo(office)
    with office.read() as tx:
        assert [dict(row) for row in ASSIGNMENT.rows(tx)] == before
    for values, field in (
        ({"kind": "magic"}, "kind"), ({"kind": "performance", "rate": "2"}, "rate"),
        ({"kind": "area", "rate": "1"}, "rate"), ({"kind": "source"}, "users"),
        ({"kind": "source", "users": "zed"}, "users"), ({"kind": "area", "name": "stars"}, "name"),
        ({"kind": "first_to_claim", "minutes": "0"}, "minutes"), ({"kind": "area", "colour": "red"}, "colour"),
    ):  # fmt: skip
        with pytest.raises((Invalid, Refused)) as refused:
            routing_rules.add(office, values)
        assert refused.value.field == field
    add_users(office, "ann:agent")
    with acting_as(office, "ann") as ann, pytest.raises(NotPermitted):
        routing_rules.add(ann, {"kind": "area", "name": "x"})


# -- by itself --------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("frozen_clock")
def test_what_comes_in_is_assigned_when_switched_on(office: Office) -> None:
    team(office)
    first = bookings.add(office, "B-1", {"phone": "0722000001", "name": "One", "city": "Karen"})
    assert first.lead is not None and first.lead.assigned_to is None
    admin.set_setting(office, "auto_assign", "intake")
    second = bookings.add(office, "B-2", {"phone": "0722000002", "name": "Two", "city": "Karen"})
    assert second.lead is not None and second.lead.assigned_to == "wanjiku"
    planned = [one for one in leads.get(office, second.lead.id).activities if one.scheduled_at is not None]
    assert [one.subject for one in planned] == ["answer the inquiry"]  # and no second task for the booking
    assert owner(office, add(office, "0722000003")) is None  # typed by a person
    by_program = Office(office.store, office.user_id, origin="api:lt_1")
    assert owner(office, add(by_program, "0722000010")) == "peter"
    admin.set_setting(office, "auto_assign", "all")
    assert owner(office, add(office, "0722000004")) in {"peter", "wanjiku"}
    assert owner(office, add(office, "0722000005", assigned_to="none")) is None
    with acting_as(office, "peter") as peter:
        assert owner(peter, add(peter, "0722000006")) == "peter"
    file = b"name,phone\nImp One,0722000007\nImp Two,0722000008\nImp Three,0722000009\n"
    importing.run_import(office, file, name="leads.csv")
    assert unassigned.step(office) == 3
    assert leads.count(office, "name:Imp assigned:none") == 0
    assert unassigned.step(office) == 0
    history.undo(office, second.batch)
    with pytest.raises(NotFound):
        leads.get(office, second.lead.id)


def test_nobody_available_waits_with_one_notice_until_somebody_is(office: Office, frozen_clock: Clock) -> None:
    team(office)
    admin.set_setting(office, "auto_assign", "all")
    for login in ("wanjiku", "peter"):
        admin.edit_user(office, login, {"available": "no"})
    ids = [add(office, f"07220000{n:02d}") for n in range(3)]
    assert [owner(office, i) for i in ids] == [None] * 3
    words = "3 leads wait unassigned: nobody is available to get them"
    assert (told(office, "dora", "unassigned"), told(office, "peter", "unassigned")) == ([words], [])
    with office.read() as tx:
        assert (unassigned.count(tx), unassigned.waiting(tx)) == (3, 3)
    assert unassigned.step(office) == 0
    frozen_clock(NOON + timedelta(minutes=1))
    assert unassigned.step(office) == 0
    lifecycle.assign(office, ids[0], "dora")
    admin.edit_user(office, "peter", {"available": "yes", "capacity": "1"})
    assert unassigned.step(office) == 1
    assert [owner(office, i) for i in ids] == ["dora", "peter", None]
    assert len(told(office, "dora", "unassigned")) == 1
    admin.edit_user(office, "peter", {"capacity": ""})
    assert unassigned.step(office) == 1
    with office.read() as tx:
        assert unassigned.waiting(tx) == 0
    admin.edit_user(office, "peter", {"available": "no"})
    add(office, "0722000050")
    assert len(told(office, "dora", "unassigned")) == 2  # the queue was empty meanwhile


# -- first to claim ---------------------------------------------------------------------------------------------------
def offered(office: Office, minutes: str = "15") -> int:
    """A lead that is offered to wanjiku and peter."""
    team(office)
    routing_rules.add(office, {"kind": "first_to_claim", "minutes": minutes, "order": "0"})
    lead_id = add(office, "0722000001", name="Zuri", city="Karen")
    done = lifecycle.assign(office, lead_id, "auto")
    assert done.warnings == ("offered to wanjiku, peter until 12:15: whoever claims it first has it",)
    return lead_id


def test_whoever_claims_first_has_it(office: Office, frozen_clock: Clock) -> None:
    lead_id = offered(office)
    assert (owner(office, lead_id), leads.count(office, "is:offered")) == (None, 1)
    assert told(office, "peter", "offer") == ["LD-202611-0001 (Karen) is offered to you until 12:15: claim it first"]
    with acting_as(office, "peter") as peter:
        with pytest.raises(NotFound):
            leads.get(peter, lead_id)
        (row,) = offers.mine(peter)
        assert (row.lead_number, row.lead_name, row.area, row.mine) == ("LD-202611-0001", None, "Karen", True)
        claimed = offers.claim(peter, "ld-202611-0001")
        assert claimed.lead.assigned_to == "peter"
        assert offers.claim(peter, lead_id).warnings == ("you have it already",)
    with acting_as(office, "wanjiku") as wanjiku:
        with pytest.raises(Refused) as late:
            offers.claim(wanjiku, lead_id)
        assert (late.value.code, late.value.message) == ("taken", "peter was faster")
        assert offers.mine(wanjiku) == ()
    assert told(office, "wanjiku", "offer") == ["peter was faster: LD-202611-0001 is taken"]
    with acting_as(office, "dora") as dora, pytest.raises(Refused) as other:
        offers.claim(dora, lead_id)
    assert other.value.code == "not_offered"
    frozen_clock(NOON + timedelta(hours=1))
    assert offers.lapse(office) == 0
    assert history.undo(office, claimed.batch).restored == 1
    assert (owner(office, lead_id), leads.count(office, "is:offered")) == (None, 1)


def test_of_two_who_claim_at_once_one_has_it(office: Office, frozen_clock: Clock, db_url: str) -> None:
    lead_id = offered(office)
    start = threading.Barrier(2)
    answers: list[str] = []

    def claim(login: str) -> None:
        mine = open_office(db_url, as_login=login)
        start.wait()
        try:
            answers.append(str(offers.claim(mine, lead_id).lead.assigned_to))
        except Refused as error:
            answers.append(error.message)
        finally:
            mine.close()

    both = [threading.Thread(target=claim, args=(login,)) for login in ("wanjiku", "peter")]
    for one in both:
        one.start()
    for one in both:
        one.join()
    winner = owner(office, lead_id)
    assert sorted(answers) == sorted([str(winner), f"{winner} was faster"])
    with office.read() as tx:
        assert [row.result for row in tx.conn.execute(select(t.lead_offer))] == ["claimed"]


def test_an_offer_nobody_claims_goes_on_with_the_rules_behind_it(office: Office, frozen_clock: Clock) -> None:
    lead_id = offered(office)
    with pytest.raises(Refused) as twice:
        lifecycle.assign(office, lead_id, "auto")
    assert twice.value.code == "offered"
    assert offers.lapse(office) == 0
    frozen_clock(NOON + timedelta(minutes=16))
    assert offers.lapse(office) == 1
    assert owner(office, lead_id) == "wanjiku"
    assert lines(office, lead_id)[1] == "first to claim: nobody claimed it"
    assert told(office, "peter", "offer") == []
    second = add(office, "0722000002")
    lifecycle.assign(office, second, "auto")
    for login in ("wanjiku", "peter"):
        admin.edit_user(office, login, {"available": "no"})
    frozen_clock(NOON + timedelta(minutes=40))
    assert offers.lapse(office) == 1
    assert (owner(office, second), leads.count(office, "is:offered")) == (None, 0)
    assert len(told(office, "dora", "unassigned")) == 1


@ONE_ENGINE
def test_a_person_who_assigns_ends_the_offer_and_undo_opens_it_again(office: Office, frozen_clock: Clock) -> None:
    lead_id = offered(office)
    lifecycle.assign(office, lead_id, "dora")
    assert (leads.count(office, "is:offered"), told(office, "peter", "offer")) == (0, [])
    with acting_as(office, "peter") as peter, pytest.raises(Refused) as late:
        offers.claim(peter, lead_id)
    assert late.value.message == "dora has it"
    history.undo(office)
    assert leads.count(office, "is:offered") == 1
    history.undo(office)
    assert leads.count(office, "is:offered") == 0


def test_programs_that_give_leads_at_once_count_each_others(office: Office, db_url: str) -> None:
    add_users(office, "ann:agent", "ben:agent", "eve:agent", "joe:agent")
    admin.set_setting(office, "auto_assign", "all")
    start = threading.Barrier(4)

    def add_some(number: int) -> None:
        mine = open_office(db_url)
        start.wait()
        for n in range(4):
            add(mine, f"07221{number:02d}{n:03d}")
        mine.close()

    programs = [threading.Thread(target=add_some, args=(number,)) for number in range(4)]
    for one in programs:
        one.start()
    for one in programs:
        one.join()
    with office.read() as tx:
        assert sorted(one.load for one in routing.agents(tx)) == [4, 4, 4, 4]
    file = b"name,phone\n" + b"".join(b"Imp %d,07220002%02d\n" % (n, n) for n in range(8))
    importing.run_import(office, file, name="leads.csv")
    done: list[int] = []
    steps = [threading.Thread(target=lambda: done.append(unassigned.step(office))) for _ in range(2)]
    for one in steps:
        one.start()
    for one in steps:
        one.join()
    with office.read() as tx:
        assert sorted(one.load for one in routing.agents(tx)) == [6, 6, 6, 6]
        assert (sum(done), unassigned.waiting(tx)) == (8, 0)


@ONE_ENGINE
def test_a_database_made_before_gets_the_rules_of_its_presets(office: Office) -> None:
    for preset in ("insurance", "real-estate", "estate", "travel"):
        admin.add_preset(office, preset)
    with office.write() as tx:
        made = [dict(row) | {"id": 0, "state_json": None} for row in ASSIGNMENT.rows(tx)]
        tx.conn.execute(t.assignment_rule.delete())
        assignment_rules(tx.conn)
        assert [dict(row) | {"id": 0} for row in ASSIGNMENT.rows(tx)] == made
    assert [one["kind"] for one in routing_rules.list_all(office, pipeline="real-estate")] == [
        "area", "type", "price", "workload", "performance",
    ]  # fmt: skip
