"""Milestones and the time a lead may stay in its status: as data, noted once, found and marked (spec §U, AJ31)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from leadtui.domain.activity_types import LOG_TYPES, OUTCOMES
from leadtui.domain.catalog import Stage
from leadtui.domain.milestones import check_condition, is_reached
from leadtui.domain.slas import over
from leadtui.errors import Invalid
from leadtui.services import activities, admin, bulk, history, leads, lifecycle, milestones, quick_log
from leadtui.services.activities import LogEntry
from leadtui.services.conversion import ConvertRequest, convert
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.widgets.lead_cells import LeadCells, stay_words
from tests.services.lead_help import add, dump

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("frozen_clock")


def reached(office: Office, lead_id: int) -> list[str]:
    return [one.key for one in leads.get(office, lead_id).milestones]


def noted(office: Office, lead_id: int) -> list[str]:
    return [a.subject for a in leads.get(office, lead_id).activities if a.type == "milestone"]


def test_the_five_of_the_specification(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    lead_id = add(office)
    assert reached(office, lead_id) == []
    steps: list[tuple[str, str | None, list[str]]] = [
        ("call", "no_answer", []), ("note", None, []), ("call", "positive", ["first_contact"]),
        ("site_visit", None, ["first_visit"]), ("quotation", None, ["first_quote"]), ("email", "neutral", []),
        ("sms", None, ["5_touchpoints"]), ("call", "positive", []),
    ]  # fmt: skip
    expected: list[str] = []
    for n, (kind, outcome, new) in enumerate(steps):
        frozen_clock(NOW + timedelta(minutes=n))
        activities.log(office, lead_id, LogEntry(kind, outcome=outcome))
        expected += new
        assert reached(office, lead_id) == expected
        assert leads.get(office, lead_id).activities[0].type == kind, "the contact stands above what it reached"
    frozen_clock(NOW + timedelta(hours=1))
    convert(office, lead_id, ConvertRequest())
    assert reached(office, lead_id) == [*expected, "converted"]
    lifecycle.reopen(office, lead_id, "a mistake")
    convert(office, lead_id, ConvertRequest())
    names = ["First contact", "First visit", "First quotation", "5 touchpoints", "Converted"]
    assert sorted(noted(office, lead_id)) == sorted(names), "once each"


def test_a_plan_is_reached_when_it_is_done(office: Office) -> None:
    lead_id = add(office)
    activities.log(office, lead_id, LogEntry("site_visit", schedule="tomorrow 10:00"))
    assert reached(office, lead_id) == []
    activities.complete(office, leads.get(office, lead_id).follow_ups[0].id)
    assert reached(office, lead_id) == ["first_contact", "first_visit"]


def test_undo_forgets_what_the_batch_reached(office: Office) -> None:
    lead_id = add(office)
    tables = ("lead", "activity", "lead_milestone")
    activities.log(office, lead_id, LogEntry("call"))
    before = dump(office, tables)
    done = quick_log.apply(office, lead_id, "Visited")
    assert reached(office, lead_id) == ["first_contact", "first_visit"]
    assert history.undo(office, done.batch).refused == ()
    assert dump(office, tables) == before
    quick_log.apply(office, lead_id, "Visited")
    assert reached(office, lead_id) == ["first_contact", "first_visit"]


def test_many_leads_at_once_with_a_handful_of_statements(office: Office) -> None:
    from sqlalchemy import event

    ids = tuple(add(office, phone=f"07220003{n:02}") for n in range(30))
    seen: list[str] = []
    event.listen(office.store.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    done = bulk.apply(office, bulk.Target(ids=ids), bulk.Act(log=LogEntry("email")))
    assert done.changed == 30
    assert sum("milestone" in one for one in seen) <= 4
    assert all(reached(office, i) == ["first_contact"] for i in ids)
    history.undo(office, done.batch)
    with office.read() as tx:
        assert tx.conn.execute(select(func.count()).select_from(t.lead_milestone)).scalar_one() == 0


def test_a_refused_part_of_a_bulk_act_reaches_nothing(office: Office) -> None:
    lead_id = add(office)
    lost = add(office, phone="0722000112")
    lifecycle.lose(office, lost, "too dear")
    done = bulk.apply(office, bulk.Target(ids=(lead_id, lost)), bulk.Act(log=LogEntry("call"), lose="no"))
    assert (done.changed, len(done.refused)) == (1, 1)
    assert (reached(office, lead_id), reached(office, lost)) == (["first_contact"], [])


def test_definitions_are_data(office: Office) -> None:
    made = admin.add(office, "milestone", {"name": "Two good visits", "types": "Site-Visit", "count": "2",
                                           "outcomes": "positive"})  # fmt: skip
    assert (made["key"], made["types"], made["count"], made["outcomes"]) == (
        "two_good_visits", ["site_visit"], 2, ["positive"],
    )  # fmt: skip
    lead_id = add(office)
    for outcome in ("positive", "negative"):
        activities.log(office, lead_id, LogEntry("site_visit", outcome=outcome))
    told, rows = milestones.rehearse(office, lead_id)
    assert told["status"] == "New"
    assert {one["key"]: one["state"] for one in rows} == {
        "first_contact": "reached", "first_visit": "reached", "first_quote": "open", "converted": "open",
        "5_touchpoints": "open", "two_good_visits": "open",
    }  # fmt: skip
    admin.edit(office, "milestone", "Two good visits", {"outcomes": ""})
    assert milestones.rehearse(office, lead_id)[1][-1]["state"] == "now"
    admin.retire(office, "milestone", "two_good_visits")
    activities.log(office, lead_id, LogEntry("site_visit", outcome="positive"))
    assert "two_good_visits" not in reached(office, lead_id)
    for values, field in (
        ({"types": "", "count": ""}, "types"), ({"types": "assignment"}, "types"), ({"stage": "gone"}, "stage"),
        ({"count": "0"}, "count"), ({"outcomes": "great"}, "outcomes"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as caught:
            admin.edit(office, "milestone", "Two good visits", values)
        assert caught.value.field == field


_CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "types": st.lists(st.sampled_from(LOG_TYPES), min_size=1),
        "outcomes": st.lists(st.sampled_from(OUTCOMES), min_size=1),
        "not_outcomes": st.lists(st.sampled_from(OUTCOMES), min_size=1),
        "count": st.integers(1, 4),
    },
)
_DONE = st.lists(
    st.tuples(st.sampled_from(LOG_TYPES), st.sampled_from([None, *OUTCOMES]), st.integers(1, 3)), max_size=6
)


@given(_CONDITIONS.filter(bool), _DONE, _DONE)
def test_more_activities_never_take_a_milestone_away(condition: dict[str, object], some: list, more: list) -> None:  # type: ignore[type-arg]
    check_condition(condition)
    stage = Stage(1, 1, "new", "New", 1, 1, 0.1)
    if is_reached(condition, some, stage):
        assert is_reached(condition, some + more, stage)
    each = [(kind, outcome, 1) for kind, outcome, many in some for _ in range(many)]
    assert is_reached(condition, some, stage) == is_reached(condition, each, stage)


# -- how long a lead may stay -----------------------------------------------------------------------------------------


def test_rotting_leads_are_found_and_marked(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    stays = {name: add(office, phone=f"07220004{n:02}", name=name) for n, name in enumerate(
        ("new", "interested", "parked", "lost", "gone", "fresh"))}  # fmt: skip
    lifecycle.set_status(office, stays["interested"], "Interested")
    lifecycle.set_status(office, stays["parked"], "Future Prospect")
    lifecycle.set_status(office, stays["lost"], "Not Interested", reason="no")
    lifecycle.delete(office, stays["gone"])
    frozen_clock(NOW + timedelta(hours=24))
    assert leads.count(office, "is:rotting") == 0, "exactly as long as allowed"
    frozen_clock(NOW + timedelta(hours=25))
    lifecycle.set_status(office, stays["fresh"], "Contacted")
    assert [one.name for one in leads.search(office, "is:rotting").rows] == ["new"]
    frozen_clock(NOW + timedelta(days=9))
    lifecycle.set_status(office, stays["fresh"], "Future Prospect")
    found = leads.search(office, "is:rotting", sort="name").rows
    assert [one.name for one in found] == ["interested", "new"]
    assert leads.count(office, "-is:rotting is:active") == 2
    cells = LeadCells(office.catalog)
    assert cells.status(found[0]) == ("◐ Interested !", "warning")
    assert LeadCells(office.catalog, plain=True).status(found[0])[0] == "+ Interested !"
    admin.edit(office, "status", "Interested", {"sla_hours": ""})
    assert [one.name for one in leads.search(office, "is:rotting").rows] == ["new"]
    with pytest.raises(Invalid):
        admin.edit(office, "status", "Interested", {"sla_hours": "0"})


def test_the_words_of_staying_too_long() -> None:
    stage = Stage(1, 1, "i", "Interested", 3, 3, 0.4, sla_hours=168)

    def words(**since: float) -> str:
        return stay_words(stage, NOW - timedelta(**since), NOW)[0]

    assert words(days=9) == "9 days, 2 over"
    assert words(days=7, hours=5) == "7 days, 5 hours over"
    assert words(days=7, seconds=1) == "7 days, just over"
    assert words(days=35) == "5 weeks, 4 over"
    assert words(days=3) == "3 days"
    for flag in ("is_lost", "is_converted", "is_parked"):
        closed = replace(stage, **{flag: True})  # type: ignore[arg-type]
        assert over(closed, NOW - timedelta(days=9), NOW) is None
    assert over(Stage(1, 1, "i", "I", 3, 3, 0.4), NOW - timedelta(days=900), NOW) is None
