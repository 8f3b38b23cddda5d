"""Work mode's queue: which lead comes next and why, that two people are not on one lead, and the day's parts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from leadtui import clock
from leadtui.errors import FilterError, UsageError
from leadtui.services import (
    activities,
    admin,
    escalation,
    history,
    leads,
    lifecycle,
    quick_log,
    status,
    today,
    work_queue,
)
from leadtui.services.office import Office
from leadtui.services.work_queue import Queue
from leadtui.store import schema as t
from tests.services.lead_help import acting_as, add, add_users, dump

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
"""Friday noon in Nairobi, as `frozen_clock` holds it."""
pytestmark = pytest.mark.usefixtures("frozen_clock")


def all_of(office: Office, queue: Queue) -> list[int]:
    """The whole queue in its order, each lead skipped."""
    seen: list[int] = []
    while (card := work_queue.next(office, queue, after=seen)) is not None:
        seen.append(card.lead_id)
    assert work_queue.count(office, queue) == len(seen)
    return seen


@pytest.fixture
def day(office: Office) -> dict[str, int]:
    """Leads of every kind, all assigned to the acting user."""
    at = {
        "late": "2026-11-18 10:00", "late_hot": "2026-11-19 10:00", "now": "2026-11-20 11:00", "whole_day": "today",
        "later": "2026-11-20 16:00", "next_week": "2026-11-25",
    }  # fmt: skip
    ids = {}
    for place, name in enumerate([*at, "new", "stale"]):
        ids[name] = add(office, f"07220001{place:02}", name=name, priority="high" if name == "late_hot" else "low")
        lifecycle.assign(office, ids[name], "boss")
        if name in at:
            activities.add_follow_up(office, ids[name], at[name], subject="ask about the landlord")
    stage = office.catalog.default_pipeline.id
    first = next(s for s in office.catalog.stages if s.pipeline_id == stage and s.is_default)
    with office.write() as tx:
        long_ago = NOW - timedelta(days=9)
        values = {"stage_changed_at": long_ago, "last_activity_at": long_ago}
        tx.conn.execute(update(t.lead).where(t.lead.c.id == ids["stale"]).values(**values))
    admin.edit(office, "status", str(first.id), {"sla_hours": "48"})
    return ids


def test_overdue_first_then_what_is_due_then_the_rest_and_nothing_before_its_time(
    office: Office, day: dict[str, int]
) -> None:
    named = {number: name for name, number in day.items()}
    order = [named[number] for number in all_of(office, Queue())]
    assert order == ["late_hot", "late", "whole_day", "now", "new", "stale"]
    order = [named[number] for number in all_of(office, Queue(where=""))]
    assert order == ["late_hot", "late", "whole_day", "now", "later", "next_week", "stale", "new"] or order[:6] == [
        "late_hot", "late", "whole_day", "now", "later", "next_week"
    ]  # fmt: skip
    assert [named[n] for n in all_of(office, Queue(where="priority:high"))] == ["late_hot"]
    with pytest.raises(FilterError):
        work_queue.next(office, Queue(where="priority:"))


def test_why_now(office: Office, day: dict[str, int]) -> None:
    reasons = {name: work_queue.card(office, number).reason for name, number in day.items()}
    assert reasons == {
        "late": "follow-up was due Wednesday 10:00 — ask about the landlord",
        "late_hot": "follow-up was due yesterday 10:00 — ask about the landlord",
        "now": "follow-up was due 11:00 — ask about the landlord",
        "whole_day": "follow-up is for today — ask about the landlord",
        "later": "follow-up at 16:00 — ask about the landlord",
        "next_week": "follow-up Wednesday — ask about the landlord",
        "new": "came in today 12:00 from Website; nobody has made contact",
        "stale": "in New for 9 days, 2 days at most",
    }  # fmt: skip
    card = work_queue.card(office, day["late"])
    assert [offer.item.name for offer in card.offers][:2] == ["No answer", "Interested"]
    assert card.suggested == "2026-11-21 10:00"  # a Saturday: the office works until 13:00


def test_two_people_are_never_on_one_lead_and_who_goes_away_gives_it_back(
    office: Office, day: dict[str, int], frozen_clock: Callable[[datetime], None]
) -> None:
    add_users(office, "mary:director")
    queue = Queue(whose="all")
    with acting_as(office, "mary") as mary:
        first = work_queue.next(office, queue)
        hers = work_queue.next(mary, queue)
        assert first is not None
        assert hers is not None
        assert (first.lead_id, hers.lead_id) == (day["late_hot"], day["late"])
        again = work_queue.next(office, queue, after=[first.lead_id], keep=[first.lead_id])
        assert again is not None
        assert again.lead_id == day["whole_day"]  # hers is passed over
        work_queue.release(mary)
        back = work_queue.next(office, queue, after=[first.lead_id, again.lead_id])
        assert back is not None
        assert back.lead_id == day["late"]
        taken = work_queue.next(mary, queue)
        assert taken is not None
        assert taken.lead_id == day["late_hot"]  # given back by going on without keeping it
        frozen_clock(NOW + work_queue.HELD + timedelta(seconds=1))
        if office.store.url.get_backend_name() == "sqlite":  # PostgreSQL goes by the server's clock
            late = work_queue.next(office, queue)
            assert late is not None
            assert late.lead_id == day["late_hot"]


def test_the_sign_of_who_is_on_a_lead_is_no_change_of_it(office: Office, day: dict[str, int]) -> None:
    before, mark = dump(office), leads.change_mark(office)
    work_queue.next(office, Queue())
    assert (dump(office), leads.change_mark(office)) == (before, mark)
    work_queue.release(office)
    with office.read() as tx:
        assert tx.conn.execute(select(t.lease.c.name).where(t.lease.c.kind == "lead")).all() == []


def test_an_outcome_takes_the_lead_out_of_the_queue_and_its_undo_puts_it_back(
    office: Office, day: dict[str, int]
) -> None:
    quick_log.apply(office, day["late_hot"], "No answer")
    assert day["late_hot"] not in all_of(office, Queue())
    history.undo(office)
    assert all_of(office, Queue())[0] == day["late_hot"]
    quick_log.apply(office, day["new"], "No answer")
    assert day["new"] not in all_of(office, Queue())


def test_only_leads_on_which_one_may_log(office: Office, day: dict[str, int]) -> None:
    add_users(office, "ann:agent", "tech:technician")
    lifecycle.assign(office, day["late"], "ann")
    with acting_as(office, "ann") as ann:
        assert all_of(ann, Queue(whose="mine")) == [day["late"]]
        assert all_of(ann, Queue(where="")) == [day["late"]]


# -- the day ----------------------------------------------------------------------------------------------------------


def shown(office: Office, whose: str = "mine") -> dict[str, list[str]]:
    found = today.sections(office, whose=whose)
    assert all(part.count == len(part.rows) for part in found.sections)
    return {part.key: [row.title for row in part.rows] for part in found.sections}


def test_the_day_has_each_thing_in_its_part(office: Office, day: dict[str, int]) -> None:
    nobody = add(office, "0733000000", name="nobody's")
    assert shown(office) == {
        "overdue": ["late", "late_hot"], "now": ["whole_day", "now"], "later": ["later"], "new": ["new"],
        "rotting": ["stale"],
    }  # fmt: skip
    everything = shown(office, "all")
    assert everything["unassigned"] == ["nobody's"]
    lifecycle.assign(office, nobody, "boss")
    assert shown(office)["new"] == ["new", "nobody's"]
    status.lose(office, nobody, "gone")
    status.lose(office, day["stale"], "gone")
    assert list(shown(office, "all")) == ["overdue", "now", "later", "new"]
    with pytest.raises(UsageError):
        today.sections(office, whose="everybody")


def test_what_was_to_be_done_with_a_lost_lead_is_over_and_a_new_plan_is_not(
    office: Office, day: dict[str, int]
) -> None:
    clock.set_clock(lambda: NOW + timedelta(minutes=1))
    for name in ("late", "now", "whole_day"):
        status.lose(office, day[name], "gone")
    activities.add_follow_up(office, day["now"], "today", subject="ask once more")
    assert {key: names for key, names in shown(office).items() if key in {"overdue", "now"}} == {
        "overdue": ["late_hot"], "now": ["now"],
    }  # fmt: skip
    assert all_of(office, Queue())[:2] == [day["late_hot"], day["now"]]


def test_a_count_of_all_and_the_first_rows(office: Office, day: dict[str, int]) -> None:
    found = today.sections(office, first=1)
    assert [(part.key, part.count, len(part.rows)) for part in found.sections][:2] == [
        ("overdue", 2, 1), ("now", 2, 1),
    ]  # fmt: skip
    found = today.sections(office, first=1, more={"now": 50})
    assert [len(part.rows) for part in found.sections][:2] == [1, 2]
    assert found.count("overdue", "now") == 4


def test_a_day_goes_by_the_users_own_zone(office: Office, day: dict[str, int]) -> None:
    admin.edit_user(office, "boss", {"timezone": "Pacific/Auckland"})  # there it is Friday 22:00
    assert "later" not in shown(office)  # 16:00 in Nairobi is Saturday there
    clock.set_clock(lambda: NOW + timedelta(hours=4))
    assert "later" in shown(office)["overdue"] or "later" in shown(office)["now"]


def test_what_was_passed_on_and_planned_anew_is_not_out_of_sight(office: Office, day: dict[str, int]) -> None:
    escalation.process_overdue(office)
    parts = shown(office)
    assert "overdue" not in parts
    anew = [name for name in parts.get("missed", []) + parts.get("later", []) if name.startswith("late")]
    assert set(anew) - {"later"} == {"late", "late_hot"}
    named = {number: name for name, number in day.items()}
    order = [named[number] for number in all_of(office, Queue())]
    assert order[:2] == ["whole_day", "now"]
    assert [name for name in order if name in ("late", "late_hot")] == [
        name for name in order if name in parts.get("missed", [])
    ]
